"""The picture of a whole page below its title, and a block of the page in its place."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hero_sites import (
    LINE,
    PROMPT,
    SECRET,
    build_twice,
    check_nothing,
    check_social,
    meta_image,
    page,
    prepare,
    write,
)
from mkdocs.plugins import BasePlugin
from sites import Site, behind, fence, holding

from mkdocs_genimage.hero import with_hero

if TYPE_CHECKING:
    from api_server import ImagesServer


@pytest.fixture
def site(site: Site) -> Site:
    return prepare(site)


# --- Where it shows ---

TITLES = {
    "atx": ("# Title\n\nText\n", True),
    "no blank": ("#Title\nText\n", True),
    "closed": ("# Title #\n\nText\n", True),
    "setext": ("Title\n=====\n\nText\n", True),
    "setext of one": ("Title\n=\nText\n", True),
    "attributes": ("# Title { #own .big }\n\nText\n", True),
    "blank lines": ("\n\n\n# Title\n\nText\n", True),
    "comment": ("<!-- note -->\n\n# Title\n\nText\n", True),
    "title alone": ("# Title", True),
    "no title": ("Text\n", False),
    "no text": ("", False),
    "second level": ("## Part\n\nText\n", False),
    "setext of the second level": ("Part\n----\n\nText\n", False),
    "title further down": ("Text\n\n# Title\n\nMore\n", True),
    "code": ("```sh\n# no title\n```\n", False),
    "indented": ("    # no title\n\nText\n", False),
    "list": ("- # item\n", False),
    "rule": ("===\n\nText\n", False),
}


@pytest.mark.parametrize("title", TITLES)
def test_place_on_the_page(site: Site, api: ImagesServer, title: str) -> None:
    text, has_title = TITLES[title]
    site.config["markdown_extensions"] = ["fenced_code", "attr_list", "toc"]
    write(site, page(text, show="true"))
    built = build_twice(site, api)
    check_social(built)
    html = built.read("index.html").partition("<main>")[2].partition("</main>")[0]
    (image,) = built.images("index.html")
    assert image["alt"] == "A fox"
    before, _, after = html.partition('<p class="genimage">')
    seen = re.sub(r"<!--.*?-->", "", before).strip()
    if has_title:
        assert re.fullmatch(r"(<p>Text</p>\s*)?<h1\b[^>]*>Title</h1>", seen), html
    else:
        assert seen == "", html
    # The text itself is the same as without.
    write(site, text)
    plain = site.build(strict=True).read("index.html").partition("<main>")[2]
    plain = plain.partition("</main>")[0]
    rest = before + after.partition("</p>")[2]
    assert rest.split() == plain.split()


@pytest.mark.parametrize("theme", ["mkdocs", "readthedocs", "material"])
def test_titles_of_pages_stay(site: Site, api: ImagesServer, theme: str) -> None:
    site.config["theme"] = theme
    site.before = ["search"]
    site.write({"docs/index.md": page("# The *first* page\n\n## Part\n\nText\n", show="true")})
    site.write({"docs/other.md": page("Text without\n", show="true")})
    built = build_twice(site, api)
    title = re.search(r"<title>(.*?)</title>", built.read("index.html"), re.DOTALL)
    assert title
    plain = Site(site.root.with_name("plain"), dict(site.config), None, ["search"])
    plain.write({"docs/index.md": "# The *first* page\n\n## Part\n\nText\n"})
    plain.write({"docs/other.md": "Text without\n"})
    bare = plain.build(strict=True)
    assert f"<title>{title[1]}</title>" in bare.read("index.html")
    for index in ("search/search_index.json",):
        entries, expected = (
            [(entry["location"], entry["title"]) for entry in json.loads(one.read(index))["docs"]]
            for one in (built, bare)
        )
        assert entries == expected
    assert holding(built.site_dir, SECRET) == []


def test_it_is_fetched_at_once(site: Site, api: ImagesServer) -> None:
    site.options |= {"widths": [16, 32], "formats": ["webp"]}
    write(site, page(show="true", width="40", caption="The *fox*") + fence("A hen", "alt=hen"))
    built = build_twice(site, api)
    hero, hen = built.images("index.html")
    assert hero["loading"] == "eager"
    assert hero["fetchpriority"] == "high"
    assert hero["width"] == "40"
    # Whoever fetches at once cannot wait for the page to be laid out.
    assert hero["sizes"] == "(max-width: 40px) 100vw, 40px"
    assert len(hero["srcset"].split(", ")) == 3
    assert hen["loading"] == "lazy"
    assert "fetchpriority" not in hen
    assert "<figcaption>The <em>fox</em></figcaption>" in built.read("index.html")
    # With the stylesheet, and the picture itself among the files.
    assert (built.site_dir / "assets/genimage/genimage.css").is_file()
    check_social(built)


def test_it_may_have_a_twin(site: Site, api: ImagesServer) -> None:
    write(site, page(show="true", dark="At night"))
    built = build_twice(site, api)
    light, dark = built.images("index.html")
    assert (light["class"], dark["class"]) == ("genimage-light", "genimage-dark")
    assert light["fetchpriority"] == "high"
    # What is hidden must not be fetched before what is seen.
    assert "fetchpriority" not in dark
    assert dark["loading"] == "lazy"
    check_social(built)
    assert len(api.posts) == 2
    # Where it is not to be seen, nobody needs the second.
    write(site, page(dark="At dusk"))
    check_social(build_twice(site, api))
    assert len(api.posts) == 2


def test_it_is_disclosed_like_any_other(site: Site, api: ImagesServer) -> None:
    site.options["disclosure"] = "credit"
    write(site, page(show="true"))
    built = build_twice(site, api)
    assert "AI-generated, small-pictures" in built.read("index.html")
    assert b"trainedAlgorithmicMedia" in check_social(built)


def test_readers_of_markdown_find_no_prompt(site: Site, api: ImagesServer) -> None:
    class Reader(BasePlugin):
        text = ""

        def on_page_context(self, context: Any, *, page: Any, **_: Any) -> None:
            self.text = page.markdown

    reader = Reader()
    write(site, page(show="true"))
    build_twice(site, api, probes={"reader": reader})
    assert SECRET not in reader.text
    assert "genimage hero" not in reader.text
    assert "![A fox](assets/genimage/a-fox-" in reader.text


def test_text_with_the_fence_for_a_hero() -> None:
    for text in ("", "# T\n\nText\n", "Text"):
        assert with_hero(text).endswith(text)
        assert with_hero(text).count("```") == 2


# --- A block as the hero ---


def test_a_block_may_be_the_hero(site: Site, api: ImagesServer) -> None:
    text = f"# Title\n\nText\n\n{fence('A hen', 'alt=hen')}\n{fence(PROMPT, '#top alt=A')}"
    write(site, page(text, hero='"#top"'))
    built = build_twice(site, api)
    check_social(built)
    assert len(api.posts) == 2
    hen, fox = built.images("index.html")
    assert (hen["loading"], fox["loading"], fox["fetchpriority"]) == ("lazy", "eager", "high")
    assert meta_image(built) == fox["src"].replace(".png", "-social.jpg")


def test_a_block_with_variants_and_a_twin(site: Site, api: ImagesServer) -> None:
    write(site, page(fence(PROMPT, "#top alt=A n=3 pick=2 dark=night"), hero='"#top"'))
    built = build_twice(site, api)
    check_social(built)
    assert "-2-social.jpg" in meta_image(built)


@pytest.mark.parametrize(
    ("hero", "message"),
    [
        ('"#topp"', "'hero': no block of this page has the id '#topp'. Did you mean 'top'? There are: #top"),
        ('"#two"', "'hero': '#two' is the id of several blocks: docs/index.md:"),
    ],
)  # fmt: skip
def test_blocks_that_cannot_be_the_hero(
    site: Site, api: ImagesServer, hero: str, message: str
) -> None:
    blocks = [fence(PROMPT, "#top alt=A"), fence("B", "#two alt=A"), fence("C", "#two alt=A")]
    write(site, page("\n".join(blocks), hero=hero))
    built = site.build(warns=[f"{LINE}: {message}"])
    assert len(built.warnings) == 1
    check_nothing(built)
    assert len(built.images("index.html")) == 3


OWN = fence(PROMPT, "#top alt=A")
EXAMPLE = "It is written so:\n\n" + behind("    ", OWN) + "\n"
NO_BLOCKS = {
    "comment": f"<!--\n{OWN}-->\n",
    "indented code": EXAMPLE,
    "fenced code": f"````text\n{OWN}````\n",
}


@pytest.mark.parametrize("case", NO_BLOCKS)
def test_an_example_is_no_hero(site: Site, api: ImagesServer, case: str) -> None:
    """What does not reach the page is not paid for."""
    site.config["markdown_extensions"] = ["fenced_code"]
    write(site, page(f"# Title\n\n{NO_BLOCKS[case]}", hero='"#top"'))
    message = f"{LINE}: 'hero': no block of this page has the id '#top'. There are: none."
    built = site.build(warns=[message])
    assert built.warnings == [message]
    check_nothing(built)
    assert api.calls == []


@pytest.mark.parametrize("case", NO_BLOCKS)
def test_a_block_beside_an_example_of_it(site: Site, api: ImagesServer, case: str) -> None:
    site.config["markdown_extensions"] = ["fenced_code"]
    for text in (OWN + "\n" + NO_BLOCKS[case], NO_BLOCKS[case] + "\nText\n\n" + OWN):
        write(site, page(text, hero='"#top"'))
        check_social(build_twice(site, api, strict=True))
    assert len(api.posts) == 1


def use_snippets(site: Site, block: str) -> str:
    """A block in a file of its own. Returns what stands for it on a page."""
    site.config["markdown_extensions"] = [{"pymdownx.snippets": {"base_path": [str(site.root)]}}]
    site.write({"snippets/fox.md": block})
    return '--8<-- "snippets/fox.md"\n'


def test_a_block_from_a_snippet(site: Site, api: ImagesServer) -> None:
    snippet = use_snippets(site, OWN)
    write(site, page(f"# Title\n\n{snippet}\n{fence('A hen', 'alt=hen')}", hero='"#top"'))
    built = build_twice(site, api, strict=True)
    check_social(built)
    fox, hen = built.images("index.html")
    assert (fox["alt"], fox["fetchpriority"], hen["loading"]) == ("A", "high", "lazy")
    assert meta_image(built) == fox["src"].replace(".png", "-social.jpg")
    assert len(api.posts) == 2


def test_different_blocks_of_one_id(site: Site, api: ImagesServer) -> None:
    """Also where not all of them stand in the page's own text."""
    snippet = use_snippets(site, OWN)
    own = fence("A hen", "#top alt=hen")
    message = f"{LINE}: 'hero': '#top' is the id of several blocks: docs/"
    for text in (f"{snippet}\n{own}", f"{own}\n{snippet}", f"{own}\n{snippet}\n{own}"):
        write(site, page(text, hero='"#top"'))
        built = site.build(warns=[message])
        assert len(built.warnings) == 1
        check_nothing(built)
        assert len(built.images("index.html")) == text.count("#top") + 1
    assert len(api.posts) == 2


