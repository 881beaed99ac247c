"""One fence's text becomes a Block: its options, each with the line it stands on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from mkdocs_genimage.errors import BlockError, OptionError, Problem
from mkdocs_genimage.options import OPTIONS, unknown_option
from mkdocs_genimage.values import printable, shown

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_NESTING = 30
"""Levels of lists and mappings in a body. Without a limit deep nesting ends the process: libyaml's
composer calls itself for each level."""

_BARE_WORD = re.compile(r"[a-z_]+")
_LOOKS_LIKE_OPTION = re.compile(r"""["']?(?P<name>[a-z_]+)["']?[ \t]*:(?:[ \t]|$)""")
_LOOKS_LIKE_KEY = re.compile(r"[^:]+:(?:[ \t]|$)")
_NOT_CONTENT = re.compile(r"[ \t]*(?:$|#|---(?:\s|$)|%)")
_CUT_BY_COMMENT = re.compile(r"[ \t]+#\S")
_TEXTS = ("prompt", "alt", "caption", "title")
_TYPED = tuple(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float"))
_HEADER_TOKEN = re.compile(
    r"""\s*(?:
        \#(?P<id>[^\s"'{}]+)
      | \.(?P<class>[^\s"'{}]+)
      | (?P<name>[A-Za-z_][\w-]*)\s*=\s*(?:
          "(?P<double>(?:[^"\\]|\\.)*)"
        | '(?P<single>(?:[^'\\]|\\.)*)'
        | (?P<bare>[^\s"'{}]+)
      )
    )(?=\s|$)""",
    re.VERBOSE,
)
_HEADER_HELP = 'write key=value, key="some words", #id or .class, with blanks between them.'


@dataclass(frozen=True)
class Block:
    """What the author wrote in one fence.

    Attributes:
        options: option name to value in its normal form (see `options.OPTIONS`).
        lines: option name to the 0-based line within the fence where it stands.
    """

    options: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """The prompt without any style."""
        return str(self.options["prompt"])


@dataclass
class _Reader:
    options: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    understood: bool = True
    """Whether every name was read, so that an option which is not there was not written either."""

    def fail(self, line: int, message: str) -> None:
        self.problems.append(Problem(line, message))
        self.understood = False

    def set(self, name: str, value: Any, line: int) -> None:
        if name not in OPTIONS:
            self.fail(line, unknown_option(name, OPTIONS))
            return
        if name in self.lines:
            places = "header and body" if (self.lines[name] == 0) != (line == 0) else "block twice"
            self.problems.append(
                Problem(line, f"'{name}' stands in the {places}: remove one of the two.")
            )
            return
        self.lines[name] = line
        try:
            self.options[name] = OPTIONS[name].read(value)
        except OptionError as error:
            self.problems.append(Problem(line, str(error)))


def parse_block(header: str, body: str) -> Block:
    """Read one fence.

    Args:
        header: the opening line behind its run of backticks: `genimage size=1024x1024`.
        body: the lines between the opening and the closing one.

    Raises:
        BlockError: with everything that is wrong in it.
    """
    reader = _Reader()
    _read_header(printable(header), reader)
    _read_body(printable(body.replace("\r\n", "\n").replace("\r", "\n")), reader)
    if "prompt" not in reader.lines and reader.understood:
        reader.problems.append(
            Problem(0, "the block has no prompt: write in its body what the picture shows.")
        )
    if reader.problems:
        raise BlockError(sorted(reader.problems, key=lambda problem: problem.line))
    return Block(reader.options, reader.lines)


def _read_header(header: str, reader: _Reader) -> None:
    text = header.strip().removeprefix("genimage").strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
        # The language is the first class, wherever it stands in the list.
        text = re.sub(r"(?:^|(?<=\s))\.genimage(?=\s|$)", "", text, count=1)
    classes: list[str] = []
    position = 0
    while text[position:].strip():
        match = _HEADER_TOKEN.match(text, position)
        if not match:
            rest = text[position:].split()[0]
            reader.fail(0, f"the header cannot be read at '{rest[:40]}': {_HEADER_HELP}")
            break
        position = match.end()
        if match["id"]:
            reader.set("id", match["id"], 0)
        elif match["class"]:
            classes.append(match["class"])
        else:
            quoted = match["double"] if match["double"] is not None else match["single"]
            value = match["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            reader.set(match["name"], value, 0)
    if classes:
        reader.set("class", classes, 0)


def _read_body(text: str, reader: _Reader) -> None:
    if not text.strip():
        return
    try:
        node = _compose(text)
    except (yaml.YAMLError, ValueError) as error:
        if _meant_as_options(text):
            _broken_mapping(error, text, reader)
        else:
            reader.set("prompt", text, 1)
        return
    entries = _entries(node)
    words = [_key_text(key, text) for key, _ in entries]
    has_options = any(word in OPTIONS for word in words)
    if not has_options and not all(_BARE_WORD.fullmatch(word) for word in words):
        entries = []
    if not entries:
        reader.set("prompt", text, 1)
        return
    if not has_options:
        reader.fail(
            _line(entries[0][0], text),
            f"{unknown_option(words[0], OPTIONS)} If '{words[0]}:' begins the prompt, write "
            "'prompt: |' and the prompt below it, indented.",
        )
        return
    for word, (key_node, value_node) in zip(words, entries, strict=True):
        line = _line(key_node, text)
        try:
            value = _plain(value_node, text, typed=word == "extra")
            if word in _TEXTS:
                _refuse_comment(value_node, text)
        except ValueError as error:
            reader.fail(line, f"'{word}' cannot be read: {error}")
            continue
        reader.set(word, value, line)


def _compose(text: str) -> yaml.Node | None:
    """The nodes of a YAML text; None for one that cannot be a mapping.

    Raises:
        yaml.YAMLError: it is none.
        ValueError: it is nested deeper than `MAX_NESTING`.
    """
    if ":" not in text:  # no mapping is without one, and most prompts are
        return None
    depth = 0
    # Each level takes one of these signs. Few bodies have enough of them to be looked at twice.
    is_shallow = sum(map(text.count, "[{-:?")) <= MAX_NESTING
    for event in () if is_shallow else yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_NESTING:
            raise ValueError
    return yaml.compose(text, Loader=_Loader)


def _meant_as_options(text: str) -> bool:
    """Whether a body that is no valid YAML was meant to be options, so that it is no prompt.

    It was if it begins with a bare lower-case word and a colon, or with any key if an option's name stands
    below it in the same column. Comments and YAML's own marks are passed over.
    """
    lines = [line for line in text.split("\n") if not _NOT_CONTENT.match(line)]
    if not lines:
        return False
    first = lines[0].lstrip()
    column = len(lines[0]) - len(first)
    if not _LOOKS_LIKE_KEY.match(first):
        return False
    if _LOOKS_LIKE_OPTION.match(first):
        return True
    keys = (_LOOKS_LIKE_OPTION.match(line, column) for line in lines)
    return any(key and key["name"] in OPTIONS for key in keys)


def _entries(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    """The top-level keys and values of a block mapping; empty for every other body.

    A mapping whose keys are all bare lower-case words holds options. One that mixes an option's name
    with something else ("Size: ..." above "prompt: ...") is read as options too, so that the slip
    becomes an error and never a prompt that is paid for.
    """
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return []
    return list(node.value)


def _line(node: yaml.Node, text: str) -> int:
    """The line of a node within the fence. YAML itself counts U+0085, U+2028 and U+2029 as well."""
    return text.count("\n", 0, node.start_mark.index) + 1


def _key_text(key: yaml.Node, text: str) -> str:
    """A key as it was written; a list or mapping, which YAML takes for a key too, as its source."""
    if isinstance(key, yaml.ScalarNode):
        return str(key.value)
    return text[key.start_mark.index : key.end_mark.index]


def _plain(node: yaml.Node, text: str, *, typed: bool) -> Any:
    """The value of a node, with its scalars as they were written.

    So `caption: 1:30` or `alt: yes` never turns into something else. Only under `extra` do scalars get
    YAML's types, as far as JSON has them; `16:9` is a text there too, though YAML 1.1 takes it for 969.

    Raises:
        ValueError: it holds an anchor or alias, which could be made to grow without end, or a tag; both
            would silently swallow the first word of a text. Or it holds a key twice.
    """

    def convert(part: yaml.Node) -> Any:
        # A node begins where its anchor or tag does; what an alias stands for has an anchor.
        sign = text[part.start_mark.index : part.start_mark.index + 1]
        if sign in ("&", "!", "*"):
            raise ValueError(
                f"YAML anchors, aliases and tags are not allowed here. Put quotes round a text with '{sign}'."
            )
        if isinstance(part, yaml.SequenceNode):
            return [convert(item) for item in part.value]
        if isinstance(part, yaml.MappingNode):
            mapping: dict[str, Any] = {}
            for key_node, value_node in part.value:
                key = _key_text(key_node, text)
                if key in mapping:
                    raise ValueError(f"{shown(key)} stands in it twice.")
                mapping[key] = convert(value_node)
            return mapping
        if part.tag == _TYPED[0] or (typed and part.tag in _TYPED and ":" not in part.value):
            return SafeConstructor().construct_object(part)
        return part.value

    return convert(node)


def _refuse_comment(node: yaml.Node, text: str) -> None:
    """See that no text is cut short by what YAML takes for a comment: `prompt: A logo in #ff0000`.

    A comment as people write them, with a blank behind its sign, is left alone.

    Raises:
        ValueError: it is.
    """
    if isinstance(node, yaml.ScalarNode) and not node.style:
        comment = _CUT_BY_COMMENT.match(text, node.end_mark.index)
        if comment:
            raise ValueError(
                "YAML takes the rest of the line from ' #' on for a comment. Put quotes round the value."
            )


def _broken_mapping(error: Exception, text: str, reader: _Reader) -> None:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "it cannot be parsed"
    lines = text.count("\n") + 1
    reader.fail(
        min(mark.line + 1, lines) if mark else 1,
        f"the body looks like options but is not valid YAML: {what}. Put quotes round a value that "
        "holds ': ' or ' #' or begins with a sign, or write a longer prompt as 'prompt: |' with "
        "indented lines below.",
    )
