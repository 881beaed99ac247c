"""What a user means who names a picture: by its place, by its key, by its file or by its id."""

from __future__ import annotations

import contextlib
import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.utils.meta import YAML_RE

from mkdocs_genimage.errors import GenimageError
from mkdocs_genimage.fences import scan
from mkdocs_genimage.inventory import Record, records
from mkdocs_genimage.upkeep.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mkdocs_genimage.request import ImageRequest
    from mkdocs_genimage.upkeep.blocks import SiteBlock, SiteImage
    from mkdocs_genimage.upkeep.survey import Survey

MIN_DIGITS = 4
"""Hex digits of a key that are taken for one. With 1,000 pictures they name one in 98 of 100 cases."""
LISTED = 8
"""Candidates that a message lists at most."""

_PLACE = re.compile(r"(?P<file>.+?)(?::(?P<line>\d+))(?::\d+)?")
_LINE = re.compile(r"(?P<file>.*):(?P<line>\d+)")
_NAME = re.compile(
    rf"(?:.*-)?(?P<digits>[0-9a-f]{{{MIN_DIGITS},64}})(?:-(?P<variant>\d{{1,2}}))?"
    r"(?P<ending>(?:\.refused)?\.[a-z]+)?",
    re.IGNORECASE,
)
_PAGE_ENDINGS = (".md", ".markdown", ".mdown", ".mkdn", ".mkd", ".txt")


class TargetError(GenimageError):
    """Nothing, or more than one thing, goes by a name. The message lists what may be meant."""


class ChoiceError(GenimageError):
    """What is named has no such picture, or several. The message says so, and what to do."""


@dataclass(frozen=True)
class Target:
    """What a name stands for.

    Attributes:
        blocks: those at the place, or those that show the picture; none for a picture that no page uses.
        images: all variants of the block with their twins, all variants of the key, or the one that a file's
            name tells.
        record: the sidecar of a picture in the cache that no page uses; else None.
    """

    blocks: tuple[SiteBlock, ...]
    images: tuple[SiteImage, ...]
    record: Record | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Where its blocks stand."""
        return tuple(dict.fromkeys(block.place for block in self.blocks))


def find(survey: Survey, name: str) -> Target:
    """What a user means.

    Args:
        survey: of the site.
        name: `docs/page.md:12` (any line of the block, or of the front matter for its hero; also from
            docs_dir or the working directory, with either kind of slash), `docs/page.md` where it has one
            block, `#id`, `docs/page.md#id`, four or more digits of a key, or the name of a file in the cache.

    Raises:
        TargetError: nothing or several things go by that name.
    """
    text = name.strip().replace("\\", "/")
    if match := _PLACE.fullmatch(text):
        return _of_blocks(_at_line(survey, match["file"], int(match["line"])))
    file, hash_sign, block_id = text.partition("#")
    if hash_sign:
        return _of_blocks(_with_id(survey, file, block_id))
    if text.lower().endswith(_PAGE_ENDINGS):
        return _of_blocks(_only_one(_of_page(survey, text), text, "has several blocks"))
    return _of_key(survey, text.rpartition("/")[2])


def line_of(block: SiteBlock) -> int | None:
    """The 1-based line of the file where a block begins; None for one that is not in the file itself."""
    match = _LINE.fullmatch(block.place)
    return int(match["line"]) if match else None


def described(block: SiteBlock) -> str:
    """A block in a list of candidates."""
    if block.composed is None:
        return f"{block.place}  (wrong)"
    hero = "hero, " if block.is_in_front_matter else ""
    state = block.images[0].state if block.images else "missing"
    return f"{block.place}  {block.composed.request.stem}  ({hero}{state})"


def _of_blocks(blocks: list[SiteBlock]) -> Target:
    images = {(i.request.key, i.variant): i for block in blocks for i in block.pictures}
    return Target(tuple(blocks), tuple(images.values()))


# Places


def _at_line(survey: Survey, file: str, line: int) -> list[SiteBlock]:
    blocks = _of_page(survey, file)
    spans: dict[tuple[str, bool], range] = {}
    for block in blocks:
        if (block.place, block.is_in_front_matter) not in spans:
            spans |= _spans(block)
    found = [b for b in blocks if line in spans.get((b.place, b.is_in_front_matter), ())]
    # A hero whose front matter is completed by another file has no line there.
    found = found or [block for block in blocks if line_of(block) == line]
    if found:
        return found
    # Of a snippet's own file, the blocks have no line on the pages that include it.
    found = _of_snippet(survey, file, line)
    if found:
        return found
    inside = [b for b in blocks if line_of(b) is not None]
    inside.sort(key=lambda block: abs((line_of(block) or 0) - line))
    raise TargetError(_listing(f"there is no block at {file}:{line}.", inside or blocks))


def _spans(block: SiteBlock) -> dict[tuple[str, bool], range]:
    """The lines of a hero's front matter, or of each fence of a block's page, by place and by which it is."""
    source = block.seen.place.source
    text = ""
    with contextlib.suppress(OSError, ValueError):
        text = source.read()
    if block.is_in_front_matter:
        head = YAML_RE.match(text)
        return {(block.place, True): range(1, head[0].count("\n") + 1 if head else 1)}
    return {
        (f"{source.name}:{fence.start + 1}", False): range(fence.start + 1, fence.end + 1)
        for fence in scan(text.split("\n")).fences
    }


def _lines(path: Path) -> list[str]:
    """A file as MkDocs reads it; nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, ValueError):
        return []


