"""One conversion of a Markdown text: which fences its markers stand for, and who makes their figures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from xml.etree.ElementTree import Element

    from markdown import Markdown

    from mkdocs_genimage.fences import Fence


class Document(Protocol):
    """One conversion of one Markdown text."""

    def figure(self, fence: Fence) -> Element:
        """The node for a fence that reached the page.

        Called once for each time it stands there; never for examples in code or comments.
        """

    def near_miss(self, line: str, index: int, advice: str) -> None:
        """Take note of a line that looks like a genimage fence but is none.

        Args:
            line: its text.
            index: its 0-based index in the lines that were scanned.
            advice: what is wrong with it and what to write instead.
        """


class Renderer(Protocol):
    """What the extension asks for pictures."""

    def prepare(self, lines: list[str], md: Markdown) -> list[str]:
        """The lines to scan, before anything else.

        A chance to put fences back that stand as links in the text.
        """

    def document(self, fences: Sequence[Fence], md: Markdown) -> Document:
        """Begin a conversion; `fences` are all that were found in the text, in order."""


# NormalizeWhitespace (30) deletes Python-Markdown's own STX and ETX, so a marker that is made above it
# is put between SOH and EOT. pymdown-extensions, where in use, turns just these into STX and ETX (29.9).
# The number is glued to the word lest an abbreviation "genimage" be found in it.
MARKER = "\x01genimage{}\x04"
MARKER_PATTERN = r"[\x01\x02]genimage(?P<number>\d+)[\x03\x04]"
_SOURCE_RE = re.compile(rf"(?:^(?P<before>(?:&gt;|[> ])*))?{MARKER_PATTERN}", re.MULTILINE)


class Conversion:
    """What one Markdown object knows of the text that it is converting.

    It belongs to the Markdown object and not to the extension: one extension may serve many of them, and
    those may be at work at the same time, one within the other.
    """

    def __init__(self) -> None:
        self.fences: list[Fence] = []
        self._document: Document | None = None
        self._lines: Sequence[str] = ()
        self._tab_length = 4
        self._html: dict[str, str] = {}

    def begin(
        self, document: Document | None, fences: list[Fence], lines: Sequence[str], tab_length: int
    ) -> None:
        """Forget the text before and take up another, given as the lines that were scanned."""
        self._document = document
        self.fences = fences
        self._lines = lines
        self._tab_length = tab_length
        self._html = {}

    def _source(self, fence: Fence) -> list[str]:
        """A fence with what stood before it, as NormalizeWhitespace would have left it."""
        lines = (line.expandtabs(self._tab_length) for line in self._lines[fence.start : fence.end])
        return [line if line.strip() else "" for line in lines]

    def is_marker(self, match: re.Match[str]) -> bool:
        """Whether what looks like a marker stands for a fence of this text."""
        return int(match["number"]) < len(self.fences)

    def figure(self, match: re.Match[str]) -> Element:
        """A new node for a marker that reached the page."""
        assert self._document is not None
        return self._document.figure(self.fences[int(match["number"])])

    def html(self, match: re.Match[str], serialize: Callable[[Element], str]) -> str:
        """The HTML for a marker, made no more than once: postprocessors may run many times."""
        if match["number"] not in self._html:
            self._html[match["number"]] = serialize(self.figure(match))
        return self._html[match["number"]]

    def restore(self, text: str, escape: Callable[[str], str]) -> str:
        """Put fences back as they were written.

        Args:
            text: what their markers stand in, escaped.
            escape: does to a line what was done to that text.
        """

        def source(match: re.Match[str]) -> str:
            if not self.is_marker(match):
                return match[0]
            fence = self.fences[int(match["number"])]
            lines = self._source(fence)
            # As much is gone from the front of each line as from the front of the marker's.
            width = len(lines[0]) - len(fence.source[0])
            left = len((match["before"] or "").replace("&gt;", ">"))
            return "\n".join(escape(line[max(width - left, 0) :]) for line in lines)

        return _SOURCE_RE.sub(source, text)
