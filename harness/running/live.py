"""The live driver: keeps a fixed number of requests in flight and journals each answer before it looks at the next."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from harness.errors import AttemptFailed, ContextTooLong
from harness.models import Model
from harness.running.plan import Job, Owed
from harness.running.progress import Progress
from harness.running.retry import RetryPolicy
from harness.store import Journal
from harness.types import Completion, Entry, Request, Usage

SYNC_EVERY_S = 1.0

CONTEXT_FINISH = "context_length"
"""Finish reason of an unanswered row whose item does not fit the system's context window."""

Pricing = Callable[[Usage], float | None]


async def drive(
    job: Job,
    owed: Sequence[Owed],
    model: Model,
    journal: Journal,
    *,
    concurrency: int,
    policy: RetryPolicy,
    pricing: Pricing,
    progress: Progress,
) -> None:
    """Ask everything that is owed. Every request ends as one journal entry, answered or not.

    Raises: RunFailed (no request can succeed), StoreError (the journal cannot be written), CancelledError
    (interrupted); whatever was journalled stays.
    """
    queue = iter(owed)

    async with asyncio.TaskGroup() as group:
        syncing = group.create_task(_sync(journal, progress))
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(concurrency, len(owed))):
                workers.create_task(_work(queue, job, model, journal, policy, pricing, progress))
        syncing.cancel()


async def _sync(journal: Journal, progress: Progress) -> None:
    while True:
        await asyncio.sleep(SYNC_EVERY_S)
        # fdatasync may take long on a network file system, so it stays off the loop.
        await asyncio.to_thread(journal.sync)
        progress.show()


async def _work(
    queue: Iterator[Owed],
    job: Job,
    model: Model,
    journal: Journal,
    policy: RetryPolicy,
    pricing: Pricing,
    progress: Progress,
) -> None:
    for owed in queue:
        request = job.request(owed)
        completion = await ask(model, request, policy)
        if completion.cost_usd is None and completion.status != "unanswered":
            completion = replace(completion, cost_usd=pricing(completion.usage))
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        journal.append(Entry(request.task, request.item_id, request.repeat, request.prompt_hash, completion, now))
        progress.add(completion)


async def ask(model: Model, request: Request, policy: RetryPolicy) -> Completion:
    """One request with its retries; what no attempt answered comes back as ``unanswered`` with the last reason."""
    begun = time.perf_counter()
    attempt = 0
    while True:
        attempt += 1
        sent = time.perf_counter()
        try:
            completion = await model.generate(request)
        except AttemptFailed as error:
            wait = policy.wait_s(attempt, error, time.perf_counter() - begun)
            if wait is None:
                reason = f"{type(error).__name__}: {error}"
                finish = CONTEXT_FINISH if isinstance(error, ContextTooLong) else None
                return Completion("unanswered", attempts=attempt, error=reason[:500], finish_reason=finish)
            await asyncio.sleep(wait)
            continue
        latency = completion.latency_s if completion.latency_s is not None else time.perf_counter() - sent
        return replace(completion, latency_s=round(latency, 4), attempts=attempt)