def _of_page(survey: Survey, file: str) -> list[SiteBlock]:
    """The blocks of a page.

    Raises:
        TargetError: it has none, or is none.
    """
    name = re.sub(r"^(?:\./)+", "", file)
    for same in (str, str.casefold):
        found = [block for block in survey.blocks if _is_page(block, name, same)]
        if found:
            return found
    if _of_snippet(survey, file):
        return []
    names = list(dict.fromkeys(block.seen.place.source.name for block in survey.blocks))
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    close += [n for n in names if n.endswith(f"/{name.rpartition('/')[2]}") and n not in close]
    blocks = [b for b in survey.blocks if b.seen.place.source.name in close]
    raise TargetError(_listing(f"there is no page {file} with a genimage block.", blocks))


def _is_page(block: SiteBlock, name: str, same: Callable[[str], str]) -> bool:
    source = block.seen.file.abs_src_path
    names = [block.seen.place.source.name, block.page]
    wanted = [name]
    # What a user types may be no name of a file at all.
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        if source:
            wanted.append(Path(name).resolve().as_posix())
            names.append(Path(source).resolve().as_posix())
    return not {same(one) for one in names}.isdisjoint({same(one) for one in wanted})


def _of_snippet(survey: Survey, file: str, line: int | None = None) -> list[SiteBlock]:
    """The blocks that pages have from a file that is no page: a snippet."""
    for path in (Path(file), survey.project / file):
        try:
            is_there = path.is_file()
        except OSError:
            is_there = False
        if not is_there:
            continue
        sources = {
            fence.source
            for fence in scan(_lines(path)).fences
            if line is None or fence.start < line <= fence.end
        }
        return [b for b in survey.blocks if not line_of(b) and b.seen.place.fence.source in sources]
    return []


def _with_id(survey: Survey, file: str, block_id: str) -> list[SiteBlock]:
    blocks = _of_page(survey, file) if file else survey.blocks
    named = [b for b in blocks if b.composed and b.composed.options.get("id") == block_id]
    if named:
        return _only_one(named, f"#{block_id}", "is the id of several blocks")
    with_ids = [b for b in blocks if b.composed and "id" in b.composed.options]
    ids = {b.composed.options["id"]: b for b in with_ids if b.composed}
    close = difflib.get_close_matches(block_id, ids, n=LISTED, cutoff=0.4)
    raise TargetError(
        _listing(f"no block has the id '#{block_id}'.", [ids[i] for i in close] or with_ids)
    )


def _only_one(blocks: list[SiteBlock], name: str, what: str) -> list[SiteBlock]:
    """Blocks that are all at one place.

    Raises:
        TargetError: they are not.
    """
    if len({block.place for block in blocks}) == 1:
        return blocks
    raise TargetError(_listing(f"{name} {what}.", blocks))


# Keys and files


def _of_key(survey: Survey, text: str) -> Target:
    match = _NAME.fullmatch(text)
    digits = match["digits"].lower() if match else ""
    # A file's name tells the variant, if only by having no number.
    variant = int(match["variant"] or (1 if match["ending"] else 0)) if match else 0
    if digits:
        images = [
            i
            for i in survey.images
            if i.request.key.startswith(digits) and variant in (0, i.variant)
        ]
        unused = [
            record
            for record in records(survey.folder)
            if record.key.startswith(digits)
            and variant in (0, record.variant)
            and (record.key, record.variant) not in survey.used
        ]
        keys = dict.fromkeys([i.request.key for i in images] + [r.key for r in unused])
        if len(keys) > 1:
            lines = [_described_key(survey, key) for key in keys]
            raise TargetError(_list(f"'{text}' is the beginning of several keys.", lines))
        if images:
            return Target(_showing(survey, images[0].request.key), tuple(images))
        if unused:
            return Target((), (), unused[0])
    what = (
        "neither a place, nor a key, nor a file of the cache" if not digits else "no picture's key"
    )
    names: dict[str, str] = {}
    for record in records(survey.folder):
        names[record.path.stem] = f"{record.image.name}  ({_users(survey, record.key)})"
    for block in survey.blocks:
        if block.composed:
            names[block.composed.request.stem] = described(block)
            names |= {
                twin.name: f"{block.place}  {twin.name}  (dark)" for twin in block.twins.values()
            }
    stem = text.rpartition(".")[0] or text
    close = difflib.get_close_matches(stem.lower(), names, n=LISTED, cutoff=0.5)
    close += [name for name in names if stem.lower() in name and name not in close]
    raise TargetError(_list(f"'{text}' is {what}.", [names[name] for name in close]))


