"""The HTML of a block."""

# Sentences of several scripts end in look-alike signs.
# ruff: noqa: RUF001

from __future__ import annotations

import itertools
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import markdown
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown.extensions import Extension
from markdown.serializers import to_xhtml_string
from markdown.treeprocessors import Treeprocessor

from mkdocs_genimage.corrections import Correction, Rendering, correct_images
from mkdocs_genimage.figure import (
    Picture,
    alt_text,
    build_figure,
    display_size,
    error_figure,
    first_sentence,
    plain_text,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PROPERTY = settings(deadline=None, database=None, max_examples=200)
FOX = Picture("../assets/fox-0123456789ab.png", 1536, 1024)


def html(*pictures: Picture, **options: Any) -> str:
    options.setdefault("alt", "A fox")
    options.setdefault("prompt", "x")
    named = {name.rstrip("_"): value for name, value in options.items() if value is not None}
    return to_xhtml_string(build_figure(pictures or (FOX,), named))


def rendered(element: Element) -> str:
    """What a page holds in the end, after everything that Markdown does to its nodes."""

    class Insert(Treeprocessor):
        def run(self, root: Element) -> None:
            root.append(element)

    class Inserts(Extension):
        def extendMarkdown(self, md: markdown.Markdown) -> None:  # noqa: N802
            md.treeprocessors.register(Insert(md), "insert", 25)  # above inline, as blocks are

    return markdown.markdown("before", extensions=[Inserts(), "attr_list"])


class Attributes(HTMLParser):
    """Reads attributes as a browser does."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, tag: str) -> dict[str, str | None]:
        return next(attributes for name, attributes in self.tags if name == tag)


# --- Alt text ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"alt": "A", "caption": "C", "prompt": "P"}, ("A", "alt")),
        ({"caption": "A **fox**", "prompt": "P"}, ("P", "prompt")),
        ({"caption": "A **fox**", "prompt": "A fox. In snow."}, ("", "caption")),
        ({"prompt": "A fox. In snow."}, ("A fox.", "prompt")),
        ({"decorative": True, "caption": "C", "prompt": "P"}, ("", "decorative")),
        ({"decorative": False, "prompt": "P"}, ("P", "prompt")),
        ({"caption": "![](x.png)", "prompt": "P"}, ("P", "prompt")),
    ],
)
def test_alt_text(options: dict[str, Any], expected: tuple[str, str]) -> None:
    assert alt_text(options) == expected


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("A *fox* and a **hen**", "A fox and a hen"),
        ("A _fox_ and a __hen__", "A fox and a hen"),
        ("***both*** ~~gone~~ ==marked== ^^new^^", "both gone marked new"),
        ("snake_case_name and 2 * 3 * 4, a == b", "snake_case_name and 2 * 3 * 4, a == b"),
        ("call `__init__(*args)` twice", "call __init__(*args) twice"),
        ("``a`b``", "a`b"),
        ("`a &amp; b`", "a &amp; b"),
        ("[A fox](fox.md 'title') by [Ann][1]", "A fox by Ann"),
        ("![icon](i.png) [`code`](x.md)", "icon code"),
        ("<b>A</b> fox<br/> & a < b > c", "A fox & a < b > c"),
        ("see <https://example.org/a_b_c>", "see https://example.org/a_b_c"),
        ("&copy; Ann &amp; Bob", "\N{COPYRIGHT SIGN} Ann & Bob"),
        (r"\*not\* emphasis \[x\]", "*not* emphasis [x]"),
        ("A fox{: .wide }\n in snow", "A fox in snow"),
        ("`unclosed *fox*", "`unclosed fox"),
    ],
)
def test_plain_text(caption: str, text: str) -> None:
    assert plain_text(caption) == text


@PROPERTY
@given(st.text(max_size=80) | st.text("*_`~=[]()<>{}\\ ab&;#", max_size=40))
def test_plain_text_of_anything(caption: str) -> None:
    text = plain_text(caption)
    assert text == " ".join(text.split())


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("A fox", "A fox"),
        ("A fox. A hen.", "A fox."),
        ("A fox!\nA hen?", "A fox!"),
        ("Is it 3.5 m?  Yes.", "Is it 3.5 m?"),
        ("Wait... a fox", "Wait..."),
        ("see example.org for a fox", "see example.org for a fox"),
        ("一只橙色的猫。在书上阅读。", "一只橙色的猫。"),
        ("猫！犬。", "猫！"),
        ("猫？犬。", "猫？"),
        ("أين الثعلب؟ في الثلج.", "أين الثعلب؟"),
        ("لومڑی برف میں۔ دوسرا", "لومڑی برف میں۔"),
        ("बर्फ़ में लोमड़ी। दूसरा", "बर्फ़ में लोमड़ी।"),
        ("word " * 40, ("word " * 24).strip() + "\N{HORIZONTAL ELLIPSIS}"),
        ("x" * 125, "x" * 125),
        ("x" * 126, "x" * 124 + "\N{HORIZONTAL ELLIPSIS}"),
        ("猫" * 200, "猫" * 124 + "\N{HORIZONTAL ELLIPSIS}"),
        ("A fox, " + "x" * 130, "A fox\N{HORIZONTAL ELLIPSIS}"),
    ],
    ids=lambda text: text[:20],
)
def test_first_sentence(prompt: str, sentence: str) -> None:
    assert first_sentence(prompt) == sentence


@PROPERTY
@given(st.text(min_size=1, max_size=400))
def test_first_sentence_of_anything(prompt: str) -> None:
    sentence = first_sentence(prompt)
    assert len(sentence) <= 125
    assert bool(sentence) == bool(prompt.split())


# --- Size -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, (1536, 1024)),
        ({"width": "768"}, (768, 512)),
        ({"height": 512}, (768, 512)),
        ({"width": "100", "height": 300}, (100, 300)),
        ({"width": "50%"}, (1536, 1024)),
        ({"width": "50%", "height": 512}, (768, 512)),
        ({"width": "1"}, (1, 1)),
        ({"height": 1}, (2, 1)),
        ({"width": "10000"}, (10000, 6667)),
    ],
)
def test_display_size(options: dict[str, Any], size: tuple[int, int]) -> None:
    assert display_size(options, 1536, 1024) == size


def test_display_size_never_vanishes() -> None:
    assert display_size({"width": "5"}, 16_000, 1) == (5, 1)
    assert display_size({"height": 5}, 1, 16_000) == (1, 5)


# --- Shapes -----------------------------------------------------------------------------------

IMG = (
    '<img alt="A fox" decoding="async" height="1024" loading="lazy" '
    'src="../assets/fox-0123456789ab.png" width="1536" />'
)


def test_plain_block() -> None:
    assert html() == f'<p class="genimage">{IMG}</p>'


def test_caption_makes_a_figure() -> None:
    assert html(caption="A *fox*") == (
        f'<figure class="genimage">{IMG}<figcaption>A *fox*</figcaption></figure>'
    )


def test_id_classes_and_align() -> None:
    assert html(id="hero", class_=("wide", "genimage", "tall"), align="left") == (
        f'<p class="genimage genimage-left wide tall" id="hero">{IMG}</p>'
    )


def test_link_title_and_eager() -> None:
    assert html(link="page.md?a=1&b=2", title="T", loading="eager") == (
        '<p class="genimage"><a href="page.md?a=1&amp;b=2"><img alt="A fox" height="1024" '
        'loading="eager" src="../assets/fox-0123456789ab.png" title="T" width="1536" /></a></p>'
    )


def test_width_in_percent() -> None:
    assert html(width="50%") == (
        '<p class="genimage" style="width:50%"><img alt="A fox" decoding="async" height="1024" '
        'loading="lazy" src="../assets/fox-0123456789ab.png" style="width:100%" width="1536" /></p>'
    )


def test_decorative() -> None:
    assert 'alt=""' in html(alt=None, decorative=True, caption="A fox")


def test_several_variants() -> None:
    text = html(FOX, Picture("b.png", 8, 6), link="x.md", caption="Two")
    assert text.startswith('<figure class="genimage genimage-grid"><a href="x.md"><img ')
    assert text.count('<a href="x.md"><img alt="A fox" ') == 2
    assert text.count("figcaption") == 2


def test_placeholder() -> None:
    text = html(Picture("p.svg", 8, 6, placeholder=True))
    assert '<img alt="A fox" class="genimage-placeholder" decoding=' in text


def test_error_shows_nothing_of_the_block() -> None:
    assert to_xhtml_string(error_figure("docs/a<b>.md:3")) == (
        '<div class="genimage genimage-error" role="note"><strong>This picture cannot be shown.</strong> '
        "The build log says why, at docs/a&lt;b&gt;.md:3.</div>"
    )


# --- Texts that look like something else ------------------------------------------------------

ODD = [
    "&copy; &amp; &#65; &lt;b&gt;",
    "<script>alert(1)</script>",
    '" onload="alert(1)',
    "' & '",
    "**no** `markup` [here](x) ![](y) <i>",
    "width=\"5\" height='6'",
    "a \\* b \\",
    "{: .wide }",
    "$x_1$ | --> ]]>",
]


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_stay_as_they_are(text: str) -> None:
    page = Attributes(rendered(build_figure([FOX], {"alt": text, "title": text, "prompt": text})))
    assert [tag for tag, _ in page.tags] == ["p", "p", "img"]
    assert page.of("img")["alt"] == page.of("img")["title"] == text


def test_entities_in_a_link_are_not_read() -> None:
    link = "&#106;avascript:alert(1)"
    page = Attributes(rendered(build_figure([FOX], {"alt": "x", "link": link})))
    assert page.of("a")["href"] == link


@PROPERTY
@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=60))
def test_any_alt_text(text: str) -> None:
    text = " ".join(text.split()) or "x"
    assert Attributes(rendered(build_figure([FOX], {"alt": text}))).of("img")["alt"] == text


def test_caption_is_inline_markdown() -> None:
    page = rendered(build_figure([FOX], {"alt": "x", "caption": "A *fox* &copy; <b>Ann</b>"}))
    assert "<figcaption>A <em>fox</em> &copy; <b>Ann</b></figcaption>" in page


# --- Corrections ------------------------------------------------------------------------------

EXPECTED = Picture("../assets/fox-0123456789ab.png", 1024, 1024)
ACTUAL = {
    "as expected": EXPECTED,
    "another size": Picture("../assets/fox-0123456789ab.png", 1536, 1024),
    "another format": Picture("../assets/fox-0123456789ab.jpg", 1024, 1024),
    "both": Picture("../assets/fox-0123456789ab.webp", 1000, 2000),
    "placeholder": Picture("../assets/placeholder-fox-0123456789ab.svg", 1024, 1024, True),
    "placeholder of the same format": Picture(
        "../assets/placeholder-fox-0123456789ab.png", 1024, 1024, True
    ),
}
CHOICES: dict[str, list[Any]] = {
    "caption": [None, "A *fox*"],
    "link": [None, "x.md?width=5&height=6"],
    "width": [None, "300", "50%"],
    "height": [None, 200],
    "title": [None, 'a width="5" <b>'],
    "decorative": [None, True],
    "class": [None, ("wide",)],
    "loading": [None, "eager"],
}


def rendering(picture: Picture, options: dict[str, Any]) -> Rendering:
    size = display_size(options, picture.width, picture.height)
    return Rendering(picture.src.rpartition("/")[2], size, placeholder=picture.placeholder)


def correction(before: Picture, after: Picture, options: dict[str, Any]) -> Correction:
    return Correction(rendering(before, options), rendering(after, options))


@pytest.mark.parametrize("case", ACTUAL)
def test_corrected_page_is_that_of_a_build_that_knew(case: str) -> None:
    actual = ACTUAL[case]
    for values in itertools.product(*CHOICES.values()):
        options = {name: value for name, value in zip(CHOICES, values, strict=True) if value}
        options["prompt"] = "A fox > a hen"
        pending = "<p>before</p>" + to_xhtml_string(build_figure([EXPECTED], options)) + "after"
        known = "<p>before</p>" + to_xhtml_string(build_figure([actual], options)) + "after"
        fix = correction(EXPECTED, actual, options)
        # The same block may stand on a page twice.
        assert correct_images(pending + pending, [fix, fix]) == known + known


def test_one_picture_in_several_sizes() -> None:
    actual = ACTUAL["another size"]
    blocks: list[dict[str, Any]] = [
        {"alt": "a"},
        {"alt": "b", "width": "300"},
        {"alt": "c", "height": 90},
        # Shown in the size that the first was expected to have.
        {"alt": "d", "width": "1024"},
        {"alt": "e", "width": "1024", "height": 1024},
    ]
    pending = "".join(to_xhtml_string(build_figure([EXPECTED], block)) for block in blocks)
    known = "".join(to_xhtml_string(build_figure([actual], block)) for block in blocks)
    fixes = [correction(EXPECTED, actual, block) for block in blocks]
    assert correct_images(pending, fixes) == known


def test_other_pictures_are_left_alone() -> None:
    other = html(Picture("../assets/hen-ba9876543210.png", 1024, 1024))
    second = html(Picture("../assets/fox-0123456789ab-2.png", 1024, 1024))
    foreign = '<img src="cat.png" width="1024" height="1024"><img alt="">'
    fix = correction(EXPECTED, ACTUAL["placeholder"], {})
    page = other + second + foreign
    assert correct_images(page, [fix]) == page
    assert correct_images(page, []) == page


def test_names_elsewhere_in_the_page_are_corrected() -> None:
    page = '<a href="../assets/fox-0123456789ab.png">x</a> ![A](../assets/fox-0123456789ab.png)'
    fix = correction(EXPECTED, ACTUAL["another format"], {})
    assert correct_images(page, [fix]) == page.replace(".png", ".jpg")


def test_attributes_in_another_order() -> None:
    """As HTML minifiers and lightboxes leave them."""
    page = '<img data-width="7" width="1024" src="fox-0123456789ab.png" alt="a" height="1024">'
    fix = correction(EXPECTED, ACTUAL["another size"], {})
    assert correct_images(page, [fix]) == page.replace(' width="1024"', ' width="1536"')
