"""E4: the same items asked several times. How much of the noise is the items, and how much the answers?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import Floats, vector
from harness.stats.estimate import Estimate
from harness.stats.paired import mean_difference


@dataclass(frozen=True, slots=True)
class Repeats(Estimate):
    """The paired gap of item means, its variance split in two.

    Variances are NaN where nothing was repeated.
    """

    prediction_variance: float
    """Part of se^2 that more repeats reduce: mean_i(sigma_c,i^2/k_c,i + sigma_o,i^2/k_o,i)/n."""
    item_variance: float
    """Part of se^2 that only more items reduce, cut at 0."""
    cut: bool
    """Whether the item part came out negative and was cut."""
    omega_squared: float
    """Variance of the true differences between items: n * item_variance, for `difference_sd`."""
    closed_variance: float
    """Mean variance of one closed answer to the same item, sigma_c^2."""
    open_variance: float


def _item_means_and_variances(rows: Iterable[ArrayLike], name: str) -> tuple[Floats, Floats, Floats]:
    """Mean, variance of one answer (k - 1 denominator) and number of answers of each item, shape (n,) each.

    An item that was answered once borrows the mean variance of those answered more often; NaN where there are none.
    """
    answers = [vector(row, f"the {name} answers to item {i}") for i, row in enumerate(rows)]
    if not answers:
        raise ValueError(f"the {name} answers are empty: there is nothing to estimate from")
    counts = np.array([row.size for row in answers], dtype=np.float64)
    repeated = [float(row.var(ddof=1)) for row in answers if row.size > 1]
    borrowed = float(np.mean(repeated)) if repeated else math.nan
    variances = np.array([row.var(ddof=1) if row.size > 1 else borrowed for row in answers])
    return np.array([row.mean() for row in answers]), variances, counts


def repeats(closed: Iterable[ArrayLike], open_: Iterable[ArrayLike], *, level: float = 0.95) -> Repeats:
    """The gap of item means over repeats and the split of its variance.

    Var = S^2(d_i)/n, S^2 with ddof 1, holds both parts already; P = mean_i(sigma_c,i^2/k_c,i + sigma_o,i^2/k_o,i)/n
    is the part due to answers, the rest is due to items. `closed` and `open_` are n rows of answers in [0, 1]: arrays
    of shape (n, k), or rows of unequal length where some answers failed. Raises ValueError for NaN, an item without
    an answer, or unequal n. Source: S. Wang 2025, arXiv 2512.21326.
    """
    closed_means, closed_variances, closed_counts = _item_means_and_variances(closed, "closed")
    open_means, open_variances, open_counts = _item_means_and_variances(open_, "open")
    if closed_means.size != open_means.size:
        raise ValueError(f"{closed_means.size} closed items cannot be paired with {open_means.size} open ones")
    gap = mean_difference(closed_means - open_means, level=level)
    prediction = float(np.mean(closed_variances / closed_counts + open_variances / open_counts)) / gap.n
    items = gap.se**2 - prediction
    kept = items if math.isnan(items) else max(0.0, items)
    return Repeats(
        gap.mean, gap.se, gap.df, gap.n, gap.low, gap.high, level, gap.method,
        prediction, kept, items < 0, gap.n * kept,
        float(closed_variances.mean()), float(open_variances.mean()),
    )  # fmt: skip
