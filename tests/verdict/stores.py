"""Sealed runs written with the store's own writer, from arrays of scores."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.store import RunFolder, new_run, plan_hash, write_receipt
from harness.store.rows import RowWriter
from harness.types import CompletionStatus, Plan, PlannedTask, Protocol, Receipt, System, TaskCard, Usage, WeightsLevel

STARTED = "2026-03-01T10:00:00+00:00"


@dataclass(frozen=True)
class Task:
    """One system's answers; a score of None is unanswered. ``repeats`` rows an item where scores are nested."""

    scores: Sequence[float | Sequence[float | None] | None]
    dimension: str = "reasoning"
    clusters: Sequence[str] = ()
    statuses: Sequence[CompletionStatus] = ()
    costs: Sequence[float | None] = ()
    ids: Sequence[str] = ()
    version: int = 1
    content: str = "same"
    published_on: str | None = None
    planned: Sequence[str] = ()
    scorer: str = "accuracy@1"


def item(i: int) -> str:
    return f"item-{i:05d}"


def write_run(
    store: Path,
    system: str,
    weights: WeightsLevel,
    tasks: Mapping[str, Task],
    *,
    protocol: str = "matched",
    started: str = STARTED,
    card: str | None = None,
    not_applicable: Mapping[str, str] | None = None,
    provenance: str = "run",
    rule: str | None = None,
    backwards: bool = False,
    reported_models: Mapping[str, int] | None = None,
    fingerprints: Mapping[str, int] | None = None,
) -> RunFolder:
    """Seal one run of one system; ``backwards`` writes its rows in the opposite order, ``rule`` is what stopped it early."""
    planned = tuple(_planned(name, task) for name, task in tasks.items())
    origin = System(system, card or system, "Some Lab", weights, "file", system)
    repeats = max(len(s) if isinstance(s, Sequence) else 1 for task in tasks.values() for s in task.scores)
    digest = hashlib.sha256(protocol.encode()).hexdigest()
    plan = Plan(origin, Protocol(protocol, 1, {}, {}), digest, planned, repeats, 0, False)
    run = new_run(store, plan)
    rows = [
        row for (name, task), one in zip(tasks.items(), planned, strict=True) for row in _rows(name, task, one, system)
    ]
    with RowWriter(run) as writer:
        for row in reversed(rows) if backwards else rows:
            text = {"messages": "[]", "text": "said", "reasoning": "", "target": "", "redistributable": True}
            writer.add(row, {**text, **{key: row[key] for key in ("task", "item_id", "repeat")}})
    answered = sum(row["status"] != "unanswered" for row in rows)
    counts = {"planned": len(rows), "answered": answered, "unanswered": len(rows) - answered}
    receipt = Receipt(
        run.run_id, plan_hash(plan), origin, f"{protocol}@1", digest, planned, started, started, counts,
        {name: task.scorer for name, task in tasks.items()}, Usage(), None, 0, 0, {}, {}, {"rule": rule} if rule else {}, {}, repeats=repeats,
        not_applicable=not_applicable or {}, provenance=provenance, reported_models=reported_models or {},
        fingerprints=fingerprints or {},
    )  # fmt: skip
    write_receipt(run, receipt)
    return run


def _planned(name: str, task: Task) -> PlannedTask:
    ids = tuple(task.planned or task.ids or [item(i) for i in range(len(task.scores))])
    content = hashlib.sha256(f"{task.content}{sorted(ids)}".encode()).hexdigest()
    card = TaskCard(name, task.version, task.dimension, "hf:some/source@abc", "text", "accuracy", True, n=len(ids))
    return PlannedTask(card, ids, content, content)


def _rows(name: str, task: Task, planned: PlannedTask, system: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for i, one in enumerate(task.scores):
        for repeat, score in enumerate(one if isinstance(one, Sequence) else [one]):
            status = task.statuses[i] if task.statuses else "unanswered" if score is None else "ok"
            unparsed = status in ("empty", "refused")
            rows.append(
                {
                    "system": system, "task": name, "task_version": task.version, "dimension": task.dimension,
                    "item_id": task.ids[i] if task.ids else item(i), "repeat": repeat, "prompt_hash": str(i),
                    "cluster": task.clusters[i] if task.clusters else None, "published_on": task.published_on,
                    "status": status, "score": score, "attempts": 1, "cost_usd": task.costs[i] if task.costs else None,
                    "score_status": None if score is None else "unparsed" if unparsed else "scored",
                }
            )  # fmt: skip
    return rows
