"""Whose turn it is: order, how many at once, fewer after a rate limit and more again."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from mkdocs_genimage import turns as module
from mkdocs_genimage.turns import Turn, Turns

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 30.0


def in_thread(work: Callable[[], object]) -> threading.Event:
    """Do something that waits, and say when it is over."""
    done = threading.Event()
    threading.Thread(target=lambda: (work(), done.set()), daemon=True).start()
    return done


def taken(turns: Turns[str], count: int) -> list[str | None]:
    return [turns.next() for _ in range(count)]


def waits(event: threading.Event) -> bool:
    return not event.wait(0.05)


def test_jobs_come_in_order_and_no_more_than_allowed() -> None:
    turns: Turns[str] = Turns(2)
    for job in "abc":
        turns.add(job)
    assert taken(turns, 2) == ["a", "b"]
    third = in_thread(turns.next)
    assert waits(third)
    turns.end()
    assert third.wait(PATIENCE)


def test_next_waits_for_a_job() -> None:
    turns: Turns[str] = Turns(2)
    waiting = in_thread(turns.next)
    assert waits(waiting)
    turns.add("a")
    assert waiting.wait(PATIENCE)


def test_who_comes_back_is_before_the_others() -> None:
    turns: Turns[str] = Turns(1)
    turns.add("a")
    turns.next()
    turns.add("b")
    back = in_thread(turns.again)
    other = in_thread(turns.next)
    assert waits(back)
    turns.end()
    assert back.wait(PATIENCE)
    assert waits(other)
    turns.end()
    assert other.wait(PATIENCE)


def test_a_rate_limit_halves_and_answers_bring_back() -> None:
    turns: Turns[str] = Turns(8)
    assert turns.slow_down(turns.slowdowns, 0) == 4
    assert turns.slow_down(turns.slowdowns, 0) == 2
    assert turns.slow_down(turns.slowdowns, 0) == 1
    assert turns.slow_down(turns.slowdowns, 0) == 1, "never none"
    answers = 0
    for allowed in range(1, 8):
        assert turns.slow_down(-1, 0) is None
        for _ in range(allowed):
            turns.speed_up()
            answers += 1
        for number in range(allowed + 1):
            turns.add(str(number))
        assert len(taken(turns, allowed + 1)) == allowed + 1
        for _ in range(allowed + 1):
            turns.end()
    assert answers == 28
    for _ in range(100):
        turns.speed_up()
    for number in range(9):
        turns.add(str(number))
    taken(turns, 8)
    assert waits(in_thread(turns.next)), "never more than at first"


def test_requests_that_were_sent_together_are_one_slow_down() -> None:
    turns: Turns[str] = Turns(8)
    seen = turns.slowdowns
    assert [turns.slow_down(seen, 0) for _ in range(8)] == [4, *[None] * 7]


def test_nothing_is_sent_before_the_server_wants_it() -> None:
    turns: Turns[str] = Turns(2)
    turns.add("a")
    started = time.monotonic()
    turns.slow_down(turns.slowdowns, 0.2)
    turns.slow_down(-1, 0.1)  # the longest wait holds
    assert turns.next() == "a"
    assert time.monotonic() - started >= 0.2


def test_cleared_jobs_do_not_come() -> None:
    turns: Turns[str] = Turns(2)
    for job in "abc":
        turns.add(job)
    turns.next()
    assert turns.clear() == ["b", "c"]
    turns.add("d")
    assert turns.next() == "d"


@pytest.mark.parametrize("with_job", [False, True])
def test_at_the_end_nobody_waits(with_job: bool) -> None:
    turns: Turns[str] = Turns(1)
    turns.add("a")
    turns.next()
    if with_job:
        turns.add("b")
    found: list[str | None] = ["nothing"]
    waiting = in_thread(lambda: found.append(turns.next()))
    back = in_thread(turns.again)
    turns.close()
    assert waiting.wait(PATIENCE)
    assert back.wait(PATIENCE)
    assert found[-1] is None


def test_time_that_passes_between_two_looks_at_the_clock_loses_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns: Turns[str] = Turns(1)
    turns.add("a")
    turns.slow_down(turns.slowdowns, 1000)
    start = time.monotonic()

    class Clock:
        """Each look is 600 s later."""

        looks = 0

        @classmethod
        def monotonic(cls) -> float:
            cls.looks += 1
            return start + 600 * (cls.looks - 1)

    waits: list[float | None] = []
    monkeypatch.setattr(module, "time", Clock)
    monkeypatch.setattr(turns._changed, "wait", waits.append)
    assert turns.next() == "a"
    assert None not in waits


def test_a_turn_that_lasts_is_not_taken_twice() -> None:
    turns: Turns[str] = Turns(1)
    turns.add("a")
    turns.next()
    with Turn(turns) as turn:
        turn.again()
        turn.end()
        turn.end()
        turn.again()
    turns.add("b")
    assert turns.next() == "b"
