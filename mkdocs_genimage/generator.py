"""Requests in, images out: one request for each key, several at a time, each image stored as it comes."""

from __future__ import annotations

import atexit
import contextlib
import queue
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from random import Random
from typing import TYPE_CHECKING, Any

from mkdocs_genimage.budget import BudgetReachedError
from mkdocs_genimage.cache import StoredImage
from mkdocs_genimage.errors import Billed, CacheError, GenimageError, ProviderError
from mkdocs_genimage.log import log
from mkdocs_genimage.pricing import Pricing
from mkdocs_genimage.request import InputFile

if TYPE_CHECKING:
    from mkdocs_genimage.budget import Budget
    from mkdocs_genimage.cache import Cache
    from mkdocs_genimage.places import Place
    from mkdocs_genimage.progress import Progress
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


class Generator:
    """Makes images for one command, which may hold several builds (locales, or rebuilds of `serve`).

    What failed is not tried again within the command: a writer's next keystroke must not pay for it.

    Args:
        provider: who makes them.
        cache: where they go.
        budget: what may be spent.
        progress: who is told.
        concurrency: requests in flight at most.
        pricing: what images cost here.
    """

    def __init__(
        self,
        provider: Provider,
        cache: Cache,
        budget: Budget,
        progress: Progress,
        *,
        concurrency: int,
        pricing: Pricing | None = None,
    ) -> None:
        self.provider = provider
        self.cache = cache
        self.budget = budget
        self._progress = progress
        self._concurrency = concurrency
        self._pricing = pricing or Pricing()
        self._queue: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._in_flight = 0
        self._lock = threading.Lock()
        self._jobs: dict[str, list[Job]] = {}
        self._open: list[Job] = []
        self._ready = False
        self._fatal: GenimageError | None = None
        self._stopping = threading.Event()
        self._abandoned = False
        self._decoding = threading.Semaphore(PARALLEL_DECODES)
        self._random = Random()  # noqa: S311 - only jitter

    def order(self, request: ImageRequest, variants: tuple[int, ...], place: Place) -> list[Job]:
        """Ask for variants of a request. Those that are under way or failed are not asked for twice.

        Returns:
            The jobs that bring them.
        """
        jobs = self._jobs.setdefault(request.key, [])
        known = {variant for job in jobs for variant in job.variants}
        fresh = tuple(variant for variant in variants if variant not in known)
        if fresh:
            job = Job(request, fresh, place)
            jobs.append(job)
            self._start(job)
        return [job for job in jobs if set(job.variants) & set(variants)]

    def wait(self) -> None:
        """Wait for all that was ordered, showing progress.

        On an interrupt nothing more is sent; what is in flight is paid for already, so it is waited
        for and stored before the interrupt goes on. A second interrupt ends the wait.
        """
        self._progress.show()
        try:
            for job in self._open:
                while not job.done.wait(1.0):  # with a time, or Windows cannot be interrupted
                    pass
        except KeyboardInterrupt:
            self._progress.hide()
            self.stop()
            raise
        finally:
            self._progress.hide()
        self._open.clear()

    def cancel(self) -> None:
        """Forget what was ordered and not yet sent. It can be ordered again."""
        while True:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return
            self._jobs.pop(job.request.key, None)
            job.error = StoppedError("the build ended before this image was asked for")
            job.done.set()

    def stop(self) -> None:
        """Send nothing more, and wait until what is in flight has come and is stored."""
        atexit.unregister(self.stop)
        self._stopping.set()
        self.cancel()
        count = self._in_flight
        if count and not self._abandoned:
            log.info(
                "%d image%s in flight %s paid for already: waiting to keep %s.",
                count,
                *(("", "is", "it") if count == 1 else ("s", "are", "them")),
            )
        try:
            while self._in_flight and not self._abandoned:
                time.sleep(0.05)
        except KeyboardInterrupt:
            self._abandoned = True
            raise

    def _start(self, job: Job) -> None:
        if not self._ready:
            self._ready = True
            self._fatal = self._check()
            # The workers are daemons, which the interpreter does not wait for: so the queue is not
            # worked off behind an interrupt or a failed build. This saves what is in flight.
            atexit.register(self.stop)
        if self._fatal or self._stopping.is_set():
            job.error = self._fatal or StoppedError("the build was stopped")
            job.done.set()
            return
        self._progress.added(len(job.variants))
        self._open.append(job)
        self._queue.put(job)
        if len(self._workers) < self._concurrency:
            worker = threading.Thread(
                target=self._work, name=f"genimage-{len(self._workers)}", daemon=True
            )
            self._workers.append(worker)
            worker.start()

    def _check(self) -> GenimageError | None:
        """Why no request can be sent at all, found before the first one."""
        reason = self.provider.unready()
        if reason:
            return GenimageError(reason)
        try:
            self.cache.ensure_writable()
        except CacheError as error:
            return error
        return None

    def _work(self) -> None:
        while not self._stopping.is_set():
            job = self._queue.get()
            with self._lock:
                self._in_flight += 1
            try:
                self._run(job)
            finally:
                with self._lock:
                    self._in_flight -= 1
                job.done.set()

    def _run(self, job: Job) -> None:
        started = time.monotonic()
        cost: float | None = None
        place: str | None = str(job.place)
        try:
            cost = self._make(job)
        except (StoppedError, BudgetReachedError) as error:
            job.error = error
            place = None
        except GenimageError as error:
            job.error = error
            if isinstance(error, ProviderError) and error.refused:
                self._remember_refusal(job, error)
            if error is self._fatal:
                place = None
            elif isinstance(error, CacheError) or getattr(error, "fatal", False):
                self._fatal = self._fatal or error
        except Exception as error:
            log.debug("unexpected error of provider '%s'", self.provider.name, exc_info=True)
            job.error = ProviderError(
                f"provider '{self.provider.name}' failed with {type(error).__name__}",
                billed=Billed.MAYBE,
            )
        self._progress.finished(
            place,
            len(job.variants),
            time.monotonic() - started,
            cost,
            failed=job.error is not None,
        )

    def _make(self, job: Job) -> float | None:
        """Send the request and store what comes. Returns the price in USD, where it is known.

        Raises:
            GenimageError: an image is missing in the end.
        """
        count = len(job.variants)
        request = self._with_inputs(job)
        estimate = self._pricing.estimate(request, count, self.provider.host)
        for attempt in range(MAX_RETRIES + 1):
            if self._stopping.is_set():
                raise StoppedError("the build was stopped before this image was asked for")
            if self._fatal:
                raise self._fatal
            self.budget.take(count, estimate)
            try:
                answer = self.provider.generate(request, count)
                break
            except ProviderError as error:
                if error.billed is Billed.NO:
                    self.budget.settle(count, estimate, 0.0)
                if error.retry_after is None or attempt == MAX_RETRIES:
                    raise
                pause = max(error.retry_after, 2.0**attempt) * self._random.uniform(1.0, 1.25)
                self._stopping.wait(min(pause, MAX_RETRY_WAIT))
        images = len(answer.images)
        cost = self._pricing.actual(request, images, answer.usage, self.provider.host)
        self.budget.settle(0, estimate, cost)
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
        for job in self._jobs.get(source.request.key, []):
            if source.variant in job.variants:
                job.done.wait()
        found = self.cache.find(source.request, source.variant)
        if not isinstance(found, StoredImage):
            raise ProviderError(
                f"the picture of '{source.name}', which it is made from, is missing.",
                cure="Nothing was sent.",
            )
        return InputFile(found.path.name, found.path.read_bytes())

    def _facts(self, request: ImageRequest, request_id: str | None) -> dict[str, Any]:
        """Who was asked, and when."""
        facts: dict[str, Any] = {
            "provider": self.provider.name,
            "host": self.provider.host,
            "model": request.model,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        if request.moderation:
            facts["moderation"] = request.moderation
        if request_id:
            facts["request_id"] = request_id
        return facts

    def _remember_refusal(self, job: Job, error: ProviderError) -> None:
        facts = self._facts(job.request, error.request_id)
        with contextlib.suppress(CacheError):
            self.cache.put_refusal(job.request, {**facts, "reason": error.message})

    def _store(self, job: Job, answer: Answer, cost: float | None) -> None:
        from mkdocs_genimage.imaging import ImageError, inspect

        facts = self._facts(job.request, answer.request_id)
        if answer.usage:
            facts["usage"] = answer.usage
        if len(answer.images) > 1:
            facts["images_in_request"] = len(answer.images)
        if cost is not None:
            facts["cost"] = round(cost / len(answer.images), 6)
        damaged = ""
        for variant, data in zip(job.variants, answer.images, strict=False):
            try:
                with self._decoding:
                    info = inspect(data)
            except ImageError as error:
                damaged = str(error)
                continue
            measured = {"format": info.format, "width": info.width, "height": info.height}
            job.images[variant] = self.cache.put(job.request, variant, data, facts | measured)
        if damaged:
            raise ProviderError(
                f"the answer of {self._server()} is no usable picture: {damaged}",
                billed=Billed.YES,
                request_id=answer.request_id,
            )
        if len(job.images) < len(job.variants):
            raise ProviderError(
                f"{self._server()} sent {len(job.images)} of {len(job.variants)} pictures",
                request_id=answer.request_id,
            )

    def _server(self) -> str:
        return self.provider.host or f"provider '{self.provider.name}'"
