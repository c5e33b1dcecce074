"""Which interval is used, and when a verdict falls, in one place."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from harness.stats.adjust import bonferroni_level
from harness.stats.bootstrap import bootstrap_t
from harness.stats.clustered import clustered, effective_clusters
from harness.stats.estimate import Estimate
from harness.stats.paired import is_binary, mean_difference
from harness.stats.proportions import score_interval
from harness.types import Comparison, Reason, Verdict

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
LEVEL = 0.95
FEW_ITEMS = 200
FEW_DISCORDANT = 20
VERY_FEW_ITEMS = 30
LEADS: tuple[Verdict, ...] = ("closed leads", "open leads")
FEW_CLUSTERS = 30


class Method(Enum):
    """How an interval is made; its name for readers stands in the estimate."""

    TANGO = auto()
    PAIRED_T = auto()
    CR1 = auto()
    BOOTSTRAP_T = auto()
    TASKS = auto()
    """Of several tasks together (E13)."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with what it was computed by: mean, SE and df at two levels by one method, in the units of the scores."""

    method: Method
    at: Callable[[float], Estimate]
    """The same estimate with its interval at any level."""
    unadjusted: Estimate
    simultaneous: Estimate
    reasons: tuple[Reason, ...] = ()


def interval(closed: Floats, open_: Floats, clusters: Codes | None, *, level: float = LEVEL, rows: int = 1) -> Interval:
    """Choose the method at the simultaneous level (Bonferroni over ``rows``), then use it at both levels.

    Shapes (n,); ``clusters`` holds one label an item, or is None where items are independent.
    """
    adjusted = bonferroni_level(rows, level=level)
    method, at, reasons = _method(closed, open_, clusters, adjusted)
    return Interval(method, at, at(level), at(adjusted), reasons)


def _method(
    closed: Floats, open_: Floats, clusters: Codes | None, level: float
) -> tuple[Method, Callable[[float], Estimate], tuple[Reason, ...]]:
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
            return Method.CR1, robust, ()
        if g_eff >= 2:
            few = Reason("few_clusters", facts={"g_eff": g_eff, "interval": "wider"})
            if _width(robust(level)) >= _width(plain(level)):
                return Method.CR1, robust, (few,)
            return Method.PAIRED_T, plain, (few,)
        return Method.PAIRED_T, plain, (Reason("few_clusters", facts={"g_eff": g_eff, "interval": "items"}),)
    if binary and (d.size < FEW_ITEMS or np.count_nonzero(d) < FEW_DISCORDANT):
        return Method.TANGO, tango, ()
    if not binary and d.size < VERY_FEW_ITEMS:
        # Where resamples are too alike for a quantile at this level, bootstrap-t would differ from it at another one.
        possible = bootstrap_t(d, level=level).resampled
        few = Reason("few_items", facts={"n": d.size, "bootstrap_t": possible})
        if not possible:
            return Method.PAIRED_T, plain, (few,)
        return Method.BOOTSTRAP_T, (lambda at: bootstrap_t(d, level=at)), (few,)
    return Method.PAIRED_T, plain, ()


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
