"""`mkdocs-genimage costs`: what was spent, each picture once."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_args

import pytest
from api_server import Reply
from cli_runs import Ran, genimage, genimage_process
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sites import Site, fence, tree

from mkdocs_genimage.cli.costs import _print, _Report
from mkdocs_genimage.journal import Journal
from mkdocs_genimage.upkeep import costs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api_server import ImagesServer

BLOCK = "alt=x size=64x48"
PRICE = 0.041


@pytest.fixture
def bare(site: Site) -> Site:
    site.use_bare_theme()
    site.options |= {"max_images": 0, "max_cost": 0, "pricing": {"per_image": PRICE}}
    return site


def found(site: Site, *options: str) -> Any:
    return genimage(site, "costs", "--json", *options).ended().json("costs")


def total(site: Site) -> tuple[int, float, int]:
    content = found(site)["total"]
    return content["images"], content["cost"], content["unknown_prices"]


def by(site: Site, name: str, *options: str) -> dict[str | None, tuple[int, float]]:
    rows = found(site, "--by", name, *options)["rows"]
    return {row[name]: (row["images"], row["cost"]) for row in rows}


def ledger(site: Site) -> Path:
    return site.cache / ".journal/ledger.jsonl"


def lines(site: Site) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ledger(site).read_text(encoding="utf-8").splitlines()]


def rewrite(site: Site, content: list[dict[str, Any]]) -> None:
    ledger(site).parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in content)
    ledger(site).write_text(text, encoding="utf-8")


def sidecars(site: Site) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(site.cache.glob("*.json")):
        yield path, json.loads(path.read_text(encoding="utf-8"))


def at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def test_a_picture_in_both_records_counts_once(bare: Site, api: ImagesServer) -> None:
    bare.write({"docs/index.md": fence("A fox", f"{BLOCK} n=3") + fence("A hen", BLOCK)})
    bare.build()
    before, calls = tree(bare.root), len(api.calls)
    assert total(bare) == (4, 0.164, 0)
    ran = genimage(bare, "costs").ended()
    month = datetime.now(timezone.utc).strftime("%Y-%m")
    assert ran.output.splitlines() == [
        "month    pictures   cost",
        f"{month}         4  $0.16",
        "total           4  $0.16",
        "",
        "Last 30 days: $0.16 for 4 pictures.",
        "Dates are in UTC.",
    ]
    assert tree(bare.root) == before
    assert len(api.calls) == calls
    # As a colleague sees it, who has only what is committed; then one who made some of it.
    mine = lines(bare)
    ledger(bare).unlink()
    assert total(bare) == (4, 0.164, 0)
    for line in mine:
        rewrite(bare, [line])
        assert total(bare) == (4, 0.164, 0)


def test_pictures_that_are_gone_or_remade_stay_in_the_ledger(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", BLOCK) + fence("A hen", BLOCK)})
    bare.build()
    for path in bare.cache.glob("a-fox*"):
        path.unlink()
    assert total(bare) == (2, 0.082, 0)
    bare.build()
    assert total(bare) == (3, 0.123, 0)
    assert {name: row[0] for name, row in by(bare, "key").items()} == {
        line["key"]: 2 if "index.md:1" in line["place"] else 1 for line in lines(bare)
    }


@pytest.mark.parametrize("has_ids", [True, False], ids=["request ids", "no request ids"])
def test_the_same_picture_from_two_machines_was_paid_for_twice(bare: Site, has_ids: bool) -> None:
    bare.write({"docs/index.md": fence("A fox", BLOCK)})
    bare.build()
    (line,) = lines(bare)
    ((path, sidecar),) = sidecars(bare)
    hours_ago = datetime.now(timezone.utc) - timedelta(hours=5)
    if has_ids:
        sidecar["request_id"] = "req_of_a_colleague"
    else:
        line["request_id"] = None
        del sidecar["request_id"]
        rewrite(bare, [line])
        path.write_text(json.dumps(sidecar))
        assert total(bare) == (1, PRICE, 0)
        sidecar["created"] = at(hours_ago)
    path.write_text(json.dumps(sidecar))
    assert total(bare) == (2, 2 * PRICE, 0)
    # A copy by another name is no other picture.
    path.with_name(path.name.replace("a-fox", "fox")).write_text(json.dumps(sidecar))
    assert total(bare) == (2, 2 * PRICE, 0)


def test_a_request_brought_no_more_pictures_than_it_says(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", f"{BLOCK} n=2")})
    bare.build()
    (line,) = lines(bare)
    rewrite(bare, [{**line, "images": 1, "cost": PRICE}])
    assert total(bare) == (2, 2 * PRICE, 0)
    assert by(bare, "key") == {line["key"]: (2, 2 * PRICE)}


def test_pictures_of_a_killed_build(bare: Site, api: ImagesServer) -> None:
    """One whose sidecar was lost is taken over without a price, which the ledger has."""
    bare.write({"docs/index.md": fence("A fox", BLOCK)})
    bare.build()
    next(bare.cache.glob("*.json")).unlink()
    bare.build()
    assert next(sidecars(bare))[1]["recovered"]
    assert total(bare) == (1, PRICE, 0)
    ledger(bare).unlink()
    assert total(bare) == (1, 0, 1)
    assert by(bare, "month") == {None: (1, 0)}
    ran = genimage(bare, "costs").ended()
    assert ran.output.splitlines()[1].split() == ["no", "date", "1", "1", "?"]
    assert "The price of 1 picture is not known" in ran.output
    assert (
        "Left out, as they have no date: 1."
        in genimage(bare, "costs", "--since", "2020-01").ended().output
    )
    assert len(api.posts) == 1


def test_own_pictures_cost_nothing(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", BLOCK)})
    bare.build()
    picture = next(bare.cache.glob("*.png")).read_bytes()
    bare.write({"mine.png": picture, "docs/index.md": fence("A hen", f"{BLOCK} #hen")})
    genimage(bare, "adopt", "#hen", str(bare.root / "mine.png")).ended()
    assert total(bare) == (1, PRICE, 0)


def test_months_models_pages(bare: Site) -> None:
    bare.write(
        {
            "docs/index.md": "---\ntitle: Home\n---\n" + fence("A fox", BLOCK),
            "docs/指南.md": "- item\r\n\r\n    ```genimage model=older\r\n    一只狐狸\r\n    ```\r\n",
            "docs/part.md": "# Part\n",
        }
    )
    bare.build()
    mine = lines(bare)
    for line in mine:
        if "指南" in line["place"]:
            line["time"] = "2025-12-31T23:30:00-02:00"  # in UTC it is January
        else:
            line["time"] = "2025-12-31T23:59:59Z"
    (at_home,) = [line for line in mine if "index" in line["place"]]
    rewrite(bare, [{**at_home, "key": "0" * 64, "place": "docs/gone.md:7", "cost": 1}, *mine])
    assert by(bare, "month") == {"2025-12": (2, 1.041), "2026-01": (1, PRICE)}
    assert list(by(bare, "page").items()) == [
        ("docs/gone.md", (1, 1)),
        ("docs/index.md", (1, PRICE)),
        ("docs/指南.md", (1, PRICE)),
    ]
    assert by(bare, "month", "--since", "2026-01-01") == {"2026-01": (1, PRICE)}
    assert by(bare, "month", "--since", "2025-12") == by(bare, "month")
    assert by(bare, "month", "--since", "2027-01-01") == {}
    ran = genimage(bare, "costs", "--since", "2027-01-01").ended()
    assert ran.output.startswith("Nothing was spent since 2027-01-01, as far as is known here.\n")
    rows = found(bare, "--by", "model")["rows"]
    assert [(row["model"], row["images"], row["host"][:10]) for row in rows] == [
        ("gpt-image-2", 2, "127.0.0.1:"),
        ("older", 1, "127.0.0.1:"),
    ]
    rows = found(bare, "--by", "key")["rows"]
    assert [(row["key"][:3], row["name"] and row["name"][:5]) for row in rows[:1]] == [
        ("000", None)
    ]
    table = genimage(bare, "costs", "--by", "key").ended().output
    assert table.splitlines()[1].split() == ["000000000000", "1", "$1.00"]


def test_pages_of_others_pictures_are_looked_up(
    bare: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.config["markdown_extensions"] = [
        {"pymdownx.snippets": {"base_path": [str(bare.root / "parts")]}}
    ]
    bare.write(
        {
            "parts/part.md": fence("A fox", f"{BLOCK} n=2"),
            "docs/index.md": '# Page\n\n--8<-- "part.md"\n',
            "docs/two.md": fence("A hen", BLOCK),
        }
    )
    bare.build()
    expected = {"docs/index.md": (2, 0.082), "docs/two.md": (1, PRICE)}
    assert by(bare, "page") == expected
    ledger(bare).unlink()
    assert by(bare, "page") == expected
    bare.write({"docs/two.md": "# Two\n"})
    assert by(bare, "page") == {"docs/index.md": (2, 0.082), None: (1, PRICE)}
    assert "no page" in genimage(bare, "costs", "--by", "page").ended().output

    def survey(_config: Any) -> None:
        raise AssertionError("the site was built")

    monkeypatch.setattr("mkdocs_genimage.cli.site.survey", survey)
    for name in ("month", "model", "key"):
        assert found(bare, "--by", name)["total"]["images"] == 3


def test_unknown_prices(bare: Site, api: ImagesServer) -> None:
    bare.options["pricing"] = {}
    bare.write({"docs/index.md": fence("A fox", f"{BLOCK} n=2")})
    bare.build()
    bare.options["pricing"] = {"per_image": 0.25}
    bare.write({"docs/index.md": fence("A hen", BLOCK)})
    bare.build()
    assert total(bare) == (3, 0.25, 2)
    output = genimage(bare, "costs").ended().output
    assert output.splitlines()[0].split() == ["month", "pictures", "unknown", "price", "cost"]
    assert "Last 30 days: $0.25 for 3 pictures, 2 of them of unknown price." in output
    assert "The price of 2 pictures is not known, so the sums are without." in output


def test_possibly_billed(bare: Site, api: ImagesServer) -> None:
    api.script(Reply(status=500), Reply(data=b"no picture"))
    bare.options["concurrency"] = 1
    bare.write({"docs/index.md": fence("A fox", BLOCK) + fence("A hen", f"{BLOCK} n=2")})
    bare.build(warns=["docs/index.md:1", "docs/index.md:4"])
    lost = found(bare)["possibly_billed"]
    assert [(one["place"], one["estimate"], one["billed"]) for one in lost] == [
        ("docs/index.md:1", PRICE, "maybe"),
        ("docs/index.md:4", 2 * PRICE, "yes"),
    ]
    # What was sent by a process that was killed; then one whose answer had come.
    key = "ab" * 32
    facts = {"key": key, "place": "docs/two.md:3", "images": 1, "estimate": None, "model": "m"}
    Journal(bare.cache).begin(key[:12], facts)
    content = found(bare)
    assert content["total"] == {"images": 0, "cost": 0, "unknown_prices": 0}
    assert content["possibly_billed_estimate"] == pytest.approx(3 * PRICE)
    assert content["possibly_billed_unknown"] == 1
    output = genimage(bare, "costs").ended().output.splitlines()
    assert output[0] == "Nothing was spent, as far as is known here."
    assert output[1] == (
        "3 requests without a picture, possibly billed (up to about $0.12, 1 of unknown price). Not "
        "in the sums:"
    )
    assert output[2].startswith("  docs/index.md:1: 20")
    assert "about $0.04: 127.0.0.1:" in output[2]
    assert output[3].endswith(" It was billed.")
    assert output[4].startswith("  docs/two.md:3: 20")
    assert output[4].endswith("price unknown: it was begun and has not ended.")
    assert found(bare, "--since", "2100-01-01")["possibly_billed"] == []
    Journal(bare.cache).record({**facts, "outcome": "made", "cost": 0.5})
    assert len(found(bare)["possibly_billed"]) == 2


def test_lines_that_processes_left_half_written(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", BLOCK) + fence("A hen", BLOCK)})
    bare.build()
    (first, second) = ledger(bare).read_bytes().splitlines(keepends=True)
    key = json.loads(first)["key"].encode()
    torn = first.replace(key, b"0" * 64)[:-30]
    ledger(bare).write_bytes(torn + first + b"\0\0\0\n\n[1]\nnull\n" + second + torn)
    content = found(bare)
    assert content["total"] == {"images": 2, "cost": 0.082, "unknown_prices": 0}
    assert content["unreadable_ledger_lines"] == 4
    assert "4 lines of the ledger cannot be read: left out." in genimage(bare, "costs").output
    ledger(bare).unlink()
    ledger(bare).mkdir()
    assert total(bare) == (2, 0.082, 0)
    next(bare.cache.glob("a-fox*.json")).write_bytes(b"version https://git-lfs.github.com/spec/v1")
    assert found(bare)["unreadable_sidecars"] == 1
    assert "1 sidecar cannot be read: left out." in genimage(bare, "costs").ended().output


def test_clocks_that_were_wrong(bare: Site) -> None:
    now = datetime.now(timezone.utc)
    moments = [now + timedelta(days=400), now - timedelta(days=29), now - timedelta(days=31)]
    base = {"key": "k", "model": "m", "host": "h", "images": 1, "cost": 0.5, "outcome": "made"}
    rewrite(bare, [{**base, "time": at(one)} for one in [*moments, now]])
    bare.write({"docs/index.md": "# Page\n"})
    content = found(bare)
    assert content["total"]["images"] == 4
    assert content["last_30_days"] == {"images": 2, "cost": 1, "unknown_prices": 0}
    assert content["from_the_future"] == 1
    months = [row["month"] for row in content["rows"]]
    assert months == sorted(months)
    assert "Dated in the future, as a clock was wrong: 1." in genimage(bare, "costs").output


def test_sums_are_exact(bare: Site) -> None:
    """In binary fractions 1,000 times 0.1 is not 100, and half cents go astray."""
    base = {"model": "m", "host": "h", "images": 1, "time": "2026-01-02T03:04:05+00:00"}
    prices = [0.1] * 1000 + [0.005] * 3 + [0.041024999999999995] * 7
    rewrite(bare, [{**base, "key": str(n), "cost": cost} for n, cost in enumerate(prices)])
    bare.write({"docs/index.md": "# Page\n"})
    exact = Decimal(100) + 3 * Decimal("0.005") + 7 * Decimal("0.041025")
    assert found(bare)["total"]["cost"] == float(exact)
    rows = list(csv.reader(io.StringIO(genimage(bare, "costs", "--csv").ended().output)))
    assert rows == [
        ["month", "pictures", "usd", "of_unknown_price"],
        ["2026-01", "1010", f"{exact}", "0"],
    ]
    rows = list(csv.reader(io.StringIO(genimage(bare, "costs", "--csv", "--by", "key").output)))
    assert sum(Decimal(row[3]) for row in rows[1:]) == exact
    assert "$100.30" in genimage(bare, "costs").output


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["maybe", "yes", "made", "2026-11-01T00:00:00", "9999-12-31T23:59:59-12:00"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=3,
)
FIELDS = ["key", "time", "model", "host", "place", "images", "cost", "estimate", "billed"]
FIELDS += ["request_id", "outcome", "created"]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    content=st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES), max_size=4),
    sidecar=st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES),
)
def test_anything_may_stand_in_the_records(
    tmp_path_factory: pytest.TempPathFactory,
    content: list[dict[str, Any]],
    sidecar: dict[str, Any],
) -> None:
    site = Site(tmp_path_factory.getbasetemp() / "records")
    rewrite(site, content)
    whole = {"key": "0" * 64, **sidecar, "variant": 1, "format": "png"}
    (site.cache / "a-fox-000000000000.json").write_text(json.dumps(whole), encoding="utf-8")
    gathered = costs.gather(site.cache)
    for name in get_args(costs.By):
        report = _Report(gathered, name, datetime(2026, 1, 1) if name == "key" else None)
        assert len(list(csv.reader(io.StringIO(report.csv)))) == len(report.rows) + 1
        assert all(note.isprintable() for note in report.notes)
        if name == "model":
            Ran(0, json.dumps(report.data, allow_nan=False), "").json("costs")
            _print(report)
    is_lost = [one.get("billed") in ("maybe", "yes") for one in content]
    assert len(gathered.lost) == sum(is_lost)


def test_page_of_place() -> None:
    assert costs.page_of_place("docs/a b:1.md:12") == "docs/a b:1.md"
    assert costs.page_of_place("docs/guide.md (from a snippet)") == "docs/guide.md"
    assert costs.page_of_place("docs/guide.md") == "docs/guide.md"


# --- Wrong use, and as a process ---------------------------------------------------------------


def test_nothing_was_spent(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", BLOCK)})
    output = genimage(bare, "costs").ended().output
    assert output == "Nothing was spent, as far as is known here.\n"
    assert not bare.cache.exists()
    assert found(bare)["rows"] == []


def test_wrong_use(bare: Site) -> None:
    bare.write({"docs/index.md": "# Page\n"})
    assert "exclude each other" in genimage(bare, "costs", "--csv", "--json").ended(2).errors
    assert "'--since'" in genimage(bare, "costs", "--since", "yesterday").ended(2).errors
    assert "'--by'" in genimage(bare, "costs", "--by", "year").ended(2).errors
    bare.options = None
    assert "has no 'genimage'" in genimage(bare, "costs").ended(2).errors


def test_as_a_process(bare: Site, child_env: dict[str, str], tmp_path: Path) -> None:
    bare.options["pricing"] = {}
    bare.write({"docs/index.md": fence("A fox", BLOCK)})
    bare.build()
    ran = genimage_process(bare.root, "costs", "--csv", "--by", "key", env=child_env).ended()
    rows = list(csv.reader(io.StringIO(ran.output)))
    assert rows[0] == ["key", "name", "pictures", "usd", "of_unknown_price"]
    assert rows[1][1].startswith("a-fox-")
    assert rows[1][2:] == ["1", "0", "1"]
    assert ran.errors.startswith("The price of 1 picture is not known")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "mkdocs.yml" in genimage_process(empty, "costs", env=child_env).ended(2).errors
