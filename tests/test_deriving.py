"""Smaller files made from pictures: their pixels, what they say about themselves, and what they do not."""

from __future__ import annotations

import contextlib
import io
import random
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageStat
from PIL.PngImagePlugin import PngInfo

from mkdocs_genimage import deriving
from mkdocs_genimage.derived import ENDINGS, Recipe
from mkdocs_genimage.deriving import Picture, can_write
from mkdocs_genimage.imaging import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def derive(data: bytes, recipes: Sequence[Recipe]) -> list[bytes]:
    """Smaller files of one picture."""
    picture = Picture(data)
    return [picture.make(recipe) for recipe in recipes]


TRAINED = "trainedAlgorithmicMedia"
COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
FORMS = [
    pytest.param(
        form, marks=pytest.mark.skipif(bool(can_write(form)), reason=can_write(form) or "-")
    )
    for form in ENDINGS
]
PACKET = re.compile(
    rb"<\?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"\?>.*<\?xpacket end=\"r\"\?>"
)
TYPE = re.compile(rb"""Iptc4xmpExt:DigitalSourceType=["']([^"']*)["']""")
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
SECRETS = (b"GPS-SECRET", b"a comment", b"caBX", b"C2PA", b"JUMBF", b"jumb", b"Software")
"""What sources of these tests carry and no file made from them may."""


