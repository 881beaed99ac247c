"""Sending one request: within the limit, in its turn, again only where that costs nothing twice."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from mkdocs_genimage.budget import BudgetReachedError
from mkdocs_genimage.errors import Billed, CacheError, ProviderError
from mkdocs_genimage.journal import MADE
from mkdocs_genimage.log import log
from mkdocs_genimage.request import KEY_CHARS_IN_NAME

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from tenacity import RetryCallState

    from mkdocs_genimage.budget import Budget
    from mkdocs_genimage.errors import GenimageError
    from mkdocs_genimage.job import Job
    from mkdocs_genimage.journal import Journal
    from mkdocs_genimage.pricing import Pricing
    from mkdocs_genimage.providers import Answer, Provider
    from mkdocs_genimage.request import ImageRequest
    from mkdocs_genimage.turns import Turns

MAX_RETRIES = 4
"""How often one request is sent again when its server asks to wait, which is never billed."""
MAX_RETRY_WAIT = 60.0
"""Seconds."""


class Sender:
    """Sends requests, one after another in each thread that calls it.

    Args:
        provider: who answers them.
        budget: what may be spent.
        pricing: what images cost here.
        journal: outlives this process.
        turns: who may send.
        stopping: set when nothing more may be sent.
        check: raises why a job's request is not to be sent.
        give_up: is told of that, before anybody else gets a turn.
    """

    def __init__(
        self,
        provider: Provider,
        budget: Budget,
        pricing: Pricing,
        journal: Journal,
        *,
        turns: Turns[Job],
        stopping: threading.Event,
        check: Callable[[Job], None],
        give_up: Callable[[GenimageError], None],
    ) -> None:
        self._provider = provider
        self._budget = budget
        self._pricing = pricing
        self._journal = journal
        self._turns = turns
        self._stopping = stopping
        self.check = check
        self._give_up = give_up
        self._random = Random()  # noqa: S311 - only jitter

    def send(self, job: Job, request: ImageRequest, count: int) -> Answer:
        """Send the request of a job that has its turn, again only where that costs nothing twice.

        While it waits to be sent again, others have the turn.

        Raises:
            GenimageError: there is no answer.
        """
        from tenacity import Retrying, retry_if_exception, stop_after_attempt

        retrying = Retrying(
            retry=retry_if_exception(_may_be_sent_again),
            stop=stop_after_attempt(MAX_RETRIES + 1),
            wait=self._wait,
            sleep=self._wait_for_turn,
            reraise=True,
        )
        return retrying(self._attempt, job, request, count)

    def _attempt(self, job: Job, request: ImageRequest, count: int) -> Answer:
        """Send a request if nothing speaks against it.

        Raises:
            GenimageError: there is no answer.
        """
        self.check(job)
        estimate = self._pricing.estimate(request, count, self._provider.host)
        self._take(job, count, estimate)
        slowdowns = self._turns.slowdowns
        try:
            answer = self._send_once(job, request, count, estimate)
        except CacheError:
            job.reserved += count  # nothing was sent
            raise
        except ProviderError as error:
            if error.billed is Billed.NO:
                job.reserved += count  # for the next attempt
            self._heed(error, slowdowns)
            raise
        self._turns.speed_up()
        self._budget.settle(0, estimate, self.cost(request, answer))
        return answer

    def release(self, job: Job, wanted: int) -> None:
        """Give back what was reserved for images that are there by now."""
        unused = job.reserved - wanted
        if unused > 0:
            job.reserved = wanted
            estimate = self._pricing.estimate(job.request, unused, self._provider.host)
            self._budget.settle(unused, estimate, 0.0)

    def _take(self, job: Job, count: int, estimate: float | None) -> None:
        """Use what was reserved for a job. Another attempt after one that may have been billed takes anew.

        Raises:
            BudgetReachedError: the limit has no room.
        """
        if job.reserved >= count:
            job.reserved -= count
            return
        try:
            self._budget.take(count, estimate)
        except BudgetReachedError as error:
            self._give_up(error)
            raise

    def _heed(self, error: ProviderError, slowdowns: int) -> None:
        """Let the other requests know what this one has met."""
        if error.too_many and error.retry_after is not None:
            if error.retry_after > MAX_RETRY_WAIT:
                error.fatal = True  # the others would be refused as well, each after a wait
            elif allowed := self._turns.slow_down(slowdowns, error.retry_after):
                host = server_name(self._provider)
                log.info("%s limits requests: at most %d at once now.", host, allowed)
        if error.fatal or error.no_edits:
            self._give_up(error)

    def _wait(self, state: RetryCallState) -> float:
        """Seconds until a request is sent again: what the server wants, and ever longer, with jitter."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after or 0.0 if isinstance(error, ProviderError) else 0.0
        return max(asked, 2.0 ** (state.attempt_number - 1)) * self._random.uniform(1.0, 1.25)

    def _wait_for_turn(self, seconds: float) -> None:
        self._turns.end()
        self._pause(seconds)
        self._turns.again()

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
            lost = {"outcome": "its build was ended before it came", "billed": Billed.MAYBE.value}
            self._journal.record({**before, **lost})
            log.info(
                "%s: an earlier build asked for this picture (%s) and was ended before it came; that "
                "request may have been billed.",
                job.place,
                before.get("began", "at an unknown time"),
            )
        job.sent = True
        try:
            answer = self._provider.generate(request, count)
            if not answer.images:
                raise ProviderError(
                    f"the answer of {server_name(self._provider)} holds no picture.",
                    billed=Billed.MAYBE,
                    request_id=answer.request_id,
                )
        except ProviderError as error:
            self._journal.end(name)
            if error.billed is not Billed.NO:
                outcome = {"outcome": error.message, "billed": error.billed.value}
                self._journal.record({**facts, **outcome, "request_id": error.request_id})
            raise
        except BaseException as error:
            self._journal.end(name)
            outcome = {"outcome": type(error).__name__, "billed": Billed.MAYBE.value}
            self._journal.record({**facts, **outcome})
            raise
        paid = {"cost": self.cost(request, answer), "usage": answer.usage}
        made = {"outcome": MADE, "images": len(answer.images), "request_id": answer.request_id}
        self._journal.record({**facts, **made, **paid})
        return answer

    def cost(self, request: ImageRequest, answer: Answer) -> float | None:
        """USD that an answer has cost; None where that is not known."""
        count = len(answer.images)
        return self._pricing.actual(request, count, answer.usage, self._provider.host)


def server_name(provider: Provider) -> str:
    """Who answers, as messages name it."""
    return provider.host or f"provider '{provider.name}'"


def _may_be_sent_again(error: BaseException) -> bool:
    wait = error.retry_after if isinstance(error, ProviderError) else None
    return wait is not None and wait <= MAX_RETRY_WAIT
