"""What of the cache no page uses any more.

A picture is deleted for good reason only: each doubt about what the site shows keeps all of them.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mkdocs_genimage import journal
from mkdocs_genimage.cache import SIDECAR_VERSION
from mkdocs_genimage.derived import made_files, spare_files
from mkdocs_genimage.disk import sha256_of
from mkdocs_genimage.formats import EXTENSIONS, LFS_POINTER
from mkdocs_genimage.inventory import REFUSAL, SIDECAR, CacheFile, cache_files, records
from mkdocs_genimage.places import PLACED
from mkdocs_genimage.request import (
    KEY_CHARS_IN_NAME,
    KEY_VERSION,
    BlockInput,
    slugify,
    variant_stem,
)
from mkdocs_genimage.upkeep.siblings import other_sites
from mkdocs_genimage.upkeep.survey import find_plugin
from mkdocs_genimage.upkeep.unseen import look_through

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from mkdocs.config.defaults import MkDocsConfig

    from mkdocs_genimage.request import ImageRequest, InputFile
    from mkdocs_genimage.upkeep.survey import Survey
    from mkdocs_genimage.upkeep.unseen import Unseen

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_WORD = re.compile(r"(?<!\S)\S")
_STYLE_CHARS = 2000
"""A style's text in front of a prompt is shorter, or is shown with it."""
_HOMELESS = "a genimage block is rendered outside of any page"


@dataclass(frozen=True)
class Unused:
    """Files of one picture, or of one refusal, that no page has use for.

    Attributes:
        name: their names without ending.
        files: at least one.
        bytes: their size.
        kind: a picture; a note that the server refused one; what is left of a picture.
        sidecar: what is recorded, as far as it can be read.
        slug: the beginning of its name.
        earlier_of: place of a block whose picture is missing and whose prompt begins alike; else empty.
    """

    name: str
    files: tuple[Path, ...]
    bytes: int
    kind: Literal["picture", "refusal", "remains"]
    sidecar: Mapping[str, Any] = field(default_factory=dict, repr=False)
    slug: str = ""
    earlier_of: str = ""

    @property
    def file(self) -> Path:
        """The file that stands for all: the picture, if it is there."""
        return self.files[-1] if self.files[0].suffix == SIDECAR else self.files[0]

    @property
    def cost(self) -> float | None:
        """USD that it has cost; None where that is not recorded."""
        cost = self.sidecar.get("cost")
        return float(cost) if isinstance(cost, (int, float)) else None

    @property
    def prompt(self) -> str:
        """The prompt in one line: from the author's own words on, which the name begins with, too."""
        words = " ".join(self.text("prompt").split())
        for match in _WORD.finditer(words, 0, _STYLE_CHARS):
            if slugify(words[match.start() :]).startswith(self.slug):
                return words[match.start() :]
        return words

    def text(self, name: str) -> str:
        """What is recorded under a name, if it is a text."""
        value = self.sidecar.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Kept:
    """Files that no page shows, and why they stay.

    Attributes:
        name: their names without ending.
        reason: as a sentence.
    """

    name: str
    reason: str


@dataclass
class Pruning:
    """What was found.

    Attributes:
        folder: the cache's.
        unused: by name; empty if there are doubts.
        kept: by name.
        doubts: why nothing can be said, each with its cure.
        spare: smaller files made from pictures that are gone, or are unused; empty if there are doubts.
    """

    folder: Path
    unused: list[Unused] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    spare: list[Path] = field(default_factory=list)

    @property
    def files(self) -> list[Path]:
        """All files that are of no use."""
        return [path for one in self.unused for path in one.files]

    @property
    def bytes(self) -> int:
        """Their size."""
        return sum(one.bytes for one in self.unused)

    @property
    def spare_bytes(self) -> int:
        """The size of the smaller files."""
        size = 0
        for path in self.spare:
            with contextlib.suppress(FileNotFoundError):  # another process may delete them, too
                size += path.lstat().st_size
        return size


def look(config: MkDocsConfig, survey: Callable[[], Sequence[Survey]]) -> Pruning:
    """Tell what of a site's cache is of no use.

    Args:
        config: of the site.
        survey: looks at all sites that share the cache; the one that it belongs to first.

    Raises:
        ConfigurationError: the site has no genimage plugin.
    """
    folder = find_plugin(config).config.cache_folder(config)
    # First, so that what another build makes during the survey is not among them. Smaller files even before
    # the pictures that they are made from.
    made = made_files(folder)
    files = candidates(folder)
    found = find_unused(files, survey())
    if made and not found.doubts:
        # Which are those of a picture that cannot be read, nobody knows.
        with contextlib.suppress(OSError):
            found.spare = spare_files(made, _staying(folder, set(found.files)))
    return found


