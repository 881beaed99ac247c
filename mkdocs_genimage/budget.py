"""What one command may spend."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from mkdocs_genimage.errors import GenimageError


class BudgetReachedError(GenimageError):
    """The next image would pass a limit, so it was not asked for."""


@dataclass
class Budget:
    """Counts images and dollars for one command: all pages, all locales, all threads.

    Attributes:
        max_cost: USD; 0 for no limit.
        max_images: 0 for no limit.
    """

    max_cost: float = 0.0
    max_images: int = 0
    images: int = 0
    spent: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, count: int, estimate: float | None) -> None:
        """Reserve the money for a request before it is sent.

        Args:
            count: images it asks for.
            estimate: USD for all of them; None where no price is known, which only counts as images.

        Raises:
            BudgetReachedError: it would pass a limit. Nothing is reserved then.
        """
        with self._lock:
            if self.max_images and self.images + count > self.max_images:
                raise BudgetReachedError(f"'max_images: {self.max_images}' is reached")
            # Half a hundredth of a cent forgives the rounding of sums of prices.
            if self.max_cost and self.spent + (estimate or 0.0) > self.max_cost + 5e-5:
                raise BudgetReachedError(f"'max_cost: {self.max_cost:.2f}' would be passed")
            self.images += count
            self.spent += estimate or 0.0

    def settle(self, count: int, estimate: float | None, actual: float | None) -> None:
        """Put the true price in place of the estimate.

        Args:
            count: images that are not to count after all, because nothing was billed.
            estimate: what `take` was given.
            actual: USD; None where it is not known, so the estimate stands.
        """
        with self._lock:
            self.images -= count
            if actual is not None:
                self.spent += actual - (estimate or 0.0)
