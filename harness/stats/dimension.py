"""E13: several tasks in one row. The tasks are the ones listed, not a sample of all tasks there could be."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from harness.stats.arrays import Floats, vector
from harness.stats.estimate import Estimate, t_interval, t_quantile

CEILING = 0.95
FEW_DF = 3.0


def joint_df(variances: Floats, dfs: Floats, level: float) -> float:
    """Degrees of freedom of a sum of independent estimates with these variances, shape (T,) each.

    Welch and Satterthwaite: (sum v_t)^2 / sum(v_t^2/df_t). Where a df is below 3 (fewer than four clusters) its variance
    is often small by luck, and they then take the sum for certain (7 to 11 % errors for 5 %). There it is the df whose t
    gives Banerjee's half width, sqrt(sum t_{df_t}^2 v_t), which never covers less than it says, if that is less. Source:
    Satterthwaite 1946; Banerjee 1961, Biometrika 48.
    """
    spread = float((variances**2 / dfs).sum())
    welch = float(variances.sum()) ** 2 / spread if spread > 0 else math.inf
    if variances.size == 1 or dfs.min() >= FEW_DF or not spread > 0:
        return welch
    half = sum(
        variance * t_quantile(0.5 + level / 2, df) ** 2
        for variance, df in zip(variances.tolist(), dfs.tolist(), strict=True)
    )
    wide = float(special.stdtridf(0.5 + level / 2, math.sqrt(half / float(variances.sum()))))
    return min(welch, wide) if wide > 0 else welch


def dimension(gaps: ArrayLike, ses: ArrayLike, dfs: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Mean gap over fixed tasks, equally weighted: SE = sqrt(sum SE_t^2)/T, `n` the number of tasks.

    Degrees of freedom by `joint_df`; infinite `dfs` are allowed.
    Holds for tasks whose items are independent of each other's. Shapes (T,) each. Raises ValueError for NaN (a task
    without a standard error), for none, or for shapes that differ.
    """
    gap, se = vector(gaps, "the gaps"), vector(ses, "the standard errors")
    df = np.asarray(dfs, dtype=np.float64)
    if not (gap.shape == se.shape == df.shape) or not (df > 0).all() or (se < 0).any():
        raise ValueError("each task needs a gap, a standard error of at least 0 and degrees of freedom above 0")
    variances = se**2
    freedom = joint_df(variances, df, level)
    joint_se = math.sqrt(float(variances.sum())) / gap.size
    mean = float(gap.mean())
    low, high = t_interval(mean, joint_se, freedom, level)
    return Estimate(mean, joint_se, freedom, gap.size, low, high, level, "fixed tasks, Welch-Satterthwaite t")


def at_ceiling(closed_mean: float, open_mean: float) -> bool:
    """Whether a task is too easy to tell the two apart: both means above 0.95."""
    return min(closed_mean, open_mean) > CEILING
