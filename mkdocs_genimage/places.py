"""Where a block stands in the author's own file, for messages. Worked out only when one is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING

from mkdocs_genimage.fences import Fence, Scan, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


PLACED = re.compile(
    r"(?P<place>(?P<file>\S.*?)(?::(?P<line>\d+)| \(from a snippet\))): (?P<message>(?s:.*))"
)
"""A message that begins with its place, as `Source.at` writes it."""


def align(left: Sequence[Fence], right: Sequence[Fence]) -> dict[int, int]:
    """Pair the fences of two versions of one text: index in `left` to index in `right`.

    Equal fences pair up in order. Between those, runs of the same length pair up one by one: the same
    fences, changed by a snippet or a macro on the way. What is left over has no partner.
    """
    ours, others = [fence.source for fence in left], [fence.source for fence in right]
    if ours == others:
        return {index: index for index in range(len(ours))}
    pairs: dict[int, int] = {}
    matcher = SequenceMatcher(None, ours, others, autojunk=False)
    for _, left_start, left_end, right_start, right_end in matcher.get_opcodes():
        if left_end - left_start == right_end - right_start:
            pairs.update(
                zip(range(left_start, left_end), range(right_start, right_end), strict=True)
            )
    return pairs


@dataclass(frozen=True)
class Source:
    """The text of one conversion, and the file it comes from.

    Attributes:
        name: the file as messages name it: `docs/guide.md`.
        read: gives the file's text, front matter included; raises OSError or ValueError where it cannot.
        fences: the fences that the conversion found, in order.
    """

    name: str
    read: Callable[[], str]
    fences: Sequence[Fence]

    @cached_property
    def _file(self) -> Scan:
        """What is in the file; nothing where it cannot be read."""
        try:
            text = self.read()
        except (OSError, ValueError):
            return Scan()
        # Not splitlines(): editors and Markdown count line feeds only, not form feeds or U+2028.
        return scan(text.split("\n"))

    @cached_property
    def _lines(self) -> dict[int, int]:
        """Index of a found fence to the 1-based line of its opening in the file."""
        in_file = self._file.fences
        pairs = align(self.fences, in_file)
        return {index: in_file[other].start + 1 for index, other in pairs.items()}

    def at(self, fence: Fence, line: int = 0) -> str:
        """`docs/guide.md:12` for a line of a fence; says so where the fence is not in the file itself."""
        index = next((i for i, other in enumerate(self.fences) if other is fence), -1)
        start = self._lines.get(index)
        if start is None:
            return f"{self.name} (from a snippet)"
        return f"{self.name}:{start + line}"

    def near_miss(self, line: str, advice: str, count: int) -> str:
        """`docs/guide.md:12` for a line that is nearly a fence.

        Args:
            line: its text.
            advice: what is wrong with it.
            count: how many like it came before.
        """
        alike = [
            miss.index + 1
            for miss in self._file.near_misses
            if (miss.line.strip(), miss.advice) == (line.strip(), advice)
        ]
        return (
            f"{self.name}:{alike[count]}" if count < len(alike) else f"{self.name} (from a snippet)"
        )


@dataclass(frozen=True)
class Place:
    """Where one block, or one of its options, stands.

    Attributes:
        source: the text.
        fence: the block.
        line: the 0-based line of it that is meant.
    """

    source: Source
    fence: Fence
    line: int = 0

    def at(self, line: int = 0) -> str:
        """`docs/guide.md:12` for a 0-based line of the block."""
        return self.source.at(self.fence, line)

    def __str__(self) -> str:
        return self.at(self.line)
