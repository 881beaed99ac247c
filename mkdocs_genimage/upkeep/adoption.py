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
    from collections.abc import Iterator
    from pathlib import Path

    from mkdocs_genimage.imaging import ImageInfo
    from mkdocs_genimage.request import ImageRequest
    from mkdocs_genimage.upkeep.survey import Survey

PATIENCE = 5.0
"""Seconds to wait for a build that is at work on the same picture."""
SAME_SHAPE = 0.01
"""So little may two pictures differ in their aspect ratio, as sizes are rounded to pixels."""


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


def shown_at(survey: Survey, request: ImageRequest) -> tuple[str, ...]:
    """The places of the blocks that show a request's picture, those that show it in dark mode marked."""
    places: dict[str, None] = {}
    for block in survey.blocks:
        if block.composed and block.composed.request.key == request.key:
            places[block.place] = None
        elif request.key in block.keys:
            places[f"{block.place} in dark mode"] = None
    return tuple(places)


def pair_remarks(
    survey: Survey, request: ImageRequest, variant: int, adopted: Adopted
) -> Iterator[str]:
    """In what the other one of a pair does not go together with a picture that was adopted.

    Args:
        survey: of the site, as it was before.
        request: whose picture it is now.
        variant: which of its variants.
        adopted: what was done.

    Yields:
        A sentence or two, once for each picture.
    """
    folder = survey.folder.name
    told: set[str] = set()
    for block in survey.blocks:
        for number, twin in block.twins.items():
            light = next(image for image in block.images if image.variant == number)
            is_twin = twin.request.key == request.key
            is_light = (light.request.key, light.variant) == (request.key, variant)
            other = (light if is_twin else twin).stored
            if not (is_twin or is_light) or other is None or other.path.name in told:
                continue
            told.add(other.path.name)
            if is_light and adopted.is_new and not other.sidecar.get("adopted"):
                yield (
                    f"The one for dark mode, {folder}/{other.path.name}, was made from the picture before. "
                    "Adopt another one with --dark, or delete it and its .json to have it made anew."
                )
            ratio = other.width / other.height * adopted.info.height / adopted.info.width
            if abs(ratio - 1) > SAME_SHAPE:
                yield (
                    f"{folder}/{other.path.name} has another shape ({other.width}x{other.height}): the page "
                    "moves when a reader goes from light to dark."
                )


def shown_trash(folder: Path, retired: Path) -> str:
    """A folder of the trash, as a message names it: `genimage/.trash/2026-11-22T18-30-00Z`."""
    return f"{folder.name}/{FOLDER}/{retired.name}"
