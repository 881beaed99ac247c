# ruff: noqa: RUF001
from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkdocs_genimage.providers import ProviderSettings, load_provider
from mkdocs_genimage.providers.lettering import (
    CLUSTER_CHARS,
    EXCERPT_CHARS,
    LINE_HEIGHT,
    excerpt,
    graphemes,
    is_rtl,
    set_title,
    split_words,
    text_width,
    wrap,
)
from mkdocs_genimage.providers.placeholder import BADGE_OPACITY, PALETTES, Palette, draw
from mkdocs_genimage.request import ImageRequest

SVG = "{http://www.w3.org/2000/svg}"
CAT = "An orange cat reading on a stack of books"
LONG = "A pipeline with five stages: checkout, build, test, package and deploy. " * 8
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
SAMPLES = {
    "latin": CAT,
    "japanese": "山の上で本を読むオレンジ色の猫。背景には、静かな湖と「星空」が広がっている。",
    "chinese": "一只橘猫坐在一摞书上阅读，窗外是安静的雨夜和城市的灯光",
    "korean": "책 더미 위에서 책을 읽는 주황색 고양이, 따뜻한 조명",
    "arabic": "قطة برتقالية تقرأ على كومة من الكتب، بأسلوب Flat design مسطح",
    "hebrew": "חתול כתום קורא על ערימת ספרים, בסגנון Bauhaus עם 3 צבעים",
    "devanagari": "किताबों के ढेर पर पढ़ती हुई एक नारंगी बिल्ली, क्षितिज पर सूर्य",
    "thai": "แมวสีส้มกำลังอ่านหนังสืออยู่บนกองหนังสือริมหน้าต่างในวันฝนตก",
    "emoji": f"A family {FAMILY} under 🇯🇵🇫🇷{SCOTLAND} and a 👩🏽\u200d🚀 with 1\ufe0f\u20e3",
    "one word": "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "long": LONG,
}
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80) | st.sampled_from(
    list(SAMPLES.values())
)
SIDE = st.integers(16, 4096)

TAGS = {
    f"{SVG}{name}"
    for name in (
        "svg",
        "linearGradient",
        "stop",
        "rect",
        "g",
        "circle",
        "path",
        "text",
        "pattern",
        "clipPath",
    )
}
ATTRIBUTES = {
    *("width", "height", "viewBox", "id", "x", "y", "x2", "y2", "r", "rx", "cx", "cy", "d"),
    *("fill", "opacity", "fill-opacity", "stroke", "stroke-opacity", "stroke-width"),
    *("stroke-dasharray", "stroke-linejoin", "stop-color", "offset", "transform", "patternUnits"),
    *("font-family", "font-size", "font-weight", "text-anchor", "direction", "unicode-bidi"),
    "clip-path",
}


def parse(svg: bytes) -> ET.Element:
    return ET.fromstring(svg.decode("utf-8"))


def texts(svg: bytes) -> list[str]:
    return [element.text or "" for element in parse(svg).iter(f"{SVG}text")]


def title_group(svg: bytes) -> ET.Element:
    return next(g for g in parse(svg).iter(f"{SVG}g") if g.get("font-weight") == "600")


def title_lines(svg: bytes) -> list[str]:
    return [element.text or "" for element in title_group(svg)]


def assert_harmless(svg: bytes) -> None:
    """Nothing in it but known shapes; every reference points into the drawing itself."""
    for element in parse(svg).iter():
        assert element.tag in TAGS
        assert set(element.keys()) <= ATTRIBUTES
        for value in element.attrib.values():
            assert not re.search(r"url\((?!#[a-f]\))|:", value)


