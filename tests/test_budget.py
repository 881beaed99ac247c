"""What one command may spend."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkdocs_genimage.budget import Budget, BudgetReachedError

PROPERTY = settings(deadline=None, database=None, max_examples=200)


def test_no_limits() -> None:
    budget = Budget()
    for _ in range(1000):
        budget.take(10, 5.0)
    assert (budget.images, budget.spent) == (10_000, 5_000.0)


def test_limit_of_images() -> None:
    budget = Budget(max_images=5)
    budget.take(2, None)
    budget.take(3, None)
    with pytest.raises(BudgetReachedError) as caught:
        budget.take(1, None)
    assert str(caught.value) == "'max_images: 5' is reached"
    assert budget.images == 5


def test_request_that_is_larger_than_what_is_left_takes_nothing() -> None:
    budget = Budget(max_images=5, max_cost=1.0)
    budget.take(4, 0.5)
    with pytest.raises(BudgetReachedError, match="max_images"):
        budget.take(2, 0.1)
    with pytest.raises(BudgetReachedError, match="max_cost"):
        budget.take(1, 0.6)
    assert (budget.images, budget.spent) == (4, 0.5)
    budget.take(1, 0.5)


def test_limit_of_cost() -> None:
    budget = Budget(max_cost=2.0)
    budget.take(1, 1.5)
    with pytest.raises(BudgetReachedError) as caught:
        budget.take(1, 0.51)
    assert str(caught.value) == "'max_cost: 2.00' would be passed"


def test_sums_of_prices_may_fill_the_limit() -> None:
    """0.1 ten times is less than 1 in floats, 0.7 three times is more than 2.1."""
    for price, times in ((0.1, 10), (0.7, 3), (0.0132, 150)):
        budget = Budget(max_cost=price * times)
        for _ in range(times):
            budget.take(1, price)
        with pytest.raises(BudgetReachedError):
            budget.take(1, price)


def test_images_without_a_price_count_as_images_only() -> None:
    budget = Budget(max_cost=0.01, max_images=2)
    budget.take(1, None)
    budget.take(1, None)
    with pytest.raises(BudgetReachedError, match="max_images"):
        budget.take(1, None)
    assert budget.spent == 0


def test_settling() -> None:
    budget = Budget(max_cost=1.0, max_images=3)
    budget.take(1, 0.6)
    budget.settle(0, 0.6, 0.4)
    assert (budget.images, budget.spent) == (1, pytest.approx(0.4))
    budget.take(1, 0.6)
    budget.settle(1, 0.6, 0.0)  # not billed
    assert (budget.images, budget.spent) == (1, pytest.approx(0.4))
    budget.take(1, 0.6)
    budget.settle(0, 0.6, None)  # nobody knows: the estimate stands
    assert (budget.images, budget.spent) == (2, pytest.approx(1.0))
    with pytest.raises(BudgetReachedError):
        budget.take(1, 0.01)


def test_price_of_what_had_no_estimate() -> None:
    budget = Budget(max_cost=1.0)
    budget.take(1, None)
    budget.settle(0, None, 1.5)
    with pytest.raises(BudgetReachedError):
        budget.take(1, 0.01)


@PROPERTY
@given(
    st.lists(st.tuples(st.integers(1, 10), st.none() | st.floats(0, 3), st.booleans()), max_size=30)
)
def test_never_overstepped(requests: list[tuple[int, float | None, bool]]) -> None:
    budget = Budget(max_cost=5.0, max_images=20)
    for count, estimate, is_billed in requests:
        before = (budget.images, budget.spent)
        try:
            budget.take(count, estimate)
        except BudgetReachedError:
            assert (budget.images, budget.spent) == before
            continue
        assert budget.images <= 20
        assert budget.spent <= 5.0001
        if not is_billed:
            budget.settle(count, estimate, 0.0)
            assert budget.images == before[0]
            assert budget.spent == pytest.approx(before[1])


class Slow(float):
    """A price that lets other threads go on in the middle of each sum."""

    def __radd__(self, other: float) -> float:
        time.sleep(0)
        return float(other) + float(self)


def test_never_overstepped_by_32_threads() -> None:
    budget = Budget(max_cost=10.0, max_images=150)
    start = threading.Barrier(32)
    kept: list[int] = []
    overstepped: list[int] = []

    def spend() -> None:
        start.wait()
        for number in range(20):
            try:
                budget.take(1, Slow(0.1))
            except BudgetReachedError:
                continue
            if budget.images > 100:
                overstepped.append(budget.images)
            if number % 3:
                kept.append(1)
            else:  # refused by the server
                budget.settle(1, 0.1, 0.0)

    threads = [threading.Thread(target=spend) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not overstepped
    assert budget.images == len(kept) <= 100
    assert budget.spent == pytest.approx(0.1 * len(kept))
