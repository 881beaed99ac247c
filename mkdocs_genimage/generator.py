"""Requests in, images out: one request for each key, several at a time, each image stored as it comes."""

from __future__ import annotations

import atexit
import queue
import signal
import threading
import time
from typing import TYPE_CHECKING

from mkdocs_genimage.budget import BudgetReachedError
from mkdocs_genimage.errors import Billed, CacheError, GenimageError, ProviderError
from mkdocs_genimage.journal import Journal
from mkdocs_genimage.log import log
from mkdocs_genimage.making import Job, Maker, StoppedError
from mkdocs_genimage.pricing import Pricing

if TYPE_CHECKING:
    from mkdocs_genimage.budget import Budget
    from mkdocs_genimage.cache import Cache
    from mkdocs_genimage.places import Place
    from mkdocs_genimage.progress import Progress
    from mkdocs_genimage.providers import Provider
    from mkdocs_genimage.request import ImageRequest


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
        patience: seconds to wait for another process that is at work on the same image.
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
        patience: float = 330.0,
    ) -> None:
        self.provider = provider
        self.cache = cache
        self.budget = budget
        self._progress = progress
        self._concurrency = concurrency
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
        self._maker = Maker(
            provider,
            cache,
            budget,
            pricing or Pricing(),
            stopping=self._stopping,
            check=self._raise_fatal,
            jobs_of=lambda key: tuple(self._jobs.get(key, ())),
            journal=Journal(cache.folder, patience),
        )

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
            self._jobs[job.request.key].remove(job)
            self._progress.dropped(len(job.variants))
            job.error = StoppedError("the build ended before this image was asked for")
            job.done.set()

    def stop(self) -> None:
        """Send nothing more, and wait until what is in flight has come and is stored."""
        atexit.unregister(self.stop)
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGTERM) is _end:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
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
            self._heed_sigterm()
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

    def _heed_sigterm(self) -> None:
        """End by SIGTERM as by an interrupt, unless somebody else handles it: what is in flight is kept."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _end)

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

    def _raise_fatal(self) -> None:
        if self._fatal:
            raise self._fatal

    def _work(self) -> None:
        while not self._stopping.is_set():
            job = self._queue.get()
            with self._lock:
                self._in_flight += 1
            try:
                self._run(job)
            except Exception:
                # The image is stored or its error noted by now; a closed terminal must not stop the rest.
                log.debug("progress could not be told", exc_info=True)
            finally:
                with self._lock:
                    self._in_flight -= 1
                job.done.set()

    def _run(self, job: Job) -> None:
        started = time.monotonic()
        cost: float | None = None
        is_worth_a_line = True
        try:
            cost = self._maker.make(job)
        except (StoppedError, BudgetReachedError) as error:
            job.error = error
            is_worth_a_line = False
        except GenimageError as error:
            job.error = error
            if isinstance(error, ProviderError) and error.refused:
                self._maker.remember_refusal(job, error)
            if error is self._fatal:
                is_worth_a_line = False
            elif isinstance(error, CacheError) or getattr(error, "fatal", False):
                self._fatal = self._fatal or error
        except BaseException as error:  # SystemExit, too: the worker has to go on
            log.debug("unexpected error of provider '%s'", self.provider.name, exc_info=True)
            job.error = ProviderError(
                f"provider '{self.provider.name}' failed with {type(error).__name__}.",
                billed=Billed.MAYBE,
            )
        self._progress.finished(
            str(job.place) if is_worth_a_line else None,
            len(job.variants),
            time.monotonic() - started,
            cost,
            failed=job.error is not None,
        )


def _end(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
