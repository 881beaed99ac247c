"""Beside the plugins that Material brings: search, blog, tags, social, optimize, privacy, offline..."""

from __future__ import annotations

import json
import re
import shutil
import threading
from typing import TYPE_CHECKING, Any

import pytest
from beside import (
    DOCS,
    REQUESTS,
    alt,
    block,
    build_twice,
    check_social_image,
    fetch,
    hero,
    measure,
    own_images,
    prepare,
    social_images,
    view,
    views,
)
from compatibility import Beside, beside
from material.plugins.optimize.plugin import OptimizePlugin
from PIL import ImageFont
from sites import behind

if TYPE_CHECKING:
    from api_server import ImagesServer
    from sites import Site

BUILT_BESIDE = [Beside("material", package="mkdocs-material", kind="theme")]

THEME = {"name": "material", "font": False}
"""Without fonts that would come from elsewhere."""

try:
    import cairosvg  # noqa: F401
except (ImportError, OSError):  # it, or the library that it is for
    HAS_CAIRO = False
else:
    HAS_CAIRO = True
needs_cairo = pytest.mark.skipif(not HAS_CAIRO, reason="there is no CairoSVG, or no Cairo")

SOCIAL_CACHE = ".cache/plugin/social"


@pytest.fixture
def material(site: Site) -> Site:
    """A site with the theme Material and the standard docs."""
    site.config = {
        "theme": dict(THEME),
        "markdown_extensions": ["attr_list", "pymdownx.superfences", {"toc": {"permalink": True}}],
    }
    site.before = ["search"]
    site.write(DOCS)
    return site


BOTH = pytest.mark.parametrize("directory_urls", [True, False], ids=["folders", "files"])


# --- Search ---


@beside("search", package="mkdocs-material")
@BOTH
def test_search(material: Site, api: ImagesServer, directory_urls: bool) -> None:
    material.config["use_directory_urls"] = directory_urls
    built = build_twice(material, api, views=views(material), requests=REQUESTS)
    index = json.loads(built.read("search/search_index.json"))
    texts = " ".join(entry["text"] for entry in index["docs"])
    assert "The badger of the house" in " ".join(re.sub(r"<[^>]+>", "", texts).split())
    assert "assets/genimage" not in texts
    assert "placeholder" not in texts


@beside("search", package="mkdocs-material")
@pytest.mark.parametrize("disclosure", ["label", "credit"])
def test_search_finds_captions_and_not_labels(
    material: Site, api: ImagesServer, disclosure: str
) -> None:
    prepare(material, api)
    material.options |= {"disclosure": disclosure}
    built = material.build(strict=True)
    index = json.loads(built.read("search/search_index.json"))
    words = " ".join(entry["text"] for entry in index["docs"]).split()
    assert "Twins" in words
    assert not [word for word in words if "AI-generated" in word or "small-pictures" in word]


# --- Blog and tags ---


def post(day: int, category: str, name: str) -> str:
    """A post with a picture before its excerpt ends, and one behind."""
    early, late = block(name, f"caption='The *{name}*'"), block(f"late {name}", "size=auto")
    return (
        f"---\ndate: 2025-0{day}-01\ncategories: [{category}]\ntags: [Animals]\n---\n\n"
        f"# Post {name}\n\nHello\n\n{early}\n<!-- more -->\n\n{late}"
    )


BLOG_DOCS: dict[str, str | bytes] = {
    "docs/blog/index.md": "# Blog\n\n" + block("wren"),
    "docs/blog/posts/fox.md": post(1, "Red", "fox"),
    "docs/blog/posts/elk.md": post(2, "Red", "elk"),
    "docs/blog/posts/2025/gnu.md": post(3, "Blue", "gnu"),
}
BLOG_REQUESTS = 7
BLOG = {"blog": {"pagination_per_page": 2}}


def blog_views(site: Site) -> dict[str, list[str]]:
    """What shows the pictures of `BLOG_DOCS`, with two posts on a page."""
    directory_urls = site.config.get("use_directory_urls", True)
    ending = "/index.html" if directory_urls else ".html"
    whole = {
        f"blog/2025/0{day}/01/post-{name}{ending}": [alt(name), alt(f"late {name}")]
        for day, name in enumerate(("fox", "elk", "gnu"), 1)
    }
    return {
        **whole,
        "blog/index.html": [alt("wren"), alt("gnu"), alt("elk")],
        "blog/page/2/index.html": [alt("fox")],
        f"blog/archive/2025{ending}": [alt("gnu"), alt("elk")],
        f"blog/archive/2025/page/2{ending}": [alt("fox")],
        f"blog/category/red{ending}": [alt("elk"), alt("fox")],
        f"blog/category/blue{ending}": [alt("gnu")],
    }


