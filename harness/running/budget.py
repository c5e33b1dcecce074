"""A limit in dollars that is not passed: what is in flight is counted at the most that it can cost."""

from __future__ import annotations

import asyncio

from harness.errors import BudgetReached
from harness.running.prompt_tokens import most_tokens
from harness.types import Price, Request


class Budget:
    """Dollars of one run. Raises BudgetReached when the next request could pass the limit and nothing is in flight."""

    def __init__(self, limit_usd: float | None, price: Price | None, spent_usd: float = 0.0, provider: str = "") -> None:
        self._limit = limit_usd
        self._price = price
        self._provider = provider
        self.spent_usd = spent_usd
        self._reserved = 0.0
        self._freed = asyncio.Event()

    def most(self, request: Request) -> float:
        """The most that one attempt can cost, in dollars."""
        price = self._price
        assert price is not None
        # The whole prompt may be written into a cache, which can cost more than reading it.
        dearest = max(price.input or 0.0, price.cache_write or 0.0)
        return (most_tokens(request, self._provider) * dearest + request.max_tokens * (price.output or 0.0)) / 1e6

    def admit(self, request: Request) -> bool:
        """Set aside the most that a request can cost, if it fits; for requests that are handed over, not asked."""
        if self._limit is None:
            return True
        most = self.most(request)
        if self.spent_usd + self._reserved + most > self._limit:
            return False
        self._reserved += most
        return True

    async def reserve(self, request: Request) -> float:
        """Set aside the most that the request can cost, waiting for others to come back where that is needed."""
        if self._limit is None:
            return 0.0
        most = self.most(request)
        while self.spent_usd + self._reserved + most > self._limit:
            if self._reserved <= 0.0:
                raise BudgetReached(
                    f"stopped before the budget of ${self._limit:g} is passed: ${self.spent_usd:.4f} spent, and the next "
                    f"request may cost ${most:.4f}. Everything answered is kept; the same command with a larger "
                    "--budget goes on"
                )
            self._freed.clear()
            await self._freed.wait()
        self._reserved += most
        return most

    def settle(self, reserved: float, cost_usd: float | None) -> None:
        """Replace a reservation by what the answer cost; an unknown cost stays counted at its most."""
        if self._limit is None:
            return
        self._reserved = max(0.0, self._reserved - reserved)
        if self._reserved < 1e-12:
            self._reserved = 0.0
        self.spent_usd += reserved if cost_usd is None else cost_usd
        self._freed.set()
