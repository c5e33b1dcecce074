"""Carry out plans: preflight, resume or start, ask, seal. One synchronous door, asynchronous inside."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from harness import address, catalogue, models, sandbox, settings
from harness.adapters import FIRST_ENGINE
from harness.asking.asked import Asked
from harness.asking.budget import Purse
from harness.asking.execute import RunResult, execute
from harness.asking.execution import Execution, Say, is_demo, to_stderr
from harness.asking.plan import Job, elsewhere, find_protocol, prepare
from harness.asking.reach import PATIENCE_S
from harness.asking.retry import RetryPolicy
from harness.errors import OpenGapError, Preflight, UnknownName, UsageError
from harness.models import Ready
from harness.registry import LoadedTask, Task, find_suite, find_task, load_items, own_tasks
from harness.registry.items import stable_subset
from harness.sealing import hardware
from harness.store import read_receipts
from harness.types import Protocol, System

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
    again_since: dt.datetime | None = None,
    budget: float | None = None,
    price_in: float | None = None,
    price_out: float | None = None,
    batch: bool = False,
    policy: RetryPolicy | None = None,
    patience_s: float = PATIENCE_S,
    say: Say = to_stderr,
) -> list[RunResult]:
    """Ask one or more systems the same items the same way, and seal one run for each.

    The same call again resumes an unsealed run; where the run is sealed it returns that run, unless ``again``
    or it started before ``again_since``.
    ``budget`` is in dollars and holds for all these runs together, what was answered before included; prices are dollars
    per million tokens. ``batch`` hands requests to the provider's batch API first and asks directly what it does not bring.
    ``allow_code_execution`` is accepted from programs of before and changes nothing: code runs in the sandbox, or not at
    all. A server that goes away is waited for ``patience_s``. Works inside a running event loop (a notebook) too.

    Raises: UsageError and its subclasses before anything is sent; RunFailed, BudgetReached, StoreError or
    KeyboardInterrupt later, with everything answered so far in the journal.
    """
    execution = Execution(
        store=store, concurrency=concurrency, again=again, again_since=again_since, budget_usd=budget,
        price_in=price_in, price_out=price_out, batch=batch, policy=policy or RetryPolicy(), patience_s=patience_s, say=say,
    )  # fmt: skip
    asked = Asked(
        models=(model,) if isinstance(model, str) else tuple(model), suite=suite, tasks=tuple(tasks),
        items=Path(items) if items else None, scorer=scorer, protocol=protocol, limit=limit, repeats=repeats, data=data,
        weights=(weights,) if isinstance(weights, str) else tuple(weights or ()),
    )  # fmt: skip
    return carry_out(asked, execution)


def carry_out(asked: Asked, execution: Execution) -> list[RunResult]:
    """One sealed run for each system, one after the other. Raises what ``evaluate`` does."""
    systems = asked.systems()
    store = execution.folder(systems)
    jobs = plan_jobs(asked, execution, systems)
    if execution.batch:
        for system in systems:
            models.batch_side(models.open_model(system))
    purse = Purse()
    return [run_async(execute(job, store, execution, purse)) for job in jobs]


def check(asked: Asked) -> None:
    """Whether these names mean something, before an engine is installed or anything loaded. UsageError where not."""
    systems = address.resolve_all(asked.models, asked.weights, engine=FIRST_ENGINE)
    find_protocol(asked.protocol)
    if asked.items is None:
        _members(asked, systems)
    elif not asked.items.is_file():
        raise UsageError(f"there is no file {str(asked.items)!r}")


def _members(asked: Asked, systems: Sequence[System]) -> tuple[str | None, list[Task]]:
    """The suite, where one is run, and the tasks that are asked for. UnknownName."""
    full_suite, names = None, asked.tasks
    if not names:
        demo = any(map(is_demo, systems))
        full_suite, found = find_suite(asked.suite or (DEMO_SUITE if demo else DEFAULT_SUITE), demo=demo)
        names = found.tasks
    return full_suite, [find_task(name) for name in dict.fromkeys(names)]


def plan_jobs(asked: Asked, execution: Execution, systems: Sequence[System], *, keys_needed: bool = True) -> list[Job]:
    """Plans for all systems over the same loaded items; without ``keys_needed`` they are made to be looked at only.

    ``execution.say`` gets a line about each model that was to be gone by now, and each task that a system cannot take.

    Raises: Preflight with everything that is missing at once (a system that can take no task too), UnknownName.
    """
    chosen = find_protocol(asked.protocol)
    hardware.check()
    _say_of_systems(systems, execution.say)
    problems = [
        f"{system.name}: no price is known, so give --price-in and --price-out with --budget"
        for system in (execution.unpriced(systems) if keys_needed else ())
    ]
    if asked.items is not None:
        own = own_tasks(asked.items, asked.scorer)
        found = _Found(None, [replace(one, items=stable_subset(one.name, one.items, asked.limit)) for one in own], ())
    else:
        found = _load(asked, *_members(asked, systems), execution.folder(systems), problems)
    if found.forbidden and not found.loaded and not problems:
        problems.append(f"{_names(found.forbidden)} not asked: {found.why_forbidden}")
    # Weights are fetched when everything else is there.
    readied = models.ready(systems, chosen, check=keys_needed, complete=not problems)
    problems = [*(line for one in readied for line in one.problems), *problems]
    if problems:
        raise Preflight(problems)
    if found.forbidden:
        execution.say(f"{_names(found.forbidden)} not applicable: {found.why_forbidden}")
    jobs = _jobs(asked, readied, chosen, found, execution.say, problems)
    if problems:
        raise Preflight(problems)
    return jobs


def _say_of_systems(systems: Sequence[System], say: Say) -> None:
    for warning in filter(None, map(catalogue.retired, systems)):
        say(warning)
    for system in systems:
        if address.is_folder(system.provider, system.api_name) and catalogue.is_open(system.weights):
            say(
                f"{system.name}: weights in a folder count as open; --weights closed says that nobody else can have them"
            )


def _jobs(
    asked: Asked, readied: Sequence[Ready], protocol: Protocol, found: _Found, say: Say, problems: list[str]
) -> list[Job]:
    """One plan a system; what a system cannot take at all is a line in ``problems``."""
    # They stay in the plan without items, so that the receipt says why they are not compared.
    loaded = [*found.loaded, *(LoadedTask(task, (), None) for task in found.forbidden)]
    refused = {task.card.name: found.why_forbidden for task in found.forbidden}
    jobs: list[Job] = []
    for one in readied:
        system = one.system
        try:
            job = prepare(
                one, elsewhere(protocol) if models.asked_elsewhere(system) else protocol, loaded, repeats=asked.repeats, suite=found.suite, seed=asked.seed,
                code_execution=any(each.task.card.runs_code for each in found.loaded), not_applicable=refused,
            )  # fmt: skip
        except UnknownName:
            raise
        except UsageError as error:
            problems.append(str(error))
            continue
        unfit = [
            f"{system.name}: {task} does not apply: {why}"
            for task, why in job.not_applicable.items()
            if task not in refused
        ]
        for line in unfit if job.owed else ():
            say(line)
        problems += [] if job.owed else unfit
        jobs.append(job)
    return jobs


@dataclass(frozen=True, slots=True)
class _Found:
    """The tasks of a plan: those whose items were loaded, and code tasks whose programs cannot be held here."""

    suite: str | None
    loaded: Sequence[LoadedTask]
    forbidden: Sequence[Task]
    why_forbidden: str = ""


def _load(asked: Asked, full_suite: str | None, members: Sequence[Task], store: Path, problems: list[str]) -> _Found:
    """The items of tasks that may be asked; what cannot be loaded is a line in ``problems``."""
    pinned, folder = _pinned_revisions(store), settings.data_folder(asked.data)
    loaded: list[LoadedTask] = []
    forbidden: list[Task] = []
    held = sandbox.level() if any(task.card.runs_code for task in members) else None
    for task in members:
        if task.card.runs_code and held is not None and held.name is None:
            forbidden.append(task)
            continue
        try:
            loaded.append(load_items(task, folder, asked.limit, pinned.get(_revision_key(task))))
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
