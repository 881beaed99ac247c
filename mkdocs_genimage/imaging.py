"""Everything that looks at pixels. Imports Pillow, so it is itself imported only where pixels are touched."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from mkdocs_genimage.errors import GenimageError
from mkdocs_genimage.formats import sniff

MAX_PIXELS = 80_000_000
"""Largest picture that is decoded: 2.4 times 8K UHD, and below Pillow's own limit of 89 million."""


_PNG_END = b"IEND\xaeB`\x82"
_GIF_END = b"\x00;"


class ImageError(GenimageError):
    """Bytes that are not a whole picture."""


@dataclass(frozen=True)
class ImageInfo:
    """What a picture's bytes say: format (a key of `formats.EXTENSIONS`), width and height in pixels."""

    format: str
    width: int
    height: int


def inspect(data: bytes) -> ImageInfo:
    """Decode a picture to its last byte and measure it.

    Raises:
        ImageError: no PNG, JPEG, WebP or GIF, torn, or more than `MAX_PIXELS`.
    """
    form = sniff(data)
    if form is None or form == "svg":
        raise ImageError("the bytes are no PNG, JPEG, WebP or GIF picture")
    try:
        with Image.open(io.BytesIO(data), formats=[form.upper()]) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ImageError(
                    f"the picture has {width}x{height} pixels, more than the limit of {MAX_PIXELS:,}"
                )
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(f"the picture has more pixels than the limit of {MAX_PIXELS:,}") from None
    except ImageError:
        raise
    # Pillow's decoders raise many kinds for damaged data (struct.error, EOFError, SyntaxError, ...).
    except Exception as error:
        raise ImageError(f"the picture is damaged or incomplete: {error}") from None
    # Pillow takes these two without their end. What stands behind it does no harm.
    if (form == "png" and _PNG_END not in data) or (form == "gif" and _GIF_END not in data[-16:]):
        raise ImageError("the picture is damaged or incomplete: its end is missing")
    return ImageInfo(form, width, height)
