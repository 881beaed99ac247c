"""Whose turn it is: requests in the order of the pages, so many at a time.

A server that limits its requests gets fewer at once, and slowly more again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Job = TypeVar("_Job")


class Turns(Generic[_Job]):
    """A queue that gives out no more than may be under way.

    A turn lasts from `next` to `end`. It is for sending only: what is done with an answer needs none.

    Args:
        most: requests under way at most.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = float(most)
        self._under_way = 0
        self._waiting: deque[_Job] = deque()
        self._returning = 0
        self._not_before = 0.0
        self._slowdowns = 0
        self._is_closed = False
        # A signal may raise in the main thread between any two steps. Only a lock that is entered by itself,
        # not through its condition, is then surely held in the block and free behind it.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    @property
    def slowdowns(self) -> int:
        """How often fewer were allowed so far. Note it before sending, for `slow_down`."""
        return self._slowdowns

    def add(self, job: _Job) -> None:
        """A job wants to be sent when it is its turn."""
        with self._lock:
            self._waiting.append(job)
            self._changed.notify_all()

    def next(self) -> _Job | None:
        """Wait for the next job whose turn it is. Its turn lasts until `end`. None at the end of all."""
        with self._lock:
            # A job that comes back is older than any that was never sent.
            self._wait(lambda: bool(self._waiting) and not self._returning and self._is_free())
            if self._is_closed:
                return None
            self._under_way += 1
            return self._waiting.popleft()

    def end(self) -> None:
        """A turn is over: the next may be sent."""
        with self._lock:
            self._under_way -= 1
            self._changed.notify_all()

    def again(self) -> None:
        """Wait for another turn, before all jobs that had none."""
        with self._lock:
            self._returning += 1
            self._wait(self._is_free)
            self._returning -= 1
            self._under_way += 1
            self._changed.notify_all()

    def clear(self) -> list[_Job]:
        """Take all jobs back whose turn has not come."""
        with self._lock:
            jobs = list(self._waiting)
            self._waiting.clear()
            return jobs

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._lock:
            self._is_closed = True
            self._changed.notify_all()

    def slow_down(self, seen: int, seconds: float) -> int | None:
        """The server refused a request because there are too many: allow half, and none for a while.

        Requests that were sent together are refused together, which is one slow-down.

        Args:
            seen: `slowdowns` when the refused request was sent.
            seconds: until the next may be sent.

        Returns:
            How many are allowed now; None if others were told before.
        """
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)
            if seen != self._slowdowns:
                return None
            self._slowdowns += 1
            self._allowed = max(1.0, int(self._allowed) / 2)
            return int(self._allowed)

    def speed_up(self) -> None:
        """The server answered: one more after as many answers as are allowed at once."""
        with self._lock:
            self._allowed = min(float(self._most), self._allowed + 1.0 / int(self._allowed))
            self._changed.notify_all()

    def _is_free(self) -> bool:
        return self._under_way < int(self._allowed) and time.monotonic() >= self._not_before

    def _wait(self, is_true: Callable[[], bool]) -> None:
        while not self._is_closed:
            # Before the look: time that passes in between must not make this a wait without end.
            pause = self._not_before - time.monotonic()
            if is_true():
                return
            self._changed.wait(pause if pause > 0 else None)


class Turn:
    """The turn of one job, which ends when it is not needed any more, at the latest with its job.

    Args:
        turns: has given it out by `next`.
    """

    def __init__(self, turns: Turns[Any]) -> None:
        self._turns = turns
        self._lasts = True

    def __enter__(self) -> Turn:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Let the next one send."""
        if self._lasts:
            self._lasts = False
            self._turns.end()

    def again(self) -> None:
        """Wait for another turn, if this one is over."""
        if not self._lasts:
            self._turns.again()
            self._lasts = True
