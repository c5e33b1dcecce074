"""E14: many comparisons in one table, without one of them being significant by number alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import Floats, vector
from harness.stats.estimate import check_level


def _p_values(p_values: ArrayLike) -> Floats:
    p = vector(p_values, "the p values")
    if ((p < 0) | (p > 1)).any():
        raise ValueError("p values must lie between 0 and 1")
    return p


def bonferroni_level(rows: int, *, level: float = 0.95) -> float:
    """Level of each interval so that all `rows` hold together: 1 - (1 - level)/rows. Raises ValueError for rows < 1."""
    check_level(level)
    if rows < 1:
        raise ValueError(f"a table has at least one row, not {rows}")
    return 1 - (1 - level) / rows


def holm(p_values: ArrayLike) -> Floats:
    """Holm-adjusted p, in the order given: running maximum of min(1, (m - rank) p_(rank)), rank from 0.

    Controls the chance of any false rejection under any dependence. Shape (m,), every row of the declared family.
    Raises ValueError for NaN: what could not be tested is no member of the family. Source: Holm 1979.
    """
    p = _p_values(p_values)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)))
    return adjusted


def benjamini_yekutieli(p_values: ArrayLike) -> Floats:
    """Adjusted p that control the false discovery rate under any dependence, in the order given.

    Running minimum from the largest of min(1, c m p_(rank)/rank), c = sum 1/j, j = 1..m. For all-pairs tables, whose
    rows share systems. Shape (m,). Raises ValueError as `holm`. Source: Benjamini, Yekutieli 2001, theorem 1.3.
    """
    p = _p_values(p_values)
    ranks = np.arange(1, p.size + 1)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * p.size * (1 / ranks).sum() / ranks
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.minimum.accumulate(scaled[::-1])[::-1])
    return adjusted
