"""Changing an author's Markdown: one block at a time, and not one byte elsewhere."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from difflib import SequenceMatcher, unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs_genimage.block import Block, parse_block
from mkdocs_genimage.disk import write_atomically
from mkdocs_genimage.errors import BlockError, GenimageError
from mkdocs_genimage.fences import Fence, scan
from mkdocs_genimage.upkeep.targets import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mkdocs_genimage.upkeep.blocks import SiteBlock
    from mkdocs_genimage.upkeep.survey import Survey

_BOM = "\ufeff"
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_SNIPPET_ENDINGS = (".md", ".markdown", ".txt", ".inc", ".snippet")
_MAX_SNIPPET_BYTES = 1_000_000
_MUCH_ALIKE = 0.6
"""Share of letters in common that a block has with what a macro made of it."""
_HEADER = re.compile(r"(?P<lead>[> \t]*(?P<run>`{3,}|~{3,}))(?P<info>.*?)(?P<blank>[ \t]*)")
_IN_HEADER = re.compile(
    r"""(?P<before>(?:^|(?<=[\s{]))pick\s*=\s*)(?P<quote>["']?)(?P<value>[^\s"'{}]+)(?P=quote)"""
    r"""|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
)
_IN_BODY = re.compile(
    r"""(?P<before>[> \t]*["']?pick["']?[ \t]*:[ \t]+)(?P<quote>["']?)(?P<value>[^\s"'#]+)(?P=quote)"""
    r"""(?P<after>[ \t]*(?:[ \t]\#.*)?)"""
)
_QUOTED_VALUES = re.compile(r'=\s*"')
_BARE_VALUES = re.compile(r"""=\s*[^\s"']""")


class SourceError(GenimageError):
    """A file or block that is not changed; the message says why and what to do."""


class SourceFile:
    """The text of a page's file, with its line ends, its byte order mark and its end as they are.

    Args:
        path: the file; where it is a link, what it leads to.

    Raises:
        SourceError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        try:
            self._data = self.path.read_bytes()
            text = self._data.decode("utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise SourceError(f"{path} cannot be read: {reason}.") from None
        self._mark = _BOM if text.startswith(_BOM) else ""
        self.lines: list[str] = _LINES.findall(text.removeprefix(_BOM))
        """Each with its end, as far as it has one."""
        self.fences: list[Fence] = scan(self.bare(self.lines)).fences

    @staticmethod
    def bare(lines: Sequence[str]) -> list[str]:
        """Lines without their ends."""
        return [line.rstrip("\r\n") for line in lines]

    def fence_at(self, line: int) -> Fence | None:
        """The fence that begins at a 1-based line."""
        return next((fence for fence in self.fences if fence.start == line - 1), None)

    def end_of(self, fence: Fence) -> str:
        """How a fence's lines end."""
        first = self.lines[min(fence.start, len(self.lines) - 1)] if self.lines else ""
        return first[len(first.rstrip("\r\n")) :] or "\n"

    def span(self, start: int, end: int) -> Fence:
        """Lines that are no fence, for `replaced`; none where both are the same."""
        return Fence("", "", (), "", start, end)

    def replaced(self, changes: Mapping[Fence, Sequence[str]]) -> list[str]:
        """The lines with others in the place of some fences, or of what `span` gave.

        Raises:
            SourceError: that would change how the rest of the file is read.
        """
        lines: list[str] = []
        done = 0
        for fence in sorted(changes, key=lambda one: (one.start, one.end)):
            lines += [*self.lines[done : fence.start], *changes[fence]]
            done = fence.end
        lines += self.lines[done:]
        kept = [fence.source for fence in self.fences if fence not in changes]
        new = [fence.source for _, new in changes.items() for fence in scan(self.bare(new)).fences]
        found = [fence.source for fence in scan(self.bare(lines)).fences]
        if sorted(found) != sorted(kept + new):
            raise SourceError("the change would alter other blocks of the file.")
        return lines

    def diff(self, lines: Sequence[str], name: str) -> Iterator[str]:
        """The lines of a unified diff to other content, as `patch` reads it.

        Args:
            lines: the new content.
            name: of the file, from where the diff is to be applied.
        """
        old, new = _marked(self._mark, self.lines), _marked(self._mark, lines)
        for line in unified_diff(old, new, f"a/{name}", f"b/{name}", n=3):
            yield line
            if not line.endswith(("\n", "\r")):
                yield "\n\\ No newline at end of file\n"

    def write(self, lines: Sequence[str]) -> None:
        """Put other content in the file's place, whole or not at all. Its mode stays.

        Raises:
            SourceError: the file may not or cannot be written, or was changed in between.
        """
        try:
            status = self.path.stat()
            if not status.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(
                self.path, os.W_OK
            ):
                raise SourceError(f"{self.path} is read-only. Make it writable first.")
            if self.path.read_bytes() != self._data:
                raise SourceError(f"{self.path} was changed in between. Try again.")
            write_atomically(self.path, (self._mark + "".join(lines)).encode(), like=status)
        except OSError as error:
            raise SourceError(
                f"{self.path} cannot be written: {error.strerror or error}."
            ) from error


def _marked(mark: str, lines: Sequence[str]) -> list[str]:
    return [mark + lines[0], *lines[1:]] if mark and lines else list(lines)


def page_file(block: SiteBlock, survey: Survey) -> Path:
    """The file of a block's page.

    Raises:
        SourceError: it has none in docs_dir.
    """
    file = block.seen.file
    path = Path(file.abs_src_path) if file.abs_src_path else None
    by = getattr(file, "generated_by", None)
    if path is None or by or not path.is_relative_to(survey.config.docs_dir):
        raise SourceError(
            f"{block.place}: this page is made by {by or 'another plugin'}, it has no file in docs_dir."
        )
    return path


def source_of(block: SiteBlock, survey: Survey) -> tuple[SourceFile, Fence]:
    """The file in which a block is written, and the block in it.

    Raises:
        SourceError: it is not written in a file of docs_dir, at least not as it is on the page; or it is in
            front matter.
    """
    if block.is_in_front_matter:
        raise SourceError(
            f"{block.place}: the hero is in the page's front matter. Change it there by hand."
        )
    path, seen = page_file(block, survey), block.seen.place.fence
    line = line_of(block)
    if line is None:
        files = origins(block, survey)
        where = (
            f"It seems to be in {' or '.join(files[:3])}." if files else "No file has it as it is."
        )
        raise SourceError(
            f"{block.place}: the block comes from a snippet or is made by a macro, so the page's file "
            f"is not where it is written. {where} Change it there by hand."
        )
    source = SourceFile(path)
    fence = source.fence_at(line)
    if fence is None:
        raise SourceError(f"{block.place}: the file was changed in between. Try again.")
    if fence.source != seen.source and not _is_made_of(seen, fence):
        raise SourceError(
            f"{block.place}: a macro or another plugin makes this block from what is in the file. "
            "Change it there by hand."
        )
    return source, fence


def _is_made_of(seen: Fence, fence: Fence) -> bool:
    """Whether a block of a page is the one in the file, with a text in it that a macro completed.

    Places are worked out by the order of the blocks, so where macros leave out one and bring another, they
    may be taken for each other.
    """
    matcher = SequenceMatcher(None, "\n".join(fence.source), "\n".join(seen.source), autojunk=False)
    return _own(fence) == _own(seen) and matcher.ratio() >= _MUCH_ALIKE


def _own(fence: Fence) -> dict[str, object] | None:
    """The options of a fence but for its texts."""
    try:
        options = parse_block(fence.header, fence.body).options
    except BlockError:
        return None
    texts = ("prompt", "alt", "caption", "title", "link")
    return {name: value for name, value in options.items() if name not in texts}


def origins(block: SiteBlock, survey: Survey) -> list[str]:
    """Files, from the folder of mkdocs.yml, that have a block as it is on a page: snippets, mostly."""
    settings = survey.config.mdx_configs.get("pymdownx.snippets", {})
    bases = settings.get("base_path") or ["."]
    roots = []
    for base in [bases] if isinstance(bases, str) else bases:
        roots += [Path(base).resolve(), survey.project / base]
    roots.append(Path(survey.config.docs_dir))
    known = {other.place for other in survey.blocks}
    found: dict[str, None] = {}
    for root in dict.fromkeys(roots):
        for path in _texts(root, {survey.folder, Path(survey.config.site_dir)}):
            with contextlib.suppress(OSError, ValueError):
                lines = path.read_text(encoding="utf-8-sig").split("\n")
                for fence in scan(lines).fences:
                    if fence.source == block.seen.place.fence.source:
                        name = os.path.relpath(path, survey.project).replace(os.sep, "/")
                        found[f"{name}:{fence.start + 1}"] = None
    # What pages show of their own is no snippet.
    return [place for place in found if place not in known]


def _texts(root: Path, without: set[Path]) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in ("node_modules", "__pycache__", "venv")
            and Path(folder, name) not in without
        )
        for name in sorted(names):
            path = Path(folder, name)
            if name.endswith(_SNIPPET_ENDINGS) and path.stat().st_size <= _MAX_SNIPPET_BYTES:
                yield path


def with_pick(source: SourceFile, fence: Fence, pick: str) -> list[str]:
    """The lines of a file in which one block's `pick` is another; they are the same where it is that already.

    Args:
        source: the file.
        fence: the block.
        pick: a variant's number, or `all`.

    Raises:
        SourceError: the block cannot be read, or there is no safe way to write it into this one.
    """
    try:
        block = parse_block(fence.header, fence.body)
    except BlockError as error:
        raise SourceError(f"the block cannot be read: {error}") from None
    lines = source.lines[fence.start : fence.end]
    for changed in _attempts(lines, block, pick):
        if _only_picked(source, changed, block, pick):
            return source.replaced({fence: changed})
    raise SourceError(
        f"there is no safe way to write it into this block. Write 'pick: {pick}' by hand."
    )


def _only_picked(source: SourceFile, lines: list[str], block: Block, pick: str) -> bool:
    """Whether a block reads as before but for `pick`."""
    fences = scan(source.bare(lines)).fences
    if len(fences) != 1 or (fences[0].start, fences[0].end) != (0, len(lines)):
        return False
    try:
        now = parse_block(fences[0].header, fences[0].body).options
    except BlockError:
        return False
    return now == {**block.options, "pick": pick if pick == "all" else int(pick)}


def _attempts(lines: list[str], block: Block, pick: str) -> Iterator[list[str]]:
    """Ways to write `pick` into a block, best first. Which of them are right shows when they are read."""
    at = block.lines.get("pick")
    if at is not None:
        text, end = _parted(lines[at])
        new = _in_header(text, pick) if at == 0 else _in_body(text, pick)
        yield [*lines[:at], new + end, *lines[at + 1 :]]
        return
    if block.lines.get("n") == 0:
        yield _header_with(lines, pick)
    body = sorted(line for line in block.lines.values() if line > 0)
    if body:
        # Below `n`, which it belongs to; else at the end; else in front.
        last = next(i for i in range(len(lines) - 1, 0, -1) if lines[i - 1].strip("> \t\r\n"))
        below_n = [block.lines["n"] + 1] if block.lines.get("n") else []
        lead = re.match(r"[> \t]*", lines[body[0]])
        _, end = _parted(lines[body[0]])
        new = f"{lead[0] if lead else ''}pick: {pick}{end}"
        for index in (*below_n, last, body[0]):
            yield [*lines[:index], new, *lines[index:]]
    yield _header_with(lines, pick)


def _parted(line: str) -> tuple[str, str]:
    text = line.rstrip("\r\n")
    return text, line[len(text) :]


def _in_header(text: str, pick: str) -> str:
    def changed(match: re.Match[str]) -> str:
        if match["before"] is None:  # a quoted value, which may hold anything
            return match[0]
        return f"{match['before']}{match['quote']}{pick}{match['quote']}"

    return _IN_HEADER.sub(changed, text)


def _in_body(text: str, pick: str) -> str:
    match = _IN_BODY.fullmatch(text)
    if not match:
        return text
    return f"{match['before']}{match['quote']}{pick}{match['quote']}{match['after']}"


def _header_with(lines: list[str], pick: str) -> list[str]:
    """A block with `pick` in its header, written as the options there are."""
    text, end = _parted(lines[0])
    match = _HEADER.fullmatch(text)
    assert match
    info = match["info"]
    quoted = _QUOTED_VALUES.search(info) and not _BARE_VALUES.search(info)
    new = f'pick="{pick}"' if quoted else f"pick={pick}"
    if info.endswith("}"):
        inner = info[:-1]
        blank = inner[len(inner.rstrip()) :]
        info = f"{inner.rstrip()} {new}{blank}}}"
    else:
        info = f"{info} {new}"
    return [f"{match['lead']}{info}{match['blank']}{end}", *lines[1:]]
