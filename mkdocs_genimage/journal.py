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
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLDER = ".journal"
LEDGER = "ledger.jsonl"


class Journal:
    """Requests that are under way, and the ledger of those that were answered.

    Args:
        cache_folder: the cache that it belongs to.
        patience: seconds to wait for another process that is at work on the same image.
    """

    def __init__(self, cache_folder: Path, patience: float) -> None:
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
            # The image is there, and whoever waits looks for it first: the file is of no more use.
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
        before = None
        with contextlib.suppress(OSError, ValueError):
            before = json.loads(path.read_bytes())
        try:
            make_private_folder(self._folder)
            # It has to outlive this process, not the machine: no need to wait for the disk.
            path.write_text(json.dumps({"began": _now(), **facts}), encoding="utf-8")
        except OSError as error:
            raise CacheError(f"{path} cannot be written: {error.strerror or error}.") from error
        return before if isinstance(before, dict) else None

    def end(self, name: str) -> None:
        """The request was answered, and its image stored or its failure told."""
        with contextlib.suppress(OSError):
            (self._folder / f"{name}.json").unlink()

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
