"""Which smaller files a page offers for a picture, and how wide it is shown: `srcset` and `sizes`.

All of it follows from a picture's name and dimensions and from mkdocs.yml, so that a page can be written
before the picture is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.derived import ENDINGS
from mkdocs_genimage.formats import EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMATS = ("avif", "webp")
"""What `formats` may name, best first."""
SOCIAL_WIDTH = 1200
"""Pixels of a picture for social media: what Facebook, LinkedIn and X ask for at least for a large preview
(developers.facebook.com/docs/sharing/webmasters/images, 2026-11)."""

CONTENT_WIDTHS = {
    "material": 757,
    "materialx": 757,
    "mkdocs": 956,
    "readthedocs": 697,
}
"""CSS pixels of the text's column on a desk, by theme: the wider of those in Chromium at 1440 and 1920
(measured in 2026-11; Material has 688 at 1440). The mkdocs theme has 966, of which 10 are a border round
pictures."""
BESIDE_TEXT = "(max-width: 36em)"
"""Up to here the stylesheet gives text no room beside a picture."""
AUTO = "auto, "
"""What `sizes` begins with where the browser may look at the page instead."""
_GAP = 16
"""CSS pixels between the columns of the stylesheet's grids, 1em."""
_LEAST, _LEAST_OF_SHARES = 9 * 16, 6 * 16
"""CSS pixels of their narrowest columns, and of those of grids that have only a share of the text."""
_SPARE_FOR_FOUR = 12 * 16
"""CSS pixels more that four need to stand in one row and not in two."""

UNSOCIAL = (".gif", ".svg")
"""Endings of pictures that other sites do not show, or show a frame of."""

_FORMS = {ending: form for form, ending in EXTENSIONS.items()}
_UNCHANGED = ("gif", "svg")
"""An animation would be lost, and a drawing has no pixels."""


@dataclass(frozen=True)
class Candidate:
    """A file that a browser may choose.

    Attributes:
        name: its name in the site.
        width: pixels.
        form: its format, where it has to be made; empty for the picture itself.
    """

    name: str
    width: int
    form: str = ""


@dataclass(frozen=True)
class SourceSet:
    """The files of one format that a browser may choose from, smallest first."""

    mime_type: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Light:
    """What mkdocs.yml says about smaller files.

    Attributes:
        widths: pixels, ascending.
        formats: best first; empty for the picture's own.
        sizes: for all pictures, in place of what would be worked out.
        content_width: CSS pixels of the text's column; 0 where that is not known.
    """

    widths: tuple[int, ...] = ()
    formats: tuple[str, ...] = ()
    sizes: str = ""
    content_width: int = 0

    def source_sets(self, name: str, width: int) -> tuple[SourceSet, ...]:
        """The files for one picture; those of the last format are for browsers that know no other.

        Args:
            name: its file name in the site.
            width: its pixels.
        """
        if not (self.widths or self.formats):
            return ()
        stem, dot, ending = name.rpartition(".")
        own = _FORMS.get(dot + ending, "")
        if not own or own in _UNCHANGED:
            return ()
        found = []
        for form in self.formats or (own,):
            ending = ENDINGS[form]
            candidates = [
                Candidate(f"{stem}-{smaller}w{ending}", smaller, form)
                for smaller in self.widths
                if smaller < width
            ]
            if form != own:
                candidates.append(Candidate(f"{stem}-{width}w{ending}", width, form))
            elif candidates or len(self.formats) > 1:
                candidates.append(Candidate(name, width))
            if candidates:
                found.append(SourceSet(f"image/{form}", tuple(candidates)))
        return tuple(found)

    def sizes_of(self, options: Mapping[str, Any], width: int, columns: int) -> str:
        """How wide a picture is shown, for a browser that has not laid the page out yet.

        Where a picture is loaded late, browsers that can (Chromium from 126 on) look at the page instead.

        Args:
            options: the block's.
            width: CSS pixels of the picture where there is room for it.
            columns: pictures that stand side by side.
        """
        sizes = self.sizes or self._sizes(options, width, columns)
        return sizes if options.get("loading") == "eager" else AUTO + sizes

    def _sizes(self, options: Mapping[str, Any], width: int, columns: int) -> str:
        room = self.content_width
        share = str(options.get("width", ""))
        if share.endswith("%"):
            percent = int(share[:-1])
            if not room:
                return f"{percent}vw"
            shown = _column(columns, round(room * percent / 100), _LEAST_OF_SHARES)
            return f"(max-width: {room}px) {percent}vw, {shown}px"
        if not room:  # Too large a file is better than one that is too small.
            return f"(max-width: {width}px) 100vw, {width}px"
        # On phones two stand side by side, but for three of them.
        phone = "50vw" if columns > 1 and columns != 3 else "100vw"
        if options.get("align") in ("left", "right"):
            shown = _column(columns, room // 2, _LEAST_OF_SHARES)
            return f"{BESIDE_TEXT} {phone}, {min(width, shown)}px"
        if columns > 1:
            shown = min(width, _column(columns, room, _LEAST))
            if columns == 3:  # one below the other, also beside a tablet's sidebar
                return f"(max-width: 31em) {phone}, (max-width: 60em) 50vw, {shown}px"
            # Four have wider columns until there is room for all of them.
            limit = room if columns == 4 else 2 * shown + _GAP
            return f"(max-width: {limit}px) {phone}, {shown}px"
        width = min(width, room)
        return f"(max-width: {width}px) 100vw, {width}px"


def _column(count: int, room: int, least: int) -> int:
    """CSS pixels of each of some pictures that share a room, as the stylesheet has it.

    Args:
        count: pictures.
        room: CSS pixels.
        least: CSS pixels of the narrowest column where as many as wanted stand in a row.
    """
    wanted = count if count <= 4 else 3
    spare = _SPARE_FOR_FOUR if wanted == 4 else 0
    if room < wanted * (least + _GAP) - _GAP + spare:
        wanted = 2 if count > 3 and room >= 2 * (least + _GAP) - _GAP else 1
    return max(1, -(-(room + _GAP) // wanted) - _GAP)


def social_size(width: int, height: int) -> tuple[int, int]:
    """The pixels of the picture for social media that is made from one of the given pixels."""
    shown = min(width, SOCIAL_WIDTH)
    return shown, max(1, round(shown * height / width))


def social_name(name: str) -> str:
    """What the picture for social media is called that is made from another."""
    return f"{name.rpartition('.')[0]}-social.jpg"
