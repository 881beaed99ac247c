"""Tags as authors and other plugins write them, found in finished HTML and written anew."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkdocs_genimage.tags import IMAGE, LINKED_PICTURE, PICTURE, SOURCE, Tag

if TYPE_CHECKING:
    import re

PROPERTY = settings(deadline=None, database=None, max_examples=300)

AFTER = '<b title="t">6" of text</b><img src="next.png">'
"""What follows a tag on a page, and must not be taken for a part of it."""

WRITTEN = {
    "double quotes": ('<img alt="a b" src="x.png">', {"alt": "a b", "src": "x.png"}),
    "single quotes": ("<img alt='a b' src='x.png'>", {"alt": "a b", "src": "x.png"}),
    "double in single": ("<img alt='55\" TV' src='x.png'>", {"alt": '55" TV', "src": "x.png"}),
    "single in double": ('<img alt="it\'s" src="x.png">', {"alt": "it's", "src": "x.png"}),
    "ends within": ('<img alt="a > b />" src="x.png">', {"alt": "a > b />", "src": "x.png"}),
    "ends within single": ("<img alt='\"<a>\"' src='x.png'>", {"alt": '"<a>"', "src": "x.png"}),
    "no quotes": ("<img alt=a width=7 src=../x/a.png>", {"width": "7", "src": "../x/a.png"}),
    "signs without quotes": ("<img alt=a=b;&c src=/x.png>", {"alt": "a=b;&c", "src": "/x.png"}),
    "no value": ('<img hidden src="x.png" ismap>', {"hidden": "", "ismap": "", "src": "x.png"}),
    "empty values": ("<img alt=\"\" title='' src=x.png>", {"alt": "", "title": "", "src": "x.png"}),
    "blanks round =": ('<img alt = "a b" src\n=\tx.png>', {"alt": "a b", "src": "x.png"}),
    "no blanks between": (
        '<img alt="a"class=\'c d\'src="x.png"width=7>',
        {"alt": "a", "class": "c d", "src": "x.png", "width": "7"},
    ),
    "lines": ('<img\n  alt="a\n\nb"\n  src="x.png"\n>', {"alt": "a\n\nb", "src": "x.png"}),
    "names within a value": ('<img alt=\'src="y"\' src="x.png">', {"src": "x.png"}),
    "XHTML": ('<img alt="a" src="x.png" />', {"alt": "a", "src": "x.png"}),
    "XHTML without a blank": ('<img alt="a" src="x.png"/>', {"alt": "a", "src": "x.png"}),
    "nothing": ("<img>", {"src": ""}),
}


def found(pattern: re.Pattern[str], text: str) -> list[str]:
    return [match[0] for match in pattern.finditer(text)]


@pytest.mark.parametrize("case", WRITTEN)
def test_a_tag_ends_where_it_ends(case: str) -> None:
    text, values = WRITTEN[case]
    for pattern in (IMAGE, PICTURE, LINKED_PICTURE):
        assert found(pattern, text + AFTER) == [text, '<img src="next.png">']
    tag = Tag(text)
    assert {name: tag.get(name) for name in values} == values
    assert str(tag) == text


@pytest.mark.parametrize("case", WRITTEN)
def test_the_same_in_other_tags(case: str) -> None:
    text, _ = WRITTEN[case]
    source = text.replace("<img", "<source")
    assert found(SOURCE, source + AFTER) == [source]
    whole = text.replace("<img", "<picture") + source + text + "</picture>"
    assert found(PICTURE, AFTER + whole + AFTER)[1:] == [whole, '<img src="next.png">']
    linked = text.replace("<img", "<a") + whole + "</a>"
    assert found(LINKED_PICTURE, AFTER + linked + AFTER)[1:] == [linked, '<img src="next.png">']


@pytest.mark.parametrize(
    "text",
    [
        "<img alt=it's src=x.png>",
        "<img alt=5\" src='x.png'>",
        "<img alt='it's' src=x.png>",
        '<img alt="a src=x.png>',
        "<img =a src=x.png>",
        "<img alt=a<b src=x.png>",
        "<imgs alt=a>",
    ],
)
def test_what_is_no_tag_swallows_nothing(text: str) -> None:
    image = '<img alt="a" src="next.png">'
    assert found(IMAGE, f"{text} it's <b>bold</b> {image}") == [image]


def test_the_innermost_picture_counts() -> None:
    """What is written in a comment, or never closed, is none."""
    own = '<picture><source srcset="a.avif"><img src="a.png"></picture>'
    for before in ("<!-- use <picture> -->", "<picture><source srcset='b.avif'><img src='b.png'>"):
        assert found(PICTURE, before + own)[-1] == own


def test_only_what_stands_alone_is_linked() -> None:
    image = "<img alt='5\" x' src=a.png>"
    for text in (
        f'<a href="x">{image}',
        f"<a href=x>words {image}</a>",
        f"{image}</a>",
        f"<picture><source srcset=b>words{image}</picture>",
    ):
        assert found(LINKED_PICTURE, text) == [image]


# --- Changes ---


def test_what_is_not_changed_stays_as_it_is_written() -> None:
    tag = Tag("<img alt = '5\" x'class=c  width=7\n src=x.png  />")
    tag.set("width", "8")
    tag.set("sizes", "9", before="src")
    tag.set("srcset", "y", after="src")
    tag.set("no", "where", after="nothing")
    assert str(tag) == '<img alt = \'5" x\'class=c  width="8" sizes="9"\n src=x.png srcset="y"  />'
    tag.drop("sizes")
    tag.drop("class")
    tag.drop("missing")
    assert str(tag) == '<img alt = \'5" x\'  width="8"\n src=x.png srcset="y"  />'
    assert (tag.get("width"), tag.get("sizes"), tag.end) == ("8", "", "  />")


# --- Anything ---

NAMES = st.sampled_from(
    ["src", "alt", "class", "data-x", "srcset", "@click", ":is", "x.y", "ä", "A"]
)
BLANKS = st.sampled_from([" ", "  ", "\n", "\t ", "\n  "])
TEXT = st.text(st.sampled_from("ab <>/='\"&;#1\n\tü"), max_size=12)
BARE = st.text(st.sampled_from("ab/=;&#1.ü"), min_size=1, max_size=12).filter(
    # A slash at the end belongs to the value by HTML's rules, but here to the end of the tag.
    lambda text: not text.endswith("/")
)


@st.composite
def tags(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A tag, as anybody may write it, and its attributes."""
    text, values = "<img", {}
    for name in draw(st.lists(NAMES, max_size=5, unique=True)):
        may_touch = text.endswith(("'", '"')) and draw(st.booleans())
        text += ("" if may_touch else draw(BLANKS)) + name
        kind = draw(st.sampled_from(["double", "single", "bare", "none"]))
        if kind == "none":
            values[name] = ""
            continue
        text += draw(st.sampled_from(["=", " = ", "= ", "\n="]))
        if kind == "bare":
            values[name] = draw(BARE)
            text += values[name]
        else:
            quote = '"' if kind == "double" else "'"
            values[name] = draw(TEXT).replace(quote, "")
            text += quote + values[name] + quote
    return text + draw(st.sampled_from([">", " >", "/>", " />", "\n/>"])), values


