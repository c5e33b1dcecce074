"""Where every format ends: answers by model, checked against each other, with a line about all that is missing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import DataUnavailable
from harness.exchange.openness import levels
from harness.exchange.sealing import Answer, Imported


@dataclass(slots=True)
class Reading:
    """What became of a foreign file: results to be sealed, notes, and a line about each result that is left out."""

    found: list[Imported] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def assemble(
    answers: Mapping[str, Sequence[Answer]], *, task: str, dimension: str, weights: str | None = None,
    told: Mapping[str, Iterable[object]] | None = None, planned: Iterable[str] = (), **facts: Any,
) -> Reading:  # fmt: skip
    """One result a model. The plan is every item that any of the models has, and ``planned``.

    ``told`` is what the file says of a model's openness; ``facts`` are further fields of ``Imported``. A model without
    a single score is left out, with a line. DataUnavailable if that leaves nothing, if an item occurs twice, or if it
    lies in two clusters; UsageError if it is not known whether a model is open.
    """
    reading = Reading()
    _check_clusters(answers)
    items = sorted({one.item_id for part in answers.values() for one in part} | set(planned))
    scored = {}
    for model, part in sorted(answers.items()):
        check_unique(model, part)
        if any(one.score is not None for one in part):
            scored[model] = part
            reading.notes += _missing(model, part, items)
        else:
            reading.left_out.append(f"{model} on {task}: its {len(part)} rows are without a score")
    if not scored:
        lines = "; ".join(reading.left_out) or "there are no rows"
        raise DataUnavailable(f"nothing to import: {lines}. Score them first, or see whether the log failed")
    sides, said = levels({model: (told or {}).get(model, ()) for model in scored}, weights)
    reading.notes += said
    reading.found = [
        Imported(
            system=model, weights=sides[model], task=task, dimension=dimension, answers=part, item_ids=items, **facts
        )
        for model, part in scored.items()
    ]
    return reading


def check_unique(model: str, part: Sequence[Answer]) -> None:
    """DataUnavailable if an item and repeat has two answers."""
    keys = Counter((one.item_id, one.repeat) for one in part)
    if len(keys) < len(part):
        item, repeat = next(key for key, count in keys.items() if count > 1)
        twice = sum(count > 1 for count in keys.values())
        raise DataUnavailable(
            f"{twice} items occur more than once, as {item!r} (repeat {repeat}) of {model!r}: number repeats, or correct the file"
        )


def _missing(model: str, part: Sequence[Answer], items: Sequence[str]) -> list[str]:
    """What of the plan this model lacks, and why."""
    absent = len(items) - len({one.item_id for one in part})
    failed = sum(one.score is None and one.status == "unanswered" and one.error is not None for one in part)
    unscored = sum(one.score is None for one in part) - failed
    counts = Counter(one.item_id for one in part)
    repeats = len({one.repeat for one in part})
    fewer = sum(count < repeats for count in counts.values())
    parts = [
        f"{absent} of {len(items)} items are not in the file" if absent else "",
        f"{unscored} rows have no score" if unscored else "",
        f"{failed} answers were lost to failures of the infrastructure" if failed else "",
        f"{fewer} items have fewer than {repeats} answers" if fewer else "",
    ]
    told = ", ".join(filter(None, parts))
    return [f"{model}: {told}: unanswered, never a zero"] if told else []


def _check_clusters(answers: Mapping[str, Sequence[Answer]]) -> None:
    seen: dict[str, str | None] = {}
    for part in answers.values():
        for one in part:
            if seen.setdefault(one.item_id, one.cluster) != one.cluster:
                raise DataUnavailable(
                    f"the item {one.item_id!r} lies in the cluster {seen[one.item_id]!r} in one row and {one.cluster!r} in another"
                )


def grouped(pairs: Iterable[tuple[str, Answer]]) -> dict[str, list[Answer]]:
    """Answers by model."""
    found: dict[str, list[Answer]] = defaultdict(list)
    for model, answer in pairs:
        found[model].append(answer)
    return dict(found)
