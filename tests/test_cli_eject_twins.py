"""`mkdocs-genimage eject` of pictures for dark mode and of heroes: readers, themes and feeds get the same."""

from __future__ import annotations

import hashlib
import io
import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from beside import needs
from browser import THEMES, PageServer, chromium
from cli_runs import genimage
from links import broken_links
from mkdocs.utils.meta import get_data
from PIL import Image
from sites import Site, behind, fence, read_tags, tree
from test_cli_eject import ALL_EXTENSIONS

from mkdocs_genimage.upkeep.front_matter import below_title, replace_hero
from mkdocs_genimage.upkeep.source_edits import SourceError, SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser
    from sites import Build

NIGHT = "dark='the same at night'"
SIZE = f"size=64x48 alt=x {NIGHT}"
TEXT = f"""\
# Home

Text right above
{fence("A fox", f"{SIZE} #fox .wide title='It is'")}

{fence("A hen", f"{SIZE} width=50% align=center loading=eager link=guide/page.md")}

{fence("A wren", f"{SIZE} n=2 pick=all #wrens")}

{fence("A crow", f"{SIZE} n=3 pick=2 caption='A *crow*' align=right")}

- item

{fence("A tit", f"{SIZE} align=left", indent="    ")}

> quoted
>
{behind("> ", fence("A jay", f"{SIZE} caption=Jays width=32"))}
{fence("An owl", "size=64x48 alt=x dark=none link=original")}
"""
PAGE = f"""# Page

{fence("A duck", f"{SIZE} align=center")}

{fence("A swan", f"{SIZE} width=32 height=32")}
"""
DOCS: dict[str, str | bytes] = {"docs/index.md": TEXT, "docs/guide/page.md": PAGE}
MATERIAL = {"theme": THEMES["material"], "plugins": ["search"]}

Seen = tuple[str, ...]


def seen(built: Build) -> dict[str, list[tuple[Seen, ...]]]:
    """Page to its pictures in order: those for light and for dark mode of a pair together.

    Of each what is in it, and how it is shown.
    """
    found: dict[str, list[tuple[Seen, ...]]] = {}
    for path in sorted(built.site_dir.rglob("*.html")):
        page = found[path.relative_to(built.site_dir).as_posix()] = []
        dark: list[Seen] = []
        for tag, has in read_tags(path.read_text(encoding="utf-8")):
            url = has.get("src", "").partition("#")[0] or has.get("srcset", "")
            if tag not in ("img", "source") or not url or ":" in url:
                continue
            digest = hashlib.sha256((path.parent / unquote(url)).read_bytes()).hexdigest()
            if tag == "source":
                assert has["media"] == "(prefers-color-scheme: dark)"
                dark = [(digest,)]
                continue
            names = ("alt", "title", "width", "height")
            one = (digest, *(has.get(name, "") for name in names))
            if has.get("class") == "genimage-dark" or has["src"].endswith("#only-dark"):
                page[-1] += (one,)
            else:
                page.append((one, *dark))
                dark = []
    return found


def eject(site: Site, *arguments: str, strict: bool = True) -> tuple[Any, Any]:
    """What is seen before and after a whole site is ejected."""
    before = seen(site.build(strict=strict))
    genimage(site, "eject", "--write", *arguments).ended()
    site.options = None
    built = site.build(strict=strict)
    assert broken_links(built.site_dir) == []
    assert not list(built.site_dir.rglob("genimage*"))
    return before, seen(built)


def links(built: Build, name: str) -> list[str]:
    """Where the links of a page lead that have a picture in them."""
    found, href = [], ""
    for tag, has in read_tags(built.read(name)):
        if tag == "a":
            href = has.get("href", "")
        elif tag == "img" and href:
            found.append(href)
            href = ""
    return found


# --- Pictures for dark mode -------------------------------------------------------------------


