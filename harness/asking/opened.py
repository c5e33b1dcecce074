"""A run that is being asked: its journal with its index, its model, and what bounds both. Every way of asking feeds one."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gc
import importlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from harness import models
from harness.asking.batch import Admit, Polling, at_batch_price, discounted, drive_batch, has_open_batches
from harness.asking.budget import Budget, Purse, Spent
from harness.asking.drive import Driving, Reception, drive
from harness.asking.execution import Execution
from harness.asking.limits import limiter_for
from harness.asking.plan import Job, Owed
from harness.asking.pricing import cost_usd, price_of
from harness.asking.progress import Progress
from harness.asking.reach import Reach
from harness.errors import OpenGapError
from harness.store import Journal, RunFolder, find_run, keep_plan, new_run, plan_hash, read_journal
from harness.store.layout import only_process, write_atomically
from harness.types import Entry, Receipt

IMPORT_AFTER_S = 0.1
"""By then the first requests have left."""
NEEDED_LATER = ("pyarrow.parquet", "harness.sealing.seal")
"""What sealing imports."""

Watch = Callable[[Entry], None]


class OpenRun:
    """One unsealed run. Its journal is read once, here; everything later looks at the index.

    ``watching`` gets every entry that is there or comes. ``facts`` are kept with what the adapter says of itself.
    """

    def __init__(
        self, job: Job, run: RunFolder, model: models.Model, execution: Execution, purse: Purse, *,
        started: bool = False, watching: Sequence[Watch] = (), facts: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.job, self.run = job, run
        self._model, self._execution, self._purse = model, execution, purse
        self._started, self._facts = started, facts or {}
        self._price = price_of(job.plan.system, execution.price_in, execution.price_out)
        self.spent = Spent(job, self._price)
        self.state = read_journal(run.journal, self.spent.add, *watching)
        self._journal: Journal | None = None
        self._driving: Driving | None = None
        self._progress: Progress | None = None

    def owed(self, among: Sequence[Owed]) -> list[Owed]:
        """Those of ``among`` that are not answered yet."""
        return [one for one in among if self.job.key(one) not in self.state.answered]

    def say_what_is_there(self) -> None:
        """A line about answers from before, and about lines of the journal that are damaged."""
        planned = len(self.job.owed)
        if done := planned - len(self.owed(self.job.owed)):
            self._execution.say(f"resuming run {self.run.run_id}: {done} of {planned} answers are there")
        if self.state.damaged:
            self._execution.say(
                f"{self.state.damaged} damaged journal lines were skipped; items without another answer are asked again"
            )

    async def ask(self, among: Sequence[Owed]) -> None:
        """Ask what is owed of these. The model is started when something is.

        Raises: RunFailed, BudgetReached, StoreError, CancelledError; whatever was answered is in the journal.
        """
        new = not self.state.answered
        owed: Sequence[Owed] = self.owed(among)
        if not owed:
            return
        try:
            if self._driving is None:
                self._driving, owed = await self._begin(owed)
            if owed:
                await drive(self.job, owed, self._driving, self.concurrency)
        except BaseExceptionGroup as group:
            raise first_error(group) from None
        for line in getattr(self._model, "unmatched", list)() if new else ():
            self._execution.say(line)

    @property
    def concurrency(self) -> int:
        return self._execution.concurrency or self._model.default_concurrency

    async def _begin(self, owed: Sequence[Owed]) -> tuple[Driving, Sequence[Owed]]:
        """Start, and hand over what goes by batch. Returns what drives the rest, and the rest."""
        job, execution, model, system = self.job, self._execution, self._model, self.job.plan.system
        done = len(job.owed) - len(self.owed(job.owed))
        self._journal = Journal(self.run.journal, self.state)
        if not self._started:
            await model.start()
        write_atomically(self.run.engine, msgspec.json.encode({**model.describe(), **self._facts}))
        self._progress = progress = Progress(system.name, len(job.owed), done)
        reach = Reach(system.name, getattr(model, "probe", None), execution.patience_s)
        if execution.batch or has_open_batches(self.run.journal):
            progress.held_up = reach.away
            await reach.contact()
            owed = await drive_batch(
                job, owed, model, self._journal, pricing=at_batch_price(self._price), progress=progress, say=execution.say,
                admission=self._admission, polling=Polling(patience_s=execution.patience_s),
            )  # fmt: skip
        # Half a million objects of imported modules live as long as the process: the collector need not walk them
        # again and again while answers come in (a tenth of the CPU a request).
        gc.freeze()
        loop = asyncio.get_running_loop()
        loop.call_later(IMPORT_AFTER_S, loop.run_in_executor, None, _import_ahead)
        return Driving(
            model=model,
            journal=self._journal,
            limiter=limiter_for(system, self.concurrency),
            budget=Budget(execution.budget_usd, self._price, self.spent.usd, system.provider, self._purse),
            policy=execution.policy,
            pricing=partial(cost_usd, self._price),
            progress=progress,
            reach=reach,
            headroom=getattr(model, "headroom", None),
            reception=Reception(len(job.owed), resumed=done > 0),
        ), owed

    def _admission(self) -> Admit:
        """A fresh rule for a round of batches. Without --batch nothing more is handed over, but what is out is waited for
        rather than paid twice.
        """
        if not self._execution.batch:
            return lambda request: False
        spent = self._purse.spent_usd + self.spent.usd
        provider = self.job.plan.system.provider
        return Budget(self._execution.budget_usd, discounted(self._price), spent, provider).admit

    async def seal(self, asked: Sequence[Owed] | None = None) -> Receipt:
        """Grade and seal what the journal holds. ``asked``: the requests that were made, where it was not all of them."""
        await self._model.close()
        self.close()
        from harness.sealing.seal import seal

        return await seal(
            self.job.answers(self.run, self.state, asked), self.run, start_of(self.run), self._execution.grader
        )

    def close(self) -> None:
        """End the journal's segment; may be called twice."""
        journal, self._journal = self._journal, None
        try:
            if journal is not None:
                journal.close()
        finally:
            if self._driving is not None:
                gc.unfreeze()
            progress, self._progress, self._driving = self._progress, None, None
            if progress is not None:
                progress.show(final=True)


@contextlib.asynccontextmanager
async def open_run(
    job: Job, store: Path, execution: Execution, purse: Purse, *, watching: Sequence[Watch] = (),
    facts: Mapping[str, Any] | None = None,
) -> AsyncIterator[OpenRun]:  # fmt: skip
    """Hold the unsealed run of a plan, or a new one, against other processes. A system that cannot start leaves no run."""
    digest = plan_hash(job.plan)
    model = models.open_model(job.plan.system)
    try:
        with only_process(store, digest):
            # Another process may have begun or ended it since.
            unsealed = find_run(store, digest, sealed=False)
            if unsealed is None:
                await model.start()
            run = unsealed or new_run(store, job.plan)
            with run.locked():
                keep_plan(run, job.plan)
                opened = OpenRun(
                    job, run, model, execution, purse, started=unsealed is None, watching=watching, facts=facts
                )
                try:
                    yield opened
                finally:
                    opened.close()
    finally:
        await model.close()


def start_of(run: RunFolder) -> str:
    """When a run was started, from its id."""
    return dt.datetime.strptime(run.run_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC).isoformat()


def _import_ahead() -> None:
    """Import what sealing needs while the first answers are on their way."""
    for name in NEEDED_LATER:
        importlib.import_module(name)


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that stopped the workers; the others only echo it."""
    known = group.subgroup(OpenGapError)
    error: BaseException = known or group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
