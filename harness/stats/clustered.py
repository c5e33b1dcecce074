"""E2: the gap when items share a passage or a repository, and so are not independent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import Floats, cluster_codes, vector
from harness.stats.estimate import Estimate, t_interval
from harness.stats.paired import mean_difference

MOST_FLIPS_ENUMERATED = 2**14


@dataclass(frozen=True, slots=True)
class Clustered(Estimate):
    """A mean with a cluster-robust interval."""

    clusters: int
    g_eff: float
    """Effective number of clusters; below 30 the interval is rough, and the wild-cluster p belongs beside it.
    """


def effective_clusters(clusters: ArrayLike) -> float:
    """G_eff = n^2 / sum n_g^2: how many equal clusters would carry the same weight as these.

    Source: Carter, Schnepel, Steigerwald 2017 (without their part for unequal spread).
    """
    sizes = np.bincount(cluster_codes(clusters, np.size(clusters)))
    if sizes.size == 0:
        raise ValueError("the cluster labels are empty: there is nothing to count")
    return float(sizes.sum() ** 2 / (sizes.astype(np.float64) ** 2).sum())


def clustered(differences: ArrayLike, clusters: ArrayLike, *, level: float = 0.95) -> Clustered:
    """Mean of differences with the CR1 standard error and a t interval on G_eff - 1 degrees of freedom.

    SE^2 = G/(G-1) * sum_g (sum_{i in g} (d_i - mean))^2 / n^2. t with G - 1 would cover only 82-92 % when one cluster
    holds half of the items. Shapes (n,) each. One cluster: se, low, high are NaN. Raises ValueError for NaN, no
    items, or labels that do not fit. Source: Cameron, Gelbach, Miller 2008; Carter, Schnepel, Steigerwald 2017.
    """
    d = vector(differences, "the differences")
    codes = cluster_codes(clusters, d.size)
    mean, groups, g_eff = float(d.mean()), int(codes.max()) + 1, effective_clusters(codes)
    if groups > 1:
        residuals = np.bincount(codes, weights=d - mean) / d.size
        squares = float(residuals @ residuals)
        # Sums that differ by rounding errors only do not vary.
        se = math.sqrt(groups / (groups - 1) * squares) if squares > 1e-24 else 0.0
    else:
        se = math.nan
    low, high = t_interval(mean, se, g_eff - 1, level)
    return Clustered(mean, se, g_eff - 1, d.size, low, high, level, "CR1, t(G_eff - 1)", groups, g_eff)


def design_effect(differences: ArrayLike, clusters: ArrayLike) -> float:
    """D = max(1, (SE clustered / SE paired)^2): how many times more items clustering costs.

    NaN for one cluster, or differences that do not vary. Shapes and errors as `clustered`.
    """
    clustered_se, paired_se = clustered(differences, clusters).se, mean_difference(differences).se
    if math.isnan(clustered_se) or paired_se == 0:
        return math.nan
    return max(1.0, (clustered_se / paired_se) ** 2)


def _sign_flips(groups: int, draws: int, seed: int) -> Iterator[Floats]:
    """Blocks of rows of -1 and 1, shape (block, groups): all there are if few, else seeded draws."""
    every = 2**groups <= MOST_FLIPS_ENUMERATED
    generator = np.random.default_rng(seed)
    total, block = (2**groups if every else draws), max(1, 2**20 // groups)
    for start in range(0, total, block):
        rows = min(block, total - start)
        if every:
            bits = np.arange(start, start + rows)[:, None] >> np.arange(groups) & 1
        else:
            bits = generator.integers(0, 2, size=(rows, groups))
        yield np.where(bits == 1, 1.0, -1.0)


def wild_cluster_p(differences: ArrayLike, clusters: ArrayLike, *, draws: int = 9_999, seed: int = 0) -> float:
    """Two-sided p of "the mean difference is 0", for few clusters: the wild cluster bootstrap.

    Null imposed, studentised: the sign of each whole cluster is flipped and t = mean / SE(CR1) taken anew; p is the
    share of flips with |t| at least as large. Up to 14 clusters all 2^G flips are taken (so p is at least 2/2^G),
    beyond that `draws` seeded ones and p = (1 + hits)/(1 + draws). NaN for one cluster; 1 where every difference is
    0. Shapes (n,). Source: Cameron, Gelbach, Miller 2008, section III; Rademacher weights.
    """
    d = vector(differences, "the differences")
    codes = cluster_codes(clusters, d.size)
    sizes, sums = np.bincount(codes).astype(np.float64), np.bincount(codes, weights=d)
    if sizes.size == 1:
        return math.nan
    # Totals in place of means and the CR1 factor left out: both cancel in |t*| >= |t|, and so does division
    # by a zero SE once the comparison is multiplied out. The allowance keeps ties (the sample itself is
    # one) from falling to rounding.
    total = float(sums.sum())
    share = sizes / d.size
    spread = float(((sums - share * total) ** 2).sum())
    allowance = 1e-11 * float(sums @ sums) ** 2
    hits = flips = 0
    for signs in _sign_flips(sizes.size, draws, seed):
        flipped = signs * sums
        totals = flipped.sum(axis=1)
        spreads = ((flipped - share * totals[:, None]) ** 2).sum(axis=1)
        hits += int((totals**2 * spread >= total**2 * spreads - allowance).sum())
        flips += len(signs)
    every = 2**sizes.size <= MOST_FLIPS_ENUMERATED
    return hits / flips if every else (1 + hits) / (1 + flips)
