"""Carry out plans: preflight, resume or start, ask, seal. One synchronous door, asynchronous inside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from harness import address, catalogue, models, sandbox, settings
from harness.errors import OpenGapError, Preflight, UnknownName, UsageError
from harness.registry import LoadedTask, Task, find_suite, find_task, load_items, own_tasks
from harness.registry.items import stable_subset
from harness.running import hardware
from harness.running.execute import Execution, RunResult, Say, execute, spent_usd, to_stderr
from harness.running.plan import Job, find_protocol, prepare
from harness.running.pricing import price_of
from harness.running.reach import PATIENCE_S
from harness.running.retry import RetryPolicy
from harness.store import read_receipts
from harness.types import System

T = TypeVar("T")
DEFAULT_SUITE = "core"
DEMO_SUITE = "demo"


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
    weights: str | Sequence[str] | None = None,
    concurrency: int | None = None,
    allow_code_execution: bool = False,
    again: bool = False,
    budget: float | None = None,
    price_in: float | None = None,
    price_out: float | None = None,
    batch: bool = False,
    policy: RetryPolicy | None = None,
    patience_s: float = PATIENCE_S,
    say: Say = to_stderr,
) -> list[RunResult]:
    """Ask one or more systems the same items the same way, and seal one run for each.

    The same call again resumes an unsealed run; where the run is sealed it returns that run, unless ``again``.
    ``budget`` is in dollars and holds for all these runs together, what was answered before included; prices are dollars
    per million tokens. ``batch`` hands requests to the provider's batch API first and asks directly what it does not bring.
    ``allow_code_execution`` is accepted from programs of before and changes nothing: code runs in the sandbox, or not at
    all. A server that goes away is waited for ``patience_s``. Works inside a running event loop (a notebook) too.

    Raises: UsageError and its subclasses before anything is sent; RunFailed, BudgetReached, StoreError or
    KeyboardInterrupt later, with everything answered so far in the journal.
    """
    execution = Execution(
        concurrency=concurrency, again=again, budget_usd=budget, price_in=price_in, price_out=price_out,
        batch=batch, policy=policy or RetryPolicy(), patience_s=patience_s, say=say,
    )  # fmt: skip
    addresses = [model] if isinstance(model, str) else list(model)
    systems = address.resolve_all(addresses, weights)
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
        unpriced=execution.unpriced(systems),
        say=say,
    )
    if batch:
        for system in systems:
            models.batch_side(models.open_model(system))
    results: list[RunResult] = []
    spent = 0.0
    for job in jobs:
        results.append(run_async(execute(job, folder, execution, spent)))
        if budget is not None:
            spent += spent_usd(job, results[-1].run, price_of(job.plan.system, price_in, price_out))
    return results


def store_for(systems: Sequence[System], flag: str | None) -> Path:
    """The store of a run. Demo systems keep to one of their own and never mix with real ones."""
    demo = {is_demo(system) for system in systems}
    if demo == {True, False}:
        raise UsageError("demo models and real ones cannot share a run: their gap would say nothing")
    if demo == {True} and flag is None:
        return settings.store_folder() / "demo"
    return settings.store_folder(flag)


def is_demo(system: System) -> bool:
    """Whether a system is one of the two bundled models."""
    card = catalogue.cards().get(system.card)
    return card is not None and card.family == "demo"


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
    unpriced: Sequence[System] = (),
    keys_needed: bool = True,
    say: Say = to_stderr,
) -> list[Job]:
    """Plans for all systems over the same loaded items; without ``keys_needed`` they are made to be looked at only.

    ``say`` gets a line about each model that was to be gone by now, and each task that a system cannot take.

    Raises: Preflight with everything that is missing at once (a system that can take no task too), UnknownName.
    """
    if repeats < 1 or (limit is not None and limit < 1):
        raise UsageError("--repeats and --limit must be at least 1")
    asked_for = [name for name, given in (("--suite", suite), ("--task", tasks), ("--items", items)) if given]
    if len(asked_for) > 1:
        raise UsageError(f"{' and '.join(asked_for)} exclude each other")
    chosen = find_protocol(protocol)
    hardware.check()
    if items is None and scorer != "exact":
        raise UsageError("--scorer belongs to --items; a task brings its own")
    for warning in filter(None, map(catalogue.retired, systems)):
        say(warning)
    for system in systems:
        if address.is_folder(system.provider, system.api_name) and catalogue.is_open(system.weights):
            say(
                f"{system.name}: weights in a folder count as open; --weights closed says that nobody else can have them"
            )
    problems = [problem for system in systems for problem in models.missing(system)] if keys_needed else []
    problems += [
        f"{system.name}: no price is known, so give --price-in and --price-out with --budget" for system in unpriced
    ]
    if items is not None:
        own = [replace(one, items=stable_subset(one.name, one.items, limit)) for one in own_tasks(items, scorer)]
        found = _Found(None, own, ())
    else:
        found = _find(tasks, suite, store, data, limit, any(map(is_demo, systems)), problems)
    if found.forbidden and not found.loaded and not problems:
        problems.append(f"{_names(found.forbidden)} not asked: {found.why_forbidden}")
    # They stay in the plan without items, so that the receipt says why they are not compared.
    loaded = [*found.loaded, *(LoadedTask(task, (), None) for task in found.forbidden)]
    refused = {task.card.name: found.why_forbidden for task in found.forbidden}
    jobs: list[Job] = []
    if not problems:
        if refused:
            say(f"{_names(found.forbidden)} not applicable: {found.why_forbidden}")
        for system in systems:
            try:
                identified = models.identify(system)
                job = prepare(
                    identified, chosen, loaded, repeats=repeats, suite=found.suite,
                    code_execution=any(one.task.card.runs_code for one in found.loaded), not_applicable=refused,
                )  # fmt: skip
                unfit = [
                    f"{system.name}: {task} does not apply: {why}"
                    for task, why in job.not_applicable.items()
                    if task not in refused
                ]
                for line in unfit if job.owed else ():
                    say(line)
                problems += [] if job.owed else unfit
                jobs.append(job)
            except UnknownName:
                raise
            except UsageError as error:
                problems.append(str(error))
    if problems:
        raise Preflight(problems)
    return jobs


@dataclass(frozen=True, slots=True)
class _Found:
    """The tasks of a plan: those whose items were loaded, and code tasks whose programs cannot be held here."""

    suite: str | None
    loaded: Sequence[LoadedTask]
    forbidden: Sequence[Task]
    why_forbidden: str = ""


def _find(
    names: Sequence[str], suite: str | None, store: Path, data: str | None, limit: int | None, demo: bool,
    problems: list[str],
) -> _Found:  # fmt: skip
    """Find and load tasks, named one by one or by their suite; what cannot be loaded is a line in ``problems``."""
    full_suite = None
    if not names:
        full_suite, members = find_suite(suite or (DEMO_SUITE if demo else DEFAULT_SUITE), demo=demo)
        names = members.tasks
    pinned, folder = _pinned_revisions(store), settings.data_folder(data)
    loaded: list[LoadedTask] = []
    forbidden: list[Task] = []
    chosen = [find_task(name) for name in dict.fromkeys(names)]
    held = sandbox.level() if any(task.card.runs_code for task in chosen) else None
    for task in chosen:
        if task.card.runs_code and held is not None and held.name is None:
            forbidden.append(task)
            continue
        try:
            loaded.append(load_items(task, folder, limit, pinned.get(_revision_key(task))))
        except OpenGapError as error:
            problems.append(str(error))
    return _Found(full_suite, loaded, forbidden, held.reason if held else "")


def _names(tasks: Sequence[Task]) -> str:
    return ", ".join(task.card.name for task in tasks)


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


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end, on a thread of its own where this one has a running loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(coroutine)
    outcome: list[T] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(_run(coroutine))
        except BaseException as error:  # handed to the caller's thread as it is
            failure.append(error)

    thread = threading.Thread(target=target, name="opengap")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """On uvloop where there is one: an eighth less CPU a request than asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(coroutine)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)
