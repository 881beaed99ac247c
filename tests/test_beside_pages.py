"""Beside plugins that look at finished pages, or put them together anew: minify, glightbox, RSS, print."""

from __future__ import annotations

import itertools
import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from api_server import Reply
from beside import (
    DOCS,
    FOLDER_ALTS,
    REQUESTS,
    ROOT_ALTS,
    SIZE,
    alt,
    block,
    build_twice,
    check_social_image,
    fetch,
    hero,
    measure,
    needs,
    needs_avif,
    own_images,
    prompt,
    view,
    views,
)
from compatibility import beside
from links import SITE_URL
from sites import read_tags

if TYPE_CHECKING:
    from api_call import Call
    from api_server import ImagesServer
    from sites import Build, Site

THEME = {"name": "material", "font": False}
"""Without fonts that would come from elsewhere."""

BOTH = pytest.mark.parametrize("directory_urls", [True, False], ids=["folders", "files"])


@pytest.fixture
def material(site: Site) -> Site:
    """A site with the theme Material and the standard docs."""
    site.config = {"theme": dict(THEME)}
    site.before = ["search"]
    site.write(DOCS)
    return site


# --- minify ---


MINIFY = {
    "minify_html": True,
    "minify_css": True,
    "css_files": ["own.css"],
    "htmlmin_opts": {"remove_comments": True, "remove_empty_space": True},
}


def by_words(call: Call) -> Reply | None:
    """An answer in another format than the name of the file promised."""
    return Reply(format="webp") if "crane" in call.fields["prompt"] else None


@beside("minify", package="mkdocs-minify-plugin")
@needs("mkdocs_minify_plugin")
@BOTH
def test_minify(material: Site, api: ImagesServer, directory_urls: bool) -> None:
    api.reply = by_words
    material.config["use_directory_urls"] = directory_urls
    material.config["extra_css"] = ["own.css"]
    material.write({"docs/own.css": "img  {\n}\n"})
    material.after = [{"minify": MINIFY}]
    built = build_twice(material, api, views=views(material), requests=REQUESTS)
    page = built.read("index.html")
    assert "width=256" in page
    assert "\n\n" not in page
    sheets = [link["href"] for link in built.tags("index.html", "link")]
    assert sheets[-2:] == ["assets/genimage/genimage.css", "own.min.css"]


@needs("mkdocs_minify_plugin")
@pytest.mark.parametrize(
    "formats", [["webp"], pytest.param(["avif", "webp"], marks=needs_avif)], ids=["one", "two"]
)
@pytest.mark.parametrize("words", ['55" TV', '"a > b"', "Ann's 5\" TV"])
def test_minify_and_quotation_marks(
    bare: Site, api: ImagesServer, words: str, formats: list[str]
) -> None:
    """It writes values in the quotes that they do not hold, or in none."""
    api.reply = by_words
    bare.options |= {"formats": formats}
    own = words.replace('"', "&quot;").replace(">", "&gt;")
    body = f"prompt: {prompt('crane on television')}\nalt: {json.dumps(words)}\nsize: auto\n"
    bare.write(
        {
            "docs/tv.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>',
            "docs/index.md": f'# TV\n\n<p><img alt="{own}" src="tv.svg"></p>\n\n'
            f"```genimage\n{body}```\n\nA 65\" one is **larger**.\n\n{block('hare')}\nIt's *over*.\n",
        }
    )
    bare.after = [{"minify": {"minify_html": True, "htmlmin_opts": MINIFY["htmlmin_opts"]}}]
    built = build_twice(bare, api, views={"index.html": [words, alt("hare")]}, requests=2)
    page = built.read("index.html")
    assert '<p>A 65" one is <strong>larger</strong>.</p>' in page
    assert "<p>It's <em>over</em>.</p>" in page
    found = [(image["alt"], image["src"]) for image in built.tags("index.html", "img")]
    assert found[0] == (words, "tv.svg")
    assert len(found) == 3


# --- llmstxt ---


@beside("llmstxt", package="mkdocs-llmstxt")
@needs("mkdocs_llmstxt")
@pytest.mark.parametrize("autoclean", [True, False])
def test_llmstxt(material: Site, api: ImagesServer, autoclean: bool) -> None:
    """It writes pages as Markdown from HTML that it took before the pictures were there."""
    api.reply = by_words
    listed = {"Docs": ["index.md", "**/*.md"]}
    options = {"full_output": "llms-full.txt", "autoclean": autoclean, "sections": listed}
    material.after = [{"llmstxt": options}]
    built = build_twice(material, api, views=views(material), requests=REQUESTS)
    for name in ("llms-full.txt", "index.md"):
        found = re.findall(r"!\[A (\w+)\]\((?:\.\./)*([^)#]+)\S*\)", built.read(name))
        assert {"badger", "crane"} <= {animal for animal, _ in found} or autoclean, name
        for _, url in found:
            assert (built.site_dir / url).is_file(), url