# --- The drawing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("svg", "sha256"),
    [
        (
            draw(1024, 1024, CAT, seed="a"),
            "ccd86a8fd64deea4ce61e0d7633c120c1e33517c34a343473b6d87f19e792210",
        ),
        (
            draw(1536, 1024, SAMPLES["japanese"], seed="b", transparent=True),
            "5f134aacf333bb65667fd198e382cdd74bc3746ecf8dbe2550667565eb801eb0",
        ),
        (
            draw(1600, 200, SAMPLES["hebrew"], seed="c", caption="size: auto"),
            "eef1f429554e3d20b8c0f4e06c1f1f3391f669d8d349a070aae14d325e6607a9",
        ),
        (
            draw(64, 64, SAMPLES["emoji"], seed="d", label="Placeholder 2 of 4"),
            "203526e918a95a512b1dc122d1b74747cd79211ce09060aa7d9f8a73a9d9f19f",
        ),
        (
            draw(1024, 1536, SAMPLES["devanagari"]),
            "e01e4a218fdc2003e9fba4b392c7c5559389baab3ce9872f521ec97dee007894",
        ),
    ],
)
def test_the_bytes_never_change(svg: bytes, sha256: str) -> None:
    assert hashlib.sha256(svg).hexdigest() == sha256


def test_each_argument_matters() -> None:
    drawings = [
        draw(800, 600, CAT),
        draw(801, 600, CAT),
        draw(800, 601, CAT),
        draw(800, 600, "Fox"),
        draw(800, 600, CAT, seed="a"),
        draw(800, 600, CAT, label="Draft"),
        draw(800, 600, CAT, caption="size: auto"),
        draw(800, 600, CAT, transparent=True),
    ]
    assert len(set(drawings)) == len(drawings)


def test_seeds_reach_every_palette_and_both_kinds_of_ridge() -> None:
    drawings = [draw(800, 600, CAT, seed=str(i)).decode() for i in range(100)]
    assert {p for p in PALETTES if any(p.ground in svg for svg in drawings)} == set(PALETTES)
    pointed = [bool(re.search(r'url\(#b\)" d="M[^CZ]*Z', svg)) for svg in drawings]
    assert 20 < sum(pointed) < 80


