"""What must outlive a process that is killed: who is at work on which image, and what was paid for.

All of it is of this machine alone, in folders below the cache that Git ignores.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.disk import make_private_folder
from mkdocs_genimage.errors import Billed, CacheError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from filelock import FileLock

FOLDER = ".journal"
LEDGER = "ledger.jsonl"
RAW = ".raw"
MADE = "made"
"""The outcome of a request that brought images."""
_LINE_START = re.compile(rb'\{"')


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
    def hold(self, name: str, wait: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Be the only one, of all threads and processes, who is at work on an image.

        The operating system lets go of what a dead process held.

        Args:
            name: of the image's files, without ending.
            wait: is called at once, and then each second, while another one is at work on it. What it
                raises ends the wait.

        Raises:
            ProviderError: another one is, and does not come to an end.
            CacheError: the folder cannot be written.
        """
        from filelock import FileLock

        path = self._folder / f"{name}.lock"
        lock = FileLock(path)
        try:
            make_private_folder(self._folder)
            self._acquire(lock, wait)
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

    def _acquire(self, lock: FileLock, wait: Callable[[], None]) -> None:
        from filelock import Timeout

        deadline = time.monotonic() + self._patience
        seconds = 0.0
        while True:
            try:
                lock.acquire(timeout=seconds)
            except Timeout:
                seconds = min(deadline - time.monotonic(), 1.0)
            else:
                return
            if seconds <= 0:
                raise ProviderError(
                    "another build is at work on this picture for more than "
                    f"{self._patience:g} seconds.",
                    cure="Wait for it to end, then build again.",
                )
            wait()

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

    def tidy(self, stored: Callable[[], Mapping[str, int]]) -> None:
        """Remove what a killed process left of images that it had just stored.

        What is younger than the image in the cache belongs to one that is being made anew.

        Args:
            stored: tells when each variant in the cache was stored, in nanoseconds as in `st_mtime_ns`;
                asked only if anything was left.
        """
        with contextlib.suppress(OSError):
            left = [
                path for path in self._folder.iterdir() if path.suffix in (RAW, ".part", ".json")
            ]
            times = stored() if left else {}
            for path in left:
                if path.stem in times and path.stat().st_mtime_ns <= times[path.stem]:
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

    def ledger(self) -> tuple[list[dict[str, Any]], int]:
        """The lines of the ledger, oldest first, and how many cannot be read.

        A process that was killed may have left half a line without an end, with the next one right behind it.
        """
        lines: list[dict[str, Any]] = []
        unreadable = 0
        try:
            content = (self._folder / LEDGER).read_bytes()
        except OSError:
            return [], 0
        for line in content.split(b"\n"):
            if not line.strip(b"\0 \t\r"):  # a machine that lost power may leave zeros
                continue
            whole = _as_object(line)
            if whole is None:
                unreadable += 1
                starts = [match.start() for match in _LINE_START.finditer(line)]
                tails = (_as_object(line[start:]) for start in starts[1:])
                # A member of a line, such as its `usage`, is an object, too, but its end is not the line's.
                whole = next((tail for tail in tails if tail and "time" in tail), None)
            if whole is not None:
                lines.append(whole)
        return lines, unreadable

    def made(self, key: str) -> dict[str, Any]:
        """The last line of the ledger about a request that brought images; empty if there is none."""
        lines = reversed(self.ledger()[0])
        made = (line for line in lines if (line.get("key"), line.get("outcome")) == (key, MADE))
        return next(made, {})

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


def is_lost(line: Mapping[str, Any]) -> bool:
    """Whether a line of the ledger is of a request that brought no image and was billed, or may have been."""
    return line.get("billed") in (Billed.MAYBE.value, Billed.YES.value)


def _as_object(text: bytes) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError, RecursionError):
        content = json.loads(text)
        return content if isinstance(content, dict) else None
    return None


def _now() -> str:
    return datetime.fromtimestamp(time.time(), timezone.utc).isoformat(timespec="seconds")