# --- glightbox ---


def lightboxes(built: Build, name: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    """The links of a page that open a picture, each with the picture that it holds."""
    found = []
    anchor: dict[str, str] = {}
    for tag, attrs in read_tags(built.read(name)):
        if tag == "a":
            anchor = attrs
        elif tag == "img" and "glightbox" in anchor.get("class", "").split():
            found.append((anchor, attrs))
            anchor = {}
    return found


@beside("glightbox", package="mkdocs-glightbox")
@needs("mkdocs_glightbox")
@pytest.mark.parametrize("options", [{}, {"auto_themed": True, "auto_caption": True}])
@BOTH
def test_glightbox(
    material: Site, api: ImagesServer, directory_urls: bool, options: dict[str, Any]
) -> None:
    api.reply = by_words
    material.config["use_directory_urls"] = directory_urls
    material.after = [{"glightbox": options}]
    built = build_twice(material, api, views=views(material), requests=REQUESTS)
    for name, alts in views(material).items():
        boxes = lightboxes(built, name)
        assert [image["alt"] for _, image in boxes] == alts
        for anchor, image in boxes:
            assert anchor["href"] == image["src"], "the lightbox shows the original"
            assert (anchor.get("data-title") == image["alt"]) == bool(options)
            # It goes from one picture to the next, and must not come to a hidden one.
            assert anchor.get("data-gallery", "") == image["src"].partition("#only-")[2]
        schemes = [anchor["data-gallery"] for anchor, _ in boxes if "data-gallery" in anchor]
        assert schemes == (["light", "dark"] if alt("finch") in alts else [])


@beside("glightbox", package="mkdocs-glightbox")
@needs("mkdocs_glightbox")
def test_glightbox_skips(material: Site, api: ImagesServer) -> None:
    material.after = [{"glightbox": {"skip_classes": ["plain"]}}]
    material.write(
        {
            "docs/off.md": "---\nglightbox: false\n---\n\n# Off\n\n" + block("hare"),
            "docs/linked.md": "# Linked\n\n" + block("mole", "link=index.md") + block("newt"),
        }
    )
    more = {view(material, "off.md"): [alt("hare")]} | {
        view(material, "linked.md"): [alt("mole"), alt("newt")]
    }
    built = build_twice(material, api, views=views(material) | more, requests=REQUESTS + 3)
    assert lightboxes(built, "off/index.html") == []
    assert [image["alt"] for _, image in lightboxes(built, "linked/index.html")] == [alt("newt")]


@beside("glightbox", package="mkdocs-glightbox")
@needs("mkdocs_glightbox")
def test_glightbox_and_marks_in_alt_texts(material: Site, api: ImagesServer) -> None:
    """It writes pages anew by HTML's rules, where `>` stands in attributes as it is."""
    words = "One > \"two\" & <three> &amp; 'four'"
    body = f"prompt: {prompt('hare')}\nalt: {json.dumps(words)}\nsize: auto\n"
    material.write({"docs/odd.md": "# Odd\n\n```genimage\n" + body + "```\n"})
    material.after = ["glightbox"]
    shown = {**views(material), "odd/index.html": [words]}
    build_twice(material, api, views=shown, requests=REQUESTS + 1)


@beside("glightbox", package="mkdocs-glightbox")
@needs_avif
@needs("mkdocs_glightbox")
def test_glightbox_and_two_formats(material: Site, api: ImagesServer) -> None:
    material.options |= {"formats": ["avif", "webp"]}
    material.after = ["glightbox"]
    built = build_twice(material, api, views=views(material), requests=REQUESTS)
    assert len(lightboxes(built, "guide/page/index.html")) == len(FOLDER_ALTS)
    for image in own_images(built, "guide/page/index.html"):
        assert image["srcset"].endswith(".webp 256w")


# --- RSS ---


RSS = {
    "abstract_chars_count": 2000,
    "date_from_meta": {"as_creation": "date.created", "as_update": "date.updated"},
    "use_git": False,
    "image": SITE_URL + "assets/images/favicon.png",  # without one, it writes the word None
}
FAVICON = {"docs/assets/images/favicon.png": b"of the feeds"}
"""The picture that they name, for themes that bring none."""
FEEDS = ("feed_rss_created.xml", "feed_rss_updated.xml")
JSON_FEEDS = ("feed_json_created.json", "feed_json_updated.json")


def use_rss(site: Site, **options: Any) -> None:
    """The plugin, whose own cache stays within the test."""
    site.after = [{"rss": {**RSS, "cache_dir": str(site.root / ".cache/rss"), **options}}]


def described(built: Build, feed: str) -> dict[str, list[str]]:
    """Title of an item of a feed to the pictures of its description."""
    text = built.read(feed)
    if feed.endswith(".json"):
        items = {item["title"]: item["content_html"] for item in json.loads(text)["items"]}
    else:
        items = {
            item.findtext("title", ""): item.findtext("description", "")
            for item in ET.fromstring(text).iter("item")
        }
    return {
        title: [attrs["src"] for tag, attrs in read_tags(html) if tag == "img"]
        for title, html in items.items()
    }


ENTRIES: dict[str, str | bytes] = {
    "docs/index.md": "# Home\n\nOne.\n\n" + block("badger", "caption='The *badger*' size=auto"),
    "docs/news/entry.md": "# Entry\n\nTwo.\n\n" + block("crane") + block("owl", "n=2 pick=all"),
}
"""Pages without links of their own, which the plugin leaves as they are."""


@beside("rss", package="mkdocs-rss-plugin")
@needs("mkdocs_rss_plugin")
@pytest.mark.parametrize("count", [2000, -1], ids=["abstract", "whole pages"])
@BOTH
def test_feeds(site: Site, api: ImagesServer, directory_urls: bool, count: int) -> None:
    api.reply = by_words
    site.config = {"theme": dict(THEME), "use_directory_urls": directory_urls}
    site.write(ENTRIES)
    use_rss(site, abstract_chars_count=count)
    entry = [alt("crane"), alt("owl"), alt("owl")]
    shown = {"index.html": [alt("badger")], view(site, "news/entry.md"): entry}
    built = build_twice(site, api, views=shown, requests=3)
    for feed in (*FEEDS, *JSON_FEEDS):
        items = described(built, feed)
        assert {title: len(urls) for title, urls in items.items()} == {"Home": 1, "Entry": 3}
        for url in itertools.chain(*items.values()):
            assert url.startswith(SITE_URL + "assets/genimage/")
            measure(fetch(built, "index.html", url))


@beside("rss", package="mkdocs-rss-plugin")
@needs("mkdocs_rss_plugin")
def test_feeds_and_heroes(site: Site, api: ImagesServer) -> None:
    """The picture of an entry, which reader programs show beside it."""
    site.config = {"theme": dict(THEME)}
    site.write(
        {
            "docs/index.md": "# Home\n\nWelcome.\n",
            "docs/news/entry.md": hero("hare") + "# Entry\n\nText.\n",
        }
    )
    use_rss(site)
    built = build_twice(site, api, views={}, requests=1)
    url = check_social_image(built, "news/entry/index.html")
    length = len(fetch(built, "index.html", url))
    for feed in FEEDS:
        (enclosure,) = ET.fromstring(built.read(feed)).iter("enclosure")
        assert enclosure.attrib == {"url": url, "type": "image/jpeg", "length": str(length)}
    for feed in JSON_FEEDS:
        items = {item["title"]: item for item in json.loads(built.read(feed))["items"]}
        assert items["Entry"]["image"] == url
        assert not items["Home"].get("image")


@needs("mkdocs_rss_plugin")
@needs_avif
@pytest.mark.parametrize("link", ["", "link=original", "link=https://example.org/"])
def test_feeds_and_twins(bare: Site, api: ImagesServer, link: str) -> None:
    """Of the picture for dark mode, nothing is left."""
    bare.options |= {"formats": ["avif", "webp"]}
    twins = block("badger", f"dark='The same at night' {link}")
    bare.write({"docs/index.md": f"# Home\n\nOne.\n\n{twins}", **FAVICON})
    use_rss(bare, abstract_chars_count=-1)
    built = build_twice(bare, api, views={"index.html": [alt("badger")] * 2}, requests=2)
    for feed in (*FEEDS, *JSON_FEEDS):
        (url,) = described(built, feed)["Home"]
        measure(fetch(built, "index.html", url))
        text = unescape(built.read(feed))
        counts = [text.count(tag) for tag in ("<picture>", "<source sizes", "<img ", "<a ")]
        assert counts == [1, 1, 1, bool(link)]
        assert "dark" not in text


@needs("mkdocs_rss_plugin", "mkdocs_static_i18n")
@pytest.mark.parametrize("is_first", [True, False], ids=["feeds first", "languages first"])
def test_feeds_of_translations(bare: Site, api: ImagesServer, is_first: bool) -> None:
    """Languages are built one within the other, and feeds written last."""
    api.reply = lambda call: Reply(format="jpeg")
    languages = [
        {"locale": "en", "name": "English", "default": True},
        {"locale": "de", "name": "Deutsch"},
    ]
    use_rss(bare, abstract_chars_count=-1)
    bare.after.insert(is_first, {"i18n": {"docs_structure": "suffix", "languages": languages}})
    bare.write(FAVICON)
    shown = {}
    for path, locale in itertools.product(("", "news/entry/"), ("en", "de")):
        name = f"{locale} {'fox' if path else 'crane'}"
        page = f"{hero(f'{name} as a hero', '    show: true')}# Title of {name}\n\n{block(name)}"
        bare.write({f"docs/{path.strip('/') or 'index'}.{locale}.md": page})
        folder = path if locale == "en" else f"de/{path}"
        shown[f"{folder}index.html"] = [alt(f"{name} as a hero"), alt(name)]
    # The plugin for feeds reads its own options a second time.
    warns = ["Config error: `date_from_meta.default_time`"]
    built = build_twice(bare, api, views=shown, requests=8, warns=warns)
    for feed in (*FEEDS, *JSON_FEEDS):
        items = described(built, feed)
        assert len(items) == 4
        for url in itertools.chain(*items.values()):
            assert url.endswith(".jpg")
            assert measure(fetch(built, "index.html", url)) == SIZE
        assert {len(urls) for urls in items.values()} == {2}


# --- Print ---


def broken_by_print(page: str) -> dict[str, str]:
    """What the plugin for printing breaks of the standard docs' own links."""
    broken = {f"{page}: #index-badger": "it gives new names to the anchors of headings only"}
    if page.endswith("/index.html"):
        broken = {
            f"{page}: #.": "it takes the link to the first page for one to a page `.`"
        } | broken
    return broken


@beside("print-site", package="mkdocs-print-site-plugin", mind="It must be the last plugin.")
@needs("mkdocs_print_site_plugin")
@pytest.mark.parametrize(
    "formats", [["webp"], pytest.param(["avif", "webp"], marks=needs_avif)], ids=["one", "two"]
)
@BOTH
def test_print_site(
    material: Site, api: ImagesServer, directory_urls: bool, formats: list[str]
) -> None:
    api.reply = by_words
    material.config["use_directory_urls"] = directory_urls
    material.options |= {"formats": formats}
    material.after = ["print-site"]
    printed = view(material, "print_page.md")
    shown = {**views(material), printed: ROOT_ALTS + FOLDER_ALTS}
    broken = broken_by_print(printed)
    build_twice(material, api, views=shown, requests=REQUESTS, broken=broken)


# --- Together ---


POST = """---
date: {date}
categories: [Animals]
tags: [Posts]
{front_matter}---

# Post {name}

Hello.

{early}
<!-- more -->

{late}
"""


def post(number: int, name: str) -> str:
    """A post with a hero, a picture that its excerpt shows, and one behind."""
    return POST.format(
        date=f"2025-0{number}-01",
        front_matter=hero(f"{name} as a hero").removeprefix("---\n").removesuffix("---\n"),
        name=name,
        early=block(name, f"size=auto caption='The *{name}*'"),
        late=block(f"late {name}", "dark='The same scene at night'"),
    )


@needs("mkdocs_glightbox", "mkdocs_minify_plugin", "mkdocs_print_site_plugin", "mkdocs_rss_plugin")
@pytest.mark.parametrize(
    ("directory_urls", "feeds"),
    [
        pytest.param(True, True, id="folders"),
        pytest.param(False, False, id="files"),
    ],
)
def test_together(material: Site, api: ImagesServer, directory_urls: bool, feeds: bool) -> None:
    api.reply = by_words
    material.config["use_directory_urls"] = directory_urls
    material.config["extra_css"] = ["own.css"]
    material.before += ["meta", "blog", "tags"]
    if feeds:
        use_rss(material, match_path="blog/posts/.*")
    material.after = ["glightbox", {"minify": MINIFY}, *material.after, "print-site"]
    material.write(
        {
            "docs/own.css": "img  {\n}\n",
            "docs/tags.md": "# Tags\n\n<!-- material/tags -->\n",
            "docs/blog/index.md": "# Blog\n\n" + block("wren"),
            "docs/blog/posts/fox.md": post(1, "fox"),
            "docs/blog/posts/crane.md": post(2, "crane of the blog"),
        }
    )
    ending = "/index.html" if directory_urls else ".html"
    fox = [alt("fox"), alt("late fox"), alt("late fox")]
    crane = [alt("crane of the blog"), *[alt("late crane of the blog")] * 2]
    excerpts = [crane[0], fox[0]]
    printed = view(material, "print_page.md")
    shown = {
        **views(material),
        f"blog/2025/01/01/post-fox{ending}": fox,
        f"blog/2025/02/01/post-crane-of-the-blog{ending}": crane,
        "blog/index.html": [alt("wren"), *excerpts],
        f"blog/archive/2025{ending}": excerpts,
        f"blog/category/animals{ending}": excerpts,
        printed: [*ROOT_ALTS, alt("wren"), *FOLDER_ALTS],
    }
    broken = broken_by_print(printed)
    build_twice(material, api, views=shown, requests=REQUESTS + 9, broken=broken)
