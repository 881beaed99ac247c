"""One fence's text becomes a Block: its options, each with the line it stands on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from mkdocs_genimage.errors import BlockError, OptionError, Problem
from mkdocs_genimage.options import OPTIONS, unknown_option

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_BARE_WORD = re.compile(r"[a-z_]+")
_LOOKS_LIKE_OPTION = re.compile(r"[a-z_]+[ \t]*:(?:[ \t]|$)")
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

    def set(self, name: str, value: Any, line: int) -> None:
        if name not in OPTIONS:
            self.problems.append(Problem(line, unknown_option(name, OPTIONS)))
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
    _read_header(header, reader)
    _read_body(body, reader)
    if "prompt" not in reader.lines and not reader.problems:
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
        text = re.sub(r"^\.genimage(?=\s|$)", "", text)
    classes: list[str] = []
    position = 0
    while text[position:].strip():
        match = _HEADER_TOKEN.match(text, position)
        if not match:
            rest = text[position:].split()[0]
            reader.problems.append(
                Problem(0, f"the header cannot be read at '{rest[:40]}': {_HEADER_HELP}")
            )
            return
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


def _read_body(body: str, reader: _Reader) -> None:
    text = body.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        return
    try:
        # The parser refuses control characters; as a prompt they are harmless.
        node = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = next(line for line in text.split("\n") if line.strip())
        if _LOOKS_LIKE_OPTION.match(first):
            _broken_mapping(error, text, reader)
        else:
            reader.set("prompt", text, 1)
        return
    entries = _entries(node)
    words = [str(key.value) for key, _ in entries]
    if not all(_BARE_WORD.fullmatch(word) for word in words) and not set(words) & set(OPTIONS):
        entries = []
    if not entries:
        reader.set("prompt", text, 1)
        return
    if not set(words) & set(OPTIONS):
        line = entries[0][0].start_mark.line + 1
        reader.problems.append(
            Problem(
                line,
                f"{unknown_option(words[0], OPTIONS)} If '{words[0]}:' begins the prompt, write "
                "'prompt: |' and the prompt below it, indented.",
            )
        )
        return
    for key_node, value_node in entries:
        line = key_node.start_mark.line + 1
        try:
            value = _plain(value_node, typed=key_node.value == "extra")
        except ValueError as error:
            reader.problems.append(Problem(line, f"'{key_node.value}' cannot be read: {error}"))
            continue
        reader.set(key_node.value, value, line)


def _entries(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    """The top-level keys and values of a block mapping; empty for every other body.

    A mapping whose keys are all bare lower-case words holds options. One that mixes an option's name
    with something else ("Size: ..." above "prompt: ...") is read as options too, so that the slip
    becomes an error and never a prompt that is paid for.
    """
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return []
    if not all(isinstance(key, yaml.ScalarNode) for key, _ in node.value):
        return []
    return list(node.value)


def _plain(node: yaml.Node, *, typed: bool) -> Any:
    """The value of a node, with its scalars as they were written.

    So `caption: 1:30` or `alt: yes` never turns into something else. Only under `extra` do scalars get
    YAML's types.

    Raises:
        ValueError: it holds an alias, which could be made to grow without end.
    """
    seen: set[int] = set()

    def convert(part: yaml.Node) -> Any:
        if id(part) in seen:
            raise ValueError("YAML anchors and aliases are not allowed here.")
        seen.add(id(part))
        if isinstance(part, yaml.SequenceNode):
            return [convert(item) for item in part.value]
        if isinstance(part, yaml.MappingNode):
            return {str(convert(key)): convert(value) for key, value in part.value}
        if typed:
            return yaml.safe_load(yaml.serialize(part))
        if part.tag == "tag:yaml.org,2002:null":
            return None
        return part.value

    return convert(node)


def _broken_mapping(error: Exception, text: str, reader: _Reader) -> None:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "it cannot be parsed"
    lines = text.count("\n") + 1
    reader.problems.append(
        Problem(
            min(mark.line + 1, lines) if mark else 1,
            f"the body looks like options but is not valid YAML: {what}. Put quotes round a value "
            "that holds ': ' or ' #', or write a longer prompt as 'prompt: |' with indented lines "
            "below.",
        )
    )
