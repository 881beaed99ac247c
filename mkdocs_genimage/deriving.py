"""Smaller files made from a picture: decode, resize, encode.

Imports Pillow, so it is itself imported only where a file has to be made.

Of what a picture carries beside its pixels, nothing is copied. A place or a camera's number in EXIF is for
nobody to see, and a C2PA manifest vouches for bytes that are not the same any more: a reader would be told
of tampering. The one thing that a smaller file says is what kind of source it comes from.
"""

from __future__ import annotations

import io
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import PIL
from PIL import Image, ImageChops, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

from mkdocs_genimage.formats import EXTENSIONS, sniff
from mkdocs_genimage.imaging import FULL, MAX_PIXELS, ImageError

if TYPE_CHECKING:
    from pathlib import Path

    from mkdocs_genimage.derived import Recipe

PARAMETERS: dict[str, dict[str, Any]] = {
    "webp": {"quality": 80, "method": 5},
    "avif": {"quality": 60, "speed": 6, "max_threads": 1},
    "jpeg": {"quality": 85, "progressive": True, "optimize": True},
    "png": {"optimize": True},
}
"""How each format is written. Measured in 2026-11 with Pillow 13 on a noisy picture of 1536x1024:

- WebP of method 4, 5, 6: 0.14, 0.16, 0.31 s for 231, 215, 209 kB. A higher quality costs bytes at once: 85
  has 36 % more than 80.
- AVIF of quality 60 is as close to the original as that (PSNR 32.1 and 31.6 dB) in 182 kB. Speed 6 takes
  0.8 s; 5 takes 3.8 s for 2 % less. One thread: the pictures themselves are shared out among threads.
"""
LOSSLESS: dict[str, Any] = {"lossless": True, "quality": 75, "method": 4}
"""For drawings with few colours. The quality is effort here."""
REDUCING_GAP = 3.0
"""A large picture is first shrunk by whole numbers, to no less than three times what is wanted: Pillow's
documentation calls the result nearly the same as without. From 3840 to 480 pixels that halves the time."""
PALETTE_COLOURS = 256
WORTH_LOSING = 0.9
"""To lose quality once more, a file of the same format and dimensions has to be so much smaller."""

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""The vocabulary of the IPTC (iptc.org/std/NewsCodes/treeview/DigitalSourceType, 2026-11)."""
_XMP = (
    '<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    "Iptc4xmpExt:DigitalSourceType={uri}/>"
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)
_XMP_KEYWORD = "XML:com.adobe.xmp"
"""What a PNG's text chunk for it is called (XMP specification, part 3)."""

_MOVING = ("gif", "png", "webp")
"""Formats whose further frames are an animation. Those of a JPEG are other views, as cameras store them."""
_FORMATS = [form.upper() for form in EXTENSIONS if form != "svg"]
_IHDR_DEPTH = 24
"""Where a PNG says how many bits a sample has."""


@lru_cache
def can_write(form: str) -> str:
    """Why this Pillow cannot write a format, with the cure; empty if it can.

    Args:
        form: `webp`, `avif`, `png` or `jpeg`.
    """
    try:
        Image.new("RGB", (1, 1)).save(io.BytesIO(), form.upper())
    # Which error it is depends on what is missing: all of it, or the library's encoder.
    except Exception:
        least = " 11.3 or newer" if form == "avif" else ""
        return (
            f"the installed Pillow {PIL.__version__} cannot write {form.upper()}. Install Pillow{least} from "
            f"PyPI (pip install -U Pillow), or take {form} out of 'formats'"
        )
    return ""


def count_pixels(path: Path) -> int:
    """How many pixels a picture has: what the memory to decode it goes by.

    Raises:
        ImageError: it cannot be opened.
    """
    try:
        with Image.open(path, formats=_FORMATS) as image:
            return image.width * image.height
    except Exception as error:
        raise _damaged(error) from None


