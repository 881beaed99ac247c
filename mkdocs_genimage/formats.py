"""Image formats as bytes on disk and on the wire. Standard library only: a warm build comes through here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import FileIO

EXTENSIONS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "gif": ".gif", "svg": ".svg"}
MIME_TYPES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "svg": "image/svg+xml",
}

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""How the small file begins that Git LFS leaves where an image is to be."""


def sniff(data: bytes) -> str | None:
    """The format of an image by its first bytes: a key of `EXTENSIONS`, or None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.lstrip().startswith((b"<svg", b"<?xml")) and b"<svg" in data[:1000]:
        return "svg"
    return None


def seems_whole(file: FileIO) -> bool:
    """Whether a picture's file goes on to its end, by its first and last bytes.

    For files that are cheap to make again: it takes a few reads, and finds what was cut short, not what was
    changed.

    Raises:
        OSError: it cannot be read.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(16)
    file.seek(max(0, size - _TAIL_BYTES))
    tail = file.read()
    if head[:4] == b"RIFF":
        return int.from_bytes(head[4:8], "little") + 8 == size
    if head[4:8] == b"ftyp":
        return _boxes_end_at(file, size)
    ends = {b"\x89PN": b"IEND\xaeB`\x82", b"\xff\xd8\xff": b"\xff\xd9", b"GIF": b";"}
    return head[:3] in ends and ends[head[:3]] in tail


_TAIL_BYTES = 4096
"""Cameras and servers add to JPEGs behind their end."""


def _boxes_end_at(file: FileIO, size: int) -> bool:
    """Whether the boxes of an AVIF file (ISO 14496-12) fill it."""
    at = 0
    while at < size:
        file.seek(at)
        length = int.from_bytes(file.read(4), "big")
        if length < 8:  # to the end of the file, or more than 4 GB: nothing that this writes
            return length == 0
        at += length
    return at == size
