"""Two threads for the work that takes much memory: one unpacks answers, the other decodes pictures.

Taking turns would bound what is used, but not what the process holds: the C library's allocator keeps
the memory that a thread gave back in a pool of that thread, up to 64 MB in each with glibc, and a build
has two threads for each request in flight. In a cold build of 3840x2160 pictures, 8 at once, such pools
held 400 MB (measured in November 2026). Work that is always done by the same thread fills only its pool.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Workbench:
    """A thread that does one thing after another. The first thing starts it; it stays until the end.

    Args:
        name: the thread's.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._renew()
        if hasattr(os, "register_at_fork"):
            # A forked process has this object, but not its thread.
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._tasks: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = False

    def run(self, function: Callable[[], T]) -> T:
        """Have something done and wait for it.

        Args:
            function: what is to be done. It must not call `run` of the same workbench.

        Returns:
            What the function returns.

        Raises:
            BaseException: what the function raises.
        """
        future: Future[T] = Future()
        self._tasks.put((future, function))
        with self._lock:
            if not self._started:
                # A daemon, and no executor: that one takes nothing more once the interpreter ends, when
                # pictures that are paid for are still to be stored.
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
                self._started = True
        try:
            return future.result()
        finally:
            # An error's traceback holds this frame, and the future the error: a picture would be kept.
            del future

    def _work(self) -> None:
        while True:
            future, function = self._tasks.get()
            try:
                future.set_result(function())
            except BaseException as error:  # SystemExit, too: whoever waits has to be told
                future.set_exception(error)
            # Waiting for the next task must not keep the picture of this one.
            del future, function


unpacking = Workbench("genimage-unpacking")
decoding = Workbench("genimage-decoding")
