"""Files on disk: written whole or not at all, and hashed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

_HASH_BUFFER_BYTES = 65_536
"""Larger buffers are given back to the system each time by most C libraries, and zeroed by it again."""


TORN_SECONDS = 3600.0
"""A file that was not given its name for so long never will be."""


def sha256_of(file: FileIO) -> str:
    """Hex SHA-256 of what is left to read of a file.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    buffer = bytearray(_HASH_BUFFER_BYTES)
    view = memoryview(buffer)
    while count := file.readinto(buffer):
        digest.update(view[:count])
    return digest.hexdigest()


def files_below(folder: Path, *endings: str) -> Iterator[Path]:
    """The files below a folder whose names have one of some endings. Folders may have such names, too."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if name.endswith(endings) and path.is_file():
                yield path


def make_private_folder(folder: Path) -> None:
    """Make a folder whose content is of this machine alone: Git ignores it.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def remove_torn(folder: Path) -> None:
    """Remove what `write_atomically` left in a folder when its process was killed. Never fails."""
    with contextlib.suppress(OSError):
        for path in folder.glob(".*.tmp"):
            # A young one is being written by another process right now.
            if path.stat().st_mtime + TORN_SECONDS < time.time():
                path.unlink()


def write_atomically(
    path: Path, data: bytes, *, sync_folder: bool = True, like: os.stat_result | None = None
) -> None:
    """Write a file so that a reader, or a killed process, sees all of it or nothing.

    Args:
        path: the file.
        data: what it shall hold.
        sync_folder: whether its name is on disk, too, on return; not needed where another file of the
            folder is written right after it.
        like: status of a file whose mode it shall have, and whose owner where that is allowed. By default
            everybody may read it and its owner write it.

    Raises:
        OSError: it cannot be written; nothing is left behind then.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if like and hasattr(os, "chown"):
            with contextlib.suppress(OSError):
                os.chown(temporary, like.st_uid, like.st_gid)
        # mkstemp makes files for the owner alone; these are committed and published. After chown, which
        # takes away some bits.
        Path(temporary).chmod(stat.S_IMODE(like.st_mode) if like else 0o644)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    if sync_folder and os.name == "posix":
        # Some network file systems cannot do this; the file itself is written and in its place.
        with contextlib.suppress(OSError):
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
