"""The values that options take, as they are written: each reader gives the normal form of one kind.

A value may be text, from a header, or what YAML made of it. What a reader does not take, it refuses
with ValueError or TypeError.
"""

from __future__ import annotations

import difflib
import math
import re
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_PROMPT_CHARS = 32_000
"""The Images API's limit (API reference, 2026-11)."""
MAX_INPUT_IMAGES = 16
"""The Images API's limit for edits (API reference, 2026-11)."""
MAX_VARIANTS = 10
"""The Images API's limit for `n` (API reference, 2026-11)."""
MAX_EDGE = 16_384
"""Pixels. Above every known server; keeps a typing error from becoming a request."""
MAX_DISPLAY_PIXELS = 10_000
MAX_NUMBER_BITS = 1024
"""Of a whole number under `extra`: what a float could hold as well."""
MAX_REVISION = 1_000_000

SIZE_NAMES = {"square": "1024x1024", "landscape": "1536x1024", "portrait": "1024x1536"}
"""Names for the three sizes that every GPT image model takes."""


def shown(value: Any) -> str:
    """A value as messages show it: one line, at most 60 characters."""
    if value is None or value == "":
        return "empty"
    try:
        text = " ".join(str(value).split())
    except ValueError:  # a number of more than 4,300 digits
        return "a number that is too long"
    return f"'{text if len(text) <= 60 else text[:57] + '...'}'"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'size'?` or nothing."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""


_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)


def printable(text: str) -> str:
    """A text without control characters, which no page, no YAML and no prompt has a use for.

    Those that part words leave a blank.
    """
    if not _UNPRINTABLE.search(text):
        return text
    return _UNPRINTABLE.sub("", re.sub(r"[\x0b\x0c\x1c-\x1f]", " ", text))


def read_text(value: Any) -> str:
    """Any text that is not blank."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError
    text = printable(str(value)).strip()
    if not text:
        raise ValueError
    return text


def read_line(value: Any) -> str:
    """A text on one line."""
    return " ".join(read_text(value).split())


def read_prompt(value: Any) -> str:
    """A text that is not too long for the API."""
    text = read_text(value)
    if len(text) > MAX_PROMPT_CHARS:
        raise ValueError
    return text


def one_of(*words: str) -> Callable[[Any], str]:
    """A reader for one of some words, whatever their case."""

    def parse(value: Any) -> str:
        word = read_text(value).lower()
        if word not in words:
            raise ValueError
        return word

    return parse


def read_format(value: Any) -> str:
    """The name of a file format."""
    word = read_text(value).lower().lstrip(".")
    return one_of("png", "jpeg", "webp", "gif", "svg")("jpeg" if word == "jpg" else word)


def whole_number(least: int, most: int) -> Callable[[Any], int]:
    """A reader for a whole number, both bounds included."""

    def parse(value: Any) -> int:
        if isinstance(value, (bool, float)):
            raise TypeError
        number = int(value)
        if not least <= number <= most:
            raise ValueError
        return number

    return parse


def read_boolean(value: Any) -> bool:
    """A yes or a no, in any of YAML's words."""
    words = {"true": True, "yes": True, "on": True, "1": True}
    words |= {"false": False, "no": False, "off": False, "0": False}
    try:
        return words[str(value).strip().lower()]
    except KeyError:
        raise ValueError from None


def read_size(value: Any) -> str:
    """Pixels as `WIDTHxHEIGHT`, one of `SIZE_NAMES`, or `auto`."""
    word = read_text(value).lower().replace("\N{MULTIPLICATION SIGN}", "x").replace(" ", "")
    if word == "auto":
        return word
    word = SIZE_NAMES.get(word, word)
    match = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", word)
    if not match:
        raise ValueError
    width, height = int(match[1]), int(match[2])
    if not (1 <= width <= MAX_EDGE and 1 <= height <= MAX_EDGE):
        raise ValueError
    return f"{width}x{height}"


def read_paths(value: Any) -> tuple[str, ...]:
    """One path or a list of them."""
    items = value if isinstance(value, (list, tuple)) else [value]
    paths = tuple(read_path(item) for item in items)
    if not 1 <= len(paths) <= MAX_INPUT_IMAGES:
        raise ValueError
    return paths


def read_path(value: Any) -> str:
    """A path, not yet looked at."""
    if not isinstance(value, str):
        raise TypeError
    path = value.strip()
    if not path or any(ord(char) < 32 for char in path):
        raise ValueError
    return path


def read_model(value: Any) -> str:
    """The name of a model."""
    name = read_text(value)
    if not re.fullmatch(r"\S{1,200}", name):
        raise ValueError
    return name


def check_plain(value: Any) -> None:
    """See that a value can be sent as JSON."""
    if isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str):
                raise TypeError
            check_plain(item)
    elif isinstance(value, list):
        for item in value:
            check_plain(item)
    elif isinstance(value, (int, float)):
        if not _is_sendable(value):
            raise ValueError
    elif value is not None and not isinstance(value, str):
        raise TypeError


def _is_sendable(number: float) -> bool:
    """Whether JSON has a number. Python itself writes no whole one of more than 4,300 digits."""
    if isinstance(number, int):
        return number.bit_length() <= MAX_NUMBER_BITS
    return math.isfinite(number)


def read_id(value: Any) -> str:
    """A name that HTML takes as an id."""
    name = read_text(value).removeprefix("#")
    if not re.fullmatch(r"[^\s\"'<>&#]{1,200}", name):
        raise ValueError
    return name


def read_classes(value: Any) -> tuple[str, ...]:
    """Names that HTML takes as classes."""
    items = value if isinstance(value, (list, tuple)) else read_text(value).split()
    classes = tuple(read_text(item).removeprefix(".") for item in items)
    if not classes or not all(
        re.fullmatch(r"[^\s\"'<>&.][^\s\"'<>&]{0,199}", name) for name in classes
    ):
        raise ValueError
    return classes


def read_width(value: Any) -> str:
    """`"50%"`, a number of pixels as text, or `auto`."""
    word = read_text(value).lower().replace(" ", "")
    if word == "auto":
        return word
    match = re.fullmatch(r"([0-9]{1,3})%", word)
    if match and 1 <= int(match[1]) <= 100:
        return f"{int(match[1])}%"
    return str(whole_number(1, MAX_DISPLAY_PIXELS)(word.removesuffix("px")))


def read_height(value: Any) -> int:
    """A number of pixels."""
    return whole_number(1, MAX_DISPLAY_PIXELS)(read_text(value).lower().removesuffix("px"))


_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")


def read_link(value: Any) -> str:
    """An address that is harmless in a page. Names of files may hold blanks."""
    url = read_text(value).replace(" ", "%20")
    if url.lower() in ("original", "none"):
        return url.lower()
    scheme = _SCHEME.match(url)
    if re.search(r"[\s<>\"\x00-\x20]", url) or (
        scheme and scheme[1].lower() not in ("http", "https", "mailto")
    ):
        raise ValueError
    return url


def read_site_link(value: Any) -> str:
    """An address that leads to the same place from all pages."""
    url = read_link(value)
    if url not in ("original", "none") and not _SCHEME.match(url):
        raise ValueError
    return url


def read_pick(value: Any) -> int | Literal["all"]:
    """The number of a variant, or `all`."""
    if str(value).strip().lower() == "all":
        return "all"
    return whole_number(1, MAX_VARIANTS)(value)
