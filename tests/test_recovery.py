"""What arrived is on disk before anything is done with it, and is taken up again by the next build."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from api_server import ImagesServer, Reply
from sites import Site, fence

from mkdocs_genimage.cache import Cache
from mkdocs_genimage.errors import CacheError
from mkdocs_genimage.journal import Journal
from mkdocs_genimage.plugin import GenimagePlugin

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = "alt=x size=64x48"


@pytest.fixture
def pair(site: Site) -> Site:
    site.use_bare_theme()
    site.write({"docs/index.md": fence("A fox", BLOCK) + fence("A hen", BLOCK + " n=2")})
    return site


def journal(site: Site) -> Path:
    return site.cache / ".journal"


def raw(site: Site) -> list[Path]:
    return sorted(journal(site).glob("*.raw"))


def open_entries(site: Site) -> list[Path]:
    return sorted(journal(site).glob("*.json"))


def test_pictures_that_cannot_be_stored_are_kept_and_not_paid_for_again(
    pair: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CacheError("No space left for pictures.")

    pair.options["concurrency"] = 8
    with monkeypatch.context() as patched:
        patched.setattr(Cache, "put", full)
        pair.build(warns=["It has come and is kept: the next build takes it."])
    asked = len(api.posts)
    assert len(raw(pair)) == sum(int(call.fields.get("n", 1)) for call in api.posts)
    built = pair.build(strict=True)
    assert len(api.posts) == asked == 2
    assert built.summary == "3 images: 3 from the cache, 0 generated, 0 failed"
    assert len(pair.cached(".png")) == 3
    assert raw(pair) == open_entries(pair) == []
    sidecar = json.loads((pair.cache / pair.cached(".json")[0]).read_bytes())
    assert sidecar["recovered"] is True
    assert sidecar["model"] == "gpt-image-2"
    assert sidecar["host"] == api.url.removeprefix("http://")


def test_bytes_that_were_cut_short_are_no_picture(pair: Site, api: ImagesServer) -> None:
    pair.build(strict=True)
    name = pair.cached(".png")[0]
    data = (pair.cache / name).read_bytes()
    digits = name.removesuffix(".png").split("-")[2]
    for ending in (".png", ".json"):
        (pair.cache / name).with_suffix(ending).unlink()
    Journal(pair.cache).keep(digits, data[: len(data) // 2])
    built = pair.build(strict=True)
    assert "1 generated" in built.summary
    assert len(api.posts) == 3
    assert raw(pair) == []


def test_what_a_kill_left_beside_a_stored_picture_goes(pair: Site, api: ImagesServer) -> None:
    pair.build(strict=True)
    digits = [name.removesuffix(".png").split("-")[2] for name in pair.cached(".png")]
    own = Journal(pair.cache)
    own.begin(digits[0], {"key": "k"})
    own.keep(digits[0], b"x")
    own.keep("0123456789ab", b"of an image that nobody wants any more")
    for path in (*raw(pair), *open_entries(pair)):
        os.utime(path, (0, 0))  # older than the picture
    pair.write({"docs/more.md": fence("A crow", BLOCK)})
    pair.build(strict=True)
    assert [path.name for path in raw(pair)] == ["0123456789ab.raw"]
    assert open_entries(pair) == []
    assert len(api.posts) == 3


def test_answer_that_is_no_picture_is_not_kept(pair: Site, api: ImagesServer) -> None:
    api.reply = lambda _: Reply(data=b"\x89PNG\r\n\x1a\n torn")
    pair.build(warns=["docs/index.md:1: no picture", "docs/index.md:4: no picture"])
    assert raw(pair) == open_entries(pair) == []


def test_ledger_is_read_line_by_line(tmp_path: Path) -> None:
    own = Journal(tmp_path)
    assert own.ledger() == ([], 0)
    own.record({"key": "a", "cost": 0.5})
    with (tmp_path / ".journal/ledger.jsonl").open("ab") as file:
        file.write(b'{"key": "torn\n[1]\n\xff\n')
    own.record({"key": "b"})
    lines, unreadable = own.ledger()
    assert [line["key"] for line in lines] == ["a", "b"]
    assert unreadable == 3


def test_unfinished_requests(tmp_path: Path) -> None:
    own = Journal(tmp_path)
    assert own.unfinished() == {}
    own.begin("0123456789ab", {"key": "0123456789abcdef", "model": "m"})
    (tmp_path / ".journal/ba9876543210.json").write_text("[]")
    assert {key: facts["model"] for key, facts in own.unfinished().items()} == {
        "0123456789abcdef": "m"
    }
    own.end("0123456789ab")
    assert own.unfinished() == {}


def test_options_that_cannot_work_do_not_leave_the_ones_before_in_force(
    pair: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`serve`, in which mkdocs.yml is edited: no request may go where it went before."""
    pair.options["serve"] = "generate"
    pair.build(command="serve")
    asked = len(api.posts)
    # MkDocs calls it once for all builds of a command.
    monkeypatch.setattr(GenimagePlugin, "on_startup", lambda *_, **__: None)
    pair.options["provider"] = "nobody"
    pair.write({"docs/more.md": fence("A crow", BLOCK)})
    for _ in range(2):
        problem = "there is no provider 'nobody'"
        pair.build(fails=True, warns=[problem], command="serve", keep_plugins=True)
    assert len(api.posts) == asked
