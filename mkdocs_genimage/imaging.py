"""Everything that looks at pixels. Imports Pillow, so it is itself imported only where pixels are touched."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import ExifTags, Image, ImageChops

from mkdocs_genimage import workbench
from mkdocs_genimage.errors import GenimageError
from mkdocs_genimage.formats import sniff
from mkdocs_genimage.svg import SvgError, measure_svg

MAX_PIXELS = 80_000_000
"""Largest picture that is decoded: 2.4 times 8K UHD, and below Pillow's own limit of 89 million."""

_PNG_END = b"IEND\xaeB`\x82"
_GIF_END = b"\x00;"

MAX_TINT = 24
"""Levels of 255 by which the colours of a grey may differ; JPEG leaves such traces."""
FULL = 255


class ImageError(GenimageError):
    """Bytes that are not a whole picture."""


@dataclass(frozen=True)
class ImageInfo:
    """What a picture's bytes say: format (a key of `formats.EXTENSIONS`), width and height in pixels.

    Those are what browsers show, which turn a photograph as its EXIF data say.
    """

    format: str
    width: int
    height: int


def inspect(data: bytes) -> ImageInfo:
    """Decode a picture to its last byte and measure it.

    Raises:
        ImageError: no PNG, JPEG, WebP, GIF or SVG, torn, more than `MAX_PIXELS`, or an SVG that could do
            something.
    """
    return workbench.decoding.run(lambda: _inspect(data, as_shown=True))


def _inspect(data: bytes, *, as_shown: bool = False) -> ImageInfo:
    form = sniff(data)
    if form is None:
        raise ImageError("the bytes are no PNG, JPEG, WebP, GIF or SVG picture")
    if form == "svg":
        try:
            return ImageInfo(form, *measure_svg(data))
        except SvgError as error:
            raise ImageError(str(error)) from None
    try:
        with Image.open(io.BytesIO(data), formats=[form.upper()]) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ImageError(
                    f"the picture has {width}x{height} pixels, more than the limit of {MAX_PIXELS:,}"
                )
            image.load()
            if as_shown and _is_turned(image):
                width, height = height, width
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(f"the picture has more pixels than the limit of {MAX_PIXELS:,}") from None
    except ImageError:
        raise
    # Pillow's decoders raise many kinds for damaged data (struct.error, EOFError, SyntaxError, ...).
    except Exception as error:
        raise ImageError(f"the picture is damaged or incomplete: {error}") from None
    # Pillow takes these two without their end. What stands behind it does no harm.
    if (form == "png" and data.rfind(_PNG_END) < 0) or (
        form == "gif" and _GIF_END not in data[-16:]
    ):
        raise ImageError("the picture is damaged or incomplete: its end is missing")
    return ImageInfo(form, width, height)


def _is_turned(image: Image.Image) -> bool:
    """Whether its EXIF data turn a picture by a quarter (tag 0x0112 of EXIF 3.0: 5 to 8)."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in range(5, 9)
    except Exception:  # damaged EXIF data are no reason to refuse a picture
        return False


def prepare_mask(mask: bytes, image: bytes, mode: str = "auto") -> tuple[bytes, str]:
    """A mask as the Images API wants it: transparent where the image is to be redrawn.

    Tools that came before the API draw masks in black and white, white for what is redrawn.

    Args:
        mask: a PNG file.
        image: the picture that it belongs to; both have the same dimensions.
        mode: `alpha` (its transparency tells), `white` (white tells), or `auto` (transparency where it has
            any channel for it, else white).

    Returns:
        The mask, unchanged where its transparency tells; and a warning about a mask that marks nothing
        or everything, or an empty text.

    Raises:
        ImageError: it does not fit the image, or cannot be read in this mode.
    """
    return workbench.decoding.run(lambda: _prepare_mask(mask, image, mode))


def _prepare_mask(mask: bytes, image: bytes, mode: str) -> tuple[bytes, str]:
    target = _inspect(image)
    if _inspect(mask).format != "png":
        raise ImageError("the mask is no PNG picture")
    with Image.open(io.BytesIO(mask), formats=["PNG"]) as picture:
        if picture.size != (target.width, target.height):
            raise ImageError(
                f"the mask has {picture.width}x{picture.height} pixels and its image "
                f"{target.width}x{target.height}: both need the same dimensions"
            )
        has_alpha = "A" in picture.getbands() or "transparency" in picture.info
        if mode == "alpha" and not has_alpha:
            raise ImageError(
                "the mask has no transparency. Where white marks what is redrawn, set 'mask_mode: white'"
            )
        if mode == "alpha" or (mode == "auto" and has_alpha):
            return mask, _coverage(_alpha(picture), "alpha")
        colours = _opaque(picture)
        red, green, blue = colours.split()
        if mode == "auto" and (_apart(red, green) > MAX_TINT or _apart(green, blue) > MAX_TINT):
            raise ImageError(
                "the mask has no transparency and is not black and white. Draw what is to be redrawn in "
                "white on black, or make it transparent"
            )
        alpha = ImageChops.invert(colours.convert("L"))
        # The colours stay, for servers that look at these.
        colours.putalpha(alpha)
        out = io.BytesIO()
        colours.save(out, "PNG", optimize=True)
        return out.getvalue(), _coverage(alpha, "white")


def white_mask(mask: bytes) -> bytes:
    """A mask that is transparent where the picture is to be redrawn, as one that is white there."""
    return workbench.decoding.run(lambda: _white_mask(mask))


def _white_mask(mask: bytes) -> bytes:
    with Image.open(io.BytesIO(mask), formats=["PNG"]) as picture:
        grey = ImageChops.invert(picture.convert("RGBA").getchannel("A"))
        out = io.BytesIO()
        grey.save(out, "PNG", optimize=True)
        return out.getvalue()


def _opaque(picture: Image.Image) -> Image.Image:
    """A picture in RGB, on black where it is transparent: there is no white to be seen there."""
    if picture.mode.startswith("I"):
        # Pillow clips 16 bits of grey to 8 instead of scaling them.
        return (
            picture.convert("I").point(lambda level: level * (1 / 256)).convert("L").convert("RGB")
        )
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    seen = picture.convert("RGBA")
    flat = Image.new("RGB", seen.size)
    flat.paste(seen, mask=seen.getchannel("A"))
    return flat


def _alpha(picture: Image.Image) -> Image.Image:
    """The transparency of a picture that has one."""
    see_through = picture.info.get("transparency")
    if picture.mode == "1" and isinstance(see_through, int):
        # Pillow before 13 does not convert these as they are meant: one of the two colours is transparent.
        grey = picture.convert("L")
        return ImageChops.invert(grey) if see_through else grey
    return picture.convert("RGBA").getchannel("A")


def _apart(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of two bands."""
    histogram = ImageChops.difference(one, other).histogram()
    return max(level for level, count in enumerate(histogram) if count)


def _coverage(alpha: Image.Image, mode: str) -> str:
    levels = [level for level, count in enumerate(alpha.histogram()) if count]
    least, most = levels[0], levels[-1]
    if least == FULL:
        other = "white" if mode == "alpha" else "alpha"
        return f"the mask marks nothing to be redrawn. Is it meant as 'mask_mode: {other}'?"
    return "the mask marks the whole picture to be redrawn" if most == 0 else ""
