"""Today's scorer on answers that are stored already: a new run that names the run holding the answers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from harness import settings
from harness.errors import Refused, UnknownName, UsageError
from harness.registry import LoadedTask, find_task, load_items
from harness.running.execute import RunResult, start_of
from harness.running.plan import Job, prepare
from harness.running.scoring import seal
from harness.store import RunFolder, list_runs, new_run, read_plan, read_receipt
from harness.types import Plan, PlannedTask


def rescore(run_id: str, store: Path, *, data: str | None = None, allow_code_execution: bool = False) -> RunResult:
    """Score a sealed run's answers anew. Nothing is asked and the old run stays as it is.

    Raises: UnknownName (no such sealed run), UsageError (code tasks without permission, own questions whose file is not
    known), Refused (the items are no longer those that were asked).
    """
    sealed = {run.run_id: run for run in list_runs(store) if run.sealed}
    if run_id not in sealed:
        raise UnknownName("sealed run", run_id, sealed, hint="(`opengap runs` lists them)")
    source = answers_of(sealed[run_id], sealed)
    plan = read_plan(source)
    if any(task.card.runs_code for task in plan.tasks) and not allow_code_execution:
        raise UsageError("scoring this run runs code that models wrote: give --allow-code-execution to accept that")
    tasks = [_reload(task, data) for task in plan.tasks]
    job = prepare(
        plan.system, plan.protocol, tasks, repeats=plan.repeats, suite=plan.suite, code_execution=plan.code_execution
    )
    _check(plan, job)
    job = dataclasses.replace(job, plan=dataclasses.replace(job.plan, answers_run=source.run_id))
    run = new_run(store, job.plan)
    receipt = seal(job, run, start_of(source), answers=source)
    return RunResult(run, receipt, fresh=True)


def answers_of(run: RunFolder, sealed: dict[str, RunFolder]) -> RunFolder:
    """The run that holds the answers: itself, or the one that a rescored run names."""
    named = read_receipt(run).answers_run
    if named is None:
        return run
    if named not in sealed:
        raise UsageError(f"{run.run_id} holds scores only, and the run with its answers, {named}, is not in this store")
    return sealed[named]


def _reload(planned: PlannedTask, data: str | None) -> LoadedTask:
    if planned.card.source.startswith("file:"):
        raise UsageError(f"{planned.card.name}: own questions cannot be rescored, since their file is not part of the store")
    task = find_task(planned.card.name)
    pinned = planned.revision if planned.revision and not planned.revision.startswith("sha256:") else None
    loaded = load_items(task, settings.data_folder(data), pinned=pinned)
    wanted = set(planned.item_ids)
    return dataclasses.replace(loaded, items=[item for item in loaded.items if item.id in wanted])


def _check(plan: Plan, job: Job) -> None:
    for old, new in zip(plan.tasks, job.plan.tasks, strict=True):
        if old.prompts_sha256 != new.prompts_sha256 or set(old.item_ids) != set(new.item_ids):
            raise Refused(
                f"{old.card.name}: the items or their wording are no longer those that were asked, so the old answers "
                "cannot be scored by them; give --data with the rows that were used then"
            )
