"""`mkdocs-genimage eject`: a site without the plugin shows the same pictures."""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
import yaml
from cli_runs import genimage, genimage_process
from click.testing import CliRunner
from fence_cases import CASES, SNIPPETS, extension_set
from links import broken_links
from sites import Site, behind, fence, read_tags, tree

from mkdocs_genimage.cli import main

if TYPE_CHECKING:
    from api_server import ImagesServer

EXAMPLE = Path(__file__).parents[1] / "example_site"
SIZE = "size=64x48 alt=x"
ALL_EXTENSIONS = [
    "admonition",
    "attr_list",
    "def_list",
    "footnotes",
    "md_in_html",
    "tables",
    "pymdownx.details",
    "pymdownx.superfences",
    {"pymdownx.tabbed": {"alternate_style": True}},
]

HOME = f"""\
# Home

Text right above
{fence("A fox", f"{SIZE} #hero .wide")}
Text below, then one with everything:

```genimage
prompt: A hen
size: 64x48
width: 32
align: right
title: It says "cluck"
link: guide/page.md
alt: 'A [red] `hen` at 5 *o_clock* & &copy; <b> \\\\ 2'
```

{fence("An owl", f"{SIZE} width=50% align=center loading=eager link=https://example.org/a(b")}

{fence("A crow", "size=64x48 decorative=true n=2 pick=2")}

{fence("A wren", f"{SIZE} n=3 pick=all #wrens")}

```genimage
prompt: A heron
size: 64x48
height: 24
caption: "See *the* [page](guide/page.md) for 2 * 3 * 4 `herons`"
align: left
```

[the hero](#hero)
"""
PAGE = f"""\
# Page

- item

{fence("A tit", SIZE, indent="    ")}
    more

1.  one

{fence("A jay", f"{SIZE} caption='In a *list*, see [home](../index.md)' #jay", indent="    ")}

> quoted
>
{behind("> ", fence("A rook", f"{SIZE} align=left"))}
> and on

!!! note
{fence("A gull", f"{SIZE} caption=Gulls", indent="    ")}

=== "Tab"

{fence("A duck", SIZE, indent="    ")}

Term
:   Definition

{fence("A swan", SIZE, indent="    ")}

<div markdown>
{fence("A goose", f"{SIZE} caption=Geese .grey")}
</div>

<div>
{fence("A crane", f"{SIZE} link=../index.md")}
</div>

<!--
{fence("Nobody")}
-->

````
{fence("Nobody")}````

    {fence("Nobody").replace(chr(10), chr(10) + "    ")}
Text with a footnote.[^1]

[^1]:
    Note

{fence("A finch", SIZE, indent="    ")}
"""


@pytest.fixture
def bare(bare: Site) -> Site:
    bare.config["markdown_extensions"] = list(ALL_EXTENSIONS)
    return bare


def pictures(site_dir: Path, *, sizes: bool = True) -> dict[str, list[tuple[str, ...]]]:
    """Page to what is in its pictures, and how they are shown, in order."""
    found = {}
    for path in sorted(site_dir.rglob("*.html")):
        page = found[path.relative_to(site_dir).as_posix()] = []
        for tag, has in read_tags(path.read_text(encoding="utf-8")):
            if tag == "img" and ":" not in has["src"]:
                data = (path.parent / unquote(has["src"].partition("#")[0])).read_bytes()
                named = ["alt", "title", *(("width", "height", "loading") if sizes else ())]
                digest = hashlib.sha256(data).hexdigest()
                page.append((digest, *(has.get(name, "") for name in named)))
    return found


def ejected(site: Site, *arguments: str, sizes: bool = True) -> dict[str, list[tuple[str, ...]]]:
    """Eject a whole site, then build it with and without the plugin. Returns the pictures."""
    before = site.build(strict=True)
    shown, with_sizes = pictures(before.site_dir, sizes=sizes), pictures(before.site_dir)
    genimage(site, "eject", "--write", *arguments).ended()
    site.options = None
    after = site.build(strict=True)
    assert pictures(after.site_dir, sizes=sizes) == shown
    assert broken_links(after.site_dir) == []
    assert not list(after.site_dir.rglob("genimage*"))
    return with_sizes


