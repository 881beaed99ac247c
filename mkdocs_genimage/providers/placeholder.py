"""The placeholder provider: a quiet drawing with the prompt on it, where an image is missing.

It needs no key, no network and no money. The drawing is an SVG whose text the reader's browser
sets in its own fonts, so every script is readable and no font is shipped. It works through
`<img src>`: no script, no outside reference, no `foreignObject`.

The same call gives the same bytes on every platform: chance comes from a hash of the seed, the
arithmetic is what IEEE 754 rounds exactly, and numbers are written with fixed decimals. Only
characters newer than Unicode 13 (Python 3.10) may be measured differently by a newer Python.
"""

from __future__ import annotations

import hashlib
import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from mkdocs_genimage.providers import Answer, Review
from mkdocs_genimage.providers.lettering import (
    LINE_HEIGHT,
    excerpt,
    is_rtl,
    set_title,
    text_width,
)
from mkdocs_genimage.request import variant_stem

if TYPE_CHECKING:
    from mkdocs_genimage.providers import ProviderSettings
    from mkdocs_genimage.request import ImageRequest

UNKNOWN_SIZE = (1024, 1024)
"""Pixels to draw where the block leaves the size to the server."""


class Palette(NamedTuple):
    """The colours of one drawing, from the sky down to the ground that the text stands on.

    Picked in OKLCH with one ladder of lightness: 0.84 for `glow`, then 0.68, 0.56, 0.45 and 0.345 for
    `ground`, so that all have the same weight, on a light page and on a dark one. `ink` and `muted`
    keep 4.5:1 on `ground`, `ink` on the badge too (WCAG 2.2, 1.4.3).
    """

    sky: str
    glow: str
    disc: str
    far: str
    mid: str
    near: str
    ground: str
    ink: str
    muted: str


PALETTES = tuple(
    Palette(*colours.split())
    for colours in (
        "#848fc1 #f2bcae #ffe5ce #ac8bb3 #816896 #594d78 #363457 #fcf3ed #c5c5db",  # dusk
        "#5c9cb5 #d8cb9b #f7ebca #61a5ad #36818c #185f6c #02414d #f8f5ec #b2cdd4",  # lagoon
        "#5ea09b #d0cda1 #f4ecca #7da484 #558062 #366047 #1d422f #f7f5ec #b9cdc1",  # moss
        "#7395c0 #98d7e2 #f7ebca #749dc1 #52789f #3b567c #283958 #f8f5ec #bdc8db",  # ocean
        "#9f87b2 #ebc0a9 #ffe7cb #b589a1 #8f6582 #6a4865 #472f49 #fbf4ed #d1c2d1",  # plum
        "#7595be #e9c2a2 #fce8ca #bd8a7b #9a655b #764643 #532c2e #faf4ec #d9c0c0",  # ember
        "#8394a7 #d6c8b6 #fbe9ca #8c9aac #687689 #4b5667 #313a48 #f9f4ec #c2c8d0",  # slate
        "#9889b6 #a5d7c5 #eceecc #68a5a4 #3f817e #23615c #0e423d #f5f6ed #b5cdc9",  # fjord
    )
)
CHECKER = "#8b93a1"  # squares that stand for transparency; shows on white and on slate
BADGE_OPACITY = 0.14  # how much ink the badge is tinted with
FONTS = (
    "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Noto Sans','Helvetica Neue',Arial,"
    "sans-serif"
)

# --- Drawing ----------------------------------------------------------------------------------


class _Dice:
    """Chance from a seed."""

    def __init__(self, seed: str) -> None:
        self._bytes = iter(hashlib.shake_256(seed.encode("utf-8", "surrogatepass")).digest(256))

    def pick(self, count: int) -> int:
        return next(self._bytes) % count

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * next(self._bytes) / 255


def _n(*values: float) -> str:
    """Numbers with at most one decimal, as path data takes them."""
    texts = (f"{value:.1f}".removesuffix(".0") for value in values)
    return " ".join("0" if text == "-0" else text for text in texts)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _fade(name: str, start: str, end: str) -> str:
    """A gradient from top to bottom."""
    stops = f'<stop stop-color="{start}"/><stop offset="1" stop-color="{end}"/>'
    return f'<linearGradient id="{name}" x2="0" y2="1">{stops}</linearGradient>'


