"""A table with one row a model and item: ``model, item_id, score``, and optionally more."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UnknownName, UsageError
from harness.importers.openness import levels
from harness.importers.sealing import Answer, Imported
from harness.rows import ENDINGS, read_rows

NEEDED = ("model", "item_id", "score")
OPTIONAL = ("open_weights", "cluster_id", "cost_usd", "repeat", "date")
"""``date``: when the item became public."""
BENCHMARK = ("benchmark", "task")
"""Columns that tell one benchmark from another, as in our own exports: rows of several are never mixed."""
TRUTH = {"true": 1.0, "false": 0.0}


def read_items(
    path: Path, *, benchmark: str, dimension: str, columns: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None, cluster_regex: str | None = None, weights: str | None = None,
) -> tuple[list[Imported], list[str]]:  # fmt: skip
    """One import a model, with the items of all models as its plan; and notes on what was seen.

    ``columns`` maps our names to those of the file; ``where`` keeps the rows with these exact values.

    Raises: UsageError and its subclasses (column or value that does not exist, openness unknown), DataUnavailable
    (repeated keys, a score that is none or lies outside [0, 1], contradicting clusters), each naming the place.
    """
    rows = _rows(path, columns or {}, where or {})
    if cluster_regex is not None:
        _cluster_by(rows, cluster_regex)
    _check_unique(rows, path, {*NEEDED, *OPTIONAL, *(columns or {}).values()})
    answers: dict[str, list[Answer]] = defaultdict(list)
    for number, row in rows:
        answers[row["model"]].append(_answer(row, f"{path.name}, row {number}"))
    _check_clusters(answers)
    side, notes = levels({model: _told(rows, model) for model in answers}, weights)
    items = sorted({one.item_id for part in answers.values() for one in part})
    blank = {model: sum(one.score is None for one in part) for model, part in answers.items()}
    for model, part in sorted(answers.items()):
        lacking = len(items) - len({one.item_id for one in part})
        if lacking or blank[model]:
            notes.append(
                f"{model}: {lacking} of {len(items)} items are not in the file, {blank[model]} rows have no score: unanswered"
            )
    found = [
        Imported(system=model, weights=side[model], task=benchmark, dimension=dimension, answers=part, item_ids=items)
        for model, part in sorted(answers.items())
    ]
    return found, notes


def _rows(path: Path, columns: Mapping[str, str], where: Mapping[str, str]) -> list[tuple[int, dict[str, Any]]]:
    """Numbered rows that are wanted, with our names beside those of the file."""
    if not path.is_file():
        raise UsageError(f"the file {str(path)!r} does not exist")
    if not path.name.endswith(ENDINGS):
        raise UsageError(f"{path.name}: expected one of {', '.join(ENDINGS)}")
    raw = read_rows(path)
    if not raw:
        raise DataUnavailable(f"{path} holds no rows")
    there = sorted({str(key) for row in raw[:1000] for key in row})
    for new, old in columns.items():
        if new not in (*NEEDED, *OPTIONAL):
            raise UnknownName("column to map to", new, (*NEEDED, *OPTIONAL), hint="(--map new=old)")
        if old not in there:
            raise UnknownName("column", old, there, hint=f"(in {path.name})")
    absent = [name for name in NEEDED if columns.get(name, name) not in there]
    if absent:
        raise UsageError(
            f"{path.name} has no column {' or '.join(absent)}; it has {', '.join(there)}. Name it, as in --map {absent[0]}=COLUMN"
        )
    kept = list(enumerate(raw, start=1))
    for column, value in where.items():
        if column not in there:
            raise UnknownName("column", column, there, hint=f"(in {path.name})")
        values = {str(row.get(column)) for _, row in kept}
        if value not in values:
            raise UnknownName(f"value of {column}", value, values)
        kept = [(number, row) for number, row in kept if str(row.get(column)) == value]
    for column in BENCHMARK:
        several = sorted({str(row.get(column)) for _, row in kept if not _empty(row.get(column))})
        if len(several) > 1:
            raise UsageError(
                f"{path.name} holds several of what its column {column} names: {', '.join(several[:6])}; import one at a time, "
                f"as in --where {column}={several[0]!r}"
            )
    named = []
    for number, row in kept:
        ours: dict[str, Any] = {name: row.get(columns.get(name, name)) for name in (*NEEDED, *OPTIONAL)}
        for name in ("model", "item_id"):
            ours[name] = "" if ours[name] is None else str(ours[name]).strip()
            if not ours[name]:
                raise DataUnavailable(f"{path.name}, row {number}: {name} is empty")
        named.append((number, {"": row, **ours}))
    return named


def _cluster_by(rows: Sequence[tuple[int, dict[str, Any]]], pattern: str) -> None:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--cluster-regex {pattern!r} is not a regular expression: {error}") from error
    if compiled.groups < 1:
        raise UsageError(
            f"--cluster-regex {pattern!r} needs a group in parentheses: what it matches in item_id is the cluster"
        )
    for _, row in rows:
        match = compiled.search(row["item_id"])
        if match is None or not match.group(1):
            raise UsageError(f"--cluster-regex {pattern!r} finds no cluster in the item {row['item_id']!r}")
        if not _empty(row["cluster_id"]):
            raise UsageError(
                "the file has a column cluster_id, so --cluster-regex would replace it: leave one of them out"
            )
        row["cluster_id"] = match.group(1)


def _check_unique(rows: Sequence[tuple[int, dict[str, Any]]], path: Path, used: Set[str]) -> None:
    keys = Counter((row["model"], row["item_id"], str(row["repeat"])) for _, row in rows)
    repeated = [key for key, count in keys.items() if count > 1]
    if not repeated:
        return
    model, item, _ = repeated[0]
    others = [column for column in rows[0][1][""] if column not in used]
    apart = [
        column
        for column in others
        if 1 < len({str(row[""].get(column)) for _, row in rows}) <= 50
        and len({(*_key(row), str(row[""].get(column))) for _, row in rows}) == len(rows)
    ]
    advice = (
        "if they are repeats, number them in a column repeat (--map repeat=COLUMN); if the file is wrong, correct it"
    )
    if apart:
        values = sorted({str(row[""].get(apart[0])) for _, row in rows})
        advice = f"the column {apart[0]} tells them apart: choose one, as in --where {apart[0]}={values[0]!r}"
    raise DataUnavailable(
        f"{path.name}: {len(repeated)} pairs of model and item occur more than once, as {model!r} with {item!r}; {advice}"
    )


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["model"], row["item_id"], str(row["repeat"])


def _answer(row: Mapping[str, Any], place: str) -> Answer:
    score = _number(row["score"], f"{place}: score")
    if score is not None and not 0 <= score <= 1:
        raise DataUnavailable(f"{place}: the score {score:g} lies outside [0, 1]; divide percentages by 100 first")
    cost = _number(row["cost_usd"], f"{place}: cost_usd")
    if cost is not None and cost < 0:
        raise DataUnavailable(f"{place}: the cost {cost:g} is negative")
    repeat = _number(row["repeat"], f"{place}: repeat") or 0.0
    if repeat < 0 or repeat != int(repeat):
        raise DataUnavailable(f"{place}: repeat must be a whole number from 0 on, not {row['repeat']!r}")
    date = None if _empty(row["date"]) else str(row["date"])
    return Answer(
        item_id=row["item_id"], score=score, repeat=int(repeat), cost_usd=cost, published_on=date,
        cluster=None if _empty(row["cluster_id"]) else str(row["cluster_id"]),
    )  # fmt: skip


def _empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _number(value: Any, what: str) -> float | None:
    if _empty(value):
        return None
    text = str(value).strip().lower()
    try:
        number = TRUTH[text] if text in TRUTH else float(text)
    except ValueError as error:
        raise DataUnavailable(f"{what} is {value!r}, which is no number") from error
    if math.isinf(number):
        raise DataUnavailable(f"{what} is infinite")
    return None if math.isnan(number) else number


def _check_clusters(answers: Mapping[str, Sequence[Answer]]) -> None:
    seen: dict[str, str | None] = {}
    for part in answers.values():
        for one in part:
            if seen.setdefault(one.item_id, one.cluster) != one.cluster:
                raise DataUnavailable(
                    f"the item {one.item_id!r} lies in the cluster {seen[one.item_id]!r} in one row and {one.cluster!r} in another"
                )


def _told(rows: Sequence[tuple[int, dict[str, Any]]], model: str) -> set[str]:
    return {str(row["open_weights"]) for _, row in rows if row["model"] == model and not _empty(row["open_weights"])}
