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
    "mkdocs": 966,
    "readthedocs": 697,
}
"""CSS pixels of the text's column on a desk, by theme: the wider of those in Chromium at 1440 and 1920
(measured in 2026-11; Material has 688 at 1440)."""
BESIDE_TEXT = "(max-width: 36em)"
"""Up to here the stylesheet gives text no room beside a picture."""
AUTO = "auto, "
"""What `sizes` begins with where the browser may look at the page instead."""
_GRID_COLUMN = 208
"""The stylesheet's narrowest column of a grid, 12em, and the gap to the next."""

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
            return f"(max-width: {room}px) {percent}vw, {round(room * percent / 100)}px"
        if not room:  # Too large a file is better than one that is too small.
            return f"(max-width: {width}px) 100vw, {width}px"
        if columns > 1:
            fitting = max(1, min(columns, room // _GRID_COLUMN))
            beside = min(width, round(room / fitting))
            return f"(max-width: {min(2 * _GRID_COLUMN, width)}px) 100vw, {beside}px"
        if options.get("align") in ("left", "right"):
            return f"{BESIDE_TEXT} 100vw, {min(width, room // 2)}px"
        width = min(width, room)
        return f"(max-width: {width}px) 100vw, {width}px"


def social_size(width: int, height: int) -> tuple[int, int]:
    """The pixels of the picture for social media that is made from one of the given pixels."""
    shown = min(width, SOCIAL_WIDTH)
    return shown, max(1, round(shown * height / width))


def social_name(name: str) -> str:
    """What the picture for social media is called that is made from another."""
    return f"{name.rpartition('.')[0]}-social.jpg"