@beside("blog", package="mkdocs-material")
@beside("tags", package="mkdocs-material")
@BOTH
def test_blog(material: Site, api: ImagesServer, directory_urls: bool) -> None:
    material.config["use_directory_urls"] = directory_urls
    material.before += [BLOG, "tags"]
    material.write({**BLOG_DOCS, "docs/tags.md": "# Tags\n\n<!-- material/tags -->\n"})
    shown = views(material) | blog_views(material)
    build_twice(material, api, views=shown, requests=REQUESTS + BLOG_REQUESTS)


# --- Social cards ---


def bring_font(site: Site) -> None:
    """The font of the cards, where the plugin would put it after a download: the one inside Pillow."""
    font = ImageFont.load_default(10).font_bytes  # type: ignore[union-attr]
    folder = f"{SOCIAL_CACHE}/fonts/Roboto"
    site.write({f"{folder}/{style}.ttf": font for style in ("Regular", "Bold")})


@beside("social", package="mkdocs-material")
@needs_cairo
def test_social(material: Site, api: ImagesServer) -> None:
    bring_font(material)
    material.before += ["social"]
    material.config["site_description"] = "About animals"
    built = build_twice(material, api, views=views(material), requests=REQUESTS)
    for name, card in (("index.md", "index"), ("guide/page.md", "guide/page")):
        page = view(material, name)
        (url,) = social_images(built, page)
        assert url.endswith(f"/assets/images/social/{card}.png")
        assert measure(fetch(built, page, url)) == (1200, 630)


@beside("social", package="mkdocs-material")
@needs_cairo
def test_social_cards_and_heroes(material: Site, api: ImagesServer) -> None:
    """A page has one picture for others to show: its card, or its hero where it wants no card."""
    bring_font(material)
    material.before += ["social"]
    material.write(
        {
            "docs/both.md": hero("hare", "    show: true") + "# Both\n\nText.\n",
            "docs/only.md": hero("mole", "social:", "  cards: false") + "# Only a hero\n\nText.\n",
        }
    )
    shown = views(material) | {"both/index.html": [alt("hare")]}
    built = build_twice(material, api, views=shown, requests=REQUESTS + 2)
    (card,) = social_images(built, "both/index.html")
    assert card.endswith("/assets/images/social/both.png")
    assert "/a-mole-" in check_social_image(built, "only/index.html")
    assert built.images("only/index.html") == []


# --- Optimize, privacy, offline ---


