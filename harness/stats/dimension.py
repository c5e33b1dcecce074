"""E13: several tasks in one row. The tasks are the ones listed, not a sample of all tasks there could be."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import vector
from harness.stats.estimate import Estimate, t_interval

CEILING = 0.95


def dimension(gaps: ArrayLike, ses: ArrayLike, dfs: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Mean gap over fixed tasks, equally weighted: SE = sqrt(sum SE_t^2)/T, `n` the number of tasks.

    Degrees of freedom by Welch and Satterthwaite, (sum SE_t^2)^2 / sum(SE_t^4/df_t); infinite `dfs` are allowed.
    Holds for tasks whose items are independent of each other's. Shapes (T,) each. Raises ValueError for NaN (a task
    without a standard error), for none, or for shapes that differ. Source: Satterthwaite 1946.
    """
    gap, se = vector(gaps, "the gaps"), vector(ses, "the standard errors")
    df = np.asarray(dfs, dtype=np.float64)
    if not (gap.shape == se.shape == df.shape) or not (df > 0).all() or (se < 0).any():
        raise ValueError("each task needs a gap, a standard error of at least 0 and degrees of freedom above 0")
    variances = se**2
    spread = float((variances**2 / df).sum())
    joint_df = float(variances.sum()) ** 2 / spread if spread > 0 else math.inf
    joint_se = math.sqrt(float(variances.sum())) / gap.size
    mean = float(gap.mean())
    low, high = t_interval(mean, joint_se, joint_df, level)
    return Estimate(mean, joint_se, joint_df, gap.size, low, high, level, "fixed tasks, Welch-Satterthwaite t")


def at_ceiling(closed_mean: float, open_mean: float) -> bool:
    """Whether a task is too easy to tell the two apart: both means above 0.95."""
    return min(closed_mean, open_mean) > CEILING
