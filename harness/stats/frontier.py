"""E9: best closed against best open, without the luck that makes a best look better than it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import Codes, Floats, cluster_codes, matrix, vector
from harness.stats.bootstrap import FEW_CLUSTERS, resample_counts
from harness.stats.clustered import effective_clusters
from harness.stats.dimension import joint_df
from harness.stats.estimate import Estimate, t_interval, t_quantile

SPLITS_PER_RESAMPLE = 20
"""The noise of so few halvings widens the bootstrap SD by 1 to 3 %; resamples are the better use of time."""
FEWEST_CLUSTERS = 3
"""With two clusters each half is one of them, and every resample is the sample itself or undefined."""


@dataclass(frozen=True, slots=True, eq=False)
class Frontier(Estimate):
    """The cross-fitted gap of the best; `se` is its bootstrap standard deviation."""

    closed_score: float
    """Cross-fitted: mean score, on the other half, of the closed system that a half picked. `mean` is the difference."""
    open_score: float
    shared: float
    """The gap had equally good systems shared the choice; `mean` gives it to the first."""
    plug_in: float
    """Best closed mean minus best open mean on the same items: biased, since the luckiest is chosen."""
    best_closed: int
    """Row of the best closed system on all items; of equals the first."""
    best_open: int
    closed_picked: Floats
    """Share of half-samples in which each closed system was the best, shape (closed systems,)."""
    open_picked: Floats


@dataclass(frozen=True, slots=True)
class PlugIn:
    """Best against best where only means are known, with the bias to expect of choosing the luckiest."""

    gap: float
    bias_uncorrelated: float
    """Mean excess of the plug-in gap if the systems' errors are independent."""
    bias_half_correlated: float
    """The same if they correlate by 0.5, as systems on the same items do."""


def _members(codes: Codes, strata: Codes) -> list[Codes]:
    """The clusters of each stratum."""
    _, first = np.unique(codes, return_index=True)
    stratum = strata[first]
    if (stratum[codes] != strata).any():
        raise ValueError("a cluster lies in two strata: give its parts names of their own")
    return [np.flatnonzero(stratum == value) for value in range(int(strata.max()) + 1)]