@pytest.fixture
def calm_optimize(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin without a race of its own, which it loses in about one of seven builds.

    It starts a job that renames a file, and only then takes that file out of MkDocs' list, by its name.
    Here jobs wait until all are out.
    """
    on_env, optimize = OptimizePlugin.on_env, OptimizePlugin._optimize_image
    gate = threading.Lock()

    def calm_on_env(self: OptimizePlugin, *args: Any, **more: Any) -> None:
        with gate:
            on_env(self, *args, **more)

    def calm_job(self: OptimizePlugin, *args: Any) -> Any:
        with gate:
            pass
        return optimize(self, *args)

    monkeypatch.setattr(OptimizePlugin, "on_env", calm_on_env)
    monkeypatch.setattr(OptimizePlugin, "_optimize_image", calm_job)


@beside("optimize", package="mkdocs-material")
@pytest.mark.skipif(shutil.which("pngquant") is None, reason="there is no pngquant")
@pytest.mark.usefixtures("calm_optimize")
@BOTH
def test_optimize(material: Site, api: ImagesServer, directory_urls: bool) -> None:
    """It takes media out of MkDocs' hands and writes smaller ones when everything else is done."""
    material.config["use_directory_urls"] = directory_urls
    material.before += [BLOG, "optimize"]
    material.write(BLOG_DOCS)
    shown = views(material) | blog_views(material)
    built = build_twice(material, api, views=shown, requests=REQUESTS + BLOG_REQUESTS)
    files = built.files()
    for name in material.cached(".png"):
        assert len(files[f"assets/genimage/{name}"]) <= (material.cache / name).stat().st_size


PRIVACY = {"assets_exclude": ["unpkg.com/*"]}
"""The theme's script names Mermaid there, which it would fetch."""


@beside("privacy", package="mkdocs-material")
def test_privacy(material: Site, api: ImagesServer) -> None:
    """It takes what other hosts have into the site, which pictures and their pages have nothing of."""
    material.before += [{"privacy": {"links_attr_map": {"target": "_blank"}, **PRIVACY}}]
    built = build_twice(material, api, views=views(material), requests=REQUESTS)
    assert not (built.site_dir / "assets/external").exists()


@beside("offline", package="mkdocs-material")
def test_offline(material: Site, api: ImagesServer) -> None:
    material.before += ["offline"]
    material.config["use_directory_urls"] = False  # as the plugin does
    built = build_twice(material, api, views=views(material), requests=REQUESTS)
    # Read from a disk, a link to a folder shows its files, and one to the root of a host the disk's.
    for name in views(material):
        for image in own_images(built, name):
            assert not image["src"].startswith("/")
    assert "of the house" in built.read("search/search_index.js")


# --- Heroes ---


@beside("blog", package="mkdocs-material")
@beside("meta", package="mkdocs-material")
@BOTH
def test_heroes(material: Site, api: ImagesServer, directory_urls: bool) -> None:
    """Of posts, which views show in part, and of a folder."""
    material.config["use_directory_urls"] = directory_urls
    material.before += [BLOG, "meta"]
    early = post(1, "Red", "fox").replace("---\n", hero("hare", "    show: true")[:-4], 1)
    late = post(2, "Red", "elk").replace("---\n", hero("mole")[:-4], 1)
    material.write(
        {
            "docs/blog/index.md": "# Blog\n",
            "docs/blog/posts/fox.md": early,
            "docs/blog/posts/elk.md": late,
            "docs/guide/.meta.yml": hero("newt").replace("---\n", ""),
        }
    )
    ending = "/index.html" if directory_urls else ".html"
    shown = {
        **views(material),
        f"blog/2025/01/01/post-fox{ending}": [alt("hare"), alt("fox"), alt("late fox")],
        f"blog/2025/02/01/post-elk{ending}": [alt("elk"), alt("late elk")],
        "blog/index.html": [alt("elk"), alt("hare"), alt("fox")],
        f"blog/archive/2025{ending}": [alt("elk"), alt("hare"), alt("fox")],
        f"blog/category/red{ending}": [alt("elk"), alt("hare"), alt("fox")],
    }
    built = build_twice(material, api, views=shown, requests=REQUESTS + 7)
    pages = {
        f"blog/2025/01/01/post-fox{ending}": "hare",
        f"blog/2025/02/01/post-elk{ending}": "mole",
        view(material, "guide/page.md"): "newt",
    }
    for name, animal in pages.items():
        assert f"/a-{animal}-" in check_social_image(built, name)
    assert social_images(built, "index.html") == []
    (first, *_) = own_images(built, f"blog/2025/01/01/post-fox{ending}")
    assert first["fetchpriority"] == "high"
    assert first.get("loading") != "lazy"


# --- Together ---


TYPICAL: list[Any] = [
    "meta",
    BLOG,
    "tags",
    "typeset",
    {"group": {"enabled": True, "plugins": [{"privacy": PRIVACY}]}},
    {"social": {"cards_layout_options": {"background_color": "#224"}}},
]


@beside("group", package="mkdocs-material")
@beside("typeset", package="mkdocs-material")
@needs_cairo
@pytest.mark.usefixtures("calm_optimize")
@BOTH
def test_typical_site(material: Site, api: ImagesServer, directory_urls: bool) -> None:
    bring_font(material)
    material.before += TYPICAL
    if shutil.which("pngquant"):
        material.after = ["optimize"]
    material.config["use_directory_urls"] = directory_urls
    material.config["theme"]["features"] = [
        "navigation.instant",
        "navigation.tabs",
        "navigation.indexes",
        "content.tooltips",
        "search.suggest",
    ]
    material.config["theme"]["palette"] = [
        {"scheme": "default", "toggle": {"icon": "material/weather-sunny", "name": "Dark"}},
        {"scheme": "slate", "toggle": {"icon": "material/weather-night", "name": "Light"}},
    ]
    material.config["markdown_extensions"] += [
        "admonition",
        "footnotes",
        "md_in_html",
        "pymdownx.details",
        {"pymdownx.tabbed": {"alternate_style": True}},
        "pymdownx.blocks.caption",
    ]
    inside = (
        "# More\n\n!!! note\n\n"
        + behind("    ", block("hare"))
        + '\n=== "One"\n\n'
        + behind("    ", block("mole", "align=left"))
        + '\n=== "Two"\n\n'
        + behind("    ", block("newt"))
    )
    material.write(
        {
            **BLOG_DOCS,
            "docs/tags.md": "# Tags\n\n<!-- material/tags -->\n",
            "docs/guide/.meta.yml": "tags: [Guides]\n",
            "docs/guide/more.md": inside,
            "docs/hero.md": hero("toad", "    show: true", "social:", "  cards: false")
            + "# Hero\n",
        }
    )
    more = {
        view(material, "guide/more.md"): [alt("hare"), alt("mole"), alt("newt")],
        view(material, "hero.md"): [alt("toad")],
    }
    shown = views(material) | blog_views(material) | more
    built = build_twice(material, api, views=shown, requests=REQUESTS + BLOG_REQUESTS + 4)
    for page in shown:
        assert len(social_images(built, page)) == 1
    assert "/a-toad-" in check_social_image(built, view(material, "hero.md"))