@pytest.mark.parametrize("extensions", [ALL_EXTENSIONS, ["attr_list"], []], ids=["all", "al", "no"])
def test_under_material(site: Site, extensions: list[Any]) -> None:
    site.config = {"theme": THEMES["material"], "markdown_extensions": extensions}
    site.before = ["search"]
    site.write(DOCS)
    before, after = eject(site)
    assert [len(pair) for pair in before["index.html"]] == [2] * 7 + [1]
    for name, shown in before.items():
        for was, now in zip(shown, after[name], strict=True):
            assert [one[:3] for one in now] == [one[:3] for one in was]
            assert [one[3:] for one in now] in ([one[3:] for one in was], [("", "")] * len(now))
    if extensions:
        assert after == before
    text = (site.root / "docs/index.md").read_text()
    assert "genimage" not in text
    assert text.count("#only-light") == text.count("#only-dark") == 7
    if extensions:
        lines = text.splitlines()
        (light,) = [
            i for i, line in enumerate(lines) if line.startswith("![x](assets/images/a-fox")
        ]
        assert lines[light + 1].startswith("![x](assets/images/dark-a-fox-")
        assert lines[light + 2] == "{: #fox .wide }"
        assert 'loading="eager"' not in lines[light + 1]


@pytest.mark.parametrize("directory_urls", [True, False], ids=["folders", "files"])
def test_elsewhere(bare: Site, directory_urls: bool) -> None:
    """The reader's system decides, as with the plugin's stylesheet."""
    bare.config |= {"markdown_extensions": ALL_EXTENSIONS, "use_directory_urls": directory_urls}
    bare.write(DOCS)
    before, after = eject(bare)
    for name, shown in before.items():
        for was, now in zip(shown, after[name], strict=True):
            assert now[0] == was[0]
            assert [one[0] for one in now] == [one[0] for one in was]
    text = (bare.root / "docs/index.md").read_text()
    assert text.count("<picture>") == 7
    assert "#only-" not in text
    page = "guide/page/index.html" if directory_urls else "guide/page.html"
    assert len(after[page]) == 2
    site_dir = bare.root / "site"
    tags = read_tags((site_dir / "index.html").read_text())
    assert sum(has.get("id") in ("fox", "wrens") for _, has in tags) == 2


def test_links(bare: Site) -> None:
    bare.config["markdown_extensions"] = ["attr_list"]
    bare.write(DOCS)
    before = links(bare.build(), "index.html")
    assert before[0] == "guide/page/"
    eject(bare)
    hen, owl = links(bare.build(), "index.html")
    assert hen == "guide/page/"
    assert owl.startswith("assets/images/an-owl-")
    assert before[-1].rpartition("/")[2] == owl.rpartition("/")[2]
    text = (bare.root / "docs/index.md").read_text()
    assert f"]({owl})" in text


TOGGLE = {"name": "mkdocs", "highlightjs": False, "user_color_mode_toggle": True}
VARIABLES = {"docs/own.css": ".night { --genimage-dark: inline; }"}


@pytest.mark.parametrize(
    ("config", "form", "note"),
    [
        ({"theme": {"name": "mkdocs", "highlightjs": False}}, "light", "dark mode with this theme"),
        ({"theme": {**TOGGLE, "user_color_mode_toggle": False, "color_mode": "auto"}}, "both", ""),
        (
            {"theme": {**TOGGLE, "user_color_mode_toggle": False, "color_mode": "dark"}},
            "dark",
            "light mode with this theme",
        ),
        ({"theme": TOGGLE}, "left", "go from light to dark in a way"),
        ({"theme": THEMES["readthedocs"]}, "light", "dark mode with this theme"),
        ({"extra_css": ["own.css"]}, "left", "go from light to dark in a way"),
        ({"plugins": ["glightbox"]}, "left", "a <picture>, which glightbox does not show"),
    ],
)
def test_how_pages_go_dark(bare: Site, config: dict[str, Any], form: str, note: str) -> None:
    plugins = config.pop("plugins", [])
    if plugins:
        pytest.importorskip("mkdocs_glightbox")
    bare.config |= {"markdown_extensions": ["attr_list"], **config}
    bare.after = plugins
    text = fence("A fox", SIZE) + "\n" + fence("A hen", "size=64x48 alt=x")
    bare.write({"docs/index.md": text, **VARIABLES})
    bare.build()
    files = {name.rpartition("-")[0]: name for name in bare.cached(".png")}
    ran = genimage(bare, "eject", "--write").ended(int(form == "left"))
    text = (bare.root / "docs/index.md").read_text()
    assert "![x](assets/images/a-hen-" in text
    if form == "left":
        assert "left: docs/index.md:1: " in ran.errors
        assert note in ran.errors
        assert "dark='the same at night'" in text
        assert "Take 'dark' out of the block" in ran.errors
    else:
        shown = {"light": ["a-fox"], "dark": ["dark-a-fox"], "both": ["a-fox", "dark-a-fox"]}[form]
        assert [name for name in ("a-fox", "dark-a-fox") if files[name] in text] == shown
        copied = [path.name for path in (bare.root / "docs/assets/images").iterdir()]
        assert sorted(copied) == sorted(files[name] for name in (*shown, "a-hen"))
        assert text.startswith("<picture>" if form == "both" else "![x](")
        assert note in ran.errors
        content = genimage(bare, "eject", "--json").ended().json("eject")
        assert content["notes"] == content["left"] == []


