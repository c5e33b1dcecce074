"""From rows of any foreign format to an ordinary sealed run, whose provenance says where it came from."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

import harness
from harness import catalogue
from harness.errors import StoreError
from harness.store import RunFolder, current_runs, new_run, plan_hash, read_receipts, write_receipt
from harness.store.seal import SCORES, TEXT, checksums
from harness.types import (
    CompletionStatus,
    Plan,
    PlannedTask,
    Protocol,
    Receipt,
    ScoreStatus,
    System,
    TaskCard,
    Usage,
    WeightsLevel,
)

UNKNOWN_PROTOCOL = Protocol("unknown", 0, {}, {}, purpose="Asked elsewhere; nobody here knows how.")
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One row of a foreign result; None: not known. A ``score`` of None counts as unanswered."""

    item_id: str
    score: float | None
    repeat: int = 0
    status: CompletionStatus = "ok"
    score_status: ScoreStatus = "scored"
    cluster: str | None = None
    published_on: str | None = None
    cost_usd: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    answer: str | None = None
    error: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_s: float | None = None
    messages: str | None = None
    """JSON of what was asked; with ``text`` and ``target`` it goes into ``text.parquet``."""
    text: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """All answers of one system to one task."""

    system: str
    """The model's name exactly as the file has it."""
    weights: WeightsLevel
    task: str
    dimension: str
    answers: Sequence[Answer]
    item_ids: Sequence[str]
    """All items of the task, answered by this system or not: what it lacks counts as unanswered."""
    task_version: int = 1
    metric: str = "score"
    form: str = "unknown"
    items_sha256: str = ""
    """Hash of the items' content; empty: unknown."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What the format tells of how it was asked; two imports whose known facts differ are not comparable."""
    developer: str = ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What became of one system's import."""

    imported: Imported
    run: RunFolder
    fresh: bool
    """False: these very rows were imported before and count already."""
    replaces: str = ""
    """A line about the earlier import of other rows under the same name, which counts no more."""


def mean_score(answers: Sequence[Answer]) -> float:
    """Mean over items of the mean over repeats; NaN without any scored answer."""
    by_item: dict[str, list[float]] = {}
    for one in answers:
        if one.score is not None:
            by_item.setdefault(one.item_id, []).append(one.score)
    return sum(sum(v) / len(v) for v in by_item.values()) / len(by_item) if by_item else float("nan")


def seal_all(store: Path, found: Sequence[Imported], *, kind: str, source: Path) -> list[Sealed]:
    """Write one sealed run a system and task, provenance ``import:<kind>``. StoreError if the store cannot be written.

    Rows that were imported before, and still count, are not written again.
    """
    receipts, _ = read_receipts(store)
    current = current_runs(receipts)
    counting = {run.run_id for run, _, _ in current.values()}
    known = {receipt.plan_sha256: run for run, receipt in receipts if run.run_id in counting}
    done = []
    for one in found:
        plan = _plan(one, source)
        digest = plan_hash(plan)
        if digest in known:
            done.append(Sealed(one, known[digest], fresh=False))
            continue
        before = current.get((one.system, one.task, UNKNOWN))
        line = _replaced(one, before[1]) if before else ""
        done.append(Sealed(one, _seal(store, one, plan, kind, source), fresh=True, replaces=line))
    return done


def _replaced(one: Imported, before: Receipt) -> str:
    """What the rows of an earlier import were, in the place of which these count from now on."""
    file, asked = before.engine.get("file", "another file"), before.engine.get("asked") or {}
    other = ", ".join(f"{key} {asked[key]}" for key in sorted(asked) if asked[key] != one.asked.get(key) and asked[key])
    count = before.counts.get("answered", 0)
    return (
        f"{one.system} on {one.task}: these rows replace the {count} of {file} that were imported before under the same "
        f"name{f' ({other})' if other else ''}; import one of them under another --benchmark or --model to keep both"
    )


def _plan(one: Imported, source: Path) -> Plan:
    card = catalogue.card_for("", one.system)
    system = System(
        name=one.system, card=card.id if card else one.system, developer=card.developer if card else one.developer,
        weights=one.weights, provider="import", api_name=one.system, released=card.released if card else None,
    )  # fmt: skip
    task = TaskCard(
        name=one.task, version=one.task_version, dimension=one.dimension, source=f"file:{source.name}", form=one.form,
        headline=one.metric, redistributable=False, n=len(one.item_ids), description="imported results",
    )  # fmt: skip
    rows = hashlib.sha256(msgspec.json.encode(sorted(one.answers, key=lambda a: (a.item_id, a.repeat)), order="sorted"))
    rows.update(msgspec.json.encode(one.asked, order="sorted"))
    repeats = max(1, len({answer.repeat for answer in one.answers}))  # files count from 0 or from 1
    planned = PlannedTask(task, tuple(sorted(one.item_ids)), one.items_sha256, "", f"sha256:{rows.hexdigest()}")
    return Plan(system, UNKNOWN_PROTOCOL, UNKNOWN, (planned,), repeats, 0, False)


