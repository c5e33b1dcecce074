"""One closed and one open system on the tasks of one dimension: from two pieces of evidence to a Comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import Refused
from harness.gap.cautions import cautions
from harness.gap.comparable import protocol_label
from harness.gap.evidence import PARTS, Evidence
from harness.gap.policy import FEW_CLUSTERS, LEVEL, MISSING_LIMIT, Interval, interval, verdict, with_signs
from harness.stats.adjust import bonferroni_level
from harness.stats.clustered import Clustered, clustered, effective_clusters, wild_cluster_p
from harness.stats.dimension import dimension
from harness.stats.estimate import Estimate
from harness.stats.paired import Paired, paired
from harness.stats.power import detectable, detectable_iid
from harness.types import Comparison, Verdict, Waterfall

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class PairedTask:
    """Both sides of one task, aligned: shape (n,) over items that both answered, in the order of sorted ids."""

    closed_side: Evidence
    open_side: Evidence
    ids: tuple[str, ...]
    closed: Floats
    open_: Floats
    clusters: Codes | None
    """None where no two items share a cluster."""
    missing_closed: int
    missing_open: int
    planned: int
    worst: tuple[tuple[Floats, Floats], ...]
    """All planned items with the missing ones filled in against closed, then against open; empty if none is missing."""
    all_clusters: Codes | None
    waterfall: Floats
    """Points by part, in the order of ``PARTS``; adds up to the gap."""

    @property
    def name(self) -> str:
        return self.closed_side.task


def align(closed_side: Evidence, open_side: Evidence) -> PairedTask:
    """Pair by item id. Items missing on one side are dropped on both and counted."""
    c, o = closed_side.data, open_side.data
    ids: tuple[str, ...] = c.ids
    at_c = at_o = np.arange(len(ids))
    if c.ids != o.ids:
        place = {name: index for index, name in enumerate(o.ids)}
        ids = tuple(name for name in c.ids if name in place)
        mine = {name: index for index, name in enumerate(c.ids)}
        at_c = np.array([mine[name] for name in ids], dtype=np.intp)
        at_o = np.array([place[name] for name in ids], dtype=np.intp)
    cs, os_ = c.score[at_c], o.score[at_o]
    both = ~(np.isnan(cs) | np.isnan(os_))
    labels = c.cluster[at_c]
    clusters = codes_of([a if a is not None else b for a, b in zip(labels, o.cluster[at_o], strict=True)])
    worst: tuple[tuple[Floats, Floats], ...] = ()
    if not both.all():
        worst = (
            (np.where(np.isnan(cs), 0.0, cs), np.where(np.isnan(os_), 1.0, os_)),
            (np.where(np.isnan(cs), 1.0, cs), np.where(np.isnan(os_), 0.0, os_)),
        )
    parts = np.full(len(PARTS), np.nan)
    if both.any():
        parts = (o.short[:, at_o][:, both] - c.short[:, at_c][:, both]).mean(axis=1)
    kept = None if clusters is None else clusters[both]
    return PairedTask(
        closed_side, open_side, ids if both.all() else tuple(name for name, kept_ in zip(ids, both, strict=True) if kept_),
        cs[both], os_[both], None if kept is None or np.unique(kept).size == kept.size else kept,
        int(np.isnan(cs).sum()), int(np.isnan(os_).sum()), len(ids), worst, clusters, 100 * parts,
    )  # fmt: skip


def codes_of(labels: Sequence[str | None]) -> Codes | None:
    """Cluster labels in the order of the sorted ids as codes in the order of the sorted labels.

    An item without a label among labelled ones is a cluster of its own. None where no two items share one.
    """
    known = sorted({label for label in labels if label is not None})
    if not known or len(known) == sum(label is not None for label in labels):
        return None
    code = {label: index for index, label in enumerate(known)}
    own = iter(range(len(known), len(known) + len(labels)))
    return np.array([next(own) if label is None else code[label] for label in labels], dtype=np.intp)


def compare(
    pairs: Sequence[PairedTask], *, chosen_by: str, margin: float, rows: int = 1, extra: Sequence[str] = ()
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
    chosen = _combined(pairs, intervals, rows)
    single = estimates[0] if len(pairs) == 1 else None
    robust = _clustering(pairs)
    low, high = 100 * chosen.simultaneous.low, 100 * chosen.simultaneous.high
    decided, why = settle(pairs, verdict(low, high, margin), margin, rows)
    if decided != "undecided" and (doubt := _doubt(pairs, intervals, decided, margin)):
        decided = "undecided"
        why.append(doubt)
    if low == high or math.isnan(low):
        what = "all differences are equal" if first.closed.size > 1 else "there is one item"
        why.append(f"nothing is decided: {what}")
    if single and decided.endswith("leads") and single.p_mcnemar > 1 - bonferroni_level(rows, level=LEVEL):
        decided = "undecided"
        why.append(f"few items differ: the exact McNemar p is {single.p_mcnemar:.3f}, and the interval is approximate")
    shares = zip(PARTS, np.mean([pair.waterfall for pair in pairs], axis=0).tolist(), strict=True)
    joint = 100 * (single.se if single else math.sqrt(sum(e.se**2 for e in estimates)) / len(pairs))
    scores = [
        100 * float(np.mean([side.mean() for side in sides]))
        for sides in zip(*((p.closed, p.open_) for p in pairs), strict=True)
    ]
    warnings = [warning for one in intervals for warning in one.warnings]
    if len(pairs) > 1:
        warnings.append("items by task: " + ", ".join(f"{pair.name} {pair.closed.size}" for pair in pairs))
    return Comparison(
        dimension=first.closed_side.dimension, task=" + ".join(pair.name for pair in pairs),
        tasks=tuple(pair.name for pair in pairs), closed=first.closed_side.name, open=first.open_side.name,
        score_closed=scores[0], score_open=scores[1], chosen_by=chosen_by,
        protocol=protocol_label(first.closed_side, first.open_side), gap=100 * chosen.unadjusted.mean, se=joint,
        se_unpaired=100 * math.sqrt(sum(e.se_unpaired**2 for e in estimates)) / len(pairs),
        se_clustered=100 * robust.se if robust else math.nan, ci_low=100 * chosen.unadjusted.low,
        ci_high=100 * chosen.unadjusted.high, ci_method=chosen.unadjusted.method, ci_simultaneous=(low, high),
        ci_t=(100 * single.low, 100 * single.high) if single else (math.nan, math.nan),
        ci_cr1=(100 * robust.low, 100 * robust.high) if robust else (math.nan, math.nan), df=chosen.unadjusted.df,
        n=sum(pair.closed.size for pair in pairs), missing_closed=sum(pair.missing_closed for pair in pairs),
        missing_open=sum(pair.missing_open for pair in pairs),
        clusters=sum(pair.closed.size if pair.clusters is None else np.unique(pair.clusters).size for pair in pairs),
        g_eff=robust.g_eff if robust else math.nan, b10=single.b10 if single else None,
        b01=single.b01 if single else None, p_mcnemar=single.p_mcnemar if single else math.nan,
        p_wild=_wild(first) if single else math.nan, correlation=single.correlation if single else math.nan,
        log_odds_gap=single.log_odds_gap if single else math.nan,
        detectable=100 * smallest_visible(chosen.simultaneous, rows), detectable_iid=100 * _iid(estimates),
        margin=margin, verdict=decided, waterfall=Waterfall(**dict(shares)),
        warnings=tuple(dict.fromkeys([*why, *warnings, *cautions(pairs), *extra])),
        runs=tuple(sorted({side.run.run_id for pair in pairs for side in (pair.closed_side, pair.open_side)})),
    )  # fmt: skip


def _doubt(
    pairs: Sequence[PairedTask], intervals: Sequence[Interval], decided: Verdict, margin: float
) -> str | None:
    """Why the verdict of an interval does not stand, None if it does.

    The verdict must hold for the bounds of :func:`with_signs` too, joined over tasks by MOVER, which keeps skewed
    intervals skewed. Source: Zou and Donner 2008.
    """
    few, below, above = [], 0.0, 0.0
    for pair, one in zip(pairs, intervals, strict=True):
        used = one.simultaneous
        low, high, differing = with_signs(pair.closed, pair.open_, used)
        if differing is not None:
            few.append(f"{pair.name}: {differing} of {pair.closed.size} items differ")
        elif low == high:
            few.append(f"{pair.name}: all {pair.closed.size} differences are equal")
            return "; ".join(few)
        below += (used.mean - low) ** 2
        above += (high - used.mean) ** 2
    if not few:
        return None
    mean = float(np.mean([one.simultaneous.mean for one in intervals]))
    low, high = mean - math.sqrt(below) / len(pairs), mean + math.sqrt(above) / len(pairs)
    stands = verdict(100 * low, 100 * high, margin) == decided
    return None if stands else "; ".join(few) + ": too few for the verdict that the interval would give"


def smallest_visible(used: Estimate, rows: int) -> float:
    """Detectable gap of the simultaneous interval; NaN where a sample without spread cannot tell."""
    return detectable(used.se, used.df, level=bonferroni_level(rows, level=LEVEL)) if used.se > 0 else math.nan


def _combined(pairs: Sequence[PairedTask], intervals: Sequence[Interval], rows: int) -> Interval:
    if len(intervals) == 1:
        return intervals[0]
    lonely = [pair.name for pair, one in zip(pairs, intervals, strict=True) if math.isnan(one.simultaneous.se)]
    if lonely:
        raise Refused(
            f"{', '.join(lonely)}: one item has no standard error, so the tasks cannot be joined; use --by-task"
        )
    joint = []
    for level, parts in (
        (LEVEL, [one.unadjusted for one in intervals]),
        (bonferroni_level(rows, level=LEVEL), [one.simultaneous for one in intervals]),
    ):
        joint.append(dimension([e.mean for e in parts], [e.se for e in parts], [e.df for e in parts], level=level))
    return Interval(joint[0], joint[1])


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


def too_many_missing(pair: PairedTask) -> list[str]:
    """A line for each side of which more than 2 % of the items are missing."""
    return [
        f"{pair.name}: {100 * missing / pair.planned:.1f} % of the items are missing on the {side} side (limit 2 %)"
        for side, missing in (("closed", pair.missing_closed), ("open", pair.missing_open))
        if missing > MISSING_LIMIT * pair.planned
    ]


def settle(pairs: Sequence[PairedTask], decided: Verdict, margin: float, rows: int) -> tuple[Verdict, list[str]]:
    """Apply VERDICT (a): too much missing, or a verdict that what is missing could change, decides nothing."""
    if not any(pair.worst for pair in pairs):
        return decided, []
    said = [line for pair in pairs for line in too_many_missing(pair)]
    bounds = []
    for which in (0, 1):
        filled = [pair.worst[which] if pair.worst else (pair.closed, pair.open_) for pair in pairs]
        labels = [pair.all_clusters if pair.worst else pair.clusters for pair in pairs]
        parts = [interval(c, o, g, rows=rows) for (c, o), g in zip(filled, labels, strict=True)]
        bounds.append(_combined(pairs, parts, rows).simultaneous)
    return judged_by_worst([(100 * b.mean, 100 * b.low, 100 * b.high) for b in bounds], decided, margin, said)


def judged_by_worst(
    bounds: Sequence[tuple[float, float, float]], decided: Verdict, margin: float, said: Sequence[str]
) -> tuple[Verdict, list[str]]:
    """The verdict once the gap, low and high with everything missing filled in against each side are known."""
    lines = [
        f"worst-case bounds of the gap with the missing answers: [{bounds[0][0]:+.1f}, {bounds[1][0]:+.1f}]",
        *said,
    ]
    if {verdict(low, high, margin) for _, low, high in bounds} != {decided}:
        lines[0] += "; they would change the verdict"
        return "undecided", lines
    return ("undecided" if said else decided), lines