@needs("mkdocs_glightbox")
def test_beside_a_lightbox_under_material(site: Site) -> None:
    """It goes from one picture to the next, and must not come to one that is hidden."""
    site.config = {"theme": THEMES["material"], "markdown_extensions": ["attr_list"]}
    site.after = ["glightbox"]
    site.write({"docs/index.md": fence("A fox", SIZE)})
    before, after = eject(site)
    assert after == before
    built = site.build()
    shown = [
        has["data-gallery"]
        for _, has in read_tags(built.read("index.html"))
        if "data-gallery" in has
    ]
    assert {"light", "dark"} <= set(shown)


def test_what_has_no_form_is_left(site: Site) -> None:
    site.config = {"theme": THEMES["material"], "markdown_extensions": ["attr_list"]}
    text = fence("A fox", f"{SIZE} link=original")
    site.write({"docs/index.md": text})
    site.build()
    ran = genimage(site, "eject", "--write").ended(1)
    assert "'link: original' leads to another file in dark mode" in ran.errors
    assert (site.root / "docs/index.md").read_text() == text
    assert not (site.root / "docs/assets").exists()


def test_a_twin_that_is_not_there(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE)})
    bare.build()
    for path in bare.cache.glob("dark-*"):
        path.unlink()
    ran = genimage(bare, "eject").ended(1)
    assert "docs/index.md:1: its picture for dark mode is not there (missing)." in ran.errors


# --- Heroes -----------------------------------------------------------------------------------


HERO = """---
title: Home # of all
# About the picture.
genimage:
  quality: low
  hero:
    # A comment of its own.
    prompt: |
      A harbour
      # no comment

    size: 64x48
    alt: The harbour
# About the next.
tags: [a, b]
---

# Home

Text.
"""
"""With a hero that feeds and social media show."""
BARE_HERO = "---\ngenimage:\n  hero: {prompt: A harbour, size: 64x48, alt: The harbour}\n---\n"
SITE_URL = "https://harbour.example/docs/"
SEES_META = """
def on_page_context(context, page, config, nav):
    with open(config.config_file_path + '.image', 'a') as file:
        print(page.file.src_uri, page.meta.get('image'), file=file)
"""


@pytest.fixture
def harbour(bare: Site) -> Site:
    bare.config |= {"site_url": SITE_URL, "markdown_extensions": ["attr_list"], "hooks": ["h.py"]}
    bare.write({"h.py": SEES_META, "docs/index.md": HERO})
    return bare


def images_of_pages(site: Site, **settings: Any) -> dict[str, str]:
    """What themes and plugins find as `image` of each page in a build."""
    log = site.root / "mkdocs.yml.image"
    log.unlink(missing_ok=True)
    site.build(**settings)
    return dict(line.split(" ", 1) for line in log.read_text().splitlines())


def test_a_hero_becomes_the_image_of_its_page(harbour: Site) -> None:
    was = images_of_pages(harbour)["index.md"]
    before = tree(harbour.root / "site")[was]
    (page,) = genimage(harbour, "eject", "--json").ended().json("eject")["pages"]
    assert page["blocks"] == 1
    ran = genimage(harbour, "eject", "--write").ended()
    name = was.rpartition("/")[2]
    assert name.endswith("-social.jpg")
    text = (harbour.root / "docs/index.md").read_text()
    removed = HERO[HERO.index("  hero:") : HERO.index("# About the next.")]
    image = f"image: assets/images/{name}\n"
    # The blank line may have been the prompt's, and may not.
    expected = HERO.replace(removed, "").replace("genimage:\n", f"{image}genimage:\n")
    assert text == expected
    harbour.options = None
    assert images_of_pages(harbour, strict=True) == {"index.md": f"assets/images/{name}"}
    assert tree(harbour.root / "site")[f"assets/images/{name}"] == before
    with Image.open(io.BytesIO(before)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (64, 48))
    assert "note: docs/index.md:6: the page's 'image' is for themes and plugins." in ran.errors
    assert "1 block on 1 page, 1 picture" in ran.output.replace("Replaced ", "")


