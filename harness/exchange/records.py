"""Result files that are lists of records: each format is one entry of a table, which says where what stands."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UnknownName, UsageError
from harness.exchange import numbers
from harness.exchange.assemble import Reading, assemble, grouped
from harness.exchange.documents import existing
from harness.exchange.sealing import Answer
from harness.rows import flat, read_rows
from harness.types import ScoreStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Where the facts of an answer stand in the records of one tool; a name with dots lies inside of objects."""

    title: str
    """What the file is, for the help."""
    item: tuple[str, ...]
    """First of these that is there; ``#`` is the key or number of the record."""
    score: tuple[str, ...] = ()
    """First of these that is there."""
    right: tuple[str, str] | None = None
    """Instead of a score: the answer that was read, and the one that is right."""
    trials: str = ""
    """A list of outcomes, one a repeat."""
    model: tuple[str, ...] = ()
    """Empty: the file names no model, so the user must."""
    rows: str = ""
    """Where the records lie in a JSON document."""
    unscored: tuple[float, ...] = ()
    """Numbers that mean: not judged."""
    reliable: tuple[str, tuple[object, ...]] | None = None
    """A field and its values where the infrastructure did not fail."""
    failed: str = ""
    """A field that holds the error of an answer that never came."""
    ways: tuple[str, ...] = ()
    """Fields that tell ways of asking apart, which are never mixed."""
    repeats: bool = False
    """Records of the same item are repeats."""
    text: str = ""
    answer: str = ""
    target: str = ""
    date: str = ""
    cost: str = ""
    latency_ms: str = ""
    metric: str = "score"
    dimension: str | None = None
    benchmark: str | None = None


FORMATS: Mapping[str, Format] = {
    "livebench": Format(
        title="LiveBench: ground_truth_judgment.jsonl, which names its models.", item=("question_id",), score=("score",),
        model=("model", "model_id"), unscored=(-1,), reliable=("eval_status", ("resolved", "unresolved", "completed", "ok", None)),
        benchmark="LiveBench",
    ),
    "livecodebench": Format(
        title="LiveCodeBench: *_eval_all.json; several solutions of a problem become repeats.", item=("question_id",),
        trials="graded_list", score=("pass@1",), date="contest_date", text="code_list.0", metric="pass@1",
        dimension="coding", benchmark="LiveCodeBench",
    ),
    "mmlu-pro": Format(
        title="MMLU-Pro's own result files: question_id, answer, pred (nothing read counts as not right).",
        item=("question_id",), right=("pred", "answer"), text="model_outputs", answer="pred", target="answer",
        metric="accuracy", dimension="knowledge", benchmark="MMLU-Pro",
    ),
    "humaneval": Format(
        title="OpenAI's human-eval: *_results.jsonl; several completions of a problem become repeats.", item=("task_id",),
        score=("passed",), text="completion", repeats=True, metric="pass@1", dimension="coding", benchmark="HumanEval",
    ),
    "opencompass": Format(
        title="OpenCompass: results/<model>/<dataset>.json with details.", rows="details", item=("#",),
        score=("correct", "is_correct", "score"), text="origin_prediction", answer="pred", target="answer",
        metric="accuracy",
    ),
    "promptfoo": Format(
        title="promptfoo: the JSON file of an evaluation (promptfoo eval -o), which names its models.", rows="results.results",
        item=("testIdx", "testCase.vars", "vars"), score=("score", "gradingResult.score", "success"),
        model=("provider.label", "provider.id", "provider"), reliable=("failureReason", (0, 1, None)), failed="response.error",
        ways=("promptIdx", "promptId", "prompt.label"), text="response.output", cost="cost", latency_ms="latencyMs",
    ),
}  # fmt: skip


def read_records(
    path: Path, format_name: str, *, benchmark: str | None, dimension: str | None, model: str | None = None,
    where: Mapping[str, str] | None = None, weights: str | None = None,
) -> Reading:  # fmt: skip
    """One result a model. UsageError where the model, the benchmark or the way of asking has to be said; DataUnavailable
    for another format, naming the record.
    """
    format_ = FORMATS[format_name]
    records = _where(_records(existing(path), format_), where or {})
    benchmark, dimension = benchmark or format_.benchmark, dimension or format_.dimension
    if benchmark is None or dimension is None:
        raise UsageError("give --benchmark NAME and --dimension NAME: the file does not say them")
    for field in format_.ways:
        ways = sorted({_text(flat(record, field)) for _, record in records})
        if len(ways) > 1:
            raise UsageError(
                f"{path.name} was asked in {len(ways)} ways ({field}): {', '.join(ways[:6])}; import one at a time, "
                f"as in --where {field}={ways[0]}"
            )
    names, unread = [_name(record, format_, model, path.name) for _, record in records], 0
    items = [_item(key, record, format_, path.name) for key, record in records]
    outcomes = [_outcomes(record, format_, f"{path.name}, record {key}") for key, record in records]
    pairs: list[tuple[str, Answer]] = []
    seen: Counter[tuple[str, str]] = Counter()
    for (_, record), name, item, found in zip(records, names, items, outcomes, strict=True):
        for score, status in found:
            repeat = seen[name, item] if format_.repeats or format_.trials else 0
            seen[name, item] += 1
            unread += status == "unparsed"
            pairs.append((name, _answer(record, format_, item, repeat, score, status)))
    reading = assemble(
        grouped(pairs), task=benchmark, dimension=dimension, weights=weights, metric=format_.metric,
    )  # fmt: skip
    if unread:
        reading.notes.append(f"of {unread} answers nothing was read: they count as not right (unread)")
    return reading


