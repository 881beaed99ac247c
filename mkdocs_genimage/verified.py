"""Which images were found whole before, so that not all files are read again by each build.

As in Git's index, a file whose status is the same as then holds the same bytes. That goes for a picture and
for its sidecar. Between the builds of `serve` this is kept in memory. Between commands it is a file of this
machine alone, which Git ignores; it is written only where it spares enough work, so small sites never
have it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.disk import make_private_folder, write_atomically
from mkdocs_genimage.formats import EXTENSIONS

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ".verified"
"""Below the cache's folder. Holds a `.gitignore` of its own."""
VERSION = 3
WORTH_SECONDS = 0.02
"""Less than that nobody notices, and a file more in the folder asks for an explanation."""
SECONDS_PER_IMAGE = 0.0001
"""To read two files and to parse one of them, as measured in 2026-11."""
BYTES_PER_SECOND = 1_400_000_000
"""SHA-256, as measured in 2026-11."""
SETTLED_NS = 2_000_000_000
"""A file this young may be changed again within one tick of its clock; FAT's takes 2 s."""


class Verified:
    """What is known of the images of one folder.

    Args:
        folder: the cache's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prefix = os.path.join(folder, "")  # noqa: PTH118 - a Path for each look-up takes longer
        self._known: dict[str, dict[str, Any]] | None = None
        self._unsaved_seconds = 0.0

    def recall(self, stem: str) -> dict[str, Any] | None:
        """What was noted of an image, if neither of its files has changed since."""
        facts = self._entries().get(stem)
        if facts is None:
            return None
        # A later version may have noted a format that this one does not know: no such file is there.
        sidecar, picture = f"{stem}.json", stem + EXTENSIONS.get(facts["format"], "")
        try:
            is_same = (
                _status(os.stat(self._prefix + sidecar)) == facts["sidecar"]  # noqa: PTH116
                and _status(os.stat(self._prefix + picture)) == facts["picture"]  # noqa: PTH116
            )
        except OSError:
            return None
        return facts if is_same else None

    def note(
        self, stem: str, sidecar: os.stat_result, picture: os.stat_result, facts: dict[str, Any]
    ) -> None:
        """An image was found whole.

        Args:
            stem: what the names of its two files begin with.
            sidecar: the status of its sidecar, from before it was read.
            picture: the status of the other file, likewise.
            facts: what to recall of it; needs `format`.
        """
        times = (sidecar.st_mtime_ns, sidecar.st_ctime_ns, picture.st_mtime_ns, picture.st_ctime_ns)
        if max(times) + SETTLED_NS > time.time_ns():
            return
        # Without any container in it, an entry is none of the garbage collector's business.
        status = {"sidecar": _status(sidecar), "picture": _status(picture)}
        self._entries()[stem] = {**facts, **status}
        self._unsaved_seconds += SECONDS_PER_IMAGE + picture.st_size / BYTES_PER_SECOND

    def save(self) -> None:
        """Keep what was learnt for the next command, if that is worth a file. Never fails."""
        if self._unsaved_seconds < WORTH_SECONDS:
            return
        self._unsaved_seconds = 0.0
        with contextlib.suppress(OSError, RecursionError):
            present = {path.name for path in self._folder.iterdir()}
            known = {
                stem: entry
                # A copy: a thread that stores an image may note it meanwhile.
                for stem, entry in self._entries().copy().items()
                if f"{stem}.json" in present
            }
            own = self._folder / FOLDER
            make_private_folder(own)
            text = json.dumps({"version": VERSION, "images": known}, separators=(",", ":")).encode()
            write_atomically(own / "index", _checksum(text) + b"\n" + text)

    def _entries(self) -> dict[str, dict[str, Any]]:
        if self._known is None:
            self._known = _read(self._folder / FOLDER / "index")
        return self._known


def _status(file: os.stat_result) -> str:
    """What must not change: also the time of the status itself, which nobody can set back."""
    return f"{file.st_size} {file.st_mtime_ns} {file.st_ctime_ns} {file.st_ino}"


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """The file's entries; none if it is damaged or of another version."""
    try:
        checksum, _, text = path.read_bytes().partition(b"\n")
        # As in Git's index it vouches for all of the file; no entry is looked at more closely.
        if checksum != _checksum(text):
            return {}
        content = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return {}
    images: dict[str, dict[str, Any]] = content["images"] if content["version"] == VERSION else {}
    return images


def _checksum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()
