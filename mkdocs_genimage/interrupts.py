"""Ctrl-C and SIGTERM while pictures are made."""

from __future__ import annotations

import signal
import threading


class Interrupts:
    """Ends a command in good order, unless somebody else handles a signal.

    Args:
        ends_process: whether Ctrl-C is to end the process, with the exit code that says so, and not only what
            called this. SIGTERM always does.
    """

    def __init__(self, *, ends_process: bool) -> None:
        self._ends_process = ends_process
        self.has_come = False
        """Whether there was one. Nothing is sent from then on."""

    def heed(self) -> None:
        """Begin to handle signals. Only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._end)
        if self._ends_process and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._end)

    def forget(self) -> None:
        """Leave signals to Python again."""
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) == self._end:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) == self._end:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _end(self, number: int, _frame: object) -> None:
        """130 for Ctrl-C, 143 for SIGTERM, as shells have it.

        What this unwinds may take its time. No lock is taken here: the thread that was interrupted may hold
        it.
        """
        self.has_come = True
        raise SystemExit(128 + number)