def _ridge(
    dice: _Dice, span: tuple[float, float], level: float, swing: float, count: int, *, pointed: bool
) -> str:
    """Path data of an open edge with about `count` crests and hollows that stray from `level`.

    It reaches beyond both sides of `span`. Pointed ones are mountains; hills are level at each crest.
    """
    step = (span[1] - span[0]) / count
    start = span[0] + step * dice.between(-0.5, 0.5)
    crest = dice.pick(2)
    points = []
    for i in range(-1, count + 2):
        turn = dice.between(0.3, 0.8) if (i + crest) % 2 else dice.between(-1, -0.45)
        points.append((start + step * (i + dice.between(-0.22, 0.22)), level + swing * turn))
    path = f"M{_n(*points[0])}"
    for (x, y), (next_x, next_y) in pairwise(points):
        bend = 0.46 * (next_x - x)
        curve = "L" if pointed else f"C{_n(x + bend, y, next_x - bend, next_y)} "
        path += curve + _n(next_x, next_y)
    return path


def _scene(dice: _Dice, palette: Palette, span: tuple[float, float], ground: float) -> str:
    """Sky, disc and three ridges in rising mist, above the y where the ground begins."""
    left, right = span
    reach = min(ground, 1.2 * (right - left))
    x = left + (right - left) * dice.between(*((0.22, 0.36), (0.62, 0.78))[dice.pick(2)])
    y = ground - reach * dice.between(0.5, 0.62)
    radius = reach * dice.between(0.13, 0.17)
    count = min(12, max(2, round(1.15 * (right - left) / reach)))
    pointed = bool(dice.pick(2))
    parts = [
        _fade("a", palette.sky, palette.glow),
        f'<rect width="{_n(right)}" height="{_n(ground - 0.2 * reach)}" fill="url(#a)"/>',
        f'<g fill="{palette.disc}">',
        f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(1.9 * radius)}" opacity=".18"/>',
        f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"/></g>',
    ]
    ridges = (  # crest, mist, height of the ridge, its swing and how deep it reaches, of `reach`
        (palette.far, palette.glow, 0.40, 0.11, 0.08),
        (palette.mid, palette.far, 0.24, 0.10, -0.04),
        (palette.near, palette.mid, 0.10, 0.07, -0.25),
    )
    for i, (colour, mist, rise, swing, foot) in enumerate(ridges):
        tall, many = (1.25 * swing, 2 * count) if pointed else (swing, count)
        level = ground - reach * rise
        edge = _ridge(dice, span, level, reach * tall, many + i % 2, pointed=pointed)
        end = f"V{_n(ground - reach * foot)}H{_n(left - right)}Z"
        parts += [_fade("bcd"[i], colour, mist), f'<path fill="url(#{"bcd"[i]})" d="{edge}{end}"/>']
    return "".join(parts)


def _footer(palette: Palette, label: str, caption: str, width: float) -> str:
    """A badge and, where it fits beside it, a caption; set in 10 px, standing on y = 0."""
    badge = 33.7 + 10 * text_width(label)
    if badge > width:
        return ""
    icon = '<rect x="9" y="-15" width="11.2" height="9" rx="1.8"/>'
    icon += '<path d="M9-7.6l3.6-3.6 5 5M15.2-8.8l2-2 3 3"/>'
    text = f'<text x="24.6" y="-7" font-weight="600">{_escape(label)}</text>'
    if badge + 10 + 10 * text_width(caption) <= width:
        text += f'<text x="{_n(width)}" y="-7" fill="{palette.muted}" text-anchor="end">'
        text += f"{_escape(caption)}</text>"
    return (
        f'<rect y="-21" width="{_n(badge)}" height="21" rx="10.5" fill-opacity="{BADGE_OPACITY}"/>'
        f'<g fill="none" stroke="{palette.ink}" stroke-linejoin="round">{icon}</g>{text}'
    )


