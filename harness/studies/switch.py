"""Should a buyer go from one model to another? Both are asked the buyer's own items."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness import catalogue
from harness.asking import Asked, Execution, carry_out
from harness.errors import Refused, UsageError
from harness.evidence.alignment import PairedTask, align, codes_of
from harness.evidence.gather import Evidence, evidence_of
from harness.stats.estimate import Estimate
from harness.stats.power import n_needed
from harness.stats.score import mean_score
from harness.types import OpenFrom, Reason, WeightsLevel
from harness.verdict.doubt import doubt, guard
from harness.verdict.judge import Bounds, Says, distinct, judge, too_much_missing
from harness.verdict.pair import in_points
from harness.verdict.policy import interval
from harness.verdict.words import texts

Answer = Literal["not worse by the margin", "worse by more than the margin", "undecided"]


@dataclass(frozen=True, slots=True)
class Item:
    """One item that would get worse."""

    task: str
    item_id: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Switch:
    """The change from one system to another on the same items, in points; positive: the new one is better."""

    before: str
    after: str
    verdict: Answer
    change: float
    low: float
    high: float
    method: str
    score_before: float
    ci_before: tuple[float, float]
    """95 % interval of the score by itself; that of the change is narrower, since both answered the same items."""
    score_after: float
    ci_after: tuple[float, float]
    n: int
    missing_before: int
    missing_after: int
    margin: float
    cost_before_usd: float
    """Mean cost of one answer; NaN where it is not known."""
    cost_after_usd: float
    worse: tuple[Item, ...]
    """Largest loss first."""
    better: int
    n_needed: int | None
    """Items that would show a change of the margin's size; None where that cannot be told."""
    reasons: tuple[Reason, ...]
    warnings: tuple[str, ...]
    """The reasons in words."""
    runs: tuple[str, ...]
    exit_code: int
    weights_before: WeightsLevel
    weights_after: WeightsLevel
    open_from: OpenFrom = catalogue.OPEN_FROM
    """The least open level that is called open."""


def switch(
    asked: Asked, execution: Execution | None = None, *, margin: float = 2.0, open_from: OpenFrom = catalogue.OPEN_FROM
) -> Switch:
    """Ask both (or read what was asked by the same plan before), and compare them item by item.

    ``asked`` names two models: the one in use, then the one that may replace it. Non-inferior: the 95 % interval of the
    change lies above -margin. All items weigh the same. Raises: UsageError, Refused (a task that one cannot take, no item
    that both answered), and whatever asking raises.
    """
    if len(asked.models) != 2 or not (margin > 0 and math.isfinite(margin)):
        raise UsageError("a switch is from one model to another, with a --margin above 0 points")
    results = carry_out(asked, execution or Execution())
    before, after = asked.models
    if results[0].receipt.system.name == results[1].receipt.system.name:
        raise UsageError(f"{before} and {after} are the same system; name two")
    for result in results:
        for task, why in result.receipt.not_applicable.items():
            raise Refused(f"{task} does not apply to {result.receipt.system.name}: {why}")
    sides = [evidence_of([(result.run, result.receipt)]) for result in results]
    pairs = [align(new, old) for old, new in zip(*sides, strict=True)]
    found = compare_change(pairs, margin, exit_code=max(result.exit_code for result in results))
    return replace(found, open_from=open_from)


