"""The window, the pauses and the budget, with a clock that the test holds."""

from __future__ import annotations

import asyncio

import pytest

from harness.errors import BudgetReached, ConnectionFailed, Overloaded, RateLimited, ServerFailed, TimedOut
from harness.running.budget import Budget
from harness.running.limits import Limiter
from harness.running.pricing import cost_usd
from harness.running.retry import RetryPolicy
from harness.types import Message, Price, Request, Sampling, Usage


class Clock:
    """Seconds that pass when the test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_no_more_than_the_window_are_in_flight() -> None:
    limiter = Limiter(2)
    await limiter.acquire()
    await limiter.acquire()
    third = asyncio.ensure_future(limiter.acquire())
    await asyncio.sleep(0)
    assert not third.done()
    limiter.release()
    await third
    assert limiter.in_flight == 2


async def test_one_wave_of_rate_limits_narrows_the_window_once_and_answers_widen_it_again() -> None:
    clock = Clock()
    limiter = Limiter(100, clock=clock)
    for _ in range(100):
        await limiter.acquire()
    for _ in range(30):
        limiter.release()
        limiter.failed(RateLimited("429"))
    assert limiter.window == pytest.approx(70)
    clock.now += 2
    limiter.failed(Overloaded("529"))
    assert limiter.window == pytest.approx(49)
    for _ in range(49):
        limiter.succeeded()
    assert limiter.window == pytest.approx(50, abs=0.1)
    for _ in range(100_000):
        limiter.succeeded()
    assert limiter.window == 100
    clock.now += 2
    limiter.failed(ServerFailed("500"))
    assert limiter.window == 100


async def _once(limiter: Limiter) -> None:
    await limiter.acquire()
    limiter.release()


async def test_a_pause_told_to_one_holds_for_all() -> None:
    limiter = Limiter(10)
    limiter.failed(RateLimited("429", retry_after_s=0.05))
    begun = asyncio.get_running_loop().time()
    await asyncio.gather(*(_once(limiter) for _ in range(3)))
    assert asyncio.get_running_loop().time() - begun >= 0.045


async def test_a_nearly_used_up_limit_waits_for_its_reset() -> None:
    clock = Clock()
    limiter = Limiter(10, clock=clock)
    limiter.reported(50, 30.0)
    await limiter.acquire()
    limiter.reported(1, 0.02)
    waiting = asyncio.ensure_future(limiter.acquire())
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.now += 1
    limiter.release()
    await waiting


async def test_a_cancelled_wait_leaves_no_slot_taken() -> None:
    limiter = Limiter(1)
    await limiter.acquire()
    waiting = asyncio.ensure_future(limiter.acquire())
    await asyncio.sleep(0)
    limiter.release()  # hands the slot to the waiting one, which is cancelled before it runs
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert limiter.in_flight == 0


def test_waits_double_and_are_bounded() -> None:
    policy = RetryPolicy(attempts=5, first_wait_s=1.0, longest_wait_s=4.0, total_s=100.0)
    failures = [ServerFailed("500") for _ in range(4)]
    waits = [policy.wait_s(failures[: n + 1], 0.0) for n in range(4)]
    for wait, most in zip(waits, (1.0, 2.0, 4.0, 4.0), strict=True):
        assert wait is not None
        assert most / 2 <= wait <= most
    assert policy.wait_s([*failures, ServerFailed("500")], 0.0) is None
    assert policy.wait_s([ServerFailed("500")], 99.9) is None


def test_the_servers_own_wait_is_honoured_in_full() -> None:
    wait = RetryPolicy(longest_wait_s=1.0).wait_s([RateLimited("429", retry_after_s=77.0)], 0.0)
    assert wait is not None
    assert 77.0 <= wait <= 77.2


def test_what_took_too_long_is_not_sent_for_ever() -> None:
    policy = RetryPolicy(attempts_timed_out=2)
    assert policy.wait_s([TimedOut("1")], 0.0) is not None
    assert policy.wait_s([TimedOut("1"), ConnectionFailed("reset"), TimedOut("2")], 0.0) is None


PRICE = Price("2026-01-01", input=1.0, output=10.0, cached=0.1)


def request(size: int = 200, limit: int = 100) -> Request:
    return Request("t", "i", 0, (Message("user", "x" * size),), limit, Sampling(), "h")


async def test_the_budget_counts_what_is_in_flight_at_its_most() -> None:
    budget = Budget(0.0045, PRICE)
    most = budget.most(request())
    assert most == pytest.approx((250 * 1.0 + 100 * 10.0) / 1e6)
    for _ in range(3):
        await budget.reserve(request())
    waiting = asyncio.ensure_future(budget.reserve(request()))
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.settle(most, 0.0001)
    await waiting
    for _ in range(3):
        budget.settle(most, most)
    with pytest.raises(BudgetReached, match="a larger --budget"):
        await budget.reserve(request())
    assert budget.spent_usd <= 0.0045


async def test_an_unknown_cost_stays_counted_at_its_most() -> None:
    budget = Budget(0.002, PRICE)
    budget.settle(await budget.reserve(request()), None)
    with pytest.raises(BudgetReached):
        await budget.reserve(request())


def test_dollars_by_hand() -> None:
    assert cost_usd(PRICE, Usage(input=1000, cached=400, output=50)) == pytest.approx((600 + 40 + 500) / 1e6)
    assert cost_usd(PRICE, Usage(input=1000)) is None
    assert cost_usd(None, Usage(1, 1, 1)) is None
    assert cost_usd(Price("", input=1.0), Usage(1, 0, 1)) is None
