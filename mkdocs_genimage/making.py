"""Making the images of one request: its inputs, the limit, the sending, what is stored of the answer."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from random import Random
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.cache import StoredImage
from mkdocs_genimage.errors import Billed, CacheError, GenimageError, ProviderError
from mkdocs_genimage.log import log
from mkdocs_genimage.request import KEY_CHARS_IN_NAME, InputFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mkdocs_genimage.budget import Budget
    from mkdocs_genimage.cache import Cache
    from mkdocs_genimage.journal import Journal
    from mkdocs_genimage.places import Place
    from mkdocs_genimage.pricing import Pricing
    from mkdocs_genimage.providers import Answer, Provider
    from mkdocs_genimage.request import BlockInput, ImageRequest

MAX_RETRIES = 4
"""How often one request is sent again when its server asks to wait, which is never billed."""
MAX_RETRY_WAIT = 60.0
"""Seconds."""
PARALLEL_DECODES = 2
"""A decoded 4K picture takes 33 MB; checking few at a time bounds the memory of a build."""


class StoppedError(GenimageError):
    """The build ended before this image was asked for."""


@dataclass(eq=False)
class Job:
    """One request under way.

    Attributes:
        request: what is asked for.
        variants: which of its variants, from 1.
        place: the first block that wants it.
        images: what has come and been stored, by variant.
        made_elsewhere: variants that another process made meanwhile.
        error: why something is missing.
        done: set when nothing more will come.
    """

    request: ImageRequest
    variants: tuple[int, ...]
    place: Place
    images: dict[int, StoredImage] = field(default_factory=dict)
    made_elsewhere: set[int] = field(default_factory=set)
    error: GenimageError | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Maker:
    """Makes the images of requests, one after another in each thread that calls it.

    Args:
        provider: who makes them.
        cache: where they go.
        budget: what may be spent.
        pricing: what they cost here.
        stopping: set when nothing more may be sent.
        check: raises what makes every further request useless.
        jobs_of: the jobs under way or done for a key.
        journal: outlives this process.
    """

    def __init__(
        self,
        provider: Provider,
        cache: Cache,
        budget: Budget,
        pricing: Pricing,
        *,
        stopping: threading.Event,
        check: Callable[[], None],
        jobs_of: Callable[[str], Sequence[Job]],
        journal: Journal,
    ) -> None:
        self._provider = provider
        self._cache = cache
        self._budget = budget
        self._pricing = pricing
        self._stopping = stopping
        self._check = check
        self._jobs_of = jobs_of
        self._journal = journal
        self._decoding = threading.Semaphore(PARALLEL_DECODES)
        self._random = Random()  # noqa: S311 - only jitter

    def make(self, job: Job) -> float | None:
        """Send the request and store what comes. Returns the price in USD, where it is known.

        Raises:
            GenimageError: an image is missing in the end.
        """
        request = self._with_inputs(job)
        name = job.request.key[:KEY_CHARS_IN_NAME]
        with self._journal.hold(name):
            for variant in job.variants:
                # Another process may have made it since it was looked for.
                found = self._cache.find(job.request, variant)
                if isinstance(found, StoredImage):
                    job.images[variant] = found
                    job.made_elsewhere.add(variant)
            wanted = tuple(variant for variant in job.variants if variant not in job.images)
            if not wanted:
                return None
            try:
                answer = self._send(job, request, len(wanted))
                cost = self._cost(request, answer)
                self._store(job, wanted, answer, cost)
            finally:
                self._journal.end(name)
            return cost

    def _send(self, job: Job, request: ImageRequest, count: int) -> Answer:
        """Send a request, again only where that is known to cost nothing twice.

        Raises:
            GenimageError: there is no answer.
        """
        estimate = self._pricing.estimate(request, count, self._provider.host)
        for attempt in range(MAX_RETRIES + 1):
            if self._stopping.is_set():
                raise StoppedError("the build was stopped before this image was asked for")
            self._check()
            self._budget.take(count, estimate)
            try:
                answer = self._send_once(job, request, count, estimate)
            except ProviderError as error:
                if error.billed is Billed.NO:
                    self._budget.settle(count, estimate, 0.0)
                wait = error.retry_after
                if wait is None or wait > MAX_RETRY_WAIT or attempt == MAX_RETRIES:
                    raise
                self._pause(max(wait, 2.0**attempt) * self._random.uniform(1.0, 1.25))
                continue
            self._budget.settle(0, estimate, self._cost(request, answer))
            return answer
        raise AssertionError

    def _pause(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    def _send_once(
        self, job: Job, request: ImageRequest, count: int, estimate: float | None
    ) -> Answer:
        """Send a request, with an entry in the journal while it is under way.

        Raises:
            GenimageError: there is no answer.
        """
        name = job.request.key[:KEY_CHARS_IN_NAME]
        facts = {
            "key": job.request.key,
            "place": str(job.place),
            "host": self._provider.host,
            "model": request.model,
            "images": count,
            "estimate": estimate,
        }
        before = self._journal.begin(name, facts)
        if before:
            log.info(
                "%s: an earlier build asked for this picture (%s) and was ended before it came; that "
                "request may have been billed.",
                job.place,
                before.get("began", "at an unknown time"),
            )
        try:
            answer = self._provider.generate(request, count)
            if not answer.images:
                raise ProviderError(
                    f"the answer of {self._server()} holds no picture.",
                    billed=Billed.MAYBE,
                    request_id=answer.request_id,
                )
        except ProviderError as error:
            self._journal.end(name)
            if error.billed is not Billed.NO:
                outcome = {"outcome": error.message, "billed": error.billed.value}
                self._journal.record({**facts, **outcome, "request_id": error.request_id})
            raise
        paid = {"cost": self._cost(request, answer), "usage": answer.usage}
        made = {"outcome": "made", "images": len(answer.images), "request_id": answer.request_id}
        self._journal.record({**facts, **made, **paid})
        return answer

    def _cost(self, request: ImageRequest, answer: Answer) -> float | None:
        count = len(answer.images)
        return self._pricing.actual(request, count, answer.usage, self._provider.host)

    def _with_inputs(self, job: Job) -> ImageRequest:
        """The request with the bytes of all its inputs, the mask as the API wants it.

        Another block's picture was ordered before, so it is at work or done: waiting for it never stands
        in its way.

        Raises:
            ProviderError: one of them is missing or does not fit.
        """
        request = job.request
        if not request.images:
            return request
        images = [
            image if isinstance(image, InputFile) else self._picture_of(image)
            for image in request.images
        ]
        mask = request.mask
        if mask:
            from mkdocs_genimage.imaging import ImageError, prepare_mask

            mode = request.options.get("mask_mode", "auto")
            try:
                with self._decoding:
                    data, warning = prepare_mask(mask.data, images[0].data, mode)
            except ImageError as error:
                raise ProviderError(f"{error}.", cure="Nothing was sent.") from None
            if warning:
                log.warning("%s: %s.", job.place, warning)
            mask = InputFile(mask.name, data)
        if request.markup:
            self._check_markup(request.markup, images[0])
        return replace(request, images=tuple(images), mask=mask)

    def _check_markup(self, markup: InputFile, image: InputFile) -> None:
        from mkdocs_genimage.imaging import ImageError, inspect

        try:
            with self._decoding:
                over, under = inspect(markup.data), inspect(image.data)
        except ImageError as error:
            raise ProviderError(f"{error}.", cure="Nothing was sent.") from None
        if (over.width, over.height) != (under.width, under.height):
            raise ProviderError(
                f"the markup has {over.width}x{over.height} pixels and its image "
                f"{under.width}x{under.height}: both need the same dimensions.",
                cure="Nothing was sent.",
            )

    def _picture_of(self, source: BlockInput) -> InputFile:
        for job in self._jobs_of(source.request.key):
            if source.variant in job.variants:
                job.done.wait()
        found = self._cache.find(source.request, source.variant)
        with contextlib.suppress(OSError):
            if isinstance(found, StoredImage):
                return InputFile(found.path.name, found.path.read_bytes())
        raise ProviderError(
            f"the picture of '{source.name}', which it is made from, is missing.",
            cure="Nothing was sent.",
        )

    def _facts(self, request: ImageRequest, request_id: str | None) -> dict[str, Any]:
        """Who was asked, and when."""
        facts: dict[str, Any] = {
            "provider": self._provider.name,
            "host": self._provider.host,
            "model": request.model,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        if request.moderation:
            facts["moderation"] = request.moderation
        if request_id:
            facts["request_id"] = request_id
        return facts

    def remember_refusal(self, job: Job, error: ProviderError) -> None:
        """Keep in the cache that a request is of no use."""
        facts = self._facts(job.request, error.request_id)
        with contextlib.suppress(CacheError):
            self._cache.put_refusal(job.request, {**facts, "reason": error.message})

    def _store(self, job: Job, wanted: tuple[int, ...], answer: Answer, cost: float | None) -> None:
        from mkdocs_genimage.imaging import ImageError, inspect

        facts = self._facts(job.request, answer.request_id)
        if answer.usage:
            facts["usage"] = answer.usage
        if len(answer.images) > 1:
            facts["images_in_request"] = len(answer.images)
        if cost is not None:
            facts["cost"] = round(cost / len(answer.images), 6)
        failure: GenimageError | None = None
        for variant, data in zip(wanted, answer.images, strict=False):
            # One that is lost must not take the others with it: they are paid for.
            try:
                with self._decoding:
                    info = inspect(data)
                measured = {"format": info.format, "width": info.width, "height": info.height}
                job.images[variant] = self._cache.put(job.request, variant, data, facts | measured)
            except ImageError as error:
                failure = failure or ProviderError(
                    f"the answer of {self._server()} is no usable picture: {error}.",
                    billed=Billed.YES,
                    request_id=answer.request_id,
                )
            except CacheError as error:
                failure = error
        if failure:
            raise failure
        if len(job.images) < len(job.variants):
            raise ProviderError(
                f"{self._server()} sent {len(answer.images)} of {len(wanted)} pictures.",
                billed=Billed.MAYBE,
                request_id=answer.request_id,
            )

    def _server(self) -> str:
        return self._provider.host or f"provider '{self._provider.name}'"
