"""The picture of a whole page, from its front matter: what others find of it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from api_server import Reply
from beside import SITE_URL, fetch, needs
from hero_sites import (
    LINE,
    PROMPT,
    SECRET,
    MetaReader,
    build_twice,
    check_nothing,
    check_social,
    meta_image,
    page,
    prepare,
    social,
    write,
)
from mkdocs.plugins import BasePlugin
from pictures import picture
from PIL import Image
from sites import Site, fence, holding

from mkdocs_genimage.hero import social_tags
from mkdocs_genimage.light import SOCIAL_WIDTH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api_server import ImagesServer


@pytest.fixture
def site(site: Site) -> Site:
    return prepare(site)


# --- What others find ---


def test_a_hero_is_for_others(site: Site, api: ImagesServer) -> None:
    write(site, page())
    built = build_twice(site, api)
    check_social(built)
    assert [call.fields["prompt"] for call in api.posts] == [PROMPT]
    assert social(built)["og:image:alt"] == "A fox"
    # On the page itself it is not to be seen, so nothing else of it is published.
    assert built.images("index.html") == []
    assert [name for name in built.files() if "genimage" in name] == [meta_image(built)]
    assert holding(built.site_dir, SECRET) == []


@pytest.mark.parametrize(
    ("size", "social_size"),
    [
        ("64x48", (64, 48)),
        (f"{SOCIAL_WIDTH}x630", (SOCIAL_WIDTH, 630)),
        ("1201x1001", (SOCIAL_WIDTH, 1000)),
        ("1536x1024", (SOCIAL_WIDTH, 800)),
        ("1300x16", (SOCIAL_WIDTH, 15)),
    ],
)
def test_dimensions(site: Site, api: ImagesServer, size: str, social_size: tuple[int, int]) -> None:
    write(site, page(size=size))
    check_social(build_twice(site, api), social_size)


@pytest.mark.parametrize("asked", ["png", "jpeg", "webp", "gif", "svg"])
@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "gif", "svg"])
def test_formats(site: Site, api: ImagesServer, asked: str, form: str) -> None:
    """What is asked for and what comes. Others are given neither animations nor drawings."""
    api.reply = lambda call: Reply(format=form, size="70x50")
    write(site, page(output_format=asked, show="true"))
    if form in ("gif", "svg"):
        for _ in range(2):
            built = site.build(warns=[LINE])
            (text,) = built.warnings
            assert form in text
            assert "png" in text
            check_nothing(built)
    else:
        built = build_twice(site, api)
        check_social(built, (70, 50))
    (image,) = built.images("index.html")
    assert fetch(built, "index.html", image["src"]) == picture(f"{PROMPT}#0", "70x50", form)


def test_transparency_becomes_white(site: Site, api: ImagesServer) -> None:
    write(site, page(background="transparent"))
    data = check_social(build_twice(site, api))
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "RGB"
        corner = image.getpixel((3, 20))
        assert min(corner) > 245  # type: ignore[type-var, arg-type]


@pytest.mark.parametrize("where", ["docs/index.md", "docs/sub/deep/page.md"])
def test_the_path_is_from_the_root_of_the_site(site: Site, api: ImagesServer, where: str) -> None:
    site.config["site_url"] = SITE_URL + "project"  # no slash
    site.write({"docs/index.md": "# Home", where: page()})
    built = site.build(strict=True)
    name = where.removeprefix("docs/").replace("page.md", "page/index.html")
    name = name.replace("index.md", "index.html")
    path = meta_image(built, name)
    assert path.startswith("assets/genimage/")
    assert social(built, name)["og:image"] == f"{SITE_URL}project/{path}"


def test_without_an_address_nothing_can_be_told(site: Site, api: ImagesServer) -> None:
    del site.config["site_url"]
    write(site, page())
    built = build_twice(site, api)
    assert social(built) == {}
    assert (built.site_dir / meta_image(built)).is_file()


TAGS = {
    "the usual one": '<meta property="og:image" content="https://example.org/x.png">',
    "another order": "<meta content='https://example.org/x.png' property='og:image'>",
    "no quotes": "<meta property=og:image content=https://example.org/x.png>",
    "with a name": '<META NAME="OG:Image" CONTENT="https://example.org/x.png"/>',
}


@pytest.mark.parametrize("tag", TAGS)
def test_tags_of_others_stay_alone(site: Site, api: ImagesServer, tag: str) -> None:
    site.config["extra"] = {"head": TAGS[tag]}
    write(site, page())
    built = build_twice(site, api)
    assert TAGS[tag] in built.read("index.html")
    assert built.read("index.html").lower().count("og:image") == 1
    assert (built.site_dir / meta_image(built)).is_file()


class HeadPlugin(BasePlugin):
    """Puts a tag into each page, as plugins for social cards do."""

    def on_post_page(self, output: str, **_: Any) -> str:
        return output.replace("</head>", TAGS["the usual one"] + "</head>")


def test_tags_of_other_plugins_stay_alone(site: Site, api: ImagesServer) -> None:
    write(site, page())
    built = build_twice(site, api, probes={"head": HeadPlugin()})
    assert built.read("index.html").count("og:image") == 1


@pytest.mark.parametrize(
    "head",
    [
        '<meta property="og:title" content="x">',
        '<meta property="og:image:alt" content="x">',
        "<!-- og:image -->",
        '<meta name="twitter:card" content="summary">',
    ],
)
def test_other_tags_are_no_obstacle(site: Site, api: ImagesServer, head: str) -> None:
    site.config["extra"] = {"head": head}
    write(site, page('# Title\n\nSet `og:image`, or `<meta property="og:image">`, yourself.\n'))
    built = build_twice(site, api)
    assert social(built)["og:image"] == SITE_URL + meta_image(built)
    assert built.read("index.html").count("twitter:card") == 1


def test_tags_stand_at_the_end_of_the_head() -> None:
    """And nowhere, where a page has none."""

    class Composed:
        options: Mapping[str, Any] = {"alt": 'A "fox" & <hen>'}

    class Shown:
        width, height = 2400, 1000

    told = social_tags(
        "<head><title>x</title></head><body></head></body>",
        "https://example.org/a/",
        "assets/ä b/fox-social.jpg",
        Shown(),  # type: ignore[arg-type]
        Composed(),  # type: ignore[arg-type]
    )
    assert told.startswith("<head><title>x</title><meta ")
    assert told.endswith("></head><body></head></body>")
    assert 'content="https://example.org/a/assets/%C3%A4%20b/fox-social.jpg"' in told
    assert 'content="A &quot;fox&quot; &amp; &lt;hen&gt;"' in told
    assert 'property="og:image:width" content="1200"' in told
    assert 'property="og:image:height" content="500"' in told
    for text in ("<title>x</title><main></main>", ""):
        assert social_tags(text, SITE_URL, "x.jpg", Shown(), Composed()) == text  # type: ignore[arg-type]


def test_decorative_heroes_have_no_alt_text(site: Site, api: ImagesServer) -> None:
    write(site, page(hero=f"{{prompt: '{PROMPT}', decorative: true, show: true}}"))
    built = build_twice(site, api)
    assert "og:image:alt" not in social(built)
    assert built.images("index.html")[0]["alt"] == ""


def test_plugins_and_templates_find_it(site: Site, api: ImagesServer) -> None:
    probe = MetaReader()
    write(site, page("# Title\n\nIt is {{ page.meta.image }}.\n"))
    built = build_twice(site, api, probes={"probe": probe})
    path = meta_image(built)
    assert probe.found == {"early": [path] * 2, "late": [path] * 2}
    assert f"It is {path}." in built.read("index.html")


@needs("mkdocs_macros")
def test_macros_find_it(site: Site, api: ImagesServer) -> None:
    site.before = ["macros"]
    write(site, page("# Title\n\nIt is {{ page.meta.image }}.\n"))
    built = build_twice(site, api)
    assert f"It is {meta_image(built)}." in built.read("index.html")


@pytest.mark.parametrize("show", [False, True])
def test_an_image_of_the_authors_own_stays(site: Site, api: ImagesServer, show: bool) -> None:
    text = page(show=str(show).lower()).replace("---\n", "---\nimage: own/pic.png\n", 1)
    write(site, text)
    built = build_twice(site, api)
    assert meta_image(built) == "own/pic.png"
    assert social(built) == {}
    assert not [file for file in built.files() if "-social" in file]
    # What nobody would see is not paid for.
    assert len(api.posts) == len(built.images("index.html")) == show


@pytest.mark.parametrize("empty", ["image:", "image: ''", "image: null"])
def test_an_empty_image_is_none(site: Site, api: ImagesServer, empty: str) -> None:
    write(site, page().replace("---\n", f"---\n{empty}\n", 1))
    check_social(build_twice(site, api))


# --- What it is made of ---


def test_options_of_site_and_page_hold(site: Site, api: ImagesServer) -> None:
    site.options["styles"] = {"ink": {"prompt": "Ink. {prompt}", "quality": "low"}}
    text = page(size="80x60").replace(
        "genimage:\n", "genimage:\n  style: ink\n  output_format: webp\n"
    )
    write(site, text)
    check_social(build_twice(site, api), (80, 60))
    (call,) = api.posts
    assert call.fields == {
        "model": "small-pictures",
        "prompt": f"Ink. {PROMPT}",
        "size": "80x60",
        "quality": "low",
        "output_format": "webp",
    }


def test_it_may_be_an_edit(site: Site, api: ImagesServer) -> None:
    own = picture("own", "64x48")
    site.write({"docs/sub/own.png": own, "docs/index.md": "# Home"})
    site.write({"docs/sub/page.md": page(image="own.png")})
    built = build_twice(site, api)
    data = check_social(built, name="sub/page/index.html")
    assert [part.data for part in api.posts[0].files] == [own]
    assert b"compositeWithTrainedAlgorithmicMedia" in data


def test_variants(site: Site, api: ImagesServer) -> None:
    write(site, page(n="3", pick="2", show="true"))
    built = build_twice(site, api)
    check_social(built)
    assert "-2-social.jpg" in meta_image(built)
    (image,) = built.images("index.html")
    assert meta_image(built) == image["src"].replace(".png", "-social.jpg")


def test_one_picture_on_many_pages(site: Site, api: ImagesServer) -> None:
    site.write({f"docs/p{i}.md": page(show="true", width=str(i + 20)) for i in range(5)})
    site.write({"docs/block.md": fence(PROMPT, "alt=x")})
    built = build_twice(site, api)
    assert len(api.posts) == 1
    assert len({meta_image(built, f"p{i}/index.html") for i in range(5)}) == 1
    assert built.summary == "1 image: 1 from the cache, 0 generated, 0 failed"
    (image,) = built.images("block/index.html")
    assert "fetchpriority" not in image


# --- Beside others ---


def test_meta_plugin_and_blog(site: Site, api: ImagesServer) -> None:
    site.config["theme"] = "material"
    site.before = ["search", {"blog": {}}, "meta"]
    text = "# {0}\n\nHello\n\n<!-- more -->\n\nThere.\n"

    def post(day: int, more: str) -> str:
        return f"---\ndate: 2025-0{day}-01\n{more}---\n\n" + text.format(f"Post {day}")

    hero = "genimage:\n  hero: {{prompt: {0}, alt: {0}, show: true}}\n"
    site.write(
        {
            "docs/index.md": "# Home",
            "docs/blog/index.md": "# Blog",
            "docs/guide/.meta.yml": hero.format("All of them"),
            "docs/guide/page.md": "# Page\n\nText\n",
            "docs/guide/own.md": f"---\n{hero.format('One')}---\n# Page\n\nText\n",
            "docs/blog/posts/a.md": post(1, hero.format("A fox")),
            "docs/blog/posts/b.md": post(2, hero.format("A hen").replace("true", "false")),
            "docs/blog/posts/c.md": post(3, ""),
        }
    )
    built = build_twice(site, api)
    expected = {
        "guide/page/index.html": "all-of-them",
        "guide/own/index.html": "one",
        "blog/2025/01/01/post-1/index.html": "a-fox",
        "blog/2025/02/01/post-2/index.html": "a-hen",
    }
    for name in built.files():
        if name.endswith(".html"):
            tags = social(built, name)
            if name in expected:
                start = f"{SITE_URL}assets/genimage/{expected[name]}-"
                assert tags["og:image"].startswith(start)
                assert tags["og:image"].endswith("-social.jpg")
            else:
                assert "og:image" not in tags, name
    # Nothing is first on a page that shows many.
    (view,) = built.images("blog/index.html")
    assert view["alt"] == "A fox"
    (own,) = built.images("blog/2025/01/01/post-1/index.html")
    assert own["fetchpriority"] == "high"


def test_nothing_is_fetched_first_on_a_page_that_shows_many(site: Site, api: ImagesServer) -> None:
    site.config["theme"] = "material"
    site.before = [{"blog": {}}]
    site.write({"docs/index.md": "# Home", "docs/blog/index.md": "# Blog"})
    for day in (1, 2):
        text = page(f"# Post {day}\n\nText\n", show="true").replace(
            "---\n", f"---\ndate: 2025-01-0{day}\n", 1
        )
        site.write({f"docs/blog/posts/{day}.md": text})
    built = build_twice(site, api)
    images = built.images("blog/index.html")
    assert len(images) == 2
    assert not [image for image in images if "fetchpriority" in image]


@needs("mkdocs_static_i18n")
def test_translations(site: Site, api: ImagesServer) -> None:
    languages = [
        {"locale": "en", "default": True, "name": "English", "build": True},
        {"locale": "de", "name": "Deutsch", "build": True},
    ]
    site.before = [{"i18n": {"docs_structure": "folder", "languages": languages}}]
    site.write(
        {
            "docs/en/index.md": page(prompt="Home"),
            "docs/de/index.md": page(prompt="Heim"),
            "docs/en/only.md": page(prompt="Only"),
        }
    )
    built = build_twice(site, api)
    for name, start in (
        ("index.html", "home"),
        ("de/index.html", "heim"),
        ("de/only/index.html", "only"),
    ):
        assert meta_image(built, name).startswith(f"assets/genimage/{start}-")
        assert (built.site_dir / meta_image(built, name)).is_file()
    assert len(api.posts) == 3
