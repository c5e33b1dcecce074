"""The live driver: keeps requests in flight and journals each answer before it looks at the next."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from harness.asking.budget import Budget
from harness.asking.limits import Limiter
from harness.asking.plan import Job, Owed
from harness.asking.progress import Progress
from harness.asking.prompt_tokens import expected_tokens
from harness.asking.reach import MAY_BE_GONE, Reach
from harness.asking.retry import RetryPolicy
from harness.errors import (
    AttemptFailed,
    BudgetReached,
    ContextTooLong,
    MalformedReply,
    NotReached,
    Overloaded,
    RateLimited,
    RequestRejected,
    RunFailed,
    ServerGone,
    TimedOut,
    UsageError,
)
from harness.models import Model
from harness.models.headroom import Headroom
from harness.sealing.grader import CONTEXT_FINISH
from harness.store import Journal
from harness.types import Completion, Entry, Request, Usage

SYNC_EVERY_S = 1.0

REFUSED_IN_A_ROW = 20
"""Items given up, and nothing answered, after which it is the run or the endpoint that is wrong and not the items."""

MAY_BE_BILLED = (TimedOut, MalformedReply)
"""Failures of attempts that reached the model."""

Pricing = Callable[[Usage], float | None]


@dataclass(slots=True)
class Reception:
    """Whether an endpoint takes anything."""

    planned: int = REFUSED_IN_A_ROW
    """Items of the whole run."""
    resumed: bool = False
    """There are answers from before: what is left may be what no attempt can bring, and a run has to end some time."""
    answered: bool = False
    rejected: int = 0
    failed: int = 0
    """Items that the endpoint failed, in a row."""

    def take(self) -> None:
        """Something was answered."""
        self.answered, self.failed = True, 0

    def refuse(self, error: AttemptFailed) -> None:
        """Count an item that was given up. RunFailed if all are rejected, ServerGone if the endpoint brings nothing more."""
        # The subclasses are about one item: too long, or not in a file of answers.
        self.rejected += type(error) is RequestRejected
        if self.rejected >= REFUSED_IN_A_ROW and not self.answered:
            raise RunFailed(
                f"the first {REFUSED_IN_A_ROW} requests were all rejected, the last with: {error}. Nothing more is asked; "
                "give the same command again once this is mended, or another --protocol"
            )
        self.failed += error.retryable and not isinstance(error, MAY_BE_BILLED)
        if self.failed >= min(REFUSED_IN_A_ROW, self.planned) and (self.answered or not self.resumed):
            raise ServerGone(
                f"{self.failed} items in a row were given up and nothing was answered, the last with: {error}. Every answer so "
                "far is kept"
            )


@dataclass(frozen=True, slots=True)
class Driving:
    """What the driver works with; everything but the journal may be shared by several drivers."""

    model: Model
    journal: Journal
    limiter: Limiter
    budget: Budget
    policy: RetryPolicy
    pricing: Pricing
    progress: Progress
    reach: Reach
    headroom: Callable[[], Headroom] | None = None
    """What a hosted endpoint says of its own limits."""
    reception: Reception = field(default_factory=Reception)


async def drive(job: Job, owed: Sequence[Owed], driving: Driving, concurrency: int) -> None:
    """Ask everything that is owed. Every request ends as one journal entry, answered or not.

    Raises: RunFailed (no request can succeed; ServerGone: nobody is there), BudgetReached, StoreError (the journal cannot be written),
    CancelledError (interrupted), in an exception group; whatever was journalled stays.
    """
    queue = iter(owed)
    driving.progress.held_up = lambda: driving.reach.away() or _paused(driving.limiter)
    async with asyncio.TaskGroup() as group:
        syncing = group.create_task(_sync(driving))
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(concurrency, len(owed))):
                workers.create_task(_work(queue, job, driving))
        syncing.cancel()


async def _sync(driving: Driving) -> None:
    while True:
        await asyncio.sleep(SYNC_EVERY_S)
        # fdatasync may take long on a network file system, so it stays off the loop.
        await asyncio.to_thread(driving.journal.sync)
        driving.progress.show()


def _paused(limiter: Limiter) -> str:
    return f"paused by the endpoint's rate limit for {seconds:.0f} s" if (seconds := limiter.pause_s()) >= 1.0 else ""


async def _work(queue: Iterator[Owed], job: Job, driving: Driving) -> None:
    for owed in queue:
        request = job.request(owed)
        record(request, await ask(request, driving), driving)


def record(request: Request, completion: Completion, driving: Driving) -> None:
    """Journal one completion, at once."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    driving.journal.append(Entry(request.task, request.item_id, request.repeat, request.prompt_hash, completion, now))
    driving.progress.add(completion)


