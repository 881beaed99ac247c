"""Smaller files wherever a block stands, and wherever a page ends up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import markdown
import pytest
from beside import SITE_URL
from light_sites import (
    AVIF,
    SECRET,
    WEBP,
    block,
    build_twice,
    check_offers,
    light,
    moody,
    sources,
)
from links import broken_links
from mkdocs.plugins import BasePlugin, event_priority
from sites import Site, behind, holding

if TYPE_CHECKING:
    from api_server import ImagesServer


@pytest.fixture
def bare(bare: Site) -> Site:
    return light(bare)


# --- Where blocks stand ---

PLACES = {
    "list": f"1. a\n\n{behind('    ', block('fox'))}\n2. b\n",
    "quote": f"> quoted\n>\n{behind('> ', block('fox'))}",
    "admonition": f"!!! note\n\n{behind('    ', block('fox'))}",
    "tabs": f'=== "A"\n\n{behind("    ", block("fox"))}\n=== "B"\n\n{behind("    ", block("fox"))}',
    "table": f"| a | b |\n|---|---|\n| 1 | 2 |\n{block('fox')}| c |\n",
    "footnote": f"Text[^1].\n\n[^1]: Note\n\n{behind('    ', block('fox'))}",
    "definition": f"term\n:   meaning\n\n{behind('    ', block('fox'))}",
    "md_in_html": f"<div markdown>\n\n{block('fox')}\n</div>\n",
    "raw html": f"<details>\n<summary>More</summary>\n{block('fox')}</details>\n",
    "raw table": f"<table><tr><td>\n{block('fox')}</td></tr></table>\n",
    "span": f'<table><tr><td markdown="span">\n{block("fox")}</td></tr></table>\n',
    "snippet": '--8<-- "fox.md"\n',
    "snippet in a list": '- a\n\n    --8<-- "fox.md"\n',
}
EXTENSIONS: list[Any] = [
    "admonition", "attr_list", "def_list", "footnotes", "md_in_html", "tables", "toc",
    "pymdownx.superfences", {"pymdownx.tabbed": {"alternate_style": True}},
]  # fmt: skip


@pytest.mark.parametrize("directory_urls", [True, False], ids=["folders", "files"])
@pytest.mark.parametrize("formats", [WEBP, AVIF])
def test_smaller_files_wherever_a_block_stands(
    bare: Site, api: ImagesServer, formats: list[str], directory_urls: bool
) -> None:
    light(bare, formats=formats, disclosure="label")
    snippets = {"pymdownx.snippets": {"base_path": [str(bare.root / "snippets")]}}
    bare.config["markdown_extensions"] = [*EXTENSIONS, snippets]
    bare.config["use_directory_urls"] = directory_urls
    bare.write({"snippets/fox.md": block("fox"), "docs/index.md": block("fox")})
    bare.write({f"docs/sub/{name}.md": text for name, text in PLACES.items()})
    built = build_twice(bare, api)
    assert len(api.posts) == 1
    for name in PLACES:
        page = f"sub/{name}/index.html" if directory_urls else f"sub/{name}.html"
        images = built.images(page)
        assert len(images) == (2 if name == "tabs" else 1), name
        tags = sources(built, page)
        assert len(tags) == (len(formats) - 1) * len(images), name
        for image in [*images, *tags]:
            check_offers(built, page, {"src": images[0]["src"], **image}, [16, 32, 64])
    assert holding(built.site_dir, "genimage-srcset") == []
    assert holding(built.site_dir, SECRET) == []


EXAMPLES = {
    "longer fence": f"````markdown\n{block('fox')}````\n",
    "indented": "Text\n\n" + behind("    ", block("fox")),
    "comment": f"<!--\n{block('fox')}-->\n",
    "html": '<img src="assets/genimage/x.png" genimage-srcset="x-480w.png 480w">\n',
    "source": '`<source sizes="a" srcset="b" type="image/webp"></source>`\n',
    "picture": '<picture><source srcset="../a.webp" type="image/webp"><img src="../a.png"></picture>\n',
}


def test_what_is_no_block_stays_as_it_is(bare: Site, api: ImagesServer) -> None:
    bare.write({f"docs/{name}.md": text for name, text in EXAMPLES.items()})
    bare.write({"docs/a.png": b"x", "docs/a.webp": b"x"})
    with_plugin = bare.build(site_dir=str(bare.root / "with"))
    bare.options = None
    without = bare.build(site_dir=str(bare.root / "without"))
    sheet = re.compile(r'\s*<link rel="stylesheet" href="[./]*assets/genimage/genimage.css">')
    for name in EXAMPLES:
        page = f"{name}/index.html"
        text, plain = (sheet.sub("", built.read(page)).split() for built in (with_plugin, without))
        assert text == plain, name
    assert api.calls == []


@pytest.mark.parametrize("formats", [WEBP, AVIF])
def test_blog(site: Site, api: ImagesServer, formats: list[str]) -> None:
    light(site, formats=formats)
    site.config = {
        "theme": "material",
        "site_url": SITE_URL,
        "markdown_extensions": ["pymdownx.superfences", "toc"],
    }
    site.before = ["search", {"blog": {"pagination_per_page": 2}}]
    api.reply = moody
    api.auto_size = "70x50"

    def post(day: int, name: str) -> str:
        return (
            f"---\ndate: 2025-0{day}-01\ncategories: [Red]\n---\n\n# Post {day}\n\nHello\n\n"
            + block(name, "size=auto")
            + "\n<details>\n"
            + block(f"{name} in HTML", f"width=20 dark={'none' if 'for' in name else 'night'}")
            + "</details>\n\n<!-- more -->\n\n"
            + block(f"late {name}")
        )

    site.write({"docs/index.md": "# Home", "docs/blog/index.md": "# Blog"})
    names = ["fox", "forbidden", "as gif"]
    site.write({f"docs/blog/posts/{i}.md": post(i, name) for i, name in enumerate(names, 1)})
    built = build_twice(site, api, warns=["refused by the moderation"])
    views = {
        "blog/index.html": ["as gif", "forbidden"],
        "blog/page/2/index.html": ["fox"],
        "blog/archive/2025/index.html": ["as gif", "forbidden"],
        "blog/category/red/index.html": ["as gif", "forbidden"],
        "blog/2025/01/01/post-1/index.html": ["fox"],
    }
    for page, animals in views.items():
        images = built.images(page)
        for animal in animals:
            (plain,) = [image for image in images if image["alt"] == f"A {animal}"]
            html = [image for image in images if image["alt"] == f"A {animal} in HTML"]
            assert len(html) == (1 if animal == "forbidden" else 2)
            if animal == "fox":
                check_offers(built, page, plain, [16, 32, 70])
            else:
                assert "srcset" not in plain
            for image in html:
                is_whole = "placeholder-" not in image["src"] and ".gif" not in image["src"]
                assert ("srcset" in image) == is_whole, page


class InnerRenderer(BasePlugin):
    """Renders a text within a page, as plugins for code output and API docs do."""

    def __init__(self, text: str) -> None:
        self.text = text

    def on_page_content(self, html: str, *, page: Any, config: Any, **_: Any) -> str:
        md = markdown.Markdown(
            extensions=config.markdown_extensions, extension_configs=config.mdx_configs
        )
        return html + md.convert(self.text)


@pytest.mark.parametrize("formats", [WEBP, AVIF])
def test_markdown_that_knows_no_page(bare: Site, api: ImagesServer, formats: list[str]) -> None:
    light(bare, formats=formats)
    api.auto_size = "70x50"
    text = block("inner", "size=auto dark=night") + f"<div>\n{block('raw')}</div>\n"
    bare.write({"docs/index.md": "# Home", "docs/sub/page.md": block("fox")})
    built = build_twice(bare, api, probes={"probe": InnerRenderer(text)})
    for page, count in (("index.html", 3), ("sub/page/index.html", 4)):
        images = built.images(page)
        assert len(images) == count
        widths = {"A inner": [16, 32, 70], "A raw": [16, 32, 64], "A fox": [16, 32, 64]}
        for image in images:
            check_offers(built, page, image, widths[image["alt"]])


# --- Pages that end up elsewhere ---


class Collector(BasePlugin):
    """Puts all pages into one, and puts their links and pictures right, as plugins for printing do."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.parts: list[str] = []

    def on_pre_build(self, **_: Any) -> None:
        self.parts.clear()

    @event_priority(-50)
    def on_page_content(self, html: str, **_: Any) -> None:
        self.parts.append(html)

    def _all(self, depth: int) -> str:
        new = "../" * depth + self.folder + "/"
        whole = "<title>All</title>" + "".join(self.parts)
        return re.sub(rf' src="[./]*{re.escape(self.folder)}/', f' src="{new}', whole)

    def on_post_page(self, output: str, *, page: Any, **_: Any) -> str:
        return self._all(2) if "all" in page.file.src_uri else output

    def on_post_build(self, *, config: Any) -> None:
        path = Path(config.site_dir, "deep/er/print", "index.html")
        path.parent.mkdir(parents=True)
        path.write_text(self._all(3), encoding="utf-8")


