"""What hostile input is made of, for the tests that feed it to the package.

A result comes out, or one of the package's own exceptions: never another one, which would end a build
or lose a picture that is paid for. The long form (`python3 dev.py long`) tries far more inputs, and others
each time.
"""

from __future__ import annotations

import copy
import json
import logging
import os
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from pictures import picture

from mkdocs_genimage.request import ImageRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = bool(os.environ.get("GENIMAGE_LONG"))
TRIED: Counter[str] = Counter()


def fuzz(count: int) -> settings:
    """Settings for so many inputs in the long form and a fortieth of them in the short one."""
    return settings(
        max_examples=count if LONG else count // 40,
        derandomize=not LONG,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


def tried(name: str) -> None:
    TRIED[name] += 1
    if TRIED[name] % 5_000 == 0:
        print(f"{TRIED[name]:,} {name}", flush=True)


@pytest.fixture(scope="module", autouse=True)
def figures() -> Iterator[None]:
    """Say in the end how many inputs of a file's tests were tried."""
    TRIED.clear()
    yield
    counts = ", ".join(f"{name} {count:,}" for name, count in TRIED.items())
    print(f"\n{TRIED.total():,} inputs: {counts}")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of warnings are of no use to anybody."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


ASK = ImageRequest("A fox in snow", {"size": "8x6"}, subject="A fox", model="gpt-image-2")
PNG = picture("a fox", "8x6")

ODD = (
    *(
        "\0",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\xa0",
        "\u2028",
        "\u202e",
        "\ufeff",
        "\ufffe",
        "\U0001f98a",
    ),
    *("\ud800", "\udfff", "e\u0301", "\r", "\r\n", "\t", "\x02", "\x03", "\x0b", "\x1c"),
)
LONG_NUMBERS = ("0x" + "f" * 5000, "9" * 5000, "1" + "0" * 400, "1.0e+999", "-.inf", ".nan", "0b_")


def made_of(*tokens: str, most: int = 12) -> st.SearchStrategy[str]:
    """Texts of some tokens in any order, with odd characters and any others between them."""
    token = st.one_of(
        st.sampled_from(tokens), st.sampled_from(tokens), st.sampled_from(ODD), st.text(max_size=6)
    )
    return st.lists(token, max_size=most).map("".join)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "drop", "double", "put"]),
        st.integers(0, 1_000_000),
        st.integers(1, 40),
        st.binary(max_size=6),
    ),
    min_size=1,
    max_size=4,
)


def edited(data: bytes, edits: list[tuple[str, int, int, bytes]]) -> bytes:
    """Bytes after some damage."""
    for kind, place, length, new in edits:
        at = place % (len(data) + 1)
        part = data[at : at + length]
        if kind == "flip":
            data = data[:at] + bytes(byte ^ (1 << place % 8) for byte in part[:1]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "drop":
            data = data[:at] + data[at + length :]
        elif kind == "double":
            data = data[:at] + part + data[at:]
        else:
            data = data[:at] + new + data[at:]
    return data


DEPTHS = st.sampled_from([3, 60, 480, 900, 100_000])


def nested(depth: int, sign: str) -> bytes:
    return b"[" * depth + b"]" * depth if sign == "[" else b'{"a":' * depth + b"1" + b"}" * depth


def atoms(*words: str) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.sampled_from(
            [None, True, False, 0, -1, 1, 0.5, float("nan"), float("inf"), 10**400, ""]
        ),
        st.integers(),
        st.sampled_from([*words, *ODD]),
        st.text(max_size=12),
    )


@cache  # making a strategy takes longer than drawing from it
def values(*words: str) -> st.SearchStrategy[Any]:
    """Any JSON value."""
    return st.recursive(
        atoms(*words),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(words), inner, max_size=4)
        ),
        max_leaves=8,
    )


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every part of a JSON value stands."""
    found = [path]
    if isinstance(value, dict):
        found += [one for name, item in value.items() for one in paths(item, (*path, name))]
    elif isinstance(value, list):
        found += [one for i, item in enumerate(value) for one in paths(item, (*path, i))]
    return found


def replaced(value: Any, changes: list[tuple[int, Any]]) -> Any:
    """A JSON value with some of its parts replaced."""
    value = copy.deepcopy(value)
    for number, new in changes:
        places = paths(value)
        *front, last = ("root", *places[number % len(places)])
        holder: Any = {"root": value}
        root = holder
        for name in front:
            holder = holder[name]
        holder[last] = new
        value = root["root"]
    return value


def in_json(value: Any) -> bytes:
    return json.dumps(value).encode()


@cache
def changes(words: tuple[str, ...]) -> st.SearchStrategy[list[tuple[int, Any]]]:
    return st.lists(st.tuples(st.integers(0, 1000), values(*words)), max_size=3)


KIND = st.integers(0, 9)
GARBAGE = st.binary(max_size=60)
NESTED = st.builds(nested, DEPTHS, st.sampled_from("[{"))
TOO_MUCH = st.one_of(NESTED, st.sampled_from([b"9" * 5000, b"1e999", b'"\\ud800"']))
ENCODINGS = st.sampled_from(["utf-16", "utf-32", "utf-8-sig"])


@st.composite
def spoilt_json(draw: st.DrawFn, valid: Any, words: tuple[str, ...]) -> bytes:
    """A valid JSON text with other values, damaged bytes, or another text altogether."""
    kind = draw(KIND)
    if kind == 0:
        return draw(GARBAGE)
    if kind == 1:
        return draw(NESTED)
    if kind == 2:
        return in_json(draw(values(*words)))
    value = replaced(valid, draw(changes(words)))
    if kind == 3:  # what Python could not write itself: too deep, too long, half a character
        value = replaced(value, [(draw(KIND), "HERE")])
        return in_json(value).replace(b'"HERE"', draw(TOO_MUCH))
    if kind == 4:
        return edited(in_json(value), draw(EDITS))
    if kind == 5:
        return json.dumps(value).encode(draw(ENCODINGS))
    return in_json(value)
