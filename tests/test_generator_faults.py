"""What goes wrong round a request must neither stop the others, nor lose or pay for an image twice."""

import threading
import time
from dataclasses import replace
from decimal import Decimal

import pytest
from test_generator import (  # the fixtures, too
    PLACE,
    busy,
    finish,
    image,
    make,  # noqa: F401
    make_once,
    provider,  # noqa: F401
    request,
)

from mkdocs_genimage.budget import Budget
from mkdocs_genimage.errors import Billed, CacheError
from mkdocs_genimage.job import StoppedError
from mkdocs_genimage.places import Place, Source
from mkdocs_genimage.pricing import Pricing
from mkdocs_genimage.providers import Answer
from mkdocs_genimage.request import BlockInput

SHORT = 5.0


def test_cancel_forgets_what_is_in_flight(make, provider):
    """The same image is asked for, and paid for, twice."""
    generator = make(concurrency=1)
    provider.gate.clear()
    (_,) = generator.order(request(), (1,), PLACE)
    assert provider.started.acquire(timeout=SHORT)
    generator.order(request(), (1, 2), PLACE)  # variant 2 waits
    generator.cancel()
    generator.order(request(), (1, 2), PLACE)
    provider.gate.set()
    generator.wait()
    assert sum(count for _, count in provider.calls) == 2


