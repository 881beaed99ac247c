"""What goes wrong round a request must neither stop the others, nor lose or pay for an image twice."""

import threading
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

from mkdocs_genimage.errors import Billed, CacheError
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