def test_a_hero_that_its_page_shows(harbour: Site) -> None:
    shown = HERO.replace(
        "    alt: The harbour\n", f"    alt: The harbour\n    show: true\n    {NIGHT}\n"
    )
    shown = shown.replace("dark='the same at night'", "dark: the same at night")
    texts = {
        "index": shown.replace("\n", "\r\n"),
        "setext": shown.replace("# Home", "Home\n===="),
        "second": shown.replace("# Home", "## Home"),
        "late": shown.replace("# Home", "Text\n\n```\n# no title\n```\n\n# Home"),
        "short": shown.partition("\nText.")[0].rstrip("\n"),
        "bare": shown.partition("\n# Home")[0] + "Text.\n",
        "block": shown.partition("\n# Home")[0] + fence("A fox", "size=64x48 alt=x"),
    }
    harbour.write({f"docs/{name}.md": text for name, text in texts.items()})
    built = harbour.build()
    before = seen(built)
    order = {name: [tag for tag, _ in read_tags(built.read(name))] for name in before}
    genimage(harbour, "eject", "--write").ended()
    harbour.options = None
    after = harbour.build(strict=True)
    for name, shown_before in before.items():
        assert [pair[0] for pair in seen(after)[name]] == [pair[0] for pair in shown_before], name
        (was,), (now,) = (
            [tag for tag in tags if tag in ("h1", "h2", "pre", "img")][: 2 + ("late" in name)]
            and [[tag for tag in tags if tag in ("h1", "h2", "pre", "img")][:1]]
            for tags in (order[name], [tag for tag, _ in read_tags(after.read(name))])
        )
        assert was == now, name
    text = (harbour.root / "docs/index.md").read_bytes()
    assert text.count(b"\n") == text.count(b"\r\n")
    assert b'loading="eager"' in text
    assert text.count(b'fetchpriority="high"') == 1
    short = (harbour.root / "docs/short.md").read_text()
    assert not short.endswith("\n")


def test_a_block_that_is_the_hero(harbour: Site) -> None:
    text = '---\ngenimage:\n  hero: "#cat" # the one below\n---\n\n' + fence(
        "A cat", "size=64x48 alt=x #cat"
    )
    harbour.write({"docs/index.md": text})
    was = images_of_pages(harbour)["index.md"]
    data = tree(harbour.root / "site")[was]
    genimage(harbour, "eject", "--write").ended()
    lines = (harbour.root / "docs/index.md").read_text().splitlines()
    assert lines[:2] == ["---", f"image: assets/images/{was.rpartition('/')[2]}"]
    assert lines[2:4] == ["---", ""]
    assert lines[4].startswith("![x](assets/images/a-cat-")
    assert 'fetchpriority="high"' in lines[4]
    harbour.options = None
    now = images_of_pages(harbour, strict=True)["index.md"]
    assert tree(harbour.root / "site")[now] == data


def test_the_image_of_a_page_stays(harbour: Site) -> None:
    """Its author chose it, so the plugin does not tell of the hero either."""
    text = BARE_HERO.replace("alt: The", "show: true, alt: The").replace(
        "---\ng", "---\nimage: own.png\ng"
    )
    harbour.write({"docs/index.md": text + "# Home\n"})
    assert images_of_pages(harbour) == {"index.md": "own.png"}
    ran = genimage(harbour, "eject", "--write").ended()
    assert ran.errors == ""
    written = (harbour.root / "docs/index.md").read_text()
    assert written.startswith("---\nimage: own.png\n---\n# Home\n\n![The harbour](assets/images/")
    assert not list(harbour.root.glob("docs/assets/images/*-social.jpg"))


def test_a_drawing_is_no_image_for_others(harbour: Site) -> None:
    text = BARE_HERO.replace("size: 64x48", "size: 64x48, output_format: svg, show: true")
    harbour.write({"docs/index.md": text + "# Home\n"})
    harbour.build(warns=["which other sites do not show"])
    genimage(harbour, "eject", "--write").ended()
    written = (harbour.root / "docs/index.md").read_text()
    assert "image:" not in written
    assert "genimage" not in written
    assert ".svg){" in written