@given(SIDE, SIDE, ANY_TEXT, st.text(max_size=8), ANY_TEXT, st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_drawing_is_sound(
    width: int, height: int, text: str, seed: str, caption: str, transparent: bool
) -> None:
    svg = draw(width, height, text, seed=seed, caption=caption, transparent=transparent)
    root = parse(svg)
    assert (root.get("width"), root.get("height")) == (str(width), str(height))
    assert root.get("viewBox") == f"0 0 {width} {height}"
    assert_harmless(svg)
    assert len(svg) < 8192
    assert svg == draw(width, height, text, seed=seed, caption=caption, transparent=transparent)


@pytest.mark.parametrize(
    "text",
    [
        "</text><script>alert(1)</script>",
        '"><image href="https://example.com/x.png"/>',
        "]]> <!-- <![CDATA[ &amp; &#0; &nbsp; %s {x} ${y}",
        "".join(map(chr, range(0x20))) + "\x7f\x85\x9f\ufffe\uffff\ud800\udfff",
        "\u202eevil\u2066 order",
        "<&>" * 10_000,
        "A" + "\u0301" * 10_000,
        FAMILY * 2000,
    ],
)
def test_hostile_prompts(text: str) -> None:
    svg = draw(1024, 1024, text, label=text, caption=text)
    assert_harmless(svg)
    assert len(svg) < 8192
    if "alert" in text:
        assert "</text><script>" in "".join(title_lines(svg)).replace(" ", "")


@pytest.mark.parametrize("name", SAMPLES)
def test_size_in_bytes(name: str) -> None:
    assert len(draw(1536, 1024, SAMPLES[name], seed=name)) < 4096


@pytest.mark.parametrize("size", [(1, 1), (1, 9000), (9000, 1), (99999, 99999)])
def test_absurd_sizes_are_drawn(size: tuple[int, int]) -> None:
    for i in range(10):
        assert_harmless(draw(*size, CAT, seed=str(i), transparent=True))


@pytest.mark.parametrize("size", [(0, 100), (100, 0), (-1, 100)])
def test_no_size_is_an_error(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="cannot draw"):
        draw(*size, CAT)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mix(top: str, below: str, opacity: float) -> str:
    return "#" + "".join(
        f"{round(int(top[i : i + 2], 16) * opacity + int(below[i : i + 2], 16) * (1 - opacity)):02x}"
        for i in (1, 3, 5)
    )


def test_contrast_is_computed_right() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the known near miss


@pytest.mark.parametrize("palette", PALETTES)
def test_text_is_readable_on_every_palette(palette: Palette) -> None:
    assert contrast(palette.ink, palette.ground) >= 7
    assert contrast(palette.muted, palette.ground) >= 4.5
    assert contrast(palette.ink, mix(palette.ink, palette.ground, BADGE_OPACITY)) >= 4.5


@pytest.mark.parametrize("palette", PALETTES)
def test_the_drawing_stands_out_from_light_and_dark_pages(palette: Palette) -> None:
    assert contrast(palette.ground, "#ffffff") > 7
    assert contrast(palette.sky, "#1e2129") > 3
    assert contrast(palette.ground, "#1e2129") > 1.2


@given(st.integers(90, 4096), st.integers(90, 4096), ANY_TEXT, st.sampled_from("abcdef"))
@settings(max_examples=150, deadline=None)
def test_text_stands_on_the_ground_and_inside(
    width: int, height: int, text: str, seed: str
) -> None:
    svg = draw(width, height, text, seed=seed)
    group = title_group(svg)
    size = float(group.get("font-size", "0"))
    baselines = [float(line.get("y", "0")) for line in group]
    if not baselines:
        return
    assert size >= 11
    assert baselines[-1] + 0.2 * size < height
    ground = next(
        path.get("d", "")
        for path in parse(svg).iter(f"{SVG}path")
        if path.get("fill") in {palette.ground for palette in PALETTES}
    )
    if width > 2.6 * height:  # text beside the scene: every x of the edge is right of the column
        right = min(float(x) for x in re.findall(r"[HC](\d+\.?\d*)", ground) if float(x) > 0)
        left = float(group[0].get("x", "0"))
        column = left if is_rtl(text) else left + size * max(map(text_width, title_lines(svg)))
        assert column < right
        assert baselines[0] - 0.8 * size > 0
    else:  # below it: the lowest hollow of the edge is above the first line
        edge = ground[1 : ground.index("V")]
        ys = [float(y) for y in re.findall(r"-?\d+\.?\d*(?=[C ]|$)", edge)][1::2]
        assert max(ys) < baselines[0] - 0.8 * size


@pytest.mark.parametrize("size", [(16, 16), (64, 64), (96, 96), (80, 800)])
def test_small_drawings_have_no_text(size: tuple[int, int]) -> None:
    assert texts(draw(*size, CAT)) == []


def test_what_has_room_is_shown() -> None:
    assert texts(draw(128, 128, CAT)) == ["An orange cat…", "Placeholder"]
    assert texts(draw(400, 40, CAT)) == ["An orange cat reading on a stack of…"]
    assert texts(draw(1024, 1024, CAT)) == [
        "An orange cat reading",
        "on a stack of books",
        "Placeholder",
        "1024 × 1024",
    ]


@pytest.mark.parametrize("text", ["", " \n\t", "\x00\x1b"])
def test_an_empty_prompt_leaves_the_badge(text: str) -> None:
    assert texts(draw(300, 300, text)) == ["Placeholder", "300 × 300"]


@pytest.mark.parametrize(("name", "rtl"), [("arabic", True), ("hebrew", True), ("latin", False)])
def test_direction(name: str, rtl: bool) -> None:
    group = title_group(draw(1000, 1000, SAMPLES[name]))
    assert group.get("direction") == ("rtl" if rtl else None)
    assert all((float(line.get("x", "0")) > 500) is rtl for line in group)


def test_transparent_drawings_have_no_full_ground() -> None:
    def full(svg: bytes) -> set[str | None]:
        return {child.get("fill") for child in parse(svg) if child.get("width") == "500"}

    assert full(draw(500, 500, CAT)) == {"url(#a)"}
    svg = draw(500, 500, CAT, transparent=True)
    assert full(svg) == {"url(#e)"}
    pattern = next(parse(svg).iter(f"{SVG}pattern"))
    assert [child.get("fill-opacity") for child in pattern] == [".35"]


# --- The text -------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=()), max_size=60))
@settings(deadline=None)
def test_an_excerpt_is_one_line_of_xml_characters(text: str) -> None:
    line = excerpt(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff\ufffe\uffff]", line)
    assert excerpt(line) == line
    ET.fromstring(f"<a>{line.replace('&', '').replace('<', '').replace('>', '')}</a>")


def test_newlines_are_folded_and_the_cut_is_marked() -> None:
    assert excerpt("\x1b\ra\x00 \x00b") == "a b"
    assert excerpt("\u202eevil\u2066 order\ufeff") == "evil order"
    assert excerpt(" a\n\n b\u2028c\t d ") == "a b c d"
    assert excerpt("a" * EXCERPT_CHARS) == "a" * EXCERPT_CHARS
    assert excerpt("a" * (EXCERPT_CHARS + 1)) == "a" * EXCERPT_CHARS + "…"


@pytest.mark.parametrize(
    "cluster",
    [
        "e\u0301",
        "Z\u0300\u0327\u0301",
        FAMILY,
        SCOTLAND,
        "🇯🇵",
        "👩🏽\u200d🚀",
        "🏳\ufe0f\u200d🌈",
        "❤\ufe0f",
        "1\ufe0f\u20e3",
        "क्षि",
        "नी",
        "กำ",
        "ที่",
        "\u1112\u1161\u11ab",  # a Hangul syllable in jamo
        "葛\U000e0100",  # an ideograph with its variant
        "பு",
        "ខ្មែ",
    ],
)
def test_graphemes_stay_whole(cluster: str) -> None:
    assert graphemes(cluster) == [cluster]
    assert graphemes(f"a{cluster}b {cluster}{cluster}") == [
        "a",
        cluster,
        "b",
        " ",
        cluster,
        cluster,
    ]
    lines, _ = wrap(split_words(cluster * 30), 5, 99)
    assert len(lines) > 1
    assert all(line.replace(cluster, "") == "" for line in lines)


@given(ANY_TEXT)
@settings(deadline=None)
def test_graphemes_lose_nothing(text: str) -> None:
    clusters = graphemes(text)
    assert all(clusters)
    if max(map(len, clusters), default=0) < CLUSTER_CHARS:
        assert "".join(clusters) == text


def test_a_grapheme_has_a_limit() -> None:
    assert graphemes("A" + "\u0301" * 5000) == ["A" + "\u0301" * (CLUSTER_CHARS - 1)]


@given(ANY_TEXT, st.floats(3, 40))
@settings(deadline=None)
def test_wrapped_lines_keep_the_width_and_the_text(text: str, width: float) -> None:
    line = excerpt(text)
    lines, broken = wrap(split_words(line), width, 999)
    for piece in lines:
        assert text_width(piece) <= width + 1e-9 or len(graphemes(piece)) == 1
    unspaced = "".join(graphemes(line)).replace(" ", "").replace("\u200b", "")
    assert "".join(lines).replace(" ", "") == unspaced
    if not broken and not re.search(r"[^\x20-\x7e]", line):
        assert " ".join(lines) == line


def test_breaks() -> None:
    def broken_at(text: str, width: float) -> list[str]:
        return wrap(split_words(text), width, 99)[0]

    assert broken_at("aaaa bbbb cccc", 6) == ["aaaa bbbb", "cccc"]
    assert broken_at("aaaaaaaa b", 3.4) == ["aaaaa", "aaa b"]
    assert broken_at("山の上で本を読む", 3) == ["山の上", "で本を", "読む"]
    assert broken_at("猫が山、「星」", 3) == ["猫が", "山、", "「星」"]  # no 、 first, no 「 last
    assert broken_at("책을 읽는 고양이", 5) == ["책을 읽는", "고양이"]  # Korean breaks at spaces
    assert broken_at("แมวเล่น", 2.9) == ["แมว", "เล่น"]  # no vowel sign apart from its consonant
    assert broken_at("aaa\u200bbbb", 2) == ["aaa", "bbb"]
    assert broken_at("aaa\u200bbbb", 5) == ["aaabbb"]


def test_wrap_stops_early() -> None:
    lines, _ = wrap(split_words("word " * 80), 4, 3)
    assert len(lines) == 4


@given(ANY_TEXT, st.floats(150, 4000), st.floats(30, 2000), st.floats(100, 4000), st.integers(1, 5))
@settings(deadline=None)
def test_a_title_fits_its_box(
    text: str, width: float, height: float, unit: float, most: int
) -> None:
    title = set_title(excerpt(text), width, height, unit=unit, most=most)
    assert len(title.lines) <= most
    if title.lines:
        assert title.size * (1 + LINE_HEIGHT * (len(title.lines) - 1)) <= height + 1e-6
    for line in title.lines:
        assert text_width(line) * title.size <= width + 1e-6 or len(graphemes(line)) == 1


def test_a_short_title_is_larger_than_a_long_one() -> None:
    short = set_title("Fox", 800, 300, unit=1000, most=5)
    long = set_title(LONG, 800, 300, unit=1000, most=5)
    assert short == (["Fox"], 60)
    assert long.size == 37
    assert len(long.lines) == 5
    assert long.lines[-1].endswith("…")
    assert not long.lines[-1].endswith((" …", ",…"))


def test_the_lines_of_a_title_are_balanced() -> None:
    lines = set_title(CAT, 1000, 400, unit=1000, most=5).lines
    assert lines == ["An orange cat reading", "on a stack of books"]


# --- The provider ---------------------------------------------------------------------------


def generate(count: int = 1, **options: object) -> list[bytes]:
    provider = load_provider("placeholder", ProviderSettings())
    assert (provider.name, provider.host, provider.draft) == ("placeholder", "", True)
    assert provider.unready() == ""
    return list(provider.generate(ImageRequest(CAT, options), count).images)


@pytest.mark.parametrize(
    ("options", "size", "caption"),
    [
        ({"size": "1536x1024"}, ("1536", "1024"), "1536 × 1024"),
        ({"size": "auto"}, ("1024", "1024"), "size: auto"),
        ({}, ("1024", "1024"), "size: auto"),
        ({"size": "2K"}, ("1024", "1024"), "size: 2K"),
        ({"size": "0x10"}, ("1024", "1024"), "size: 0x10"),
    ],
)
def test_the_size_of_the_request(
    options: dict[str, str], size: tuple[str, str], caption: str
) -> None:
    [svg] = generate(**options)
    root = parse(svg)
    assert (root.get("width"), root.get("height")) == size
    assert texts(svg)[-2:] == ["Placeholder", caption]


def test_variants_differ_and_are_numbered() -> None:
    drawings = generate(3)
    assert len({re.sub(rb"\d of 3", b"", svg) for svg in drawings}) == 3
    assert [texts(svg)[-2] for svg in drawings] == [
        "Placeholder 1 of 3",
        "Placeholder 2 of 3",
        "Placeholder 3 of 3",
    ]
    assert generate(3) == drawings


def test_the_look_follows_the_key() -> None:
    assert generate(revision=1) != generate(revision=2)


def test_transparent_background() -> None:
    assert b"<pattern" in generate(background="transparent")[0]
    assert b"<pattern" not in generate(background="opaque")[0]


def test_the_style_is_not_shown() -> None:
    provider = load_provider("placeholder", ProviderSettings())
    request = ImageRequest(f"Flat vector art. {CAT}", subject=CAT)
    [svg] = provider.generate(request, 1).images
    assert " ".join(title_lines(svg)) == CAT


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, mkdocs_genimage.providers.placeholder as p; p.draw(64, 64, 'x');"
        "assert not {'PIL', 'openai', 'mkdocs', 'httpx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
