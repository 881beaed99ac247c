"""Leaving the plugin: blocks become plain Markdown images, and their pictures files among the docs."""

from __future__ import annotations

import html
import os
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mkdocs_genimage.disk import write_atomically
from mkdocs_genimage.upkeep.block_markup import Img
from mkdocs_genimage.upkeep.replacements import EjectError, Found, Writer
from mkdocs_genimage.upkeep.source_edits import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mkdocs_genimage.fences import Fence
    from mkdocs_genimage.upkeep.blocks import SiteBlock
    from mkdocs_genimage.upkeep.plain_markup import Form, Markup
    from mkdocs_genimage.upkeep.replacements import Social
    from mkdocs_genimage.upkeep.source_edits import SourceFile
    from mkdocs_genimage.upkeep.survey import Survey


@dataclass(frozen=True)
class Left:
    """A block that stays as it is, or what is to be said of one that does not."""

    place: str
    reason: str


@dataclass(frozen=True)
class PageChange:
    """A page with its blocks replaced.

    Attributes:
        name: its file, from the folder of mkdocs.yml.
        source: the file as it is.
        lines: as it is to be.
        blocks: how many are replaced, a hero among them.
        pictures: what it shows then: path in docs_dir to the file in the cache.
        social: pictures for other sites by their path in docs_dir.
    """

    name: str
    source: SourceFile
    lines: Sequence[str]
    blocks: int
    pictures: Mapping[str, Path]
    social: Mapping[str, Social]

    @property
    def diff(self) -> list[str]:
        """The lines of a unified diff."""
        return list(self.source.diff(self.lines, self.name))


@dataclass
class Plan:
    """What ejecting comes to.

    Attributes:
        changes: the pages.
        left: the blocks that stay.
        notes: what is not as it was.
        has_attr_list: whether plain images can have dimensions on this site.
    """

    docs_dir: Path
    changes: list[PageChange] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    notes: list[Left] = field(default_factory=list)
    has_attr_list: bool = True

    @property
    def pictures(self) -> dict[str, Path]:
        """All pictures to copy: path in docs_dir to the file in the cache."""
        return {uri: path for change in self.changes for uri, path in change.pictures.items()}

    @property
    def social(self) -> dict[str, Social]:
        """All pictures to make for other sites, by their path in docs_dir."""
        return {uri: path for change in self.changes for uri, path in change.social.items()}

    @property
    def targets(self) -> dict[Path, Callable[[], bytes]]:
        """The files that are to lie among the docs, each with what gives its bytes.

        That raises EjectError where a picture for other sites cannot be made, and OSError where one cannot be
        read.
        """
        makers = {uri: path.read_bytes for uri, path in self.pictures.items()}
        makers |= {uri: one.make for uri, one in self.social.items()}
        return {self.docs_dir / uri: make for uri, make in makers.items()}

    def write(self) -> None:
        """Copy the pictures and change the pages. Pages that cannot be written are left, and told.

        Raises:
            EjectError: a picture cannot be copied. No page was changed then.
        """
        for target, make in self.targets.items():
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    write_atomically(target, make())
            except OSError as error:
                reason = error.strerror or error
                raise EjectError(f"{target} cannot be written: {reason}.") from error
        for change in list(self.changes):
            try:
                change.source.write(change.lines)
            except SourceError as error:
                self.changes.remove(change)
                self.left.append(Left(change.name, str(error)))


def read_folder(text: str, survey: Survey) -> str:
    """A folder for pictures below docs_dir, as `assets/images`.

    Raises:
        EjectError: it is not below docs_dir, or MkDocs would pass it over.
    """
    docs = Path(survey.config.docs_dir)
    written = text.strip().replace("\\", "/").rstrip("/")
    path = PurePosixPath(written)
    if not path.parts or path.is_absolute() or ".." in path.parts or ":" in written:
        raise EjectError(
            f"'{text}' is no folder below {docs.name}/. Write it from there: assets/x."
        )
    if any(part.startswith(".") for part in path.parts) or path.parts[0] == "templates":
        raise EjectError(f"'{text}' is a folder that MkDocs leaves out of the site.")
    if (docs / path).is_relative_to(survey.folder):
        raise EjectError(f"'{text}' is the folder of the plugin's cache. Choose another.")
    return path.as_posix()


def select(survey: Survey, patterns: Sequence[str]) -> list[SiteBlock]:
    """The blocks of some pages: files, folders or globs, from docs_dir or the working directory.

    Raises:
        EjectError: a pattern names no page and no file.
    """
    if not patterns:
        return list(survey.blocks)
    chosen: list[SiteBlock] = []
    for pattern in patterns:
        text = pattern.replace("\\", "/").removeprefix("./").rstrip("/")
        own = [block for block in survey.blocks if _is_meant(block, text)]
        if (
            not own
            and not Path(pattern).exists()
            and not (Path(survey.config.docs_dir, pattern).exists())
        ):
            raise EjectError(f"'{pattern}' names no page with genimage blocks, and no file.")
        chosen += own
    ids = {id(block) for block in chosen}
    return [block for block in survey.blocks if id(block) in ids]


