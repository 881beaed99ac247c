"""Small real pictures for tests: made fast, and the same bytes for the same arguments."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from functools import lru_cache


def picture(prompt: str, size: str, form: str = "png", *, alpha: bool = False) -> bytes:
    """A gradient of `WIDTHxHEIGHT` pixels in a colour that belongs to the prompt.

    The same arguments give the same bytes and another prompt gives other ones. Pixels are encoded once
    for each colour, size and format; the prompt then goes into a comment.
    """
    digest = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()
    width, height = (int(edge) for edge in size.split("x"))
    plain = _pixels(digest[0] % len(COLOURS), width, height, form, alpha)
    note = digest.hex().encode()
    if form == "png":
        end = len(plain) - 12
        return plain[:end] + _chunk(b"tEXt", b"Comment\0" + note) + plain[end:]
    if form == "jpeg":
        return plain[:2] + b"\xff\xfe" + struct.pack(">H", len(note) + 2) + note + plain[2:]
    if form == "gif":
        return plain[:-1] + b"\x21\xfe" + bytes([len(note)]) + note + b"\0" + plain[-1:]
    if form == "webp":
        body = plain[8:] + b"NOTE" + struct.pack("<I", len(note)) + note
        return b"RIFF" + struct.pack("<I", len(body)) + body
    return plain + b"<!-- " + note + b" -->"


COLOURS = (
    (200, 80, 60), (210, 140, 50), (190, 170, 60), (120, 160, 70), (60, 150, 110), (50, 140, 160),
    (60, 110, 180), (90, 90, 190), (140, 80, 180), (180, 70, 140), (120, 110, 100), (90, 120, 130),
)  # fmt: skip


@lru_cache(maxsize=256)
def _pixels(colour: int, width: int, height: int, form: str, alpha: bool) -> bytes:
    red, green, blue = COLOURS[colour]
    if form == "svg":
        fill = f"rgb({red},{green},{blue})"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
            f'<rect width="100%" height="100%" fill="{fill}"/></svg>'
        ).encode()
    png = _png(COLOURS[colour], width, height, alpha)
    if form == "png":
        return png
    from PIL import Image

    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        (image.convert("RGB") if form == "jpeg" else image).save(out, form.upper())
    return out.getvalue()


def _png(colour: tuple[int, int, int], width: int, height: int, alpha: bool) -> bytes:
    """An RGB or RGBA PNG: each row has one colour, and with alpha the left half is transparent."""
    rows = bytearray()
    for y in range(height):
        shade = 0.6 + 0.4 * y / height
        pixel = bytes(int(part * shade) for part in colour)
        half = width // 2
        row = (
            (pixel + b"\0") * half + (pixel + b"\xff") * (width - half) if alpha else pixel * width
        )
        rows += b"\0" + row
    header = struct.pack(">IIBBBBB", width, height, 8, 6 if alpha else 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows, 1))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