def encoded(image: Image.Image, form: str = "png", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form.upper(), **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def made(
    source: bytes | Image.Image, width: int, form: str = "png", source_type: str = ""
) -> Image.Image:
    data = source if isinstance(source, bytes) else encoded(source)
    return opened(derive(data, [Recipe(width, form, source_type)])[0])


def scene(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Colours and soft noise, the same each time."""
    bands = []
    for turn in range(len(mode)):
        gradient = Image.linear_gradient("L").rotate(90 * turn).resize((width, height))
        small = (max(1, width // 4), max(1, height // 4))
        # The same for all colours: most formats keep less of a picture's colours than of its light.
        noise = Image.frombytes("L", small, random.Random(7).randbytes(small[0] * small[1]))
        bands.append(Image.blend(gradient, noise.resize((width, height)), 0.2))
    return Image.merge(mode, bands) if len(bands) > 1 else bands[0]


def far(one: Image.Image, other: Image.Image) -> float:
    """By how many levels of 255 two pictures differ, on average."""
    assert one.size == other.size
    assert one.mode == other.mode
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """A PNG with chunks right after its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def raw_png(width: int, depth: int, colour_type: int, row: bytes, *chunks: bytes) -> bytes:
    """A PNG of one row, in kinds that Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, 1, depth, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(chunks)
        + chunk(b"IDAT", zlib.compress(b"\0" + row))
        + chunk(b"IEND", b"")
    )


# Dimensions


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_smaller_file_looks_like_the_picture(form: str, mode: str) -> None:
    source = scene(300, 201, mode)
    data = encoded(source)
    results = derive(data, [Recipe(width, form, "") for width in (300, 150, 37)])
    assert [opened(one).size for one in results] == [(300, 201), (150, 100), (37, 25)]
    for one in results:
        image = opened(one)
        assert image.format == form.upper()
        expected = source.resize(image.size, Image.Resampling.LANCZOS).convert("RGBA")
        if form == "jpeg":
            expected = Image.alpha_composite(Image.new("RGBA", image.size, "white"), expected)
        if mode == "RGBA" and form != "jpeg":
            assert image.mode == "RGBA"
        # Where little is to be seen, colours may differ.
        one_flat, other_flat = (
            Image.alpha_composite(Image.new("RGBA", image.size, "grey"), each.convert("RGBA"))
            for each in (image, expected)
        )
        assert far(one_flat, other_flat) < (1 if form == "png" else 5)


def test_a_file_is_never_larger_than_the_picture_nor_empty() -> None:
    assert made(scene(40, 20), 100).size == (40, 20)
    assert made(scene(400, 1), 3).size == (3, 1)
    assert made(scene(1, 400), 1).size == (1, 400)
    assert made(scene(3, 3), 0).size == (1, 1)


def test_a_large_picture_is_shrunk_in_two_steps_and_looks_the_same() -> None:
    source = scene(1600, 900)
    expected = source.resize((100, 56), Image.Resampling.LANCZOS)
    assert far(made(source, 100), expected) < 1
    clear = scene(1600, 900, "RGBA")
    assert far(made(clear, 100), clear.resize((100, 56), Image.Resampling.LANCZOS)) < 1


@pytest.mark.parametrize("form", ["jpeg", "webp", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_as_wide_as_it_is_shown(form: str, orientation: int) -> None:
    source = Image.new("RGB", (120, 60), "blue")
    source.paste("red", (0, 0, 60, 60))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if form == "webp" else {}
    result = made(encoded(source, form, exif=exif, **options), 30)
    assert result.size == ((30, 15) if orientation < 5 else (30, 60))
    assert not result.getexif()
    corners = {1: (0, 0), 2: (-1, 0), 3: (-1, 0), 4: (0, 0), 5: (0, 0), 6: (0, 0), 7: (0, -1)}
    x, y = corners.get(orientation, (0, -1))
    red, _, blue = result.getpixel((x % result.width, y % result.height))
    assert red > 150 > blue


# Colours and transparency


def test_edges_of_what_is_transparent_have_no_halo() -> None:
    # What cannot be seen is bright green, and must not be seen in the smaller file, either.
    source = Image.new("RGBA", (401, 401), (0, 255, 0, 0))
    source.paste((200, 0, 0, 255), (100, 100, 300, 300))
    for gap_width in (203, 61):
        result = made(source, gap_width)
        for red, green, _, alpha in (
            result.get_flattened_data()
            if hasattr(result, "get_flattened_data")
            else result.getdata()
        ):
            if alpha > 8:
                assert red > 180
                assert green < 20


def test_jpeg_shows_transparency_as_white() -> None:
    source = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    source.paste((0, 0, 255, 255), (0, 0, 32, 64))
    result = made(source, 32, "jpeg")
    assert result.mode == "RGB"
    assert min(result.getpixel((30, 16))) > 245
    assert result.getpixel((2, 16))[2] > 240
    assert result.info["progressive"]


def test_opacity_that_says_nothing_is_dropped() -> None:
    source = scene(64, 64)
    source.putalpha(255)
    assert made(source, 64).mode == "RGB"
    source.putpixel((0, 0), (0, 0, 0, 254))
    assert made(source, 64).mode == "RGBA"


def test_palettes() -> None:
    colours = scene(200, 100).quantize(64)
    expected = colours.convert("RGB").resize((100, 50), Image.Resampling.LANCZOS)
    assert far(made(colours, 100, "webp"), made(expected, 100, "webp")) < 1
    # Of the ways to write it the smallest: with as few colours as the picture has.
    whole, palette = (len(encoded(one, optimize=True)) for one in (expected, expected.quantize()))
    size = len(derive(encoded(colours), [Recipe(100, "png", "")])[0])
    assert size == min(whole, palette)
    # Half of it transparent, by one colour of the palette, and by several.
    for see_through in (3, bytes([255, 255, 255, 0])):
        picture = Image.new("P", (64, 64), 0)
        picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
        picture.paste(3, (32, 0, 64, 64))
        result = made(encoded(picture, transparency=see_through), 32, "webp").convert("RGBA")
        assert result.getpixel((8, 8))[3] == 255
        assert result.getpixel((24, 8))[3] == 0
    assert made(encoded(colours, "gif"), 100, "webp").size == (100, 50)


def test_sixteen_bits() -> None:
    levels = [0, 0x12FF, 0x8000, 0xFFFF]
    row = b"".join(struct.pack(">H", level) for level in levels)
    grey = raw_png(4, 16, 0, row)
    assert list(made(grey, 4).tobytes()) == [0, 0x12, 0x80, 0xFF]
    clear = made(raw_png(4, 16, 0, row, chunk(b"tRNS", struct.pack(">H", 0x12FF))), 4)
    assert clear.mode == "RGBA"
    assert list(clear.getchannel("A").tobytes()) == [255, 0, 255, 255]
    assert list(clear.getchannel("R").tobytes())[2:] == [0x80, 0xFF]
    near = made(raw_png(4, 16, 0, row, chunk(b"tRNS", struct.pack(">H", 0x1200))), 4)
    assert list(near.convert("L").tobytes()) == [0, 0x12, 0x80, 0xFF]
    colours = raw_png(1, 16, 2, struct.pack(">HHH", 0xFFFF, 0x8000, 0))
    assert made(colours, 1).getpixel((0, 0)) == (255, 128, 0)
    with_alpha = raw_png(1, 16, 4, struct.pack(">HH", 0xFFFF, 0x8000))
    assert made(with_alpha, 1).getpixel((0, 0)) == (255, 255, 255, 128)


@pytest.mark.parametrize(("depth", "row"), [(1, 0b01000000), (2, 0b00110000), (4, 0x0F)])
@pytest.mark.parametrize("is_white", [False, True])
def test_few_bits_of_grey_of_which_one_is_transparent(depth: int, row: int, is_white: bool) -> None:
    level = (2**depth - 1) * is_white
    source = raw_png(2, depth, 0, bytes([row]), chunk(b"tRNS", struct.pack(">H", level)))
    result = made(source, 2)
    assert [result.getpixel((x, 0))[3] for x in (0, 1)] == ([255, 0] if is_white else [0, 255])
    assert result.getpixel((int(not is_white), 0))[0] == 255 * (not is_white)


def test_grey_with_opacity_and_two_levels() -> None:
    source = Image.new("LA", (8, 8), (200, 128))
    assert made(source, 4, "webp").convert("RGBA").getpixel((1, 1))[3] == 128
    black_white = Image.new("1", (8, 8), 1)
    black_white.paste(0, (0, 0, 4, 8))
    assert made(black_white, 8).getpixel((6, 4)) == 255
    assert 100 < made(black_white, 1).getpixel((0, 0)) < 155


def profile_of(kind: str) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(kind)).tobytes()


def swapped_profile() -> bytes:
    """A profile that takes red for blue: sRGB with two of its primaries exchanged."""
    data = profile_of("sRGB")
    count = struct.unpack(">I", data[128:132])[0]
    table = bytearray(data)
    names = [bytes(data[132 + 12 * i : 136 + 12 * i]) for i in range(count)]
    for one, other in ((b"rXYZ", b"bXYZ"),):
        first, second = 132 + 12 * names.index(one), 132 + 12 * names.index(other)
        table[first : first + 4], table[second : second + 4] = other, one
    return bytes(table)


@pytest.mark.parametrize("form", FORMS)
def test_colours_of_a_profile_are_changed_to_srgb(form: str) -> None:
    profile = swapped_profile()
    red = Image.new("RGB", (32, 32), (250, 20, 20))
    result = made(encoded(red, icc_profile=profile), 16, form)
    assert "icc_profile" not in result.info
    shown = result.convert("RGB").getpixel((8, 8))
    assert shown[2] > 230 > 60 > shown[0]
    red.putalpha(128)
    if form != "jpeg":
        result = made(encoded(red, icc_profile=profile), 16, form)
        assert result.getpixel((8, 8))[3] == 128
        assert result.getpixel((8, 8))[2] > 230
    # It would be so at the picture's own width, too.
    whole = made(encoded(red, icc_profile=profile), 32, form)
    assert whole.convert("RGB").getpixel((8, 8))[2] > 200


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200, profile_of("LAB")])
def test_profiles_that_do_not_fit_are_ignored(profile: bytes) -> None:
    source = Image.new("RGB", (8, 8), (250, 20, 20))
    result = made(encoded(source, icc_profile=profile), 4)
    assert "icc_profile" not in result.info
    assert result.getpixel((1, 1)) == (250, 20, 20)
    grey = made(encoded(Image.new("L", (8, 8), 99), icc_profile=profile_of("sRGB")), 4)
    assert grey.convert("L").getpixel((1, 1)) == 99


def test_profiles_stay_where_colours_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ImportError("no LittleCMS")

    monkeypatch.setattr(ImageCms, "ImageCmsProfile", fail)
    profile = b"x" * 16 + b"RGB " + b"y" * 40
    for mode in ("RGB", "RGBA"):
        source = encoded(scene(16, 16, mode), icc_profile=profile)
        for form in ("png", "webp"):
            assert made(source, 8, form, TRAINED).info["icc_profile"] == profile
    # One of another kind of picture would make it look wrong.
    grey = encoded(Image.new("L", (8, 8), 99), icc_profile=b"x" * 16 + b"GRAY" + b"y" * 40)
    assert "icc_profile" not in made(grey, 4, "webp").info
    inks = encoded(Image.new("CMYK", (8, 8)), "jpeg", icc_profile=b"x" * 16 + b"CMYK" + b"y" * 40)
    assert "icc_profile" not in made(inks, 4, "webp").info


def test_inks_become_colours() -> None:
    inks = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for form in ("webp", "jpeg", "png"):
        red, green, blue = made(encoded(inks, "jpeg"), 8, form).getpixel((4, 4))
        assert red > 230
        assert max(green, blue) < 30


# Bytes


def test_what_is_not_smaller_is_the_picture_itself() -> None:
    for form in ("png", "webp", "jpeg"):
        data = encoded(Image.new("RGB", (64, 64), "teal"), form, **deriving.PARAMETERS[form])
        assert derive(data, [Recipe(64, form, TRAINED)]) == [data]
    waste = encoded(scene(64, 64), compress_level=0)
    assert len(derive(waste, [Recipe(64, "png", "")])[0]) < len(waste)
    # A little smaller is not worth what is lost once more; a lot is.
    photo = scene(256, 256)
    again = len(encoded(photo, "jpeg", **deriving.PARAMETERS["jpeg"]))
    for quality, is_kept in ((70, True), (86, True), (100, False)):
        data = encoded(photo, "jpeg", quality=quality, progressive=True, optimize=True)
        assert (again < len(data)) is (quality > 70)
        (result,) = derive(data, [Recipe(256, "jpeg", "")])
        assert (result == data) is is_kept
        assert len(result) <= len(data)


def test_drawings_are_written_without_loss_where_that_is_smaller() -> None:
    drawing = Image.new("RGB", (512, 512), "white")
    pen = ImageDraw.Draw(drawing)
    for edge in range(0, 256, 4):
        pen.rectangle((edge, edge, 511 - edge, 511 - edge), outline="red")
    data = encoded(drawing, optimize=True)
    (result,) = derive(data, [Recipe(512, "webp", TRAINED)])
    assert b"VP8L" in result
    assert opened(result).convert("RGB").tobytes() == drawing.tobytes()
    assert opened(result).info["xmp"]
    (result,) = derive(encoded(scene(512, 512)), [Recipe(512, "webp", TRAINED)])
    assert b"VP8L" not in result


def test_an_animation_is_left_alone() -> None:
    frames = [Image.new("RGB", (40, 20), colour) for colour in ("red", "lime", "blue")]
    for form in ("gif", "png", "webp"):
        data = encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=100)
        assert derive(data, [Recipe(20, "webp", TRAINED), Recipe(40, "png", "")]) == [data, data]
        # A JPEG cannot move.
        still = made(data, 20, "jpeg")
        assert still.size == (20, 10)
        assert still.format == "JPEG"
        red, green, _ = still.getpixel((5, 5))
        assert red > 230 > 30 > green


def test_further_views_in_a_jpeg_are_no_animation() -> None:
    views = [scene(40, 20), Image.new("RGB", (40, 20), "blue")]
    out = io.BytesIO()
    views[0].save(out, "MPO", save_all=True, append_images=views[1:])
    result = made(out.getvalue(), 20, "webp")
    assert result.size == (20, 10)
    assert far(result, made(views[0], 20, "webp")) < 6


# What a file says about itself, read by Pillow and in its bytes


def webp_chunks(data: bytes) -> dict[bytes, bytes]:
    assert data[:4] == b"RIFF"
    assert len(data) == struct.unpack("<I", data[4:8])[0] + 8
    found, at = {}, 12
    while at < len(data):
        size = struct.unpack("<I", data[at + 4 : at + 8])[0]
        found[data[at : at + 4]] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return found


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(data):
        size = struct.unpack(">I", data[at : at + 4])[0]
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(
            kind + content
        )
        found.append((kind, content))
        at += 12 + size
    return found


def jpeg_segments(data: bytes) -> list[tuple[int, bytes]]:
    """The segments before the pixels."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        assert data[at] == 0xFF
        size = struct.unpack(">H", data[at + 2 : at + 4])[0]
        found.append((data[at + 1], data[at + 4 : at + 2 + size]))
        at += 2 + size
    return found


def avif_boxes(data: bytes) -> list[bytes]:
    """The kinds of the items that an AVIF's `meta` box lists, with their content types."""
    at = data.index(b"iinf")
    size = struct.unpack(">I", data[at - 4 : at])[0]
    return re.findall(rb"infe.{8}(\w{4}[^\0]*\0[^\0]*\0)", data[at : at - 4 + size], re.DOTALL)


def packet_in_bytes(form: str, data: bytes) -> bytes:
    """The XMP packet, where the format's specification puts it; empty if there is none."""
    if form == "webp":
        chunks = webp_chunks(data)
        says_so = b"VP8X" in chunks and bool(chunks[b"VP8X"][0] & 0x04)
        assert says_so is (b"XMP " in chunks)
        assert set(chunks) <= {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"XMP "}
        return chunks.get(b"XMP ", b"")
    if form == "jpeg":
        segments = jpeg_segments(data)
        assert {kind for kind, _ in segments if 0xE0 <= kind <= 0xEF or kind == 0xFE} <= {
            0xE0,
            0xE1,
            0xEE,
        }
        head = b"http://ns.adobe.com/xap/1.0/\0"
        found = [content for kind, content in segments if kind == 0xE1]
        assert all(content.startswith(head) for content in found)
        return found[0].removeprefix(head) if found else b""
    if form == "png":
        chunks = png_chunks(data)
        assert {kind for kind, _ in chunks} <= {
            b"IHDR",
            b"PLTE",
            b"tRNS",
            b"iTXt",
            b"IDAT",
            b"IEND",
        }
        found = [content for kind, content in chunks if kind == b"iTXt"]
        # Keyword, not compressed, no language.
        head = b"XML:com.adobe.xmp\0\0\0\0\0"
        assert all(content.startswith(head) for content in found)
        return found[0].removeprefix(head) if found else b""
    packets = PACKET.findall(data)
    kinds = avif_boxes(data)
    assert any(kind.startswith(b"mime") and b"application/rdf+xml" in kind for kind in kinds) is (
        bool(packets)
    )
    assert not any(kind.startswith(b"Exif") for kind in kinds)
    return packets[0] if packets else b""


def packet_by_pillow(form: str, data: bytes) -> bytes:
    info = opened(data).info
    found = info.get("XML:com.adobe.xmp", "") if form == "png" else info.get("xmp", b"")
    return found.encode() if isinstance(found, str) else bytes(found)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize("source_type", [TRAINED, COMPOSITE, ""])
def test_the_kind_of_source_is_told(form: str, mode: str, source_type: str) -> None:
    source = scene(64, 48, mode) if mode != "P" else scene(64, 48).quantize(16)
    for width in (64, 32):
        (data,) = derive(encoded(source, compress_level=0), [Recipe(width, form, source_type)])
        packet = packet_in_bytes(form, data)
        assert packet_by_pillow(form, data) == packet
        if not source_type:
            assert packet == b""
            assert b"xpacket" not in data
            continue
        assert PACKET.fullmatch(packet)
        uri = f"http://cv.iptc.org/newscodes/digitalsourcetype/{source_type}"
        assert TYPE.findall(packet) == [uri.encode()]
        assert data.count(b"xpacket begin") == 1
        (description,) = ET.fromstring(packet).iter(f"{RDF}Description")
        assert description.attrib == {f"{RDF}about": "", f"{IPTC}DigitalSourceType": uri}


def marked_sources() -> dict[str, bytes]:
    """Pictures with all that must not be copied; the C2PA manifests as the formats store them."""
    exif = Image.Exif()
    exif[0x010E] = "GPS-SECRET"
    exif.get_ifd(0x8825)[1] = "N"
    source = scene(96, 64)
    text = PngInfo()
    text.add_text("Software", "a comment")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>GPS-SECRET</x:xmpmeta>")
    png = encoded(source, exif=exif, pnginfo=text, dpi=(72, 72), compress_level=0)
    xmp = b"<x:xmpmeta>GPS-SECRET</x:xmpmeta>"
    box = b"JP\0\1\0\0\0\1" + struct.pack(">I", 24) + b"jumb" + b"JUMBF C2PA 123"
    segment = b"\xff\xeb" + struct.pack(">H", len(box) + 2) + box
    jpeg = encoded(source, "jpeg", quality=100, exif=exif, xmp=xmp, comment=b"a comment")
    webp = encoded(source, "webp", lossless=True, exif=exif, xmp=xmp)
    body = webp[8:] + b"C2PA" + struct.pack("<I", 10) + b"JUMBF 1234"
    return {
        "png": with_chunks(png, chunk(b"caBX", b"\0\0\0\x18jumb JUMBF manifest 1")),
        "jpeg": jpeg[:2] + segment + jpeg[2:],
        "webp": b"RIFF" + struct.pack("<I", len(body)) + body,
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", ["png", "jpeg", "webp"])
def test_nothing_else_is_copied(source: str, form: str) -> None:
    data = marked_sources()[source]
    assert any(secret in data for secret in SECRETS)
    before = bytes(data)
    results = derive(data, [Recipe(width, form, TRAINED) for width in (96, 48)])
    assert data == before
    if source == form and results[0] == data:
        del results[0]  # the picture itself
    for one in results:
        assert PACKET.fullmatch(packet_in_bytes(form, one))
        assert not [secret for secret in SECRETS if secret in one]
        assert not opened(one).getexif()
        assert "dpi" not in opened(one).info or form == "jpeg"
        assert "comment" not in opened(one).info


# What goes wrong


def test_a_format_that_cannot_be_written_is_told_with_a_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for form in ("webp", "png", "jpeg"):
        assert can_write(form) == ""
    can_write.cache_clear()
    Image.init()
    try:
        monkeypatch.delitem(Image.SAVE, "AVIF", raising=False)
        reason = can_write("avif")
        assert "cannot write AVIF" in reason
        assert "Pillow 11.3 or newer" in reason
        assert "formats" in reason
        with pytest.raises(ImageError, match="cannot write AVIF"):
            derive(encoded(scene(8, 8)), [Recipe(4, "png", ""), Recipe(4, "avif", "")])

        def no_encoder(*_: Any) -> None:
            raise ValueError("no codec")

        monkeypatch.setitem(Image.SAVE, "WEBP", no_encoder)
        can_write.cache_clear()
        assert "Install Pillow from PyPI" in can_write("webp")
    finally:
        can_write.cache_clear()


def test_what_a_format_cannot_hold_is_told() -> None:
    picture = Picture(encoded(Image.new("L", (10, 17_000))))
    with pytest.raises(ImageError, match="10x17000 pixels cannot be written as WEBP: "):
        picture.make(Recipe(10, "webp", ""))
    assert opened(picture.make(Recipe(5, "webp", ""))).size == (5, 8500)
    assert opened(picture.make(Recipe(10, "png", ""))).size == (10, 17_000)


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n"]
)
def test_no_picture(data: bytes) -> None:
    with pytest.raises(ImageError):
        derive(data, [Recipe(8, "webp", "")])


def test_too_many_pixels_are_not_decoded() -> None:
    row = chunk(b"IDAT", zlib.compress(b"\0" * 10))
    for width, height in ((9000, 8900), (60_000, 60_000), (9500, 9500)):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        bomb = b"\x89PNG\r\n\x1a\n" + header + row + chunk(b"IEND", b"")
        with pytest.raises(ImageError, match="more pixels than the limit of 80,000,000"):
            derive(bomb, [Recipe(8, "webp", "")])


def test_too_little_memory_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Picture(encoded(scene(8, 8)))

    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "resize", fail)
    with pytest.raises(ImageError, match="not enough memory"):
        picture.make(Recipe(4, "webp", ""))


def sources() -> list[bytes]:
    small = scene(24, 16, "RGBA")
    return [
        encoded(small),
        encoded(small.quantize(16)),
        encoded(small.convert("RGB"), "jpeg"),
        encoded(small, "webp", lossless=True),
        encoded(small.convert("RGB"), "webp"),
        encoded(small.convert("RGB"), "gif"),
        *marked_sources().values(),
    ]


SOURCES = sources()


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    source=st.sampled_from(SOURCES),
    cut=st.floats(0, 1),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6),
    form=st.sampled_from(["webp", "png", "jpeg"]),
)
@pytest.mark.filterwarnings("default:::PIL")
def test_damaged_bytes_give_a_file_or_a_reason(
    source: bytes, cut: float, changes: list[tuple[float, int]], form: str
) -> None:
    data = bytearray(source[: max(1, int(len(source) * cut))] if cut < 0.8 else source)
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    with contextlib.suppress(ImageError):
        (result,) = derive(bytes(data), [Recipe(8, form, TRAINED)])
        if result != data:  # an animation, or so its frames say: nobody has looked at its pixels
            opened(result)