def test_a_site_looks_the_same_without_the_plugin(bare: Site, api: ImagesServer) -> None:
    bare.write({"docs/index.md": HOME, "docs/guide/page.md": PAGE})
    shown = ejected(bare)
    assert [len(page) for page in shown.values()] == [9, 8]
    home, page = ((bare.root / f"docs/{name}.md").read_text() for name in ("index", "guide/page"))
    assert "genimage" not in home
    assert page.count("genimage") == 3  # the comment and the examples of code
    assert "](assets/images/a-fox-" in home
    assert "](../assets/images/a-tit-" in page
    assert "{: #hero .wide }" in home
    tags = read_tags((bare.root / "site/index.html").read_text())
    for name in ("hero", "wrens"):
        assert sum(has.get("id") == name for _, has in tags) == 1
    assert any("float: right" in has.get("style", "") for tag, has in tags if tag == "p")
    assert any(has.get("href") == "guide/page/" for tag, has in tags if tag == "a")
    assert any(has.get("href") == "https://example.org/a(b" for tag, has in tags if tag == "a")
    caption = (bare.root / "site/index.html").read_text().partition("<figcaption")[2]
    assert 'See <em>the</em> <a href="guide/page/">page</a> for 2 * 3 * 4 <code>herons' in caption
    assert (
        'In a <em>list</em>, see <a href="../../">home</a>'
        in (bare.root / "site/guide/page/index.html").read_text()
    )
    assert sum(int(call.fields.get("n", 1)) for call in api.posts) == 18


def test_captions_look_as_the_stylesheet_has_them(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", f"{SIZE} caption='A fox. [Home](index.md)'")})
    shown = bare.build(strict=True).site_dir
    sheet = next(shown.rglob("genimage*.css")).read_text()
    rule = sheet.partition(".genimage figcaption {")[2].partition("}")[0]
    wanted = {" ".join(line.split()) for line in rule.split(";") if line.strip()}
    ejected(bare)
    tags = read_tags((shown / "index.html").read_text())
    (style,) = [has["style"] for tag, has in tags if tag == "figcaption"]
    assert set(style.split("; ")) == wanted


@pytest.mark.parametrize("directory_urls", [True, False])
def test_without_attribute_lists(bare: Site, directory_urls: bool) -> None:
    """Plain images have no dimensions then; whatever needs more becomes HTML."""
    bare.config |= {"markdown_extensions": ["admonition"], "use_directory_urls": directory_urls}
    page = PAGE.split("=== ")[0] + "<div>\n" + fence("A crane", f"{SIZE} link=../index.md")
    bare.write({"docs/index.md": HOME, "docs/guide/page.md": page + "</div>\n"})
    before = bare.build(strict=True).site_dir
    natural = pictures(before)
    ran = genimage(bare, "eject", "--write").ended()
    assert "without 'attr_list'" in ran.errors
    bare.options = None
    after = pictures(bare.build(strict=True).site_dir)
    for name, shown in natural.items():
        for was, now in zip(shown, after[name], strict=True):
            assert now[:3] == was[:3]
            # A picture without dimensions is shown in its own, which this one had before.
            assert now[3:5] in (was[3:5], ("", ""))
            if now[3:5] == ("", ""):
                assert was[3:5] == ("64", "48")
    home = (bare.root / "docs/index.md").read_text()
    assert "![](assets/images/a-crow-" in home
    html = (bare.root / "site/index.html").read_text()
    target = "guide/page/" if directory_urls else "guide/page.html"
    assert f'<a href="{target}"><img alt="A [red]' in html.replace("&#91;", "[").replace(
        "&#93;", "]"
    )
    assert f'See <em>the</em> <a href="{target}">page</a> for 2 * 3 * 4 <code>' in html
    assert 'id="hero"' in html
    assert broken_links(bare.root / "site") == []


def test_the_example_site(tmp_path: Path, api: ImagesServer) -> None:
    pytest.importorskip("material")
    root = tmp_path / "example"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("site", "genimage"))
    text = (root / "mkdocs.yml").read_text(encoding="utf-8")
    text = text.replace(
        "provider: !ENV [GENIMAGE_PROVIDER, placeholder]",
        f"provider: openai\n      base_url: {api.base_url}",
    ).replace("max_images: 30", "max_images: 0")
    (root / "mkdocs.yml").write_text(text, encoding="utf-8")
    site = Site(root)
    before = pictures(site.build(keep_config=True).site_dir)
    command = root / "mkdocs.yml"
    ran = CliRunner().invoke(main, ["-f", str(command), "eject", "--write"])
    assert ran.exit_code == 0, ran.output
    head, _, rest = text.partition("  - genimage:")
    command.write_text(head + "\n" + rest[rest.index("theme:") :], encoding="utf-8")
    after = pictures(site.build(keep_config=True, strict=True).site_dir)
    assert after == before
    assert sum(map(len, after.values())) > 20