def _halves(codes: Codes, strata: Codes, splits: int, seed: int) -> Floats:
    """Rows of 0 and 1, shape (splits, n): a random half of each stratum's clusters, with all of their items."""
    generator, members = np.random.default_rng(seed), _members(codes, strata)
    chosen = np.zeros((splits, int(codes.max()) + 1))
    for row in chosen:
        for groups in members:
            odd = groups.size % 2 and generator.integers(2)
            row[generator.permutation(groups)[: groups.size // 2 + odd]] = 1.0
    return chosen[:, codes]


def _resamples(codes: Codes, strata: Codes, draws: int, seed: int, only: int | None) -> Floats:
    """How often each cluster is in a resample, shape (draws, G), when each stratum's are drawn with replacement.

    `only` redraws a single stratum; the others stay as they are.
    """
    counts = np.ones((draws, int(codes.max()) + 1))
    for stratum, groups in enumerate(_members(codes, strata)):
        if only in (None, stratum):
            counts[:, groups] = np.concatenate(list(resample_counts(groups.size, draws, seed + stratum)))
    return counts


def _scored_elsewhere(
    scores: Floats, sizes: Floats, weights: Floats, half: Floats, *, shared: bool = False
) -> tuple[Floats, Floats]:  # fmt: skip
    """Choose on one half, score on the other, and swap: mean score (B, splits), and how often each system was chosen.

    Sums of `scores` (systems, G) and of items, `sizes` (G,), by cluster; `weights` (B, G), `half` (splits, G). Of equally
    good systems the first is chosen, or, `shared`, each counts in part. The score is NaN where a resample left one half
    without an item; shares have the shape (systems,), summed over resamples and splits.
    """
    systems, n = scores.shape
    columns = (scores[:, None, :] * half).reshape(-1, n)
    first = (weights @ columns.T).reshape(len(weights), systems, len(half))
    second = (weights @ scores.T)[:, :, None] - first
    first_weight = weights @ (half * sizes).T
    second_weight = (weights @ sizes)[:, None] - first_weight
    total, picked = np.zeros_like(first_weight), np.zeros(systems)
    for chosen_on, scored_on, weight in ((first, second, second_weight), (second, first, first_weight)):
        if shared:
            best = chosen_on >= chosen_on.max(axis=1, keepdims=True) - 1e-9
            share = best / best.sum(axis=1, keepdims=True)
            found = (share * scored_on).sum(axis=1)
            picked += share.sum(axis=(0, 2))
        else:
            place = chosen_on.argmax(axis=1)
            found = np.take_along_axis(scored_on, place[:, None], axis=1)[:, 0]
            picked += np.bincount(place.ravel(), minlength=systems)
        with np.errstate(divide="ignore", invalid="ignore"):
            total += found / weight
    return total / 2, picked / 2


def _cross_fitted(scores: Floats, half: Floats, *, shared: bool = False) -> tuple[float, Floats]:
    """Mean cross-fitted score of one side on all items, and each system's share of the choices."""
    ones = np.ones(scores.shape[1])
    scored, picked = zip(
        *(_scored_elsewhere(scores, ones, ones[None], block, shared=shared) for block in _blocks(half, len(scores), 1)),
        strict=True,
    )
    return float(np.nanmean(np.concatenate(scored, axis=1))), np.sum(picked, axis=0) / len(half)


def _blocks(half: Floats, systems: int, draws: int) -> Iterator[Floats]:
    """The splits in blocks small enough for memory."""
    block = max(1, 2**22 // (systems * max(draws, half.shape[1])))
    for start in range(0, len(half), block):
        yield half[start : start + block]


def _sums(scores: Floats, codes: Codes) -> Floats:
    """Sum of each system's scores by cluster, shape (systems, G)."""
    return np.stack([np.bincount(codes, weights=row) for row in scores]).astype(np.float64)


def _bootstrap_sd(
    closed: Floats, open_: Floats, half: Floats, codes: Codes, strata: Codes, draws: int, seed: int, only: int | None = None
) -> float:  # fmt: skip
    """Standard deviation of the cross-fitted gap over resamples of whole clusters, with items as weights.

    The splits stay as they are: an item drawn twice is never on both sides of one.
    """
    weights = _resamples(codes, strata, draws, seed, only)
    # A cluster is drawn, and lies in a half, as a whole: its sums say all.
    closed, open_ = (_sums(side, codes) for side in (closed, open_))
    sizes, half = (
        np.bincount(codes).astype(np.float64),
        half[:SPLITS_PER_RESAMPLE, np.unique(codes, return_index=True)[1]],
    )
    total, defined = np.zeros(len(weights)), np.zeros(len(weights))
    for block in _blocks(half, max(len(closed), len(open_)), len(weights)):
        gaps = _scored_elsewhere(closed, sizes, weights, block)[0] - _scored_elsewhere(open_, sizes, weights, block)[0]
        total += np.nansum(gaps, axis=1)
        defined += np.isfinite(gaps).sum(axis=1)
    return float((total[defined > 0] / defined[defined > 0]).std(ddof=1))


def frontier(
    closed: ArrayLike, open_: ArrayLike, clusters: ArrayLike | None = None,
    *, strata: ArrayLike | None = None, splits: int = 1_000, draws: int = 10_000, level: float = 0.95, seed: int = 0,
) -> Frontier:  # fmt: skip
    """Best closed minus best open by two-fold cross-fitting: each half of the items scores what the other chose.

    Estimand: the mean true score of the system that a half-sample picks, at most the true best. Averaged over
    `splits` seeded halves, whole clusters where there are any. Interval: -+ z * SD over `draws` resamples; with 2 to
    30 effective clusters the wider of that over items and t(G_eff - 1) * sqrt(G/(G-1)) * SD over clusters; below 2,
    or with two clusters in all, they are left out of it, and `method` says so. `strata` (labels, shape (n,)) names fixed
    parts, such as the tasks of a dimension: each is halved and redrawn within itself; where any has clusters, each has
    its own variance and degrees of freedom, which add up as in E13. Shapes (closed systems, n) and (open systems,
    n), columns in the order of the sorted item ids, rows in that of the sorted names (of equals the first is taken).
    Raises ValueError for NaN, no system on a side, fewer than 2 items, a cluster in two strata. Source: van Hasselt
    2013, arXiv 1302.7175; Andrews, Kitagawa, McCloskey 2024 on the bias.
    """
    c, o = matrix(closed, "the closed scores"), matrix(open_, "the open scores")
    n = c.shape[1]
    if o.shape[1] != n or n < 2:
        raise ValueError(f"{n} closed and {o.shape[1]} open items: both sides need the same two or more")
    layers = np.zeros(n, dtype=np.intp) if strata is None else cluster_codes(strata, n)
    codes = np.arange(n) if clusters is None else cluster_codes(clusters, n)
    _members(codes, layers)
    codes, left_out = _usable(codes, layers)
    half = _halves(codes, layers, splits, seed)
    (closed_score, closed_picked), (open_score, open_picked) = (_cross_fitted(side, half) for side in (c, o))
    gap = closed_score - open_score
    se, df, over_clusters = _spread(c, o, half, codes, layers, draws, seed, level)
    method = "cross-fitted, bootstrap SD" + (", clusters left out" if left_out else "")
    method += " over clusters, t(G_eff - 1)" if over_clusters else ""
    low, high = t_interval(gap, se, df, level)
    closed_means, open_means = c.mean(axis=1), o.mean(axis=1)
    return Frontier(
        gap, se, df, n, low, high, level, method, closed_score, open_score,
        _cross_fitted(c, half, shared=True)[0] - _cross_fitted(o, half, shared=True)[0],
        float(closed_means.max() - open_means.max()), int(closed_means.argmax()), int(open_means.argmax()),
        closed_picked, open_picked,
    )  # fmt: skip


def _usable(codes: Codes, strata: Codes) -> tuple[Codes, bool]:
    """The clusters, with items in the place of those of a stratum that has too few to be judged; whether one has."""
    found, left_out = codes.copy(), False
    for stratum in range(int(strata.max()) + 1):
        within = np.flatnonzero(strata == stratum)
        own = np.unique(codes[within], return_inverse=True)[1]
        groups = int(own.max()) + 1
        if groups < within.size and (groups < FEWEST_CLUSTERS or effective_clusters(own) < 2):
            found[within], left_out = int(codes.max()) + 1 + within, True
    return (np.unique(found, return_inverse=True)[1], True) if left_out else (codes, False)


def _spread(
    closed: Floats, open_: Floats, half: Floats, codes: Codes, strata: Codes, draws: int, seed: int, level: float
) -> tuple[float, float, bool]:  # fmt: skip
    """Standard error and degrees of freedom of the gap, and whether a cluster had a part in them.

    A cluster of one stratum says nothing of how many there are in another: with clusters each stratum is redrawn alone.
    """
    items = np.arange(codes.size)
    layers = int(strata.max()) + 1
    if np.unique(codes).size == codes.size:
        return _bootstrap_sd(closed, open_, half, items, strata, draws, seed), math.inf, False
    ses, dfs, over_clusters = np.zeros(layers), np.full(layers, math.inf), False
    for stratum in range(layers):
        own = np.unique(codes[strata == stratum], return_inverse=True)[1]
        g_eff, groups = effective_clusters(own), int(own.max()) + 1
        only = stratum if layers > 1 else None
        if groups == own.size or g_eff < FEW_CLUSTERS:
            ses[stratum] = _bootstrap_sd(closed, open_, half, items, strata, draws, seed, only)
        if groups < own.size:
            wide = _bootstrap_sd(closed, open_, half, codes, strata, draws, seed, only) * math.sqrt(
                groups / (groups - 1)
            )
            if t_quantile(0.5 + level / 2, g_eff - 1) * wide > t_quantile(0.5 + level / 2, math.inf) * ses[stratum]:
                ses[stratum], dfs[stratum], over_clusters = wide, g_eff - 1, True
    if layers == 1:
        return float(ses[0]), float(dfs[0]), over_clusters
    return math.sqrt(float((ses**2).sum())), joint_df(ses**2, dfs, level), over_clusters


def frontier_of_means(
    closed_means: ArrayLike, open_means: ArrayLike, closed_se: ArrayLike, open_se: ArrayLike,
    *, draws: int = 10_000, seed: int = 0,
) -> PlugIn:  # fmt: skip
    """Best against best where only aggregate scores are known: the plug-in gap, and the bias that choosing adds.

    Parametric bootstrap: means are redrawn around those given, with their standard errors, and the mean excess of the
    redrawn gap over the plug-in is its bias, at correlation 0 and 0.5 between systems. Shapes (closed systems,) and
    (open systems,). Raises ValueError for NaN or shapes that differ.
    """
    c, o = vector(closed_means, "the closed means"), vector(open_means, "the open means")
    se = np.concatenate([vector(closed_se, "the closed errors"), vector(open_se, "the open errors")])
    if se.size != c.size + o.size:
        raise ValueError(f"{c.size + o.size} means need as many standard errors, not {se.size}")
    gap = float(c.max() - o.max())
    generator = np.random.default_rng(seed)
    shared, own = generator.standard_normal((draws, 1)), generator.standard_normal((draws, se.size))

    def bias(correlation: float) -> float:
        noise = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own
        redrawn = np.concatenate([c, o]) + se * noise
        return float((redrawn[:, : c.size].max(axis=1) - redrawn[:, c.size :].max(axis=1)).mean()) - gap

    return PlugIn(gap, bias(0.0), bias(0.5))
