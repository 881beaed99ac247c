"""Where a block stands in its author's file, however the text was changed on its way to Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkdocs_genimage.fences import Fence, scan
from mkdocs_genimage.places import Place, Source, align

if TYPE_CHECKING:
    from collections.abc import Callable

PROPERTY = settings(deadline=None, database=None, max_examples=200)


def block(prompt: str, header: str = "") -> str:
    return f"```genimage {header}\n{prompt}\n```\n"


def fences(text: str) -> list[Fence]:
    return scan(text.split("\n")).fences


def source(file: str, converted: str | None = None) -> Source:
    return Source("docs/a.md", lambda: file, fences(file if converted is None else converted))


def places(found: Source) -> list[str]:
    return [found.at(fence) for fence in found.fences]


def lines_of(text: str) -> list[int]:
    return [number for number, line in enumerate(text.split("\n"), 1) if "genimage" in line]


# --- Pairing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "pairs"),
    [
        ("", "", {}),
        ("abc", "abc", {0: 0, 1: 1, 2: 2}),
        ("aaa", "aaa", {0: 0, 1: 1, 2: 2}),
        ("abc", "axc", {0: 0, 1: 1, 2: 2}),
        ("ab", "xy", {0: 0, 1: 1}),
        ("abc", "ac", {0: 0, 2: 1}),
        ("ac", "abc", {0: 0, 1: 2}),
        ("sabs", "ab", {1: 0, 2: 1}),
        ("abc", "axyc", {0: 0, 2: 3}),
        ("abc", "", {}),
        ("", "abc", {}),
    ],
)
def test_align(left: str, right: str, pairs: dict[int, int]) -> None:
    one, other = (fences("".join(map(block, text))) for text in (left, right))
    assert align(one, other) == pairs


@PROPERTY
@given(st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_align_keeps_the_order_and_pairs_each_once(left: str, right: str) -> None:
    one, other = (fences("".join(map(block, text))) for text in (left, right))
    pairs = align(one, other)
    assert list(pairs) == sorted(pairs)
    assert list(pairs.values()) == sorted(set(pairs.values()))
    assert set(pairs) <= set(range(len(one)))
    assert set(pairs.values()) <= set(range(len(other)))
    if left == right:
        assert len(pairs) == len(left)


# --- Lines ------------------------------------------------------------------------------------

FRONT_MATTER = "---\ntitle: A\n---\n\n"
TWO = f"Text\n\n{block('A fox')}\nMore\n\n- item\n\n    ```genimage\n    A hen\n    ```\n"


def test_lines_of_the_file_and_of_the_block() -> None:
    found = source(FRONT_MATTER + TWO, TWO)
    assert places(found) == ["docs/a.md:7", "docs/a.md:15"]
    place = Place(found, found.fences[1])
    assert str(place) == "docs/a.md:15"
    assert [place.at(0), place.at(1)] == ["docs/a.md:15", "docs/a.md:16"]


def test_same_block_twice() -> None:
    text = block("A fox") + "\n" + block("A fox")
    assert places(source(text)) == ["docs/a.md:1", "docs/a.md:5"]


def test_block_that_a_macro_changed() -> None:
    file = block("A {{ animal }}") + block("A hen")
    assert places(source(file, file.replace("{{ animal }}", "fox"))) == [
        "docs/a.md:1",
        "docs/a.md:4",
    ]


def test_block_from_a_snippet() -> None:
    converted = block("A fox") + block("An owl") + block("A hen")
    file = block("A fox") + '--8<-- "owl.md"\n' + block("A hen")
    assert places(source(file, converted)) == [
        "docs/a.md:1",
        "docs/a.md (from a snippet)",
        "docs/a.md:5",
    ]
    found = source(file, converted)
    assert found.at(found.fences[1], 1) == "docs/a.md (from a snippet)"


def test_block_of_another_conversion() -> None:
    found = source(block("A fox"))
    (equal,) = fences("Text\n" + block("A fox"))
    assert found.at(equal) == "docs/a.md (from a snippet)"


@pytest.mark.parametrize("odd", ["\f", "\v", "\x1c", "\x85", "\u2028", "\u2029"])
def test_only_line_feeds_are_lines(odd: str) -> None:
    """As editors count them; other programs' line ends may stand in a text that was pasted."""
    text = f"One{odd}line\n\n{block(f'A fox{odd}in snow')}{block('A hen')}"
    assert places(source(text)) == [f"docs/a.md:{line}" for line in lines_of(text)]


def test_carriage_returns() -> None:
    text = TWO.replace("\n", "\r\n")
    assert places(source(text, TWO)) == ["docs/a.md:3", "docs/a.md:11"]


@pytest.mark.parametrize(
    "error", [OSError("gone"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x")]
)
def test_file_that_cannot_be_read(error: Exception) -> None:
    def read() -> str:
        raise error

    found = Source("docs/a.md", read, fences(block("A fox")))
    assert places(found) == ["docs/a.md (from a snippet)"]
    assert found.near_miss("```gen-image", "advice", 0) == "docs/a.md (from a snippet)"


def counted(text: str) -> tuple[Callable[[], str], list[int]]:
    reads: list[int] = []

    def read() -> str:
        reads.append(1)
        return text

    return read, reads


def test_file_is_read_once_and_only_when_needed() -> None:
    read, reads = counted(TWO)
    found = Source("docs/a.md", read, fences(TWO))
    Place(found, found.fences[0])
    assert not reads
    assert len(places(found) + places(found)) == 4
    assert len(reads) == 1


def test_near_misses() -> None:
    text = "```genimgae\nA fox\n```\n\nText\n\n  ```genimgae\n  A hen\n  ```\n"
    first, second = scan(text.split("\n")).near_misses
    found = source(FRONT_MATTER + text, text)
    assert found.near_miss(first.line, first.advice, 0) == "docs/a.md:5"
    assert found.near_miss(second.line, second.advice, 1) == "docs/a.md:11"
    assert found.near_miss(first.line, first.advice, 2) == "docs/a.md (from a snippet)"
    assert found.near_miss(first.line, "other advice", 0) == "docs/a.md (from a snippet)"


@PROPERTY
@given(
    st.lists(
        st.sampled_from(
            ["", "Text", "A fox\u2028hen", *map(block, "abc"), "> " + block("q"), "# H"]
        ),
        max_size=12,
    )
)
def test_every_block_of_an_unchanged_text_is_found(parts: list[str]) -> None:
    text = "\n".join(parts)
    found = source(text)
    assert places(found) == [f"docs/a.md:{fence.start + 1}" for fence in found.fences]
    lines = text.split("\n")
    assert all("genimage" in lines[fence.start] for fence in found.fences)
