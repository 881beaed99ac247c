"""Edits that cannot be made: sources that fail or are missing, loops, ids, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from api_server import Reply, error_body
from sites import fence
from test_edits import HERO, edit, line_of, prompts, warm, write

if TYPE_CHECKING:
    from api_server import ImagesServer
    from sites import Site


@pytest.fixture
def site(site: Site) -> Site:
    site.use_bare_theme()
    return site


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(status=400, body=error_body("Bad size", "invalid_value")), "Bad size"),
        (Reply(status=500, body=error_body("Oh")), "may have been billed"),
        (Reply(data=b"no picture"), "holds text instead of"),
    ],
)
@pytest.mark.parametrize("concurrency", [1, 8])
def test_source_fails(
    site: Site, api: ImagesServer, reply: Reply, reason: str, concurrency: int
) -> None:
    site.options = {**(site.options or {}), "concurrency": concurrency}
    api.script(reply)
    blocks = [HERO, edit("At dusk", '"#hero"', "id: dusk"), edit("In snow", '"#dusk"')]
    write(site, *blocks)
    hero, dusk, snow = (line - 1 for line in (
        line_of(site, "A harbour at noon"), line_of(site, "At dusk"), line_of(site, "In snow"),
    ))  # fmt: skip
    built = site.build(
        warns=[
            reason,
            f"docs/index.md:{dusk}: no picture: the picture of '#hero', which it is made from, is missing",
            f"docs/index.md:{snow}: no picture: the picture of '#dusk', which it is made from, is missing",
        ]
    )
    assert any(text.startswith(f"docs/index.md:{hero}: no picture") for text in built.warnings)
    assert prompts(api) == ["A harbour at noon"], "nothing is sent for the edits"
    assert [name for name in built.files() if "/placeholder-" in name]
    # The next command tries again.
    cold = site.build()
    assert prompts(api)[1:] == ["A harbour at noon", "At dusk", "In snow"]
    warm(site, api, cold)


def test_source_without_a_key(site: Site, api: ImagesServer) -> None:
    api.key = "sk-right"
    write(site, HERO, edit("At dusk", '"#hero"'))
    built = site.build(warns=["2 pictures are missing: 127.0.0.1"])
    assert len(api.posts) == 1
    (message,) = built.warnings
    assert "wants an API key" in message
    assert message.endswith("Blocks: docs/index.md:3, docs/index.md:7")


def test_limit_between_source_and_edit(site: Site, api: ImagesServer) -> None:
    site.options = {**(site.options or {}), "max_images": 1}
    write(site, HERO, edit("At dusk", '"#hero"'))
    site.build(warns=["'max_images: 1' is reached"])
    assert prompts(api) == ["A harbour at noon"]
    site.build()
    assert prompts(api) == ["A harbour at noon", "At dusk"]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_loops_are_told_with_their_places(site: Site, api: ImagesServer, count: int) -> None:
    blocks = [edit(f"Block {i}", f'"#b{(i + 1) % count}"', f"id: b{i}") for i in range(count)]
    write(site, HERO, *blocks)
    lines = [line_of(site, f"prompt: Block {i}") - 1 for i in range(count)]
    built = site.build(warns=["leads back to itself"])
    for i in range(count):
        (told,) = [t for t in built.warnings if t.startswith(f"docs/index.md:{lines[i] + 2}: ")]
        way = [f"docs/index.md:{lines[(i + 1 + step) % count]}" for step in range(count + 1)]
        assert told.endswith(f"'#b{(i + 1) % count}' leads back to itself: {' -> '.join(way)}.")
    assert len(built.warnings) == count
    assert prompts(api) == ["A harbour at noon"]


def test_block_that_leads_into_a_loop(site: Site, api: ImagesServer) -> None:
    write(site, edit("Loop", '"#l"', "id: l"), edit("Into", '"#l"', "id: into"))
    line = line_of(site, "prompt: Into") + 1
    site.build(warns=["leads back to itself", f"docs/index.md:{line}: 'image': "])
    assert api.posts == []


def test_unknown_id(site: Site, api: ImagesServer) -> None:
    write(site, HERO, fence("Boats", "#boats size=64x48 alt=x"), edit("At dusk", '"#hreo"'))
    line = line_of(site, "image:")
    site.build(
        warns=[
            f"docs/index.md:{line}: 'image': no block of this page has the id '#hreo'.",
            "Did you mean 'hero'? There are: #hero, #boats.",
        ]
    )
    assert len(api.posts) == 2


def test_id_without_quotes_is_a_comment_in_yaml(site: Site, api: ImagesServer) -> None:
    write(site, HERO, edit("At dusk", "#hero"))
    line = line_of(site, "image:")
    site.build(warns=[f"docs/index.md:{line}: 'image' cannot be empty."])
    assert len(api.posts) == 1


def test_an_id_that_two_blocks_have(site: Site, api: ImagesServer) -> None:
    write(site, HERO, fence("Boats", "#hero size=64x48 alt=x"), edit("At dusk", '"#hero"'))
    places = f"docs/index.md:3, docs/index.md:{line_of(site, 'Boats') - 1}"
    site.build(warns=[f"'#hero' is the id of several blocks: {places}."])
    assert len(api.posts) == 2


def test_source_that_is_wrong_itself(site: Site, api: ImagesServer) -> None:
    write(site, fence("Boats", "#hero output_compression=5 alt=x"), edit("At dusk", '"#hero"'))
    line = line_of(site, "image:")
    site.build(
        warns=[
            "docs/index.md:3: 'output_compression' needs",
            f"docs/index.md:{line}: 'image': the block '#hero' at docs/index.md:3 is wrong itself.",
        ]
    )
    assert api.posts == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_source_that_is_known_to_be_refused(
    site: Site, api: ImagesServer, order: tuple[int, ...]
) -> None:
    """The message is at the source's own option, wherever the edit stands."""
    site.options = {**(site.options or {}), "server": "openai"}
    blocks = [
        fence("prompt: Boats\nid: hero\nalt: x\nsize: 100x100"),
        edit("At dusk", '"#hero"').replace("64x48", "1024x1024"),
    ]
    write(site, *(blocks[i] for i in order))
    line = line_of(site, "size: 100x100")
    built = site.build(warns=["'size: 100x100' is refused", "'#hero'"])
    told = [text for text in built.warnings if "'size: 100x100' is refused" in text]
    assert [text.split(" ")[0] for text in told] == [f"docs/index.md:{line}:"]
    assert api.posts == []


