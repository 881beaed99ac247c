"""The tests' own check of links: it finds each kind of broken URL, and nothing in a site that is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from links import broken_links, css_urls, srcset_urls, urls

if TYPE_CHECKING:
    from pathlib import Path

PAGES = {
    "index.html": '<h1 id="top-of-all">Home</h1><a name="old"></a>',
    "sub/page/index.html": '<p id="in-the-page">Page</p>',
    "sub/with space/ä.html": "<p>Page</p>",
    "a.png": "",
    "b,c.png": "",
    "sheet.css": "",
    "drawing.svg": '<svg><g id="part"/></svg>',
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


RIGHT = [
    '<a href="sub/page/">x</a>',
    '<a href="sub/page">x</a>',
    '<a href="sub/page/index.html">x</a>',
    '<a href="sub/with%20space/%C3%A4.html?q=1">x</a>',
    '<a href=".">x</a><a href="./">x</a><a href="">x</a><a href="?q=1">x</a>',
    '<a href="/a.png">x</a>',
    '<a href="//site.invalid/a.png">x</a>',
    '<a href="http://site.invalid/a.png">x</a>',
    '<a href="http://site.invalid">x</a>',
    '<a href="http://elsewhere.invalid/nowhere">x</a>',
    '<a href="mailto:somebody@site.invalid">x</a><a href="javascript:void(0)">x</a>',
    '<img src="data:image/png;base64,AAAA">',
    '<a href="#">x</a><a href="#top">x</a><a href="#top-of-all">x</a><a href="#:~:text=x">x</a>',
    '<a href="sub/page/#in-the-page">x</a>',
    '<a href="a.png#anything">x</a>',
    '<img src="a.png#only-dark">',
    '<svg><use href="drawing.svg#part"/></svg>',
    '<img srcset="a.png, b,c.png 2x,a.png 100w">',
    '<meta property="og:image" content="http://site.invalid/a.png">',
    '<meta property="og:image:width" content="1200"><meta name="twitter:card" content="none.png">',
    '<meta name="description" content="none.png">',
    '<meta http-equiv="refresh" content="5">',
    '<script>var x = "<img src=none.png>"</script>',
    '<style>/* url(none.png) */ p { background: url( "a.png" ) }</style>',
    '<p cite="none">x</p><p data="none">x</p>',
]


@pytest.mark.parametrize("html", RIGHT)
def test_whole_page(tmp_path: Path, html: str) -> None:
    # The page's own anchors stay, as it links to them.
    write(tmp_path, {**PAGES, "index.html": PAGES["index.html"] + html})
    assert broken_links(tmp_path) == []


WRONG = [
    ('<a href="none">x</a>', "none"),
    ('<a href="sub/">x</a>', "sub/"),
    ('<a href="a.png/">x</a>', "a.png/"),
    ('<a href="../a.png">x</a>', "../a.png"),
    ('<a href="sub/../../a.png">x</a>', "sub/../../a.png"),
    ('<a href="/none">x</a>', "/none"),
    ('<a href="//site.invalid/none">x</a>', "//site.invalid/none"),
    ('<a href="http://site.invalid/none">x</a>', "http://site.invalid/none"),
    ('<a href="#none">x</a>', "#none"),
    ('<a href="sub/page/#none">x</a>', "sub/page/#none"),
    ('<a href="A.png">x</a>', "A.png"),
    ("<a href=none>x</a>", "none"),
    ('<link href="none.css">', "none.css"),
    ('<script src="none.js"></script>', "none.js"),
    ('<img src="none.png">', "none.png"),
    ('<img src="none.png#only-light"/>', "none.png#only-light"),
    ('<img data-src="none.png">', "none.png"),
    ('<img srcset="a.png, none.png 2x">', "none.png"),
    ('<img srcset="none.png,a.png">', "none.png,a.png"),
    ('<picture><source srcset="none.webp 10w,a.png 20w"></picture>', "none.webp"),
    ('<link rel="preload" imagesrcset="a.png 1x, none.png 2x">', "none.png"),
    ('<video poster="none.png"></video>', "none.png"),
    ('<object data="none.svg"></object>', "none.svg"),
    ('<form action="none"></form>', "none"),
    ('<button formaction="none">x</button>', "none"),
    ('<blockquote cite="none">x</blockquote>', "none"),
    ('<body background="none.png">', "none.png"),
    ('<html manifest="none">', "none"),
    ('<img longdesc="none">', "none"),
    ('<svg><image xlink:href="none.png"/></svg>', "none.png"),
    ('<svg><use href="drawing.svg#none"/></svg>', "drawing.svg#none"),
    ('<meta property="og:image" content="http://site.invalid/none.png">', "http://site.invalid/none.png"),
    ('<meta property="og:image" content="a.png">', "a.png"),
    ('<meta property="og:image:secure_url" content="/a.png">', "/a.png"),
    ('<meta name="twitter:image" content="a.png">', "a.png"),
    ('<meta property="og:url" content="none">', "none"),
    ('<meta itemprop="image" content="none.png">', "none.png"),
    ('<meta itemprop="contentUrl" content="none.png">', "none.png"),
    ("<meta http-equiv=\"refresh\" content=\"0; url='none'\">", "none"),
    ('<meta http-equiv="Refresh" content="0;none">', "none"),
    ('<p style="background:url(none.png)">x</p>', "none.png"),
    ("<p style=\"background:url('none.png'), url(a.png)\">x</p>", "none.png"),
    ('<style>@import "none.css"; p { color: red }</style>', "none.css"),
    ("<style>@import url(none.css)</style>", "none.css"),
    ('<base href="sub/"><img src="a.png">', "a.png"),
]  # fmt: skip


@pytest.mark.parametrize(("html", "url"), WRONG)
def test_broken_url_in_a_page(tmp_path: Path, html: str, url: str) -> None:
    write(tmp_path, {**PAGES, "index.html": html})
    assert broken_links(tmp_path) == [f"index.html: {url}"]


def test_base_of_a_page(tmp_path: Path) -> None:
    html = '<base href="../"><img src="a.png"><base href="none/">'
    write(tmp_path, {**PAGES, "sub/based.html": html})
    assert broken_links(tmp_path) == []


def test_site_below_a_folder_of_its_host(tmp_path: Path) -> None:
    url = "http://site.invalid/docs/"
    html = (
        '<a href="/docs/a.png">1</a><a href="/">2</a><a href="/docs/none">3</a><a href="../x">4</a>'
    )
    write(tmp_path, {**PAGES, "index.html": html})
    assert broken_links(tmp_path, url) == ["index.html: /docs/none", "index.html: ../x"]


FILES = [
    ("css/x.css", 'p { background: url("../none.png") } /* url(no.png) */', "../none.png"),
    ("css/x.css", "@IMPORT '../none.css' screen;", "../none.css"),
    ("css/x.css", "@font-face { src: url(../a.png?#iefix), URL( '../none.woff' ) }", "../none.woff"),
    ("x.svg", '<svg><image href="none.png"/></svg>', "none.png"),
    ("sitemap.xml", '<urlset xmlns="http://x"><url><loc>http://site.invalid/none/</loc></url></urlset>',
     "http://site.invalid/none/"),
    ("sitemap.xml", ('<urlset xmlns="http://x" xmlns:xhtml="http://y"><url><xhtml:link hreflang="de" '
     'href="http://site.invalid/none/"/></url></urlset>'), "http://site.invalid/none/"),
    ("rss.xml", "<rss><channel><link>http://site.invalid/none</link></channel></rss>",
     "http://site.invalid/none"),
    ("rss.xml", "<rss><channel><item><guid>http://site.invalid/none</guid></item></channel></rss>",
     "http://site.invalid/none"),
    ("rss.xml", '<rss><channel><item><enclosure url="http://site.invalid/none.png"/></item></channel></rss>',
     "http://site.invalid/none.png"),
    ("rss.xml", '<rss xmlns:m="http://m"><item><m:content url="a.png"/></item></rss>', "a.png"),
    ("rss.xml", "<rss><item><description>&lt;img src=\"a.png\"&gt;</description></item></rss>", "a.png"),
    ("rss.xml", ('<rss xmlns:c="http://c"><item><c:encoded><![CDATA[<img srcset="none.png 1x">]]>'
     "</c:encoded></item></rss>"), "none.png"),
    ("atom.xml", '<feed xmlns="http://a"><link href="http://site.invalid/none"/></feed>',
     "http://site.invalid/none"),
    ("atom.xml", ('<feed xmlns="http://a"><entry><summary type="html">&lt;a href="/a.png"&gt;</summary>'
     "</entry></feed>"), "/a.png"),
    ("feed.json", json.dumps({"version": "https://jsonfeed.org/version/1", "items": [{"image": "a.png"}]}),
     "a.png"),
    ("feed.json", json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [
        {"content_html": "<img src=none.png>", "url": "http://site.invalid/"}]}), "none.png"),
    ("feed.json", json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [
        {"attachments": [{"url": "http://site.invalid/none.png"}]}]}), "http://site.invalid/none.png"),
    ("search/search_index.json", json.dumps({"docs": [{"location": ""}, {"location": "none/"}]}),
     "../none/"),
    ("search/search_index.json", json.dumps({"docs": [{"location": "sub/page/#none"}]}),
     "../sub/page/#none"),
    ("search.json", json.dumps({"docs": [{"location": ""}, {"location": "none/"}]}), "none/"),
    ("search/search_index.js", 'var __index = {"docs": [{"location": "none/"}]};\n', "../none/"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "url"), FILES)
def test_broken_url_in_another_file(tmp_path: Path, name: str, text: str, url: str) -> None:
    write(tmp_path, {**PAGES, name: text})
    assert broken_links(tmp_path) == [f"{name}: {url}"]


def test_whole_files(tmp_path: Path) -> None:
    here = "http://site.invalid/"
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "none.png",
        "items": [{"id": "x", "url": here, "content_html": f"<img src='{here}a.png'>"}],
    }
    rss = (
        f"<rss><channel><link>{here}</link><item><title>none</title>"
        f"<guid isPermaLink='false'>none</guid><enclosure url='{here}a.png'/>"
        f"<description>Text, &lt;img src='{here}b,c.png'&gt;</description></item></channel></rss>"
    )
    files = {
        "css/x.css": "@import url(../sheet.css); p { background: url(data:image/png;base64,AA) }",
        "rss.xml": rss,
        "other.xml": "<data><link>none</link></data>",
        "feed.json": json.dumps(feed),
        "other.json": '{"url": "none"}',
        "list.json": '["none"]',
        "sitemap.xml": f"<urlset><url><loc>{here}sub/page/</loc></url></urlset>",
        "search/search_index.json": json.dumps({"docs": [{"location": "sub/page/#in-the-page"}]}),
    }
    write(tmp_path, {**PAGES, **files})
    assert broken_links(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("a.png", ["a.png"]),
        (" a.png 1x , b.png 2x", ["a.png", "b.png"]),
        ("a.png,", ["a.png"]),
        (",,a.png,, b.png", ["a.png", "b.png"]),
        ("a,b.png 480w,c.png 960w", ["a,b.png", "c.png"]),
        ("a.png\n480w,\n\tb.png", ["a.png", "b.png"]),
        ("a.png calc(1px, 2px), b.png", ["a.png", "b.png"]),
    ],
)
def test_source_sets(text: str, found: list[str]) -> None:
    assert srcset_urls(text) == found


def test_urls_in_order() -> None:
    html = '<a href=" b "><img srcset="c 1x, d 2x" src="e" style="background:url(f)"></a>'
    assert urls(html) == ["b", "c", "d", "e", "f"]
    assert css_urls("p{background:url()}") == []
