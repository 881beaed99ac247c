"""`mkdocs-genimage generate`: pictures made on purpose, over real HTTP."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from api_server import ImagesServer, Reply, error_body
from cli_runs import genimage, genimage_process
from sites import fence

from mkdocs_genimage import models

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sites import Site

BLOCK = "alt=x size=64x48"


@pytest.fixture
def pages(bare: Site) -> Site:
    """Three pages with two pictures each."""
    for name in ("index", "guide/one", "guide/two"):
        bare.write(
            {f"docs/{name}.md": fence(f"A fox {name}", BLOCK) + fence(f"A hen {name}", BLOCK)}
        )
    return bare


def prompts(api: ImagesServer) -> list[str]:
    return [call.fields["prompt"] for call in api.posts]


def test_all_that_is_missing_in_the_order_of_the_pages(pages: Site, api: ImagesServer) -> None:
    pages.options["concurrency"] = 1
    ran = genimage(pages, "generate").ended()
    assert prompts(api) == [
        f"A {animal} {page}"
        for page in ("index", "guide/one", "guide/two")
        for animal in ("fox", "hen")
    ]
    assert len(pages.cached(".png")) == 6
    assert not (pages.root / "site").exists()
    assert "6 pictures to make: price not known here. Limit: none." in ran.output, (
        "dollars do not bind"
    )
    assert "6 images: 0 from the cache, 6 generated, 0 failed" in ran.errors
    ran = genimage(pages, "generate").ended()
    assert ran.output == "Nothing to make: all pictures are there.\n"
    assert len(api.posts) == 6
    pages.build(strict=True)
    assert len(api.posts) == 6


@pytest.mark.parametrize(
    ("only", "made"),
    [
        (["guide/*"], 4),
        (["docs/guide/*.md"], 4),
        (["guide/one.md"], 2),
        (["docs/index.md:5"], 1),
        (["index.md:1", "guide/two.md"], 3),
        (["*"], 6),
    ],
)
def test_only_some(pages: Site, api: ImagesServer, only: list[str], made: int) -> None:
    arguments = [word for name in only for word in ("--only", name)]
    genimage(pages, "generate", *arguments).ended()
    assert len(api.posts) == made


def test_only_one_by_its_key(pages: Site, api: ImagesServer) -> None:
    plan = genimage(pages, "plan", "--json").ended().json("plan")
    wanted = plan["blocks"][3]["images"][0]
    genimage(pages, "generate", "--only", wanted["key"][:10]).ended()
    assert [name.removesuffix(".png") for name in pages.cached(".png")] == [wanted["name"]]


@pytest.mark.parametrize("name", ["nope/*", "guide/three.md", "0123abcd", "docs/index.md:99"])
def test_only_what_is_not_there(pages: Site, api: ImagesServer, name: str) -> None:
    assert genimage(pages, "generate", "--only", name).ended(2).errors.startswith("Error: ")
    assert api.calls == []


def test_what_a_picture_is_made_from_is_made_first(pages: Site, api: ImagesServer) -> None:
    edit = fence("prompt: The fox at night\nimage: '#fox'\nalt: x\nsize: 64x48")
    pages.write({"docs/edit.md": edit + fence("A fox to edit", f"{BLOCK} #fox")})
    genimage(pages, "generate", "--only", "docs/edit.md:1").ended()
    assert prompts(api) == ["A fox to edit", "The fox at night"]
    assert api.posts[1].path.endswith("/edits")


def test_a_picture_that_another_is_made_from_is_told_at_its_own_block(pages: Site) -> None:
    pages.write(
        {
            "docs/index.md": fence('prompt: Later\nimage: "#first"')
            + fence("First", f"{BLOCK} #first")
        }
    )
    made = genimage(pages, "generate", "--only", "index.md", "--json").ended().json("generate")
    places = [image["places"] for image in made["images"]]
    assert places == [["docs/index.md:5", "docs/index.md:1"], ["docs/index.md:1"]]


def test_limit_of_this_command(pages: Site, api: ImagesServer) -> None:
    pages.options["concurrency"] = 1
    ran = genimage(pages, "generate", "--max-images", "2").ended(1)
    assert len(api.posts) == 2
    assert "4 pictures are missing: 'max_images: 2' is reached" in ran.errors
    assert "Limit: 2 pictures." in ran.output


def test_limit_in_dollars_and_what_it_cost(
    pages: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "OFFICIAL_HOSTS", (api.url.removeprefix("http://"),))
    api.reply = lambda _: Reply(extra={"usage": None})
    pages.options |= {"concurrency": 1, "pricing": {"per_image": 0.25}}
    ran = genimage(pages, "generate", "--max-cost", "0.5").ended(1)
    assert "6 pictures to make: about $1.50. Limit: $0.50." in ran.output
    assert "2 generated, 4 failed, $0.50 spent" in ran.errors
    assert "They would cost about $1.00. Set 'max_cost: 1.50' in mkdocs.yml" in ran.errors
    data = genimage(pages, "generate", "--json", "--max-cost", "0").ended().json("generate")
    assert data["spent"] == 1.0
    assert [image["cost"] for image in data["images"]] == [0.25] * 4
    assert all((pages.root / image["file"]).is_file() for image in data["images"])


def test_failures_are_told_and_the_rest_is_made(pages: Site, api: ImagesServer) -> None:
    def reply(call: Any) -> Reply | None:
        return (
            Reply(status=400, body=error_body("no", "bad"))
            if "hen index" in str(call.fields)
            else None
        )

    api.reply = reply
    data = genimage(pages, "generate", "--json").ended(1).json("generate")
    states = {image["places"][0]: image["state"] for image in data["images"]}
    assert states["docs/index.md:4"] == "failed"
    assert list(states.values()).count("generated") == 5
    assert "refused the request" in data["images"][1]["error"]


def test_bad_blocks_are_told_and_the_rest_is_made(pages: Site, api: ImagesServer) -> None:
    pages.write({"docs/bad.md": fence("A fox", "alt=x quality=hihg")})
    ran = genimage(pages, "generate").ended(1)
    assert "docs/bad.md:1: 'quality' cannot be 'hihg'" in ran.errors
    assert len(api.posts) == 6
    pages.write({"docs/bad.md": "```genimage\nA fox that does not end\n"})
    ran = genimage(pages, "generate").ended(1)
    assert "docs/bad.md:1: This genimage block is not closed." in ran.errors
    ran = genimage(pages, "plan").ended()
    assert "docs/bad.md:1: This genimage block is not closed." in ran.output
    (problem,) = genimage(pages, "plan", "--json").ended().json("plan")["problems"]
    assert problem.startswith("docs/bad.md:1: ")


def test_stale_pictures_are_made_anew_and_the_old_ones_kept_in_the_trash(
    pages: Site, api: ImagesServer
) -> None:
    genimage(pages, "generate").ended()
    old = {name: (pages.cache / name).read_bytes() for name in pages.cached()}
    pages.options["model"] = "gpt-image-1.5"
    assert "Nothing to make" in genimage(pages, "generate").ended().output
    api.reply = lambda _: Reply(size="64x64")
    genimage(pages, "generate", "--stale", "--only", "docs/index.md").ended()
    assert len(api.posts) == 8
    (trash,) = [*pages.cache.glob(".trash/*/*fox*.png")]
    assert trash.read_bytes() == old[trash.name]
    sidecar = json.loads((pages.cache / trash.name).with_suffix(".json").read_text())
    assert (sidecar["model"], sidecar["height"]) == ("gpt-image-1.5", 64)
    assert len(pages.cached(".png")) == 6


def test_stale_picture_stays_if_the_new_one_fails(pages: Site, api: ImagesServer) -> None:
    genimage(pages, "generate").ended()
    old = {name: (pages.cache / name).read_bytes() for name in pages.cached()}
    pages.options["model"] = "gpt-image-1.5"
    for reply in (
        Reply(status=500),
        Reply(data=b"no picture"),
        Reply(data=b"\x89PNG\r\n\x1a\ntorn"),
    ):
        api.reply = lambda _, reply=reply: reply  # type: ignore[misc]
        genimage(pages, "generate", "--stale", "--only", "docs/index.md").ended(1)
        assert {name: (pages.cache / name).read_bytes() for name in pages.cached()} == old


def test_stale_variants_that_no_block_shows(pages: Site, api: ImagesServer) -> None:
    pages.write({"docs/more.md": fence("A gnu", f"{BLOCK} n=3 pick=2")})
    genimage(pages, "generate", "--only", "more.md").ended()
    pages.options["model"] = "gpt-image-1.5"
    genimage(pages, "generate", "--only", "more.md", "--stale").ended()
    assert [call.fields.get("n") for call in api.posts] == [3, 3]
    assert len(list(pages.cache.glob(".trash/*/*.png"))) == 3


def test_variants_are_filled_up_in_one_request(pages: Site, api: ImagesServer) -> None:
    pages.write({"docs/more.md": fence("A gnu", f"{BLOCK} n=2")})
    genimage(pages, "generate", "--only", "more.md").ended()
    pages.write({"docs/more.md": fence("A gnu", f"{BLOCK} n=4")})
    genimage(pages, "generate", "--only", "more.md").ended()
    assert [call.fields.get("n") for call in api.posts] == [2, 2]
    assert len(pages.cached(".png")) == 4


def test_refused_ones_are_asked_for_again_on_request_only(pages: Site, api: ImagesServer) -> None:
    api.reply = lambda call: (
        Reply(status=400, body=error_body("safety system", "moderation_blocked"))
        if "hen index" in str(call.fields)
        else None
    )
    genimage(pages, "generate").ended(1)
    ran = genimage(pages, "generate").ended(1)
    assert ran.output == "Nothing to make.\n"
    assert "docs/index.md:4: the prompt was refused by the moderation" in ran.errors
    assert "Nothing to make: all" in genimage(pages, "generate", "--only", "guide/*").ended().output
    api.reply = None
    genimage(pages, "generate", "--retry-refused").ended()
    assert len(api.posts) == 7
    pages.build(strict=True)
    assert pages.cached(".refused.json") == []


def test_site_that_makes_nothing(pages: Site) -> None:
    pages.options["provider"] = "placeholder"
    assert "'provider: placeholder' makes nothing" in genimage(pages, "generate").ended(2).errors
    pages.options["provider"] = "nope"
    assert "there is no provider 'nope'" in genimage(pages, "generate").ended(2).errors


def test_without_a_key(pages: Site, child_env: dict[str, str]) -> None:
    del pages.options["base_url"]
    pages.options["validate"] = False
    pages.write_config()
    ran = genimage_process(pages.root, "generate", env=child_env).ended(1)
    assert "No API key is set" in ran.errors


def on_terminal(
    folder: Path, env: dict[str, str], answer: bytes, *arguments: str
) -> tuple[int, str]:
    """The command on a terminal of its own, where somebody answers the question."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mkdocs_genimage", *arguments],
        cwd=folder,
        env={**os.environ, **env, "TERM": "xterm-256color", "COLUMNS": "100"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    output = b""
    asked = False
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        output += chunk
        if b"Make them?" in output and not asked:
            asked = True
            os.write(ours, answer)
    os.close(ours)
    return process.wait(60), output.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("answer", "status", "made"), [(b"y\n", 0, 6), (b"n\n", 1, 0), (b"\n", 1, 0)]
)
def test_a_terminal_is_asked_first(
    pages: Site, api: ImagesServer, child_env: dict[str, str], answer: bytes, status: int, made: int
) -> None:
    pages.write_config()
    ended, output = on_terminal(pages.root, child_env, answer, "generate")
    assert ended == status, output
    assert len(api.posts) == made
    assert "6 pictures to make" in output
    assert "\x1b[33mmissing" in output, "states have colours on a terminal"


