"""One closed and one open system on the tasks of one dimension: from two pieces of evidence to a Comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.gap.comparable import unknown
from harness.gap.evidence import PARTS, Evidence
from harness.gap.policy import LEVEL, MISSING_LIMIT, Interval, interval, verdict
from harness.stats.clustered import clustered, effective_clusters, wild_cluster_p
from harness.stats.dimension import at_ceiling, dimension
from harness.stats.estimate import Estimate
from harness.stats.paired import paired
from harness.stats.power import detectable, detectable_iid
from harness.types import Comparison, Verdict, Waterfall

Floats = NDArray[np.float64]
STATUS_WARNING = 0.05
"""A difference between the sides in the share of truncated, empty or refused answers that is worth a warning."""


@dataclass(frozen=True, slots=True, eq=False)
class PairedTask:
    """Both sides of one task, aligned: shape (n,) over items that both answered, in the order of sorted ids."""

    closed_side: Evidence
    open_side: Evidence
    closed: Floats
    open_: Floats
    clusters: NDArray[np.str_] | None
    missing_closed: int
    missing_open: int
    worst: tuple[tuple[Floats, Floats], ...]
    """All planned items with the missing ones filled in against closed, then against open; empty if none is missing."""
    all_clusters: NDArray[np.str_] | None
    waterfall: Floats
    """Points by part, in the order of ``PARTS``; adds up to the gap."""

    @property
    def name(self) -> str:
        return self.closed_side.planned.card.name


def align(closed_side: Evidence, open_side: Evidence) -> PairedTask:
    """Pair by item id. Items missing on one side are dropped on both and counted."""
    index = closed_side.items.index.intersection(open_side.items.index).sort_values()
    c, o = closed_side.items.loc[index], open_side.items.loc[index]
    both = (c["score"].notna() & o["score"].notna()).to_numpy()
    labels = c["cluster"].combine_first(o["cluster"])
    clusters: NDArray[np.str_] | None = None
    if labels.notna().any():
        # An item without a cluster among clustered ones is a cluster of its own.
        clusters = labels.where(labels.notna(), "\0" + labels.index.to_series()).to_numpy(dtype=np.str_)
    cs, os_ = c["score"].to_numpy(np.float64), o["score"].to_numpy(np.float64)
    worst: tuple[tuple[Floats, Floats], ...] = ()
    if not both.all():
        worst = (
            (np.where(np.isnan(cs), 0.0, cs), np.where(np.isnan(os_), 1.0, os_)),
            (np.where(np.isnan(cs), 1.0, cs), np.where(np.isnan(os_), 0.0, os_)),
        )
    parts = np.array([float((o.loc[both, f"short_{p}"] - c.loc[both, f"short_{p}"]).mean()) for p in PARTS])
    return PairedTask(
        closed_side, open_side, cs[both], os_[both], None if clusters is None else clusters[both],
        int(np.isnan(cs).sum()), int(np.isnan(os_).sum()), worst, clusters, 100 * parts,
    )  # fmt: skip


def compare(
    pairs: Sequence[PairedTask], *, chosen_by: str, margin: float, rows: int = 1, extra: Sequence[str] = ()
) -> Comparison:
    """The Comparison of one pair of systems on one or more tasks of a dimension (equally weighted, E13).

    ``rows`` is the number of rows of the headline table, over which the intervals are simultaneous.
    """
    first = pairs[0]
    n = sum(pair.closed.size for pair in pairs)
    empty = [pair.name for pair in pairs if pair.closed.size == 0]
    if empty:
        raise ValueError(f"no item of {', '.join(empty)} was answered by both sides")
    estimates = [paired(pair.closed, pair.open_) for pair in pairs]
    intervals = [interval(pair.closed, pair.open_, pair.clusters, rows=rows) for pair in pairs]
    chosen = _combined(intervals, rows)
    single = estimates[0] if len(pairs) == 1 else None
    clustering = _clustering(pairs)
    low, high = 100 * chosen.simultaneous.low, 100 * chosen.simultaneous.high
    warnings = [warning for one in intervals for warning in one.warnings] + _warnings(pairs) + list(extra)
    decided, why = _settle(pairs, verdict(low, high, margin), margin, rows)
    if low == high:
        why = [*why, "the interval has no width (all differences are equal): nothing is decided"]
    parts = dict(zip(PARTS, (float(np.mean([pair.waterfall[i] for pair in pairs])) for i in range(len(PARTS))), strict=True))
    used = chosen.simultaneous
    joint = used if single is None else single
    return Comparison(
        dimension=first.closed_side.planned.card.dimension,
        task=" + ".join(pair.name for pair in pairs),
        tasks=tuple(pair.name for pair in pairs),
        closed=first.closed_side.name,
        open=first.open_side.name,
        score_closed=100 * float(np.mean([pair.closed.mean() for pair in pairs])),
        score_open=100 * float(np.mean([pair.open_.mean() for pair in pairs])),
        chosen_by=chosen_by,
        protocol=first.closed_side.receipt.protocol,
        gap=100 * chosen.unadjusted.mean,
        se=100 * joint.se,
        se_unpaired=100 * math.sqrt(sum(e.se_unpaired**2 for e in estimates)) / len(pairs),
        se_clustered=100 * clustering.se if clustering else math.nan,
        ci_low=100 * chosen.unadjusted.low,
        ci_high=100 * chosen.unadjusted.high,
        ci_method=chosen.unadjusted.method,
        ci_simultaneous=(low, high),
        ci_t=(100 * single.low, 100 * single.high) if single else (math.nan, math.nan),
        ci_cr1=(100 * clustering.low, 100 * clustering.high) if clustering else (math.nan, math.nan),
        df=chosen.unadjusted.df,
        n=n,
        missing_closed=sum(pair.missing_closed for pair in pairs),
        missing_open=sum(pair.missing_open for pair in pairs),
        clusters=sum(pair.closed.size if pair.clusters is None else np.unique(pair.clusters).size for pair in pairs),
        g_eff=math.nan if first.clusters is None or len(pairs) > 1 else effective_clusters(first.clusters),
        b10=single.b10 if single else None,
        b01=single.b01 if single else None,
        p_mcnemar=single.p_mcnemar if single else math.nan,
        p_wild=_wild(pairs),
        correlation=single.correlation if single else math.nan,
        log_odds_gap=single.log_odds_gap if single else math.nan,
        detectable=100 * smallest_visible(used, rows),
        detectable_iid=100 * _iid(estimates),
        margin=margin,
        verdict=decided,
        waterfall=Waterfall(**parts),
        warnings=tuple(dict.fromkeys([*why, *warnings])),
        runs=tuple(sorted({side.run.run_id for pair in pairs for side in (pair.closed_side, pair.open_side)})),
    )  # fmt: skip


def smallest_visible(used: Estimate, rows: int) -> float:
    """Detectable gap of the simultaneous interval; NaN where a sample without spread cannot tell."""
    return detectable(used.se, used.df, level=1 - (1 - LEVEL) / rows) if used.se > 0 else math.nan


def _combined(intervals: Sequence[Interval], rows: int) -> Interval:
    if len(intervals) == 1:
        return intervals[0]
    joint = []
    for level, parts in (
        (LEVEL, [one.unadjusted for one in intervals]),
        (1 - (1 - LEVEL) / rows, [one.simultaneous for one in intervals]),
    ):
        joint.append(dimension([e.mean for e in parts], [e.se for e in parts], [e.df for e in parts], level=level))
    return Interval(joint[0], joint[1])


def _clustering(pairs: Sequence[PairedTask]) -> Estimate | None:
    if len(pairs) > 1 or pairs[0].clusters is None:
        return None
    return clustered(pairs[0].closed - pairs[0].open_, pairs[0].clusters)


def _wild(pairs: Sequence[PairedTask]) -> float:
    if len(pairs) > 1 or pairs[0].clusters is None:
        return math.nan
    return wild_cluster_p(pairs[0].closed - pairs[0].open_, pairs[0].clusters)


def _iid(estimates: Sequence[Estimate]) -> float:
    """Detectable gap under independence: a task's share of the variance counts as in E13."""
    variances = [detectable_iid(e.se * math.sqrt(e.n), e.n) ** 2 for e in estimates]
    return math.sqrt(sum(variances)) / len(variances)


