"""Masks, pixel by pixel: as they are drawn, and as they arrive at the server."""

from __future__ import annotations

import io
import re
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import picture
from PIL import Image, ImageDraw
from sites import fence

from mkdocs_genimage import compose
from mkdocs_genimage.imaging import ImageError, inspect, prepare_mask

if TYPE_CHECKING:
    from api_server import ImagesServer
    from sites import Site

WIDTH, HEIGHT = 40, 30
IMAGE = picture("a fox", f"{WIDTH}x{HEIGHT}")
CIRCLE = (10, 5, 30, 25)
INSIDE, OUTSIDE = (20, 15), (2, 2)


def saved(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def disc(mode: str = "L", ink: Any = 255, paper: Any = 0) -> Image.Image:
    """A circle of one colour on another."""
    image = Image.new(mode, (WIDTH, HEIGHT), paper)
    ImageDraw.Draw(image).ellipse(CIRCLE, fill=ink)
    return image


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


def alpha(data: bytes) -> Image.Image:
    """How opaque each pixel is."""
    return opened(data).convert("RGBA").getchannel("A")


def pixels(image: Image.Image) -> list[Any]:
    return [image.getpixel((x, y)) for y in range(image.height) for x in range(image.width)]


def palette(**options: Any) -> bytes:
    """A disc in two colours of a palette: 0 is black, 1 is white."""
    image = Image.new("P", (WIDTH, HEIGHT), 0)
    image.putpalette([0, 0, 0, 255, 255, 255])
    ImageDraw.Draw(image).ellipse(CIRCLE, fill=1)
    return saved(image, **options)


# --- White on black -----------------------------------------------------------------------------

WHITE_ON_BLACK = {
    "1": saved(disc("1", 1)),
    "L": saved(disc("L")),
    "P": palette(),
    "RGB": saved(disc("RGB", (255, 255, 255))),
}


@pytest.mark.parametrize("mode", ["auto", "white"])
@pytest.mark.parametrize("kind", WHITE_ON_BLACK)
def test_white_circle_becomes_a_hole(kind: str, mode: str) -> None:
    data, warning = prepare_mask(WHITE_ON_BLACK[kind], IMAGE, mode)
    drawn = pixels(disc("L"))
    assert pixels(alpha(data)) == [255 - level for level in drawn]
    assert drawn.count(255) > 250
    assert (opened(data).mode, opened(data).size) == ("RGBA", (WIDTH, HEIGHT))
    assert inspect(data).format == "png"
    assert warning == ""
    # For servers that look at the colours, they are what was drawn.
    assert pixels(opened(data).convert("RGB").convert("L")) == drawn


def test_grey_stays_soft() -> None:
    ramp = Image.new("L", (256, 2))
    for x in range(256):
        ramp.paste(x, (x, 0, x + 1, 2))
    data, _ = prepare_mask(saved(ramp), picture("x", "256x2"))
    assert pixels(alpha(data))[:256] == [255 - x for x in range(256)]


@pytest.mark.parametrize("mode", ["auto", "white"])
def test_sixteen_bits_of_grey(mode: str) -> None:
    """Drawing programs save such; near black is near black in them too."""
    levels = (0, 300, 0x4000, 0x8000, 0xC000, 0xFFFF)
    deep = Image.new("I;16", (len(levels), 1))
    for x, level in enumerate(levels):
        deep.putpixel((x, 0), level)
    data, _ = prepare_mask(saved(deep), picture("x", f"{len(levels)}x1"), mode)
    assert pixels(alpha(data)) == [255, 254, 191, 127, 63, 0]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_drawing_in_grey(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    levels = data.draw(st.binary(min_size=width * height, max_size=width * height))
    drawn = Image.frombytes("L", (width, height), levels)
    kind = data.draw(st.sampled_from(["L", "RGB"]))
    made, _ = prepare_mask(saved(drawn.convert(kind)), picture("x", f"{width}x{height}"))
    assert pixels(alpha(made)) == [255 - level for level in levels]


def test_same_drawing_same_bytes() -> None:
    assert prepare_mask(WHITE_ON_BLACK["L"], IMAGE) == prepare_mask(WHITE_ON_BLACK["L"], IMAGE)


# --- Transparency -------------------------------------------------------------------------------

HOLE = disc("L", 0, 255)
"""Opaque, with a transparent circle."""


def with_alpha(mode: str, colour: Any, opacity: Image.Image) -> Image.Image:
    image = Image.new(mode, (WIDTH, HEIGHT), colour)
    image.putalpha(opacity)
    return image


TRANSPARENT = {
    "RGBA": saved(with_alpha("RGBA", (90, 20, 30, 255), HOLE)),
    "LA": saved(with_alpha("LA", (90, 255), HOLE)),
    "P": palette(transparency=1),
    "RGB": saved(disc("RGB", (1, 2, 3), (9, 9, 9)), transparency=(1, 2, 3)),
    "L": saved(disc("L", 7, 9), transparency=7),
    "1": saved(disc("1", 1), transparency=1),
}


@pytest.mark.parametrize("mode", ["auto", "alpha"])
@pytest.mark.parametrize("kind", TRANSPARENT)
def test_transparent_masks_go_byte_for_byte(kind: str, mode: str) -> None:
    drawn = TRANSPARENT[kind]
    assert prepare_mask(drawn, IMAGE, mode) == (drawn, "")
    if kind != "1":  # Pillow before 13 does not convert these as they are meant
        assert alpha(drawn).getpixel(INSIDE) == 0
        assert alpha(drawn).getpixel(OUTSIDE) == 255


@pytest.mark.parametrize("kind", WHITE_ON_BLACK)
def test_alpha_is_asked_for_and_there_is_none(kind: str) -> None:
    with pytest.raises(ImageError) as caught:
        prepare_mask(WHITE_ON_BLACK[kind], IMAGE, "alpha")
    assert "has no transparency" in str(caught.value)
    assert "'mask_mode: white'" in str(caught.value)


@pytest.mark.parametrize("form", ["RGBA", "LA"])
def test_opaque_with_a_channel_for_transparency(form: str) -> None:
    """A black-and-white drawing as many programs save it: only `white` reads it."""
    drawn = saved(disc("L").convert(form))
    for mode in ("auto", "alpha"):
        data, warning = prepare_mask(drawn, IMAGE, mode)
        assert data == drawn
        assert warning == (
            "the mask marks nothing to be redrawn. Is it meant as 'mask_mode: white'?"
        )
    data, warning = prepare_mask(drawn, IMAGE, "white")
    assert warning == ""
    assert pixels(alpha(data)) == [255 - level for level in pixels(disc("L"))]


@pytest.mark.parametrize("hidden", [0, 255])
def test_white_painted_on_a_clear_layer(hidden: int) -> None:
    """What is transparent is not white, whatever colour it hides."""
    drawn = Image.new("RGBA", (WIDTH, HEIGHT), (hidden, hidden, hidden, 0))
    ImageDraw.Draw(drawn).ellipse(CIRCLE, fill=(255, 255, 255, 255))
    data, warning = prepare_mask(saved(drawn), IMAGE, "white")
    assert pixels(alpha(data)) == [255 - level for level in pixels(disc("L"))]
    assert warning == ""


def test_white_in_a_palette_with_transparency() -> None:
    data, _ = prepare_mask(palette(transparency=0), IMAGE, "white")
    assert (alpha(data).getpixel(INSIDE), alpha(data).getpixel(OUTSIDE)) == (0, 255)


@pytest.mark.parametrize("mode", ["auto", "alpha", "white"])
@pytest.mark.parametrize("kind", WHITE_ON_BLACK)
def test_what_comes_out_is_read_the_same_again(kind: str, mode: str) -> None:
    if mode == "alpha":
        data = TRANSPARENT[kind]
    else:
        data, _ = prepare_mask(WHITE_ON_BLACK[kind], IMAGE, mode)
    assert prepare_mask(data, IMAGE, "auto") == (data, "")
    assert prepare_mask(data, IMAGE, "alpha") == (data, "")


# --- What cannot be used ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "alpha", "white"])
@pytest.mark.parametrize("size", [(WIDTH + 1, HEIGHT), (HEIGHT, WIDTH), (WIDTH * 2, HEIGHT * 2)])
def test_other_dimensions(size: tuple[int, int], mode: str) -> None:
    drawn = saved(Image.new("LA", size, (0, 0)))
    with pytest.raises(ImageError) as caught:
        prepare_mask(drawn, IMAGE, mode)
    assert f"{size[0]}x{size[1]}" in str(caught.value)
    assert f"{WIDTH}x{HEIGHT}" in str(caught.value)


@pytest.mark.parametrize("colour", [(255, 0, 0), (200, 230, 255), (0, 0, 30)])
def test_coloured_mask(colour: tuple[int, int, int]) -> None:
    drawn = saved(disc("RGB", colour))
    with pytest.raises(ImageError, match="is not black and white"):
        prepare_mask(drawn, IMAGE)
    data, _ = prepare_mask(drawn, IMAGE, "white")
    assert alpha(data).getpixel(OUTSIDE) == 255
    level = Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0))
    assert alpha(data).getpixel(INSIDE) == 255 - level  # type: ignore[operator]