def _records(path: Path, format_: Format) -> list[tuple[str, dict[str, Any]]]:
    """Records with their key or number."""
    if format_.rows:
        try:
            document = json.loads(path.read_bytes().decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise DataUnavailable(f"{path.name} is not valid JSON: {error}") from error
        found = flat(document, format_.rows) if isinstance(document, dict) else document
        if isinstance(found, dict):
            found = {key: one for key, one in found.items() if isinstance(one, dict)}
        if not found or not isinstance(found, dict | list):
            raise DataUnavailable(
                f"{path.name} has no records under {format_.rows!r}: it is no such file, or has no details"
            )
        pairs = list(found.items()) if isinstance(found, dict) else [(str(at), one) for at, one in enumerate(found)]
    else:
        pairs = [(str(at), one) for at, one in enumerate(read_rows(path))]
    if not pairs:
        raise DataUnavailable(f"{path.name} holds no records")
    wrong = next((key for key, one in pairs if not isinstance(one, dict)), None)
    if wrong is not None:
        raise DataUnavailable(f"{path.name}, record {wrong}: expected an object")
    return pairs


def _where(records: list[tuple[str, dict[str, Any]]], where: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    for field, value in where.items():
        values = {_text(flat(record, field)) for _, record in records}
        if value not in values:
            raise UnknownName(f"value of {field}", value, values)
        records = [(key, record) for key, record in records if _text(flat(record, field)) == value]
    return records


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _first(record: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((value for name in names if not numbers.empty(value := flat(record, name)) and value != {}), None)


def _name(record: dict[str, Any], format_: Format, model: str | None, where: str) -> str:
    if model is not None:
        return model
    found = _first(record, format_.model)
    if not isinstance(found, str):
        raise UsageError(f"{where} does not name the model: give --model NAME")
    return found.strip()


def _item(key: str, record: dict[str, Any], format_: Format, where: str) -> str:
    if format_.item == ("#",):
        return key
    found = _first(record, format_.item)
    if found is None:
        raise DataUnavailable(
            f"{where}, record {key} has no {' or '.join(format_.item)}: the file is of another format"
        )
    if isinstance(found, dict | list):
        return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]
    return str(found).strip()


def _outcomes(record: dict[str, Any], format_: Format, place: str) -> list[tuple[float | None, ScoreStatus]]:
    """The scores of a record, one a repeat; None: not scored."""
    if format_.right is not None:
        read, right = (flat(record, name) for name in format_.right)
        if numbers.empty(right) or format_.right[0] not in record:
            raise DataUnavailable(f"{place} has no {' or no '.join(format_.right)}: the file is of another format")
        return [(0.0, "unparsed")] if numbers.empty(read) else [(float(str(read) == str(right)), "scored")]
    trials = flat(record, format_.trials) if format_.trials else None
    values = trials if isinstance(trials, list) and trials else [_first(record, format_.score)]
    if values == [None] and not any(
        flat(record, name) is not None or name in record for name in (*format_.score, format_.trials)
    ):
        raise DataUnavailable(
            f"{place} has no {' or '.join(filter(None, (*format_.score, format_.trials)))}: the file is of another format"
        )
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    found, _ = numbers.column(values, lambda _: place, "the score", words=True)
    outcomes: list[tuple[float | None, ScoreStatus]] = []
    for one in found:
        if one is None or one in format_.unscored:
            outcomes.append((None, "scored"))
        elif 0 <= one <= 1:
            outcomes.append((one, "scored"))
        else:
            raise DataUnavailable(f"{place}: the score {one:g} lies outside [0, 1]")
    return outcomes


def _answer(
    record: dict[str, Any], format_: Format, item: str, repeat: int, score: float | None, status: ScoreStatus
) -> Answer:
    error = flat(record, format_.failed) if format_.failed else None
    if format_.reliable is not None:
        value = flat(record, format_.reliable[0])
        if value not in format_.reliable[1]:
            error = error or f"{format_.reliable[0]} {value}"
    cost, latency = (flat(record, name) if name else None for name in (format_.cost, format_.latency_ms))
    text, answer, target = (
        flat(record, name) if name else None for name in (format_.text, format_.answer, format_.target)
    )
    date = flat(record, format_.date) if format_.date else None
    return Answer(
        item_id=item, repeat=repeat, score=None if error else score, score_status=status,
        status="unanswered" if error else "ok", error=None if error is None else str(error)[:500],
        text=None if text is None else str(text), answer=None if answer is None else str(answer)[:200],
        target=None if target is None else str(target), published_on=None if numbers.empty(date) else str(date)[:10],
        cost_usd=float(cost) if isinstance(cost, int | float) and cost >= 0 else None,
        latency_s=float(latency) / 1000 if isinstance(latency, int | float) else None,
    )  # fmt: skip