def test_the_dry_run_writes_nothing_and_its_diff_can_be_applied(bare: Site) -> None:
    home = HOME.replace("\n", "\r\n")
    bare.write({"docs/index.md": home, "docs/guide/page.md": "\ufeff" + PAGE.rstrip("\n")})
    bare.build()
    bare.write_config()
    before = tree(bare.root)
    ran = genimage(bare, "eject").ended()
    assert tree(bare.root) == before
    assert ran.errors == (
        "15 blocks on 2 pages, 17 pictures: nothing was written. Add --write to do it.\n"
    )
    diffs = [
        page["diff"] for page in genimage(bare, "eject", "--json").ended().json("eject")["pages"]
    ]
    assert "".join(diffs).replace("\r\n", "\n") == ran.output  # as the runner hands it over
    copy = bare.root.parent / "copy"
    shutil.copytree(bare.root, copy)
    patch = shutil.which("git")
    if patch:
        subprocess.run(
            [patch, "apply", "--unsafe-paths", "-"],
            cwd=copy,
            input="".join(diffs).encode(),
            check=True,
        )
    page = bare.root / "docs/guide/page.md"
    page.chmod(0o604)
    genimage(bare, "eject", "--write").ended()
    assert stat.S_IMODE(page.stat().st_mode) == 0o604
    for name in ("index.md", "guide/page.md"):
        data = (bare.root / "docs" / name).read_bytes()
        if patch:
            assert (copy / "docs" / name).read_bytes() == data
    home_now = (bare.root / "docs/index.md").read_bytes()
    assert home_now.count(b"\n") == home_now.count(b"\r\n")
    assert page.read_bytes().startswith("\ufeff# Page\n".encode())
    assert not page.read_bytes().endswith(b"\n")
    ran = genimage(bare, "eject", "--write").ended()
    assert ran.output == "There is no block to replace.\n"


def test_every_byte_elsewhere_stays(bare: Site) -> None:
    around = "\t tabs \x0c  and blanks  \r\n\r\n* a\n* b  \n\n"
    text = f"{around}{fence('A fox', SIZE)}\n{around}"
    bare.write({"docs/index.md": text})
    bare.build()
    genimage(bare, "eject", "--write").ended()
    page = (bare.root / "docs/index.md").read_bytes().decode()
    assert page.startswith(around)
    assert page.endswith("\n\n" + around)
    assert page[len(around) : -len("\n" + around)].count("\n") == 1


def test_what_is_left(bare: Site) -> None:
    bare.config["hooks"] = ["hook.py"]
    bare.config["markdown_extensions"] += [
        {"pymdownx.snippets": {"base_path": [str(bare.root / "parts")]}}
    ]
    hook = "def on_page_markdown(markdown, **_):\n    return markdown.replace('{{ fox }}', FOX)\n"
    bare.write(
        {
            "hook.py": f"FOX = {fence('A macro fox', SIZE)!r}\n{hook}",
            "parts/part.md": fence("A snippet fox", SIZE),
            "docs/index.md": '--8<-- "part.md"\n\n{{ fox }}\n\n' + fence("A fox", SIZE),
        }
    )
    bare.build()
    bad, missing = fence("A fox", f"{SIZE} quality=hihg"), fence("A new fox", SIZE)
    bare.write({"docs/b.md": bad + "\n" + missing})
    content = genimage(bare, "eject", "--json").ended(1).json("eject")
    left = [(one["place"], one["reason"]) for one in content["left"]]
    assert [place for place, _ in left] == [
        "docs/index.md (from a snippet)",
        "docs/index.md (from a snippet)",
        "docs/b.md:1",
        "docs/b.md:5",
    ]
    assert "It seems to be in parts/part.md:1." in left[0][1]
    assert "No file has it as it is." in left[1][1]
    assert "the block is wrong" in left[2][1]
    assert "its picture is not there (missing)" in left[3][1]
    assert [page["file"] for page in content["pages"]] == ["docs/index.md"]
    ran = genimage(bare, "eject", "--write").ended(1)
    assert "left: docs/b.md:5: its picture is not there" in ran.errors
    assert "Replaced 1 block on 1 page, 1 picture copied." in ran.output
    assert (bare.root / "docs/b.md").read_text() == bad + "\n" + missing
    assert (bare.root / "parts/part.md").read_text() == fence("A snippet fox", SIZE)
    assert "genimage" not in (bare.root / "docs/index.md").read_text()


