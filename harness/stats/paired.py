"""E1: the paired gap. Both systems answered the same items, so the noise the items share cancels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from harness.stats.arrays import Floats, pair, vector
from harness.stats.estimate import Estimate, t_interval


@dataclass(frozen=True, slots=True)
class Paired(Estimate):
    """The paired gap and what stands beside it."""

    se_unpaired: float
    """What the standard error would be on different items: the gain of pairing is visible."""
    correlation: float
    """Pearson correlation of the two scores over items, NaN where one side does not vary."""
    b10: int
    """Items where closed scored higher (0/1 scores: right where open is wrong)."""
    b01: int
    """Items where open scored higher."""
    p_mcnemar: float
    """Exact two-sided McNemar p; NaN unless all scores are 0 or 1. It knows no clusters."""
    log_odds_gap: float
    """logit(mean closed) - logit(mean open): comparable between easy and hard tasks."""
    relative_gap: float
    """Gap over the mean closed score; its interval comes from `cluster_bootstrap`."""


def mean_difference(differences: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Mean of differences d_i, shape (n,), with SE = sd(d)/sqrt(n) (ddof 1) and a t(n-1) interval.

    One item has no standard error: se, low and high are NaN. Differences that do not vary give se 0 and an interval
    of no width, which is a fact about the sample and not evidence: the caller must not read it as certainty.
    """
    d = vector(differences, "the differences")
    mean, n = float(d.mean()), d.size
    # 0.8 - 0.7 and 0.3 - 0.2 are not the same float: a spread of rounding errors is no spread.
    sd = math.nan if n == 1 else 0.0 if np.ptp(d) < 1e-12 else float(d.std(ddof=1))
    se = sd / math.sqrt(n)
    low, high = t_interval(mean, se, n - 1, level)
    return Estimate(mean, se, float(n - 1), n, low, high, level, "paired t")


def is_binary(scores: Floats) -> bool:
    """Whether every score is exactly 0 or 1, which the exact methods need."""
    return bool(((scores == 0) | (scores == 1)).all())


def mcnemar_exact(b10: int, b01: int) -> float:
    """Two-sided exact McNemar p of b10 against b01: min(1, 2 P(X <= min)), X ~ Binomial(b10 + b01, 1/2).

    No discordant pair gives 1. Raises ValueError for a negative count. Source: McNemar 1947.
    """
    if min(b10, b01) < 0:
        raise ValueError(f"counts of discordant pairs cannot be negative: {b10}, {b01}")
    if b10 + b01 == 0:
        return 1.0
    return min(1.0, 2 * float(special.bdtr(min(b10, b01), b10 + b01, 0.5)))


def log_odds_gap(closed_mean: float, open_mean: float) -> float:
    """logit(closed_mean) - logit(open_mean), for means of scores in [0, 1].

    Infinite where one mean is 0 or 1; NaN where that cancels, or where a mean lies outside [0, 1] (an unbounded
    metric has no odds).
    """
    if not (0 <= closed_mean <= 1 and 0 <= open_mean <= 1):
        return math.nan
    with np.errstate(invalid="ignore"):
        return float(special.logit(closed_mean) - special.logit(open_mean))


def paired(closed: ArrayLike, open_: ArrayLike, *, level: float = 0.95) -> Paired:
    """The gap of two systems on the same items: mean(d), d_i = closed_i - open_i, t(n-1) interval.

    Shapes (n,) each, scores in [0, 1], one an item (repeats averaged). Raises ValueError for NaN, no items, unequal
    lengths. n = 1 gives NaN for everything that needs a spread. Source: Miller 2024, arXiv 2411.00640.
    """
    c, o = pair(closed, open_)
    d = c - o
    gap, n = mean_difference(d, level=level), d.size
    varies = n > 1 and float(np.ptp(c)) > 0 and float(np.ptp(o)) > 0
    b10, b01 = int((d > 0).sum()), int((d < 0).sum())
    return Paired(
        mean=gap.mean, se=gap.se, df=gap.df, n=n, low=gap.low, high=gap.high, level=level, method=gap.method,
        se_unpaired=math.sqrt((c.var(ddof=1) + o.var(ddof=1)) / n) if n > 1 else math.nan,
        correlation=float(np.corrcoef(c, o)[0, 1]) if varies else math.nan,
        b10=b10, b01=b01,
        p_mcnemar=mcnemar_exact(b10, b01) if is_binary(c) and is_binary(o) else math.nan,
        log_odds_gap=log_odds_gap(float(c.mean()), float(o.mean())),
        relative_gap=gap.mean / float(c.mean()) if c.mean() != 0 else math.nan,
    )  # fmt: skip
