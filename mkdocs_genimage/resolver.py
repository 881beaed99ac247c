"""From a block to the files that a page shows for it: cached, being made, or a placeholder.

One Resolver serves one build. It holds the policy: may something be made?
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mkdocs_genimage.cache import Cache, Missing, StoredImage
from mkdocs_genimage.entries import Entry, Shown, requested_size
from mkdocs_genimage.errors import ObjectionError
from mkdocs_genimage.log import log
from mkdocs_genimage.report import (
    missing_lines,
    report_failures,
    report_outdated,
    report_stale,
    summarise,
)
from mkdocs_genimage.request import BlockInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.drafts import Drafts
    from mkdocs_genimage.generator import Generator
    from mkdocs_genimage.places import Place
    from mkdocs_genimage.request import ImageRequest

Policy = Literal["generate", "plan", "placeholder", "error", "off"]
"""What happens to an image that is missing: it is made; it is only noted that it would be; a placeholder
stands in; the build fails in the end. `off` shows placeholders for all, cached or not."""


class Resolver:
    """Finds or orders the pictures of one build.

    Args:
        cache: where images are kept.
        generator: makes what is missing; used under the policy `generate` only.
        drafts: draws placeholders.
        policy: what happens to missing images.
    """

    def __init__(self, cache: Cache, generator: Generator, drafts: Drafts, policy: Policy) -> None:
        self._cache = cache
        self._generator = generator
        self._drafts = drafts
        self.policy: Policy = policy
        self._asks = policy in ("generate", "plan") and not generator.provider.draft
        self._entries: dict[tuple[str, int], Entry] = {}
        self._counts: dict[str, int] = {}
        self._settled = False

    @property
    def cache_folder(self) -> Path:
        """Where a picture that is being made will lie."""
        return self._cache.folder

    @property
    def entries(self) -> Mapping[tuple[str, int], Entry]:
        """What is known so far, by key and variant, in the order of the pages."""
        return self._entries

    def resolve(self, composed: Composed, place: Place) -> list[Shown]:
        """The files that a block shows, in order; what is missing is ordered, as the policy says.

        Raises:
            ObjectionError: it would be refused.
        """
        wanted = composed.shown_variants
        self._counts[composed.request.key] = composed.count
        needs_all = self._asks or self.policy == "plan"
        ordered = range(1, composed.count + 1) if needs_all else wanted
        self._obtain(composed.request, tuple(ordered), place, wanted)
        shown = []
        for variant in wanted:
            entry = self._entries[composed.request.key, variant]
            if place not in entry.places:
                entry.places.append(place)
            shown.append(entry.shown)
        return shown

    def _obtain(
        self,
        request: ImageRequest,
        ordered: tuple[int, ...],
        place: Place,
        wanted: tuple[int, ...] = (),
    ) -> None:
        """Look variants of a request up, and order those that are missing, as the policy says.

        Args:
            request: what makes them.
            ordered: the variants that are to exist in the end.
            place: the block that needs them.
            wanted: those that a page shows, which always count.
        """
        unknown = [v for v in ordered if (request.key, v) not in self._entries]
        orders: list[int] = []
        for variant in unknown:
            entry = self._look_up(request, variant, place)
            is_ordered = entry.state in ("pending", "wanted")
            if is_ordered:
                orders.append(variant)
                entry.places.append(place)
            # A variant that no page shows is looked up so that it is made along with the others; only
            # then it counts.
            if variant in wanted or is_ordered or self.policy == "plan":
                self._entries[request.key, variant] = entry
        if orders:
            self._order(request, tuple(orders), place)

    def _order(self, request: ImageRequest, orders: tuple[int, ...], place: Place) -> None:
        """Have missing variants made, or only see that they could be.

        Raises:
            ObjectionError: they would be refused.
        """
        try:
            self._review(request, len(orders), place)
        except ObjectionError:
            for variant in orders:
                del self._entries[request.key, variant]
            raise
        if self.policy == "plan":
            return
        for job in self._generator.order(request, orders, place):
            for variant in job.variants:
                if variant in orders:
                    self._entries[request.key, variant].job = job

    def _review(self, request: ImageRequest, count: int, place: Place) -> None:
        """See that nothing is sent which would be refused, and order what it is made from.

        Raises:
            ObjectionError: it would be.
        """
        review = self._generator.provider.review(request, count)
        if review.objections:
            raise ObjectionError(review.objections)
        for source in request.images:
            if isinstance(source, BlockInput):
                try:
                    self._obtain(source.request, (source.variant,), place)
                except ObjectionError:
                    message = f"'image': the block '{source.name}' is wrong itself."
                    raise ObjectionError([("image", message)]) from None
        for _, message in review.remarks:
            log.info("%s: %s", place, message)

    def final(self, request: ImageRequest, variant: int) -> Shown:
        """What a file of `resolve` turned out to be, after `settle`."""
        return self._entries[request.key, variant].shown

    def settle(self) -> list[str]:
        """Wait for what was ordered, say what failed and sum up.

        Returns:
            A line with its place for each block without its image, if the policy is `error`.
        """
        ordered = [entry for entry in self._entries.values() if entry.state == "pending"]
        if ordered:
            # Only builds that ask for something have use for it.
            from mkdocs_genimage.changes import report_changes

            report_changes(ordered, self._entries, self._cache.folder, self._generator.estimate)
        self._generator.wait()
        for entry in ordered:
            if not entry.settle():
                size = requested_size(entry.request)
                entry.shown = self._draw(entry.request, entry.variant, size)
        self._settled = True
        self._cache.remember()
        report_failures(self._entries.values(), self._generator)
        report_stale(self._entries.values())
        report_outdated(self._entries)
        summarise(self._entries.values())
        if self.policy != "error":
            return []
        return missing_lines(self._entries.values(), self._cache.folder.name)

    def _look_up(self, request: ImageRequest, variant: int, place: Place) -> Entry:
        size = requested_size(request)
        if self.policy == "off":
            return Entry(request, variant, self._draw(request, variant, size), "placeholder")
        found = self._cache.find(request, variant)
        if isinstance(found, StoredImage):
            shown = Shown.stored(found, request)
            stale = self._is_stale(request, found)
            return Entry(request, variant, shown, "cached", found, stale=stale)
        if found.reason:
            log.warning("%s: %s", place, found.reason)
        refusal = self._refusal(request, found)
        shown_size = (found.width, found.height) if found.width and found.height else size
        if refusal:
            log.warning("%s: %s", place, refusal)
        elif self._asks and not found.bought and not self._settled:
            if self.policy == "plan":
                drawn = self._draw(request, variant, shown_size)
                return Entry(request, variant, drawn, "wanted", found)
            return Entry(request, variant, Shown.expected(request, variant), "pending", found)
        elif self._asks and self._settled and not found.reason:
            log.warning(
                "%s: the block came up only when the pictures were made, in a page that another plugin "
                "renders late. Put the same block on a page of its own to have its picture made.",
                place,
            )
        drawn = self._draw(request, variant, shown_size)
        return Entry(request, variant, drawn, "placeholder", found, refusal)

    def _draw(self, request: ImageRequest, variant: int, size: tuple[int, int]) -> Shown:
        return self._drafts.draw(request, variant, self._counts.get(request.key, 1), size)

    def _refusal(self, request: ImageRequest, found: Missing) -> str:
        """Why a missing picture is not asked for again, if it would be."""
        if not self._asks or found.bought:
            return ""
        return self._cache.refusal(request, self._generator.provider.host)

    def _is_stale(self, request: ImageRequest, image: StoredImage) -> bool:
        """Whether another renderer than today's made it. What is not recorded counts as unchanged."""
        provider = self._generator.provider
        if provider.draft:
            return False
        today = {"model": request.model, "host": provider.host, "provider": provider.name}
        return any(image.sidecar.get(name, value) != value for name, value in today.items())