EXTRAS = (
    "",
    "caption: A *caption*\nid: here\n",
    'align: left\nclass: c d\ntitle: It says "x"\nwidth: 50%\n',
)


class _Places(HTMLParser):
    """The pictures of a page, each with the elements that it stands in, but for paragraphs and figures."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self.found: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "img":
            way = "/".join(name for name in self._open if name not in ("p", "figure"))
            names = ("alt", "title", "width", "height", "loading")
            self.found.append((way, *(has.get(name, "") for name in names)))
        elif tag not in ("br", "hr", "input", "link", "meta"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while tag in self._open and self._open.pop() != tag:
            pass


def stands(page: Path) -> list[tuple[str, ...]]:
    reader = _Places()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader.found


def test_every_place_where_a_block_can_stand(bare: Site) -> None:
    chosen = extension_set("preserve_tabs", bare.root / "snippets")
    bare.config["markdown_extensions"] = [
        {name: chosen["extension_configs"].get(name, {})} for name in chosen["extensions"]
    ]
    bare.write({f"snippets/{name}": text for name, text in SNIPPETS.items()})
    bare.write({"docs/index.md": "# Home\n"})
    pages = {}
    for number, (name, (text, _)) in enumerate(CASES.items()):
        pages[name] = f"page{number}"
        extra = EXTRAS[number % len(EXTRAS)].splitlines()
        lines = [
            line
            for old in text.split("\n")
            for line in (
                [old, *(old.replace("size: 1024x1024", one) for one in extra)]
                if old.strip("> \t") == "size: 1024x1024"
                else [old]
            )
        ]
        bare.write({f"docs/{pages[name]}.md": "\n".join(lines)})
    site_dir = bare.build(warns=["line of a list marker", "block is not closed"]).site_dir
    before = {name: stands(site_dir / page / "index.html") for name, page in pages.items()}
    content = genimage(bare, "eject", "--write", "--json").ended(1).json("eject")
    left = {one["place"].removeprefix("docs/").partition(".")[0] for one in content["left"]}
    assert {name for name, page in pages.items() if page in left} == {
        "snippet",
        "snippet in list",
        "snippet in fence body",
    }
    bare.options = None
    bare.build()
    for name, page in pages.items():
        if page not in left:
            assert stands(site_dir / page / "index.html") == before[name], name
    assert sum(map(len, before.values())) > 70


def test_a_block_that_is_taken_for_another(bare: Site) -> None:
    """A macro leaves out the block of the file and brings one from elsewhere."""
    bare.config["hooks"] = ["hook.py"]
    other = "~~~genimage\nprompt: Eleven steam locomotives\nsize: 64x48\nalt: x\n~~~"
    bare.write(
        {
            "hook.py": f"import re\nOTHER = {other!r}\n"
            "def on_page_markdown(markdown, **_):\n"
            "    return re.sub('(?s)```.*```', OTHER, markdown)\n",
            "docs/index.md": fence("A fox", SIZE),
        }
    )
    bare.build()
    content = genimage(bare, "eject", "--json", "--write").ended(1).json("eject")
    assert content["pages"] == []
    assert "a macro or another plugin makes this block" in content["left"][0]["reason"]
    assert (bare.root / "docs/index.md").read_text() == fence("A fox", SIZE)


def test_some_pages_only(bare: Site) -> None:
    names = ("index.md", "guides/a.md", "guides/deep/b.md", "c.md")
    bare.write({f"docs/{name}": fence(f"A fox {n}", SIZE) for n, name in enumerate(names)})
    bare.write({"docs/guides/none.md": "# None\n"})
    bare.build()

    def chosen(*pages: str) -> list[str]:
        content = genimage(bare, "eject", "--json", *pages).ended().json("eject")
        return [page["file"].removeprefix("docs/") for page in content["pages"]]

    assert chosen() == ["index.md", "c.md", "guides/a.md", "guides/deep/b.md"]
    assert chosen("guides/*") == chosen("docs/guides/") == ["guides/a.md", "guides/deep/b.md"]
    assert chosen("c.md", "./docs/index.md") == ["index.md", "c.md"]
    assert chosen(str(bare.root / "docs/c.md")) == ["c.md"]
    assert chosen("guides/none.md") == []
    ran = genimage(bare, "eject", "none/*.md").ended(2)
    assert "'none/*.md' names no page" in ran.errors
    genimage(bare, "eject", "--write", "c.md").ended()
    assert "genimage" in (bare.root / "docs/index.md").read_text()
    assert len(list((bare.root / "docs/assets/images").iterdir())) == 1


def test_where_the_pictures_go(bare: Site) -> None:
    bare.write({"docs/a/b.md": fence("A fox", SIZE), "docs/index.md": "# Home\n"})
    bare.build()
    for folder in ("../x", "/x", "", "a/.hidden", "templates/x", "C:/x"):
        assert "--assets" not in genimage(bare, "eject", "--assets", folder).ended(2).output
    name = bare.cached(".png")[0]
    bare.write({f"docs/pics here/{name}": b"another picture"})
    ran = genimage(bare, "eject", "--write", "--assets", "pics here").ended(1)
    assert "is there already and is another file" in ran.errors
    assert (bare.root / "docs/a/b.md").read_text() == fence("A fox", SIZE)
    bare.write({f"docs/pics here/{name}": (bare.cache / name).read_bytes()})
    ejected(bare, "--assets", "pics here")
    assert "](../pics%20here/a-fox-" in (bare.root / "docs/a/b.md").read_text()


def test_front_matter_chinese_and_two_blocks_alike(bare: Site) -> None:
    text = "---\ntitle: 狐狸\ngenimage: {size: 64x48}\n---\n\n# 狐狸\n\n"
    block = fence("一只狐狸。在雪中。")
    bare.write({"docs/index.md": text + block + "\n" + block})
    shown = ejected(bare)
    assert shown["index.html"][0][1] == "一只狐狸。"
    page = (bare.root / "docs/index.md").read_text(encoding="utf-8")
    assert page.startswith(text)
    assert page.count("![一只狐狸。](assets/images/image-") == 2


def test_files_that_cannot_be_written(bare: Site) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE), "docs/b.md": fence("A hen", SIZE)})
    bare.build()
    (bare.root / "docs/index.md").chmod(0o444)
    ran = genimage(bare, "eject", "--write").ended(1)
    assert "docs/index.md: " in ran.errors
    assert "is read-only. Make it writable first." in ran.errors
    assert "Replaced 1 block on 1 page" in ran.output
    assert "genimage" not in (bare.root / "docs/b.md").read_text()
    bare.write({"docs/pics": "a file"})
    (bare.root / "docs/index.md").chmod(0o644)
    ran = genimage(bare, "eject", "--write", "--assets", "pics").ended(1)
    assert "cannot be written" in ran.errors
    assert (bare.root / "docs/index.md").read_text() == fence("A fox", SIZE)


def test_extensions_that_need_a_whole_build(bare: Site) -> None:
    """One that fails outside of a build is no obstacle: the first way of writing is taken."""
    bare.config["hooks"] = ["hook.py"]
    bare.write(
        {
            "hook.py": "from markdown.extensions import Extension\n"
            "from markdown.preprocessors import Preprocessor\n"
            "STATE = {}\n"
            "class Lines(Preprocessor):\n"
            "    def run(self, lines):\n"
            "        return [*lines, STATE['page']]\n"
            "class Own(Extension):\n"
            "    def extendMarkdown(self, md):\n"
            "        md.preprocessors.register(Lines(md), 'own', 1)\n"
            "def on_config(config):\n"
            "    config.markdown_extensions.append(Own())\n"
            "def on_page_markdown(markdown, **_):\n"
            "    STATE['page'] = ''\n"
            "def on_post_build(config):\n"
            "    STATE.clear()\n",
            "docs/index.md": HOME.replace("guide/page.md", "index.md"),
        }
    )
    ejected(bare)


def test_as_a_process(bare: Site, child_env: dict[str, str]) -> None:
    bare.write({"docs/index.md": fence("A fox", SIZE).replace("\n", "\r\n")})
    bare.build()
    ran = genimage_process(bare.root, "eject", env=child_env).ended()
    assert "-```genimage size=64x48 alt=x\r\n-A fox\r\n-```\r\n+![x](assets/images/a" in ran.output
    assert ran.output.startswith("--- a/docs/index.md\n+++ b/docs/index.md\n")
    assert "\x1b" not in ran.output
    ran = genimage_process(bare.root, "eject", "--write", env=child_env).ended()
    assert "take 'genimage' out of mkdocs.yml" in ran.output
    config = yaml.safe_load(bare.config_file.read_text())
    assert "plugins" in config
