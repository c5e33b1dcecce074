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

from harness.errors import AttemptFailed, Overloaded, RateLimited

DECREASE = 0.7
REACTION_S = 1.0
"""Requests that were in flight together fail together: within this time they count as one objection."""
NEARLY_NONE = 2
"""Remaining requests, as the endpoint reports them, at which the run waits for the limit to be reset."""


class Limiter:
    """Admits requests. One instance an endpoint and key; used from one event loop."""

    def __init__(self, concurrency: int, per_minute: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(concurrency)
        self.window = float(concurrency)
        self.in_flight = 0
        self._clock = clock
        self._pause_until = 0.0
        self._narrowed_at = -REACTION_S
        self._queue: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._next_start = 0.0

    async def acquire(self) -> None:
        """Wait until one more request may be sent. First come, first served."""
        if not self._queue and self._admits():
            self._enter()
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(future)
        self._wake()
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """One request has ended, however it did."""
        self.in_flight -= 1
        self._wake()

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
            self._pause_until = max(self._pause_until, self._clock() + reset_s)

    def _admits(self) -> bool:
        now = self._clock()
        return self.in_flight < int(self.window) and now >= self._pause_until and now >= self._next_start

    def _enter(self) -> None:
        self.in_flight += 1
        if self._interval:
            self._next_start = max(self._next_start + self._interval, self._clock())

    def _wake(self) -> None:
        while self._queue and self._admits():
            future = self._queue.popleft()
            if not future.done():
                self._enter()
                future.set_result(None)
        if self._queue and self._timer is None:
            wait = max(self._pause_until, self._next_start) - self._clock()
            if wait > 0:
                self._timer = asyncio.get_running_loop().call_later(wait, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._wake()