MODES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "1": lambda image: image.convert("1"),
    "L": lambda image: image.convert("L"),
    "LA": lambda image: image.convert("LA"),
    "P": lambda image: image.convert("RGB").quantize(8),
    "RGB": lambda image: image.convert("RGB"),
    "RGBA": lambda image: image,
    "I;16": lambda image: image.convert("L").convert("I;16"),
}


SOURCE_MODES = {
    "png": tuple(MODES),
    "webp": ("RGB", "RGBA", "L", "P"),
    "jpeg": ("1", "L", "RGB"),
    "gif": ("RGB", "RGBA", "L", "P"),
}


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    mode=st.sampled_from(sorted(MODES)),
    source_form=st.sampled_from(["png", "webp", "jpeg", "gif"]),
    form=st.sampled_from([form for form in ENDINGS if not can_write(form)]),
    wanted=st.lists(st.integers(1, 120), min_size=1, max_size=3),
    source_type=st.sampled_from([TRAINED, COMPOSITE, ""]),
)
def test_any_picture_in_any_format(
    width: int,
    height: int,
    mode: str,
    source_form: str,
    form: str,
    wanted: list[int],
    source_type: str,
) -> None:
    image = MODES[mode](scene(width, height, "RGBA"))
    if image.mode not in SOURCE_MODES[source_form]:
        image = image.convert("RGB")
    data = encoded(image, source_form)
    recipes = [Recipe(each, form, source_type) for each in wanted]
    results = derive(data, recipes)
    assert results == derive(data, recipes)
    for recipe, result in zip(recipes, results, strict=True):
        expected = min(recipe.width, width)
        seen = opened(result)
        assert seen.format == form.upper()
        assert seen.size == (expected, max(1, round(height * expected / width)))
        if form == source_form and expected == width:
            assert len(result) <= len(data)
        if result != data:
            assert bool(packet_in_bytes(form, result)) is bool(source_type)


def test_importing_it_asks_for_no_more_than_pillow() -> None:
    code = (
        "import sys; import mkdocs_genimage.deriving; "
        "print([m for m in ('mkdocs', 'openai', 'numpy', 'click') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "[]"
