"""Requests in, images out. The provider is a small one in this process; nothing here waits for a clock."""

from __future__ import annotations

import logging
import re
import threading
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pictures import picture

from mkdocs_genimage.budget import Budget, BudgetReachedError
from mkdocs_genimage.cache import Cache, StoredImage
from mkdocs_genimage.errors import Billed, CacheError, GenimageError, ProviderError
from mkdocs_genimage.fences import scan
from mkdocs_genimage.generator import Generator
from mkdocs_genimage.job import Job, StoppedError
from mkdocs_genimage.places import Place, Source
from mkdocs_genimage.pricing import Pricing
from mkdocs_genimage.progress import Progress
from mkdocs_genimage.providers import Answer
from mkdocs_genimage.request import BlockInput, ImageRequest, InputFile
from mkdocs_genimage.sending import MAX_RETRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

PATIENCE = 60.0
"""Seconds until a test that hangs fails; none waits for it otherwise."""


class FakeProvider:
    """Answers with pictures that tell their prompt and number, or as a test says.

    Attributes:
        calls: (prompt, count) of each request that was sent, in order.
        gate: requests wait here.
        answers: what to do for a prompt, one entry for each call; an exception is raised.
    """

    name = "fake"
    host = "images.example"
    draft = False

    def __init__(self) -> None:
        self.reason = ""
        self.is_prepared = False
        self.calls: list[tuple[str, int]] = []
        self.requests: list[ImageRequest] = []
        self.gate = threading.Event()
        self.gate.set()
        self.answers: dict[str, list[Answer | BaseException]] = defaultdict(list)
        self.started = threading.Semaphore(0)
        self.running = self.most_running = 0
        self._lock = threading.Lock()

    def unready(self) -> str:
        return self.reason

    def prepare(self) -> None:
        self.is_prepared = True

    def generate(self, request: ImageRequest, count: int) -> Answer:
        with self._lock:
            self.calls.append((request.prompt, count))
            self.requests.append(request)
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            planned = self.answers[request.prompt]
            answer = planned.pop(0) if planned else None
        self.started.release()
        try:
            self.meanwhile()
            assert self.gate.wait(PATIENCE)
        finally:
            with self._lock:
                self.running -= 1
        if isinstance(answer, BaseException):
            raise answer
        return answer or Answer([image(request.prompt, i + 1) for i in range(count)])

    def meanwhile(self) -> None:
        """What happens while a request is under way."""


def image(prompt: str, number: int = 1) -> bytes:
    return picture(f"{prompt} {number}", "8x6")


def request(prompt: str = "fox", **more: Any) -> ImageRequest:
    return ImageRequest(prompt, model="m", **more)


def place(name: str = "docs/index.md") -> Place:
    text = f"```genimage\n{name}\n```\n"
    fences = scan(text.split("\n")).fences
    return Place(Source(name, lambda: text, fences), fences[0])


PLACE = place()


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def make(tmp_path: Path, provider: FakeProvider) -> Iterator[Callable[..., Generator]]:
    made: list[Generator] = []

    def build(
        *,
        concurrency: int = 1,
        budget: Budget | None = None,
        pricing: Pricing | None = None,
        cache: Cache | None = None,
    ) -> Generator:
        generator = Generator(
            provider,
            cache or Cache(tmp_path / "genimage"),
            budget or Budget(),
            Progress(terminal=False),
            concurrency=concurrency,
            pricing=pricing,
        )
        made.append(generator)
        return generator

    yield build
    provider.gate.set()
    for generator in made:
        generator.stop()


def finish(generator: Generator, *jobs: Job) -> None:
    for job in jobs:
        assert job.done.wait(PATIENCE)
    generator.wait()


def stored(generator: Generator, wanted: ImageRequest, variant: int = 1) -> bytes:
    found = generator.cache.find(wanted, variant)
    assert isinstance(found, StoredImage)
    return found.path.read_bytes()


# --- What is asked for ------------------------------------------------------------------------


