"""SVG answers: measured, and taken only if nothing in them can run or reach out.

An `<img>` runs no script, but a reader may open the file itself, and then it is a page of the site.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from mkdocs_genimage.errors import GenimageError

MAX_SVG_BYTES = 5_000_000
"""Ten times what drawings need; parsing takes many times the bytes in memory."""
UNKNOWN_SIZE = (1024, 1024)
"""Pixels of a drawing that says nothing of its size."""
MAX_SIDE = 16_384

_NAMESPACE = "{http://www.w3.org/2000/svg}"
_ACTIVE = frozenset(
    {"script", "foreignobject", "iframe", "embed", "object", "audio", "video", "handler"}
)
_OWN_OR_PICTURE = re.compile(r"\s*(?:#|data:image/(?:png|jpeg|webp|gif)[;,])", re.IGNORECASE)
_REACHES_OUT = re.compile(
    r"@import|expression\s*\(|javascript:|url\(\s*['\"]?(?!\s*(?:#|data:image/(?:png|jpeg|webp|gif)[;,]))",
    re.IGNORECASE,
)
_LENGTH = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(?:px)?\s*")


class SvgError(GenimageError):
    """A drawing that is damaged, or that could do something."""


def measure_svg(data: bytes) -> tuple[int, int]:
    """Width and height of a drawing, in pixels.

    Raises:
        SvgError: it is no whole SVG, or holds anything that runs, or that loads from elsewhere.
    """
    if len(data) > MAX_SVG_BYTES:
        raise SvgError(
            f"the drawing has {len(data):,} bytes, more than the limit of {MAX_SVG_BYTES:,}"
        )
    # Before the parser sees it: entities can be made to grow without end, and to read files.
    if re.search(rb"<!(?:DOCTYPE|ENTITY)|<\?xml-stylesheet", data, re.IGNORECASE):
        raise SvgError(
            "the drawing has a document type or a stylesheet of its own, which is not taken"
        )
    try:
        root = ET.fromstring(data)  # noqa: S314 - without entities, and limited in size
    except (ET.ParseError, ValueError, LookupError) as error:
        raise SvgError(f"the drawing is damaged or incomplete: {error}") from None
    if root.tag != f"{_NAMESPACE}svg":
        raise SvgError("the drawing's outermost element is no <svg>")
    for element in root.iter():
        _check(element)
    return _size(root)


def _check(element: ET.Element) -> None:
    name = element.tag.rpartition("}")[2]
    if name.lower() in _ACTIVE:
        raise SvgError(f"the drawing holds <{name}>, which is not taken")
    if name == "style" and _REACHES_OUT.search(element.text or ""):
        raise SvgError("the drawing's styles load something from elsewhere")
    for attribute, value in element.attrib.items():
        word = attribute.rpartition("}")[2].lower()
        # Animations can change a link as they change a colour.
        is_link = word in ("href", "src") or (word == "attributename" and "href" in value.lower())
        if word.startswith("on") or (is_link and not _OWN_OR_PICTURE.match(value)):
            raise SvgError(
                f"the drawing's <{name}> has '{word}', which is not taken with this value"
            )
        if _REACHES_OUT.search(value):
            raise SvgError(f"the drawing's <{name}> loads something from elsewhere")


def _size(root: ET.Element) -> tuple[int, int]:
    lengths = [_LENGTH.fullmatch(root.get(name, "")) for name in ("width", "height")]
    if all(lengths):
        sides = [float(length[1]) for length in lengths if length]
    else:
        box = re.split(r"[\s,]+", root.get("viewBox", "").strip())
        try:
            sides = [float(side) for side in box[2:4]]
        except ValueError:
            sides = []
    if len(sides) != 2 or not all(1 <= side <= MAX_SIDE for side in sides):
        return UNKNOWN_SIZE
    return round(sides[0]), round(sides[1])
