"""Setting text in an SVG, which does not wrap it: widths and line breaks are estimated here.

The estimates are upper bounds for common fonts, in every script, and the same on every platform.
"""

# Look-alike punctuation is the subject of the line breaking below.
# ruff: noqa: RUF001

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

EXCERPT_CHARS = 400  # code points of the prompt that are looked at: more than has room anywhere
CLUSTER_CHARS = 32  # code points kept of one grapheme; the longest emoji have a dozen
LINE_HEIGHT = 1.28  # font sizes between two baselines; Thai and Devanagari marks need this much
MIN_COLUMN = 7.5  # font sizes; no prompt is set in less width, as a word in pieces says nothing
_SPACE = 0.32

_DROPPED = re.compile(
    # Controls, surrogates and the two noncharacters that XML cannot hold; soft hyphens and byte
    # order marks; direction controls, which would be left open at the end of a line.
    "[\x00-\x1f\x7f-\x9f\xad\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff]"
)


def _chars(*ranges: str) -> re.Pattern[str]:
    return re.compile(f"[{''.join(ranges)}]")


# Own ranges, as the answers of unicodedata.east_asian_width change with the Python version.
_HANGUL = "\u1100-\u115f\ua960-\ua97f\uac00-\ud7a3"
_CJK = "\u2e80-\ua4cf\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\U00016fe0-\U0001b2ff"
_CJK += "\U00020000-\U0003fffd"
_PICTURES = "\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
_THAI_TO_KHMER = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_UNSPACED = _chars(_CJK, _PICTURES, _THAI_TO_KHMER)
_EMOJI = _chars(_PICTURES, "\ufe0f")
_EXTENDS = _chars("\u200c\u200d\u0e33\u0eb3\u1160-\u11ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f")
_FLAG_HALF = _chars("\U0001f1e6-\U0001f1ff")
_VIRAMA = 9  # its canonical combining class

# Line breaking in scripts without spaces (kinsoku shori, and the Thai vowel signs).
_NO_START = frozenset(
    "、。，．・：；！？）」』】〉》〕］｝ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々〜…!?),.:;”’%ะาำๆฯ"
)
_NO_END = frozenset("（「『【〈《〔［｛“‘([เแโใไ")

_WIDTHS = (  # in font sizes, the first that matches: upper bounds for common semibold fonts
    (_chars(" ijlI.,:;'|!()\\[\\]"), _SPACE),
    (_chars("frt"), 0.44),
    (_chars("mwMW@%—"), 0.98),
    (_chars("a-z0-9"), 0.61),
    (_chars(_CJK, _HANGUL), 1.0),
    (_chars("\u0b80-\u0bff\u0d00-\u0dff\u1000-\u109f"), 0.85),  # Tamil to Sinhala, Burmese
)


def excerpt(text: str) -> str:
    """The beginning of `text` as one line that XML can hold; an ellipsis where it was cut."""
    folded = _DROPPED.sub("", " ".join(text[:EXCERPT_CHARS].split()))
    line = " ".join(folded.split())  # again: what was dropped may have stood between blanks
    return line + "…" if len(text) > EXCERPT_CHARS else line


def _joins(char: str, cluster: str) -> bool:
    """Whether `char` belongs to the grapheme before it (UAX #29, simplified)."""
    last = cluster[-1]
    if char < "\u0300" or last == " ":
        return last == "\u200d"
    return bool(
        last == "\u200d"
        or _EXTENDS.match(char)
        or unicodedata.category(char).startswith("M")
        or (unicodedata.combining(last) == _VIRAMA and char.isalpha())
        or (len(cluster) == 1 and _FLAG_HALF.match(last) and _FLAG_HALF.match(char))
    )


def graphemes(text: str) -> list[str]:
    """What a reader takes for one character each: nothing is ever broken inside of these."""
    clusters: list[str] = []
    for char in text:
        if not clusters or not _joins(char, clusters[-1]):
            clusters.append(char)
        elif len(clusters[-1]) < CLUSTER_CHARS:
            clusters[-1] += char
    return clusters