def draw(
    width: int,
    height: int,
    text: str,
    *,
    seed: str = "",
    label: str = "Placeholder",
    caption: str = "",
    transparent: bool = False,
) -> bytes:
    """Draw a placeholder.

    Args:
        width: in px, at least 1.
        height: in px, at least 1.
        text: the prompt; as much of it is shown as there is room for in a readable size.
        seed: decides colours and shapes; the key of an image gives each block its own look.
        label: the name on the badge.
        caption: what stands in the corner; the dimensions by default.
        transparent: draw a card on a checkerboard that lets the page shine through.

    Returns:
        An SVG document in UTF-8.

    Raises:
        ValueError: a side is shorter than 1 px.
    """
    if width < 1 or height < 1:
        raise ValueError(f"cannot draw {width}x{height} px")
    line, label = excerpt(text), excerpt(label)
    caption = excerpt(caption) or f"{width} \N{MULTIPLICATION SIGN} {height}"
    dice = _Dice(seed)
    palette = PALETTES[dice.pick(len(PALETTES))]
    # The unit of type: the side of a square of this area, less where one side is short.
    unit = min(math.sqrt(width * height), 3 * height, 1.25 * width)
    pad = 0.085 * min(unit, width)
    banner = width > 2.6 * height  # the text beside the scene, not below it
    scale = max(1.0, (0.0034 if banner else 0.00245) * unit)  # of the footer
    right = 0.6 * width if banner else width - pad

    footer = ""
    if 84 * scale < height:
        footer = _footer(palette, label, caption, (right - pad) / scale)
    below = 34 * scale if footer else 0.0
    room = height - 1.6 * pad - below if banner else 0.56 * height - 1.9 * pad - below
    title = set_title(line, right - pad, room, unit=unit, most=4 if banner else 5)
    body = title.size * (1 + LINE_HEIGHT * (len(title.lines) - 1)) if title.lines else 0.0
    bottom = (height + body + below) / 2 if banner else height - pad

    if banner:
        scene = _scene(dice, palette, (0.62 * width, width), height)
        ground = f"M0 0H{_n(0.64 * width)}C{_n(0.7 * width, 0.35 * height, 0.66 * width)} "
        ground += f"{_n(0.75 * height, 0.76 * width)} {height}H0Z"
    else:
        top = (
            min(bottom - below - body - 0.9 * pad, 0.64 * height) if below + body else 0.7 * height
        )
        scene = _scene(dice, palette, (0, width), top)
        edge = _ridge(dice, (0, width), top, 0.04 * min(top, width), 2, pointed=False)
        ground = f"{edge}V{height}H{-width}Z"
    picture = f'{scene}<path fill="{palette.ground}" d="{ground}"/>'

    inset = 0.45 * pad
    frame = f'<rect x="{_n(inset)}" y="{_n(inset)}" width="{_n(width - 2 * inset)}" '
    frame += f'height="{_n(height - 2 * inset)}" rx="{_n(0.5 * inset)}"'
    if transparent:
        cell, half = _n(inset), _n(0.5 * inset)
        picture = (
            f'<pattern id="e" width="{cell}" height="{cell}" patternUnits="userSpaceOnUse">'
            f'<path fill="{CHECKER}" fill-opacity=".35" '
            f'd="M0 0h{half}V{cell}H{cell}V{half}H0Z"/></pattern>'
            f'<rect width="{width}" height="{height}" fill="url(#e)"/>'
            f'<clipPath id="f">{frame}/></clipPath><g clip-path="url(#f)">{picture}</g>'
        )
    rtl = is_rtl(line)
    y = bottom - below - body + 0.8 * title.size
    lines = "".join(
        f'<text x="{_n(right if rtl else pad)}" y="{_n(y + i * title.size * LINE_HEIGHT)}">'
        f"{_escape(content)}</text>"
        for i, content in enumerate(title.lines)
    )
    way = ' direction="rtl" unicode-bidi="embed"' if rtl else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{picture}'
        f'{frame} fill="none" stroke="{palette.ink}" stroke-opacity=".6" '
        f'stroke-width="{_n(max(1.0, 0.0024 * unit))}" '
        f'stroke-dasharray="{_n(max(2.0, 0.009 * unit))}"/>'
        f'<g fill="{palette.ink}" font-family="{FONTS}">'
        f'<g font-size="{_n(title.size)}" font-weight="600"{way}>{lines}</g>'
        f'<g font-size="10" transform="translate({_n(pad, bottom)}) scale({scale:.3f})">{footer}</g>'
        "</g></svg>\n"
    ).encode()


# --- Provider ---------------------------------------------------------------------------------


class PlaceholderProvider:
    """Draws a placeholder for every request, at once and free of charge."""

    name = "placeholder"
    host = ""
    draft = True

    def unready(self) -> str:
        """The empty string: nothing is ever missing."""
        return ""

    def review(self, request: ImageRequest, count: int) -> Review:
        """Everything can be drawn."""
        return Review()

    def generate(self, request: ImageRequest, count: int) -> Answer:
        """Draw `count` placeholders of the request's size, each with a look of its own."""
        size = str(request.options.get("size", "auto"))
        match = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", size)
        width, height = (int(match[1]), int(match[2])) if match else UNKNOWN_SIZE
        images = [
            draw(
                width,
                height,
                request.subject or request.prompt,
                seed=variant_stem(request.key, variant),
                label=f"Placeholder {variant} of {count}" if count > 1 else "Placeholder",
                caption="" if match else f"size: {size}",
                transparent=request.options.get("background") == "transparent",
            )
            for variant in range(1, count + 1)
        ]
        return Answer(images)


def create(settings: ProviderSettings) -> PlaceholderProvider:  # noqa: ARG001  # it needs none
    """The provider; what the entry point names."""
    return PlaceholderProvider()
