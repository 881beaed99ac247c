"""The threads for work that takes much memory."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref

import pytest

from mkdocs_genimage.workbench import Workbench

SECONDS = 20
"""How long a test waits for what should come at once."""


class Thing:
    """Something that a weak reference can be made to."""


def test_everything_is_done_by_one_thread() -> None:
    bench = Workbench("bench")
    seen: list[threading.Thread] = []
    busy = threading.Lock()

    def work() -> None:
        assert busy.acquire(blocking=False), "two things at once"
        seen.append(threading.current_thread())
        busy.release()

    callers = [threading.Thread(target=bench.run, args=(work,)) for _ in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(SECONDS)
    assert len(seen) == 20
    assert len(set(seen)) == 1
    assert seen[0].name == "bench"
    assert seen[0].daemon


def test_errors_reach_the_caller_and_the_thread_goes_on() -> None:
    bench = Workbench("bench")
    for error in (ValueError, MemoryError, SystemExit, KeyboardInterrupt):
        with pytest.raises(error):
            bench.run(lambda error=error: (_ for _ in ()).throw(error()))
    assert bench.run(lambda: "alive") == "alive"


def test_nothing_of_a_task_is_kept_while_the_thread_waits() -> None:
    bench = Workbench("bench")
    thing = Thing()
    gone = threading.Event()
    weakref.finalize(thing, gone.set)
    assert bench.run(lambda thing=thing: thing) is thing
    del thing
    gc.collect()
    assert gone.wait(SECONDS)


def test_nothing_of_a_task_that_failed_is_kept() -> None:
    bench = Workbench("bench")
    gone = threading.Event()

    def fail() -> None:
        thing = Thing()
        weakref.finalize(thing, gone.set)
        raise LookupError

    gc.disable()  # it would find what only counting references must free
    try:
        with pytest.raises(LookupError) as caught:
            bench.run(fail)
        del caught
        assert gone.wait(SECONDS)
    finally:
        gc.enable()


def child(script: str) -> str:
    """What a script prints."""
    done = subprocess.run(
        [sys.executable, "-c", "from mkdocs_genimage.workbench import Workbench\n" + script],
        check=True,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    return done.stdout.strip()


def test_it_works_while_the_interpreter_ends() -> None:
    script = """
import atexit
bench = Workbench("bench")
bench.run(int)
atexit.register(lambda: print(bench.run(lambda: "stored")))
"""
    assert child(script) == "stored"


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_forked_process_has_a_thread_of_its_own() -> None:
    script = """
import os
bench = Workbench("bench")
bench.run(int)
if child := os.fork():
    assert os.waitpid(child, 0)[1] == 0
else:
    print(bench.run(lambda: "forked"), flush=True)
    os._exit(0)
"""
    assert child(script) == "forked"