def _char_width(char: str) -> float:
    category = unicodedata.category(char)
    if category in {"Mn", "Me", "Cf"}:
        return 0.0
    fallback = 0.45 if category == "Mc" else 0.7
    return next((width for pattern, width in _WIDTHS if pattern.match(char)), fallback)


@lru_cache(maxsize=1024)
def _width(cluster: str) -> float:
    return 1.3 if _EMOJI.search(cluster) else sum(map(_char_width, cluster))


def text_width(text: str) -> float:
    """Estimated width of one line in font sizes."""
    return sum(map(_width, graphemes(text)))


@dataclass
class Word:
    """What stays on one line while it fits: a word, or a character of a script without spaces.

    Attributes:
        pieces: its graphemes, each with its width in font sizes.
        width: in font sizes.
        space: what stands before it where it does not begin a line: a space or nothing.
    """

    pieces: list[tuple[str, float]]
    width: float
    space: str


def split_words(line: str) -> list[Word]:
    """The words of an excerpt. A zero-width space ends a word and is dropped."""
    words: list[Word] = []
    before, space = "", ""
    for cluster in graphemes(line):
        first, width = cluster[0], _width(cluster)
        if first in " \u200b":
            before, space = "", first.replace("\u200b", "")
            continue
        free = _UNSPACED.match(first) or _UNSPACED.match(before)
        if not before or (free and first not in _NO_START and before not in _NO_END):
            words.append(Word([(cluster, width)], width, space))
        else:
            words[-1].pieces.append((cluster, width))
            words[-1].width += width
        before, space = first, ""
    return words


def wrap(words: Sequence[Word], width: float, most: int) -> tuple[list[str], bool]:
    """Lines of at most `width` font sizes, and whether a word had to be broken for that.

    Only a single grapheme wider than a line may stick out. Stops after `most` lines and one more.
    """
    lines: list[str] = []
    used, broken = math.inf, False
    for word in words:
        whole = word.width <= width
        broken = broken or not whole
        space = word.space
        pieces = [("".join(text for text, _ in word.pieces), word.width)] if whole else word.pieces
        for text, step in pieces:
            gap = _SPACE if space else 0.0
            if used + gap + step > width:
                if len(lines) > most:
                    return lines, broken
                lines.append(text)
                used = step
            else:
                lines[-1] += space + text
                used += gap + step
            space = ""
    return lines, broken


class Title(NamedTuple):
    """The prompt as it is set: its lines, none where there is no room, and the font size in px."""

    lines: list[str]
    size: float


def set_title(line: str, width: float, height: float, *, unit: float, most: int) -> Title:
    """Set `line` in at most `most` lines, as large as it fits into `width` x `height` px.

    The lines get about equal lengths. At the smallest size the text is cut with an ellipsis.
    """
    words = split_words(line)
    size, smallest = max(11.0, 0.06 * unit), max(11.0, 0.037 * unit)
    while True:
        room = min(most, math.floor((height - size) / (size * LINE_HEIGHT)) + 1)
        lines, broken = wrap(words, width / size, room)
        if (len(lines) <= room and not broken) or size <= smallest:
            break
        size = max(smallest, size * 0.94)
    limit = width / size
    if room < 1 or limit < MIN_COLUMN:
        return Title([], size)
    if len(lines) > room:
        last = graphemes(lines[room - 1])
        while last and (
            sum(map(_width, last)) + 1 > limit or last[-1] in _NO_START or last[-1] == " "
        ):
            last.pop()
        return Title([*lines[: room - 1], "".join(last) + "…"], size)
    low, high = limit / 2, limit
    for _ in range(5):  # close in on the narrowest column that gives as many lines
        middle = (low + high) / 2
        narrower, breaks = wrap(words, middle, room)
        if len(narrower) <= len(lines) and breaks <= broken:
            lines, high = narrower, middle
        else:
            low = middle
    return Title(lines, size)


def is_rtl(line: str) -> bool:
    """Whether the first letter with a direction is written from right to left."""
    directions = map(unicodedata.bidirectional, line)
    return next((way for way in directions if way in {"L", "R", "AL"}), "L") != "L"
