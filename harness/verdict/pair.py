"""One closed and one open system on the tasks of one dimension: from two pieces of evidence to a Comparison."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.errors import Refused
from harness.evidence.alignment import PairedTask
from harness.evidence.comparable import protocol_label
from harness.evidence.gather import PARTS
from harness.stats.adjust import bonferroni_level
from harness.stats.clustered import Clustered, clustered, effective_clusters, wild_cluster_p
from harness.stats.dimension import dimension
from harness.stats.estimate import Estimate
from harness.stats.frontier import Frontier
from harness.stats.paired import Paired, paired
from harness.stats.power import detectable, detectable_iid
from harness.types import Comparison, Reason, Verdict, Waterfall
from harness.verdict.cautions import cautions
from harness.verdict.doubt import Guard, caution, doubt, guard, hopeless
from harness.verdict.judge import Bounds, distinct, judge, too_much_missing
from harness.verdict.policy import FEW_CLUSTERS, LEADS, LEVEL, Interval, Method, interval, verdict
from harness.verdict.words import texts

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def compare(
    pairs: Sequence[PairedTask], *, chosen_by: str, margin: float, rows: int = 1, extra: Sequence[Reason] = ()
) -> Comparison:
    """The Comparison of one pair of systems on one or more tasks of a dimension (equally weighted, E13).

    ``rows`` is the number of rows of the headline table, over which the intervals are simultaneous. Refused if a task
    has no item that both answered, or several tasks stand in one row and one of them has a single such item.
    """
    first = pairs[0]
    empty = [pair.name for pair in pairs if pair.closed.size == 0]
    if empty:
        raise Refused(
            f"{', '.join(empty)}: no item was answered by both {first.closed_side.name} and {first.open_side.name}"
        )
    estimates = [paired(pair.closed, pair.open_) for pair in pairs]
    intervals = [interval(pair.closed, pair.open_, pair.clusters, rows=rows) for pair in pairs]
    chosen = combined(pairs, intervals, rows)
    single = estimates[0] if len(pairs) == 1 else None
    robust = _clustering(pairs)
    used = in_points(chosen.simultaneous)
    guards = [
        guard(pair.closed, pair.open_, pair.clusters, one.simultaneous)
        for pair, one in zip(pairs, intervals, strict=True)
    ]
    judged = judge(
        used, says(margin), lambda said: doubts(pairs, guards, said, margin), missing=missing(pairs),
        worst=worst_cases(pairs, rows),
    )  # fmt: skip
    reasons = [
        *judged.reasons, *rare(pairs, guards, judged.verdict, margin), *within(used, judged.verdict, margin),
        *(reason for one in intervals for reason in one.reasons), *beside(pairs), *extra,
    ]  # fmt: skip
    shares = zip(PARTS, np.mean([pair.waterfall for pair in pairs], axis=0).tolist(), strict=True)
    joint = 100 * (single.se if single else math.sqrt(sum(e.se**2 for e in estimates)) / len(pairs))
    came = np.mean([pair.came for pair in pairs], axis=0).tolist()
    scores = [
        100 * float(np.mean([side.mean() for side in sides]))
        for sides in zip(*((p.closed, p.open_) for p in pairs), strict=True)
    ]
    return Comparison(
        dimension=first.closed_side.dimension, task=" + ".join(pair.name for pair in pairs),
        tasks=tuple(pair.name for pair in pairs), closed=first.closed_side.name, open=first.open_side.name,
        score_closed=scores[0], score_open=scores[1], chosen_by=chosen_by,
        protocol=protocol_label(first.closed_side, first.open_side), gap=100 * chosen.unadjusted.mean, se=joint,
        se_unpaired=100 * math.sqrt(sum(e.se_unpaired**2 for e in estimates)) / len(pairs),
        se_clustered=100 * robust.se if robust else math.nan, ci_low=100 * chosen.unadjusted.low,
        ci_high=100 * chosen.unadjusted.high, ci_method=chosen.unadjusted.method, ci_simultaneous=(used.low, used.high),
        ci_t=(100 * single.low, 100 * single.high) if single else (math.nan, math.nan),
        ci_cr1=(100 * robust.low, 100 * robust.high) if robust and robust.g_eff >= 2 else (math.nan, math.nan), df=chosen.unadjusted.df,
        n=sum(pair.closed.size for pair in pairs), missing_closed=sum(pair.missing_closed for pair in pairs),
        missing_open=sum(pair.missing_open for pair in pairs), unread_closed=came[0][0], unread_open=came[1][0],
        truncated_closed=came[0][1], truncated_open=came[1][1],
        clusters=sum(pair.closed.size if pair.clusters is None else np.unique(pair.clusters).size for pair in pairs),
        g_eff=robust.g_eff if robust else math.nan, b10=single.b10 if single else None,
        b01=single.b01 if single else None, p_mcnemar=single.p_mcnemar if single else math.nan,
        p_wild=_wild(first) if single else math.nan, correlation=single.correlation if single else math.nan,
        log_odds_gap=single.log_odds_gap if single else math.nan,
        detectable=100 * smallest_visible(chosen.simultaneous, rows) if any(map(_differ, pairs)) else math.nan, detectable_iid=100 * _iid(estimates),
        margin=margin, verdict=judged.verdict, waterfall=Waterfall(**dict(shares)),
        reasons=(told := distinct(reasons)), warnings=texts(told),
        runs=tuple(sorted({side.run.run_id for pair in pairs for side in (pair.closed_side, pair.open_side)})),
    )  # fmt: skip


def says(margin: float) -> Callable[[float, float], Verdict]:
    """What an interval in points says of a gap, with a margin in points."""
    return lambda low, high: verdict(low, high, margin)


def in_points(one: Estimate | Frontier) -> Bounds:
    """An estimate's gap and interval, from the units of the scores."""
    return Bounds(100 * one.mean, 100 * one.low, 100 * one.high)


