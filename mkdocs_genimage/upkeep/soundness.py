"""Whether a cache is sound: every picture whole, nothing left over, and Git keeps it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs_genimage import journal, trash
from mkdocs_genimage.cache import SIDECAR_VERSION
from mkdocs_genimage.disk import sha256_of
from mkdocs_genimage.formats import EXTENSIONS, LFS_POINTER
from mkdocs_genimage.inventory import SIDECAR, CacheFile, Record, cache_files, read_record
from mkdocs_genimage.progress import dollars
from mkdocs_genimage.request import KEY_CHARS_IN_NAME
from mkdocs_genimage.upkeep.diagnosis import Finding
from mkdocs_genimage.upkeep.pruning import busy
from mkdocs_genimage.upkeep.wording import counted, size_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mkdocs_genimage.upkeep.diagnosis import Status

NAMED = 4
"""So many files are named; the others are counted."""
GIT_SECONDS = 20

_POINTER, _GONE, _DAMAGED = "pointer", "gone", "damaged"
_UNREADABLE, _NEWER, _RENAMED, _ORPHAN = "unreadable", "newer", "renamed", "orphan"

_RESTORE = (
    "Restore them from Git ('git checkout -- FILE'), or delete them: a build makes them anew."
)
_KINDS: dict[str, tuple[Status, str, str]] = {
    _POINTER: ("problem", "only Git LFS pointers, not the files", "Run 'git lfs pull'."),
    _GONE: ("problem", "a sidecar is there, the picture is gone", _RESTORE),
    _DAMAGED: ("problem", "damaged: the bytes are not the ones that were stored", _RESTORE),
    _UNREADABLE: ("problem", "a sidecar that cannot be read", _RESTORE),
    _NEWER: (
        "problem",
        "written by a newer mkdocs-genimage",
        "Update it: pip install --upgrade mkdocs-genimage.",
    ),
    _RENAMED: (
        "problem",
        "the name is not that of the key: renamed or edited by hand",
        "Restore the name, which Git knows ('git status'), or delete the files.",
    ),
    _ORPHAN: (
        "note",
        "a picture without a sidecar",
        "Restore the .json from Git. Without it, a build that needs the picture takes it as it is.",
    ),
}
"""How bad it is, what it is, and the cure."""


def look(folder: Path, project: Path, *, must_be_writable: bool = True) -> list[Finding]:
    """Look a cache over. All of its pictures are read.

    Args:
        folder: the cache's.
        project: the folder of mkdocs.yml.
        must_be_writable: whether builds store pictures here.
    """
    found = [*_writable(folder, must_be_writable=must_be_writable)]
    files = cache_files(folder)
    bad = _examined(files)
    for kind, paths in bad.items():
        status, what, cure = _KINDS[kind]
        found.append(Finding(status, "cache", f"{_named(folder, paths)}: {what}.", cure))
    if not any(finding.status == "problem" for finding in found):
        found.insert(0, _size(folder, files))
    return [*found, *_leftovers(folder), *_git(folder, project)]


def _writable(folder: Path, *, must_be_writable: bool) -> Iterator[Finding]:
    if folder.exists() and not folder.is_dir():
        yield Finding(
            "problem", "cache", f"{folder} is no folder.", "Move it away, or set 'cache_dir'."
        )
        return
    place = next((path for path in (folder, *folder.parents) if path.is_dir()), folder)
    for path in (place, folder / journal.FOLDER):
        if path != place and not path.exists():
            continue
        try:
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            yield Finding(
                "problem" if must_be_writable else "note",
                "cache",
                f"{path} cannot be written: {error.strerror or error}. No picture is asked for then.",
                "Make it writable, or set 'cache_dir' to a folder that is.",
            )


def _examined(files: Sequence[CacheFile]) -> dict[str, list[Path]]:
    """What is wrong with files, by kind."""
    found: dict[str, list[Path]] = defaultdict(list)
    vouched: set[Path] = set()
    for file in files:
        if file.ending != SIDECAR:
            continue
        record = read_record(file)
        if record is None:
            kind = _POINTER if _is_pointer(file.path) else _UNREADABLE
            found[kind].append(file.path)
            # Which of the pictures beside it is its own, it does not tell any more.
            vouched.update(file.path.with_suffix(ending) for ending in EXTENSIONS.values())
            continue
        vouched.add(record.image)
        if kind := _wrong(file, record):
            found[kind].append(
                file.path if kind in (_NEWER, _RENAMED, _UNREADABLE) else record.image
            )
    for file in files:
        if file.ending in EXTENSIONS.values() and file.path not in vouched:
            found[_POINTER if _is_pointer(file.path) else _ORPHAN].append(file.path)
    return {kind: found[kind] for kind in _KINDS if kind in found}


def _wrong(file: CacheFile, record: Record) -> str:
    """What is wrong with a picture and its sidecar; empty if nothing is."""
    sidecar = record.sidecar
    version = sidecar.get("version")
    if type(version) is int and version > SIDECAR_VERSION:
        return _NEWER
    numbers = [sidecar.get(name) for name in ("bytes", "width", "height")]
    if not isinstance(sidecar.get("sha256"), str) or any(
        type(number) is not int or number <= 0 for number in numbers
    ):
        return _UNREADABLE
    if (record.key[:KEY_CHARS_IN_NAME], record.variant) != (file.digits, file.variant):
        return _RENAMED
    try:
        with record.image.open("rb", buffering=0) as picture:
            if sha256_of(picture) == sidecar["sha256"]:
                return ""
    except FileNotFoundError:
        return _GONE
    except OSError:
        return _DAMAGED
    return _POINTER if _is_pointer(record.image) else _DAMAGED


def _is_pointer(path: Path) -> bool:
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(len(LFS_POINTER)) == LFS_POINTER
    return False


def _size(folder: Path, files: Sequence[CacheFile]) -> Finding:
    pictures = [file for file in files if file.ending in EXTENSIONS.values()]
    if not folder.is_dir():
        return Finding("ok", "cache", f"{folder} is not there yet: the first picture makes it.")
    size = _size_of(file.path for file in files)
    count = counted(len(pictures), "picture")
    thrown = [path for path in (folder / trash.FOLDER).rglob("*") if path.is_file()]
    own = [path for path in thrown if path.name != ".gitignore"]
    in_trash = (
        f" {_size_of(own)} more are in its trash: 'mkdocs-genimage prune --purge' empties it."
        if own
        else ""
    )
    return Finding("ok", "cache", f"{folder}: {count}, {size}; all are whole.{in_trash}")


def _leftovers(folder: Path) -> Iterator[Finding]:
    """What processes left that were killed. Those that are at work have the same files."""
    working = busy(folder)
    if working:
        yield Finding("note", "journal", f"A build is at work here: {len(working)} now.")
        return
    own = folder / journal.FOLDER
    for key, facts in journal.Journal(folder).unfinished().items():
        estimate = facts.get("estimate")
        cost = f", about {dollars(estimate)}" if isinstance(estimate, (int, float)) else ""
        yield Finding(
            "note",
            "journal",
            f"{facts.get('place') or key[:KEY_CHARS_IN_NAME]}: a build was ended while it waited for this "
            f"picture ({facts.get('began', 'at an unknown time')}{cost}). The request may have been billed.",
            "The next build asks for it again if it is not there. 'mkdocs-genimage costs' counts it.",
        )
    raw = sorted(own.glob(f"*{journal.RAW}"))
    if raw:
        yield Finding(
            "note",
            "journal",
            f"{_named(own, raw)}: answered and paid for, but not stored when the build was ended.",
            "Keep the files: the next build takes them over and pays nothing.",
        )
    torn = sorted([*folder.glob(".*.tmp"), *own.glob("*.part")])
    if torn:
        yield Finding(
            "note",
            "cache",
            f"{_named(folder, torn)}: left half written by a process that was killed.",
            "Delete them.",
        )


def _git(folder: Path, project: Path) -> Iterator[Finding]:
    """Whether Git keeps the cache; nothing where there is no Git."""
    inside = _run_git(project, "rev-parse", "--is-inside-work-tree")
    if inside is None or inside.strip() != b"true":
        return
    present = {file.path.suffix for file in cache_files(folder)}
    endings = sorted({*present, ".png", SIDECAR} & {*EXTENSIONS.values(), SIDECAR})
    # Names that nothing has yet: what was added by force is no proof for the next ones.
    names = [os.fsencode(folder / f"x-{'0' * KEY_CHARS_IN_NAME}{ending}") for ending in endings]
    asked = b"\0".join(names)
    answer = (
        _run_git(project, "check-ignore", "-v", "-z", "--no-index", "--stdin", given=asked) or b""
    )
    fields = [os.fsdecode(part) for part in answer.split(b"\0")]
    rules = {
        f"{source}:{line}: {pattern}": Path(path).suffix
        for source, line, pattern, path in zip(*(fields[n::4] for n in range(4)), strict=False)
        if path and not pattern.startswith("!")
    }
    if rules:
        yield Finding(
            "problem",
            "git",
            f"Git ignores files of {folder} ({'; '.join(rules)}), so pictures that are paid for are on this "
            "machine only.",
            f"Change that rule so that it leaves {folder.name}/ alone, then 'git add {folder.name}'.",
        )
        return
    status = _run_git(project, "status", "--porcelain", "-z", "-uall", "--", str(folder))
    if status is None:  # it lies outside of the repository
        return
    changed = [part for part in status.split(b"\0") if part]
    if changed:
        count = counted(len(changed), "file")
        yield Finding(
            "note",
            "git",
            f"{count} of {folder} changed and not committed.",
            f"Commit the pictures with the pages: git add {folder.name}.",
        )
    elif present:
        yield Finding("ok", "git", f"{folder} is committed.")


def _run_git(project: Path, *arguments: str, given: bytes = b"") -> bytes | None:
    """What git says; None where it cannot be asked."""
    program = shutil.which("git")
    if program is None:
        return None
    # Without it, `git status` rewrites its index.
    environment: dict[str, Any] = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are this module's own
            [program, *arguments],
            cwd=project,
            env=environment,
            capture_output=True,
            input=given,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode in (0, 1) else None


def _named(folder: Path, paths: Sequence[Path]) -> str:
    """The first files by name, and how many more there are."""
    names = ", ".join(
        f"{folder.name}/{path.relative_to(folder).as_posix()}" for path in paths[:NAMED]
    )
    more = len(paths) - NAMED
    return f"{names} and {more} more" if more > 0 else names


def _size_of(paths: Iterable[Path]) -> str:
    size = 0
    for path in paths:
        with contextlib.suppress(OSError):
            size += path.stat().st_size
    return size_text(size)