def test_one_block_twice(site: Site, api: ImagesServer) -> None:
    """It does not matter which of them is meant."""
    write(site, page(f"{OWN}\nText\n\n{OWN}", hero='"#top"'))
    check_social(build_twice(site, api, strict=True))
    assert len(api.posts) == 1


def test_what_one_page_takes_back_another_keeps(site: Site, api: ImagesServer) -> None:
    site.write({"docs/one.md": page(OWN, hero='"#top"')})
    write(site, page(f"{OWN}\n{fence('A hen', '#top alt=hen')}", hero='"#top"'))
    for _ in range(2):
        built = site.build(warns=["'#top' is the id of several blocks: docs/index.md:"])
        check_social(built, name="one/index.html")
        assert meta_image(built) == ""
        assert "og:image" not in built.read("index.html")


@pytest.mark.parametrize(
    "header",
    [
        "#top alt=A n=none",
        "#top alt=A size=huge",
        "#top alt=A style=nobody",
    ],
)
def test_a_block_that_is_wrong_itself(site: Site, api: ImagesServer, header: str) -> None:
    write(site, page(fence(PROMPT, header), hero='"#top"'))
    built = site.build(warns=["docs/index.md:6: "])
    assert len(built.warnings) == 1
    check_nothing(built)
    assert api.calls == []


