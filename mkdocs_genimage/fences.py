"""Finding genimage fences in Markdown text. Knows neither Python-Markdown nor MkDocs.

The rules are those of fenced code in Python-Markdown and SuperFences (as of Markdown 3.11 and
pymdown-extensions 13.1, November 2026), so that what they would show as code is code here too:

- a fence may stand behind any indentation and any quote marks, its prefix;
- it closes only on a line of exactly as many marks as opened it, behind the same prefix;
- it breaks off, and was none, at the first line that does not stand behind its prefix;
- what is inside a fence, of whatever language, is never looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LANGUAGE = "genimage"
"""The first word of the info string, or the first class of the attribute list, of our fences."""

# Backticks in the info string make it inline code, for a fence of backticks only.
_OPENING = re.compile(r"(?P<prefix>[> ]*)(?P<run>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)")
_MARKER_LINE = re.compile(
    # One blank, then any: two neighbouring repeats would backtrack without end on long lines.
    r"[> ]*(?:(?:[-*+]|\d+[.)]|:|\[\^[^\]]*\]:|\[[ xX]\]) [> ]*)+(?P<run>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)"
)
_WITH_BACKTICKS = re.compile(r"[> ]*(?P<run>`{3,})(?P<info>[^`]+`.*)")
_FIRST_WORDS = re.compile(r"(?:`{3}|~{3})[ \t{]*([^\s`~{}]+)")
_ATTRIBUTES = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s{}"'])+""")
_CLOSE_ENOUGH = 0.8
"""Share of letters in common with `LANGUAGE` that makes a word a slip of the pen. `image` has 0.77."""


@dataclass(frozen=True)
class Fence:
    """One genimage fence.

    Attributes:
        header: the opening line behind its run of backticks or tildes, stripped:
            `genimage size=1536x1024` or `{ .genimage #hero }`.
        body: the lines between the opening and the closing one, joined by newlines,
            without the prefix (indentation, quote marks) that the fence stands behind.
        source: all lines of the fence, the two outer ones included, without that prefix.
        prefix: what stands before the opening run.
        start: 0-based index of the opening line in the scanned lines.
        end: index of the line after the closing one.

    In `body` and `source` tabs are spaces, as in everything that Python-Markdown parses.
    """

    header: str
    body: str
    source: tuple[str, ...]
    prefix: str
    start: int
    end: int


@dataclass(frozen=True)
class NearMiss:
    """A line that looks like part of a genimage fence but is none.

    Attributes:
        index: its 0-based index in the scanned lines.
        line: its text.
        advice: what is wrong with it and what to write instead, as a sentence.
    """

    index: int
    line: str
    advice: str


@dataclass(frozen=True)
class Scan:
    """What was found in a text, each in the order of the text. Not to be changed by who gets it."""

    fences: list[Fence] = field(default_factory=list)
    near_misses: list[NearMiss] = field(default_factory=list)


def scan(lines: Sequence[str], tab_length: int = 4) -> Scan:
    """Find the genimage fences of a text, and the lines that were probably meant to be one.

    The time taken grows with the length of the text, however many fences are not closed in it.

    Args:
        lines: the text, split at its newlines. Carriage returns at their ends are ignored.
        tab_length: columns from one tab stop to the next.
    """
    text = "\n".join(lines)
    return _scan(text, tab_length) if _is_mentioned(text) else Scan()


@lru_cache(maxsize=2)
def _scan(text: str, tab_length: int) -> Scan:
    """The last texts are remembered: a page is scanned when it is rendered, and again right after that.

    In between, its file may be scanned for a message.
    """
    found = Scan()
    _Scanner(text.split("\n"), tab_length, found).run()
    return found


def _is_mentioned(text: str) -> bool:
    """Whether a text can hold anything of interest. Most pages of a site cannot."""
    if LANGUAGE in text.lower():
        return True
    with_runs = [line for line in text.split("\n") if "```" in line or "~~~" in line]
    return any(_resembles(word) for word in set(_FIRST_WORDS.findall("\n".join(with_runs))))


def _language(header: str) -> str:
    """The language that a header names. The first class of an attribute list, without its dot.

    An attribute list without a class gives its first word behind the brace.
    """
    if not header.startswith("{"):
        word = re.match(r"[^\s{]*", header)
        return word[0] if word else ""
    words = _ATTRIBUTES.findall(header)
    for word in words:
        if word.startswith("."):
            return str(word[1:])
    return "{" + words[0] if words else ""


@lru_cache(maxsize=1024)
def _resembles(word: str) -> bool:
    """Whether a word is `LANGUAGE` or another spelling of it: `GenImage`, `gen-image`, `genimages`."""
    letters = re.sub(r"[^a-z]", "", word.lower())
    if letters.startswith(LANGUAGE):
        return True
    # The bounds follow from the ratio; they spare the comparison for nearly every language.
    if not 6 <= len(letters) <= 12:
        return False
    return SequenceMatcher(None, letters, LANGUAGE).ratio() >= _CLOSE_ENOUGH


@dataclass(frozen=True)
class _Ending:
    """Where the search for the end of a fence led.

    Attributes:
        close: index of the closing line; None when the fence is not closed.
        stray: index of a line that was probably meant to close it and does not.
    """

    close: int | None
    stray: int | None