def _showing(survey: Survey, key: str) -> tuple[SiteBlock, ...]:
    return tuple(b for b in survey.blocks if key in b.keys)


def _described_key(survey: Survey, key: str) -> str:
    return f"{key[:16]}  {_users(survey, key)}"


def _users(survey: Survey, key: str) -> str:
    return ", ".join(dict.fromkeys(b.place for b in _showing(survey, key))) or "no page uses it"


# One picture


def choose(target: Target, name: str, variant: int | None) -> tuple[ImageRequest, int]:
    """The request and variant that is meant: not the one for dark mode, unless that was named.

    Args:
        target: what was named; none of its blocks is wrong.
        name: as it was written, for messages.
        variant: from 1; None is the one that is named or shown.

    Raises:
        TargetError: several pictures go by the name, or one that no page uses.
        ChoiceError: there is no such variant, or it is not clear which one is meant.
    """
    blocks = [block.composed for block in target.blocks if block.composed]
    requests = {image.request.key: image.request for image in target.images}
    if len(requests) != 1:
        requests = {block.request.key: block.request for block in blocks}
    if len(requests) != 1:
        what = "a picture that no page uses" if not requests else "several pictures"
        raise TargetError(f"'{name}' is {what}. Name one block by its place.")
    (request,) = requests.values()
    own = [block for block in blocks if block.request.key == request.key]
    count = max((block.count for block in own), default=1)
    if variant is not None:
        if variant > count:
            raise ChoiceError(
                f"there is no variant {variant}: the block asks for {counted(count, 'picture')}."
            )
        return request, variant
    named = {image.variant for image in target.images if image.request.key == request.key}
    if len(named) == 1:
        return request, named.pop()
    shown = {number for block in own for number in block.shown_variants}
    if len(shown) != 1:
        raise ChoiceError(f"'{name}' shows several variants. Say which one by --variant.")
    return request, shown.pop()


def choose_twin(target: Target, name: str, variant: int | None) -> tuple[ImageRequest, int]:
    """The request and variant of the picture for dark mode that is meant, one that cannot be made among them.

    Args:
        target: what was named, be it by the picture for light mode; none of its blocks is wrong.
        name: as it was written, for messages.
        variant: of the picture for light mode, from 1; None is the one that is named or shown.

    Raises:
        TargetError: no block shows what was named.
        ChoiceError: there is none, or it is not clear which one is meant.
    """
    if not target.blocks:
        raise TargetError(f"'{name}' is a picture that no block shows.")
    twins = [(n, one.request) for block in target.blocks for n, one in block.wanted_twins.items()]
    if not twins:
        block = target.blocks[0]
        is_unseen = any(block.composed and block.composed.twins for block in target.blocks)
        cure = "Set 'show: true'" if is_unseen else "Set 'dark'"
        raise ChoiceError(
            f"{block.place} shows no picture for dark mode. {cure} for the {block.noun} first."
        )
    asked = {(image.request.key, image.variant) for image in target.images}
    named = [(n, request) for n, request in twins if (request.key, 1) in asked]
    # A light one that was named by its file stands for its twin.
    named = named or [(n, request) for n, request in twins if n in {number for _, number in asked}]
    chosen = {request.key: request for n, request in named if variant in (None, n)}
    if not chosen:
        raise ChoiceError(
            f"'{name}' does not show that variant, so no picture for dark mode is made from it."
        )
    if len(chosen) > 1:
        raise ChoiceError(f"'{name}' shows several variants. Say which one by --variant.")
    (request,) = chosen.values()
    return request, 1


# Messages


def _listing(message: str, blocks: Iterable[SiteBlock]) -> str:
    return _list(message, [described(block) for block in blocks])


def _list(message: str, lines: list[str]) -> str:
    if not lines:
        return f"{message} 'mkdocs-genimage plan --all' lists all blocks."
    lines = list(dict.fromkeys(lines))
    rest = len(lines) - LISTED
    more = [f"... and {rest} more"] if rest > 0 else []
    return "\n  ".join([f"{message} Is it one of these?", *lines[:LISTED], *more])