async def ask(request: Request, driving: Driving) -> Completion:
    """One request with its retries; what no attempt answered comes back as ``unanswered`` with the last reason.

    Every attempt that may be billed has its place in the budget.
    """
    policy, budget = driving.policy, driving.budget
    begun = time.perf_counter()
    failures: list[AttemptFailed] = []
    reserved = await budget.reserve(request)
    while True:
        outcome = await _attempt(request, driving)
        if isinstance(outcome, Completion):
            cost = driving.pricing(outcome.usage) if outcome.cost_usd is None else outcome.cost_usd
            budget.settle(reserved, cost)
            error_before = f"{type(failures[-1]).__name__}: {failures[-1]}"[:200] if failures else None
            return replace(
                outcome, attempts=len(failures) + 1, billed_attempts=_billed(failures), cost_usd=cost,
                error=error_before or outcome.error,
            )  # fmt: skip
        if isinstance(outcome, (RateLimited, Overloaded)) and (outcome.retry_after_s or 0.0) > policy.total_s:
            raise RunFailed(
                f"the endpoint asks to be left alone for {outcome.retry_after_s:,.0f} seconds ({outcome}). Everything answered "
                "is kept; give the same command again after that"
            )
        away_s = await driving.reach.regained(outcome)
        begun += away_s
        if away_s and isinstance(outcome, NotReached):
            continue  # nothing was sent: no attempt
        failures.append(outcome)
        driving.limiter.failed(outcome)
        wait = policy.wait_s(failures, time.perf_counter() - begun)
        billed = isinstance(outcome, MAY_BE_BILLED)
        if billed or wait is None:
            budget.settle(reserved, None if billed else 0.0)
        if wait is None:
            driving.reception.refuse(outcome)
            return _unanswered(failures)
        if billed:
            try:
                reserved = await budget.reserve(request)
            except BudgetReached:
                # What it may have cost is remembered; the item stays owed.
                record(request, _unanswered(failures), driving)
                raise
        await asyncio.sleep(wait)


async def _attempt(request: Request, driving: Driving) -> Completion | AttemptFailed:
    """Send one request when the limits allow it. Raises what ends the whole run."""
    if request.kind not in driving.model.kinds:
        raise UsageError(
            f"{driving.model.system.name} cannot be asked by {request.kind}, only by {', '.join(driving.model.kinds)}"
        )
    limiter = driving.limiter
    # The bound is counted only where a limit is stated: it takes a look at the whole prompt.
    slot = await limiter.acquire(
        expected_tokens(request, driving.model.system.provider) + request.max_tokens
        if limiter.tokens_per_minute
        else 0.0
    )
    try:
        await driving.reach.open()
        sent = time.perf_counter()
        async with asyncio.timeout(driving.policy.attempt_s):
            completion = await driving.model.generate(request)
    except TimeoutError:
        return TimedOut(f"no answer within {driving.policy.attempt_s:g} s")
    except AttemptFailed as error:
        if not isinstance(error, MAY_BE_GONE):
            driving.reach.replied()
        return error
    finally:
        limiter.release()
    driving.reach.replied()
    driving.reception.take()
    limiter.succeeded()
    if completion.usage.input is not None and completion.usage.output is not None:
        limiter.settle(slot, completion.usage.input + completion.usage.output)
    if driving.headroom is not None:
        left = driving.headroom()
        limiter.reported(left.requests, left.requests_reset_s)
        limiter.reported(left.tokens, left.tokens_reset_s, needed=request.max_tokens)
    latency = time.perf_counter() - sent if completion.latency_s is None else completion.latency_s
    return replace(completion, latency_s=round(latency, 4))


def _unanswered(failures: Sequence[AttemptFailed]) -> Completion:
    last = failures[-1]
    return Completion(
        "unanswered", attempts=len(failures), billed_attempts=_billed(failures), error=f"{type(last).__name__}: {last}"[:500],
        finish_reason=CONTEXT_FINISH if isinstance(last, ContextTooLong) else None,
    )  # fmt: skip


def _billed(failures: Sequence[AttemptFailed]) -> int:
    return sum(isinstance(one, MAY_BE_BILLED) for one in failures)