def candidates(folder: Path) -> list[CacheFile]:
    """The files that may turn out to be of no use: those with a name that the plugin gives, and no others."""
    found = []
    for file in cache_files(folder):
        name = variant_stem(f"{file.slug}-{file.digits}", file.variant) + file.ending
        is_own = name == file.path.name and _SLUG.fullmatch(file.slug)
        if is_own and (file.path.is_symlink() or file.path.is_file()):
            found.append(file)
    return found


def find_unused(files: Iterable[CacheFile], surveys: Sequence[Survey]) -> Pruning:
    """Tell the files that are of no use.

    Args:
        files: what `candidates` gave.
        surveys: of all sites that share the cache; the one that it belongs to first.
    """
    first = surveys[0]
    found = Pruning(first.folder, doubts=busy(first.folder))
    found.doubts += other_sites(surveys)
    looked = []
    for survey in surveys:
        found.doubts += unclear(survey)
        unseen = look_through(survey)
        found.doubts += unseen.doubts
        looked.append(unseen)
    found.doubts = list(dict.fromkeys(found.doubts))
    if found.doubts:
        return found
    use = _Use(surveys, looked)
    groups: dict[str, list[CacheFile]] = defaultdict(list)
    for file in files:
        groups[file.path.name.removesuffix(file.ending)].append(file)
    for name, group in sorted(groups.items()):
        # A refusal stands beside the pictures of its key and goes its own way.
        for part in ([f for f in group if f.ending == REFUSAL], _pictures(group)):
            if part and not use.is_used(part[0]):
                sidecar, problem = _sidecar(part)
                reason = problem or use.reason(name, part[0], sidecar)
                if reason:
                    found.kept.append(Kept(name, reason))
                else:
                    place = use.missing.get(part[0].slug, "")
                    found.unused.append(_unused(name, part, sidecar, place))
    return found


def _staying(folder: Path, unused: Collection[Path]) -> set[str]:
    """Hex SHA-256 of each picture of a cache that is not unused.

    Raises:
        OSError: one without a sidecar cannot be read.
    """
    recorded = {record.image: record.sidecar.get("sha256") for record in records(folder)}
    found = set()
    for file in cache_files(folder):
        if file.ending in EXTENSIONS.values() and file.path not in unused:
            sha256 = recorded.get(file.path)
            if not isinstance(sha256, str):
                with file.path.open("rb", buffering=0) as picture:
                    sha256 = sha256_of(picture)
            found.add(sha256)
    return found


def unclear(survey: Survey) -> list[str]:
    """What a site's build did not make out, each with its place: any of it may be the block of a picture."""
    settled = tuple(f"{block.place}: " for block in survey.blocks if block.composed)
    reasons = tuple(image.reason for image in survey.images if image.reason)
    found = list(survey.problems)
    for warning in survey.warnings:
        placed = PLACED.match(warning)
        is_of_known_block = placed and (
            # Several blocks of one snippet have the same place.
            (placed["line"] and warning.startswith(settled)) or warning.endswith(reasons)
        )
        if (placed and not is_of_known_block) or warning.startswith(_HOMELESS):
            found.append(warning)
    found += [
        f"{block.place}: the block cannot be read: the front matter of its page is wrong."
        for block in survey.blocks
        if block.composed is None and not block.problems
    ]
    return list(dict.fromkeys(found))


def busy(folder: Path) -> list[str]:
    """What other processes are at work on in a cache."""
    from filelock import FileLock, Timeout

    found = []
    for path in sorted((folder / journal.FOLDER).glob("*.lock")):
        lock = FileLock(path, timeout=0)
        try:
            # A lock of a process that has ended is given; the file alone says nothing.
            with lock:
                pass
        except Timeout:
            found.append(f"a build is making the picture {path.stem} now. Wait for it to end.")
        except OSError as error:
            found.append(
                f"{path} cannot be looked at ({error.strerror or error}), so a build may be at work. "
                "Make it readable and writable."
            )
    return found


