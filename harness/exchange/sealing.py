"""From rows of any foreign format to an ordinary sealed run, whose provenance says where it came from."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from harness import catalogue
from harness.errors import StoreError
from harness.sealing.ledger import Ledger
from harness.store import RunFolder, current_runs, new_run, plan_hash, read_receipts, write_receipt
from harness.types import (
    CompletionStatus,
    Plan,
    PlannedTask,
    Protocol,
    Receipt,
    ScoreStatus,
    System,
    TaskCard,
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
    with Ledger(run, plan) as ledger:
        for answer in one.answers:
            ledger.add(_score_row(one, answer), None if answer.text is None else _text_row(one, answer))
    try:
        digest = hashlib.sha256(source.read_bytes()).hexdigest() if source.is_file() else None
    except OSError as error:
        raise StoreError(f"cannot read {source}: {error.strerror}") from error
    receipt = ledger.receipt(
        planned=len(one.item_ids) * plan.repeats, started=dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    )
    counts = receipt.counts
    receipt = replace(
        receipt,
        # An item without a row was not answered either.
        counts={**counts, "unanswered": counts["planned"] - counts["answered"]},
        usage=ledger.whole_usage(),
        engine={"file": source.name, "file_sha256": digest, "asked": dict(one.asked)},
        provenance=f"import:{kind}",
    )
    write_receipt(run, receipt)
    return run


def _score_row(one: Imported, answer: Answer) -> dict[str, Any]:
    gone = answer.score is None and answer.score_status != "scorer_error"
    return {
        "system": one.system, "task": one.task, "task_version": one.task_version, "dimension": one.dimension,
        "item_id": answer.item_id, "cluster": answer.cluster, "published_on": answer.published_on,
        "repeat": answer.repeat, "prompt_hash": "", "status": "unanswered" if gone else answer.status,
        "score_status": None if gone else answer.score_status, "score": answer.score,
        "values": list(answer.values.items()) or ([] if answer.score is None else [(one.metric, answer.score)]),
        "answer": answer.answer, "error": answer.error, "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens, "latency_s": answer.latency_s, "cost_usd": answer.cost_usd,
    }  # fmt: skip


def _text_row(one: Imported, answer: Answer) -> dict[str, Any]:
    return {
        "task": one.task, "item_id": answer.item_id, "repeat": answer.repeat, "redistributable": False,
        "messages": answer.messages or "[]", "text": _valid(answer.text), "reasoning": "", "target": _valid(answer.target),
    }  # fmt: skip


def _valid(text: str | None) -> str | None:
    """Text that Parquet can hold: half of a surrogate pair, as broken escapes leave it, becomes a question mark."""
    return text if text is None or text.isascii() else text.encode("utf-8", "replace").decode()
