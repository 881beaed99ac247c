"""What must outlive a process that is killed: who is at work on which image, and what was paid for.

All of it is of this machine alone, in folders below the cache that Git ignores.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.disk import make_private_folder
from mkdocs_genimage.errors import CacheError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping
    from pathlib import Path

FOLDER = ".journal"
LEDGER = "ledger.jsonl"
RAW = ".raw"


class Journal:
    """Requests that are under way, and the ledger of those that were answered.

    Args:
        cache_folder: the cache that it belongs to.
        patience: seconds to wait for another process that is at work on the same image.
    """

    def __init__(self, cache_folder: Path, patience: float = 0.0) -> None:
        self._folder = cache_folder / FOLDER
        self._patience = patience

    @contextlib.contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Be the only one, of all threads and processes, who is at work on an image.

        The operating system lets go of what a dead process held.

        Args:
            name: of the image's files, without ending.

        Raises:
            ProviderError: another process has it and does not come to an end.
            CacheError: the folder cannot be written.
        """
        from filelock import FileLock, Timeout

        path = self._folder / f"{name}.lock"
        lock = FileLock(path, timeout=self._patience)
        try:
            make_private_folder(self._folder)
            lock.acquire()
        except Timeout:
            raise ProviderError(
                f"another build is at work on this picture for more than {self._patience:g} seconds.",
                cure="Wait for it to end, then build again.",
            ) from None
        except OSError as error:
            raise CacheError(f"{path} cannot be written: {error.strerror or error}.") from error
        try:
            yield
            # The image is there, and whoever waits looks for it first: the file is of no more use. A lock
            # on a file without a name counts for nothing with filelock 3.21 and newer.
            with contextlib.suppress(OSError):
                path.unlink()
        finally:
            lock.release()

    def begin(self, name: str, facts: Mapping[str, Any]) -> dict[str, Any] | None:
        """Write down that a request is about to be sent, on disk before it is.

        Args:
            name: of the image's files, without ending.
            facts: what is asked for, without any credential.

        Returns:
            What was written down before and never ended: a process was killed with that request in flight.

        Raises:
            CacheError: the folder cannot be written.
        """
        path = self._folder / f"{name}.json"
        before = self.begun(name)
        try:
            make_private_folder(self._folder)
            # It has to outlive this process, not the machine: no need to wait for the disk.
            path.write_text(json.dumps({"began": _now(), **facts}), encoding="utf-8")
        except OSError as error:
            raise CacheError(f"{path} cannot be written: {error.strerror or error}.") from error
        return before or None

    def begun(self, name: str) -> dict[str, Any]:
        """What `begin` wrote down about a request that has not ended; empty if there is none."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            facts = json.loads((self._folder / f"{name}.json").read_bytes())
            if isinstance(facts, dict):
                return facts
        return {}

    def end(self, name: str) -> None:
        """The request was answered, and its image stored or its failure told."""
        with contextlib.suppress(OSError):
            (self._folder / f"{name}.json").unlink()

    def keep(self, name: str, data: bytes) -> bool:
        """Save the bytes of an answer before anything is done with them: all of them, or none. Never fails.

        Args:
            name: of one variant's files, without ending.
            data: the bytes as they came.

        Returns:
            Whether they are saved.
        """
        path = self._folder / f"{name}{RAW}"
        unfinished = path.with_suffix(".part")
        # It has to outlive this process, not the machine: the disk is not waited for.
        try:
            unfinished.write_bytes(data)
            unfinished.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            return False
        return True

    def kept(self, name: str) -> bytes | None:
        """Bytes that an earlier process saved and could not store any more."""
        try:
            return (self._folder / f"{name}{RAW}").read_bytes()
        except OSError:
            return None

    def drop(self, name: str) -> None:
        """The bytes are stored, or of no use."""
        with contextlib.suppress(OSError):
            (self._folder / f"{name}{RAW}").unlink()

    def tidy(self, stored: Callable[[], Container[str]]) -> None:
        """Remove what a killed process left of images that it had just stored.

        Args:
            stored: gives the names of the variants that are in the cache; asked only if anything was left.
        """
        with contextlib.suppress(OSError):
            left = [
                path for path in self._folder.iterdir() if path.suffix in (RAW, ".part", ".json")
            ]
            names = stored() if left else ()
            for path in left:
                if path.stem in names:
                    path.unlink()

    def unfinished(self) -> dict[str, dict[str, Any]]:
        """What was begun and neither ended nor given up: by processes that are at work, or were killed.

        Returns:
            What was written down about each request, by its key.
        """
        names = []
        with contextlib.suppress(OSError):
            names = sorted(path.stem for path in self._folder.glob("*.json"))
        entries = [self.begun(name) for name in names]
        return {str(facts["key"]): facts for facts in entries if "key" in facts}

    def ledger(self) -> list[dict[str, Any]]:
        """All lines of the ledger that can be read, oldest first."""
        lines = []
        with contextlib.suppress(OSError):
            for line in (self._folder / LEDGER).read_bytes().splitlines():
                with contextlib.suppress(ValueError, RecursionError):
                    content = json.loads(line)
                    if isinstance(content, dict):
                        lines.append(content)
        return lines

    def record(self, facts: Mapping[str, Any]) -> None:
        """Add a line to the ledger. One write of one line, so that several processes may."""
        # A provider of others may count in objects of its own; the image it counts must not be lost by it.
        content = {"time": _now(), **facts}
        line = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str) + "\n"
        with contextlib.suppress(OSError):
            make_private_folder(self._folder)
            handle = os.open(self._folder / LEDGER, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, line.encode("utf-8", "replace"))
            finally:
                os.close(handle)


def _now() -> str:
    return datetime.fromtimestamp(time.time(), timezone.utc).isoformat(timespec="seconds")
