"""Which files were found whole before, so that not all bytes are hashed again by each build.

As in Git's index, a file whose status is the same as then holds the same bytes. Between the builds of
`serve` this is kept in memory. Between commands it is a file of this machine alone, which Git ignores;
it is written only where it spares enough work, so small sites never have it.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.disk import make_private_folder, write_atomically

if TYPE_CHECKING:
    import os
    from pathlib import Path

FOLDER = ".verified"
"""Below the cache's folder. Holds a `.gitignore` of its own."""
VERSION = 1
WORTH_BYTES = 64_000_000
"""So many bytes are hashed in about 0.05 s (SHA-256 at 1.4 GB/s, as measured in 2026-11)."""
SETTLED_NS = 2_000_000_000
"""A file this young may be changed again within one tick of its clock; FAT's takes 2 s."""


class Verified:
    """What is known of the files of one folder.

    Args:
        folder: the cache's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, list[Any]] | None = None
        self._unsaved_bytes = 0

    def knows(self, name: str, status: os.stat_result, sha256: str) -> bool:
        """Whether a file was found to have this hash, and has not changed since."""
        return self._entries().get(name) == _entry(status, sha256)

    def add(self, name: str, status: os.stat_result, sha256: str) -> None:
        """A file was found to have this hash.

        Args:
            name: its name in the folder.
            status: from before its bytes were read.
            sha256: the hash.
        """
        if max(status.st_mtime_ns, status.st_ctime_ns) + SETTLED_NS > time.time_ns():
            return
        self._entries()[name] = _entry(status, sha256)
        self._unsaved_bytes += status.st_size

    def save(self) -> None:
        """Keep what was learnt for the next command, if that is worth a file. Never fails."""
        if self._unsaved_bytes < WORTH_BYTES:
            return
        self._unsaved_bytes = 0
        with contextlib.suppress(OSError):
            present = {path.name for path in self._folder.iterdir()}
            known = {name: entry for name, entry in self._entries().items() if name in present}
            own = self._folder / FOLDER
            make_private_folder(own)
            text = json.dumps({"version": VERSION, "files": known}, separators=(",", ":"))
            write_atomically(own / "index.json", text.encode())

    def _entries(self) -> dict[str, list[Any]]:
        if self._known is None:
            self._known = _read(self._folder / FOLDER / "index.json")
        return self._known


def _entry(status: os.stat_result, sha256: str) -> list[Any]:
    """What must not change: also the time of the status itself, which nobody can set back."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, sha256]


def _read(path: Path) -> dict[str, list[Any]]:
    """The file's entries; none if it is damaged or of another version."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict) or content.get("version") != VERSION:
        return {}
    files = content.get("files")
    return files if isinstance(files, dict) else {}
