"""Carry out one plan: resume or start its run, ask what is owed, seal."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gc
import importlib
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from harness import models
from harness.errors import OpenGapError, UsageError
from harness.running.batch import Admit, Polling, at_batch_price, discounted, drive_batch, has_open_batches
from harness.running.budget import Budget
from harness.running.limits import limiter_for
from harness.running.live import Driving, Reception, drive
from harness.running.plan import Job
from harness.running.pricing import cost_usd, is_known, price_of
from harness.running.progress import Progress
from harness.running.reach import PATIENCE_S, Reach
from harness.running.retry import RetryPolicy
from harness.running.scoring import seal
from harness.store import (
    Journal,
    RunFolder,
    find_run,
    keep_plan,
    new_run,
    plan_hash,
    protocol_label,
    read_journal,
    read_receipt,
)
from harness.store.journal import all_entries
from harness.store.layout import only_process, write_atomically
from harness.types import Price, Receipt, System

Say = Callable[[str], None]


def to_stderr(line: str) -> None:
    """Where a run says what it does. That nobody can read it is no reason to stop asking."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Execution:
    """How plans are carried out; nothing here changes what is asked, so none of it is part of a plan."""

    concurrency: int | None = None
    again: bool = False
    again_since: dt.datetime | None = None
    """Ask anew what was asked before this time, with its zone: a scheduled job that is started twice asks once."""
    budget_usd: float | None = None
    price_in: float | None = None
    price_out: float | None = None
    batch: bool = False
    """Hand requests to the provider's batch API first; what it does not bring is asked directly."""
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    patience_s: float = PATIENCE_S
    """How long a server that has replied before may be away."""
    say: Say = to_stderr

    def __post_init__(self) -> None:
        """UsageError if a number makes no sense."""
        if self.concurrency is not None and self.concurrency < 1:
            raise UsageError("--concurrency must be at least 1")
        for flag, dollars in (
            ("--budget", self.budget_usd),
            ("--price-in", self.price_in),
            ("--price-out", self.price_out),
        ):
            if dollars is not None and not (math.isfinite(dollars) and dollars >= 0):
                raise UsageError(f"{flag} must be a number of dollars of at least 0, not {dollars}")
        if not self.patience_s >= 0:
            raise UsageError(f"--patience must be at least 0 seconds, not {self.patience_s}")
        if self.policy.attempts < 1:
            raise UsageError("--attempts must be at least 1")
        if not self.policy.attempt_s > 0:
            raise UsageError(f"--attempt-timeout must be above 0 seconds, not {self.policy.attempt_s}")

    def anew(self, sealed: RunFolder) -> bool:
        """Whether a plan is asked again although this run of it is done."""
        earlier = self.again_since is not None and dt.datetime.fromisoformat(start_of(sealed)) < self.again_since
        return self.again or earlier

    def unpriced(self, systems: Sequence[System]) -> list[System]:
        """The systems whose price a budget would need and nobody knows."""
        if self.budget_usd is None:
            return []
        return [system for system in systems if price_of(system, self.price_in, self.price_out) is None]


@dataclass(frozen=True, slots=True)
class RunResult:
    """One plan carried out: its sealed run."""

    run: RunFolder
    receipt: Receipt
    fresh: bool
    """False: the plan was done before and nothing was asked."""

    @property
    def exit_code(self) -> int:
        """0 if every item was answered, 1 otherwise; 0 for a run that was done before."""
        return int(self.fresh and self.receipt.counts["answered"] < self.receipt.counts["planned"])


async def execute(job: Job, store: Path, execution: Execution, spent_before: float = 0.0) -> RunResult:
    """Resume the plan's unsealed run, or show its sealed one, or start a new one.

    ``spent_before``: dollars of the budget that other runs have taken.

    Raises: RunFailed, BudgetReached, StoreError, CancelledError; whatever was answered is in the journal.
    """
    plan, say = job.plan, execution.say
    digest = plan_hash(plan)
    unsealed = find_run(store, digest, sealed=False)
    sealed = find_run(store, digest, sealed=True)
    if unsealed is None and sealed is not None and not execution.anew(sealed):
        say(f"{plan.system.name}: done in run {sealed.run_id}; use --again to ask anew")
        return RunResult(sealed, read_receipt(sealed), fresh=False)
    dtype = plan.system.options.get("dtype")
    say(
        f"{plan.system.name} [{plan.system.weights}] · engine {plan.system.provider}"
        + (f", dtype {dtype}" if dtype else "")
        + f" · protocol {protocol_label(plan.protocol)} · store {store}"
    )
    model = models.open_model(plan.system)
    try:
        with only_process(store, digest):
            # Another process may have begun or ended it since.
            unsealed = find_run(store, digest, sealed=False)
            # A system that cannot start leaves no run behind.
            if unsealed is None:
                await model.start()
            run = unsealed or new_run(store, plan)
            with run.locked():
                keep_plan(run, plan)
                await _ask(job, run, model, execution, spent_before, started=unsealed is None)
                await model.close()
                receipt = await asyncio.to_thread(seal, job, run, start_of(run))
    finally:
        await model.close()
    return RunResult(run, receipt, fresh=True)