def _settle(
    pairs: Sequence[PairedTask], decided: Verdict, margin: float, rows: int
) -> tuple[Verdict, list[str]]:
    """Apply VERDICT (a): too much missing, or a verdict that what is missing could change, decides nothing."""
    for pair in pairs:
        planned = pair.closed.size if not pair.worst else pair.worst[0][0].size
        for side, missing in (("closed", pair.missing_closed), ("open", pair.missing_open)):
            if missing > MISSING_LIMIT * planned:
                share = 100 * missing / planned
                return "undecided", [f"{pair.name}: {share:.1f} % of the items are missing on the {side} side (limit 2 %)"]
    if any(pair.worst for pair in pairs):
        bounds = []
        for which in (0, 1):
            filled = [pair.worst[which] if pair.worst else (pair.closed, pair.open_) for pair in pairs]
            labels = [pair.all_clusters if pair.worst else pair.clusters for pair in pairs]
            joint = _combined([interval(c, o, g, rows=rows) for (c, o), g in zip(filled, labels, strict=True)], rows)
            bounds.append(joint.simultaneous)
        verdicts = {verdict(100 * one.low, 100 * one.high, margin) for one in bounds}
        text = f"worst-case bounds of the gap with the missing answers: [{100 * bounds[0].mean:+.1f}, {100 * bounds[1].mean:+.1f}]"
        if verdicts != {decided}:
            return "undecided", [text + "; they would change the verdict"]
        return decided, [text]
    return decided, []


def _warnings(pairs: Sequence[PairedTask]) -> list[str]:
    found: list[str] = []
    for pair in pairs:
        found += unknown(pair.closed_side, pair.open_side)
        if at_ceiling(float(pair.closed.mean()), float(pair.open_.mean())):
            found.append(f"{pair.name} is at its ceiling (both above 95 %): it can no longer tell the two apart")
        for part, points in zip(PARTS[:4], pair.waterfall[:4], strict=True):
            if abs(points) > 100 * STATUS_WARNING:
                found.append(f"{pair.name}: {points:+.1f} points of the gap come from {part} answers, not from wrong ones")
        for side in (pair.closed_side, pair.open_side):
            partly = side.items["answers"].between(1, side.repeats - 1).sum()
            if partly:
                found.append(f"{pair.name}: {partly} items of {side.name} have fewer repeats than planned")
    return found