def test_image_is_made_and_stored(make: Callable[..., Generator], provider: FakeProvider) -> None:
    generator = make(pricing=Pricing(per_image=0.05))
    wanted = request(options={"size": "8x6"}, moderation="low")
    provider.answers["fox"] = [
        Answer([image("a"), image("b")], request_id="req_1", usage={"input_tokens": 9})
    ]
    (job,) = generator.order(wanted, (1, 2), PLACE)
    finish(generator, job)
    assert job.error is None
    assert list(job.images) == [1, 2]
    assert [path.read_bytes() for path in (job.images[1].path, job.images[2].path)] == [
        image("a"),
        image("b"),
    ]
    sidecar = dict(job.images[2].sidecar)
    assert sidecar.pop("created").endswith("+00:00")
    expected: dict[str, Any] = {
        "provider": "fake",
        "host": "images.example",
        "model": "m",
        "moderation": "low",
        "request_id": "req_1",
        "usage": {"input_tokens": 9},
        "images_in_request": 2,
        "cost": 0.05,
        "format": "png",
        "width": 8,
        "height": 6,
        "variant": 2,
    }
    assert {name: sidecar[name] for name in expected} == expected


def test_facts_that_are_not_known_are_not_recorded(make: Callable[..., Generator]) -> None:
    generator = make()
    (job,) = generator.order(request(), (1,), PLACE)
    finish(generator, job)
    unknown = {"moderation", "request_id", "usage", "images_in_request", "cost"}
    assert not unknown & set(job.images[1].sidecar)


def test_format_is_what_came(make: Callable[..., Generator], provider: FakeProvider) -> None:
    generator = make()
    provider.answers["fox"] = [Answer([picture("x", "9x5", "webp")])]
    (job,) = generator.order(request(options={"output_format": "png"}), (1,), PLACE)
    finish(generator, job)
    made = job.images[1]
    assert (made.path.suffix, made.width, made.height) == (".webp", 9, 5)


def test_one_request_for_one_key(make: Callable[..., Generator], provider: FakeProvider) -> None:
    generator = make(concurrency=4)
    provider.gate.clear()
    same = [request(), request(subject="Another name"), replace(request(), model="other")]
    jobs = [generator.order(each, (1,), PLACE) for each in same]
    other = generator.order(request(options={"size": "8x6"}), (1,), PLACE)
    provider.gate.set()
    finish(generator, *other)
    assert jobs[0] == jobs[1] == jobs[2]
    assert jobs[0] != other
    assert provider.calls == [("fox", 1)] * 2
    finish(generator, *generator.order(request(), (1,), PLACE))
    assert len(provider.calls) == 2


def test_later_variants_ask_for_what_is_missing(
    make: Callable[..., Generator], provider: FakeProvider
) -> None:
    generator = make()
    (one,) = generator.order(request(), (1,), PLACE)
    assert one.done.wait(PATIENCE)
    jobs = generator.order(request(), (1, 2, 3), PLACE)
    assert all(job.done.wait(PATIENCE) for job in jobs)
    assert [job.variants for job in jobs] == [(1,), (2, 3)]
    assert jobs[0] is one
    assert generator.order(request(), (3,), PLACE) == [jobs[1]]
    assert provider.calls == [("fox", 1), ("fox", 2)]
    assert stored(generator, request(), 3) == image("fox", 2)


# --- Order and concurrency --------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_concurrency_is_reached_and_not_exceeded(
    concurrency: int, make: Callable[..., Generator], provider: FakeProvider
) -> None:
    generator = make(concurrency=concurrency)
    together = threading.Barrier(concurrency)
    provider.meanwhile = lambda: together.wait(PATIENCE) and None  # type: ignore[method-assign]
    jobs = [
        generator.order(request(f"fox {number}"), (1,), PLACE)[0]
        for number in range(concurrency * 3)
    ]
    finish(generator, *jobs)
    assert [job.error for job in jobs] == [None] * len(jobs)
    assert provider.most_running == concurrency


def test_first_come_first_served(make: Callable[..., Generator], provider: FakeProvider) -> None:
    generator = make()
    provider.gate.clear()
    prompts = [f"fox {number}" for number in (3, 1, 2, 9, 0)]
    jobs = [generator.order(request(prompt), (1,), PLACE)[0] for prompt in prompts]
    provider.gate.set()
    finish(generator, *jobs)
    assert [prompt for prompt, _ in provider.calls] == prompts


