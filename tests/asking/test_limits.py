"""The window, the pauses and the budget, with a clock that the test holds."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from harness import address
from harness.asking.budget import Budget
from harness.asking.limits import Limiter, limiter_for
from harness.asking.pricing import cost_usd
from harness.asking.retry import RetryPolicy
from harness.errors import BudgetReached, ConnectionFailed, Overloaded, RateLimited, ServerFailed, TimedOut
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


async def test_stated_requests_a_minute_are_spread_evenly() -> None:
    clock = Clock()
    limiter = Limiter(10, requests_per_minute=60, clock=clock)
    await limiter.acquire()
    second = asyncio.ensure_future(limiter.acquire())
    third = asyncio.ensure_future(limiter.acquire())
    for passed, expected in ((0.0, (False, False)), (0.9, (False, False)), (0.1, (True, False)), (1.0, (True, True))):
        clock.now += passed
        limiter.release()
        limiter.in_flight += 1  # the release is only there to look again
        await asyncio.sleep(0)
        assert (second.done(), third.done()) == expected


async def _waits(limiter: Limiter, tokens: float) -> bool:
    """Whether one more request of so many tokens would have to wait now; it is not sent."""
    waiting = asyncio.ensure_future(limiter.acquire(tokens))
    await asyncio.sleep(0)
    if waiting.done():
        return False
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return True


async def test_stated_tokens_a_minute_count_the_last_minute() -> None:
    clock = Clock()
    limiter = Limiter(10, tokens_per_minute=1000, clock=clock)
    first = await limiter.acquire(600)
    assert await _waits(limiter, 500)
    clock.now += 20
    second = await limiter.acquire(400)
    assert await _waits(limiter, 1)
    # The first answer took less than it might have: what it left is free at once.
    limiter.settle(first, 100)
    third = await limiter.acquire(500)
    assert await _waits(limiter, 1)
    clock.now += 40.1  # a minute after the first
    assert await _waits(limiter, 101)
    await limiter.acquire(100)
    clock.now += 30  # and after the second and third
    for slot in (first, second, third):
        limiter.settle(slot, 10_000)  # what has left the minute no longer counts
    assert not await _waits(limiter, 900)


async def test_a_request_above_the_stated_tokens_goes_alone() -> None:
    clock = Clock()
    limiter = Limiter(10, tokens_per_minute=1000, clock=clock)
    await limiter.acquire(5000)
    assert await _waits(limiter, 1)
    clock.now += 61
    await limiter.acquire(10)
    assert await _waits(limiter, 5000)


async def test_a_stated_limit_that_opens_by_itself_wakes_the_one_that_waits() -> None:
    limiter = Limiter(10, requests_per_minute=1200)
    begun = asyncio.get_running_loop().time()
    await asyncio.gather(*(_once(limiter) for _ in range(5)))
    assert asyncio.get_running_loop().time() - begun >= 4 * 0.05 - 0.005


async def test_a_timer_set_for_one_does_not_hold_up_the_next() -> None:
    limiter = Limiter(10, requests_per_minute=1200, tokens_per_minute=1000)
    slot = await limiter.acquire(1000)
    first, second = (asyncio.ensure_future(limiter.acquire(500)) for _ in range(2))
    await asyncio.sleep(0)  # a timer is set for the end of the minute
    limiter.settle(slot, 0)
    limiter.release()
    async with asyncio.timeout(5):
        await asyncio.gather(first, second)


async def test_a_moment_that_passes_while_it_is_looked_at_is_not_missed() -> None:
    """A clock that goes on with every reading: whichever reading the opening falls on, nobody waits for ever."""
    for step in range(1, 40):
        ticks = itertools.count()
        limiter = Limiter(
            10,
            requests_per_minute=60_000,
            clock=lambda ticks=ticks, step=step: next(ticks) * step * 1e-4,  # type: ignore[misc]
        )
        async with asyncio.timeout(5):
            await asyncio.gather(*(_once(limiter) for _ in range(8)))


def test_stated_limits_come_from_the_endpoint_else_from_the_provider() -> None:
    Path("configs/catalogue").mkdir(parents=True)
    Path("configs/providers.yaml").write_text("openai: {requests_per_minute: 500, tokens_per_minute: 30000}\n")
    Path("configs/catalogue/mine.yaml").write_text(
        "developer: D\ncards:\n  m-1:\n    weights: [{level: closed, since: 2026-01-01, evidence: a test}]\n"
        "    endpoints: [{provider: openai, name: m-1, requests_per_minute: 60}]\n"
    )
    found = {name: limiter_for(address.resolve(name), 8) for name in ("openai:m-1", "openai:gpt-4o")}
    assert {name: (one._interval, one.tokens_per_minute) for name, one in found.items()} == {
        "openai:m-1": (1.0, 30000), "openai:gpt-4o": (0.12, 30000),
    }  # fmt: skip
    for name in ("groq:x", "file:a", "server:m@http://127.0.0.1/v1"):
        limiter = limiter_for(address.resolve(name, "open"), 8)
        assert (limiter._interval, limiter.tokens_per_minute) == (0.0, None)


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


async def test_the_budget_holds_where_the_whole_prompt_is_written_into_a_cache() -> None:
    dear = Price("2026-01-01", input=1.0, output=10.0, cached=0.1, cache_write=1.25)
    most = Budget(1.0, dear).most(request())
    assert most == pytest.approx((250 * 1.25 + 100 * 10.0) / 1e6)
    written = cost_usd(dear, Usage(input=250, output=100, cache_written=250))
    assert written is not None
    assert written <= most
    # A price below that of input does not lower the bound.
    assert Budget(1.0, Price("", input=1.0, output=10.0, cache_write=0.5)).most(request()) > 250 / 1e6


def test_dollars_of_the_cache_by_hand() -> None:
    usage = Usage(input=1000, cached=400, output=50, cache_written=500)
    stated = Price("", input=1.0, output=10.0, cached=0.1, cache_write=1.25)
    assert cost_usd(stated, usage) == pytest.approx((100 * 1.0 + 400 * 0.1 + 500 * 1.25 + 50 * 10.0) / 1e6)
    assert cost_usd(PRICE, usage) == pytest.approx((600 * 1.0 + 400 * 0.1 + 50 * 10.0) / 1e6)


def test_dollars_by_hand() -> None:
    assert cost_usd(PRICE, Usage(input=1000, cached=400, output=50)) == pytest.approx((600 + 40 + 500) / 1e6)
    assert cost_usd(PRICE, Usage(input=1000)) is None
    assert cost_usd(None, Usage(1, 1, 1)) is None
    assert cost_usd(Price("", input=1.0), Usage(1, 0, 1)) is None
