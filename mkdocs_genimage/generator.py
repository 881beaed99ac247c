"""Requests in, images out: one request for each key, several at a time, each image stored as it comes."""

from __future__ import annotations

import atexit
import threading
import time
from typing import TYPE_CHECKING

from mkdocs_genimage.budget import BudgetReachedError
from mkdocs_genimage.errors import Billed, CacheError, GenimageError, ProviderError
from mkdocs_genimage.interrupts import Interrupts
from mkdocs_genimage.inventory import REFUSAL, cache_files
from mkdocs_genimage.job import BehindError, Job, StoppedError
from mkdocs_genimage.journal import Journal
from mkdocs_genimage.log import log, where_raised
from mkdocs_genimage.making import Maker
from mkdocs_genimage.pricing import Pricing
from mkdocs_genimage.request import variant_stem
from mkdocs_genimage.sending import Sender
from mkdocs_genimage.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        ends_process: whether an interrupt is to end the process, with the exit code that says so, and
            not only what called this: so it is on the command line.
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
        ends_process: bool = False,
    ) -> None:
        self.provider = provider
        self.cache = cache
        self.budget = budget
        self._pricing = pricing or Pricing()
        self._progress = progress
        self._turns: Turns[Job] = Turns(concurrency)
        # As many again as may be in flight, so that storing an answer keeps no request from being sent.
        self._most_workers = 2 * concurrency
        self._workers: list[threading.Thread] = []
        self._interrupts = Interrupts(ends_process=ends_process)
        self._in_flight: set[Job] = set()
        self._ended = 0
        # As in `Turns`, a signal may come at any time.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._admission = threading.Lock()
        self._jobs: dict[str, list[Job]] = {}
        self._open: list[Job] = []
        self._ready = False
        self._fatal: GenimageError | None = None
        self._fatal_to_edits: GenimageError | None = None
        self._stopping = threading.Event()
        self._abandoned = False
        self._is_unpriced_told = False
        self._journal = journal = Journal(cache.folder, patience)
        sender = Sender(
            provider,
            budget,
            self._pricing,
            journal,
            turns=self._turns,
            stopping=self._stopping,
            check=self._raise_obstacle,
            give_up=self._give_up,
        )
        self._maker = Maker(
            provider,
            cache,
            sender,
            journal,
            turns=self._turns,
            jobs_of=lambda key: tuple(self._jobs.get(key, ())),
            wait_for=self._wait_for,
        )

    def order(
        self,
        request: ImageRequest,
        variants: tuple[int, ...],
        place: Place,
        *,
        again: bool = False,
    ) -> list[Job]:
        """Ask for variants of a request. Those that are under way or failed are not asked for twice.

        One that had come and was removed since is.

        Args:
            request: what makes them.
            variants: which, from 1.
            place: the block that wants them.
            again: whether those that are in the cache are made anew.

        Returns:
            The jobs that bring them.
        """
        jobs = self._jobs.setdefault(request.key, [])
        jobs[:] = [job for job in jobs if not isinstance(job.error, StoppedError)]
        known = {v for job in jobs for v in job.variants if not job.is_lost(v)}
        for job in jobs:
            job.is_cancelled = False
        fresh = tuple(variant for variant in variants if variant not in known)
        if fresh:
            job = Job(request, fresh, place, again)
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
        except (KeyboardInterrupt, SystemExit):
            self._progress.hide()
            self.stop()
            raise
        finally:
            self._progress.hide()
        self._open.clear()
        # What failed is remembered; the rest would only add up in a long `serve`.
        self._jobs = {
            key: failed
            for key, jobs in self._jobs.items()
            if (failed := [job for job in jobs if len(job.images) < len(job.variants)])
        }
        self._journal.tidy(self._stored)

    def _stored(self) -> dict[str, int]:
        """When each variant in the cache was stored."""
        times: dict[str, int] = {}
        for file in cache_files(self.cache.folder):
            if file.ending != REFUSAL:
                name = variant_stem(file.digits, file.variant)
                times[name] = max(times.get(name, 0), file.path.stat().st_mtime_ns)
        return times

    def cancel(self) -> None:
        """Forget what was ordered and not yet sent. It can be ordered again."""
        with self._lock:
            for job in self._turns.clear():
                self._jobs[job.request.key].remove(job)
                self._progress.dropped(len(job.variants))
                job.error = StoppedError()
                job.done.set()
            for job in self._open:
                job.is_cancelled = True  # one that has its turn may still wait for something
            self._changed.notify_all()

    def stop(self) -> None:
        """Send nothing more, and wait until what is in flight has come and is stored."""
        atexit.unregister(self.stop)
        self._stopping.set()
        self._turns.close()
        self.cancel()
        count = sum(len(job.variants) for job in self._open if job.sent and not job.done.is_set())
        if count and not self._abandoned:
            log.info(
                "%d image%s in flight %s paid for already: waiting to keep %s.",
                count,
                *(("", "is", "it") if count == 1 else ("s", "are", "them")),
            )
        try:
            while self._in_flight and not self._abandoned:
                time.sleep(0.05)
        except (KeyboardInterrupt, SystemExit):
            self._abandoned = True
            raise
        finally:
            self._interrupts.forget()

    def estimate(self, request: ImageRequest, count: int) -> float | None:
        """USD that images will cost at most; None where no price is known."""
        return self._pricing.estimate(request, count, self.provider.host)

    def _start(self, job: Job) -> None:
        if not self._ready:
            self._ready = True
            self._fatal = self._check()
            # The workers are daemons, which the interpreter does not wait for: so the queue is not
            # worked off behind an interrupt or a failed build. This saves what is in flight.
            atexit.register(self.stop)
            if not self._fatal:
                # Here and not in a worker: rendering pages beside it would only make both slower, and
                # the first request later.
                self.provider.prepare()
            self._interrupts.heed()
        if self._fatal or self._stopping.is_set():
            job.error = self._fatal or StoppedError()
            job.done.set()
            return
        self._mention_unpriced(job)
        self._progress.added(len(job.variants))
        self._open.append(job)
        self._turns.add(job)
        if len(self._workers) < self._most_workers:
            worker = threading.Thread(
                target=self._work, name=f"genimage-{len(self._workers)}", daemon=True
            )
            self._workers.append(worker)
            worker.start()

    def _mention_unpriced(self, job: Job) -> None:
        """Say once that the limit in dollars does not hold."""
        if self._is_unpriced_told or not self.budget.max_cost:
            return
        if self.estimate(job.request, len(job.variants)) is not None:
            return
        self._is_unpriced_told = True
        limit = self.budget.max_images
        log.info(
            "what '%s' costs at %s is not known here, so 'max_cost' does not bind; %s. "
            "'pricing:' in mkdocs.yml says what pictures cost.",
            job.request.model,
            self.provider.host or f"provider '{self.provider.name}'",
            f"'max_images: {limit}' does" if limit else "neither does 'max_images'",
        )

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

    def _give_up(self, error: GenimageError) -> None:
        """No further request is of any use, or no further edit."""
        if isinstance(error, ProviderError) and error.no_edits:
            self._fatal_to_edits = self._fatal_to_edits or error
        else:
            self._fatal = self._fatal or error

    def _raise_obstacle(self, job: Job) -> None:
        if job.is_cancelled or self._interrupts.has_come or self._stopping.is_set():
            raise StoppedError
        # One that the limit had room for is sent, whatever becomes of those behind it.
        if self._fatal and not (job.reserved and isinstance(self._fatal, BudgetReachedError)):
            raise self._fatal
        if self._fatal_to_edits and job.request.images:
            raise self._fatal_to_edits

    def _work(self) -> None:
        while job := self._next():
            try:
                self._run(job)
            except Exception as error:
                # The image is stored or its error noted by now; a closed terminal must not stop the rest.
                log.debug("progress could not be told: %s", where_raised(error))
            finally:
                with self._lock:  # all at once, for those who wait for it
                    self._in_flight.remove(job)
                    self._ended += 1
                    is_behind = isinstance(job.error, BehindError)
                    if is_behind:
                        job.error = StoppedError() if job.is_cancelled else None
                    if is_behind and not job.is_cancelled:
                        self._turns.add(job)
                    else:
                        job.done.set()
                    self._changed.notify_all()

    def _next(self) -> Job | None:
        """The next job whose turn it is, with the room that the limit has for it."""
        # What comes of the limit follows the order of the pages, however fast each thread is.
        with self._admission:
            job = self._turns.next()
            if job:
                self._reserve(job)
                with self._lock:
                    self._in_flight.add(job)
            return job

    def _reserve(self, job: Job) -> None:
        """Take the room that the limit has for a job, or end all if it has none.

        Why it is not sent, if it is not, is told when it is to be made.
        """
        count = len(job.variants)
        while True:
            with self._lock:
                ended, is_alone = self._ended, not self._in_flight
            try:
                self._raise_obstacle(job)
            except GenimageError:
                return
            try:
                self.budget.take(count, self.estimate(job.request, count))
            except BudgetReachedError as error:
                if is_alone:
                    # No smaller one is sent in its place.
                    self._give_up(error)
                    return
            except Exception as error:  # whoever waits for the job would wait for ever
                self._give_up(GenimageError(f"its price is not known: {where_raised(error)}"))
                return
            else:
                job.reserved = count
                return
            # What is in flight may be refused, which costs nothing, or cost less than it might have. It may
            # need the turn for it.
            self._turns.end()
            with self._lock:
                while self._ended == ended and not job.is_cancelled:
                    self._changed.wait()
            self._turns.again()

    def _wait_for(self, sources: Sequence[Job]) -> None:
        """Wait for jobs whose pictures another one is made from.

        Raises:
            BehindError: one of them has not had its turn, which it might never get: who waits for it would
                take its thread, and the room that the limit has.
        """
        with self._lock:
            while missing := [job for job in sources if not job.done.is_set()]:
                if not self._in_flight.issuperset(missing):
                    raise BehindError
                self._changed.wait()

    def _run(self, job: Job) -> None:
        started = time.monotonic()
        cost: float | None = None
        try:
            cost = self._maker.make(job)
        except GenimageError as error:
            job.error = error
            if isinstance(error, BehindError):
                return
            if isinstance(error, ProviderError) and error.refused:
                self._maker.remember_refusal(job, error)
            if isinstance(error, CacheError):
                self._give_up(error)
        except BaseException as error:  # SystemExit, too: the worker has to go on
            name, origin = self.provider.name, where_raised(error)
            log.debug("unexpected error of provider '%s': %s", name, origin)
            job.error = ProviderError(
                f"provider '{self.provider.name}' failed with {type(error).__name__}.",
                billed=Billed.MAYBE,
            )
        if not job.sent and job.error:
            self._progress.dropped(len(job.variants))
            return
        self._progress.finished(
            str(job.place) if job.sent else None,
            len(job.variants),
            time.monotonic() - started,
            cost,
            failed=job.error is not None,
        )