def test_a_terminal_is_asked_first_with_json_too(
    pages: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    pages.write_config()
    ended, output = on_terminal(pages.root, child_env, b"n\n", "generate", "--json")
    assert (ended, len(api.posts)) == (1, 0), output


def test_narrow_terminals_cut_no_place_off(pages: Site, child_env: dict[str, str]) -> None:
    pages.write_config()
    narrow = {**child_env, "COLUMNS": "40", "NO_COLOR": "1"}
    _, output = on_terminal(pages.root, narrow, b"", "plan")
    row = next(line for line in output.splitlines() if "a-hen-guide-two-" in line)
    assert row.split()[:2] == ["missing", "docs/guide/two.md:4"]


def test_no_question_with_yes_and_no_colours_on_wish(
    pages: Site, api: ImagesServer, child_env: dict[str, str]
) -> None:
    pages.write_config()
    ended, output = on_terminal(
        pages.root, {**child_env, "NO_COLOR": "1"}, b"", "generate", "--yes"
    )
    assert (ended, len(api.posts)) == (0, 6), output
    assert "\x1b[33m" not in output


@pytest.mark.skipif(os.name == "nt", reason="signals are another matter there")
def test_interrupt_keeps_what_is_in_flight(
    pages: Site, api: ImagesServer, child_env: dict[str, str], tmp_path: Path
) -> None:
    pages.options["concurrency"] = 2
    pages.write_config()
    api.latency = 0.5
    log = tmp_path / "log.txt"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "mkdocs_genimage", "generate"],
            cwd=pages.root,
            env={**os.environ, **child_env},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wait_for(lambda: api.in_flight == 2, log)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130, log.read_text()
    assert "in flight" in log.read_text()
    assert len(pages.cached(".png")) == len(api.posts) < 6


def wait_for(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)