def start_of(run: RunFolder) -> str:
    """When a run was started, from its id."""
    return dt.datetime.strptime(run.run_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC).isoformat()


async def _ask(
    job: Job, run: RunFolder, model: models.Model, execution: Execution, spent_before: float, *, started: bool
) -> None:
    state = read_journal(run.journal)
    names = [task.name for task in job.tasks]
    owed = [
        one for one in job.owed if (names[one.task], one.item.id, one.repeat, one.prompt_hash) not in state.answered
    ]
    done = len(job.owed) - len(owed)
    if done:
        execution.say(f"resuming run {run.run_id}: {done} of {len(job.owed)} answers are there")
    if state.damaged:
        execution.say(
            f"{state.damaged} damaged journal lines were skipped; items without another answer are asked again"
        )
    if not owed:
        return
    system = job.plan.system
    price = price_of(system, execution.price_in, execution.price_out)
    journal = Journal(run.journal)
    progress: Progress | None = None
    try:
        if not started:
            await model.start()
        write_atomically(run.engine, msgspec.json.encode(model.describe()))
        progress = Progress(system.name, len(job.owed), done)
        reach = Reach(system.name, getattr(model, "probe", None), execution.patience_s)
        if execution.batch or has_open_batches(run.journal):
            # Without --batch nothing more is handed over, but what is out is waited for rather than paid twice.
            def admission() -> Admit:
                if not execution.batch:
                    return lambda request: False
                spent = spent_before + spent_usd(job, run, price)
                return Budget(execution.budget_usd, discounted(price), spent, system.provider).admit

            progress.held_up = reach.away
            await reach.contact()
            owed = await drive_batch(
                job, owed, model, journal, pricing=at_batch_price(price), progress=progress, say=execution.say,
                admission=admission, polling=Polling(patience_s=execution.patience_s),
            )  # fmt: skip
        concurrency = execution.concurrency or model.default_concurrency
        driving = Driving(
            model=model,
            journal=journal,
            limiter=limiter_for(system, concurrency),
            budget=Budget(
                execution.budget_usd,
                price,
                spent_before + spent_usd(job, run, price) if execution.budget_usd is not None else 0.0,
                system.provider,
            ),
            policy=execution.policy,
            pricing=partial(cost_usd, price),
            progress=progress,
            reach=reach,
            headroom=getattr(model, "headroom", None),
            reception=Reception(len(job.owed), resumed=done > 0),
        )
        # Half a million objects of imported modules live as long as the process: the collector need not walk them
        # again and again while answers come in (a tenth of the CPU a request).
        gc.freeze()
        importing = asyncio.get_running_loop().run_in_executor(None, _import_ahead)
        await drive(job, owed, driving, concurrency)
        await importing
        for line in getattr(model, "unmatched", list)() if not done else ():
            execution.say(line)
    except BaseExceptionGroup as group:
        raise first_error(group) from None
    finally:
        journal.close()
        gc.unfreeze()
        if progress is not None:
            progress.show(final=True)


def _import_ahead() -> None:
    """Import what sealing and reading need while the first answers are on their way: half a second less at the end."""
    for name in ("pandas", "duckdb", "scipy.special"):
        importlib.import_module(name)


def spent_usd(job: Job, run: RunFolder, price: Price | None) -> float:
    """Dollars of everything in a run's journal. An answer of unknown cost counts at the list price of its usage, and where
    not even that came back at the most that it can have cost; so does a failed attempt that may have been billed.
    """
    most = Budget(None, price, provider=job.plan.system.provider).most
    requests = {(job.tasks[one.task].name, one.item.id, one.repeat): one for one in job.owed}
    spent = 0.0
    for entry in all_entries(run.journal):
        answer, owed = entry.completion, requests.get((entry.task, entry.item_id, entry.repeat))
        cost = 0.0 if answer.status == "unanswered" else answer.cost_usd
        if cost is None:
            cost = cost_usd(price, answer.usage)
        unknown = answer.billed_attempts + (cost is None)
        if unknown and owed and is_known(price):
            spent += unknown * most(job.request(owed))
        spent += cost or 0.0
    return spent


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that stopped the workers; the others only echo it."""
    known = group.subgroup(OpenGapError)
    error: BaseException = known or group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
