"""Which smaller files a page offers, and how wide a picture is shown."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkdocs_genimage.config import GenimageConfig
from mkdocs_genimage.derived import ENDINGS
from mkdocs_genimage.formats import EXTENSIONS
from mkdocs_genimage.light import CONTENT_WIDTHS, FORMATS, Light, social_name

PROPERTY = settings(deadline=None, database=None, max_examples=300)

STEM = "fox-0123456789ab"


def offered(light: Light, name: str, width: int) -> dict[str, list[str]]:
    """MIME type to `name width` of its candidates."""
    return {
        source.mime_type: [f"{one.name} {one.width}" for one in source.candidates]
        for source in light.source_sets(name, width)
    }


# --- Candidates ---


@pytest.mark.parametrize(
    ("widths", "formats", "name", "expected"),
    [
        # Off.
        ((), (), "fox.png", {}),
        # The picture itself is the largest; what is not smaller than it is left out.
        ((480, 960, 1440), (), "fox.png", {"image/png": ["fox-480w.png 480", "fox.png 960"]}),
        ((480,), (), "fox.jpg", {"image/jpeg": ["fox-480w.jpg 480", "fox.jpg 960"]}),
        ((480,), (), "fox.webp", {"image/webp": ["fox-480w.webp 480", "fox.webp 960"]}),
        ((960, 961), (), "fox.png", {}),
        # Another format has a file in the picture's own dimensions.
        (
            (480, 2000),
            ("webp",),
            "fox.png",
            {"image/webp": ["fox-480w.webp 480", "fox-960w.webp 960"]},
        ),
        ((), ("webp",), "fox.png", {"image/webp": ["fox-960w.webp 960"]}),
        ((2000,), ("webp",), "fox.png", {"image/webp": ["fox-960w.webp 960"]}),
        # A picture that comes in the only format that is wanted needs no copy of itself.
        ((480,), ("webp",), "fox.webp", {"image/webp": ["fox-480w.webp 480", "fox.webp 960"]}),
        ((), ("webp",), "fox.webp", {}),
        # Beside a better format it still has to be offered.
        (
            (),
            ("avif", "webp"),
            "fox.webp",
            {"image/avif": ["fox-960w.avif 960"], "image/webp": ["fox.webp 960"]},
        ),
        (
            (480,),
            ("avif", "webp"),
            "fox.png",
            {
                "image/avif": ["fox-480w.avif 480", "fox-960w.avif 960"],
                "image/webp": ["fox-480w.webp 480", "fox-960w.webp 960"],
            },
        ),
        # An animation and a drawing stay alone; of another file nothing is known.
        ((480,), ("webp",), "fox.gif", {}),
        ((480,), ("avif", "webp"), "fox.svg", {}),
        ((480,), ("webp",), "fox.bmp", {}),
        ((480,), ("webp",), "fox", {}),
    ],
)
def test_candidates(
    widths: tuple[int, ...],
    formats: tuple[str, ...],
    name: str,
    expected: dict[str, list[str]],
) -> None:
    found = offered(Light(widths, formats), name, 960)
    assert found == expected
    assert list(found) == list(expected), "the best format comes first"


WIDTHS = st.lists(st.integers(16, 10_000), unique=True, max_size=5).map(
    lambda widths: tuple(sorted(widths))
)
SOME_FORMATS = st.lists(st.sampled_from(sorted(FORMATS)), unique=True).map(tuple)


@PROPERTY
@given(WIDTHS, SOME_FORMATS, st.sampled_from(sorted(EXTENSIONS)), st.integers(1, 10_000))
def test_candidates_of_anything(
    widths: tuple[int, ...], formats: tuple[str, ...], form: str, width: int
) -> None:
    name = f"{STEM}{EXTENSIONS[form]}"
    sets = Light(widths, formats).source_sets(name, width)
    if form in ("gif", "svg"):
        assert sets == ()
    assert [source.mime_type for source in sets] == [
        f"image/{one}" for one in (formats or (form,)) if sets
    ][: len(sets)]
    names = [one.name for source in sets for one in source.candidates]
    assert len(names) == len(set(names))
    for source in sets:
        smaller = [one.width for one in source.candidates[:-1]]
        assert smaller == [one for one in widths if one < width]
        # Browsers take the last one where there is room: nothing is lost against the picture itself.
        assert source.candidates[-1].width == width
        for one in source.candidates:
            # Only the picture itself is not made. Its name stays, so that its bytes do.
            assert (one.form == "") == (one.name == name)
            if one.form:
                assert one.name == f"{STEM}-{one.width}w{ENDINGS[one.form]}"
                assert source.mime_type == f"image/{one.form}"
    # Whoever offers anything offers something that is not the picture itself.
    assert not sets or any(one.form for source in sets for one in source.candidates)


@pytest.mark.parametrize(
    ("name", "social"),
    [
        ("fox-0123456789ab.png", "fox-0123456789ab-social.jpg"),
        ("fox-0123456789ab-2.jpg", "fox-0123456789ab-2-social.jpg"),
        ("fox.webp", "fox-social.jpg"),
    ],
)
def test_social_name(name: str, social: str) -> None:
    assert social_name(name) == social


# --- How wide it is shown ---

ROOM = 700


@pytest.mark.parametrize(
    ("options", "width", "columns", "expected"),
    [
        # As wide as it is, but no wider than the text.
        ({}, 1536, 1, "(max-width: 700px) 100vw, 700px"),
        ({}, 300, 1, "(max-width: 300px) 100vw, 300px"),
        ({"align": "center"}, 300, 1, "(max-width: 300px) 100vw, 300px"),
        # A share of the text.
        ({"width": "50%"}, 1536, 1, "(max-width: 700px) 50vw, 350px"),
        ({"width": "1%"}, 1536, 1, "(max-width: 700px) 1vw, 7px"),
        ({"width": "100%"}, 64, 1, "(max-width: 700px) 100vw, 700px"),
        ({"width": "50%", "align": "left"}, 1536, 1, "(max-width: 700px) 50vw, 350px"),
        # Beside text: at most half of it, and alone on a phone.
        ({"align": "left"}, 1536, 1, "(max-width: 36em) 100vw, 350px"),
        ({"align": "right"}, 200, 1, "(max-width: 36em) 100vw, 200px"),
        # Side by side, as the stylesheet has them: on phones two, but for three.
        ({}, 1536, 2, "(max-width: 700px) 50vw, 342px"),
        ({}, 1536, 3, "(max-width: 31em) 100vw, (max-width: 60em) 50vw, 223px"),
        ({}, 1536, 4, "(max-width: 700px) 50vw, 342px"),
        ({}, 1536, 5, "(max-width: 462px) 50vw, 223px"),
        ({}, 100, 5, "(max-width: 216px) 50vw, 100px"),
        ({"align": "left"}, 1536, 2, "(max-width: 36em) 50vw, 167px"),
        ({"align": "left"}, 1536, 3, "(max-width: 36em) 100vw, 106px"),
        ({"width": "50%"}, 1536, 3, "(max-width: 700px) 50vw, 106px"),
        ({"width": "10%"}, 1536, 3, "(max-width: 700px) 10vw, 70px"),
    ],
)
def test_sizes(options: dict[str, Any], width: int, columns: int, expected: str) -> None:
    light = Light(widths=(480,), content_width=ROOM)
    assert light.sizes_of(options, width, columns) == f"auto, {expected}"
    assert light.sizes_of({**options, "loading": "lazy"}, width, columns) == f"auto, {expected}"
    # Whoever fetches at once cannot wait for the page to be laid out.
    assert light.sizes_of({**options, "loading": "eager"}, width, columns) == expected


def test_sizes_of_the_site() -> None:
    light = Light(widths=(480,), sizes="33vw", content_width=ROOM)
    assert light.sizes_of({"width": "50%"}, 100, 3) == "auto, 33vw"
    assert light.sizes_of({"loading": "eager"}, 100, 3) == "33vw"


def test_theme_of_unknown_width() -> None:
    light = Light(widths=(480,))
    assert light.sizes_of({}, 1536, 1) == "auto, (max-width: 1536px) 100vw, 1536px"


@pytest.mark.parametrize(
    ("options", "columns"), [({"width": "50%"}, 1), ({"align": "left"}, 1), ({}, 2), ({}, 3)]
)
def test_nothing_is_said_to_be_narrower_than_it_may_be(
    options: dict[str, Any], columns: int
) -> None:
    """Whoever believes it would fetch a file that is too small. In a wide text a picture is not."""
    text = Light(widths=(480,)).sizes_of({**options, "loading": "eager"}, 1000, columns)
    shown = text.rpartition(" ")[2]
    assert shown in ("1000px", "50vw")


SIZES = re.compile(
    r"(?:auto, )?\(max-width: (\d+)(px|em)\) (\d+)vw, (?:\(max-width: 60em\) 50vw, )?(\d+)px"
)


@PROPERTY
@given(
    room=st.sampled_from([0, *CONTENT_WIDTHS.values()]),
    width=st.integers(1, 4000),
    columns=st.integers(1, 10),
    options=st.fixed_dictionaries(
        {},
        optional={
            "width": st.integers(1, 100).map(lambda share: f"{share}%"),
            "align": st.sampled_from(["left", "center", "right"]),
            "loading": st.sampled_from(["lazy", "eager"]),
        },
    ),
)
def test_sizes_of_anything(room: int, width: int, columns: int, options: dict[str, Any]) -> None:
    text = Light(widths=(480,), content_width=room).sizes_of(options, width, columns)
    assert text.startswith("auto, ") == (options.get("loading") != "eager")
    if not room and "width" in options:  # nobody knows of how much
        assert text.removeprefix("auto, ") == options["width"].replace("%", "vw")
        return
    match = SIZES.fullmatch(text)
    assert match, text
    share, shown = int(match[3]), int(match[4])
    assert 1 <= share <= 100
    # No wider than the text, and without a share of it no wider than the picture.
    assert shown <= max(room or width, 1)
    if "width" not in options:
        assert shown <= width
        assert share == (50 if room and columns not in (1, 3) else 100)
        if columns > 1 and room:
            assert shown <= room // 2


# Measured in Chromium at 1440 pixels, of 2, 3, 4 and 5 pictures.
@pytest.mark.parametrize(
    ("room", "measured"),
    [(688, (336, 219, 336, 219)), (697, (341, 222, 341, 222)), (966, (475, 312, 230, 312))],
    ids=["material", "readthedocs", "mkdocs"],
)
def test_columns_are_those_of_the_stylesheet(room: int, measured: tuple[int, ...]) -> None:
    light = Light(widths=(480,), content_width=room)
    found = [SIZES.fullmatch(light.sizes_of({}, 1536, count)) for count in (2, 3, 4, 5)]
    assert tuple(int(match[4]) for match in found if match) == measured


@pytest.mark.parametrize(
    "sizes",
    [
        "",
        "100vw",
        "33.3vw",
        "(max-width: 600px) 100vw, 600px",
        "(min-width: 40em) and (max-width: 60em) 50vw, (min-width: 60em) calc(60em / 2), 100vw",
        "not (orientation: portrait) min(50vw, 30rem), 100svw",
        "clamp(10rem, 50vw, 40rem)",
        "(min-width: max(20em, 300px)) 50vw, 100vw",
        "(max-width: 600px)100vw, 0",
        "screen and (min-width: 1px) calc((100vw - 2rem) / 3), 1e3px",
    ],
)
def test_sizes_that_html_takes(sizes: str) -> None:
    config = GenimageConfig()
    config.load_dict({"sizes": sizes})
    assert config.validate() == ([], [])
    assert config.sizes == sizes


def test_sizes_that_begin_with_auto() -> None:
    """It is put there anyhow, where it holds."""
    for text in ("auto", "auto, 50vw"):
        config = GenimageConfig()
        config.load_dict({"sizes": text})
        assert config.validate() == ([], [])
        assert config.sizes == text.removeprefix("auto").removeprefix(", ")


def test_sizes_that_are_long_and_wrong() -> None:
    one = "(max-width: 600px) calc(100vw - 2rem), "
    for text in (one * 20 + "600", one * 2000, "(" * 900, "a-" * 490 + "\u00e9"):
        config = GenimageConfig()
        config.load_dict({"sizes": text})
        begin = time.process_time()
        ((name, _),) = config.validate()[0]
        assert name == "sizes"
        assert time.process_time() - begin < 5