def test_ordering_does_not_wait(make: Callable[..., Generator], provider: FakeProvider) -> None:
    generator = make()
    provider.gate.clear()
    jobs = generator.order(request("a"), (1,), PLACE) + generator.order(request("b"), (1,), PLACE)
    assert not any(job.done.is_set() for job in jobs)
    assert not any(job.images for job in jobs)


# --- What goes wrong --------------------------------------------------------------------------


def test_error_of_one_image_is_no_error_of_others(
    make: Callable[..., Generator], provider: FakeProvider
) -> None:
    generator = make()
    error = ProviderError("refused by the moderation", billed=Billed.NO)
    provider.answers["bad"] = [error]
    bad, good = (generator.order(request(prompt), (1,), PLACE)[0] for prompt in ("bad", "good"))
    finish(generator, bad, good)
    assert bad.error is error
    assert not bad.images
    assert good.error is None
    assert stored(generator, request("good")) == image("good")


def test_failure_is_not_tried_again(make: Callable[..., Generator], provider: FakeProvider) -> None:
    generator = make()
    provider.answers["fox"] = [ProviderError("no")]
    (job,) = generator.order(request(), (1,), PLACE)
    finish(generator, job)
    assert generator.order(request(), (1,), PLACE) == [job]
    assert provider.calls == [("fox", 1)]


def test_refusal_is_remembered(make: Callable[..., Generator], provider: FakeProvider) -> None:
    generator = make()
    provider.answers["bad"] = [ProviderError("refused", refused=True, request_id="req_1")]
    provider.answers["busy"] = [ProviderError("busy")]
    jobs = [generator.order(request(prompt), (1,), PLACE)[0] for prompt in ("bad", "busy")]
    finish(generator, *jobs)
    assert "request req_1" in generator.cache.refusal(request("bad"), "images.example")
    assert generator.cache.refusal(request("busy"), "images.example") == ""


def test_provider_is_prepared_before_the_first_request_only(
    make: Callable[..., Generator], provider: FakeProvider
) -> None:
    generator = make()
    assert not provider.is_prepared
    provider.meanwhile = lambda: seen.append(provider.is_prepared)  # type: ignore[method-assign]
    seen: list[bool] = []
    finish(generator, *generator.order(request(), (1,), PLACE))
    assert seen == [True]


def test_provider_that_cannot_be_asked_is_not_prepared(
    make: Callable[..., Generator], provider: FakeProvider
) -> None:
    provider.reason = "there is no key"
    generator = make()
    finish(generator, *generator.order(request(), (1,), PLACE))
    assert not provider.is_prepared


def test_fatal_error_stops_the_rest_and_is_told_to_all(
    make: Callable[..., Generator], provider: FakeProvider
) -> None:
    generator = make()
    provider.gate.clear()
    error = ProviderError("the key is refused", fatal=True)
    provider.answers["fox 1"] = [error]
    jobs = [generator.order(request(f"fox {n}"), (1,), PLACE)[0] for n in range(4)]
    provider.gate.set()
    finish(generator, *jobs)
    assert [job.error for job in jobs] == [None, error, error, error]
    assert [prompt for prompt, _ in provider.calls] == ["fox 0", "fox 1"]
    (late,) = generator.order(request("late"), (1,), PLACE)
    assert late.done.is_set()
    assert late.error is error
    assert len(provider.calls) == 2


@pytest.mark.parametrize(
    "error",
    [ValueError("secret-key"), KeyError("x"), OSError(5, "x"), MemoryError(), StopIteration()],
)
def test_odd_exceptions_of_a_provider(
    error: Exception, make: Callable[..., Generator], provider: FakeProvider
) -> None:
    budget = Budget()
    generator = make(budget=budget)
    provider.answers["bad"] = [error]
    bad, good = (generator.order(request(prompt), (1,), PLACE)[0] for prompt in ("bad", "good"))
    finish(generator, bad, good)
    assert isinstance(bad.error, ProviderError)
    assert bad.error.message == f"provider 'fake' failed with {type(error).__name__}."
    assert bad.error.billed is Billed.MAYBE
    assert good.error is None
    assert budget.images == 2


