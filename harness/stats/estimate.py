"""What comes out of an estimator: a mean, its standard error and the interval at a stated level."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from scipy import special


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its t interval, in the units of the scores. NaN where the data cannot tell."""

    mean: float
    se: float
    df: float
    """Degrees of freedom behind the interval, infinite for a normal one."""
    n: int
    low: float
    high: float
    level: float
    method: str
    """The name of the interval, to stand beside it."""
    resampled: bool = field(default=False, kw_only=True)
    """Whether its interval comes from resamples; a bootstrap that fell back on t is False."""


def check_level(level: float) -> None:
    """Raises ValueError unless the confidence level (or power) lies strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"a level must lie between 0 and 1, not {level}")


def t_quantile(probability: float, df: float) -> float:
    """Quantile of Student's t, of the normal for infinite `df`; NaN unless `df` > 0. Fractional `df` are exact."""
    if math.isinf(df):
        return float(special.ndtri(probability))
    return float(special.stdtrit(df, probability)) if df > 0 else math.nan


def t_tail(statistic: float, df: float) -> float:
    """P(T > statistic) for Student's t, for the normal if `df` is infinite; NaN unless `df` > 0."""
    if math.isinf(df):
        return float(special.ndtr(-statistic))
    return float(special.stdtr(df, -statistic)) if df > 0 else math.nan


def t_interval(mean: float, se: float, df: float, level: float) -> tuple[float, float]:
    """mean -+ t_{1-(1-level)/2, df} * se. Raises ValueError for a level outside (0, 1)."""
    check_level(level)
    half = t_quantile(0.5 + level / 2, df) * se
    return mean - half, mean + half
