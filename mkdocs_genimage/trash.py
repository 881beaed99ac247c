"""The trash of a cache: files that nobody needs any more, until somebody empties it.

It lies below the cache's folder, so moving a file there is one rename, and Git ignores it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs_genimage.disk import make_private_folder
from mkdocs_genimage.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = ".trash"
"""Below the cache's folder. Holds a `.gitignore` of its own, and a folder for each time of use."""
_IGNORE = ".gitignore"


@dataclass(frozen=True)
class Removed:
    """What was removed for good.

    Attributes:
        files: how many.
        bytes: their size.
    """

    files: int = 0
    bytes: int = 0

    def __add__(self, other: Removed) -> Removed:
        return Removed(self.files + other.files, self.bytes + other.bytes)


def retire(folder: Path, files: Iterable[Path]) -> Path:
    """Move files of a cache into a new folder of its trash, `.trash/2026-11-22T18-30-00Z`.

    Each is moved by one rename, so a reader or a killed process sees it here or there. Sidecars go before
    pictures: a picture that is left without one is still recognised. Files that are gone are passed over.

    Args:
        folder: the cache's.
        files: right in it, not below.

    Returns:
        The new folder. It is not there if no file was.

    Raises:
        ValueError: a file is not the cache's own.
        CacheError: a file cannot be moved; those before it are.
    """
    ordered = _ordered(folder, files)
    own = folder / FOLDER
    batch = own
    try:
        make_private_folder(own)
        batch = _new_folder(own)
        for path in ordered:
            # Nothing can be overwritten: the names are of one folder, and the new one is ours alone.
            with contextlib.suppress(FileNotFoundError):
                path.rename(batch / path.name)
    except OSError as error:
        raise CacheError(
            f"{error.filename or own} cannot be moved to {own}: {error.strerror or error}. "
            "Make the folder writable."
        ) from error
    finally:
        if batch != own:
            with contextlib.suppress(OSError):
                batch.rmdir()  # only if it is empty
    return batch


def delete(folder: Path, files: Iterable[Path]) -> Removed:
    """Delete files of a cache for good. Files that are gone are passed over.

    Args:
        folder: the cache's.
        files: right in it, not below.

    Raises:
        ValueError: a file is not the cache's own.
        CacheError: a file cannot be deleted; those before it are.
    """
    removed = Removed()
    for path in _ordered(folder, files):
        try:
            size = path.lstat().st_size
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _not_deleted(error, path) from error
        removed += Removed(1, size)
    return removed


def content(folder: Path) -> Removed:
    """What `purge` would remove from a cache's trash."""
    found = Removed()
    own = folder / FOLDER
    if own.is_symlink():
        return found
    for parent, _, names in os.walk(own):
        for name in names:
            path = Path(parent, name)
            if path != own / _IGNORE:
                with contextlib.suppress(OSError):
                    found += Removed(1, path.lstat().st_size)
    return found


def purge(folder: Path) -> Removed:
    """Empty the trash of a cache, for good.

    Args:
        folder: the cache's.

    Raises:
        CacheError: something cannot be deleted, or the trash is a link to another place.
    """
    own = folder / FOLDER
    if own.is_symlink():
        raise CacheError(
            f"{own} is a link, so it is not emptied. Delete what it leads to yourself."
        )
    found = content(folder)
    try:
        shutil.rmtree(own)
    except FileNotFoundError:
        return Removed()
    except OSError as error:
        raise _not_deleted(error, own) from error
    return found


def _ordered(folder: Path, files: Iterable[Path]) -> list[Path]:
    """Files in the order in which they go: sidecars first."""
    paths = list(dict.fromkeys(files))
    for path in paths:
        if path.parent != folder or path.name.startswith(".") or _is_folder(path):
            raise ValueError(f"{path} is no file of {folder}")
    return sorted(paths, key=lambda path: path.suffix != ".json")


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _new_folder(own: Path) -> Path:
    """A folder that was not there, named after the time."""
    name = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H-%M-%SZ")
    for number in count(1):
        path = own / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise AssertionError


def _not_deleted(error: OSError, path: Path) -> CacheError:
    return CacheError(f"{error.filename or path} cannot be deleted: {error.strerror or error}.")