def test_heroes_that_are_left(harbour: Site) -> None:
    texts = {
        "flow.md": BARE_HERO.replace("  hero: ", "  {quality: low, hero: ").replace(
            "}\n---", "}}\n---"
        ),
        "missing.md": BARE_HERO.replace("A harbour", "A tower"),
    }
    harbour.write({f"docs/{name}": text for name, text in texts.items()})
    harbour.build()
    for path in harbour.cache.glob("a-tower-*"):
        path.unlink()
    before = tree(harbour.root / "docs")
    ran = genimage(harbour, "eject", "docs/flow.md", "docs/missing.md").ended(1)
    assert "docs/flow.md:2: the front matter cannot be changed for sure. Change it by" in ran.errors
    assert "docs/missing.md:3: its picture is not there (missing)." in ran.errors
    assert ran.output == "Nothing is replaced.\n"
    assert tree(harbour.root / "docs") == before


def test_a_hero_that_another_file_brings(harbour: Site) -> None:
    hook = """
def on_page_markdown(markdown, page, config, files):
    page.meta['genimage'] = {'hero': {'prompt': 'A tower', 'alt': 'x', 'size': '64x48'}}
on_page_markdown.mkdocs_priority = 60
"""
    harbour.write({"h.py": hook, "docs/index.md": "# Home\n"})
    harbour.build()
    ran = genimage(harbour, "eject", "--write").ended(1)
    assert (
        "the page's hero is not written in its own front matter. Change it by hand." in ran.errors
    )
    assert (harbour.root / "docs/index.md").read_text() == "# Home\n"


def test_a_block_whose_front_matter_cannot_be_changed_stays(harbour: Site) -> None:
    text = "---\ngenimage: {quality: low, hero: '#cat'}\n---\n" + fence(
        "A cat", "size=64x48 alt=x #cat"
    )
    harbour.write({"docs/index.md": text})
    harbour.build()
    genimage(harbour, "eject", "--write").ended(1)
    assert (harbour.root / "docs/index.md").read_text() == text


# --- Front matter, line by line ---------------------------------------------------------------


def changed(tmp_path: Path, text: str, image: str = "assets/x.jpg") -> str:
    """A page's file without its hero."""
    path = tmp_path / "page.md"
    path.write_bytes(text.encode())
    source = SourceFile(path)
    end = source.end_of(source.span(0, 0))
    edits = replace_hero(source, image)
    lines = source.replaced(
        {source.span(e.start, e.end): [line + end for line in e.lines] for e in edits}
    )
    source.write(lines)
    return path.read_bytes().decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("genimage:\n  hero: '#a'\n", "image: assets/x.jpg\n"),
        ("genimage: {hero: '#a'}\n", "image: assets/x.jpg\n"),
        ("genimage: {hero: {prompt: A,\n  alt: b}}\nx: 1\n", "image: assets/x.jpg\nx: 1\n"),
        ("a: 1\ngenimage:\n  hero:\n    prompt: A\nb: 2\n", "a: 1\nimage: assets/x.jpg\nb: 2\n"),
        ("genimage:\n  hero:\n    image:\n    - a\n    - b\nc: 1\n", "image: assets/x.jpg\nc: 1\n"),
        ("genimage:\n  hero:\n    prompt: A\n    extra:\nc: 1\n", "image: assets/x.jpg\nc: 1\n"),
        ("genimage:\n  hero: '#a'\n  n: 2\n", "image: assets/x.jpg\ngenimage:\n  n: 2\n"),
        ("genimage:\n  n: 2\n  hero: '#a'\n", "image: assets/x.jpg\ngenimage:\n  n: 2\n"),
        ("'genimage':\n  \"hero\": '#a'\n", "image: assets/x.jpg\n"),
        (
            "genimage:\n  hero:\n    prompt: |\n      A\n\n      # b\n\n# c\n  # d\n  n: 2\n",
            "image: assets/x.jpg\ngenimage:\n\n# c\n  # d\n  n: 2\n",
        ),
        ("image: own.png\ngenimage:\n  hero: '#a'\n", "image: own.png\n"),
        (
            "genimage:\n    hero:\n        prompt: >-\n            A\n            b\n",
            "image: assets/x.jpg\n",
        ),
        (
            "t: a\n\n# for all\ngenimage:\n  hero: '#a'\n\n\n",
            "t: a\n\n# for all\nimage: assets/x.jpg\n\n\n",
        ),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "bom"])
