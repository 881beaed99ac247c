"""The HTML of a block."""

# Sentences of several scripts end in look-alike signs.
# ruff: noqa: RUF001

from __future__ import annotations

import re
import sys
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import markdown
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown.extensions import Extension
from markdown.serializers import to_xhtml_string
from markdown.treeprocessors import Treeprocessor

from mkdocs_genimage.alt import alt_text, first_sentence, plain_text
from mkdocs_genimage.entries import EDITED, GENERATED
from mkdocs_genimage.figure import (
    Look,
    Picture,
    build_figure,
    display_size,
    error_figure,
)
from mkdocs_genimage.light import Light

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PROPERTY = settings(deadline=None, database=None, max_examples=200)
SOURCE_END = " />" if sys.version_info >= (3, 11) else "></source>"
"""Before Python 3.11 the serializer does not know that a <source> has no end."""
FOX = Picture("../assets/fox-0123456789ab.png", 1536, 1024)


def html(*pictures: Picture, look: Look | None = None, **options: Any) -> str:
    options.setdefault("alt", "A fox")
    options.setdefault("prompt", "x")
    named = {name.rstrip("_"): value for name, value in options.items() if value is not None}
    return to_xhtml_string(build_figure(pictures or (FOX,), named, look))


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
        ({"caption": "A fox", "prompt": "A fox.", "link": "x.md"}, ("A fox.", "prompt")),
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


@pytest.mark.parametrize(
    ("options", "is_small"),
    [
        ({}, False),
        ({"width": "199"}, True),
        ({"width": "200"}, False),
        ({"width": "29%"}, True),
        ({"width": "30%"}, False),
        ({"height": 119}, True),
        ({"height": 120}, False),
        ({"height": 60, "width": "300"}, False),
    ],
)
def test_small_pictures_are_told_apart(options: dict[str, Any], is_small: bool) -> None:
    assert ('class="genimage genimage-small"' in html(**options)) == is_small


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
    cell = '<span class="genimage-cell"><a href="x.md"><img '
    assert text.startswith(f'<figure class="genimage genimage-grid">{cell}')
    assert text.count(cell) == 2
    assert text.count('<a href="x.md"><img alt="A fox" ') == 2
    assert text.count("figcaption") == 2


def test_placeholder() -> None:
    text = html(Picture("p.svg", 8, 6, placeholder=True))
    assert '<img alt="A fox" class="genimage-placeholder" decoding=' in text


