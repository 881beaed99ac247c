"""Small copies of pictures, to be put into a page. Imports Pillow."""

from __future__ import annotations

import base64
import io
import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageOps, UnidentifiedImageError

from mkdocs_genimage.formats import MIME_TYPES, sniff
from mkdocs_genimage.imaging import MAX_PIXELS
from mkdocs_genimage.svg import measure_svg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

WIDTH = 640
"""Pixels across: sharp where a page shows pictures 640 CSS pixels wide, or 320 on a phone's finer screen."""
HEIGHT = 1280
"""Pixels down, for pictures that are much higher than wide."""
QUALITY = 80
"""Of WebP, 0 to 100."""
EFFORT = 2
"""Of WebP, 0 to 6. The default of 4 takes twice as long for 5 % fewer bytes, as measured in 2026-11."""
SMALL_BYTES = 60_000
"""About what a preview has. A file up to this is taken as it is."""
SMALL_DRAWING_BYTES = 200_000
"""Likewise for drawings and animations, which a copy in pixels would spoil."""
MAX_THREADS = 4
"""Each holds one decoded picture: up to 320 MB for the largest, 6 MB for one of 1536x1024."""


@dataclass(frozen=True)
class Preview:
    """A small copy of a picture.

    Attributes:
        url: a `data:` URL; empty for a large drawing, which is shown from its file.
        width: pixels; the original's where the copy is the original.
        height: pixels.
        see_through: whether what is behind it can be seen.
    """

    url: str
    width: int
    height: int
    see_through: bool = False


def make_previews(
    paths: Iterable[Path], finished: Callable[[], None] = lambda: None
) -> dict[Path, Preview | str]:
    """Make previews, several at a time.

    Args:
        paths: the pictures; each is done once.
        finished: called after each, by the caller's thread.

    Returns:
        For each path its preview, or what is wrong with the picture.
    """
    unique = list(dict.fromkeys(paths))
    found: dict[Path, Preview | str] = {}
    threads = max(1, min(MAX_THREADS, os.cpu_count() or 1, len(unique)))
    pool = ThreadPoolExecutor(threads, thread_name_prefix="genimage-preview")
    try:
        futures = {pool.submit(_attempt, path): path for path in unique}
        for future in as_completed(futures):
            found[futures[future]] = future.result()
            finished()
    finally:
        pool.shutdown(cancel_futures=True)
    return found


def _attempt(path: Path) -> Preview | str:
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    try:
        return make_preview(data)
    except UnidentifiedImageError:
        return "it cannot be shown: the bytes are no picture"
    # Pillow's decoders raise many kinds for damaged data.
    except Exception as error:
        return f"it cannot be shown: {error}"


def make_preview(data: bytes) -> Preview:
    """A small copy of one picture: WebP, or the file itself where it is small.

    Args:
        data: of the file.

    Raises:
        Exception: it is damaged; Pillow's decoders raise many kinds.
    """
    form = sniff(data)
    if form == "svg":
        width, height = measure_svg(data)
        url = _data_url(data, form) if len(data) <= SMALL_DRAWING_BYTES else ""
        return Preview(url, width, height, see_through=True)
    with Image.open(io.BytesIO(data)) as opened:
        width, height = opened.size
        if width * height > MAX_PIXELS:
            raise Image.DecompressionBombError(f"{width}x{height} pixels are too many")
        fits = width <= WIDTH and height <= HEIGHT and len(data) <= SMALL_BYTES
        is_animation = form == "gif" and len(data) <= SMALL_DRAWING_BYTES
        opened.draft("RGB", (WIDTH * 2, HEIGHT * 2))  # lets JPEG decode fewer pixels
        picture = _upright(opened)
        see_through = _is_see_through(picture)
        if form and (fits or is_animation):
            return Preview(_data_url(data, form), width, height, see_through)
        picture.thumbnail((WIDTH, HEIGHT), Image.Resampling.LANCZOS, reducing_gap=2.0)
        out = io.BytesIO()
        profile = opened.info.get("icc_profile") if opened.mode in ("RGB", "RGBA") else None
        picture.save(out, "WEBP", quality=QUALITY, method=EFFORT, icc_profile=profile)
        return Preview(_data_url(out.getvalue(), "webp"), *picture.size, see_through)


def _upright(picture: Image.Image) -> Image.Image:
    """The first frame as browsers show it, in RGB, or in RGBA where it has any transparency."""
    turned = ImageOps.exif_transpose(picture)
    if turned.mode.startswith("I"):
        # Pillow clips 16 bits of grey to 8 instead of scaling them.
        return turned.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    return turned.convert("RGBA" if turned.has_transparency_data else "RGB")


def _is_see_through(picture: Image.Image) -> bool:
    if picture.mode != "RGBA":
        return False
    histogram = picture.getchannel("A").histogram()
    return any(histogram[:255])


def _data_url(data: bytes, form: str) -> str:
    return f"data:{MIME_TYPES[form]};base64,{base64.b64encode(data).decode('ascii')}"