def test_front_matter(tmp_path: Path, before: str, after: str, end: str, mark: str) -> None:
    """Nothing but the hero changes, to the byte."""
    body = "---\n\nText: 'x'\n\ngenimage:\n  hero: '#a'\n"
    texts = [f"---\n{part}{body}".replace("\n", end) for part in (before, after)]
    assert changed(tmp_path, mark + texts[0]) == mark + texts[1]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("title: a\n", "not written in its own front matter"),
        ("genimage: 3\n", "not written in its own front matter"),
        ("genimage: {n: 2, hero: '#a'}\n", "cannot be changed for sure"),
        ("{genimage: {hero: '#a'}}\n", "cannot be changed for sure"),
        ("a: &a\n  hero: '#a'\ngenimage: *a\n", "cannot be changed for sure"),
        ("a: &a\n  hero: '#a'\ngenimage:\n  <<: *a\n", "cannot be changed for sure"),
        ("genimage:\n  hero: &h {prompt: A}\nother: *h\n", "cannot be changed for sure"),
        ("genimage:\n  hero: '#a'\ngenimage:\n  hero: '#b'\n", "cannot be changed for sure"),
    ],
)
def test_front_matter_that_is_left(tmp_path: Path, head: str, said: str) -> None:
    text = f"---\n{head}---\n\nText.\n"
    with pytest.raises(SourceError, match=said):
        changed(tmp_path, text)
    assert (tmp_path / "page.md").read_text() == text


def test_names_of_images_are_quoted(tmp_path: Path) -> None:
    text = changed(tmp_path, "---\ngenimage:\n  hero: '#a'\n---\n", "ass: ets/# 'é'/x.jpg")
    assert get_data(text)[1] == {"image": "ass: ets/# 'é'/x.jpg"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# A\n\nb", 1),
        ("\n\n#A\nb", 3),
        ("A\n===\nb", 2),
        ("A\n---\nb", 0),
        ("## A\n# B", 0),
        ("b\n\n# A\n", 3),
        ("```\n# A\n```\n# B\n", 4),
        ("~~~~\n```\n# A\n~~~~\n\nText\n", 0),
        ("    # A\n\n---\n\nb", 0),
        ("---\na: 1\n---\n# A\n", 4),
        ("---\na: 1\n---\nb\n", 3),
        ("", 0),
    ],
)
def test_where_the_title_ends(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "page.md"
    path.write_text(text)
    assert below_title(SourceFile(path)) == line


# --- In a browser -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


VISIBLE = """
() => [...document.querySelectorAll('article img, main img')]
  .filter((img) => img.getClientRects().length && getComputedStyle(img).visibility === 'visible')
  .map((img) => new URL(img.currentSrc).pathname.split('/').pop().replace(/-[0-9a-f]{12}.*/, ''))
"""


@pytest.mark.parametrize("theme", ["material", "bare"])
@pytest.mark.parametrize("extensions", [["attr_list", "md_in_html"], []], ids=["md", "html"])
def test_one_of_two_is_seen(
    browser: Browser, bare: Site, theme: str, extensions: list[Any]
) -> None:
    """Before and after, in light and in dark mode."""
    bare.config["markdown_extensions"] = extensions
    if theme == "material":
        bare.config["theme"] = THEMES["material"]
    bare.write(DOCS)
    found = {}
    for when in ("before", "after"):
        if when == "after":
            genimage(bare, "eject", "--write").ended()
            bare.options = None
        site_dir = bare.build().site_dir
        with PageServer(site_dir) as server:
            for scheme in ("light", "dark"):
                context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
                page = context.new_page()
                for name in ("", "guide/page/"):
                    page.goto(server.url + name, wait_until="networkidle")
                    # Those further down come when somebody gets there.
                    page.evaluate(
                        "document.querySelectorAll('img').forEach((i) => i.loading = 'eager')"
                    )
                    page.wait_for_load_state("networkidle")
                    found[when, scheme, name] = page.evaluate(VISIBLE)
                context.close()
        shutil.rmtree(site_dir)
    birds = ["a-fox", "a-hen", "a-wren", "a-wren", "a-crow", "a-tit", "a-jay"]
    assert found["after", "light", ""] == [*birds, "an-owl"]
    assert found["after", "dark", ""] == [*(f"dark-{bird}" for bird in birds), "an-owl"]
    for scheme in ("light", "dark"):
        for name in ("", "guide/page/"):
            assert found["before", scheme, name] == found["after", scheme, name]