def test_how_others_stand_is_not_how_the_top_of_a_page_stands(
    site: Site, api: ImagesServer
) -> None:
    assert site.options
    look = {
        "align": "right",
        "width": "40%",
        "class": "shadow",
        "link": "original",
        "loading": "lazy",
    }
    site.options["defaults"] |= look
    text = f"# Title\n\n{fence('A hen', 'alt=x')}\n{fence('A hen', 'alt=x width=auto align=none')}"
    write(site, page(text, show="true"))
    built = build_twice(site, api, strict=True)
    html = built.read("index.html")
    classes = re.findall(r'<p class="(genimage[^"]*)"', html)
    assert classes == ["genimage shadow", "genimage genimage-right shadow", "genimage shadow"]
    assert html.count('style="width:40%"') == 1
    assert html.count('<a href="assets/genimage/') == 3
    assert [image["loading"] for image in built.images("index.html")] == ["eager", "lazy", "lazy"]
    assert len(api.posts) == 2
    # One that the page names is seen first as well, unless it says otherwise itself.
    for more, loading in (("", "eager"), (" loading=lazy", "lazy")):
        write(site, page(fence("A hen", f"#top alt=x{more}"), hero='"#top"'))
        (image,) = build_twice(site, api, strict=True).images("index.html")
        assert (image["loading"], image["fetchpriority"]) == (loading, "high")
    # Own words are heeded.
    write(site, page(text, show="true", width="50%"))
    assert 'style="width:50%"' in build_twice(site, api, strict=True).read("index.html")
    assert len(api.posts) == 2


@pytest.mark.parametrize("options", [{}, {"show": "true"}], ids=["announced", "shown"])
def test_a_block_that_is_written_like_the_one_for_the_hero(
    site: Site, api: ImagesServer, options: dict[str, str]
) -> None:
    write(site, page("# Title\n\n```genimage hero\nA cat\n```\n", **options))
    built = site.build(warns=["the header cannot be read at 'hero'"])
    assert len(api.posts) == 1
    assert len(built.images("index.html")) == len(options)
    assert "This picture cannot be shown" in built.read("index.html")
