"""Which interval is used, and when a verdict falls, in one place."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.stats.adjust import bonferroni_level
from harness.stats.bootstrap import bootstrap_t
from harness.stats.clustered import clustered, effective_clusters
from harness.stats.estimate import Estimate
from harness.stats.paired import is_binary, mean_difference
from harness.stats.proportions import score_interval
from harness.types import Comparison, Verdict

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
LEVEL = 0.95
FEW_ITEMS = 200
FEW_DISCORDANT = 20
VERY_FEW_ITEMS = 30
FEW_CLUSTERS = 30


@dataclass(frozen=True, slots=True)
class Interval:
    """The interval of one task, at two levels by one method; in the units of the scores."""

    unadjusted: Estimate
    simultaneous: Estimate
    warnings: tuple[str, ...] = ()


def interval(closed: Floats, open_: Floats, clusters: Codes | None, *, level: float = LEVEL, rows: int = 1) -> Interval:
    """Choose the method at the simultaneous level (Bonferroni over ``rows``), then use it at both levels.

    Shapes (n,); ``clusters`` holds one label an item, or is None where items are independent.
    """
    adjusted = bonferroni_level(rows, level=level)
    method, warnings = _method(closed, open_, clusters, adjusted)
    return Interval(method(level), method(adjusted), warnings)


def _method(
    closed: Floats, open_: Floats, clusters: Codes | None, level: float
) -> tuple[Callable[[float], Estimate], tuple[str, ...]]:
    d = closed - open_
    binary = is_binary(closed) and is_binary(open_)

    def tango(at: float) -> Estimate:
        return score_interval(int((d > 0).sum()), int((d < 0).sum()), d.size, level=at)

    def plain(at: float) -> Estimate:
        return mean_difference(d, level=at)

    def robust(at: float) -> Estimate:
        assert clusters is not None
        return clustered(d, clusters, level=at)

    if clusters is not None:
        g_eff = effective_clusters(clusters)
        if g_eff >= FEW_CLUSTERS:
            return robust, ()
        if g_eff >= 2:
            few = f"few clusters (effective number {g_eff:.1f}): the wider of paired t and CR1"
            wider = robust if _width(robust(level)) >= _width(plain(level)) else plain
            return wider, (few,)
        return plain, (f"fewer than two effective clusters ({g_eff:.1f}): the interval takes items as independent",)
    if binary and (d.size < FEW_ITEMS or np.count_nonzero(d) < FEW_DISCORDANT):
        return tango, ()
    if not binary and d.size < VERY_FEW_ITEMS:
        # Where resamples are too alike for a quantile at this level, bootstrap-t would differ from it at another one.
        if bootstrap_t(d, level=level).method == plain(level).method:
            return plain, (f"only {d.size} items, too alike for a bootstrap-t",)
        return (lambda at: bootstrap_t(d, level=at)), (f"only {d.size} items: bootstrap-t",)
    return plain, ()


def _width(estimate: Estimate) -> float:
    width = estimate.high - estimate.low
    return -1.0 if math.isnan(width) else width


def verdict(low: float, high: float, margin: float) -> Verdict:
    """Verdict of an interval of closed - open and a margin, all in points. NaN, or no width at all, decides nothing.

    The order matters: an interval inside the margin is equivalence even where it excludes 0.
    """
    if math.isnan(low) or math.isnan(high) or low == high:
        return "undecided"
    if -margin < low and high < margin:
        return "equivalent"
    if low > 0:
        return "closed leads"
    if high < 0:
        return "open leads"
    return "undecided"


def row_scores(one: Comparison) -> tuple[float, float]:
    """The closed and the open score of a table's row: those that differ by its gap, cross-fitted for a best of several."""
    closed, open_ = one.cross_closed, one.cross_open
    return one.score_closed if closed is None else closed, one.score_open if open_ is None else open_


def unseen_below(one: Comparison) -> float:
    """Points below which an undecided comparison could not have seen a gap; NaN if it is undecided for another reason,
    which its warnings give, or decided.
    """
    small = one.verdict == "undecided" and verdict(*one.ci_simultaneous, one.margin) == "undecided"
    return min(one.detectable, 100.0) if small else math.nan
