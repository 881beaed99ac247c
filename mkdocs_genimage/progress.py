"""What a person sees while images are being made: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.log import log

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


def dollars(cost: float) -> str:
    """`$0.05`; below one cent with the digits that count."""
    return f"${cost:.2f}" if cost >= 0.01 or cost == 0 else f"${cost:.4f}"


class Progress:
    """Reports finished images from any thread.

    Args:
        terminal: whether to draw a bar; by default, whether stderr is a terminal.
    """

    def __init__(self, *, terminal: bool | None = None) -> None:
        self._terminal = sys.stderr.isatty() if terminal is None else terminal
        self._lock = threading.Lock()
        self._total = 0
        self._done = 0
        self._cost: float | None = None
        self._bar: ProgressBar[Any] | None = None

    def added(self, count: int) -> None:
        """So many more images are wanted."""
        with self._lock:
            if self._done == self._total:
                self._done = self._total = 0
                self._cost = None
            self._total += count
            if self._bar:
                self._bar.length = self._total

    def dropped(self, count: int) -> None:
        """So many images are not wanted any more."""
        with self._lock:
            self._total -= count
            if self._bar:
                self._bar.length = self._total

    def finished(
        self, place: str | None, count: int, seconds: float, cost: float | None, *, failed: bool
    ) -> None:
        """So many images have come, or failed.

        Args:
            place: the block's place; None where nothing was sent, which is not worth a line.
            count: images of the request.
            seconds: wall clock it took.
            cost: USD; None where it is not known.
            failed: whether it brought no image; the reason is told at the end.
        """
        with self._lock:
            self._done += count
            if cost is not None:
                self._cost = (self._cost or 0.0) + cost
            if self._bar:
                self._bar.label = self._label()
                self._bar.update(count)
            elif not self._terminal and place:
                price = f", {dollars(self._cost)} so far" if self._cost is not None else ""
                log.info(
                    "image %d of %d %s: %s, %.1f s%s",
                    self._done,
                    self._total,
                    "failed" if failed else "made",
                    place,
                    seconds,
                    price,
                )

    def show(self) -> None:
        """The build has come to wait for the images: draw the bar from now on."""
        with self._lock:
            if not self._terminal or self._bar or self._done >= self._total:
                return
            import click

            self._bar = click.progressbar(
                length=self._total, label=self._label(), file=sys.stderr, show_pos=True
            )
            self._bar.__enter__()
            self._bar.update(self._done)

    def hide(self) -> None:
        """The wait is over."""
        with self._lock:
            if self._bar:
                self._bar.__exit__(None, None, None)
                self._bar = None

    def _label(self) -> str:
        price = f" ({dollars(self._cost)})" if self._cost is not None else ""
        return f"Making images{price}"
