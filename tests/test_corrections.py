"""A page that was written before its pictures were there is put right: as if they had been."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import markdown
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkdocs_genimage.corrections import Correction, Rendering, correct_images, gather_sources
from mkdocs_genimage.entries import EDITED, GENERATED
from mkdocs_genimage.figure import Look, Picture, build_figure, display_size, twin_options
from mkdocs_genimage.light import Light
from mkdocs_genimage.markdown import GenimageExtension

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from xml.etree.ElementTree import Element

    from mkdocs_genimage.fences import Fence

PROPERTY = settings(deadline=None, database=None, max_examples=100)
FOLDER = "../assets/genimage"


# --- A page, as a build writes it ---


@dataclass(frozen=True)
class Shot:
    """A picture, as it is taken for or turns out to be."""

    name: str
    width: int = 1024
    height: int = 1024
    placeholder: bool = False
    kind: str = GENERATED
    model: str = "model-1"

    def picture(self, look: Look, twin: Picture | None = None) -> Picture:
        sources = () if self.placeholder else look.light.source_sets(self.name, self.width)
        kind = self.kind
        model = "" if self.placeholder else self.model
        return Picture(
            f"{FOLDER}/{self.name}",
            self.width,
            self.height,
            self.placeholder,
            sources,
            model,
            kind,
            twin,
        )


@dataclass(frozen=True)
class Slot:
    """One picture of a block, with its twin: for each, what was expected and what came."""

    expected: Shot
    actual: Shot
    dark_expected: Shot | None = None
    dark_actual: Shot | None = None

    def picture(self, look: Look, *, known: bool) -> Picture:
        dark = self.dark_actual if known else self.dark_expected
        twin = dark.picture(look) if dark else None
        return (self.actual if known else self.expected).picture(look, twin)


@dataclass(frozen=True)
class Block:
    """One block of a page."""

    slots: tuple[Slot, ...]
    options: dict[str, Any]

    def figure(self, look: Look, *, known: bool) -> Element:
        pictures = [slot.picture(look, known=known) for slot in self.slots]
        return build_figure(pictures, self.options, look)

    def corrections(self, look: Look) -> list[Correction]:
        def words(slot: Slot, *, known: bool) -> str:
            company = [slot] if look.disclosure == "label" else self.slots
            pictures = [one.picture(look, known=known) for one in company]
            return look.words(one for picture in pictures for one in picture.with_twin)

        def rendering(shot: Shot, options: Mapping[str, Any], words: str) -> Rendering:
            picture = shot.picture(look)
            size = display_size(options, picture.width, picture.height)
            sizes = look.light.sizes_of(options, size[0], len(self.slots))
            return Rendering(
                shot.name,
                size,
                picture.sources,
                sizes if picture.sources else "",
                is_placeholder=shot.placeholder,
                is_generated=bool(picture.source_type) and not shot.placeholder,
                words=words,
            )

        def correction(
            slot: Slot, before: Shot, after: Shot, options: Mapping[str, Any]
        ) -> Correction:
            return Correction(
                rendering(before, options, words(slot, known=False)),
                rendering(after, options, words(slot, known=True)),
            )

        found = [correction(slot, slot.expected, slot.actual, self.options) for slot in self.slots]
        found += [
            correction(slot, slot.dark_expected, slot.dark_actual, twin_options(self.options))
            for slot in self.slots
            if slot.dark_expected and slot.dark_actual
        ]
        return found


class FixedFigures:
    """The renderer of the Markdown extension: the figures of given blocks, in order."""

    def __init__(self, blocks: Sequence[Block], look: Look, *, known: bool) -> None:
        self._figures = [block.figure(look, known=known) for block in blocks]

    def prepare(self, lines: list[str], md: markdown.Markdown) -> list[str]:
        return lines

    def document(self, fences: Sequence[Fence], md: markdown.Markdown) -> FixedFigures:
        return self

    def figure(self, fence: Fence) -> Element:
        return self._figures.pop(0)

    def near_miss(self, line: str, index: int, advice: str) -> None:
        raise AssertionError(line)


def page(blocks: Sequence[Block], look: Look, *, known: bool) -> str:
    """The HTML of a page with these blocks, by the way of Markdown."""
    renderer = FixedFigures(blocks, look, known=known)
    text = "Before\n\n" + "```genimage\nx\n```\n\nBetween\n\n" * len(blocks)
    return markdown.markdown(text, extensions=[GenimageExtension(renderer)])


# --- What other plugins do to a page before it is put right ---


class _Rewriter(HTMLParser):
    """Writes HTML anew, tag by tag."""

    def __init__(self, *, end: str, wraps: bool, is_sparing: bool) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._end = end
        self._wraps = wraps
        self._quoted = _sparingly_quoted if is_sparing else _quoted
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        written = "".join(f" {name}={self._quoted(value or '')}" for name, value in attrs)
        is_void = tag in ("img", "source", "meta", "br")
        text = f"<{tag}{written}{self._end if is_void else '>'}"
        if tag == "img" and self._wraps and "a" not in self._open[-1:]:
            given = dict(attrs)
            gallery = f' data-gallery="{given["data-gallery"]}"' if "data-gallery" in given else ""
            src = _escaped(given["src"] or "")
            text = f'<a class="glightbox" data-type="image" href="{src}"{gallery}>{text}</a>'
        self.out.append(text)
        if not is_void:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()
        self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")


def _quoted(value: str) -> str:
    return f'"{_escaped(value)}"'


def _sparingly_quoted(value: str) -> str:
    """As short as HTML allows."""
    if value and not re.search(r"[\s\"'=<>`]", value):
        return value.replace("&", "&amp;")
    quote = "'" if '"' in value and "'" not in value else '"'
    escaped = value.replace("&", "&amp;").replace(quote, f"&#{ord(quote)};")
    return quote + escaped + quote


def _escaped(text: str) -> str:
    for sign, name in (("&", "amp"), ('"', "quot"), ("<", "lt"), (">", "gt")):
        text = text.replace(sign, f"&{name};")
    return text


def rewritten(text: str, *, end: str, wraps: bool, is_sparing: bool = False) -> str:
    rewriter = _Rewriter(end=end, wraps=wraps, is_sparing=is_sparing)
    rewriter.feed(text)
    rewriter.close()
    return "".join(rewriter.out)


def as_it_is(text: str) -> str:
    return text


def as_html5(text: str) -> str:
    """As a parser for HTML writes it."""
    return rewritten(text, end=">", wraps=False)


def as_a_lightbox(text: str) -> str:
    """As glightbox leaves it: each picture in a link to itself."""
    return rewritten(text, end=">", wraps=True)


def as_beautiful_soup(text: str) -> str:
    """As plugins leave it that use Beautiful Soup."""
    return rewritten(text, end="/>", wraps=False)


def without_blanks(text: str) -> str:
    """As a minifier that keeps the quotes leaves it."""
    return re.sub(r">\s+<", "><", as_html5(text)).replace("\n", " ")


def as_a_minifier(text: str) -> str:
    """As one leaves it that writes as few quotation marks as it can. Compare after `as_html5`."""
    return rewritten(text, end=">", wraps=False, is_sparing=True)


MARKUP = (as_it_is, as_html5, as_a_lightbox, without_blanks)


# --- The cases ---

EXPECTED = Shot("fox-0123456789ab.png")
ACTUAL = {
    "as expected": EXPECTED,
    "another size": Shot("fox-0123456789ab.png", 1536, 1024),
    "smaller": Shot("fox-0123456789ab.png", 300, 200),
    "another format": Shot("fox-0123456789ab.jpg"),
    "both": Shot("fox-0123456789ab.webp", 1000, 2000),
    "animation": Shot("fox-0123456789ab.gif", 600, 600),
    "drawing": Shot("fox-0123456789ab.svg"),
    "placeholder": Shot("placeholder-fox-0123456789ab.svg", placeholder=True),
    "placeholder of the same format": Shot("placeholder-fox-0123456789ab.png", placeholder=True),
}
LIGHTS = {
    "off": Light(),
    "widths": Light((480, 960, 1440), content_width=758),
    "webp": Light((480, 960, 1440), ("webp",)),
    "avif and webp": Light((480,), ("avif", "webp"), content_width=758),
    "formats alone": Light((), ("avif", "webp")),
    "sizes": Light((480,), ("webp",), "(max-width: 600px) 100vw, 600px"),
}
CHOICES: dict[str, list[Any]] = {
    "caption": [None, "A *fox*"],
    "link": [None, "x.md?width=5&height=6", "original"],
    "width": [None, "300", "50%"],
    "height": [None, 200],
    "title": [None, 'a width="5" <b> srcset="x" > class="y"'],
    "decorative": [None, True],
    "class": [None, ("wide",)],
    "loading": [None, "eager"],
}


def every_pair() -> list[dict[str, Any]]:
    """Options in which each value of one stands beside each value of another, and each alone."""
    found = []
    for names in itertools.combinations(CHOICES, 2):
        for values in itertools.product(*(CHOICES[name] for name in names)):
            options = {name: value for name, value in zip(names, values, strict=True) if value}
            found.append({"prompt": "A fox > a hen", **options})
    return [dict(items) for items in dict.fromkeys(tuple(one.items()) for one in found)]


def check(
    blocks: Sequence[Block], look: Look, markup: Sequence[Callable[[str], str]] = MARKUP
) -> None:
    """A page that is put right is that of a build that knew, whoever has touched it before."""
    if as_a_lightbox in markup and len(look.light.formats) > 1:
        # In a <picture>, glightbox does not see that its picture is a link already.
        linked = [block for block in blocks if "link" in block.options]
        if linked:
            check(linked, look, [one for one in markup if one is not as_a_lightbox])
            blocks = [block for block in blocks if "link" not in block.options]
    pending, known = page(blocks, look, known=False), page(blocks, look, known=True)
    fixes = [fix for block in blocks for fix in block.corrections(look)]
    for change in markup:
        assert correct_images(change(pending), fixes) == change(known), change.__name__


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("case", ACTUAL)
def test_corrected_page_is_that_of_a_build_that_knew(case: str, light: str) -> None:
    slot = Slot(EXPECTED, ACTUAL[case])
    # The same block may stand on a page twice.
    blocks = [Block((slot,), options) for options in every_pair() for _ in range(2)]
    check(blocks, Look(LIGHTS[light]))


@pytest.mark.parametrize("asked", [".png", ".jpg", ".webp", ".gif", ".svg"])
@pytest.mark.parametrize("case", ACTUAL)
def test_a_copy_that_was_taken_later_is_right_already(case: str, asked: str) -> None:
    """Whoever goes over all files of a site comes across those, too."""
    expected = Shot(f"fox-0123456789ab{asked}", 1025, 1024)
    look = Look(LIGHTS["avif and webp"])
    actual = ACTUAL[case]
    if actual.placeholder:
        actual = replace(actual, name=f"placeholder-{expected.name}")
    block = Block((Slot(expected, actual, dark(expected), dark(actual)),), {"alt": "a"})
    known = page([block], look, known=True)
    assert correct_images(known, block.corrections(look)) == known


@pytest.mark.parametrize("light", LIGHTS)
def test_one_picture_in_several_sizes(light: str) -> None:
    slot = Slot(EXPECTED, ACTUAL["another size"])
    options: list[dict[str, Any]] = [
        {"alt": "a"},
        {"alt": "b", "width": "300"},
        {"alt": "c", "height": 90},
        # Shown in the size that the first was expected to have.
        {"alt": "d", "width": "1024"},
        {"alt": "e", "width": "1024", "height": 1024},
        {"alt": "f", "loading": "eager"},
    ]
    check([Block((slot,), one) for one in options], Look(LIGHTS[light]))


@pytest.mark.parametrize("light", LIGHTS)
def test_one_picture_that_stands_differently_on_several_pages(light: str) -> None:
    """Views and feeds show pages in an order of their own."""
    look = Look(LIGHTS[light])
    slot = Slot(EXPECTED, ACTUAL["another size"])
    options: list[dict[str, Any]] = [
        {"alt": "a", "align": "left"},
        {"alt": "b", "width": "50%"},
        {"alt": "c", "loading": "eager"},
        {"alt": "d", "width": "25%", "loading": "eager"},
    ]
    blocks = [Block((slot,), one) for one in options]
    fixes = [fix for block in blocks for fix in block.corrections(look)]
    for view in (blocks[::-1], blocks[1:], [blocks[1], blocks[1], blocks[0]]):
        pending, known = [page(view, look, known=known) for known in (False, True)]
        for change in MARKUP:
            assert correct_images(change(pending), fixes) == change(known), change.__name__


def test_one_picture_in_very_many_places() -> None:
    blocks = [Block((Slot(EXPECTED, ACTUAL["both"]),), {"alt": str(i)}) for i in range(300)]
    check(blocks, Look(LIGHTS["avif and webp"]), [as_it_is])


def dark(shot: Shot) -> Shot:
    return replace(shot, name=shot.name.replace("fox-0123", "dark-fox-4567"), kind=EDITED)


def shown_dark(light: Shot, came: Shot) -> Shot:
    """What a page shows in dark mode: where a twin is missing, its picture stands in."""
    return light if came.placeholder and not light.placeholder else came


@pytest.mark.parametrize("has_only_dark", [False, True], ids=["own switch", "theme's switch"])
@pytest.mark.parametrize("case", ACTUAL)
@pytest.mark.parametrize("dark_case", ACTUAL)
def test_twins(case: str, dark_case: str, has_only_dark: bool) -> None:
    came = shown_dark(ACTUAL[case], dark(ACTUAL[dark_case]))
    slot = Slot(EXPECTED, ACTUAL[case], dark(EXPECTED), came)
    for light in ("off", "webp", "avif and webp"):
        look = Look(LIGHTS[light], has_only_dark=has_only_dark)
        for options in ({"alt": "a"}, {"alt": "a", "caption": "C", "link": "original"}):
            check([Block((slot,), options)], look)


@pytest.mark.parametrize("disclosure", ["none", "label", "credit"])
def test_own_picture_that_stands_in_for_its_twin(disclosure: Any) -> None:
    own = replace(EXPECTED, kind="")
    slot = Slot(own, own, dark(EXPECTED), own)
    check([Block((slot,), {"alt": "a"})], Look(LIGHTS["webp"], disclosure))


@pytest.mark.parametrize("disclosure", ["none", "label", "credit"])
def test_only_the_second_is_left(disclosure: Any) -> None:
    """The first was lost and cannot be made again."""
    came = dark(EXPECTED)
    slot = Slot(EXPECTED, ACTUAL["placeholder"], came, came)
    check([Block((slot,), {"alt": "a"})], Look(LIGHTS["webp"], disclosure))


@pytest.mark.parametrize("case", ACTUAL)
@pytest.mark.parametrize("light", LIGHTS)
def test_several_side_by_side(case: str, light: str) -> None:
    def variant(shot: Shot, number: int) -> Shot:
        return replace(shot, name=shot.name.replace("ab.", f"ab-{number}."))

    slots = [Slot(EXPECTED, EXPECTED)]
    slots += [Slot(variant(EXPECTED, i), variant(ACTUAL[case], i)) for i in (2, 3)]
    for options in ({"alt": "a"}, {"alt": "a", "width": "200", "caption": "C"}):
        check([Block(tuple(slots), options)], Look(LIGHTS[light]))


COMING = [case for case in ACTUAL if "placeholder" not in case]
MISSING = [case for case in ACTUAL if "placeholder" in case]


@pytest.mark.parametrize("disclosure", ["label", "credit"])
@pytest.mark.parametrize("case", COMING)
def test_disclosure_of_what_came(case: str, disclosure: Any) -> None:
    slot = Slot(EXPECTED, ACTUAL[case], dark(EXPECTED), dark(ACTUAL[case]))
    for light in ("off", "avif and webp"):
        look = Look(LIGHTS[light], disclosure, "By {model}, <b> & co")
        for options in ({"alt": "a"}, {"alt": "a", "caption": "C", "link": "original"}):
            check([Block((slot,), options), Block((Slot(EXPECTED, ACTUAL[case]),), {})], look)


@pytest.mark.parametrize("disclosure", ["label", "credit"])
@pytest.mark.parametrize("case", MISSING)
def test_disclosure_of_what_did_not_come(case: str, disclosure: Any) -> None:
    look = Look(LIGHTS["webp"], disclosure)
    for options in ({"alt": "a"}, {"alt": "a", "caption": "C", "link": "original"}):
        check([Block((Slot(EXPECTED, ACTUAL[case]),), options)], look)


@pytest.mark.parametrize("disclosure", ["label", "credit"])
def test_disclosure_of_a_grid_that_came_in_part(disclosure: Any) -> None:
    second = replace(EXPECTED, name="fox-0123456789ab-2.png")
    missing = replace(ACTUAL["placeholder"], name="placeholder-fox-0123456789ab-2.svg")
    slots = (Slot(EXPECTED, EXPECTED), Slot(second, missing))
    check([Block(slots, {"alt": "a", "caption": "C"})], Look(LIGHTS["webp"], disclosure))


@pytest.mark.parametrize(
    ("disclosure", "text"), [("credit", ""), ("credit", "By {model} & <co>"), ("label", "{model}")]
)
@pytest.mark.parametrize("coming", ["none", "some", "all"])
@pytest.mark.parametrize("count", [1, 3])
def test_words_name_those_whose_pictures_came(
    disclosure: Any, text: str, coming: str, count: int
) -> None:
    """Pictures that are there were made by another model than the one that makes their twins."""
    slots = []
    for number in range(count):
        stem = f"fox-0123456789ab-{number + 1}.png"
        there = replace(EXPECTED, name=stem, model="model-0")
        came = coming == "all" or (coming == "some" and number == count - 1)
        night = dark(replace(EXPECTED, name=stem))
        slots.append(Slot(there, there, night, night if came else there))
    look = Look(LIGHTS["webp"], disclosure, text)
    alone = [replace(slot, dark_expected=None, dark_actual=None) for slot in slots]
    blocks = [
        Block(chosen, options)
        for chosen in (tuple(slots), tuple(alone))
        for options in ({"alt": "a"}, {"alt": "a", "caption": "By {model}", "link": "original"})
    ]
    check(blocks, look)
    assert ("model-1" in page(blocks, look, known=True)) is (coming != "none")


def test_markup_of_beautiful_soup() -> None:
    slots = (Slot(EXPECTED, ACTUAL["another size"]),)
    check([Block(slots, {"alt": "a"})], Look(LIGHTS["avif and webp"]), [as_beautiful_soup])


ODD_ALTS = ['55" TV', "it's", "a > b", '"<a>" = `b`', "a=b", "x/", "both \" and '"]


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("case", ACTUAL)
def test_markup_of_minifiers(case: str, light: str) -> None:
    """Values stand in quotes of either kind, which hold those of the other, or in none."""
    look = Look(LIGHTS[light])
    options: list[dict[str, Any]] = [
        {"alt": alt, "title": alt, **more}
        for alt in ODD_ALTS
        for more in ({}, {"link": "original", "caption": "A *fox*", "width": "50%"})
    ]
    blocks = [Block((Slot(EXPECTED, ACTUAL[case]),), one) for one in options]
    fixes = [fix for block in blocks for fix in block.corrections(look)]
    corrected = correct_images(as_a_minifier(page(blocks, look, known=False)), fixes)
    assert as_html5(corrected) == as_html5(page(blocks, look, known=True))


@pytest.mark.parametrize("disclosure", ["label", "credit"])
@pytest.mark.parametrize("case", COMING)
def test_disclosure_in_markup_of_minifiers(case: str, disclosure: Any) -> None:
    look = Look(LIGHTS["avif and webp"], disclosure)
    slot = Slot(EXPECTED, ACTUAL[case], dark(EXPECTED), dark(ACTUAL[case]))
    block = Block((slot,), {"alt": '5" TV', "caption": "A *fox*"})
    pending, known = [page([block], look, known=known) for known in (False, True)]
    corrected = correct_images(as_a_minifier(pending), block.corrections(look))
    assert as_html5(corrected) == as_html5(known)


# --- Beside what authors write ---

OTHERS = {
    "double in single": "<img alt='55\" TV' src=tv.png>",
    "single in double": '<img alt="Ann\'s" src="ann.png">',
    "no quotes": "<img alt=it's src=a.png> 6\" of text",
    "ends within": "<div title='\">'><img alt='<\"' src='x.png'></div>",
    "comment": "<!-- todo: use <picture> and <img alt=' here -->",
    "in words": "Write `&lt;picture>` &amp; <code><picture></code>",
    "unclosed": '<picture><source srcset="a.webp"><img src="x.png" alt="a">',
    "whole": "<picture><source srcset='5\".webp'><img src='x.png' alt='5\"'></picture>",
}
"""What may stand on a page before our pictures."""


@pytest.mark.parametrize("markup", [as_it_is, as_html5, as_a_minifier])
@pytest.mark.parametrize("light", ["off", "webp", "avif and webp"])
@pytest.mark.parametrize("other", OTHERS)
def test_what_authors_write_stays(other: str, light: str, markup: Callable[[str], str]) -> None:
    look = Look(LIGHTS[light], "label")
    slot = Slot(EXPECTED, ACTUAL["both"], dark(EXPECTED), dark(ACTUAL["another size"]))
    blocks = [Block((slot,), {"alt": alt}) for alt in ('55" TV', "a")]
    pending, known = [markup(page(blocks, look, known=known)) for known in (False, True)]
    fixes = [fix for block in blocks for fix in block.corrections(look)]
    before, after = OTHERS[other] + "\n", " 7\" long, it's " + OTHERS[other]

    corrected = correct_images(before + pending + after, fixes)

    assert corrected.startswith(before)
    assert corrected.endswith(after)
    inside = corrected.removeprefix(before).removesuffix(after)
    assert as_html5(inside) == as_html5(known)


@pytest.mark.parametrize("markup", [as_it_is, as_html5, as_a_minifier])
@pytest.mark.parametrize("other", OTHERS)
def test_what_authors_write_stays_on_a_page_that_was_moved(
    other: str, markup: Callable[[str], str]
) -> None:
    shots = [EXPECTED, dark(EXPECTED)]
    block = Block((Slot(shots[0], shots[0], shots[1], shots[1]),), {"alt": '55" TV'})
    text = page([block], Look(LIGHTS["avif and webp"]), known=True)
    moved = re.sub(rf' src="{FOLDER}/', ' src="x/', text)
    before, after = OTHERS[other] + "\n", " 7\" long, it's " + OTHERS[other]

    gathered = gather_sources(before + markup(moved) + after)

    assert gathered.startswith(before)
    assert gathered.endswith(after)
    inside = gathered.removeprefix(before).removesuffix(after)
    assert as_html5(inside) == as_html5(text.replace(FOLDER, "x"))


# --- Anything ---

OPTIONS = st.fixed_dictionaries(
    {"prompt": st.just("A fox > a hen")},
    optional={
        "alt": st.sampled_from(["a", "<b> & \"c\" > 'd'", "fox-0123456789ab.png", "/> x="]),
        "caption": st.sampled_from(["A *fox*", "`x` <b>y</b> & z"]),
        "title": st.sampled_from(["t", 'a width="5" sizes="7"']),
        "width": st.sampled_from(["1", "300", "1024", "9%", "50%"]),
        "height": st.sampled_from([1, 200, 1024]),
        "align": st.sampled_from(["left", "center", "right"]),
        "link": st.sampled_from(["original", "x.md", "https://example.org/?a=1&b=2"]),
        "class": st.just(("wide", "tall")),
        "loading": st.sampled_from(["lazy", "eager"]),
        "is_hero": st.booleans(),
    },
)
LOOKS = st.builds(
    Look,
    st.builds(
        Light,
        st.lists(st.sampled_from([64, 480, 960, 1440]), unique=True).map(
            lambda one: tuple(sorted(one))
        ),
        st.lists(st.sampled_from(["webp", "avif"]), unique=True).map(tuple),
        st.sampled_from(["", "50vw"]),
        st.sampled_from([0, 758]),
    ),
    st.sampled_from(["none", "label", "credit"]),
    st.sampled_from(["", "AI: {model}", "<b> & {model}"]),
    st.booleans(),
)
ENDINGS = (".png", ".jpg", ".webp", ".gif", ".svg")


@st.composite
def slots(draw: st.DrawFn, stem: str) -> Slot:
    """A picture with or without a twin."""

    def shots(stem: str, kind: str) -> tuple[Shot, Shot]:
        ending = draw(st.sampled_from(ENDINGS[:3]))
        width = draw(st.sampled_from([300, 1024, 1536]))
        expected = Shot(stem + ending, width, 1024, kind=kind)
        outcome = draw(st.integers(0, 3))
        if outcome == 0 or not kind:  # a picture of the author's own is there
            return expected, expected
        if outcome == 1:
            name = f"placeholder-{stem}{draw(st.sampled_from(['.svg', '.png']))}"
            return expected, Shot(name, width, 1024, placeholder=True, kind=kind)
        came = Shot(
            stem + draw(st.sampled_from(ENDINGS)),
            draw(st.sampled_from([16, 500, 1024, 2000])),
            draw(st.sampled_from([16, 1024])),
            kind=kind,
        )
        return expected, came

    has_twin = draw(st.booleans())
    light = shots(stem, draw(st.sampled_from(["", GENERATED, EDITED])))
    if has_twin:
        expected, came = shots(f"dark-{stem}", EDITED)
        return Slot(*light, expected, shown_dark(light[1], came))
    return Slot(*light)


@st.composite
def pages(draw: st.DrawFn) -> tuple[list[Block], Look]:
    """Blocks with up to three pictures, some of them on the page several times."""
    look = draw(LOOKS)
    stems = [f"{word}-{number:012x}" for number, word in enumerate(("fox", "a-fox", "x"))]
    pool = [draw(slots(stem)) for stem in stems]
    blocks = []
    for _ in range(draw(st.integers(1, 3))):
        chosen = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique=True))
        blocks.append(Block(tuple(chosen), draw(OPTIONS)))
    return blocks, look


@PROPERTY
@given(pages(), st.sampled_from(MARKUP))
def test_any_page(built: tuple[list[Block], Look], markup: Callable[[str], str]) -> None:
    check(*built, [markup])


# --- What is left alone ---


def test_other_pictures_are_left_alone() -> None:
    look = Look(LIGHTS["avif and webp"])

    def alone(name: str) -> str:
        shot = Shot(name)
        return page([Block((Slot(shot, shot),), {"alt": "a"})], look, known=True)

    other = alone("hen-ba9876543210.png") + alone("fox-0123456789ab-2.png")
    foreign = (
        '<img src="cat.png" width="1024" height="1024"><img alt="">'
        '<picture><source srcset="cat.webp"><img src="cat.png" width="1024" height="1024"></picture>'
    )
    (fix,) = Block((Slot(EXPECTED, ACTUAL["placeholder"]),), {}).corrections(look)
    for text in (other + foreign, foreign):
        assert correct_images(text, [fix]) == text
        assert correct_images(text, []) == text


def test_names_elsewhere_in_the_page_are_corrected() -> None:
    text = f'<a href="{FOLDER}/fox-0123456789ab.png">x</a> ![A]({FOLDER}/fox-0123456789ab.png)'
    (fix,) = Block((Slot(EXPECTED, ACTUAL["another format"]),), {}).corrections(Look())
    assert correct_images(text, [fix]) == text.replace(".png", ".jpg")


@pytest.mark.parametrize("light", ["off", "avif and webp"])
def test_attributes_in_another_order(light: str) -> None:
    look = Look(LIGHTS[light])
    (fix,) = Block((Slot(EXPECTED, ACTUAL["another size"]),), {}).corrections(look)
    before = '<img data-width="7" width="1024" src="fox-0123456789ab.png" alt="a" height="1024">'
    after = correct_images(before, [fix])
    assert ' data-width="7" width="1536"' in after
    assert ' height="1024"' in after


def test_nothing_is_touched_where_all_is_as_expected() -> None:
    fixes = Block((Slot(EXPECTED, EXPECTED),), {}).corrections(Look(LIGHTS["avif and webp"]))
    text = '<IMG src="fox-0123456789ab.png" width=1024>'
    assert correct_images(text, fixes) == text


# --- Pages that were moved ---


@PROPERTY
@given(pages(), st.sampled_from(MARKUP), st.sampled_from(["", "../../", "https://example.org/x/"]))
def test_smaller_files_follow_their_picture(
    built: tuple[list[Block], Look], markup: Callable[[str], str], front: str
) -> None:
    """Plugins that collect pages put `src` right and know of no other attribute."""
    text = markup(page(*built, known=True))
    assert gather_sources(text) == text, "nothing to do where it was"
    moved = re.sub(rf' (src|href)="{FOLDER}/', rf' \1="{front}assets/genimage/', text)
    everything = text.replace(FOLDER + "/", f"{front}assets/genimage/")
    assert gather_sources(moved) == everything
    assert gather_sources(everything) == everything


def test_pictures_of_others_are_not_gathered() -> None:
    text = (
        '<img src="img/a.png" srcset="img/small/a-480w.png 480w, img/a.png 960w">'
        '<img src="../pics/a.png" srcset="../pics/a-480w.png 480w, ../pics/a.png 960w">'
        '<picture><source srcset="x/a.webp 2x"><img src="x/a.png"></picture><img alt="x">'
    )
    assert gather_sources(text) == text


def test_attributes_without_blanks_between_them() -> None:
    """As some minifiers write them."""
    tag = '<img alt="a"src="../x/fox-0123456789ab.png"class="c"height="1024"width="1024">'
    fix = Correction(
        Rendering("fox-0123456789ab.png", (1024, 1024)),
        Rendering("fox-0123456789ab.webp", (1536, 1024)),
    )
    written = correct_images(tag, [fix])
    assert written == tag.replace(".png", ".webp").replace('width="1024"', 'width="1536"')