def _is_meant(block: SiteBlock, pattern: str) -> bool:
    path = block.seen.file.abs_src_path
    names = [block.page, block.seen.place.source.name]
    if path:
        names.append(Path(path).as_posix())
        if names[-1] == Path(os.path.abspath(pattern)).as_posix():  # noqa: PTH100 - links stay
            return True
    return any(fnmatchcase(name, pattern) or name.startswith(f"{pattern}/") for name in names)


def plan(survey: Survey, blocks: Iterable[SiteBlock], folder: str) -> Plan:
    """What it comes to when some blocks are replaced. Changes nothing.

    Args:
        survey: of the site.
        blocks: those to replace.
        folder: where their pictures go, below docs_dir.

    Raises:
        EjectError: another picture is in the place of one of them.
    """
    writer = Writer(survey, folder)
    result = Plan(Path(survey.config.docs_dir), has_attr_list=writer.markup.has_attr_list)
    by_page: dict[Path, dict[Fence, Found]] = {}
    sources: dict[Path, SourceFile] = {}
    seen: dict[str, int] = Counter()
    for block in blocks:
        try:
            source, fence = writer.source_of(block)
            seen[block.place] += 1
            found = by_page.setdefault(source.path, {})
            sources[source.path] = source
            if seen[block.place] == 1:
                found[fence] = writer.found(block, source, fence)
            elif seen[block.place] == 2:
                found.pop(fence, None)
                raise SourceError("it is another picture in other views of the page.")
        except SourceError as error:
            text = str(error).removeprefix(f"{block.place}: ")
            result.left.append(Left(block.place, text))
    for path, found in by_page.items():
        change = _change(sources[path], found, writer.markup, result)
        if change:
            result.changes.append(change)
    _check_targets(result)
    return result


def _change(
    source: SourceFile, found: dict[Fence, Found], markup: Markup, result: Plan
) -> PageChange | None:
    """A page's change, each block written in the first way that shows its picture there."""
    chosen = dict.fromkeys(found, 0)
    while found:
        changes: dict[Fence, Sequence[str]] = {}
        for fence, one in found.items():
            changes |= one.also
            if one.forms:
                changes[fence] = _written(source, fence, one.forms[chosen[fence]])
        try:
            lines = source.replaced(changes)
        except SourceError as error:
            result.left += [Left(one.block.place, str(error)) for one in found.values()]
            return None
        lost = _lost(found, chosen, markup.render("\n".join(source.bare(lines))))
        if not lost:
            break
        for fence in lost:
            chosen[fence] += 1
            if chosen[fence] == len(found[fence].forms):
                reason = "no plain Markdown shows the picture where it stands."
                result.left.append(Left(found[fence].block.place, reason))
                del found[fence], chosen[fence]
    if not found:
        return None
    name = next(iter(found.values())).block.seen.place.source.name
    pictures = {uri: path for one in found.values() for uri, path in one.pictures.items()}
    social = {uri: path for one in found.values() for uri, path in one.social.items()}
    result.notes += [Left(one.block.place, note) for one in found.values() for note in one.notes]
    return PageChange(name, source, lines, len(found), pictures, social)


def _lost(
    found: Mapping[Fence, Found], chosen: Mapping[Fence, int], page: str | None
) -> list[Fence]:
    """The blocks whose pictures are not in a page's HTML as they should be."""
    if page is None:
        return []
    seen = read_images(page)
    forms = {fence: one.forms[chosen[fence]] for fence, one in found.items() if one.forms}
    expected = {fence: Counter(form.images) for fence, form in forms.items()}
    wanted: Counter[Img] = sum(expected.values(), Counter())
    short = {image for image, count in wanted.items() if seen[image] < count}
    text = html.unescape(page)
    signs = {fence: form.sign for fence, form in forms.items()}
    return [
        fence
        for fence, images in expected.items()
        if not short.isdisjoint(images) or (signs[fence] and signs[fence] in text)
    ]


class _ImageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[Img] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("img", "source"):
            has = {name: value or "" for name, value in attrs}
            url = "src" if tag == "img" else "srcset"
            names = (url, "alt", "title", "width", "height")
            self.found[Img(*(has.get(name, "") for name in names))] += 1


def read_images(page: str) -> Counter[Img]:
    """The pictures of a page's HTML, those that a browser may choose instead among them."""
    reader = _ImageReader()
    reader.feed(page)
    reader.close()
    return reader.found


def _written(source: SourceFile, fence: Fence, form: Form) -> list[str]:
    """The lines that take a fence's place, with blank ones round them where there are none."""
    end = source.end_of(fence)
    lines = [form.prefix + line + end for line in form.lines]
    blank = fence.prefix.rstrip() + end
    before = source.lines[fence.start - 1] if fence.start else ""
    after = source.lines[fence.end] if fence.end < len(source.lines) else ""
    if before.strip("> \t\r\n"):
        lines.insert(0, blank)
    if after.strip("> \t\r\n"):
        lines.append(blank)
    elif not after and not source.lines[fence.end - 1].endswith(("\n", "\r")):
        lines[-1] = lines[-1].rstrip("\r\n")
    return lines


def _check_targets(result: Plan) -> None:
    for target, make in result.targets.items():
        if target.exists() and (target.is_dir() or target.read_bytes() != make()):
            uri = target.relative_to(result.docs_dir).as_posix()
            raise EjectError(
                f"{result.docs_dir.name}/{uri} is there already and is another file. "
                "Choose another folder with --assets."
            )