def test_error_shows_nothing_of_the_block() -> None:
    assert to_xhtml_string(error_figure("docs/a<b>.md:3")) == (
        '<div class="genimage genimage-error" dir="ltr" lang="en" role="note">'
        "<strong>This picture cannot be shown.</strong> "
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


# --- Smaller files ----------------------------------------------------------------------------

LIGHT = Look(Light((480,), ("avif", "webp"), content_width=700))


def light(name: str = "fox.png", width: int = 1536, look: Look = LIGHT, **more: Any) -> Picture:
    return Picture(f"../{name}", width, 1024, sources=look.light.source_sets(name, width), **more)


def test_one_format_is_the_images_own() -> None:
    look = Look(Light((480, 2000), ("webp",), content_width=700))
    assert html(light(look=look), look=look) == (
        '<p class="genimage"><img alt="A fox" decoding="async" '
        'genimage-srcset="fox-480w.webp 480w, fox-1536w.webp 1536w" height="1024" loading="lazy" '
        'sizes="auto, (max-width: 700px) 100vw, 700px" src="../fox.png" width="1536" /></p>'
    )


def test_several_formats_are_sources() -> None:
    text = html(light(), look=LIGHT, link="x.md", loading="eager", width="300")
    sizes = "(max-width: 300px) 100vw, 300px"
    assert text == (
        f'<p class="genimage"><a href="x.md"><picture><source '
        f'genimage-srcset="fox-480w.avif 480w, fox-1536w.avif 1536w" sizes="{sizes}" '
        f'type="image/avif"{SOURCE_END}<img alt="A fox" '
        f'genimage-srcset="fox-480w.webp 480w, fox-1536w.webp 1536w" height="200" '
        f'loading="eager" sizes="{sizes}" src="../fox.png" width="300" /></picture></a></p>'
    )


def test_sizes_of_pictures_side_by_side() -> None:
    page = Attributes(html(light(), light("hen.png"), look=LIGHT))
    assert page.of("img")["sizes"] == "auto, (max-width: 700px) 50vw, 342px"


def test_no_sizes_without_smaller_files() -> None:
    for name in ("fox.gif", "fox.svg"):
        text = html(light(name), look=LIGHT)
        assert "sizes" not in text
        assert "srcset" not in text
        assert 'height="1024"' in text


# --- Twins ------------------------------------------------------------------------------------

NIGHT = Picture("../night.png", 1536, 1024, source_type=EDITED, model="m")
TWINS = Picture("../day.png", 1536, 1024, source_type=GENERATED, model="m", twin=NIGHT)


def images(text: str) -> list[dict[str, str | None]]:
    return [attributes for tag, attributes in Attributes(text).tags if tag == "img"]


def test_twins_stand_side_by_side() -> None:
    day, night = images(html(TWINS))
    assert (day["class"], day["src"], day["data-gallery"]) == (
        "genimage-light",
        "../day.png",
        "light",
    )
    assert (night["class"], night["src"], night["data-gallery"]) == (
        "genimage-dark",
        "../night.png",
        "dark",
    )
    differing = {name for name in day if day[name] != night[name]}
    assert differing == {"class", "src", "data-gallery"}
    assert day.keys() == night.keys()


def test_twins_where_the_theme_switches() -> None:
    text = html(TWINS, look=Look(has_only_dark=True), link="original")
    day, night = images(text)
    assert (day["src"], night["src"]) == ("../day.png#only-light", "../night.png#only-dark")
    links = [attributes["href"] for tag, attributes in Attributes(text).tags if tag == "a"]
    assert links == ["../day.png", "../night.png"]


def test_one_link_holds_both_twins() -> None:
    text = html(TWINS, link="x.md", caption="C")
    assert text.count("<a ") == 1
    assert text.index("<a ") < text.index("day.png") < text.index("night.png") < text.index("</a>")
    assert text.count("<figcaption>") == 1


def test_a_twin_that_is_missing() -> None:
    missing = Picture("../placeholder.svg", 1536, 1024, placeholder=True)
    day, night = images(html(Picture("../day.png", 1536, 1024, twin=missing)))
    assert day["class"] == "genimage-light"
    assert night["class"] == "genimage-dark genimage-placeholder"


def test_twins_do_not_count_as_columns() -> None:
    assert "genimage-grid" not in html(TWINS)
    assert "genimage-cell" not in html(TWINS)
    for look in (Look(), LIGHT, Look(disclosure="label")):
        text = html(TWINS, TWINS, look=look, link="original")
        assert len(images(text)) == 4
        assert [len(images(cell)) for cell in text.split("genimage-cell")[1:]] == [2, 2]


# --- First on a page --------------------------------------------------------------------------


def test_the_first_picture_of_a_page_is_fetched_at_once() -> None:
    image = Attributes(html(light(), look=LIGHT, is_hero=True, loading="eager")).of("img")
    assert image["fetchpriority"] == "high"
    assert image["loading"] == "eager"
    assert "decoding" not in image
    assert "fetchpriority" not in html()


# --- Disclosure -------------------------------------------------------------------------------

MADE = Picture("../made.png", 64, 48, model="model-<1>", source_type=GENERATED)
CHANGED = Picture("../changed.png", 64, 48, model="model-2", source_type=EDITED)
OWN = Picture("../own.png", 64, 48)
GAP = Picture("../placeholder.svg", 64, 48, placeholder=True)


def test_machines_are_told_whatever_readers_are() -> None:
    for disclosure in ("none", "label", "credit"):
        look = Look(disclosure=disclosure)
        for picture, told in ((MADE, "true"), (CHANGED, "true"), (OWN, None), (GAP, None)):
            image = Attributes(html(picture, look=look)).of("img")
            assert image.get("data-ai-generated") == told


@pytest.mark.parametrize(
    ("picture", "kind"),
    [
        (MADE, "TrainedAlgorithmicMediaDigitalSource"),
        (CHANGED, "CompositeWithTrainedAlgorithmicMediaDigitalSource"),
    ],
)
@pytest.mark.parametrize("disclosure", ["label", "credit"])
def test_what_machines_read(picture: Picture, kind: str, disclosure: Any) -> None:
    page = Attributes(html(picture, look=Look(disclosure=disclosure)))
    frame = page.of("span")
    assert frame["class"] == "genimage-frame"
    assert frame["itemtype"] == "https://schema.org/ImageObject"
    assert "itemscope" in frame
    assert page.of("img")["itemprop"] == "contentUrl"
    meta = page.of("meta")
    assert meta == {"itemprop": "digitalSourceType", "content": f"https://schema.org/{kind}"}


def told(text: str) -> list[str]:
    """What readers are told, by labels and credits."""
    found = re.findall(r'<span class="genimage-(?:label|credit)"[^>]*>([^<]*)</span>', text)
    return [unescape(one) for one in found]


@pytest.mark.parametrize(
    ("disclosure", "words", "pictures", "expected"),
    [
        ("none", "", [MADE], []),
        ("none", "By {model}", [MADE], []),
        ("label", "", [MADE], ["AI-generated"]),
        ("label", "", [OWN], []),
        ("label", "", [GAP], []),
        ("label", "", [MADE, OWN, CHANGED, GAP], ["AI-generated", "AI-generated"]),
        (
            "label",
            "By {model} & <co>",
            [MADE, CHANGED],
            ["By model-<1> & <co>", "By model-2 & <co>"],
        ),
        ("label", "Bild: KI", [MADE], ["Bild: KI"]),
        ("credit", "", [MADE], ["AI-generated, model-<1>"]),
        ("credit", "", [MADE, OWN, CHANGED, MADE], ["AI-generated, model-<1>, model-2"]),
        ("credit", "", [OWN, GAP], []),
        ("credit", "", [Picture("x.png", 1, 1, source_type=GENERATED)], ["AI-generated"]),
        ("credit", "By {model}, {model}", [CHANGED], ["By model-2, model-2"]),
        ("credit", "100 % {0} {} {model!r} %s", [CHANGED], ["100 % {0} {} {model!r} %s"]),
    ],
)
def test_what_readers_are_told(
    disclosure: Any, words: str, pictures: list[Picture], expected: list[str]
) -> None:
    look = Look(disclosure=disclosure, disclosure_text=words)
    assert told(html(*pictures, look=look)) == expected
    assert told(rendered(build_figure(pictures, {"alt": "x"}, look))) == expected


@pytest.mark.parametrize("name", ["**gpt**_1_", "[x](y)", "`m`", "<b>", "a & b", "$x$"])
def test_names_of_models_are_no_markdown(name: str) -> None:
    picture = Picture("x.png", 1, 1, model=name, source_type=GENERATED)
    for disclosure in ("label", "credit"):
        look = Look(disclosure=disclosure, disclosure_text="*By* {model}")  # type: ignore[arg-type]
        assert told(rendered(build_figure([picture], {"alt": "x"}, look))) == [f"*By* {name}"]


def test_a_credit_comes_after_the_caption() -> None:
    look = Look(disclosure="credit")
    text = rendered(build_figure([CHANGED], {"alt": "x", "caption": "A *fox*"}, look))
    assert re.search(
        r"<figcaption>A <em>fox</em> <span [^>]*>AI-generated, model-2</span></figcaption>", text
    )
    # Without a caption it stands alone.
    assert "<figcaption><span " in html(CHANGED, look=look)
    assert html(OWN, look=look).startswith("<p ")


def test_alt_and_caption_say_nothing_of_it() -> None:
    for disclosure in ("none", "label", "credit"):
        look = Look(disclosure=disclosure)
        page = Attributes(html(MADE, look=look, alt="A fox", title="T"))
        assert page.of("img")["alt"] == "A fox"
        assert page.of("img")["title"] == "T"


@pytest.mark.parametrize("disclosure", ["label", "credit"])
def test_own_picture_with_a_twin_that_is_made(disclosure: Any) -> None:
    twins = Picture("../own.png", 64, 48, twin=CHANGED)
    text = html(twins, look=Look(disclosure=disclosure))
    assert len(told(text)) == 1
    own, changed = images(text)
    assert "data-ai-generated" not in own
    assert changed["data-ai-generated"] == "true"