@pytest.mark.parametrize("folder", ["assets/genimage", "my pictures"])
@pytest.mark.parametrize("formats", [WEBP, AVIF])
def test_pages_that_are_put_into_one(
    bare: Site, api: ImagesServer, formats: list[str], folder: str
) -> None:
    light(bare, formats=formats, assets_dir=folder)
    api.auto_size = "70x50"
    bare.write(
        {
            "docs/index.md": block("fox", "size=auto"),
            "docs/a/b/c/deep.md": block("elk", "dark=night"),
            "docs/print/all.md": "# All",
        }
    )
    quoted = folder.replace(" ", "%20")
    built = build_twice(bare, api, probes={"probe": Collector(quoted)})
    for page in ("print/all/index.html", "deep/er/print/index.html"):
        tags = [tag for tag in built.tags(page, "img") if "alt" in tag]
        assert len(tags) == 3, page
        assert len(built.tags(page, "source")) == 3 * (len(formats) - 1)
        for tag in tags:
            check_offers(built, page, tag, [16, 32, 70 if "fox" in tag["alt"] else 64])


class SecondRendering(BasePlugin):
    """Renders all pages once more, when their pictures are there."""

    def on_env(self, env: Any, *, config: Any, files: Any) -> None:
        for file in files.documentation_pages():
            file.page.render(config, files)


