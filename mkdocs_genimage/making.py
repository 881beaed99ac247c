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
from mkdocs_genimage.request import InputFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mkdocs_genimage.budget import Budget
    from mkdocs_genimage.cache import Cache
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
        error: why something is missing.
        done: set when nothing more will come.
    """

    request: ImageRequest
    variants: tuple[int, ...]
    place: Place
    images: dict[int, StoredImage] = field(default_factory=dict)
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
    ) -> None:
        self._provider = provider
        self._cache = cache
        self._budget = budget
        self._pricing = pricing
        self._stopping = stopping
        self._check = check
        self._jobs_of = jobs_of
        self._decoding = threading.Semaphore(PARALLEL_DECODES)
        self._random = Random()  # noqa: S311 - only jitter

    def make(self, job: Job) -> float | None:
        """Send the request and store what comes. Returns the price in USD, where it is known.

        Raises:
            GenimageError: an image is missing in the end.
        """
        count = len(job.variants)
        request = self._with_inputs(job)
        estimate = self._pricing.estimate(request, count, self._provider.host)
        for attempt in range(MAX_RETRIES + 1):
            if self._stopping.is_set():
                raise StoppedError("the build was stopped before this image was asked for")
            self._check()
            self._budget.take(count, estimate)
            try:
                answer = self._provider.generate(request, count)
                break
            except ProviderError as error:
                if error.billed is Billed.NO:
                    self._budget.settle(count, estimate, 0.0)
                wait = error.retry_after
                if wait is None or wait > MAX_RETRY_WAIT or attempt == MAX_RETRIES:
                    raise
                self._stopping.wait(max(wait, 2.0**attempt) * self._random.uniform(1.0, 1.25))
        images = len(answer.images)
        if not images:
            raise ProviderError(
                f"the answer of {self._server()} holds no picture.",
                billed=Billed.MAYBE,
                request_id=answer.request_id,
            )
        cost = self._pricing.actual(request, images, answer.usage, self._provider.host)
        self._budget.settle(0, estimate, cost)
        self._store(job, answer, cost)
        return cost

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
        return replace(request, images=tuple(images), mask=mask)

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

    def _store(self, job: Job, answer: Answer, cost: float | None) -> None:
        from mkdocs_genimage.imaging import ImageError, inspect

        facts = self._facts(job.request, answer.request_id)
        if answer.usage:
            facts["usage"] = answer.usage
        if len(answer.images) > 1:
            facts["images_in_request"] = len(answer.images)
        if cost is not None:
            facts["cost"] = round(cost / len(answer.images), 6)
        failure: GenimageError | None = None
        for variant, data in zip(job.variants, answer.images, strict=False):
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
                f"{self._server()} sent {len(job.images)} of {len(job.variants)} pictures.",
                billed=Billed.MAYBE,
                request_id=answer.request_id,
            )

    def _server(self) -> str:
        return self._provider.host or f"provider '{self._provider.name}'"