def _seal(store: Path, one: Imported, plan: Plan, kind: str, source: Path) -> RunFolder:
    run = new_run(store, plan)
    try:
        for path, rows in ((run.scores, _scores(one, run.run_id)), (run.text, _texts(one, run.run_id))):
            pq.write_table(rows, path, compression="zstd")
        digest = hashlib.sha256(source.read_bytes()).hexdigest() if source.is_file() else None
    except OSError as error:
        raise StoreError(f"cannot write {run.path}: {error}") from error
    # To the microsecond: of two imports within one second the later one counts.
    now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    statuses = Counter("unanswered" if answer.score is None else answer.status for answer in one.answers)
    planned = len(one.item_ids) * plan.repeats
    answered = sum(count for status, count in statuses.items() if status != "unanswered")
    costs = [answer.cost_usd for answer in one.answers]
    receipt = Receipt(
        run_id=run.run_id,
        plan_sha256=plan_hash(plan),
        system=plan.system,
        protocol=UNKNOWN,
        protocol_sha256=UNKNOWN,
        tasks=plan.tasks,
        started=now,
        sealed=now,
        counts={"planned": planned, "answered": answered, "unanswered": planned - answered}
        | {f"status_{name}": count for name, count in statuses.items()},
        scorers={},
        usage=Usage(_total(one, "input_tokens"), None, _total(one, "output_tokens")),
        cost_usd=None if not costs or None in costs else sum(cost for cost in costs if cost is not None),
        bytes_sent=0,
        tokens_sent=0,
        versions={"opengap": harness.__version__},
        machine={},
        engine={"file": source.name, "file_sha256": digest, "asked": dict(one.asked)},
        checksums=checksums(run),
        repeats=plan.repeats,
        provenance=f"import:{kind}",
    )
    write_receipt(run, receipt)
    return run


def _total(one: Imported, name: str) -> int | None:
    known = [getattr(answer, name) for answer in one.answers]
    return None if not known or None in known else sum(known)


def _scores(one: Imported, run_id: str) -> pa.Table:
    """The rows column by column, which takes a third of the time that it takes row by row."""
    lost = [answer.score is None for answer in one.answers]
    broken = [answer.score_status == "scorer_error" for answer in one.answers]
    gone = [a and not b for a, b in zip(lost, broken, strict=True)]
    names = (
        "item_id",
        "cluster",
        "published_on",
        "repeat",
        "score",
        "answer",
        "error",
        "input_tokens",
        "output_tokens",
        "latency_s",
        "cost_usd",
    )
    columns: dict[str, Any] = {name: [getattr(answer, name) for answer in one.answers] for name in names}
    columns |= {
        "run_id": run_id, "system": one.system, "task": one.task, "task_version": one.task_version,
        "dimension": one.dimension, "prompt_hash": "",
        "status": ["unanswered" if none else answer.status for none, answer in zip(gone, one.answers, strict=True)],
        "score_status": [None if none else answer.score_status for none, answer in zip(gone, one.answers, strict=True)],
        "values": [
            list(answer.values.items()) or ([] if answer.score is None else [(one.metric, answer.score)])
            for answer in one.answers
        ],
    }  # fmt: skip
    return _table(SCORES, columns, len(one.answers))


def _texts(one: Imported, run_id: str) -> pa.Table:
    kept = [answer for answer in one.answers if answer.text is not None]
    columns: dict[str, Any] = {
        "run_id": run_id, "task": one.task, "redistributable": False, "reasoning": "",
        "item_id": [answer.item_id for answer in kept], "repeat": [answer.repeat for answer in kept],
        "messages": [answer.messages or "[]" for answer in kept], "text": [_valid(answer.text) for answer in kept],
        "target": [_valid(answer.target) for answer in kept],
    }  # fmt: skip
    return _table(TEXT, columns, len(kept))


def _valid(text: str | None) -> str | None:
    """Text that Parquet can hold: half of a surrogate pair, as broken escapes leave it, becomes a question mark."""
    return text if text is None or text.isascii() else text.encode("utf-8", "replace").decode()


def _table(schema: pa.Schema, columns: Mapping[str, Any], rows: int) -> pa.Table:
    """One value stands for a whole column; a column that is not there is null."""
    arrays = []
    for field_ in schema:
        value = columns.get(field_.name)
        if isinstance(value, list):
            arrays.append(pa.array(value, field_.type))
        else:
            arrays.append(
                pa.nulls(rows, field_.type) if value is None else pa.repeat(pa.scalar(value, field_.type), rows)
            )
    return pa.Table.from_arrays(arrays, schema=schema)
