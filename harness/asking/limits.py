"""How many requests may be in flight: as many as asked for until the endpoint objects, then as many as it bears.

Additive increase, multiplicative decrease, as TCP does it (Chiu and Jain 1989): every answer widens the window a little
up to ``--concurrency``, a 429 or an overload narrows it. A pause that one request was told (Retry-After) holds for all,
since they share one key.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from harness import catalogue
from harness.errors import AttemptFailed, Overloaded, RateLimited
from harness.types import System

DECREASE = 0.7
REACTION_S = 1.0
"""Requests that were in flight together fail together: within this time they count as one objection."""
LONGEST_PAUSE_S = 120.0
"""What headers of a good answer say holds nothing up for longer: one request then tries, and a 429 says how long it is."""
NEARLY_NONE = 2
"""Remaining requests, as the endpoint reports them, at which the run waits for the limit to be reset."""


@dataclass(slots=True, eq=False)
class Slot:
    """One admitted request in the count of the last minute's tokens."""

    at: float
    tokens: float
    counted: bool = True


def limiter_for(system: System, concurrency: int) -> Limiter:
    """A limiter that keeps to what the catalogue or the provider's entry states for a system, where either does."""
    return Limiter(concurrency, *catalogue.limits_of(system))


class Limiter:
    """Admits requests. One instance an endpoint and key; used from one event loop.

    Requests of a stated limit a minute are spread evenly; tokens are counted over the last minute, a request's prompt and
    the whole of its answer's limit from its start, and what it really took once it is answered.
    """

    def __init__(
        self, concurrency: int, requests_per_minute: int | None = None, tokens_per_minute: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._most = float(concurrency)
        self.window = float(concurrency)
        self.in_flight = 0
        self._clock = clock
        self._pause_until = 0.0
        self._narrowed_at = -REACTION_S
        self._queue: deque[tuple[asyncio.Future[Slot], float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._interval = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._next_start = 0.0
        self.tokens_per_minute = tokens_per_minute
        self._minute: deque[Slot] = deque()
        self._tokens = 0.0

    async def acquire(self, tokens: float = 0.0) -> Slot:
        """Wait until one more request of at most so many tokens may be sent. First come, first served."""
        if not self._queue and self._admits(tokens):
            return self._enter(tokens)
        future: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        self._queue.append((future, tokens))
        self._wake()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """One request has ended, however it did."""
        self.in_flight -= 1
        self._wake()

    def settle(self, slot: Slot, tokens: float) -> None:
        """A request was answered and really took so many tokens."""
        if slot.counted:
            self._tokens += tokens - slot.tokens
            slot.tokens = tokens

    def succeeded(self) -> None:
        """An answer came: widen the window by one request for each full window of answers."""
        if self.window < self._most:
            self.window = min(self._most, self.window + 1.0 / self.window)

    def failed(self, error: AttemptFailed) -> None:
        """An attempt failed: a rate limit or an overload narrows the window and passes its pause on to all."""
        if not isinstance(error, (RateLimited, Overloaded)):
            return
        now = self._clock()
        if now - self._narrowed_at >= REACTION_S:
            # The one that failed has left already; it counts as in flight.
            self.window = max(1.0, min(self.window, self.in_flight + 1.0) * DECREASE)
            self._narrowed_at = now
        if error.retry_after_s is not None:
            self._pause_until = max(self._pause_until, now + error.retry_after_s)

    def reported(self, remaining: int | None, reset_s: float | None, needed: int = NEARLY_NONE) -> None:
        """What the endpoint said about one of its limits; no more than ``needed`` left: wait until it is reset."""
        if remaining is not None and reset_s is not None and remaining <= needed:
            self._pause_until = max(self._pause_until, self._clock() + min(reset_s, LONGEST_PAUSE_S))

    def pause_s(self) -> float:
        """Seconds for which the endpoint has asked to be left alone."""
        return max(0.0, self._pause_until - self._clock())

    def _admits(self, tokens: float) -> bool:
        return self.in_flight < int(self.window) and self._clock() >= self._opens_at(tokens)

    def _opens_at(self, tokens: float) -> float:
        """When pauses and stated limits let a request of so many tokens start; it may be past."""
        opens = max(self._pause_until, self._next_start)
        while self._minute and self._minute[0].at + 60.0 <= self._clock():
            slot = self._minute.popleft()
            slot.counted = False
            self._tokens -= slot.tokens
        # A request that is larger than the limit goes alone.
        if self.tokens_per_minute and self._minute and self._tokens + tokens > self.tokens_per_minute:
            opens = max(opens, self._minute[0].at + 60.0)
        return opens

    def _enter(self, tokens: float) -> Slot:
        self.in_flight += 1
        now = self._clock()
        if self._interval:
            # From the later of the two: after a pause nothing is caught up with.
            self._next_start = max(self._next_start, now) + self._interval
        slot = Slot(now, tokens)
        if self.tokens_per_minute:
            self._minute.append(slot)
            self._tokens += tokens
        return slot

    def _wake(self) -> None:
        """Admit those who wait, in order, as far as the limits allow; for what opens by itself a timer is set."""
        while self._queue:
            future, tokens = self._queue[0]
            if not future.done():
                if self.in_flight >= int(self.window):
                    return  # the next release looks again
                # The clock is read once: between two readings it may pass the very moment that is waited for.
                wait = self._opens_at(tokens) - self._clock()
                if wait > 0:
                    # One that was set for somebody else may be too late for this one.
                    if self._timer is not None:
                        self._timer.cancel()
                    self._timer = asyncio.get_running_loop().call_later(wait, self._ring)
                    return
                future.set_result(self._enter(tokens))
            self._queue.popleft()

    def _ring(self) -> None:
        self._timer = None
        self._wake()
