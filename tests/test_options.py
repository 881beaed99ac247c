"""Each option: what it takes in each spelling, and what it says to everything else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mkdocs_genimage.block import parse_block
from mkdocs_genimage.conflicts import conflicts
from mkdocs_genimage.errors import BlockError, OptionError
from mkdocs_genimage.options import GENERATION, OPTIONS, SITE_WIDE, read_options
from mkdocs_genimage.values import did_you_mean, printable, shown

PROPERTY = settings(deadline=None, database=None, max_examples=200)

# (option, as written in a body, normal form). A body gives text, whatever YAML would make of it.
GOOD = [
    ("prompt", "A fox", "A fox"),
    ("prompt", "1e3", "1e3"),
    ("prompt", "yes", "yes"),
    ("prompt", "2024-01-01", "2024-01-01"),
    ("prompt", "1:30", "1:30"),
    ("prompt", "012", "012"),
    ("style", "brand", "brand"),
    ("style", "none", "none"),
    ("size", "1024x1024", "1024x1024"),
    ("size", "1536X1024", "1536x1024"),
    ("size", "1536 x 1024", "1536x1024"),
    ("size", "1536\N{MULTIPLICATION SIGN}1024", "1536x1024"),
    ("size", "0064x0064", "64x64"),
    ("size", "16384x1", "16384x1"),
    ("size", "square", "1024x1024"),
    ("size", "Landscape", "1536x1024"),
    ("size", "PORTRAIT", "1024x1536"),
    ("size", "auto", "auto"),
    *(
        ("quality", word, word.lower())
        for word in ("low", "medium", "HIGH", "xhigh", "max", "auto", "standard", "hd")
    ),
    *(("background", word, word) for word in ("transparent", "opaque", "auto")),
    ("output_format", "png", "png"),
    ("output_format", "JPEG", "jpeg"),
    ("output_format", "jpg", "jpeg"),
    ("output_format", ".jpg", "jpeg"),
    ("output_format", ".webp", "webp"),
    ("output_format", "gif", "gif"),
    ("output_compression", "0", 0),
    ("output_compression", "100", 100),
    *(("complexity", word, word) for word in ("low", "medium", "high")),
    ("frame_count", "2", 2),
    ("frame_count", "16", 16),
    ("frame_duration_ms", "10", 10),
    ("frame_duration_ms", "655350", 655_350),
    ("n", "1", 1),
    ("n", "10", 10),
    ("image", "cat.png", ("cat.png",)),
    ("image", "[a.png, img/b c.webp]", ("a.png", "img/b c.webp")),
    ("mask", "../mask.png", "../mask.png"),
    ("markup", " arrow.png", "arrow.png"),
    ("image", "'#hero'", ("#hero",)),
    *(("mask_mode", word, word) for word in ("auto", "alpha", "white")),
    ("input_fidelity", "high", "high"),
    ("input_fidelity", "low", "low"),
    ("moderation", "auto", "auto"),
    ("moderation", "low", "low"),
    ("model", "gpt-image-2", "gpt-image-2"),
    ("model", "black-forest-labs/FLUX.1:free", "black-forest-labs/FLUX.1:free"),
    ("dark", "The same scene at  night", "The same scene at  night"),
    ("dark", "none", "none"),
    ("dark", "1:30", "1:30"),
    ("link", "my page.md#a part", "my%20page.md#a%20part"),
    ("revision", "0", 0),
    ("revision", "1000000", 1_000_000),
    (
        "extra",
        "{seed: 7, ok: yes, no: null, f: 1.5, a: [1, {b: x}]}",
        {"seed": 7, "ok": True, "no": None, "f": 1.5, "a": [1, {"b": "x"}]},
    ),
    # What JSON has no type for stays as it was written, and so does what YAML 1.1 takes for 969.
    (
        "extra",
        "{ratio: 16:9, day: 2024-01-01, on: true, 1: a}",
        {"ratio": "16:9", "day": "2024-01-01", "on": True, "1": "a"},
    ),
    ("extra", '{text: "7", quoted: "yes"}', {"text": "7", "quoted": "yes"}),
    ("alt", "A  fox\tin snow", "A fox in snow"),
    ("alt", "no", "no"),
    ("decorative", "true", True),
    ("decorative", "Yes", True),
    ("decorative", "on", True),
    ("decorative", "1", True),
    ("decorative", "false", False),
    ("decorative", "No", False),
    ("decorative", "off", False),
    ("decorative", "0", False),
    ("caption", "1:30", "1:30"),
    ("caption", "A *fox*", "A *fox*"),
    ("title", "A  fox", "A fox"),
    ("id", "hero", "hero"),
    ("id", "'#hero'", "hero"),
    ("id", "2024-01-01", "2024-01-01"),
    ("class", "wide", ("wide",)),
    ("class", ".wide tall", ("wide", "tall")),
    ("class", "[wide, .tall]", ("wide", "tall")),
    ("width", "300", "300"),
    ("width", "300px", "300"),
    ("width", "050 %", "50%"),
    ("width", "100%", "100%"),
    ("width", "10000", "10000"),
    ("height", "300", 300),
    ("height", "300px", 300),
    *(("align", word, word) for word in ("left", "center", "right")),
    ("link", "guide/index.md#top", "guide/index.md#top"),
    ("link", "https://example.org/?a=1&b=2", "https://example.org/?a=1&b=2"),
    ("link", "mailto:a@example.org", "mailto:a@example.org"),
    ("link", "HTTP://example.org", "HTTP://example.org"),
    ("link", "original", "original"),
    ("link", "#part", None),  # in YAML a comment
    ("loading", "lazy", "lazy"),
    ("loading", "EAGER", "eager"),
    ("pick", "2", 2),
    ("pick", "All", "all"),
]


def ids(case: tuple[Any, ...]) -> str:
    return f"{case[0]}-{case[1]}"


@pytest.mark.parametrize("case", GOOD, ids=ids)
def test_good_value_in_a_body(case: tuple[str, str, Any]) -> None:
    name, written, value = case
    prompt = "" if name == "prompt" else "prompt: x\n"
    if value is None:
        with pytest.raises(BlockError, match=f"'{name}' cannot be empty"):
            parse_block("genimage", f"{prompt}{name}: {written}")
        return
    read = parse_block("genimage", f"{prompt}{name}: {written}").options[name]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "case",
    [case for case in GOOD if case[0] != "extra" and not str(case[1]).startswith(("[", "'", "#"))],
    ids=ids,
)
def test_good_value_in_a_header(case: tuple[str, str, Any]) -> None:
    name, written, value = case
    body = "" if name == "prompt" else "A fox"
    for header in (f'genimage {name}="{written}"', f"{{ .genimage {name}='{written}' }}"):
        assert parse_block(header, body).options[name] == value
    if not set(written) & set(" \t"):
        assert parse_block(f"genimage {name}={written}", body).options[name] == value


@pytest.mark.parametrize(
    ("name", "written", "message"),
    [
        (
            "size",
            "landscpe",
            (
                "'size' cannot be 'landscpe'. Did you mean 'landscape'? Allowed: WIDTHxHEIGHT such as "
                "1536x1024, square, landscape, portrait, or auto."
            ),
        ),
        (
            "quality",
            "hgih",
            (
                "'quality' cannot be 'hgih'. Did you mean 'high'? Allowed: low, medium, high, xhigh, max, "
                "auto, standard, hd."
            ),
        ),
        (
            "background",
            "clear",
            "'background' cannot be 'clear'. Allowed: transparent, opaque, auto.",
        ),
        (
            "output_format",
            "bmp",
            "'output_format' cannot be 'bmp'. Allowed: png, jpeg, webp, gif, svg.",
        ),
        (
            "output_format",
            "jpge",
            "'output_format' cannot be 'jpge'. Did you mean 'jpeg'? Allowed: png, jpeg, webp, gif, svg.",
        ),
        (
            "output_compression",
            "101",
            "'output_compression' cannot be '101'. Allowed: a whole number from 0 to 100.",
        ),
        ("n", "0", "'n' cannot be '0'. Allowed: a whole number from 1 to 10."),
        ("n", "2.5", "'n' cannot be '2.5'. Allowed: a whole number from 1 to 10."),
        ("input_fidelity", "medium", "'input_fidelity' cannot be 'medium'. Allowed: high, low."),
        ("moderation", "off", "'moderation' cannot be 'off'. Allowed: auto, low."),
        (
            "model",
            "gpt image",
            "'model' cannot be 'gpt image'. Allowed: the name of a model, without blanks.",
        ),
        (
            "revision",
            "-1",
            "'revision' cannot be '-1'. Allowed: a whole number from 0 to 1,000,000.",
        ),
        (
            "extra",
            "seed",
            (
                "'extra' cannot be 'seed'. Allowed: a mapping of plain values, none of them with an "
                "option of its own."
            ),
        ),
        (
            "dark",
            "[a]",
            "'dark' cannot be '['a']'. Allowed: text, at most 32,000 characters, or none.",
        ),
        ("decorative", "maybe", "'decorative' cannot be 'maybe'. Allowed: true or false."),
        ("alt", "''", "'alt' cannot be empty. Allowed: text; for none at all: `decorative: true`."),
        ("alt", "", "'alt' cannot be empty. Allowed: text; for none at all: `decorative: true`."),
        ("caption", "~", "'caption' cannot be empty. Allowed: text."),
        ("title", "[a, b]", "'title' cannot be '['a', 'b']'. Allowed: text."),
        (
            "id",
            "a b",
            "'id' cannot be 'a b'. Allowed: a name without blanks, quotes or any of < > & #.",
        ),
        (
            "class",
            "a<b",
            "'class' cannot be 'a<b'. Allowed: names without blanks, quotes or any of < > &.",
        ),
        (
            "width",
            "101%",
            "'width' cannot be '101%'. Allowed: pixels from 1 to 10,000, 1% to 100%, or auto.",
        ),
        ("height", "50%", "'height' cannot be '50%'. Allowed: pixels from 1 to 10,000."),
        (
            "align",
            "centre",
            "'align' cannot be 'centre'. Did you mean 'center'? Allowed: left, center, right, none.",
        ),
        (
            "link",
            "javascript:alert(1)",
            (
                "'link' cannot be 'javascript:alert(1)'. Allowed: a page of the docs, a URL with http, "
                "https or mailto, original, or none."
            ),
        ),
        (
            "loading",
            "laxy",
            "'loading' cannot be 'laxy'. Did you mean 'lazy'? Allowed: lazy, eager.",
        ),
        (
            "pick",
            "11",
            "'pick' cannot be '11'. Allowed: a whole number from 1 to 10 (at most n), or all.",
        ),
        ("mask", "[a]", "'mask' cannot be '['a']'. Allowed: the path of a png file."),
        ("markup", "[a]", "'markup' cannot be '['a']'. Allowed: the path of a png file."),
        (
            "image",
            "[]",
            (
                "'image' cannot be '[]'. Allowed: one path or a list of 1 to 16 paths of png, jpeg or webp "
                "files, or '#id' in quotes."
            ),
        ),
        (
            "style",
            "[a]",
            "'style' cannot be '['a']'. Allowed: the name of a style in mkdocs.yml, or none.",
        ),
    ],
)
def test_bad_value(name: str, written: str, message: str) -> None:
    with pytest.raises(BlockError) as caught:
        parse_block("genimage", f"prompt: x\n{name}: {written}")
    assert [(problem.line, problem.message) for problem in caught.value.problems] == [(2, message)]


def test_every_option_has_good_and_bad_values_here() -> None:
    assert {case[0] for case in GOOD} == set(OPTIONS)


REFUSED: dict[str, list[Any]] = {
    "size": ["1024", "0x64", "64x0", "16385x64", "64x64x64", "-64x64", 1024, True],
    "n": [True, 2.0, None, [1]],
    "output_compression": ["90%"],
    "frame_count": [1, 17],
    "frame_duration_ms": [9, 655_351],
    "image": [["a.png"] * 17, [["a.png"]], "", "a\nb.png"],
    "mask": [7],
    "model": ["x" * 201],
    "extra": [{}, {"size": "1x1"}, {1: "a"}, {"a": {1: "b"}}, {"a": object()}, []],
    "prompt": ["x" * 32_001, True, {"a": 1}],
    "dark": ["x" * 32_001, True, {"a": 1}, "", "true", "Yes", "on", 0, 3],
    "alt": [False, "\x00\x02"],
    "id": ["#", "a'b"],
    "class": [[], ["a b"]],
    "width": ["0", "0%", "-5", "10001", 50.5],
    "height": ["tall"],
    "link": ["data:text/html,x", "java\tscript:x", "a\u00a0b", 'x"y'],
    "pick": ["none", True, 0],
    "decorative": [None, [], 2],
}
REFUSED["extra"] += [{"a": float("nan")}, {"a": [float("-inf")]}]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values]
)
def test_refused(name: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"^'{name}' cannot be .*Allowed: "):
        OPTIONS[name].read(value)


def test_longest_prompt() -> None:
    assert len(OPTIONS["prompt"].read("x" * 32_000)) == 32_000
    with pytest.raises(OptionError) as caught:
        OPTIONS["prompt"].read("fox " * 8_001)
    assert str(caught.value) == (
        f"'prompt' cannot be '{('fox ' * 15)[:57]}...'. Allowed: text, at most 32,000 characters."
    )


def test_values_as_mkdocs_yml_gives_them() -> None:
    """There YAML has chosen types already."""
    values = yaml.safe_load(
        "{size: square, n: 2, output_format: jpg, output_compression: 80, style: brand, extra: {a: 1}}"
    )
    assert read_options(values, SITE_WIDE) == (
        {
            "size": "1024x1024",
            "n": 2,
            "output_format": "jpeg",
            "output_compression": 80,
            "style": "brand",
            "extra": {"a": 1},
        },
        [],
    )


@pytest.mark.parametrize("word", ["None", "NONE", "no", "No", "off", "false", "False", "~"])
def test_words_for_no_picture_in_dark_mode(word: str) -> None:
    assert parse_block("genimage", f"prompt: x\ndark: {word}").options["dark"] == "none"
    if word != "~":  # which is YAML's
        assert parse_block(f"genimage dark={word}", "x").options["dark"] == "none"
    for value in (False, None, word.replace("~", "none")):
        assert OPTIONS["dark"].read(value) == "none"


def test_everything_wrong_in_a_mapping_is_told() -> None:
    read, wrong = read_options({"sise": 1, "n": 99, "quality": "low", "prompt": "x"}, SITE_WIDE)
    assert read == {"quality": "low"}
    assert [name for name, _ in wrong] == ["sise", "n", "prompt"]
    assert wrong[0][1].startswith(
        "there is no option 'sise'. Did you mean 'size'? Allowed: style, "
    )


@pytest.mark.parametrize("value", ["size", 7, ["size"], True])
def test_no_mapping(value: Any) -> None:
    assert read_options(value, SITE_WIDE) == (
        {},
        [("", f"must be a mapping of options, not {shown(value)}.")],
    )


def test_nothing_is_an_empty_mapping() -> None:
    assert read_options(None, SITE_WIDE) == ({}, [])


def test_tables() -> None:
    look = {"class", "width", "align", "link", "loading"}
    assert set(SITE_WIDE) == set(GENERATION) - {"prompt", "revision", "model"} | look
    assert set(OPTIONS) - set(GENERATION) == {
        *("alt", "decorative", "caption", "title", "id", "class"),
        *("width", "height", "align", "link", "loading", "pick"),
    }


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"background": "transparent", "output_format": "jpeg"}, ["background"]),
        ({"background": "transparent", "output_format": "gif"}, ["background"]),
        ({"background": "transparent", "output_format": "webp"}, []),
        ({"background": "transparent"}, []),
        ({"output_compression": 5}, ["output_compression"]),
        ({"output_compression": 5, "output_format": "png"}, ["output_compression"]),
        ({"output_compression": 5, "output_format": "webp"}, []),
        ({"frame_count": 4, "output_format": "gif"}, []),
        ({"frame_count": 4, "frame_duration_ms": 9}, ["frame_count", "frame_duration_ms"]),
        ({"frame_count": 4, "output_format": "webp"}, ["frame_count"]),
        ({"mask": "m.png"}, ["mask"]),
        ({"markup": "m.png"}, ["markup"]),
        ({"markup": "m.png", "image": ("a.png",)}, []),
        ({"markup": "m.png", "mask": "m.png", "image": ("a.png",)}, ["markup"]),
        ({"mask": "m.png", "image": ("a.png",)}, []),
        ({"mask_mode": "white"}, ["mask_mode"]),
        ({"input_fidelity": "high"}, ["input_fidelity"]),
        ({"height": 90, "width": "50%"}, ["height"]),
        ({"height": 90, "width": "50"}, []),
        ({"pick": 2}, ["pick"]),
        ({"pick": 3, "n": 2}, ["pick"]),
        ({"pick": 2, "n": 2}, []),
        ({"pick": "all"}, []),
        ({"dark": "night", "output_format": "gif"}, ["dark"]),
        ({"dark": "night", "output_format": "svg"}, ["dark"]),
        ({"dark": "night", "output_format": "webp"}, []),
        ({"dark": "none", "output_format": "gif"}, []),
        ({"dark": "night"}, []),
        ({"decorative": True, "alt": "x"}, ["decorative"]),
        ({"decorative": False, "alt": "x"}, []),
        ({"decorative": True, "alt": "x", "mask": "m", "pick": 2}, ["mask", "pick", "decorative"]),
    ],
)
def test_conflicts(options: dict[str, Any], found: list[str]) -> None:
    assert [name for name, _ in conflicts(options)] == found
    assert all(f"'{name}" in message for name, message in conflicts(options))


def test_helpers_of_messages() -> None:
    assert did_you_mean("Qualty", OPTIONS) == " Did you mean 'quality'?"
    assert did_you_mean("walrus", OPTIONS) == ""
    assert shown(None) == shown("") == "empty"
    assert shown("a\n  b") == "'a b'"
    assert shown("x" * 61) == f"'{'x' * 57}...'"
    assert shown("x" * 60) == f"'{'x' * 60}'"
    assert printable("a\x00\x02b\tc\nd\x7f\ufeff\u200d") == "ab\tc\nd\u200d"


YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=5,
)


@PROPERTY
@given(st.sampled_from(list(OPTIONS.values())), YAML_VALUES)
def test_any_value_is_read_or_refused(option: Any, value: Any) -> None:
    try:
        read = option.read(value)
    except OptionError:
        return
    # What is in its normal form is left alone.
    assert option.read(read) == read
