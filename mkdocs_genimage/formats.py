"""Image formats as bytes on disk and on the wire. Standard library only: a warm build comes through here."""

from __future__ import annotations

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