def test_worker_survives_system_exit(make, provider):
    """With concurrency 1 nothing is ever made again: wait() hangs."""
    generator = make()
    provider.answers["bad"] = [SystemExit(1)]
    (bad,) = generator.order(request("bad"), (1,), PLACE)
    assert bad.done.wait(SHORT)
    assert bad.error is not None
    (good,) = generator.order(request("good"), (1,), PLACE)
    assert good.done.wait(SHORT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_worker_survives_progress_that_fails(make, provider, monkeypatch):
    """A closed stderr (BrokenPipeError) while the bar is drawn: the worker dies, wait() hangs."""
    generator = make()
    monkeypatch.setattr(
        generator._progress, "finished", lambda *a, **k: (_ for _ in ()).throw(BrokenPipeError())
    )
    (one,) = generator.order(request("one"), (1,), PLACE)
    assert one.done.wait(SHORT)
    (two,) = generator.order(request("two"), (1,), PLACE)
    assert two.done.wait(SHORT)


def test_empty_answer(make, provider):
    generator = make(pricing=Pricing(per_image=0.1))
    provider.answers["fox"] = [Answer([])]
    (job,) = generator.order(request(), (1,), PLACE)
    finish(generator, job)
    assert "ZeroDivisionError" not in str(job.error)


def test_fewer_images_were_billed(make, provider):
    generator = make()
    provider.answers["fox"] = [Answer([image("a")])]
    (job,) = generator.order(request(), (1, 2), PLACE)
    finish(generator, job)
    assert job.error.billed is not Billed.NO


def test_one_variant_that_cannot_be_stored_does_not_lose_the_others(make, provider, monkeypatch):
    generator = make()
    real = generator.cache.put

    def put(request, variant, data, facts):
        if variant == 1:
            raise CacheError("x cannot be written")
        return real(request, variant, data, facts)

    monkeypatch.setattr(generator.cache, "put", put)
    (job,) = generator.order(request(), (1, 2), PLACE)
    finish(generator, job)
    assert list(job.images) == [2]


def test_waits_as_long_as_the_server_says(make, provider, monkeypatch):
    generator = make()
    provider.answers["fox"] = [busy(retry_after=120.0)]
    _, pauses = make_once(generator, monkeypatch)
    assert not pauses or pauses[0] >= 120  # wait, or give up; but never send too early


def test_progress_after_cancel(make, provider, caplog):
    caplog.set_level("INFO")
    generator = make()
    provider.gate.clear()
    generator.order(request("a"), (1,), PLACE)
    assert provider.started.acquire(timeout=SHORT)
    generator.order(request("b"), (1,), PLACE)
    generator.cancel()
    provider.gate.set()
    generator.wait()
    (job,) = generator.order(request("c"), (1,), PLACE)
    finish(generator, job)
    assert "image 1 of 1 made" in caplog.messages[-1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_place_that_cannot_be_told(make, provider):
    """`str(job.place)` stands before the `try` of _run."""
    generator = make()

    def read():
        raise RuntimeError("a plugin's content_string")

    bad = Place(Source("docs/a.md", read, PLACE.source.fences), PLACE.fence)
    (one,) = generator.order(request("one"), (1,), bad)
    assert one.done.wait(SHORT)
    (two,) = generator.order(request("two"), (1,), PLACE)
    assert two.done.wait(SHORT)


def test_stop_while_a_source_waits(make, provider):
    """A job that waits for another block's picture."""
    generator = make(concurrency=2)
    provider.gate.clear()
    src = request("src")
    generator.order(src, (1,), PLACE)
    edit = request("edit", images=(BlockInput("#s", src),))
    (job,) = generator.order(edit, (1,), PLACE)
    assert provider.started.acquire(timeout=SHORT)
    t = threading.Thread(target=generator.stop)
    t.start()
    provider.gate.set()
    t.join(SHORT)
    assert not t.is_alive()
    assert job.done.wait(SHORT)


def test_usage_that_is_no_json_loses_no_image(make, provider):
    """A provider of others is not held to plain values; what it has made is paid for."""
    generator = make()
    provider.answers["fox"] = [Answer([image("a")], usage={"seconds": Decimal("1.5")})]
    (job,) = generator.order(request(), (1,), PLACE)
    finish(generator, job)
    assert job.error is None
    assert list(job.images) == [1]
    found = generator.cache.find(job.request)
    assert found.sidecar["usage"] == {"seconds": 1.5}


def test_a_retry_is_not_held_up_by_another_job_of_its_key(make, provider, monkeypatch):
    """One holds the image and waits for a turn, the other has the turn and waits for the image."""
    generator = make(concurrency=1)
    paused = threading.Event()
    monkeypatch.setattr("mkdocs_genimage.sending.Sender._pause", lambda *_: paused.wait(SHORT))
    provider.answers["fox"] = [busy(retry_after=0.0)]
    (first,) = generator.order(request(), (1,), PLACE)
    (second,) = generator.order(request(), (2,), PLACE)
    assert provider.started.acquire(timeout=SHORT)
    deadline = time.monotonic() + SHORT
    while len(generator._in_flight) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)  # the second one comes to the lock
    paused.set()
    assert first.done.wait(SHORT)
    assert second.done.wait(SHORT)
    assert first.error is second.error is None


def test_stop_does_not_wait_for_another_process(make, provider):
    generator = make()
    with generator._journal.hold(request().key[:12]):
        (job,) = generator.order(request(), (1,), PLACE)
        time.sleep(0.1)
        generator.stop()
    assert job.done.wait(SHORT)
    assert isinstance(job.error, StoppedError)
    assert provider.calls == []


def test_image_that_was_removed_meanwhile_is_made_again(make, provider):
    """`serve`, in which somebody deletes a picture: the page would name a file that is not there."""
    generator = make()
    provider.answers["fox"] = [Answer([image("a")])]
    jobs = generator.order(request(), (1, 2), PLACE)  # the second does not come
    finish(generator, *jobs)
    generator.order(request("hen"), (1,), PLACE)
    generator.wait()
    for path in generator.cache.folder.iterdir():
        if path.is_file():
            path.unlink()
    hen = generator.order(request("hen"), (1,), PLACE)
    fox = generator.order(request(), (1, 2), PLACE)
    finish(generator, *hen, *fox)
    assert hen[-1].images[1].path.exists()
    assert fox[-1].variants == (1,)
    assert fox[-1].images[1].path.exists()
    assert provider.calls == [("fox", 2), ("hen", 1), ("hen", 1), ("fox", 1)]


def test_what_came_is_not_remembered_for_ever(make, provider):
    generator = make()
    for number in range(5):
        generator.order(request(f"fox {number}"), (1,), PLACE)
        generator.wait()
    assert generator._jobs == {}


def test_cancelled_retry_is_not_sent(make, provider, monkeypatch):
    """A build failed while a request waited to be sent again."""
    generator = make()
    pausing, go = threading.Event(), threading.Event()
    monkeypatch.setattr(
        "mkdocs_genimage.sending.Sender._pause", lambda *_: (pausing.set(), go.wait(SHORT))
    )
    provider.answers["fox"] = [busy(retry_after=0.0)]
    (job,) = generator.order(request(), (1,), PLACE)
    assert pausing.wait(SHORT)
    generator.cancel()
    go.set()
    assert job.done.wait(SHORT)
    assert len(provider.calls) == 1
    assert generator.budget.images == 0
    finish(generator, *generator.order(request(), (1,), PLACE))
    assert len(provider.calls) == 2


def test_cancelled_retry_that_is_wanted_again_goes_on(make, provider, monkeypatch):
    generator = make()
    pausing, go = threading.Event(), threading.Event()
    monkeypatch.setattr(
        "mkdocs_genimage.sending.Sender._pause", lambda *_: (pausing.set(), go.wait(SHORT))
    )
    provider.answers["fox"] = [busy(retry_after=0.0)]
    generator.order(request(), (1,), PLACE)
    assert pausing.wait(SHORT)
    generator.cancel()
    (job,) = generator.order(request(), (1,), PLACE)
    go.set()
    finish(generator, job)
    assert job.error is None
    assert len(provider.calls) == 2


def test_request_whose_provider_broke_down_is_in_the_ledger(make, provider):
    generator = make()
    provider.answers["fox"] = [ValueError("secret")]
    finish(generator, *generator.order(request(), (1,), PLACE))
    (line,) = generator._journal.ledger()[0]
    assert (line["outcome"], line["billed"]) == ("ValueError", "maybe")
    assert generator._journal.unfinished() == {}


def test_lost_request_is_not_forgotten_by_a_build_that_sends_nothing(make, provider):
    generator = make(budget=Budget(max_images=1))
    name = request().key[:12]
    generator._journal.begin(name, {"key": request().key})
    finish(generator, *generator.order(request("hen"), (1,), PLACE))
    finish(generator, *generator.order(request(), (1,), PLACE))
    assert list(generator._journal.unfinished()) == [request().key]
    later = make()
    finish(later, *later.order(request(), (1,), PLACE))
    assert [line.get("billed") for line in later._journal.ledger()[0]] == [None, "maybe", None]


def test_journal_that_cannot_be_written_costs_nothing(make, provider, monkeypatch):
    generator = make()

    def full(*_):
        raise CacheError("x cannot be written")

    monkeypatch.setattr(generator._journal, "begin", full)
    finish(generator, *generator.order(request(), (1,), PLACE))
    assert generator.budget.images == 0
    assert provider.calls == []


def test_picture_made_anew_that_could_not_be_stored_is_kept_and_replaces_the_old_one(
    make, provider, monkeypatch
):
    """The build between finds the old picture stored, and must not take the new one for a rest of it."""
    generator = make()
    finish(generator, *generator.order(request(), (1,), PLACE))
    (old,) = generator.cache.folder.glob("*.png")
    before = old.read_bytes()
    provider.answers["fox"] = [Answer([image("new")])]
    with monkeypatch.context() as patched:

        def full(*_):
            raise CacheError("x cannot be moved")

        patched.setattr("mkdocs_genimage.trash.retire", full)
        failing = make()
        finish(failing, *failing.order(request(), (1,), PLACE, again=True))
    make().wait()
    assert old.read_bytes() == before
    later = make()
    (job,) = later.order(request(), (1,), PLACE, again=True)
    finish(later, job)
    assert len(provider.calls) == 2
    assert old.read_bytes() == image("new")
    assert [path.read_bytes() for path in old.parent.glob(".trash/*/*.png")] == [before]


def test_picture_that_came_keeps_its_model(make, provider, monkeypatch):
    """It could not be stored, and the site has another model by now."""
    with monkeypatch.context() as patched:

        def full(*_):
            raise CacheError("x cannot be written")

        failing = make()
        patched.setattr(failing.cache, "put", full)
        finish(failing, *failing.order(request(), (1,), PLACE))
    later = make()
    (job,) = later.order(replace(request(), model="newer"), (1,), PLACE)
    finish(later, job)
    assert job.images[1].sidecar["model"] == "m"
    assert len(provider.calls) == 1


def test_picture_of_another_model_is_none_made_anew(make, provider, monkeypatch):
    failing = make()
    with monkeypatch.context() as patched:

        def full(*_):
            raise CacheError("x cannot be written")

        patched.setattr(failing.cache, "put", full)
        finish(failing, *failing.order(request(), (1,), PLACE))
    later = make()
    (job,) = later.order(replace(request(), model="newer"), (1,), PLACE, again=True)
    finish(later, job)
    assert job.images[1].sidecar["model"] == "newer"
    assert len(provider.calls) == 2