def test_gif_is_no_input(site: Site, api: ImagesServer) -> None:
    write(
        site,
        fence("prompt: Waves\nid: hero\nsize: 64x48\noutput_format: gif\nalt: x"),
        edit("At dusk", '"#hero"'),
    )
    line = line_of(site, "image:")
    site.build(warns=[f"docs/index.md:{line}: 'image': the block '#hero' makes a gif"])
    assert prompts(api) == ["Waves"]


def test_placeholders_are_never_sent(site: Site, api: ImagesServer) -> None:
    site.options = {**(site.options or {}), "missing": "placeholder"}
    write(site, HERO, edit("At dusk", '"#hero"'))
    built = site.build()
    assert api.posts == []
    assert len([name for name in built.files() if "/placeholder-" in name]) == 2
    site.options["missing"] = "error"
    failed = site.build(fails=True, warns=["'missing: error' is set"])
    for line in (3, line_of(site, "image:") - 2):
        assert f"docs/index.md:{line}: the picture is not in genimage/." in failed.output
    assert api.posts == []


# --- Servers that make new pictures only ---


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_server_without_edits_makes_the_rest(
    site: Site, api: ImagesServer, status: int, concurrency: int
) -> None:
    site.options = {**(site.options or {}), "concurrency": concurrency}
    no_edits = Reply(status=status, body={"detail": "This model makes new pictures only"})
    api.reply = lambda call: no_edits if call.path.endswith("/edits") else None
    blocks = [HERO, edit("At dusk", '"#hero"', "id: dusk"), fence("A fox", "alt=x dark=night")]
    write(
        site, *blocks, *[fence(f"Hen {i}", "alt=x") for i in range(5)], edit("In snow", '"#hero"')
    )
    warning = f"edits no pictures (HTTP {status} at /images/edits)"
    built = site.build(warns=[warning])
    (text,) = built.warnings
    assert text.startswith("3 pictures are missing: ")
    assert "remove these, or choose a server that edits" in text
    made = [call.fields["prompt"] for call in api.posts if call.path.endswith("/generations")]
    assert sorted(made) == sorted(["A harbour at noon", "A fox", *[f"Hen {i}" for i in range(5)]])
    edits = len(api.posts) - len(made)
    assert edits == 1 if concurrency == 1 else edits <= 3, "one such answer is enough"
    site.build(warns=[warning])
    assert all(call.path.endswith("/edits") for call in api.posts[len(made) + edits :])


def test_server_without_edits_leaves_the_limit_to_new_pictures(
    site: Site, api: ImagesServer
) -> None:
    site.options = {**(site.options or {}), "concurrency": 4, "max_images": 4}
    no_edits = Reply(status=404, body={"detail": "This model makes new pictures only"})
    api.reply = lambda call: no_edits if call.path.endswith("/edits") else None
    write(site, *[fence(f"Hen {i}", "alt=x dark=night") for i in range(4)])
    built = site.build(warns=["edits no pictures"])
    assert len(built.warnings) == 1
    made = [call.fields["prompt"] for call in api.posts if call.path.endswith("/generations")]
    assert sorted(made) == [f"Hen {i}" for i in range(4)]


# --- Sources that were made anew ---


def test_edits_of_an_earlier_take_are_named(site: Site, api: ImagesServer) -> None:
    write(site, fence("A harbour at noon", "#hero alt=x dark=night"), edit("At dusk", '"#hero"'))
    site.build(strict=True)
    for path in site.cache.glob("a-harbour-at-noon-*"):
        path.unlink()
    api.reply = lambda _: Reply(size="800x600")
    for _ in range(2):  # also where nothing is made
        told = [
            line for line in site.build(strict=True).output.split("\n") if "another one" in line
        ]
        assert len(told) == 2
        assert "docs/index.md:3: genimage/dark-a-harbour" in told[0]
        assert "was made when the picture for light mode was another one" in told[0]
        assert "was made when the picture of '#hero' was another one" in told[1]
        assert "delete it and its .json to have it made anew" in told[1]
    for name in ("dark-a-harbour*", "at-dusk*"):
        for path in site.cache.glob(name):
            path.unlink()
    assert "another one" not in site.build(strict=True).output
    assert len(api.posts) == 6
