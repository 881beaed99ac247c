"""Smaller files made from pictures, on disk: which there are, and making those that are not.

They are named by what they are made from and how, so a file that is there is right, whoever made it, and
lie beside the cache in a folder that Git ignores: they can always be made again. Standard library only: a
build that finds all of them comes through here.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.disk import make_private_folder, remove_torn, write_atomically
from mkdocs_genimage.errors import GenimageError
from mkdocs_genimage.formats import seems_whole
from mkdocs_genimage.log import log

if TYPE_CHECKING:
    from collections.abc import Collection

    from click._termui_impl import ProgressBar

    from mkdocs_genimage.deriving import Picture

FOLDER = ".derived"
"""Below the cache's folder. Holds a `.gitignore` of its own."""
VERSION = 1
"""Of the way in which files are made. A new number makes all of them anew."""
ENDINGS = {"webp": ".webp", "avif": ".avif", "png": ".png", "jpeg": ".jpg"}
"""The formats that files are made in, and how their names end."""

_SHA_DIGITS = 24
"""So many digits of a picture's SHA-256 are in a name. Longer names would be a burden on Windows."""
_NAME = re.compile(
    rf"(?P<digits>[0-9a-f]{{{_SHA_DIGITS}}})-v(?P<version>\d+)-\d+w(?:-[A-Za-z]+)?"
    rf"(?:{'|'.join(map(re.escape, ENDINGS.values()))})"
)

MAX_THREADS = 8
MAX_PIXELS_AT_ONCE = 27_000_000
"""Of all pictures that are being worked on: three of 3840x2160, or one of any size. To encode one takes some
15 bytes a pixel for WebP and 30 for AVIF: with 8 threads, pictures of that size took 0.39 GB in all, and
0.73 GB where each thread waited for its turn (measured in 2026-11)."""
_PATIENCE_SECONDS = 2.0
"""Nobody needs to be told of a shorter wait."""
_LINE_SECONDS = 10.0
_TICK_SECONDS = 0.2
"""Waiting for ever cannot be interrupted on Windows."""


@dataclass(frozen=True)
class Recipe:
    """How a smaller file is made from a picture.

    Attributes:
        width: pixels, at most the picture's; the height follows.
        form: one of `ENDINGS`.
        source_type: the digital source type that it tells, a name of the IPTC's vocabulary such as
            `trainedAlgorithmicMedia`; empty for a picture that no model made.
    """

    width: int
    form: str
    source_type: str


def file_name(sha256: str, recipe: Recipe) -> str:
    """What a file is called: by what it is made from, and how.

    Args:
        sha256: hex SHA-256 of the picture.
        recipe: how.
    """
    mark = f"-{recipe.source_type}" if recipe.source_type else ""
    return f"{sha256[:_SHA_DIGITS]}-v{VERSION}-{recipe.width}w{mark}{ENDINGS[recipe.form]}"


def made_files(folder: Path) -> list[Path]:
    """All smaller files of a cache, by name. What has another name is not the plugin's.

    Args:
        folder: the cache's.
    """
    own = folder / FOLDER
    return [own / name for name in sorted(_listing(own)) if _NAME.fullmatch(name)]


def spare_files(files: Collection[Path], pictures: Collection[str]) -> list[Path]:
    """Those of `files` that no build will use: their picture is gone, or they are made in an earlier way.

    Args:
        files: what `made_files` gave.
        pictures: hex SHA-256 of each picture that stays.
    """
    digits = {sha256[:_SHA_DIGITS] for sha256 in pictures}
    spare = []
    for path in files:
        if match := _NAME.fullmatch(path.name):
            version = int(match["version"])
            is_homeless = version == VERSION and match["digits"] not in digits
            # What a later version of the plugin made is its own affair.
            if version < VERSION or is_homeless:
                spare.append(path)
    return spare


@dataclass
class _Source:
    """A picture, and what is still to be made of it."""

    path: Path
    sha256: str
    waiting: deque[tuple[Recipe, Path]] = field(default_factory=deque)