def test_fewer_images_than_asked_for(
    make: Callable[..., Generator], provider: FakeProvider
) -> None:
    generator = make()
    provider.answers["fox"] = [Answer([image("a"), image("b")], request_id="req_1")]
    (job,) = generator.order(request(), (1, 2, 3), PLACE)
    finish(generator, job)
    assert list(job.images) == [1, 2]
    assert isinstance(job.error, ProviderError)
    assert job.error.message == "images.example sent 2 of 3 pictures."
    assert job.error.request_id == "req_1"
    assert stored(generator, request(), 2) == image("b")


def test_more_images_than_asked_for(
    make: Callable[..., Generator], provider: FakeProvider, tmp_path: Path
) -> None:
    generator = make()
    provider.answers["fox"] = [Answer([image("a"), image("b")])]
    (job,) = generator.order(request(), (1,), PLACE)
    finish(generator, job)
    assert job.error is None
    assert list(job.images) == [1]
    assert len(list((tmp_path / "genimage").glob("*.png"))) == 1


@pytest.mark.parametrize("damaged", [b"", b"<html>", picture("x", "8x6")[:-5], b"<svg/>"])
def test_damaged_image_among_good_ones(
    damaged: bytes, make: Callable[..., Generator], provider: FakeProvider
) -> None:
    generator = make()
    provider.answers["fox"] = [Answer([image("a"), damaged, image("c")])]
    (job,) = generator.order(request(), (1, 2, 3), PLACE)
    finish(generator, job)
    assert list(job.images) == [1, 3]
    assert isinstance(job.error, ProviderError)
    assert job.error.message.startswith("the answer of images.example is no usable picture: the ")
    assert job.error.billed is Billed.YES
    assert not isinstance(generator.cache.find(request(), 2), StoredImage)


def test_unready_provider_sends_nothing(
    make: Callable[..., Generator], provider: FakeProvider, tmp_path: Path
) -> None:
    generator = make()
    provider.reason = "there is no API key. Set OPENAI_API_KEY."
    jobs = [generator.order(request(prompt), (1,), PLACE)[0] for prompt in "abc"]
    generator.wait()
    assert [str(job.error) for job in jobs] == [provider.reason] * 3
    assert all(job.done.is_set() for job in jobs)
    assert not provider.calls
    assert not (tmp_path / "genimage").exists()


