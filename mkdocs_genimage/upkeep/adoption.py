"""Taking a picture that somebody made or edited into the cache, in a block's place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from mkdocs_genimage.cache import Cache, StoredImage
from mkdocs_genimage.entries import requested_size
from mkdocs_genimage.errors import CacheError
from mkdocs_genimage.inventory import REFUSAL, cache_files
from mkdocs_genimage.journal import Journal
from mkdocs_genimage.request import KEY_CHARS_IN_NAME
from mkdocs_genimage.trash import FOLDER, retire

if TYPE_CHECKING:
    from pathlib import Path

    from mkdocs_genimage.imaging import ImageInfo
    from mkdocs_genimage.request import ImageRequest

PATIENCE = 5.0
"""Seconds to wait for a build that is at work on the same picture."""


@dataclass(frozen=True)
class Adopted:
    """What was done.

    Attributes:
        image: the picture, as it is in the cache now.
        info: its format and dimensions.
        retired: the folder that the files which were there before are in now; None if there were none.
        is_new: whether anything was changed.
        remarks: in what the picture is not what the block asks for, one sentence each.
    """

    image: StoredImage
    info: ImageInfo
    retired: Path | None
    is_new: bool
    remarks: tuple[str, ...]


def adopt(folder: Path, request: ImageRequest, variant: int, path: Path) -> Adopted:
    """Put a picture into the cache as if it had been made for a request. Nothing is asked of a server.

    Its bytes are stored unchanged. Its sidecar tells no model and no server, so it never counts as made by
    another one than today's. What was there before goes to the cache's trash.

    Args:
        folder: the cache's.
        request: whose picture it is to be.
        variant: which of its variants, from 1.
        path: the picture. May be the file in the cache itself, after somebody edited it.

    Raises:
        ImageError: it is no whole picture of a known format.
        CacheError: it cannot be read, or the cache cannot be written.
        ProviderError: a build is at work on the same picture.
    """
    from mkdocs_genimage.imaging import inspect

    try:
        data = path.read_bytes()
    except OSError as error:
        raise CacheError(f"{path} cannot be read: {error.strerror or error}.") from error
    info = inspect(data)
    remarks = tuple(_remarks(request, info))
    cache = Cache(folder)
    cache.ensure_writable()
    with Journal(folder, PATIENCE).hold(request.key[:KEY_CHARS_IN_NAME]):
        found = cache.find(request, variant)
        sha256 = hashlib.sha256(data).hexdigest()
        if isinstance(found, StoredImage) and _sha256_of(found.path) == sha256:
            return Adopted(found, info, None, is_new=False, remarks=remarks)
        facts = {
            "format": info.format,
            "width": info.width,
            "height": info.height,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "adopted": True,
            "file": path.name,
        }
        retired = _retire(folder, request, variant)
        try:
            image = cache.put(request, variant, data, facts)
        except CacheError as error:
            where = f" What was there before is in {retired}." if retired else ""
            raise CacheError(f"{error}{where}") from error
    return Adopted(image, info, retired, is_new=True, remarks=remarks)


def _sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _retire(folder: Path, request: ImageRequest, variant: int) -> Path | None:
    """Move all files of one variant to the trash, whatever their slug and format, whole or damaged."""
    digits = request.key[:KEY_CHARS_IN_NAME]
    files = [
        file.path
        for file in cache_files(folder)
        if (file.digits, file.variant) == (digits, variant) and file.ending != REFUSAL
    ]
    return retire(folder, files) if files else None


def _remarks(request: ImageRequest, info: ImageInfo) -> list[str]:
    remarks = []
    size = str(request.options.get("size", ""))
    if size and "x" in size and requested_size(request) != (info.width, info.height):
        remarks.append(
            f"The block asks for {size}, and the picture is {info.width}x{info.height}. "
            "It is shown as it is."
        )
    form = request.options.get("output_format")
    if form and form != info.format:
        remarks.append(f"The block asks for {form}, and the picture is {info.format}.")
    return remarks


def shown_trash(folder: Path, retired: Path) -> str:
    """A folder of the trash, as a message names it: `genimage/.trash/2026-11-22T18-30-00Z`."""
    return f"{folder.name}/{FOLDER}/{retired.name}"
