"""Today's scorer on answers that are stored already: a new run that names the run holding the answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from harness import models, sandbox, settings
from harness.asking.evaluate import run_async
from harness.asking.execute import RunResult
from harness.asking.opened import start_of
from harness.asking.plan import Job, prepare
from harness.errors import Refused, StoreError, UsageError
from harness.registry import LoadedTask, find_task, load_items
from harness.registry.own import SCORERS, own_tasks
from harness.sealing.grader import Grader
from harness.sealing.seal import seal
from harness.store import (
    RunFolder,
    find_run,
    list_runs,
    named_run,
    new_run,
    plan_hash,
    read_journal,
    read_plan,
    read_receipt,
)
from harness.store.damage import damaged_answers
from harness.types import Plan, PlannedTask


def rescore(
    run_id: str, store: Path, *, data: str | None = None, items: Path | None = None, scorer: str | None = None,
    grader: Grader | None = None,
) -> RunResult:  # fmt: skip
    """Score a sealed run's answers anew. Nothing is asked and the old run stays as it is.

    ``run_id`` may be a unique beginning. Own questions need their file again (``items``), and may get another
    ``scorer`` that asks in the same words. ``grader``: None scores by the forms of the tasks. Raises: UnknownName (no
    such sealed run), UsageError (several runs begin so, code tasks where nothing can hold them, own questions without
    their file), Refused (the items or their wording are no longer
    those that were asked), StoreError (the stored answers are no longer those that were sealed).
    """
    source = answers_of(named_run(store, run_id), store)
    if fault := damaged_answers(source, read_receipt(source)):
        raise StoreError(
            f"{source.run_id} cannot be rescored: {fault}. Bring the file back from a copy, or ask anew by `opengap eval "
            "… --again`"
        )
    plan = read_plan(source)
    if any(task.card.runs_code for task in plan.tasks) and (held := sandbox.level()).name is None:
        raise UsageError(f"scoring this run runs code that models wrote: {held.reason}")
    own = [task for task in plan.tasks if task.card.source.startswith("file:")]
    if not own and (items or scorer):
        raise UsageError("--items and --scorer are for runs of own questions; this run asked tasks of the registry")
    tasks = _own(own, items, scorer) if own else [_reload(task, data) for task in plan.tasks]
    [ready] = models.ready([plan.system], plan.protocol, check=False, complete=False)
    job = prepare(
        ready, plan.protocol, tasks, repeats=plan.repeats, suite=plan.suite, code_execution=plan.code_execution
    )
    _check(plan, job)
    # What was not asked then has no answers now, whatever today's catalogue says.
    unfit = read_receipt(source).not_applicable
    state = read_journal(source.journal)
    asked = {key[0] for key in (*state.answered, *state.unanswered)}
    owed = [one for one in job.owed if (name := job.tasks[one.task].name) not in unfit or name in asked]
    job = dataclasses.replace(
        job,
        plan=dataclasses.replace(job.plan, answers_run=source.run_id, protocol_sha256=plan.protocol_sha256),
        owed=owed,
        not_applicable=unfit,
    )
    # One that was ended while it was graded is gone on with.
    run = find_run(store, plan_hash(job.plan), sealed=False) or new_run(store, job.plan)
    with run.locked():
        receipt = run_async(seal(job.answers(source, state), run, start_of(source), grader))
    return RunResult(run, receipt, fresh=True)


def answers_of(run: RunFolder, store: Path) -> RunFolder:
    """The run that holds the answers: itself, or the one that a rescored run names."""
    named = read_receipt(run).answers_run
    if named is None:
        return run
    sealed = {one.run_id: one for one in list_runs(store) if one.sealed}
    if named not in sealed:
        raise UsageError(f"{run.run_id} holds scores only, and the run with its answers, {named}, is not in this store")
    return sealed[named]


def _reload(planned: PlannedTask, data: str | None) -> LoadedTask:
    task = find_task(planned.card.name)
    pinned = planned.revision if planned.revision and not planned.revision.startswith("sha256:") else None
    loaded = load_items(task, settings.data_folder(data), pinned=pinned)
    wanted = set(planned.item_ids)
    return dataclasses.replace(loaded, items=[item for item in loaded.items if item.id in wanted])


def _own(planned: Sequence[PlannedTask], items: Path | None, scorer: str | None) -> list[LoadedTask]:
    """The tasks of own questions, from the file that was asked."""
    if items is None:
        names = ", ".join(sorted({task.card.source.removeprefix("file:") for task in planned}))
        raise UsageError(f"this run asked own questions, which a store does not hold: give their file, --items {names}")
    card = planned[0].card
    used = next(name for name, form in SCORERS.items() if (form.name, form.headline) == (card.form, card.headline))
    loaded = {one.task.card.name: one for one in own_tasks(items, scorer or used)}
    if missing := [task.card.name for task in planned if task.card.name not in loaded]:
        raise Refused(f"{items} gives the tasks {', '.join(sorted(loaded))}, and the run asked {', '.join(missing)}")
    return [
        dataclasses.replace(one, items=[item for item in one.items if item.id in set(task.item_ids)])
        for task in planned
        for one in [loaded[task.card.name]]
    ]


def _check(plan: Plan, job: Job) -> None:
    for old, new in zip(plan.tasks, job.plan.tasks, strict=True):
        if old.prompts_sha256 != new.prompts_sha256 or set(old.item_ids) != set(new.item_ids):
            raise Refused(
                f"{old.card.name}: the items or their wording are no longer those that were asked, so the old answers "
                "cannot be scored by them; give --data (or --items) with the rows that were used then"
            )
