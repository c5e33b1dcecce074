"""E3: intervals by resampling, for ratios, corpus metrics and curves, and for means of very few items."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import Floats, cluster_codes, vector
from harness.stats.clustered import effective_clusters
from harness.stats.estimate import Estimate, check_level, t_quantile
from harness.stats.paired import mean_difference

FEW_CLUSTERS = 30


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """A statistic and its bootstrap interval; arrays of shape (m,) for a curve of m points, else of shape ()."""

    value: Floats
    sd: Floats
    low: Floats
    high: Floats
    level: float
    method: str
    undefined: int
    """Resamples in which the statistic was not finite; they are left out, and above 1 % there is no interval.
    """


def resample_counts(units: int, draws: int, seed: int) -> Iterator[Floats]:
    """How often each of `units` items or clusters is drawn, in blocks of shape (block, units); rows sum to `units`."""
    generator = np.random.default_rng(seed)
    block = max(1, 2**21 // units)
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        drawn = generator.integers(units, size=(rows, units)) + units * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units).astype(np.float64)


def cluster_bootstrap(
    columns: ArrayLike, statistic: Callable[[Floats], ArrayLike], clusters: ArrayLike | None = None,
    *, draws: int = 10_000, level: float = 0.95, seed: int = 0,
) -> Bootstrap:  # fmt: skip
    """Interval of a statistic that is a function of column totals, whole clusters resampled.

    `columns` has shape (n, k): what is added up over items (a ratio needs two columns, a mean its score and ones).
    `statistic` maps totals of shape (B, k) to values of shape (B,) or (B, m). Without `clusters` each item is one, in
    the order given (sort by id, so that the seed means something). From 30 effective clusters on the interval is the
    percentile one; below, value -+ t(G_eff - 1) * sd * sqrt(G/(G - 1)), since percentiles of few clusters are too
    narrow; one cluster: NaN. Never hand it a maximum (see `frontier`). Raises ValueError for NaN or no items. Source:
    Efron, Tibshirani 1993, chapters 8 and 13; Field, Welsh 2007 for clusters.
    """
    check_level(level)
    table = np.asarray(columns, dtype=np.float64)
    table = table[:, None] if table.ndim == 1 else table
    vector(table.ravel(), "the columns")
    codes = np.arange(len(table)) if clusters is None else cluster_codes(clusters, len(table))
    groups, g_eff = int(codes.max()) + 1, effective_clusters(codes)
    sums = np.stack([np.bincount(codes, weights=column) for column in table.T], axis=1)
    value = np.asarray(statistic(table.sum(axis=0)[None]), dtype=np.float64)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = [np.asarray(statistic(counts @ sums)) for counts in resample_counts(groups, draws, seed)]
    drawn = np.concatenate(found).astype(np.float64)
    finite = np.isfinite(drawn.reshape(draws, -1)).all(axis=1)
    undefined = int(draws - finite.sum())
    few = g_eff < FEW_CLUSTERS
    method = "cluster bootstrap, t(G_eff - 1)" if few else "cluster bootstrap, percentile"
    if groups == 1 or undefined > draws / 100:
        none = np.full_like(value, math.nan)
        return Bootstrap(value, none, none, none, level, method, undefined)
    sd = drawn[finite].std(axis=0, ddof=1)
    if few:
        half = t_quantile(0.5 + level / 2, g_eff - 1) * math.sqrt(groups / (groups - 1)) * sd
        return Bootstrap(value, sd, value - half, value + half, level, method, undefined)
    low, high = np.quantile(drawn[finite], [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return Bootstrap(value, sd, low, high, level, method, undefined)


def bootstrap_t(differences: ArrayLike, *, draws: int = 10_000, level: float = 0.95, seed: int = 0) -> Estimate:
    """Mean difference with the studentised bootstrap interval, for fewer than 30 independent items.

    [mean - q_{1-alpha/2} SE, mean - q_{alpha/2} SE], q quantiles of (mean* - mean)/SE* over resamples of items. Where
    so many resamples are constant that a quantile is infinite (almost all differences equal), the paired t interval
    is returned and `resampled` is False. Shape (n,), in the order of the sorted ids. Raises ValueError for NaN or no
    items. Source: Efron, Tibshirani 1993, section 12.5.
    """
    d = vector(differences, "the differences")
    plain = mean_difference(d, level=level)
    if not plain.se > 0:
        return plain
    studentised = []
    for counts in resample_counts(d.size, draws, seed):
        means = counts @ d / d.size
        variances = np.maximum(0, (counts * (d - means[:, None]) ** 2).sum(axis=1) / (d.size - 1))
        constant = (counts > 0) @ np.ones(d.size) == 1
        variances[constant | (variances < 1e-20)] = 0
        shift = np.where(np.abs(means - plain.mean) < 1e-12, 0.0, means - plain.mean)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = shift / np.sqrt(variances / d.size)
        studentised.append(np.where(shift == 0, 0.0, t))
    tails = [0.5 - level / 2, 0.5 + level / 2]
    with np.errstate(invalid="ignore"):
        below, above = np.quantile(np.concatenate(studentised), tails)
    if not (math.isfinite(below) and math.isfinite(above)):
        return plain
    low, high = plain.mean - above * plain.se, plain.mean - below * plain.se
    return Estimate(
        plain.mean, plain.se, plain.df, plain.n, float(low), float(high), level, "bootstrap-t", resampled=True
    )