class Picture:
    """A picture that smaller files are made from. Nothing is decoded before the first is asked for.

    Args:
        data: its bytes.

    Raises:
        ImageError: no PNG, JPEG, WebP or GIF, or more than `MAX_PIXELS`.
    """

    def __init__(self, data: bytes) -> None:
        form = sniff(data)
        if form is None or form == "svg":
            raise ImageError("the bytes are no PNG, JPEG, WebP or GIF picture")
        self._data = data
        self._form = form
        try:
            self._file = Image.open(io.BytesIO(data), formats=[form.upper()])
            self._is_moving = form in _MOVING and getattr(self._file, "n_frames", 1) > 1
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise ImageError(_too_large()) from None
        # Pillow's readers raise many kinds for damaged data (struct.error, EOFError, SyntaxError, ...).
        except Exception as error:
            raise _damaged(error) from None
        if self._file.width * self._file.height > MAX_PIXELS:
            raise ImageError(_too_large())

    def make(self, recipe: Recipe) -> bytes:
        """Make one file.

        An animation is given back as it is, but for a JPEG: that cannot move, and shows the first frame.

        Raises:
            ImageError: the picture is damaged, or the format cannot be written.
        """
        if self._is_moving and recipe.form != "jpeg":
            return self._data
        if reason := can_write(recipe.form):
            raise ImageError(reason)
        try:
            image = self._resized(recipe.width)
        except Exception as error:
            raise _damaged(error) from None
        try:
            return self._encoded(image, recipe)
        except Exception as error:
            form = recipe.form.upper()
            raise ImageError(
                f"{image.width}x{image.height} pixels cannot be written as {form}: {error}"
            ) from None

    def _encoded(self, image: Image.Image, recipe: Recipe) -> bytes:
        result = _save(image, recipe)
        if recipe.form == "webp" and len(result) >= len(self._data):
            result = min(result, _save(image, recipe, **LOSSLESS), key=len)
        if recipe.form == "png" and self._file.mode == "P":
            # Resizing makes new colours, and a PNG that has them all may be larger than the picture itself.
            result = min(result, _save(image.quantize(PALETTE_COLOURS), recipe), key=len)
        if recipe.form == self._form and image.size == self._pixels_as_shown.size:
            is_lossy = recipe.form != "png"
            most = len(self._data) * (WORTH_LOSING if is_lossy else 1)
            if len(result) >= most:
                return self._data
        return result

    def _resized(self, width: int) -> Image.Image:
        whole = self._pixels_as_shown
        width = max(1, min(width, whole.width))
        if width == whole.width:
            return whole
        size = (width, max(1, round(whole.height * width / whole.width)))
        if whole.mode != "RGBA":
            return whole.resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
        small = self._premultiplied.resize(
            size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP
        )
        return small.convert("RGBA")

    @cached_property
    def _premultiplied(self) -> Image.Image:
        """Each colour weighed by its opacity: what cannot be seen must not shine through at an edge."""
        return self._pixels_as_shown.convert("RGBa")

    @cached_property
    def _pixels_as_shown(self) -> Image.Image:
        """The picture in L, RGB or RGBA as a browser shows it: turned, and in sRGB."""
        # Its quick way to decode a JPEG at half size (`draft`) is of no use: the largest of the smaller files
        # mostly is more than half as wide.
        self._file.load()
        if "exif" in self._file.info:
            ImageOps.exif_transpose(self._file, in_place=True)
        icc_profile = self._file.info.get("icc_profile")
        image = _plain(self._file, self._data)
        image.info = {"icc_profile": icc_profile} if icc_profile else {}
        image = _in_srgb(image)
        if image.mode == "RGBA" and image.getchannel("A").getextrema() == (FULL, FULL):
            image = image.convert("RGB")
        return image


def _plain(image: Image.Image, data: bytes) -> Image.Image:
    """A picture in L, RGB, RGBA or CMYK."""
    see_through = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        return _plain_16_bit(image, see_through)
    if image.mode in ("1", "L") and isinstance(see_through, int):
        # The one grey that is transparent, which Pillow leaves in the bits of the file (one that has a
        # single bit: Pillow before 13).
        depth = data[_IHDR_DEPTH] if data.startswith(b"\x89PNG") else 8
        most = 2**depth - 1
        grey = image.convert("L")
        grey.info["transparency"] = min(see_through, most) * 255 // most
        return grey.convert("RGBA")
    if image.mode == "LA" or see_through is not None:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "RGBA", "CMYK") else image.convert("RGB")


def _plain_16_bit(image: Image.Image, see_through: Any) -> Image.Image:
    """A grey picture of 16 bits, which Pillow would clip to 8 instead of scaling it."""
    raw = image.tobytes("raw", "I;16B")
    high = Image.frombytes("L", image.size, raw[0::2])
    if not isinstance(see_through, int):
        return high
    low = Image.frombytes("L", image.size, raw[1::2])
    level = divmod(see_through, 256)
    is_level = ImageChops.darker(
        high.point([255 * (value == level[0]) for value in range(256)]),
        low.point([255 * (value == level[1]) for value in range(256)]),
    )
    whole = high.convert("RGBA")
    whole.putalpha(ImageChops.invert(is_level))
    return whole


def _in_srgb(image: Image.Image) -> Image.Image:
    """A picture without its ICC profile, its colours changed to look the same.

    A profile that is broken, or of another kind of picture, is ignored, as browsers do. Where Pillow has no
    colour management, the profile is kept.
    """
    icc_profile = image.info.pop("icc_profile", None)
    if icc_profile:
        colours = image.convert("RGB") if image.mode == "RGBA" else image
        try:
            changed = ImageCms.profileToProfile(
                colours,
                ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except ImportError:
            if image.mode == "RGB" or (image.mode == "RGBA" and icc_profile[16:20] == b"RGB "):
                image.info["icc_profile"] = icc_profile
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            pass
        else:
            assert changed is not None
            if image.mode == "RGBA":
                changed.putalpha(image.getchannel("A"))
            image = changed
            image.info = {}
    return image.convert("RGB") if image.mode == "CMYK" else image


def _save(image: Image.Image, recipe: Recipe, **other: Any) -> bytes:
    """Encode a picture, with nothing but a profile that it still has and the kind of its source."""
    if recipe.form == "jpeg" and image.mode == "RGBA":
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A"))
        flat.info = image.info
        image = flat
    parameters = {**(other or PARAMETERS[recipe.form])}
    if "icc_profile" in image.info:
        parameters["icc_profile"] = image.info["icc_profile"]
    if recipe.source_type:
        packet = _XMP.format(uri=quoteattr(SOURCE_TYPES + recipe.source_type))
        if recipe.form == "png":
            text = PngInfo()
            text.add_itxt(_XMP_KEYWORD, packet)
            parameters["pnginfo"] = text
        else:
            parameters["xmp"] = packet.encode()
    out = io.BytesIO()
    image.save(out, recipe.form.upper(), **parameters)
    return out.getvalue()


def _too_large() -> str:
    return f"the picture has more pixels than the limit of {MAX_PIXELS:,}"


def _damaged(error: Exception) -> ImageError:
    if isinstance(error, MemoryError):
        return ImageError("there is not enough memory to decode the picture")
    return ImageError(f"the picture is damaged or incomplete: {error}")