def test_pages_that_are_rendered_once_more(bare: Site, api: ImagesServer) -> None:
    api.auto_size = "70x50"
    bare.write({"docs/index.md": block("fox", "size=auto dark=night"), "docs/b.md": block("elk")})
    built = build_twice(bare, api, probes={"probe": SecondRendering()})
    for image in built.images("index.html"):
        check_offers(built, "index.html", image, [16, 32, 70])


class LateRenderer(BasePlugin):
    """Renders a text when files are copied already."""

    def on_post_page(self, output: str, *, config: Any, **_: Any) -> str:
        md = markdown.Markdown(
            extensions=config.markdown_extensions, extension_configs=config.mdx_configs
        )
        return output + md.convert(block("fox"))


def test_a_picture_that_is_wanted_when_files_are_copied(bare: Site, api: ImagesServer) -> None:
    bare.write({"docs/index.md": block("fox")})
    light(bare, widths=[], formats=[])
    bare.build()
    bare.write({"docs/index.md": "# No block"})
    light(bare)
    built = bare.build(probes={"probe": LateRenderer()})
    (image,) = built.images("index.html")
    check_offers(built, "index.html", image, [16, 32, 64])
    assert broken_links(built.site_dir) == []


def test_pages_whose_folders_are_named_like_files(bare: Site, api: ImagesServer) -> None:
    """`about.html.md` becomes the folder `about.html/`, `feed.xml.md` the folder `feed.xml/`."""
    other = {f"docs/{name}.md": "# Other\n" for name in ("about.html", "feed.xml", "a.json")}
    bare.write({"docs/index.md": block("fox"), **other})
    built = build_twice(bare, api)
    assert (built.site_dir / "about.html").is_dir()


def test_one_picture_in_several_sizes_with_one_in_raw_html(bare: Site, api: ImagesServer) -> None:
    """What is in raw HTML is converted last, wherever it stands."""
    bare.options.pop("defaults", None)
    api.auto_size = "96x64"
    first, second = block("fox", "width=512"), block("fox", "height=512")
    bare.write({"docs/index.md": f"<div>\n{first}</div>\n\n{second}"})
    built = build_twice(bare, api)
    shapes = [(image["width"], image["height"]) for image in built.images("index.html")]
    assert shapes == [("512", "341"), ("768", "512")]