class DerivedFiles:
    """The smaller files of one build. Making one begins when it is first wanted, in threads.

    Args:
        folder: the cache's. Where it cannot be written, the files lie in a temporary folder, as long as this
            object lives.
    """

    def __init__(self, folder: Path) -> None:
        self._own = folder / FOLDER
        self._listed: frozenset[str] | None = None
        self._paths: dict[str, Path] = {}
        self._place: Path | None = None
        """Where new files go, once there was one."""
        self._failed: dict[Path, str] = {}
        self._untold: dict[Path, str] = {}
        self._changed = threading.Condition()
        self._queue: deque[_Source] = deque()
        self._open: dict[str, _Source] = {}
        self._threads = 0
        self._pixels = 0
        self._latest = 0
        self._wanted = 0
        self._done = 0

    def want(self, source: Path, sha256: str, recipe: Recipe) -> Path:
        """Where a file is or will be. Starts making it unless it is there; waits for nothing.

        Args:
            source: the picture.
            sha256: its hex SHA-256.
            recipe: how the file is made.
        """
        name = file_name(sha256, recipe)
        path = self._paths.get(name)
        if path is None:
            path = self._paths[name] = self._find_or_order(name, source, sha256, recipe)
        elif path in self._failed:
            with self._changed:
                self._untold[path] = self._failed[path]
        return path

    def finish(self) -> dict[Path, str]:
        """Wait for all that was started, and show how far it is if that takes long.

        Returns:
            The files that could not be made, with the reason as a sentence without its final stop: those
            that were wanted since the last call.
        """
        if self._wanted:
            self._wait()
        with self._changed:
            failed, self._untold = self._untold, {}
        return failed

    def _find_or_order(self, name: str, source: Path, sha256: str, recipe: Recipe) -> Path:
        if self._listed is None:
            self._listed = frozenset(_listing(self._own))
        if name in self._listed and _is_whole(self._own / name):
            return self._own / name
        with self._changed:
            if self._place is None:
                self._place = self._new_place()
            path = self._place / name
            job = self._open.get(sha256)
            if job is None:
                job = self._open[sha256] = _Source(source, sha256)
                self._queue.append(job)
                self._start_thread()
            job.waiting.append((recipe, path))
            self._wanted += 1
        return path

    def _start_thread(self) -> None:
        if self._threads < min(os.cpu_count() or 1, MAX_THREADS) and self._has_room(self._latest):
            # A daemon, so that Ctrl-C ends the command at once: what it is at is made again.
            thread = threading.Thread(target=self._work, name="genimage-deriving", daemon=True)
            # The system may refuse one. The others do its work, or, if there is none, whoever waits.
            with contextlib.suppress(RuntimeError):
                thread.start()
                self._threads += 1

    def _new_place(self) -> Path:
        """A folder that can be written."""
        try:
            make_private_folder(self._own)
            remove_torn(self._own)
            with tempfile.TemporaryFile(dir=self._own):
                return self._own
        except OSError as error:
            return self._temporary(error)

    def _temporary(self, error: OSError) -> Path:
        with contextlib.suppress(OSError):
            folder = tempfile.mkdtemp(prefix="genimage-")
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            log.info(
                "%s cannot be written (%s): each build makes the smaller files anew.",
                self._own,
                error.strerror or error,
            )
            return Path(folder)
        return self._own  # each file will tell

    def _wait(self) -> None:
        """Wait for the threads, which is what Ctrl-C ends."""
        with contextlib.closing(_Display()) as display:
            try:
                if not self._threads:
                    self._threads += 1
                    self._work()
                while True:
                    with self._changed:
                        if self._done >= self._wanted:
                            return
                        self._changed.wait(_TICK_SECONDS)
                        done, wanted = self._done, self._wanted
                    display.show(done, wanted)
            except BaseException:
                with self._changed:
                    for job in self._open.values():
                        job.waiting.clear()
                raise

    # In the threads

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._queue:
                    self._threads -= 1  # the next order starts another one
                    return
                job = self._queue.popleft()
            pixels = _pixels_of(job.path)
            with self._changed:
                if not self._has_room(pixels):
                    # No waiting for it: the C library keeps the memory that a thread gave back, and hands it
                    # to the next one only when the thread ends. Who is at work now comes back to this job.
                    self._queue.appendleft(job)
                    self._threads -= 1
                    return
                self._pixels += pixels
                self._latest = pixels
                if self._queue:
                    self._start_thread()
            try:
                self._make_all(job)
            finally:
                with self._changed:
                    self._pixels -= pixels

    def _has_room(self, pixels: int) -> bool:
        """Whether a picture may be worked on beside the others."""
        return not self._pixels or self._pixels + pixels <= MAX_PIXELS_AT_ONCE

    def _make_all(self, job: _Source) -> None:
        """Make all files of one picture, also those that are ordered meanwhile: it is decoded once."""
        picture: Picture | None = None
        while order := self._next(job):
            recipe, path = order
            reason = ""
            try:
                if not _is_whole(path):  # another process may have made it
                    picture = picture or _opened(job)
                    self._write(path, picture.make(recipe))
            except GenimageError as error:
                reason = str(error)
            except Exception as error:  # whoever waits has to be told, whatever it is
                reason = f"{type(error).__name__}: {error}"
            self._settle(path, reason)

    def _next(self, job: _Source) -> tuple[Recipe, Path] | None:
        with self._changed:
            if job.waiting:
                return job.waiting.popleft()
            del self._open[job.sha256]
            return None

    def _write(self, path: Path, data: bytes) -> None:
        """Write a file. Later ones go elsewhere if that fails; where this one lies was told already."""
        try:
            # Without its name in the folder it is made again; with it, it has to be whole, also after a
            # power cut. That takes 1 ms of about 100 (measured in 2026-11).
            write_atomically(path, data, sync_folder=False)
        except OSError as error:
            # On Windows nobody can replace a file that is being read. It is the same one.
            if _is_whole(path):
                return
            with self._changed:
                if self._place == self._own:
                    self._place = self._temporary(error)
            raise GenimageError(
                f"{path.parent} cannot be written: {error.strerror or error}"
            ) from None

    def _settle(self, path: Path, reason: str) -> None:
        with self._changed:
            self._done += 1
            if reason:
                self._failed[path] = self._untold[path] = reason
            self._changed.notify_all()