def doubts(pairs: Sequence[PairedTask], guards: Sequence[Guard], said: Verdict, margin: float) -> list[Reason]:
    """What overrules an interval's verdict on a pair."""
    names = [pair.name for pair in pairs]
    if said == "undecided":
        return hopeless(names, guards)
    return doubt(
        names, guards, lambda low, high: verdict(100 * low, 100 * high, margin) == said, alike=said == "equivalent"
    )


def beside(pairs: Sequence[PairedTask], planned: Sequence[PairedTask] = ()) -> list[Reason]:
    """What has to stand beside a row whatever its interval; ``planned`` where the row uses only some of the items."""
    sizes = Reason("items_by_task", facts={"items": {pair.name: pair.closed.size for pair in pairs}})
    return [*([sizes] if len(pairs) > 1 else []), *cautions(planned or pairs)]


def rare(pairs: Sequence[PairedTask], guards: Sequence[Guard], decided: Verdict, margin: float) -> list[Reason]:
    """The caution beside a lead where clusters are few."""
    if decided not in LEADS:
        return []
    few = [pair.clusters is not None and effective_clusters(pair.clusters) < FEW_CLUSTERS for pair in pairs]
    names = [pair.name for pair in pairs]
    return caution(names, guards, few, lambda low, high: verdict(100 * low, 100 * high, margin) == decided)


def within(used: Bounds, decided: Verdict, margin: float) -> list[Reason]:
    """Who is ahead where the two are equivalent all the same."""
    if decided != "equivalent" or used.low <= 0 <= used.high:
        return []
    return [Reason("ahead_within_margin", facts={"side": "closed" if used.low > 0 else "open", "margin": margin})]


def _differ(pair: PairedTask) -> bool:
    """Whether any item differs; where none does, the sample does not tell what it could have shown."""
    return bool((pair.closed != pair.open_).any())


def smallest_visible(used: Estimate, rows: int) -> float:
    """Detectable gap of the simultaneous interval; NaN where it has no width."""
    return detectable(used.se, used.df, level=bonferroni_level(rows, level=LEVEL)) if used.se > 0 else math.nan


def combined(pairs: Sequence[PairedTask], intervals: Sequence[Interval], rows: int) -> Interval:
    """One interval of the mean of several tasks. Refused where one of them has a single item, and so no SE."""
    if len(intervals) == 1:
        return intervals[0]
    lonely = [pair.name for pair, one in zip(pairs, intervals, strict=True) if math.isnan(one.simultaneous.se)]
    if lonely:
        raise Refused(
            f"{', '.join(lonely)}: one item has no standard error, so the tasks cannot be joined; use --by-task"
        )

    def at(level: float) -> Estimate:
        parts = [one.unadjusted for one in intervals]
        return dimension([e.mean for e in parts], [e.se for e in parts], [e.df for e in parts], level=level)

    return Interval(Method.TASKS, at, at(LEVEL), at(bonferroni_level(rows, level=LEVEL)))


def _clustering(pairs: Sequence[PairedTask]) -> Clustered | None:
    if len(pairs) > 1 or pairs[0].clusters is None:
        return None
    return clustered(pairs[0].closed - pairs[0].open_, pairs[0].clusters)


def _wild(pair: PairedTask) -> float:
    """The wild-cluster p where clusters are few; elsewhere CR1 needs no help."""
    if pair.clusters is None or effective_clusters(pair.clusters) >= FEW_CLUSTERS:
        return math.nan
    return wild_cluster_p(pair.closed - pair.open_, pair.clusters)


def _iid(estimates: Sequence[Paired]) -> float:
    """Detectable gap under independence: a task's share of the variance counts as in E13."""
    variances = [detectable_iid(e.se * math.sqrt(e.n), e.n) ** 2 if e.se > 0 else math.nan for e in estimates]
    return math.sqrt(sum(variances)) / len(variances)


def missing(pairs: Sequence[PairedTask]) -> list[Reason]:
    """A reason for each side and task of which more than 2 % of the answers are missing."""
    return too_much_missing([
        ({"task": pair.name, "side": side}, share)
        for pair in pairs
        for side, share in zip(("closed", "open"), pair.lacking, strict=True)
    ])  # fmt: skip


def worst_cases(pairs: Sequence[PairedTask], rows: int) -> list[Bounds]:
    """The gap of all planned items with the missing answers filled in against closed, then against open; empty: none is."""
    if not any(pair.worst for pair in pairs):
        return []
    bounds = []
    for which in (0, 1):
        filled = [pair.worst[which] if pair.worst else (pair.closed, pair.open_) for pair in pairs]
        labels = [pair.all_clusters if pair.worst else pair.clusters for pair in pairs]
        parts = [interval(c, o, g, rows=rows) for (c, o), g in zip(filled, labels, strict=True)]
        bounds.append(in_points(combined(pairs, parts, rows).simultaneous))
    return bounds
