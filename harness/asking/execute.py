"""Carry out one plan: resume or start its run, ask what is owed, seal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.asking.budget import Purse, Spent
from harness.asking.execution import Execution
from harness.asking.opened import open_run, start_of
from harness.asking.plan import Job
from harness.asking.pricing import price_of
from harness.store import RunFolder, find_run, plan_hash, protocol_label, read_journal, read_receipt
from harness.types import Receipt


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


def sealed_run(job: Job, store: Path, execution: Execution) -> RunFolder | None:
    """The run in which a plan is done already; None: it is to be asked."""
    digest = plan_hash(job.plan)
    if find_run(store, digest, sealed=False) is not None:
        return None
    sealed = find_run(store, digest, sealed=True)
    return None if sealed is None or execution.anew(start_of(sealed)) else sealed


async def execute(job: Job, store: Path, execution: Execution, purse: Purse | None = None) -> RunResult:
    """Resume the plan's unsealed run, or show its sealed one, or start a new one.

    ``purse``: what other runs have spent of the budget; what this one spends is added.

    Raises: RunFailed, BudgetReached, StoreError, CancelledError; whatever was answered is in the journal.
    """
    plan, say, purse = job.plan, execution.say, purse or Purse()
    if (sealed := sealed_run(job, store, execution)) is not None:
        say(f"{plan.system.name}: done in run {sealed.run_id}; use --again to ask anew")
        if execution.budget_usd is not None:
            spent = Spent(job, price_of(plan.system, execution.price_in, execution.price_out))
            read_journal(sealed.journal, spent.add)
            purse.spent_usd += spent.usd
        return RunResult(sealed, read_receipt(sealed), fresh=False)
    say(introduction(job, store))
    async with open_run(job, store, execution, purse) as opened:
        opened.say_what_is_there()
        await opened.ask(job.owed)
        receipt = await opened.seal()
    return RunResult(opened.run, receipt, fresh=True)


def introduction(job: Job, store: Path) -> str:
    """The first line of a run: which system, on what engine, asked how, kept where."""
    system = job.plan.system
    dtype = system.options.get("dtype")
    return (
        f"{system.name} [{system.weights}] · engine {system.provider}"
        + (f", dtype {dtype}" if dtype else "")
        + f" · protocol {protocol_label(job.plan.protocol)} · store {store}"
    )