def compare_change(pairs: list[PairedTask], margin: float, *, rows: int = 1, exit_code: int = 0) -> Switch:
    """The change over all items of the pairs, whose first side is the new system.

    ``rows`` is the number of changes whose intervals hold together.
    """
    new = np.concatenate([pair.closed for pair in pairs])
    old = np.concatenate([pair.open_ for pair in pairs])
    first = pairs[0]
    if new.size == 0:
        raise Refused(f"no item was answered by both {first.open_side.name} and {first.closed_side.name}")
    clusters = _clusters(pairs, whole=False)
    chosen = interval(new, old, clusters, rows=rows)
    low, high = 100 * chosen.simultaneous.low, 100 * chosen.simultaneous.high
    missing = [sum(pair.missing_open for pair in pairs), sum(pair.missing_closed for pair in pairs)]
    guards = [guard(new, old, clusters, chosen.simultaneous)]

    def doubts(said: Answer) -> list[Reason]:
        if said == "undecided":
            return []
        alike = said == "not worse by the margin"
        return doubt([""], guards, lambda low, high: _says(margin)(100 * low, 100 * high) == said, alike=alike)

    judged = judge(
        in_points(chosen.simultaneous), _says(margin), doubts, missing=_missing(pairs), worst=_worst(pairs, rows)
    )
    reasons = distinct([*judged.reasons, *chosen.reasons])
    d = new - old
    alone = [mean_score(side, clusters) for side in (old, new)]
    sd = float(d.std(ddof=1)) if d.size > 1 else 0.0
    items = [
        (pair.name, name, o, n)
        for pair in pairs
        for name, o, n in zip(pair.ids, pair.open_.tolist(), pair.closed.tolist(), strict=True)
    ]
    worse = sorted(
        (Item(*item) for item in items if item[3] < item[2]),
        key=lambda one: (one.after - one.before, one.task, one.item_id),
    )
    return Switch(
        before=first.open_side.name, after=first.closed_side.name, verdict=judged.verdict, change=100 * float(d.mean()),
        low=low, high=high, method=chosen.simultaneous.method, score_before=100 * alone[0].mean,
        ci_before=_points(alone[0]), score_after=100 * alone[1].mean, ci_after=_points(alone[1]), n=d.size, missing_before=missing[0], missing_after=missing[1], margin=margin,
        cost_before_usd=_cost([pair.open_side for pair in pairs]), cost_after_usd=_cost([pair.closed_side for pair in pairs]),
        worse=tuple(worse), better=int((d > 0).sum()), n_needed=n_needed(margin / 100, sd) if sd > 0 else None,
        reasons=reasons, warnings=texts(reasons), runs=tuple(sorted({side.run.run_id for p in pairs for side in (p.closed_side, p.open_side)})),
        exit_code=exit_code, weights_before=first.open_side.receipt.system.weights,
        weights_after=first.closed_side.receipt.system.weights,
    )  # fmt: skip


def _points(estimate: Estimate) -> tuple[float, float]:
    return 100 * estimate.low, 100 * estimate.high


def _says(margin: float) -> Says[Answer]:
    """What an interval of the change says, ends and margin in points."""

    def says(low: float, high: float) -> Answer:
        if math.isnan(low) or low == high:
            return "undecided"
        if low > -margin:
            return "not worse by the margin"
        return "worse by more than the margin" if high < -margin else "undecided"

    return says


def _missing(pairs: Sequence[PairedTask]) -> list[Reason]:
    """A reason for each side of which more than 2 % of the answers are missing, over all pairs together."""
    planned = sum(pair.planned for pair in pairs)
    shares = [sum(pair.lacking[side] * pair.planned for pair in pairs) / planned for side in (0, 1)]
    names = (pairs[0].closed_side.name, pairs[0].open_side.name)
    return too_much_missing([({"system": name}, share) for name, share in zip(names, shares, strict=True)])


def _worst(pairs: list[PairedTask], rows: int) -> list[Bounds]:
    """The change with everything missing filled in against the new system, then against the old; empty: nothing is."""
    if not any(pair.worst for pair in pairs):
        return []
    found = []
    for which in (0, 1):
        filled = [pair.worst[which] if pair.worst else (pair.closed, pair.open_) for pair in pairs]
        new, old = (np.concatenate([side[k] for side in filled]) for k in (0, 1))
        found.append(in_points(interval(new, old, _clusters(pairs, whole=True), rows=rows).simultaneous))
    return found


def _clusters(pairs: list[PairedTask], *, whole: bool) -> NDArray[np.intp] | None:
    """Clusters of all pairs, those of different tasks told apart."""
    labels: list[str | None] = []
    for pair in pairs:
        codes = pair.all_clusters if whole and pair.worst else pair.clusters
        size = pair.planned if whole else pair.closed.size
        labels += [None] * size if codes is None else [f"{pair.name}\0{code:09d}" for code in codes.tolist()]
    return codes_of(labels)


def _cost(sides: list[Evidence]) -> float:
    costs = np.concatenate([side.data.cost_usd[side.data.answers > 0] for side in sides])
    return float(costs.mean()) if costs.size else math.nan