class _Scanner:
    """One pass over one text."""

    def __init__(self, lines: Sequence[str], tab_length: int, found: Scan) -> None:
        self._lines = lines
        # Each line begins at column 0, so all of them may be expanded at once.
        expanded = "\n".join(lines).expandtabs(tab_length)
        self._text = [line.rstrip("\r") for line in expanded.split("\n")]
        self._tab_length = tab_length
        self._found = found
        # A fence that is not closed up to some line, because the text or the prefix ends there, tells
        # that no later one with the same prefix and run is. Without this, many openings that are
        # never closed would each be followed to the end of the text.
        self._open_until: dict[tuple[int, int, str], int] = {}

    def run(self) -> None:
        index = 0
        while index < len(self._text):
            line = self._text[index]
            if "```" in line or "~~~" in line:
                index = self._look_at(index, line)
            else:
                index += 1

    def _look_at(self, index: int, line: str) -> int:
        """Deal with a line that may open a fence. Returns where to go on."""
        opening = _OPENING.match(line)
        if opening is None:
            self._miss_backticks(index, line)
            on_marker = _MARKER_LINE.match(line)
            if on_marker and _language(on_marker["info"].strip()) == LANGUAGE:
                self._miss(
                    index,
                    "A fence cannot begin on the line of a list marker: put it on lines of its own "
                    f"below, each indented by {self._tab_length} more spaces.",
                )
            return index + 1
        header = opening["info"].strip()
        language = _language(header)
        ending = self._follow(index, opening)
        if language == LANGUAGE:
            self._judge(index, opening, ending)
        elif _resembles(language):
            self._miss(
                index,
                f'This is not a genimage block. Did you mean "{opening["run"]}{LANGUAGE}"?',
            )
        return index + 1 if ending.close is None else ending.close + 1

    def _miss_backticks(self, index: int, line: str) -> None:
        """Tell of a header with backticks in it, unless the line is inline code, closed by its run."""
        header = _WITH_BACKTICKS.match(line)
        if (
            header
            and _language(header["info"].strip()) == LANGUAGE
            and header["run"] not in header["info"]
        ):
            self._miss(
                index,
                "Backticks cannot stand in this header. Write the option in the body, or begin and end "
                "the block with ~~~.",
            )

    def _judge(self, index: int, opening: re.Match[str], ending: _Ending) -> None:
        """Record a genimage fence, or why it is none."""
        run = opening["run"]
        if ending.close is not None:
            width = len(opening["prefix"])
            inner = tuple(line[width:] for line in self._text[index : ending.close + 1])
            raw = self._lines[index]
            fence = Fence(
                header=opening["info"].strip(),
                body="\n".join(inner[1:-1]),
                source=inner,
                prefix=raw[: len(raw) - len(raw.lstrip("> \t"))],
                start=index,
                end=ending.close + 1,
            )
            self._found.fences.append(fence)
        # In a block that is closed, a shorter run is what longer fences are made for.
        if ending.stray is not None and (
            ending.close is None or len(self._text[ending.stray].strip("> ")) > len(run)
        ):
            self._miss(
                ending.stray,
                "This line does not close the genimage block above it, which takes exactly as many "
                f'marks as opened the block. Write "{run}".',
            )
        elif ending.close is None:
            self._miss(
                index,
                f'This genimage block is not closed. End it with a line "{run}" behind the same '
                "indentation and quote marks.",
            )

    def _follow(self, index: int, opening: re.Match[str]) -> _Ending:
        """Look for the line that closes the fence opened at `index`."""
        prefix, run = opening["prefix"], opening["run"]
        key = (len(prefix), prefix.count(">"), run)
        if index <= self._open_until.get(key, -1):
            return _Ending(None, None)
        last = index
        stray: int | None = None
        is_first_run = True
        for number, content in self._behind(index, prefix):
            last = number
            if not content.startswith(run[:3]):
                continue
            marks = content.rstrip(" ")
            if marks == run:
                return _Ending(number, stray)
            # Only the first one counts: what follows another opening closes that one.
            if is_first_run and not marks.strip(run[0]):
                stray = number
            is_first_run = False
        self._open_until[key] = last
        return _Ending(None, stray)

    def _behind(self, index: int, prefix: str) -> Iterator[tuple[int, str]]:
        """The lines below `index` that stand behind a prefix, without it, up to where they break off.

        Blank lines are passed over. The rules are those of SuperFences' `eval_fence` and `eval_quoted`
        (pymdown-extensions 13.1): quote marks may be left out, but not behind a blank line.
        """
        width, level = len(prefix), prefix.count(">")
        is_after_blank = False
        for number in range(index + 1, len(self._text)):
            line = self._text[number]
            lead = line[:width]
            marks = len(lead) - len(lead.lstrip("> "))
            content = line[marks:]
            quotes = lead.count(">", 0, marks)
            if quotes > level:
                return
            if not content.strip():
                is_after_blank = True
                continue
            if marks < width or (is_after_blank and quotes < level):
                return
            is_after_blank = False
            yield number, content

    def _miss(self, index: int, advice: str) -> None:
        self._found.near_misses.append(NearMiss(index, self._lines[index].rstrip("\r"), advice))
