"""The picture of a whole page that is missing, or that the front matter is wrong about."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from api_server import Reply, error_body
from cli_runs import genimage
from hero_sites import (
    LINE,
    PROMPT,
    MetaReader,
    build_twice,
    check_nothing,
    check_social,
    meta_image,
    page,
    prepare,
    refuse,
    write,
)
from links import broken_links
from sites import Site, fence

from mkdocs_genimage.hero import FrontMatter

if TYPE_CHECKING:
    from api_server import ImagesServer


@pytest.fixture
def site(site: Site) -> Site:
    return prepare(site)


# --- Heroes that are missing ---


@pytest.mark.parametrize("show", ["true", "false"])
def test_refused(site: Site, api: ImagesServer, show: str) -> None:
    api.reply = refuse
    write(site, page(show=show))
    built = build_twice(site, api, warns=[f"{LINE}: "])
    assert len(built.warnings) == 1
    check_nothing(built)
    assert len(api.posts) == 1
    shown = built.images("index.html")
    assert ["genimage-placeholder" in image["class"] for image in shown] == [True] * len(shown)
    assert len(shown) == (show == "true")


def test_failed_and_there_the_next_time(site: Site, api: ImagesServer) -> None:
    probe = MetaReader()
    api.script(Reply(status=500, body=error_body("Oh")))
    write(site, page())
    built = site.build(warns=[f"{LINE}: no picture: "], probes={"probe": probe})
    check_nothing(built)
    assert probe.found["late"] == [None]
    check_social(build_twice(site, api))
    assert len(api.posts) == 2


def test_without_a_key(site: Site, api: ImagesServer) -> None:
    api.key = "sk-right"
    write(site, page(show="true"))
    built = site.build(warns=["wants an API key"])
    (text,) = built.warnings
    assert text.endswith(f"Blocks: {LINE}")
    check_nothing(built)


@pytest.mark.parametrize("policy", ["placeholder", "error"])
def test_pictures_are_not_to_be_made(site: Site, api: ImagesServer, policy: str) -> None:
    site.options["missing"] = policy
    write(site, page(show="true"))
    if policy == "error":
        built = site.build(fails=True, warns=["'missing: error' is set"])
        assert f"{LINE}: the picture is not in genimage/." in built.output
    else:
        check_nothing(site.build(strict=True))
    assert api.calls == []


@pytest.mark.parametrize("options", [{"enabled": False}, {"provider": "placeholder"}])
def test_placeholders_are_no_heroes(site: Site, api: ImagesServer, options: dict[str, Any]) -> None:
    site.options |= options
    write(site, page(show="true"))
    built = site.build(strict=True)
    check_nothing(built)
    assert len(built.images("index.html")) == 1


def test_serve_shows_what_is_there(site: Site, api: ImagesServer) -> None:
    write(site, page(show="true"))
    check_nothing(site.build(command="serve"))
    site.build()
    built = site.build(command="serve")
    assert meta_image(built).endswith("-social.jpg")
    assert (built.site_dir / meta_image(built)).is_file()
    assert len(api.posts) == 1


def test_a_plan_counts_it_and_makes_nothing(site: Site, api: ImagesServer) -> None:
    write(site, page(show="true"))
    planned = genimage(site, "plan").ended()
    assert "docs/index.md:3" in planned.output
    assert api.calls == []
    assert not site.cache.exists()


def test_dirty_build(site: Site, api: ImagesServer) -> None:
    site.write({"docs/index.md": page(), "docs/other.md": page(prompt="A hen")})
    site.build()
    other = (site.root / "site/other/index.html").read_bytes()
    write(site, page(prompt="An elk"))
    built = site.build(dirty=True, warns=["A 'dirty' build"])
    check_social(built)
    assert "/an-elk-" in meta_image(built)
    assert (site.root / "site/other/index.html").read_bytes() == other
    assert broken_links(built.site_dir) == []


# --- What is wrong ---

WRONG = {
    "": "'hero' is empty. Where a block is meant, write its id in quotes, '#id'",
    "#top": "'hero' is empty. Where a block is meant, write its id in quotes, '#id'",
    "5": "'hero' cannot be '5'. Allowed: a mapping with 'prompt' and further options of a block, or",
    "[A fox]": "'hero' cannot be '['A fox']'.",
    "true": "'hero' cannot be 'True'.",
    "A fox": "'hero' cannot be 'A fox'.",
    '"#"': "'hero' cannot be '#'.",
    "{}": "'hero' has no 'prompt', which says what the picture shows.",
    "{alt: A fox}": "'hero' has no 'prompt', which says what the picture shows.",
    "{promt: A fox}": "'hero': there is no option 'promt'. Did you mean 'prompt'?",
    "{prompt: ''}": "'hero': 'prompt' cannot be empty.",
    "{prompt: A fox, sise: 64x48}": "'hero': there is no option 'sise'. Did you mean 'size'?",
    "{prompt: A fox, size: huge}": "'hero': 'size' cannot be 'huge'.",
    "{prompt: A fox, show: maybe}": "'hero': 'show' cannot be 'maybe'. Allowed: true or false.",
    "{prompt: A fox, style: nobody}": "there is no style 'nobody'.",
    "{prompt: A fox, image: gone.png}": "'image': there is no file 'gone.png' beside the page",
    '{prompt: A fox, image: "#top"}': "'image': a hero is made before the page's blocks",
    "{prompt: A fox, mask_mode: alpha}": "'mask_mode' needs a 'mask' that it is about.",
    "{prompt: A fox, pick: 3}": "'pick: 3' needs 'n: 3' or more",
    "{prompt: A fox, output_format: gif, dark: At night}": "'dark' edits the picture",
}


@pytest.mark.parametrize("hero", WRONG)
def test_one_clear_message(site: Site, api: ImagesServer, hero: str) -> None:
    write(site, page("# Title\n\nText\n", hero=hero))
    for _ in range(2):
        built = site.build(warns=[WRONG[hero]])
        (text,) = built.warnings
        assert text.startswith(f"{LINE}: ")
        assert "hero" in text or hero.startswith("{prompt: A fox, ")
        check_nothing(built)
    assert api.calls == []


def test_the_page_is_whole_in_spite_of_it(site: Site, api: ImagesServer) -> None:
    write(site, page("# Title\n\nText\n\n" + fence("A hen", "alt=x"), hero="5"))
    built = site.build(warns=[f"{LINE}: "])
    assert len(built.warnings) == 1
    assert "<p>Text</p>" in built.read("index.html")
    assert [image["alt"] for image in built.images("index.html")] == ["x"]
    assert "genimage-error" not in built.read("index.html")
    assert [call.fields["prompt"] for call in api.posts] == ["A hen"]


def test_wrong_options_of_the_page_concern_all_its_blocks(site: Site, api: ImagesServer) -> None:
    """They are not made from half of the front matter, and what stands there names the line to look at."""
    text = "---\ntitle: x\ngenimage:\n  sise: 64x48\n---\n\n" + fence("A hen", "alt=x")
    site.write({"docs/index.md": text})
    built = site.build(warns=["docs/index.md:3: "])
    assert "The build log says why, at docs/index.md:3." in built.read("index.html")
    assert api.calls == []


def test_line_of_the_message(site: Site, api: ImagesServer) -> None:
    """Wherever `hero` stands, and however lines end."""
    pages = {
        "docs/far.md": "---\ntitle: x\ntags:\n  - a\ngenimage:\n  size: 64x48\n  hero:\n    promt: x\n---\n",
        "docs/crlf.md": "---\r\ntitle: x\r\ngenimage:\r\n  hero: 5\r\n---\r\n\r\n# T\r\n",
        "docs/bom.md": "\ufeff---\ngenimage:\n  hero: 5\n---\n# T\n",
    }
    site.write(pages)
    site.build(warns=["docs/far.md:7: ", "docs/crlf.md:4: ", "docs/bom.md:3: "])


def test_line_of_a_hero_that_stands_behind_genimage(site: Site, api: ImagesServer) -> None:
    site.write({"docs/flow.md": "---\ntitle: x\ngenimage: {hero: 5}\n---\n# T\n"})
    site.build(warns=["docs/flow.md:3: "])


def test_what_front_matter_is_read_as() -> None:
    read = FrontMatter.read
    assert read(None) == read({}) == FrontMatter()
    assert read({"hero": None}).hero is None
    assert len(read({"hero": None}).wrong) == 1
    assert read({"hero": "#x"}).block_id == "x"
    front = read({"quality": "low", "hero": {"prompt": " A fox ", "show": "yes", "alt": "x"}})
    assert front.options == {"quality": "low"}
    assert front.show is True
    assert front.hero
    assert front.hero.options == {"prompt": "A fox", "alt": "x"}
    given = {"hero": {"prompt": "A fox"}, "size": "64x48"}
    read(given)
    assert given == {"hero": {"prompt": "A fox"}, "size": "64x48"}, "the page's own stays"
    both = read({"sise": 1, "hero": {"prompt": "x", "sise": 1}})
    assert len(both.wrong) == 2
    assert both.hero is None


def test_unknown_options_name_the_hero(site: Site, api: ImagesServer) -> None:
    """Who misspells `hero` is helped."""
    write(
        site, "---\ngenimage:\n  heroe: {prompt: A fox}\n---\n\n# T\n\n" + fence("A hen", "alt=x")
    )
    built = site.build(warns=["there is no option 'heroe'. Did you mean 'hero'?"])
    assert len(built.warnings) == 1


def test_a_page_with_only_a_misspelt_hero(site: Site, api: ImagesServer) -> None:
    """Without any block on it, the front matter of a page is still read."""
    write(site, "---\ngenimage:\n  heroe: {prompt: A fox}\n---\n\n# T\n")
    site.build(warns=["there is no option 'heroe'. Did you mean 'hero'?"])


def test_information_is_told_once(site: Site, api: ImagesServer) -> None:
    write(site, page(hero=f"\n    prompt: {PROMPT}\n    show: true"))
    built = site.build(strict=True)
    told = [text for text in built.messages(logging.INFO) if "has no 'alt'" in text]
    assert len(told) == 1
    assert told[0].startswith(f"{LINE}: ")
