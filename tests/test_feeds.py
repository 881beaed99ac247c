"""Feeds that other plugins wrote, put right: real ones are in `test_beside_pages.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mkdocs_genimage.corrections import Correction, Rendering
from mkdocs_genimage.feeds import Feeds

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://site.example/docs/"
FOLDER = "assets/genimage"
PICTURE = f"{URL}{FOLDER}/x.png"
ESCAPED = "<rss><description>&lt;img src=&#34;{}&#34;&gt; {}</description></rss>"
CDATA = '<rss><content:encoded><![CDATA[<img srcset="{0} 1x, {0} 2x">]]></content:encoded></rss>'
JSON = '{{"content_html": "<a href=\\"{}\\">\\u00e4", "title": "assets/genimage/x.png"}}'
ENCLOSURE = '<rss><enclosure url="{}" type="image/png" length="{}" /></rss>'


def feeds(folder: Path, *corrections: Correction, url: str = URL) -> Feeds:
    return Feeds(folder, url, FOLDER, corrections)


@pytest.mark.parametrize(
    ("written", "completed"),
    [
        # A path outside of a tag is a text like any other.
        (ESCAPED.format(f"../{FOLDER}/x.png", f"../{FOLDER}/x"),
         ESCAPED.format(PICTURE, f"../{FOLDER}/x")),
        (CDATA.format(f"../{FOLDER}/x.png"), CDATA.format(PICTURE)),
        (JSON.format(f"{FOLDER}/x.png"), JSON.format(PICTURE)),
    ],
)  # fmt: skip
def test_addresses_are_whole(tmp_path: Path, written: str, completed: str) -> None:
    assert feeds(tmp_path).completed(written) == completed
    assert feeds(tmp_path).completed(completed) == completed
    assert feeds(tmp_path, url="").completed(written) == written


LIGHT = '<img alt="a" class="genimage-light" src="https://e.example/a.png"{}>'
DARK = '<img class="genimage-dark genimage-placeholder" alt="5&quot; > \'" src="https://e.example/b.png"{}>'
SOURCES = '<source sizes="9px" srcset="https://e.example/{0}.avif 9w" type="image/avif"{1}>'
PAIRS = {
    "alone": "{}",
    "picture": "<picture>{sources}{}</picture>",
    "link": '<a href="https://e.example/{name}.png">{}</a>',
    "both": '<a href="https://e.example/{name}.png"><picture>{sources}{sources}{}</picture></a>',
}


@pytest.mark.parametrize("ending", ["", " /"], ids=["HTML", "XHTML"])
@pytest.mark.parametrize("pair", PAIRS)
def test_one_picture_of_a_pair(tmp_path: Path, pair: str, ending: str) -> None:
    """Nothing is left of the other: neither its smaller files nor a link round nothing."""
    light, dark = (
        PAIRS[pair].format(image.format(ending), name=name, sources=SOURCES.format(name, ending))
        for image, name in ((LIGHT, "a"), (DARK, "b"))
    )
    text = "<rss><description><![CDATA[<p>{}</p>]]></description></rss>"
    assert feeds(tmp_path).completed(text.format(light + dark)) == text.format(light)


def test_a_pair_in_one_link(tmp_path: Path) -> None:
    light, dark = (PAIRS["picture"].format(one, sources="") for one in (LIGHT, DARK))
    text = '<rss><description><![CDATA[<a href="x">{}</a> words]]></description></rss>'
    assert feeds(tmp_path).completed(text.format(light + dark)) == text.format(light)


def test_words_that_look_like_addresses(tmp_path: Path) -> None:
    """A text between quotes in a tag is an address only where it stands for one."""
    image = '<img alt="the folder assets/genimage/ of pictures" src="{}">'
    text = "<rss><description><![CDATA[" + image + "]]></description></rss>"
    completed = feeds(tmp_path).completed(text.format(f"{FOLDER}/x.png"))
    assert completed == text.format(PICTURE)


def test_a_right_feed_stays_byte_for_byte(tmp_path: Path) -> None:
    inside = f'&lt;img src="{PICTURE}"&gt; &amp;amp; &quot;'
    text = f'<feed><content type="html">{inside}</content><summary/></feed>'
    assert feeds(tmp_path).completed(text) == text


@pytest.mark.parametrize("kind", ["content", "summary", "content:encoded"])
def test_xhtml_stays_xhtml(tmp_path: Path, kind: str) -> None:
    """Where it is not escaped, its entities are those of the text."""
    inside = (
        '<div xmlns="http://www.w3.org/1999/xhtml"><p>a &lt; b &amp;amp; "c"</p>{}'
        '<img alt="5&quot; &lt;" src="{}" /></div>'
    )
    text = f'<feed><{kind} type="xhtml">{{}}</{kind}></feed>'
    dark = '<a href="y"><img alt="" class="genimage-dark" src="y" /></a>'
    written = text.format(inside.format(dark, f"../{FOLDER}/x.png"))
    assert feeds(tmp_path).completed(written) == text.format(inside.format("", PICTURE))


def test_lengths_of_enclosures(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "x.png").write_bytes(b"12345")
    complete = feeds(tmp_path).completed
    assert complete(ENCLOSURE.format(PICTURE, "None")) == ENCLOSURE.format(PICTURE, 5)
    for other in (ENCLOSURE.format(PICTURE, 7), ENCLOSURE.format(f"{URL}{FOLDER}/y.png", "None"),
                  ENCLOSURE.format("https://other.example/x.png", "None")):  # fmt: skip
        assert complete(other) == other


def test_pictures_that_came_otherwise(tmp_path: Path) -> None:
    fix = Correction(Rendering("x.png", (10, 10)), Rendering("x.webp", (20, 10)))
    image = "&lt;img height=&#34;10&#34; src=&#34;{}&#34; width=&#34;{}&#34; /&gt;"
    text = f"<rss><description>{image}</description></rss>"
    completed = feeds(tmp_path, fix).completed(text.format(f"{FOLDER}/x.png", 10))
    assert completed == text.format(f"{URL}{FOLDER}/x.webp", 20)


def test_only_feeds_are_touched(tmp_path: Path) -> None:
    relative = ESCAPED.format(f"{FOLDER}/x.png", "")
    others = {"page.html": relative, "sitemap.xml": f"<urlset><loc>{FOLDER}/x.png</loc></urlset>"}
    for name, text in {**others, "feed.xml": relative}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    feeds(tmp_path).complete()
    assert (tmp_path / "feed.xml").read_text(encoding="utf-8") == ESCAPED.format(PICTURE, "")
    for name, text in others.items():
        assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_folders_named_like_feeds(tmp_path: Path) -> None:
    (tmp_path / "package.json").mkdir()
    (tmp_path / "feed.xml").mkdir()
    (tmp_path / "feed.xml" / "index.html").write_text("x", encoding="utf-8")
    feeds(tmp_path).complete()
