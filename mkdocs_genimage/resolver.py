"""From a block to the files that a page shows for it: cached, being made, or a placeholder.

One Resolver serves one build. It holds the policy (may something be made?) and counts what
happened, for the summary.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mkdocs_genimage.cache import Cache, Missing, StoredImage
from mkdocs_genimage.errors import Billed, GenimageError, ObjectionError, ProviderError
from mkdocs_genimage.formats import EXTENSIONS, sniff
from mkdocs_genimage.log import log
from mkdocs_genimage.progress import dollars
from mkdocs_genimage.request import BlockInput, variant_stem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mkdocs_genimage.compose import Composed
    from mkdocs_genimage.generator import Generator
    from mkdocs_genimage.making import Job
    from mkdocs_genimage.places import Place
    from mkdocs_genimage.providers import Provider
    from mkdocs_genimage.request import ImageRequest

Policy = Literal["generate", "placeholder", "error", "off"]
"""What happens to an image that is missing: it is made; a placeholder stands in; the build fails in
the end. `off` shows placeholders for all, cached or not."""

ASSUMED_SIZE = (1024, 1024)
"""Pixels of a picture until it is there, where the author leaves its size to the server."""


@dataclass(frozen=True)
class Shown:
    """A file that a page shows, or is expected to.

    Attributes:
        name: file name in the site.
        path: the file on disk; None while it is being made.
        width: pixels.
        height: pixels.
        placeholder: whether it only stands in for the image.
    """

    name: str
    path: Path | None
    width: int
    height: int
    placeholder: bool = False


@dataclass
class _Entry:
    """One variant of one request, however many blocks show it."""

    request: ImageRequest
    variant: int
    shown: Shown
    state: Literal["cached", "pending", "generated", "failed", "placeholder"]
    places: list[Place] = field(default_factory=list)
    job: Job | None = None
    bought: bool = False
    stale: bool = False
    cost: float | None = None


class Drafts:
    """A folder for placeholders: drawn anew by each command, never near the cache.

    Args:
        load: gives the provider that draws them; called for the first one.
    """

    def __init__(self, load: Callable[[], Provider]) -> None:
        self._load = load

    @cached_property
    def _provider(self) -> Provider:
        return self._load()

    @cached_property
    def _folder(self) -> Path:
        folder = tempfile.mkdtemp(prefix="genimage-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def draw(self, request: ImageRequest, variant: int, count: int, size: tuple[int, int]) -> Shown:
        """The placeholder of one variant. Its name is never that of the image, so no cache keeps it.

        Args:
            request: what it stands for.
            variant: which of its variants.
            count: how many there are.
            size: pixels to show it at.
        """
        data = self._provider.generate(request, max(variant, count)).images[variant - 1]
        ending = EXTENSIONS[sniff(data) or "svg"]
        path = self._folder / f"placeholder-{variant_stem(request.stem, variant)}{ending}"
        if not path.exists():
            path.write_bytes(data)
        return Shown(path.name, path, *size, placeholder=True)


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
        self._entries: dict[tuple[str, int], _Entry] = {}
        self._counts: dict[str, int] = {}
        self._settled = False

    @property
    def cache_folder(self) -> Path:
        """Where a picture that is being made will lie."""
        return self._cache.folder

    def resolve(self, composed: Composed, place: Place) -> list[Shown]:
        """The files that a block shows, in order; what is missing is ordered, as the policy says.

        Raises:
            ObjectionError: it would be refused.
        """
        wanted = composed.shown_variants
        self._counts[composed.request.key] = composed.count
        ordered = range(1, composed.count + 1) if self._makes_images else wanted
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
            if entry.state == "pending":
                orders.append(variant)
                entry.places.append(place)
            # A variant that no page shows is looked up so that it is made along with the others; only
            # then it counts.
            if variant in wanted or entry.state == "pending":
                self._entries[request.key, variant] = entry
        if not orders:
            return
        try:
            self._review(request, len(orders), place)
        except ObjectionError:
            for variant in orders:
                del self._entries[request.key, variant]
            raise
        for job in self._generator.order(request, tuple(orders), place):
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
        self._generator.wait()
        for entry in self._entries.values():
            if entry.state == "pending":
                self._settle(entry)
        self._settled = True
        self._cache.remember()
        self._report_failures()
        self._report_stale()
        self._summarise()
        if self.policy != "error":
            return []
        lines = (
            f"{place}: the picture is not in {self._cache.folder.name}/."
            for entry in self._entries.values()
            if entry.state != "cached"
            for place in entry.places
        )
        return list(dict.fromkeys(lines))

    def _look_up(self, request: ImageRequest, variant: int, place: Place) -> _Entry:
        size = requested_size(request)
        if self.policy == "off":
            return _Entry(request, variant, self._draw(request, variant, size), "placeholder")
        found = self._cache.find(request, variant)
        if isinstance(found, StoredImage):
            shown = Shown(found.path.name, found.path, found.width, found.height)
            return _Entry(request, variant, shown, "cached", stale=self._is_stale(request, found))
        if found.reason:
            log.warning("%s: %s", place, found.reason)
        refusal = self._refusal(request, found)
        if refusal:
            log.warning("%s: %s", place, refusal)
        elif self._makes_images and not found.bought and not self._settled:
            ending = EXTENSIONS[request.options.get("output_format", "png")]
            name = variant_stem(request.stem, variant) + ending
            return _Entry(request, variant, Shown(name, None, *size), "pending")
        if self._makes_images and self._settled and not refusal and not found.reason:
            log.warning(
                "%s: the block came up only when the pictures were made, in a page that another plugin "
                "renders late. Put the same block on a page of its own to have its picture made.",
                place,
            )
        shown_size = (found.width, found.height) if found.width and found.height else size
        drawn = self._draw(request, variant, shown_size)
        return _Entry(request, variant, drawn, "placeholder", bought=found.bought)

    @property
    def _makes_images(self) -> bool:
        return self.policy == "generate" and not self._generator.provider.draft

    def _draw(self, request: ImageRequest, variant: int, size: tuple[int, int]) -> Shown:
        return self._drafts.draw(request, variant, self._counts.get(request.key, 1), size)

    def _refusal(self, request: ImageRequest, found: Missing) -> str:
        """Why a missing picture is not asked for again, if it would be."""
        if not self._makes_images or found.bought:
            return ""
        return self._cache.refusal(request, self._generator.provider.host)

    def _settle(self, entry: _Entry) -> None:
        image = entry.job.images.get(entry.variant) if entry.job else None
        if image:
            entry.state = "generated"
            if entry.job and entry.variant in entry.job.made_elsewhere:
                entry.state = "cached"
            else:
                entry.cost = image.sidecar.get("cost")
            entry.shown = Shown(image.path.name, image.path, image.width, image.height)
            return
        entry.state = "failed"
        size = requested_size(entry.request)
        entry.shown = self._draw(entry.request, entry.variant, size)

    def _is_stale(self, request: ImageRequest, image: StoredImage) -> bool:
        """Whether another renderer than today's made it. What is not recorded counts as unchanged."""
        provider = self._generator.provider
        if provider.draft:
            return False
        today = {"model": request.model, "host": provider.host, "provider": provider.name}
        return any(image.sidecar.get(name, value) != value for name, value in today.items())

    def _report_failures(self) -> None:
        """One warning for each reason that concerns all, one for each other image."""
        shared: dict[str, list[_Entry]] = {}
        told: set[int] = set()
        for entry in self._entries.values():
            if entry.state != "failed" or entry.job is None or id(entry.job) in told:
                continue
            told.add(id(entry.job))
            error = entry.job.error or GenimageError("it did not come")
            if isinstance(error, ProviderError) and not error.fatal:
                log.warning("%s: no picture: %s", _list(entry.places), error)
            else:
                # Several requests may have been in flight: each has a name, the reason is one.
                reason = (
                    f"{error.message} {error.cure}"
                    if isinstance(error, ProviderError)
                    else str(error)
                )
                shared.setdefault(reason.strip(), []).append(entry)
        for reason, entries in shared.items():
            places = _list(place for entry in entries for place in entry.places)
            count = len(entries)
            noun = "picture is" if count == 1 else "pictures are"
            log.warning("%d %s missing: %s Blocks: %s", count, noun, _sentence(reason), places)

    def _report_stale(self) -> None:
        stale = [entry for entry in self._entries.values() if entry.stale]
        if stale:
            log.info(
                "%d of the pictures %s made by another model or server than today's; %s still used.",
                len(stale),
                *(("was", "it is") if len(stale) == 1 else ("were", "they are")),
            )

    def _summarise(self) -> None:
        states = [entry.state for entry in self._entries.values()]
        if not states:
            return
        text = (
            f"{len(states)} image{'' if len(states) == 1 else 's'}: "
            f"{states.count('cached')} from the cache, {states.count('generated')} generated, "
            f"{states.count('failed')} failed"
        )
        costs = [entry.cost for entry in self._entries.values() if entry.cost is not None]
        if costs:
            text += f", {dollars(sum(costs))} spent"
        placeholders = states.count("placeholder")
        if placeholders:
            text += f", {placeholders} shown as placeholder{'' if placeholders == 1 else 's'}"
        log.info("%s", text)

    @property
    def possibly_billed(self) -> int:
        """Failed requests of this build that may have cost something."""
        errors = {id(e.job): e.job.error for e in self._entries.values() if e.job}.values()
        return sum(isinstance(e, ProviderError) and e.billed is not Billed.NO for e in errors)


def requested_size(request: ImageRequest) -> tuple[int, int]:
    """The pixels that a request asks for; `ASSUMED_SIZE` where it leaves them to the server."""
    width, _, height = str(request.options.get("size", "")).partition("x")
    return (int(width), int(height)) if width.isdigit() and height.isdigit() else ASSUMED_SIZE


def _list(places: Iterable[Place], most: int = 20) -> str:
    names = list(dict.fromkeys(str(place) for place in places))
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
