"""A limit in dollars that is not passed: what is in flight is counted at the most that it can cost."""

from __future__ import annotations

import asyncio

from harness.asking.plan import Job, Owed
from harness.asking.pricing import cost_usd, is_known
from harness.asking.prompt_tokens import most_tokens
from harness.errors import BudgetReached
from harness.types import Entry, Price, Request


class Purse:
    """Dollars that several budgets may share: spent, and set aside for what is in flight."""

    def __init__(self) -> None:
        self.spent_usd = 0.0
        self.reserved_usd = 0.0
        self.freed = asyncio.Event()


class Budget:
    """Dollars of one run, or with ``purse`` of several under one limit. Raises BudgetReached when the next request could pass
    the limit and nothing is in flight.
    """

    def __init__(
        self, limit_usd: float | None, price: Price | None, spent_usd: float = 0.0, provider: str = "", purse: Purse | None = None
    ) -> None:  # fmt: skip
        self._limit = limit_usd
        self._price = price
        self._provider = provider
        self._purse = purse or Purse()
        self._purse.spent_usd += spent_usd

    @property
    def spent_usd(self) -> float:
        return self._purse.spent_usd

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
        most, purse = self.most(request), self._purse
        if purse.spent_usd + purse.reserved_usd + most > self._limit:
            return False
        purse.reserved_usd += most
        return True

    async def reserve(self, request: Request) -> float:
        """Set aside the most that the request can cost, waiting for others to come back where that is needed."""
        if self._limit is None:
            return 0.0
        most, purse = self.most(request), self._purse
        while purse.spent_usd + purse.reserved_usd + most > self._limit:
            if purse.reserved_usd <= 0.0:
                raise BudgetReached(
                    f"stopped before the budget of ${self._limit:g} is passed: ${purse.spent_usd:.4f} spent, and the next "
                    f"request may cost ${most:.4f}. Everything answered is kept; the same command with a larger "
                    "--budget goes on"
                )
            purse.freed.clear()
            await purse.freed.wait()
        purse.reserved_usd += most
        return most

    def settle(self, reserved: float, cost_usd: float | None) -> None:
        """Replace a reservation by what the answer cost; an unknown cost stays counted at its most."""
        if self._limit is None:
            return
        purse = self._purse
        purse.reserved_usd = max(0.0, purse.reserved_usd - reserved)
        if purse.reserved_usd < 1e-12:
            purse.reserved_usd = 0.0
        purse.spent_usd += reserved if cost_usd is None else cost_usd
        purse.freed.set()


class Spent:
    """Dollars of everything in a run's journal, counted entry by entry.

    An answer of unknown cost counts at the list price of its usage, and where not even that came back at the most that it
    can have cost; so does a failed attempt that may have been billed.
    """

    def __init__(self, job: Job, price: Price | None) -> None:
        self.usd = 0.0
        self.known = True
        """Whether every answer had a cost."""
        self._job, self._price = job, price
        self._most = Budget(None, price, provider=job.plan.system.provider).most
        self._requests: dict[tuple[str, str | None, int], Owed] | None = None

    def add(self, entry: Entry) -> None:
        answer = entry.completion
        cost = 0.0 if answer.status == "unanswered" else answer.cost_usd
        if cost is None:
            cost = cost_usd(self._price, answer.usage)
        self.known = self.known and cost is not None
        unknown = answer.billed_attempts + (cost is None)
        if unknown and is_known(self._price) and (owed := self._owed(entry)) is not None:
            self.usd += unknown * self._most(self._job.request(owed))
        self.usd += cost or 0.0

    def _owed(self, entry: Entry) -> Owed | None:
        if self._requests is None:  # most runs never need it
            names = [task.name for task in self._job.tasks]
            self._requests = {(names[one.task], one.item.id, one.repeat): one for one in self._job.owed}
        return self._requests.get((entry.task, entry.item_id, entry.repeat))