class _Use:
    """Which pictures are used, and by whom."""

    def __init__(self, surveys: Sequence[Survey], looked: Sequence[Unseen]) -> None:
        images = {at for survey in surveys for at in survey.used}
        self._whole_keys = images
        self._digits = {key[:KEY_CHARS_IN_NAME] for key, _ in images}
        self._images = {(key[:KEY_CHARS_IN_NAME], variant) for key, variant in images}
        self.missing = {
            slugify(image.request.subject): block.place
            for survey in surveys
            for block in survey.blocks
            for image in block.pictures
            if image.state in ("missing", "refused", "billed?")
        }
        """Beginnings of prompts without a picture, to the place of a block."""
        self._inputs = {one.name: one.sha256 for survey in surveys for one in _inputs(survey)}
        self._unseen = {
            (key[:KEY_CHARS_IN_NAME], variant): place
            for one in reversed(looked)
            for (key, variant), place in one.images.items()
        }
        self._unseen_digits = {digits: place for (digits, _), place in self._unseen.items()}
        self._slugs = {slug: place for one in looked for slug, place in one.slugs.items()}
        self._names = {name: place for one in looked for name, place in one.names.items()}

    def is_used(self, file: CacheFile) -> bool:
        """Whether pages use a picture, or would ask for one that was refused.

        The beginning of the key decides, so that a picture without its sidecar, or under the name of an
        earlier prompt, counts as used, too.
        """
        if file.ending == REFUSAL:
            return file.digits in self._digits
        return (file.digits, file.variant) in self._images

    def reason(self, name: str, file: CacheFile, sidecar: Mapping[str, Any]) -> str:
        """Why a picture stays although no page uses it; empty if nothing speaks for it."""
        place = self._unseen.get((file.digits, file.variant))
        if file.ending == REFUSAL:
            place = self._unseen_digits.get(file.digits)
        if place:
            return f"{place} has its block, which the site does not show."
        if file.ending == REFUSAL:
            return ""
        if file.slug in self._slugs:
            return f"it may be that of the block at {self._slugs[file.slug]}, which the site does not show."
        if (sidecar.get("key"), sidecar.get("variant")) in self._whole_keys:
            return "its sidecar is that of a picture that is used: one of the two was renamed."
        for known, sha256 in self._inputs.items():
            if known.startswith(f"{name}.") and sha256 == sidecar.get("sha256"):
                return "another picture is made from it, by the name of its file."
        for known, place in self._names.items():
            if known.startswith(f"{name}."):
                return f"{place} names its file."
        return ""


def _inputs(survey: Survey) -> Iterable[InputFile]:
    """The files that pictures of a site are made from."""
    waiting: list[ImageRequest] = [image.request for image in survey.images]
    while waiting:
        request = waiting.pop()
        for one in (*request.images, request.mask, request.markup):
            if isinstance(one, BlockInput):
                waiting.append(one.request)
            elif one:
                yield one


def _pictures(group: Sequence[CacheFile]) -> list[CacheFile]:
    return [file for file in group if file.ending != REFUSAL]


def _sidecar(part: Sequence[CacheFile]) -> tuple[dict[str, Any], str]:
    """What is recorded with files, and why it does not allow to judge them."""
    recorded = [file for file in part if file.ending in (SIDECAR, REFUSAL)]
    if not recorded:
        return {}, ""
    try:
        data = recorded[0].path.read_bytes()
    except OSError as error:
        return {}, f"{recorded[0].path.name} cannot be read: {error.strerror or error}."
    if data.startswith(LFS_POINTER):
        return {}, f"{recorded[0].path.name} is a Git LFS pointer: run 'git lfs pull'."
    try:
        sidecar = json.loads(data)
    except (ValueError, RecursionError):
        return {}, ""
    if not isinstance(sidecar, dict):
        return {}, ""
    versions = (sidecar.get("version", SIDECAR_VERSION), sidecar.get("key_version", KEY_VERSION))
    if versions != (SIDECAR_VERSION, KEY_VERSION):
        # Names are made from keys: to those of another version, today's say nothing.
        return sidecar, "it was written by another version of mkdocs-genimage."
    return sidecar, ""


def _unused(
    name: str, part: Sequence[CacheFile], sidecar: Mapping[str, Any], earlier_of: str
) -> Unused:
    kind: Literal["picture", "refusal", "remains"] = "picture"
    if part[0].ending == REFUSAL:
        kind = "refusal"
    elif all(file.ending == SIDECAR for file in part):
        kind = "remains"
    files = tuple(file.path for file in part)
    size = sum(path.lstat().st_size for path in files)
    return Unused(name, files, size, kind, sidecar, part[0].slug, earlier_of)