def test_folder_that_cannot_be_written_sends_nothing(
    make: Callable[..., Generator], provider: FakeProvider, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    generator = make(cache=Cache(tmp_path / "file"))
    jobs = [generator.order(request(prompt), (1,), PLACE)[0] for prompt in "ab"]
    generator.wait()
    assert all(isinstance(job.error, CacheError) for job in jobs)
    assert "so none is asked for" in str(jobs[0].error)
    assert not provider.calls


def test_disk_that_fills_up_stops_the_rest(
    make: Callable[..., Generator], provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = make()
    provider.gate.clear()

    def full(*_: object) -> StoredImage:
        raise CacheError("no space left on device")

    monkeypatch.setattr(generator.cache, "put", full)
    jobs = [generator.order(request(prompt), (1,), PLACE)[0] for prompt in "abc"]
    provider.gate.set()
    finish(generator, *jobs)
    assert all("no space left on device" in str(job.error) for job in jobs)
    # The second may be under way while the first is being stored.
    assert len(provider.calls) <= 2


# --- Sending again ----------------------------------------------------------------------------


def busy(**more: Any) -> ProviderError:
    return ProviderError("busy", **{"retry_after": 3.0, **more})


def make_once(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> tuple[Job, list[float]]:
    """One image, made by this thread, and the seconds that it would have waited."""
    pauses: list[float] = []
    monkeypatch.setattr(generator._stopping, "wait", pauses.append)
    job = Job(request(), (1,), PLACE)
    generator._run(job)
    return job, pauses


def test_sent_again_when_the_server_says_so(
    make: Callable[..., Generator], provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(max_images=1, max_cost=0.1)
    generator = make(budget=budget, pricing=Pricing(per_image=0.1))
    provider.answers["fox"] = [busy(), busy(retry_after=0.0)]
    job, pauses = make_once(generator, monkeypatch)
    assert job.error is None
    assert stored(generator, request()) == image("fox")
    assert len(provider.calls) == 3
    assert (budget.images, budget.spent) == (1, pytest.approx(0.1))
    assert 3.0 <= pauses[0] <= 3.75
    assert 2.0 <= pauses[1] <= 2.5  # more patience each time, whatever the server says


def test_not_sent_again_otherwise(
    make: Callable[..., Generator], provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = ProviderError("timed out", billed=Billed.MAYBE)
    provider.answers["fox"] = [error]
    job, pauses = make_once(make(), monkeypatch)
    assert job.error is error
    assert len(provider.calls) == 1
    assert not pauses


def test_retries_have_an_end(
    make: Callable[..., Generator], provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [busy() for _ in range(MAX_RETRIES + 3)]
    provider.answers["fox"] = list(errors)
    budget = Budget()
    job, pauses = make_once(make(budget=budget), monkeypatch)
    assert job.error is errors[MAX_RETRIES]
    assert len(provider.calls) == MAX_RETRIES + 1
    assert len(pauses) == MAX_RETRIES
    assert budget.images == 0


def test_what_may_have_been_billed_counts(
    make: Callable[..., Generator], provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget()
    provider.answers["fox"] = [busy(billed=Billed.MAYBE)]
    generator = make(budget=budget, pricing=Pricing(per_image=0.1))
    job, _ = make_once(generator, monkeypatch)
    assert job.error is None
    assert (budget.images, budget.spent) == (2, pytest.approx(0.2))


# --- Budget -----------------------------------------------------------------------------------


class Prices(Pricing):
    """USD that are estimated for each image, and what each costs in the end."""

    def estimate(self, request: ImageRequest, count: int, host: str) -> float | None:
        return 0.1 * count

    def actual(
        self, request: ImageRequest, count: int, usage: Mapping[str, Any] | None, host: str
    ) -> float | None:
        return None if usage is None else usage["each"] * count


def test_limit_of_images(make: Callable[..., Generator], provider: FakeProvider) -> None:
    generator = make(budget=Budget(max_images=4))
    orders = [("a", (1, 2, 3)), ("b", (1, 2)), ("c", (1,)), ("d", (1,))]
    jobs = [generator.order(request(prompt), variants, PLACE)[0] for prompt, variants in orders]
    finish(generator, *jobs)
    # No smaller one gets what the second was refused: pages are completed from the first on.
    assert provider.calls == [("a", 3)]
    assert jobs[0].error is None
    assert all(isinstance(job.error, BudgetReachedError) for job in jobs[1:])
    later = generator.order(request("e"), (1,), PLACE)[0]
    assert isinstance(later.error, BudgetReachedError)


@pytest.mark.parametrize("round_", range(20))
def test_limit_follows_the_order_of_the_pages(
    round_: int, make: Callable[..., Generator], provider: FakeProvider
) -> None:
    """However fast each thread is: a small request behind a large one does not take its place."""
    generator = make(concurrency=4, budget=Budget(max_images=3))
    orders = [("a", (1, 2, 3)), ("b", (1,)), ("c", (1, 2))]
    jobs = [generator.order(request(prompt), variants, PLACE)[0] for prompt, variants in orders]
    finish(generator, *jobs)
    assert provider.calls == [("a", 3)]
    assert [job.error is None for job in jobs] == [True, False, False]
    assert generator.budget.images == 3


def test_room_for_images_that_are_there_by_now_is_given_back(
    make: Callable[..., Generator], provider: FakeProvider, tmp_path: Path
) -> None:
    other = make()
    finish(other, *other.order(request("a"), (1, 2), PLACE))
    generator = make(budget=Budget(max_images=3))
    jobs = [
        generator.order(request(prompt), variants, PLACE)[0]
        for prompt, variants in (("a", (1, 2, 3)), ("b", (1, 2)))
    ]
    finish(generator, *jobs)
    assert [job.error for job in jobs] == [None, None]
    assert provider.calls == [("a", 2), ("a", 1), ("b", 2)]
    assert generator.budget.images == 3


@pytest.mark.parametrize(("each", "made"), [(None, 3), (0.1, 3), (0.05, 5), (0.2, 2)])
def test_limit_of_cost_counts_what_it_really_cost(
    each: float | None, made: int, make: Callable[..., Generator], provider: FakeProvider
) -> None:
    budget = Budget(max_cost=0.3)
    generator = make(budget=budget, pricing=Prices())
    prompts = [f"fox {number}" for number in range(8)]
    for prompt in prompts:
        usage = None if each is None else {"each": each}
        provider.answers[prompt] = [Answer([image(prompt)], usage=usage)]
    jobs = [generator.order(request(prompt), (1,), PLACE)[0] for prompt in prompts]
    finish(generator, *jobs)
    assert len(provider.calls) == made
    assert sum(job.error is None for job in jobs) == made
    assert budget.spent == pytest.approx((0.1 if each is None else each) * made)


@pytest.mark.parametrize(("each", "made"), [(None, 3), (0.1, 3), (0.05, 5), ("refused", 8)])
@pytest.mark.parametrize("concurrency", [2, 3, 8])
def test_room_comes_back_from_what_is_in_flight(
    each: float | str | None,
    made: int,
    concurrency: int,
    make: Callable[..., Generator],
    provider: FakeProvider,
) -> None:
    """The limit is reached when nothing under way can make room any more."""
    budget = Budget(max_cost=0.3)
    generator = make(budget=budget, pricing=Prices(), concurrency=concurrency)
    prompts = [f"fox {number}" for number in range(8)]
    for prompt in prompts:
        if each == "refused":
            provider.answers[prompt] = [ProviderError("no", billed=Billed.NO, refused=True)]
        else:
            usage = None if each is None else {"each": each}
            provider.answers[prompt] = [Answer([image(prompt)], usage=usage)]
    jobs = [generator.order(request(prompt), (1,), PLACE)[0] for prompt in prompts]
    finish(generator, *jobs)
    assert len(provider.calls) == made
    assert budget.spent <= 0.3 + 1e-9
    reached = [job for job in jobs if isinstance(job.error, BudgetReachedError)]
    assert reached == jobs[len(provider.calls) :]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_who_waits_for_room_leaves_the_turn_to_others(
    concurrency: int, make: Callable[..., Generator], provider: FakeProvider
) -> None:
    """The first is asked to come again, and needs a turn for that, while the second has no room."""
    generator = make(budget=Budget(max_images=1), concurrency=concurrency)
    provider.answers["a"] = [busy(retry_after=0.0), ProviderError("no", billed=Billed.NO)]
    jobs = [generator.order(request(prompt), (1,), PLACE)[0] for prompt in "abc"]
    finish(generator, *jobs)
    assert [prompt for prompt, _ in provider.calls] == ["a", "a", "b"]
    assert [type(job.error) for job in jobs] == [ProviderError, type(None), BudgetReachedError]


@pytest.mark.parametrize("chain", [1, 3])
def test_edit_goes_behind_what_it_is_made_from(
    chain: int, make: Callable[..., Generator], provider: FakeProvider
) -> None:
    """A picture is removed after an edit of it was ordered, so it is ordered again behind the edit."""
    generator = make(budget=Budget(max_images=1 + chain), concurrency=1)
    source = request("s")
    (made,) = generator.order(source, (1,), PLACE)
    finish(generator, made)
    generator = make(budget=Budget(max_images=1 + chain), concurrency=1)
    provider.gate.clear()
    generator.order(request("x"), (1,), PLACE)
    assert provider.started.acquire(timeout=PATIENCE)
    edits: list[Job] = []
    below = source
    for number in range(chain):
        below = request(f"edit {number}", images=(BlockInput("#s", below, 1),))
        edits += generator.order(below, (1,), PLACE)
    made.images[1].path.unlink()
    (again,) = generator.order(source, (1,), PLACE)
    provider.gate.set()
    finish(generator, *edits, again)
    # They go behind it, so the room is for as many of them as it leaves.
    assert again.error is None
    assert [type(edit.error) for edit in edits] == [type(None)] * (chain - 1) + [BudgetReachedError]
    assert [prompt for prompt, _ in provider.calls] == [
        *("s", "x", "s"),
        *(f"edit {number}" for number in range(chain - 1)),
    ]


def test_stop_ends_the_wait_for_room(
    make: Callable[..., Generator], provider: FakeProvider
) -> None:
    generator = make(budget=Budget(max_images=1), concurrency=4)
    provider.gate.clear()
    provider.answers["a"] = [ProviderError("no", billed=Billed.NO)]
    jobs = [generator.order(request(prompt), (1,), PLACE)[0] for prompt in "abc"]
    assert provider.started.acquire(timeout=PATIENCE)
    stopping = threading.Thread(target=generator.stop)
    stopping.start()
    assert jobs[2].done.wait(PATIENCE)
    provider.gate.set()
    finish(generator, *jobs)
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
    assert provider.calls == [("a", 1)]
    assert [type(job.error) for job in jobs[1:]] == [StoppedError] * 2


def test_limit_holds_with_many_at_once(
    make: Callable[..., Generator], provider: FakeProvider
) -> None:
    generator = make(budget=Budget(max_cost=0.3), pricing=Prices(), concurrency=8)
    together = threading.Barrier(3)  # the budget is reserved before any of them is answered
    provider.meanwhile = lambda: together.wait(PATIENCE) and None  # type: ignore[method-assign]
    jobs = [generator.order(request(f"fox {n}"), (1,), PLACE)[0] for n in range(8)]
    finish(generator, *jobs)
    assert len(provider.calls) == 3
    assert sum(isinstance(job.error, BudgetReachedError) for job in jobs) == 5


# --- Cancel and stop --------------------------------------------------------------------------


def test_cancelled_orders_can_be_given_again(
    make: Callable[..., Generator], provider: FakeProvider
) -> None:
    generator = make()
    provider.gate.clear()
    flying, *waiting = (generator.order(request(prompt), (1,), PLACE)[0] for prompt in "abc")
    assert provider.started.acquire(timeout=PATIENCE)
    generator.cancel()
    assert all(isinstance(job.error, StoppedError) and job.done.is_set() for job in waiting)
    assert not flying.done.is_set()
    again = [generator.order(request(prompt), (1,), PLACE)[0] for prompt in "abc"]
    assert again[0] is flying
    provider.gate.set()
    finish(generator, *again)
    assert [job.error for job in again] == [None] * 3
    assert sorted(provider.calls) == [("a", 1), ("b", 1), ("c", 1)]


def test_stop_keeps_what_is_in_flight(
    make: Callable[..., Generator], provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    generator = make(concurrency=2)
    provider.gate.clear()
    jobs = [generator.order(request(prompt), (1,), PLACE)[0] for prompt in "abcd"]
    for _ in range(2):
        assert provider.started.acquire(timeout=PATIENCE)
    stopping = threading.Thread(target=generator.stop)
    stopping.start()
    assert jobs[3].done.wait(PATIENCE)
    assert stopping.is_alive()
    provider.gate.set()
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
    finish(generator, *jobs)
    assert stored(generator, request("a")) == image("a")
    assert stored(generator, request("b")) == image("b")
    assert all(isinstance(job.error, StoppedError) for job in jobs[2:])
    assert len(provider.calls) == 2
    (late,) = generator.order(request("late"), (1,), PLACE)
    assert isinstance(late.error, StoppedError)
    assert (
        "genimage: 2 images in flight are paid for already: waiting to keep them."
        in caplog.messages
    )


def test_interrupt_keeps_what_is_in_flight(
    make: Callable[..., Generator], provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = make()
    provider.gate.clear()
    flying, waiting = (generator.order(request(prompt), (1,), PLACE)[0] for prompt in "ab")
    assert provider.started.acquire(timeout=PATIENCE)

    def interrupted(timeout: float) -> bool:
        provider.gate.set()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(flying.done, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            generator.wait()
    assert stored(generator, request("a")) == image("a")
    assert isinstance(waiting.error, StoppedError)


def test_stop_ends_the_wait_for_a_busy_server(
    make: Callable[..., Generator], provider: FakeProvider
) -> None:
    generator = make()
    provider.answers["fox"] = [busy(retry_after=50.0)] * 3
    (job,) = generator.order(request(), (1,), PLACE)
    assert provider.started.acquire(timeout=PATIENCE)
    generator.stop()
    finish(generator, job)
    assert isinstance(job.error, StoppedError)
    assert len(provider.calls) == 1


# --- Pictures of other blocks -----------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 4])
def test_other_block_comes_first(
    concurrency: int, make: Callable[..., Generator], provider: FakeProvider
) -> None:
    generator = make(concurrency=concurrency)
    provider.gate.clear()
    source = request("fox")
    edit = request(
        "make it night", images=(InputFile("a.png", b"a"), BlockInput("#fox", source, 2))
    )
    generator.order(source, (1, 2), PLACE)
    (job,) = generator.order(edit, (1,), PLACE)
    provider.gate.set()
    finish(generator, job)
    assert job.error is None
    assert [prompt for prompt, _ in provider.calls] == ["fox", "make it night"]
    sent = [file.data for file in provider.requests[1].images if isinstance(file, InputFile)]
    assert sent == [b"a", image("fox", 2)]
    assert stored(generator, edit) == image("make it night")
    assert job.images[1].sidecar["key"] == edit.key


def test_other_block_is_missing(make: Callable[..., Generator], provider: FakeProvider) -> None:
    generator = make()
    provider.answers["fox"] = [ProviderError("refused")]
    source = request("fox")
    edit = request("night", images=(BlockInput("#fox", source),))
    generator.order(source, (1,), PLACE)
    (job,) = generator.order(edit, (1,), PLACE)
    finish(generator, job)
    assert str(job.error) == (
        "the picture of '#fox', which it is made from, is missing. Nothing was sent."
    )
    assert provider.calls == [("fox", 1)]


def test_mask_is_sent_as_the_api_wants_it(
    make: Callable[..., Generator], provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    generator = make()
    base = InputFile("a.png", picture("a", "8x6"))
    clear = InputFile("m.png", picture("m", "8x6", alpha=True))
    (job,) = generator.order(request("one", images=(base,), mask=clear), (1,), PLACE)
    finish(generator, job)
    assert provider.requests[0].mask == clear
    wrong = InputFile("m.png", picture("m", "9x6", alpha=True))
    (job,) = generator.order(request("two", images=(base,), mask=wrong), (1,), PLACE)
    finish(generator, job)
    assert "both need the same dimensions. Nothing was sent." in str(job.error)
    assert len(provider.calls) == 1
    options = {"mask_mode": "white"}
    white = request("three", images=(base,), mask=clear, options=options)
    (job,) = generator.order(white, (1,), PLACE)
    finish(generator, job)
    assert provider.requests[1].mask != clear
    assert job.images[1].sidecar["key"] == white.key


# --- What is told -----------------------------------------------------------------------------


PROGRESS_LINE = r"genimage: image (?P<done>\d) of [45] (?P<what>[^,]+), \d+\.\d s(, (?P<price>.*))?"


def test_lines_of_progress(
    make: Callable[..., Generator], provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="mkdocs.plugins.genimage")
    generator = make(pricing=Pricing(per_image=0.05), budget=Budget(max_images=3))
    provider.gate.clear()
    provider.answers["b"] = [ProviderError("no")]
    orders = [("a", (1, 2)), ("b", (1,)), ("c", (1,)), ("d", (1,))]
    jobs = [
        generator.order(request(prompt), variants, place(f"docs/{prompt}.md"))[0]
        for prompt, variants in orders
    ]
    provider.gate.set()
    finish(generator, *jobs)
    lines = [re.fullmatch(PROGRESS_LINE, message) for message in caplog.messages]
    assert all(lines), caplog.messages
    # Answers are stored beside the next request, so they may end in another order.
    assert sorted(line["what"] for line in lines if line) == [
        "failed: docs/b.md:1",
        "made: docs/a.md:1",
        "made: docs/c.md:1",
    ]
    assert lines[-1]
    assert lines[-1]["price"] == "$0.15 so far"
    assert isinstance(jobs[3].error, BudgetReachedError)


def test_errors_are_of_one_family() -> None:
    assert issubclass(StoppedError, GenimageError)
    assert issubclass(BudgetReachedError, GenimageError)