@PROPERTY
@given(tags(), TEXT)
def test_any_tag(tag: tuple[str, dict[str, str]], after: str) -> None:
    text, values = tag
    match = IMAGE.match(text + after)
    assert match
    assert match[0] == text
    read = Tag(text)
    assert str(read) == text
    assert {name: read.get(name) for name in values} == values


@pytest.mark.parametrize("end", ["", ">", " <", '"', "'"])
@pytest.mark.parametrize(
    "text",
    [
        "<img a=" + "/" * 20_000,
        "<img" + " /" * 20_000,
        "<img" + " a" * 20_000,
        "<img" + " a = b" * 10_000,
        "<img a=''" + "b=''" * 10_000,
        "<img a" + " " * 20_000,
        "<img a='" * 5_000,
        "<img a=\"<img a='" * 5_000,
        "<picture>" * 5_000,
        "<picture a='" * 5_000,
        "<picture>" + "<source a>" * 5_000,
        "<a b><picture><source>" * 3_000,
    ],
)
def test_nothing_takes_long(text: str, end: str) -> None:
    start = time.process_time()
    for pattern in (PICTURE, IMAGE, SOURCE, LINKED_PICTURE):
        found(pattern, text + end)
    assert time.process_time() - start < 5


def test_what_is_dropped_leaves_a_blank() -> None:
    tag = Tag('<img loading=lazy sizes="1vw"src=a.png>')
    tag.drop("sizes")
    assert str(tag) == "<img loading=lazy src=a.png>"
    tag = Tag('<img alt="x"src=a.png>')
    tag.drop("alt")
    assert str(tag) == "<img src=a.png>"
