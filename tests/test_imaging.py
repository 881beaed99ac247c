"""What counts as a whole picture, and how masks are read."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import picture
from PIL import Image

from mkdocs_genimage import imaging
from mkdocs_genimage.formats import EXTENSIONS, MIME_TYPES, sniff
from mkdocs_genimage.imaging import ImageError, ImageInfo, inspect, prepare_mask

PROPERTY = settings(deadline=None, database=None, max_examples=100)
FORMATS = ("png", "jpeg", "webp", "gif")


def noise(form: str, **options: bool) -> bytes:
    """A picture whose pixels do not compress, so that a cut anywhere hits them."""
    pixels = random.Random(1).randbytes(40 * 30 * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (40, 30), pixels).save(out, form.upper(), **options)
    return out.getvalue()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("size", ["1x1", "8x6", "300x2"])
def test_good_pictures(form: str, size: str) -> None:
    width, height = map(int, size.split("x"))
    data = picture("a fox", size, form)
    assert sniff(data) == form
    assert inspect(data) == ImageInfo(form, width, height)


@pytest.mark.parametrize("form", ["png", "webp"])
def test_transparent_pictures(form: str) -> None:
    assert inspect(picture("a fox", "8x6", form, alpha=True)) == ImageInfo(form, 8, 6)


def test_other_kinds_of_pictures() -> None:
    assert inspect(noise("jpeg", progressive=True)).format == "jpeg"
    assert inspect(noise("webp", lossless=True)).format == "webp"
    for mode in ("1", "L", "LA", "P", "I;16", "RGBA"):
        out = io.BytesIO()
        Image.new(mode, (8, 6)).save(out, "PNG")
        assert inspect(out.getvalue()) == ImageInfo("png", 8, 6)


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("png", {}),
        ("gif", {}),
        ("jpeg", {}),
        ("jpeg", {"progressive": True}),
        ("webp", {}),
        ("webp", {"lossless": True}),
    ],
    ids=str,
)
def test_truncated_anywhere(form: str, options: dict[str, bool]) -> None:
    data = noise(form, **options)
    assert inspect(data) == ImageInfo(form, 40, 30)
    cuts = {*range(0, len(data), 37), *range(40), *range(len(data) - 60, len(data))}
    for length in sorted(cuts):
        with pytest.raises(ImageError, match=r"^the (bytes are no|picture is damaged)"):
            inspect(data[:length])


@pytest.mark.parametrize("form", FORMATS)
def test_something_behind_the_end_is_no_damage(form: str) -> None:
    assert inspect(picture("a fox", "8x6", form) + b"\n\0").format == form


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"<!DOCTYPE html><title>502 Bad Gateway</title>",
        b'{"error": "rate limit"}',
        b"version https://git-lfs.github.com/spec/v1\n",
        b"BM" + b"\0" * 100,
        b"RIFF\0\0\0\0WAVE",
    ],
    ids=lambda data: repr(data[:10]),
)
def test_no_picture(data: bytes) -> None:
    with pytest.raises(ImageError) as caught:
        inspect(data)
    assert str(caught.value) == "the bytes are no PNG, JPEG, WebP, GIF or SVG picture"


def test_one_format_named_as_another() -> None:
    jpeg = picture("a fox", "8x6", "jpeg")
    with pytest.raises(ImageError, match=r"^the picture is damaged or incomplete: "):
        inspect(b"\x89PNG\r\n\x1a\n" + jpeg)


def huge(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says to be large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height"), [(50_000, 50_000), (10_000, 8_001), (80_000_001, 1), (12_000, 8_000)]
)
@pytest.mark.parametrize("are_errors", [True, False])
def test_bomb(width: int, height: int, are_errors: bool) -> None:
    """Pillow warns in between its two limits, which a program may turn into an error or not."""
    with warnings.catch_warnings():
        warnings.simplefilter("error" if are_errors else "ignore")
        with pytest.raises(
            ImageError, match=r"pixels, more than the limit|more pixels than the limit"
        ):
            inspect(huge(width, height))


def test_limit_of_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    data = picture("a fox", "8x6")
    monkeypatch.setattr(imaging, "MAX_PIXELS", 48)
    assert inspect(data).width == 8
    monkeypatch.setattr(imaging, "MAX_PIXELS", 47)
    with pytest.raises(ImageError) as caught:
        inspect(data)
    assert str(caught.value) == "the picture has 8x6 pixels, more than the limit of 47"


@PROPERTY
@given(st.sampled_from(FORMATS), st.data())
def test_any_damage_is_an_image_error(form: str, data: st.DataObject) -> None:
    whole = bytearray(picture("a fox", "8x6", form))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(whole) - 1))
        whole[position] = data.draw(st.integers(0, 255))
    try:
        info = inspect(bytes(whole))
    except ImageError:
        return
    assert info.width > 0
    assert info.height > 0


def test_formats() -> None:
    assert set(EXTENSIONS) == set(MIME_TYPES) == {*FORMATS, "svg"}
    assert sniff(picture("a fox", "8x6", "svg")) == "svg"
    assert sniff(b"\n <?xml version='1.0'?>\n<!-- a --><svg/>") == "svg"
    assert sniff(b"<?xml version='1.0'?><html/>") is None


# --- Masks ------------------------------------------------------------------------------------

IMAGE = picture("a fox", "8x6", "jpeg")
COLOURLESS = {"1": (0, 1), "L": (0, 255), "P": (0, 255), "RGB": ((0, 0, 0), (255, 255, 255))}
NOTHING = "marks nothing to be redrawn. Is it meant as 'mask_mode: {}'?"
NO_ALPHA = "the mask has no transparency. Where white marks what is redrawn, set 'mask_mode: white'"


def mask(mode: str, left: object, right: object, form: str = "PNG") -> bytes:
    """A mask of 8x6 pixels with one value on its left half and one on its right half."""
    drawn = Image.new("L" if mode == "P" else mode, (8, 6), left)  # type: ignore[arg-type]
    drawn.paste(right, (4, 0, 8, 6))  # type: ignore[arg-type]
    out = io.BytesIO()
    (drawn.convert("P") if mode == "P" else drawn).save(out, form)
    return out.getvalue()


def opacity(data: bytes) -> tuple[int, int]:
    """The alpha of a pixel on the left and of one on the right."""
    with Image.open(io.BytesIO(data)) as drawn:
        alpha = drawn.convert("RGBA").getchannel("A")
        return alpha.getpixel((1, 1)), alpha.getpixel((6, 1))  # type: ignore[return-value]


@pytest.mark.parametrize("mode", ["auto", "alpha"])
def test_transparent_mask_is_left_as_it_is(mode: str) -> None:
    drawn = mask("RGBA", (9, 9, 9, 255), (9, 9, 9, 0))
    assert prepare_mask(drawn, IMAGE, mode) == (drawn, "")


@pytest.mark.parametrize("mode", ["auto", "white"])
@pytest.mark.parametrize("colours", COLOURLESS)
def test_white_becomes_transparent(colours: str, mode: str) -> None:
    drawn = mask(colours, *COLOURLESS[colours])
    data, warning = prepare_mask(drawn, IMAGE, mode)
    assert (sniff(data), opacity(data), warning) == ("png", (255, 0), "")
    assert inspect(data) == ImageInfo("png", 8, 6)
    with pytest.raises(ImageError, match="mask has no transparency") as caught:
        prepare_mask(drawn, IMAGE, "alpha")
    assert str(caught.value) == NO_ALPHA


def test_white_tells_although_there_is_transparency() -> None:
    drawn = mask("RGBA", (0, 0, 0, 255), (255, 255, 255, 255))
    data, warning = prepare_mask(drawn, IMAGE, "white")
    assert (opacity(data), warning) == ((255, 0), "")


def test_mask_in_colours() -> None:
    drawn = mask("RGB", (0, 200, 0), (255, 0, 0))
    with pytest.raises(ImageError, match="has no transparency and is not black and white"):
        prepare_mask(drawn, IMAGE)
    assert prepare_mask(drawn, IMAGE, "white")[1] == ""
    # Grey with the tint that a lossy format leaves.
    assert opacity(prepare_mask(mask("RGB", (0, 9, 0), (255, 246, 255)), IMAGE)[0])[0] > 240


@pytest.mark.parametrize(
    ("drawn", "mode", "warning"),
    [
        (mask("L", 0, 0), "auto", NOTHING.format("alpha")),
        (mask("LA", (0, 255), (9, 255)), "auto", NOTHING.format("white")),
        (mask("L", 255, 255), "auto", "marks the whole picture to be redrawn"),
        (
            mask("RGBA", (0, 0, 0, 0), (9, 0, 0, 0)),
            "alpha",
            "marks the whole picture to be redrawn",
        ),
    ],
)
def test_mask_that_marks_nothing_or_all(drawn: bytes, mode: str, warning: str) -> None:
    assert prepare_mask(drawn, IMAGE, mode)[1] == f"the mask {warning}"


def test_mask_that_does_not_fit() -> None:
    with pytest.raises(ImageError) as caught:
        prepare_mask(mask("L", 0, 255), picture("a fox", "8x7"))
    assert str(caught.value) == (
        "the mask has 8x6 pixels and its image 8x7: both need the same dimensions"
    )
    for drawn in (b"", mask("L", 0, 255)[:-20], mask("L", 0, 255, "JPEG")):
        with pytest.raises(ImageError):
            prepare_mask(drawn, IMAGE)
    with pytest.raises(ImageError):
        prepare_mask(mask("L", 0, 255), IMAGE[:-20])
