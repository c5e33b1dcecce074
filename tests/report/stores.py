"""Sealed runs written with the store's own writer, from arrays of scores."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.store import new_run, plan_hash, write_receipt
from harness.store.layout import RunFolder
from harness.store.rows import RowWriter
from harness.types import (
    CompletionStatus,
    Plan,
    PlannedTask,
    Protocol,
    Receipt,
    System,
    TaskCard,
    Usage,
    WeightsLevel,
)

PROTOCOL = Protocol("matched", 1, {"text": "{question}"}, {"text": 64})


@dataclass(frozen=True)
class Answers:
    """One system's answers to one task; ``texts``, ``clusters`` and ``statuses`` by item, where they matter."""

    scores: Sequence[float | None]
    dimension: str = "reasoning"
    texts: Sequence[str] = ()
    clusters: Sequence[str] = ()
    statuses: Sequence[CompletionStatus] = ()
    redistributable: bool = True
    costs: Sequence[float | None] = ()
    question: str = "What is it?"


def write_run(
    store: Path,
    system: str,
    weights: WeightsLevel,
    tasks: Mapping[str, Answers],
    *,
    card: str = "",
    released: str | None = None,
    started: str = "2026-03-01T10:00:00Z",
    provenance: str = "run",
    protocol: str = "matched",
) -> RunFolder:
    """Seal one run of one system; a score of None where the status is ok is one that the scorer failed to give."""
    planned = tuple(
        PlannedTask(
            TaskCard(name, 1, a.dimension, "hf:some/source@abc", "text", "accuracy", a.redistributable, n=len(a.scores)),
            tuple(_item(i) for i in range(len(a.scores))), _hash(name), _hash(name),
        )
        for name, a in tasks.items()
    )  # fmt: skip
    origin = System(system, card or system, "Some Lab", weights, "file", system, released=released)
    asked = dataclasses.replace(PROTOCOL, name=protocol, system_prompt=None if protocol == "matched" else protocol)
    plan = Plan(origin, asked, _hash(protocol), planned, 1, 0, False)
    run = new_run(store, plan)
    statuses: dict[str, int] = {}
    with RowWriter(run) as writer:
        for name, a in tasks.items():
            for i, score in enumerate(a.scores):
                status = a.statuses[i] if a.statuses else ("unanswered" if score is None else "ok")
                statuses[status] = statuses.get(status, 0) + 1
                writer.add(*_row(name, a, i, score, status, system))
    total = sum(len(a.scores) for a in tasks.values())
    costs = [cost for a in tasks.values() for cost in a.costs if cost is not None]
    counts = {
        "planned": total,
        "answered": total - statuses.get("unanswered", 0),
        "unanswered": statuses.get("unanswered", 0),
    }
    receipt = Receipt(
        run.run_id, plan_hash(plan), origin, f"{protocol}@1", _hash(protocol), planned, started, started,
        {**counts, **{f"status_{name}": count for name, count in statuses.items()}},
        dict.fromkeys(tasks, "1"), Usage(100, None, 50), sum(costs) if costs else None, 0, 0,
        {"opengap": "0.1.0"}, {"python": "3"}, {}, {}, provenance=provenance,
    )  # fmt: skip
    write_receipt(run, receipt)
    return run


def unsealed_plan(system: str, task: str, n: int) -> Plan:
    """A plan of one open system and one task, for a run that is not finished."""
    card = TaskCard(task, 1, "reasoning", "hf:some/source@abc", "text", "accuracy", True, n=n)
    origin = System(system, system, "Some Lab", "open_weights", "file", system)
    planned = PlannedTask(card, tuple(_item(i) for i in range(n)), _hash(task), _hash(task))
    return Plan(origin, PROTOCOL, _hash("matched"), (planned,), 1, 0, False)


def _row(
    task: str, answers: Answers, i: int, score: float | None, status: CompletionStatus, system: str
) -> tuple[dict[str, object], dict[str, object]]:
    text = answers.texts[i] if answers.texts else f"answer {i} of {system}"
    row: dict[str, object] = {
        "system": system, "task": task, "task_version": 1, "dimension": answers.dimension, "item_id": _item(i),
        "cluster": answers.clusters[i] if answers.clusters else None, "repeat": 0, "prompt_hash": _hash(f"{task}{i}"),
        "status": status, "score_status": (None if status != "ok" else "scorer_error") if score is None else "unparsed" if status in ("empty", "refused") else "scored",
        "score": score, "answer": text[:40], "cost_usd": answers.costs[i] if answers.costs else None, "attempts": 1, "at": "2026-03-01T10:00:00Z",
    }  # fmt: skip
    messages = json.dumps([{"role": "user", "content": answers.question}])
    texts: dict[str, object] = {
        "task": task, "item_id": _item(i), "repeat": 0, "redistributable": answers.redistributable,
        "messages": messages, "text": text, "reasoning": "", "target": "gold",
    }  # fmt: skip
    return row, texts


def _item(i: int) -> str:
    return f"item-{i:05d}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def days(first: str, count: int, step: int = 30) -> list[str]:
    """ISO dates ``step`` days apart."""
    start = dt.date.fromisoformat(first)
    return [(start + dt.timedelta(days=step * i)).isoformat() for i in range(count)]


def alternating(n: int, share: float, shift: int = 0) -> list[float]:
    """0 and 1 with the given share of ones, spread evenly and moved by ``shift`` items."""
    return [float(int((i + shift + 1) * share) > int((i + shift) * share)) for i in range(n)]
