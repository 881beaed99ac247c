"""How like one prompt is to another, and in which words they differ."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ALIKE = 0.5
"""Share of words in common from which on one prompt may be an edit of the other."""
# With the blanks behind them. In scripts without blanks between words each character is one.
_CJK = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORDS = re.compile(rf"(?:[{_CJK}]|[^\W{_CJK}]+|[^\w\s])\s*")
_MANY_WORDS = 1000
"""From so many on, a comparison passes over the most frequent words."""
_CONTEXT_WORDS = 8
"""Words that stay on either side of a difference of two prompts."""


def word_diff(before: str, after: str) -> Iterator[tuple[str, str]]:
    """What was done to the words of a text: `equal`, `delete` or `insert`, and the words.

    Of long runs that are equal, only the ends are given, with an ellipsis between them. Blanks do not count.
    """
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    # In long texts the most frequent words are passed over, which keeps this fast.
    is_short = len(old) + len(new) <= _MANY_WORDS
    matcher = SequenceMatcher(
        None, [word.strip() for word in old], [word.strip() for word in new], autojunk=not is_short
    )
    operations = matcher.get_opcodes()
    for number, (operation, a, b, c, d) in enumerate(operations):
        if operation == "equal":
            head = 0 if number == 0 else _CONTEXT_WORDS
            tail = 0 if number == len(operations) - 1 else _CONTEXT_WORDS
            run = old[a:b]
            if len(run) > head + tail + 1:
                gap = ["\N{HORIZONTAL ELLIPSIS} "]
                run = [*run[:head], *gap, *run[len(run) - tail :]]
            yield "equal", "".join(run)
            continue
        if a < b:
            yield "delete", "".join(old[a:b])
        if c < d:
            yield "insert", "".join(new[c:d])


class Alike:
    """How like one prompt is to others."""

    def __init__(self, prompt: str) -> None:
        # The second sequence is the one that is analysed once for all comparisons.
        words = _words(prompt)
        self._matcher = SequenceMatcher(None, b=words, autojunk=len(words) > _MANY_WORDS)

    def ratio(self, prompt: str) -> float:
        """From 0 to 1; 0 for what is less alike than `ALIKE`, which costs little to find out."""
        matcher = self._matcher
        matcher.set_seq1(_words(prompt))
        if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
            return 0.0
        ratio = matcher.ratio()
        return ratio if ratio >= ALIKE else 0.0


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in _WORDS.findall(text)]
