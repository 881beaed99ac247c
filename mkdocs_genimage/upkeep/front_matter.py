"""Changing a page's front matter: a hero becomes the `image` that it stands for, and nothing else changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from mkdocs.utils.meta import YAML_RE, get_data

from mkdocs_genimage.upkeep.source_edits import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mkdocs_genimage.upkeep.source_edits import SourceFile

PLUGIN, HERO, IMAGE = "genimage", "hero", "image"
_BY_HAND = "Change it by hand."
_FENCE = re.compile(r"`{3,}|~{3,}")
_HEADING = re.compile(r"#{1,6}")
"""Python-Markdown wants no blank behind it."""
_UNDERLINE = re.compile(r"(?:=+|-+) *")


@dataclass(frozen=True)
class Edit:
    """Lines of a file with others in their place.

    Attributes:
        start: 0-based index of the first.
        end: index of the line behind the last; `start` where nothing is taken away.
        lines: what takes their place, without line ends.
    """

    start: int
    end: int
    lines: tuple[str, ...] = ()


def replace_hero(source: SourceFile, image: str) -> list[Edit]:
    """The edits that take the hero out of a page's front matter.

    Args:
        source: the page's file.
        image: what `image` is to be, as other plugins and themes read it; empty to leave it out. An `image`
            that is there stays.

    Raises:
        SourceError: the hero is not written there, or cannot be taken out for sure.
    """
    bare = source.bare(source.lines)
    text = "\n".join(bare) + "\n"
    head = YAML_RE.match(text)
    meta = get_data(text)[1]
    if not head or not isinstance(meta.get(PLUGIN), dict) or HERO not in meta[PLUGIN]:
        raise SourceError(f"the page's hero is not written in its own front matter. {_BY_HAND}")
    root = yaml.compose(head[1], yaml.SafeLoader)
    outer = _pair(root, PLUGIN)
    is_only = len(meta[PLUGIN]) == 1
    pair = outer if is_only else _pair(outer[1], HERO) if outer else None
    if outer is None or pair is None or (not is_only and outer[1].flow_style):
        raise SourceError(f"the front matter cannot be changed for sure. {_BY_HAND}")
    # Behind the line of three hyphens.
    start, end = (index + 1 for index in _lines(pair, head[1].split("\n")))
    lines = () if IMAGE in meta or not image else (_line(image),)
    if is_only:
        edits = [Edit(start, end, lines)]
    else:
        at = outer[0].start_mark.line + 1
        edits = [*([Edit(at, at, lines)] if lines else []), Edit(start, end)]
    if get_data("\n".join(applied(bare, edits)) + "\n")[1] != _expected(meta, image):
        raise SourceError(f"the front matter cannot be changed for sure. {_BY_HAND}")
    return edits


def below_title(source: SourceFile) -> int:
    """The 0-based index of the line that a page's hero is shown in front of.

    That is the one behind the first heading, if this is of the first level, else the text's first.
    """
    bare = source.bare(source.lines)
    head = YAML_RE.match("\n".join(bare) + "\n")
    first = head[0].count("\n") if head else 0
    fence = ""
    for index in range(first, len(bare)):
        line, above = bare[index], bare[index - 1] if index > first else ""
        marks = _FENCE.match(line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif marks:
            fence = marks[0]
        elif heading := _HEADING.match(line):
            return index + 1 if len(heading[0]) == 1 else first
        elif _UNDERLINE.fullmatch(line) and above.strip():
            return index + 1 if line.startswith("=") else first
    return first


def applied(lines: Sequence[str], edits: Sequence[Edit]) -> list[str]:
    """Lines with edits made, which do not overlap."""
    found = list(lines)
    for edit in sorted(edits, key=lambda one: one.start, reverse=True):
        found[edit.start : edit.end] = edit.lines
    return found


def _expected(meta: dict[str, Any], image: str) -> dict[str, Any]:
    expected = dict(meta)
    expected[PLUGIN] = {name: value for name, value in meta[PLUGIN].items() if name != HERO}
    if not expected[PLUGIN]:
        del expected[PLUGIN]
    return ({IMAGE: image} if image else {}) | expected


def _pair(node: Any, name: str) -> tuple[Any, Any] | None:
    """The nodes of a key and of its value."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == name:
                return key, value
    return None


def _lines(pair: tuple[Any, Any], lines: Sequence[str]) -> tuple[int, int]:
    """The first line of a key with its value, and the line behind the last.

    Raises:
        SourceError: they do not have these lines for themselves.
    """
    key, value = pair
    start, indent = key.start_mark.line, key.start_mark.column
    last = _last(value).end_mark
    end = last.line + (last.column > 0)
    if lines[start][:indent].strip():
        raise SourceError(f"the front matter cannot be changed for sure. {_BY_HAND}")
    while end > start + 1 and _is_between(lines[end - 1], indent):
        end -= 1
    return start, end


def _last(node: Any) -> Any:
    """The node that ends a value: what is indented ends where the next thing begins, behind all comments."""
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    return node


def _is_between(line: str, indent: int) -> bool:
    """Whether a line is blank or a comment, which may be about the next key."""
    text = line.lstrip(" ")
    return not text or (text.startswith("#") and len(line) - len(text) <= indent)


def _line(image: str) -> str:
    return str(yaml.safe_dump({IMAGE: image}, allow_unicode=True, width=2**31)).rstrip("\n")
