"""Carry out plans: preflight, resume or start, ask, seal. One synchronous door, asynchronous inside."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from harness import address, models, settings
from harness.errors import OpenGapError, Preflight, UnknownName, UsageError
from harness.registry import LoadedTask, Task, find_suite, find_task, load_items, own_tasks
from harness.registry.items import stable_subset
from harness.running.live import drive
from harness.running.plan import Job, find_protocol, prepare
from harness.running.pricing import pricing_for
from harness.running.progress import Progress
from harness.running.retry import RetryPolicy
from harness.running.scoring import seal
from harness.store import Journal, RunFolder, find_run, new_run, plan_hash, read_journal, read_receipt, read_receipts
from harness.store.layout import write_atomically
from harness.types import Receipt, System

T = TypeVar("T")
DEFAULT_SUITE = "core"
DEMO_SUITE = "demo"
Say = Callable[[str], None]


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


def to_stderr(line: str) -> None:
    """Where a run says what it does."""
    print(line, file=sys.stderr, flush=True)


def evaluate(
    model: str | Sequence[str],
    *,
    suite: str | None = None,
    tasks: Sequence[str] = (),
    items: str | Path | None = None,
    scorer: str = "exact",
    protocol: str = "matched",
    limit: int | None = None,
    repeats: int = 1,
    data: str | None = None,
    store: str | Path | None = None,
    weights: str | None = None,
    concurrency: int | None = None,
    allow_code_execution: bool = False,
    again: bool = False,
    policy: RetryPolicy | None = None,
    say: Say = to_stderr,
) -> list[RunResult]:
    """Ask one or more systems the same items the same way, and seal one run for each.

    The same call again resumes an unsealed run; where the run is sealed it returns that run, unless ``again``.
    Works inside a running event loop (a notebook) too.

    Raises: UsageError and its subclasses before anything is sent; RunFailed, StoreError or KeyboardInterrupt later,
    with everything answered so far in the journal.
    """
    if repeats < 1 or (limit is not None and limit < 1) or (concurrency is not None and concurrency < 1):
        raise UsageError("--repeats, --limit and --concurrency must be at least 1")
    addresses = [model] if isinstance(model, str) else list(model)
    systems = [address.resolve(text, weights) for text in addresses]
    folder = store_for(systems, str(store) if store else None)
    jobs = plan_jobs(
        systems,
        folder,
        suite=suite,
        tasks=tasks,
        items=Path(items) if items else None,
        scorer=scorer,
        protocol=protocol,
        limit=limit,
        repeats=repeats,
        data=data,
        allow_code_execution=allow_code_execution,
    )
    return [_carry_out(job, folder, concurrency, again, policy or RetryPolicy(), say) for job in jobs]


def store_for(systems: Sequence[System], flag: str | None) -> Path:
    """The store of a run. Demo systems keep to one of their own and never mix with real ones."""
    demo = {system.card.startswith("demo-") for system in systems}
    if demo == {True, False}:
        raise UsageError("demo models and real ones cannot share a run: their gap would say nothing")
    if demo == {True} and flag is None:
        return settings.store_folder() / "demo"
    return settings.store_folder(flag)


def plan_jobs(
    systems: Sequence[System],
    store: Path,
    *,
    suite: str | None = None,
    tasks: Sequence[str] = (),
    items: Path | None = None,
    scorer: str = "exact",
    protocol: str = "matched",
    limit: int | None = None,
    repeats: int = 1,
    data: str | None = None,
    allow_code_execution: bool = False,
) -> list[Job]:
    """Plans for all systems over the same loaded items. Raises Preflight with everything that is missing at once."""
    asked_for = [name for name, given in (("--suite", suite), ("--task", tasks), ("--items", items)) if given]
    if len(asked_for) > 1:
        raise UsageError(f"{' and '.join(asked_for)} exclude each other")
    chosen = find_protocol(protocol)
    problems = [problem for system in systems for problem in models.missing(system)]
    loaded: list[LoadedTask] = []
    full_suite = None
    if items is not None:
        loaded = [_limited(task, limit) for task in own_tasks(items, scorer)]
    else:
        names: Sequence[str] = tasks
        if not tasks:
            demo = any(system.card.startswith("demo-") for system in systems)
            full_suite, found = find_suite(suite or (DEMO_SUITE if demo else DEFAULT_SUITE))
            names = found.tasks
        members = [find_task(name) for name in dict.fromkeys(names)]
        pinned = _pinned_revisions(store)
        folder = settings.data_folder(data)
        for task in members:
            try:
                loaded.append(load_items(task, folder, limit, pinned.get(_revision_key(task))))
            except OpenGapError as error:
                problems.append(str(error))
    runs_code = [task.name for task in loaded if task.task.card.runs_code]
    if runs_code and not allow_code_execution:
        problems.append(f"{', '.join(runs_code)} runs code that models write: give --allow-code-execution to accept that")
    jobs: list[Job] = []
    if not problems:
        for system in systems:
            try:
                identified = models.identify(system)
                jobs.append(
                    prepare(identified, chosen, loaded, repeats=repeats, suite=full_suite, code_execution=bool(runs_code))
                )
            except UnknownName:
                raise
            except UsageError as error:
                problems.append(str(error))
    if problems:
        raise Preflight(problems)
    return jobs


def _limited(task: LoadedTask, limit: int | None) -> LoadedTask:
    return replace(task, items=stable_subset(task.name, task.items, limit))


def _revision_key(task: Task) -> tuple[str, int]:
    return task.card.name, task.card.version


def _pinned_revisions(store: Path) -> dict[tuple[str, int], str]:
    """Revisions that earlier runs of this store used: later runs ask the same items."""
    receipts, _ = read_receipts(store)
    return {
        (planned.card.name, planned.card.version): planned.revision
        for _, receipt in receipts
        for planned in receipt.tasks
        if planned.revision and not planned.revision.startswith("sha256:")
    }


def _carry_out(
    job: Job, store: Path, concurrency: int | None, again: bool, policy: RetryPolicy, say: Say
) -> RunResult:
    plan = job.plan
    digest = plan_hash(plan)
    unsealed = find_run(store, digest, sealed=False)
    sealed = find_run(store, digest, sealed=True)
    if unsealed is None and sealed is not None and not again:
        say(f"{plan.system.name}: done in run {sealed.run_id}; use --again to ask anew")
        return RunResult(sealed, read_receipt(sealed), fresh=False)
    dtype = plan.system.options.get("dtype")
    say(
        f"{plan.system.name} [{plan.system.weights}] · engine {plan.system.provider}"
        + (f", dtype {dtype}" if dtype else "")
        + f" · protocol {plan.protocol.name}@{plan.protocol.version} · store {store}"
    )
    run = unsealed or new_run(store, plan)
    with run.locked():
        receipt = run_async(_ask_and_seal(job, run, concurrency, policy, say))
    return RunResult(run, receipt, fresh=True)


async def _ask_and_seal(job: Job, run: RunFolder, concurrency: int | None, policy: RetryPolicy, say: Say) -> Receipt:
    state = read_journal(run.journal)
    names = [task.name for task in job.tasks]
    owed = [
        one for one in job.owed if (names[one.task], one.item.id, one.repeat, one.prompt_hash) not in state.answered
    ]
    done = len(job.owed) - len(owed)
    if done:
        say(f"resuming run {run.run_id}: {done} of {len(job.owed)} answers are there")
    if state.damaged:
        say(f"{state.damaged} damaged journal lines were skipped; their items are asked again")
    started = dt.datetime.strptime(run.run_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC).isoformat()
    if owed:
        model = models.open_model(job.plan.system)
        journal = Journal(run.journal)
        progress: Progress | None = None
        try:
            await model.start()
            progress = Progress(job.plan.system.name, len(job.owed), done)
            write_atomically(run.engine, msgspec.json.encode(model.describe()))
            await drive(
                job,
                owed,
                model,
                journal,
                concurrency=concurrency or model.default_concurrency,
                policy=policy,
                pricing=pricing_for(job.plan.system),
                progress=progress,
            )
        except BaseExceptionGroup as group:
            raise _first(group) from None
        finally:
            journal.close()
            if progress is not None:
                progress.show(final=True)
            await model.close()
    return await asyncio.to_thread(seal, job, run, started)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that stopped the workers; the others only echo it."""
    leaves = list(_leaves(group))
    known = [error for error in leaves if isinstance(error, OpenGapError)]
    return known[0] if known else leaves[0]


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end, on a thread of its own where this one has a running loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    outcome: list[T] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(asyncio.run(coroutine))
        except BaseException as error:  # handed to the caller's thread as it is
            failure.append(error)

    thread = threading.Thread(target=target, name="opengap")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