@pytest.mark.parametrize("damage", ["torn", "empty", "jpeg", "text", "no pixels"])
def test_no_png(damage: str) -> None:
    whole = WHITE_ON_BLACK["L"]
    broken = {
        "torn": whole[: len(whole) // 2],
        "empty": b"",
        "jpeg": saved(disc("L"), "JPEG"),
        "text": b"\x89PNG? no",
        "no pixels": whole[:33],
    }
    with pytest.raises(ImageError):
        prepare_mask(broken[damage], IMAGE)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_bomb_is_not_decoded() -> None:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(ImageError, match="pixels"):
        prepare_mask(bomb, IMAGE)


# --- In a build ---------------------------------------------------------------------------------


@pytest.fixture
def edited(site: Site) -> Site:
    """A site with a picture to edit."""
    site.use_bare_theme()
    site.write({"docs/base.png": IMAGE})
    return site


def write(site: Site, mask: bytes, more: str = "") -> int:
    """A page with one edit. Returns the line of its block."""
    site.write({"docs/mask.png": mask})
    body = f"prompt: A hat\nimage: base.png\nmask: mask.png\nalt: x\n{more}".rstrip()
    site.write({"docs/index.md": f"# T\n\nText\n\n{fence(body)}"})
    return 5


@pytest.mark.parametrize(
    ("mask", "more"),
    [
        (WHITE_ON_BLACK["L"], ""),
        (WHITE_ON_BLACK["1"], "mask_mode: white"),
        (WHITE_ON_BLACK["P"], "mask_mode: auto"),
        (TRANSPARENT["RGBA"], ""),
        (TRANSPARENT["P"], "mask_mode: alpha"),
    ],
)
def test_what_the_server_gets(edited: Site, api: ImagesServer, mask: bytes, more: str) -> None:
    write(edited, mask, more)
    edited.build()
    (call,) = api.posts
    assert call.path == "/v1/images/edits"
    image, part = call.files
    assert (image.name, image.mime, image.data) == ("image[]", "image/png", IMAGE)
    assert (part.name, part.filename, part.mime) == ("mask", "mask.png", "image/png")
    assert pixels(alpha(part.data)) == [255 - level for level in pixels(disc("L"))]
    assert (part.data == mask) == (mask in TRANSPARENT.values())
    assert set(call.fields) == {"prompt", "model"}, "how a mask is read is nothing for the server"
    edited.build()
    assert len(api.posts) == 1


@pytest.mark.parametrize(
    ("mask", "more", "told"),
    [
        (
            disc("L", 0),
            "",
            "the mask marks nothing to be redrawn. Is it meant as 'mask_mode: alpha'?",
        ),
        (disc("L", 255, 255), "", "the mask marks the whole picture to be redrawn"),
        (disc("L").convert("RGBA"), "", "the mask marks nothing to be redrawn. Is it meant as"),
        (with_alpha("RGBA", 0, disc("L", 0, 0)), "", "the mask marks the whole picture"),
        (disc("L", 0), "mask_mode: white", "the mask marks nothing to be redrawn"),
    ],
)
def test_mask_of_nothing_or_all_is_told_at_its_block(
    edited: Site, api: ImagesServer, mask: Image.Image, more: str, told: str
) -> None:
    line = write(edited, saved(mask), more)
    edited.build(warns=[f"docs/index.md:{line}: {told}"])
    assert len(api.posts) == 1
    edited.build()


@pytest.mark.parametrize(
    ("mask", "more", "told"),
    [
        (disc("RGB", (255, 0, 0)), "", "is not black and white"),
        (disc("L"), "mask_mode: alpha", "the mask has no transparency"),
        (Image.new("L", (8, 8)), "", "the mask has 8x8 pixels and its image 40x30"),
    ],
)
def test_mask_that_does_not_fit_is_told_and_not_sent(
    edited: Site, api: ImagesServer, mask: Image.Image, more: str, told: str
) -> None:
    line = write(edited, saved(mask), more)
    built = edited.build(warns=[told])
    (warning,) = built.warnings
    assert re.match(rf"docs/index\.md:{line}: ", warning)
    assert "Nothing was sent." in warning
    assert api.posts == []
    assert [name for name in built.files() if "/placeholder-" in name]


def test_torn_mask(edited: Site, api: ImagesServer) -> None:
    whole = WHITE_ON_BLACK["L"]
    line = write(edited, whole[: len(whole) - 20])
    edited.build(warns=[f"docs/index.md:{line}: no picture: the picture is damaged or incomplete"])
    assert api.posts == []


def test_mask_that_is_too_large(
    edited: Site, api: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = WHITE_ON_BLACK["L"]
    monkeypatch.setitem(compose._OVERLAYS, "mask", len(mask))
    line = write(edited, mask)
    edited.build(
        warns=[f"docs/index.md:{line + 3}: 'mask': the file 'mask.png' has {len(mask)} bytes."]
    )
    assert api.posts == []
    monkeypatch.setitem(compose._OVERLAYS, "mask", len(mask) + 1)
    edited.build()
    assert len(api.posts) == 1


def test_mask_belongs_to_the_first_picture(edited: Site, api: ImagesServer) -> None:
    edited.write({"docs/small.png": picture("s", "8x8"), "docs/mask.png": WHITE_ON_BLACK["L"]})
    body = "prompt: A hat\nimage: [{}]\nmask: mask.png\nalt: x"
    edited.write({"docs/index.md": fence(body.format("base.png, small.png"))})
    edited.build()
    assert [part.name for part in api.posts[0].files] == ["image[]", "image[]", "mask"]
    edited.write({"docs/index.md": fence(body.format("small.png, base.png"))})
    edited.build(warns=["the mask has 40x30 pixels and its image 8x8"])
    assert len(api.posts) == 1


def test_mask_of_another_block_s_picture(edited: Site, api: ImagesServer) -> None:
    edited.write(
        {
            "docs/mask.png": WHITE_ON_BLACK["L"],
            "docs/index.md": fence("A fox", f"#fox size={WIDTH}x{HEIGHT} alt=x")
            + fence('prompt: A hat\nimage: "#fox"\nmask: mask.png\nalt: x'),
        }
    )
    edited.build()
    image, mask = api.posts[1].files
    assert inspect(image.data).width == WIDTH
    assert alpha(mask.data).getpixel(INSIDE) == 0


def test_other_mask_or_mode_is_another_picture(edited: Site, api: ImagesServer) -> None:
    for count, (mask, more) in enumerate(
        [
            (disc("L").convert("RGBA"), "mask_mode: white"),
            (with_alpha("RGBA", 0, HOLE), "mask_mode: white"),
            (with_alpha("RGBA", 0, HOLE), "mask_mode: alpha"),
        ],
        1,
    ):
        write(edited, saved(mask), more)
        edited.build(warns=["marks nothing"] if count == 2 else [])
        assert len(api.posts) == count
