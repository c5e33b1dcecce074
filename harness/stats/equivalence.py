"""E8: is the gap small enough not to matter? "Not significant" never answers that; two one-sided tests do."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.stats.estimate import t_interval, t_tail


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two one-sided tests against a margin, and the interval that gives the same answer."""

    p: float
    """The larger of the two one-sided p: small means that the gap lies inside the margin."""
    p_above: float
    """One-sided p of "the gap is at least the margin"."""
    p_below: float
    """One-sided p of "the gap is at most minus the margin"."""
    low: float
    high: float
    """Interval at level 1 - 2 alpha: inside (-margin, margin) exactly when p < alpha."""
    equivalent: bool


def equivalence(mean: float, se: float, df: float, margin: float, *, alpha: float = 0.05) -> Equivalence:
    """TOST of a gap with standard error `se` against -+ margin, all in the same units; `df` may be infinite.

    p = max(P(T > (margin - mean)/se), P(T > (mean + margin)/se)). A standard error of 0 or NaN proves nothing about a
    margin (a few items without a difference have it): p is NaN and `equivalent` False. Raises ValueError for a margin
    that is not positive. Source: Schuirmann 1987.
    """
    if not margin > 0:
        raise ValueError(f"a margin must be positive, not {margin}")
    low, high = t_interval(mean, se, df, 1 - 2 * alpha)
    if not se > 0 or math.isnan(mean):
        return Equivalence(math.nan, math.nan, math.nan, low, high, equivalent=False)
    p_above, p_below = t_tail((margin - mean) / se, df), t_tail((mean + margin) / se, df)
    p = max(p_above, p_below)
    return Equivalence(p, p_above, p_below, low, high, equivalent=p < alpha)