class _Display:
    """What a person sees of a wait that takes long: a bar on a terminal, lines elsewhere."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _PATIENCE_SECONDS
        self._bar: ProgressBar[Any] | None = None

    def show(self, done: int, wanted: int) -> None:
        """So many files are done of those that are wanted."""
        if self._bar:
            self._bar.update(done - self._bar.pos)
        elif time.monotonic() >= self._next:
            if sys.stderr.isatty():
                import click

                self._bar = click.progressbar(
                    length=wanted, label="Making smaller files", file=sys.stderr, show_pos=True
                )
                self._bar.__enter__()
                self._bar.update(done)
            else:
                self._next += _LINE_SECONDS
                log.info("smaller files: %d of %d made", done, wanted)

    def close(self) -> None:
        """The wait is over."""
        if self._bar:
            self._bar.__exit__(None, None, None)


def _pixels_of(path: Path) -> int:
    """How many a picture has; 0 if it cannot be opened, which is told later."""
    try:
        from mkdocs_genimage.deriving import count_pixels

        return count_pixels(path)
    except Exception:
        return 0


def _opened(job: _Source) -> Picture:
    """The picture of a job.

    Raises:
        GenimageError: it cannot be read, is another one by now, or none at all.
    """
    from mkdocs_genimage.deriving import Picture

    try:
        data = job.path.read_bytes()
    except OSError as error:
        raise GenimageError(f"{job.path.name} cannot be read: {error.strerror or error}") from None
    if hashlib.sha256(data).hexdigest() != job.sha256:
        raise GenimageError(f"{job.path.name} was changed while the site was built")
    return Picture(data)


def _is_whole(path: Path) -> bool:
    """Whether a file is there to its end: a folder that CI keeps between jobs may have lost some of it."""
    with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
        return seems_whole(file)
    return False


def _listing(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are all that is needed, at a third of the time
    except OSError:
        return []
