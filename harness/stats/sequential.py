"""E7: a confidence sequence for the gap, valid however often one looks, so that asking can stop early."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import Codes, Floats, cluster_codes, vector
from harness.stats.estimate import check_level

GRID_POINTS = 2_001
"""Candidate means: a tenth of a point of the gap apart, 0 among them; bounds are rounded outward to them."""
BOLDNESS = 0.5
"""Largest share of the wealth that one observation can take (c in the source)."""
TIME_BLOCK = 512


@dataclass(frozen=True, slots=True, eq=False)
class ConfidenceSequence:
    """Bounds after each observation, shape (T,) each, in the units of the differences; they only ever narrow."""

    low: Floats
    high: Floats
    level: float
    unit: str
    """What one observation is: an item or a cluster."""

    @property
    def decided_at(self) -> int | None:
        """Number of observations after which the sequence first excluded 0; None if it never did."""
        outside = np.flatnonzero((self.low > 0) | (self.high < 0))
        return int(outside[0]) + 1 if outside.size else None


def random_order(n: int, clusters: ArrayLike | None = None, *, seed: int = 0) -> Codes:
    """The order in which to ask the items of the sorted ids: a seeded permutation, whole clusters kept together.

    Betting needs an order that no answer and no difficulty has a hand in. Shape (n,). Raises ValueError for n < 1.
    """
    if n < 1:
        raise ValueError(f"an order needs at least one item, not {n}")
    codes = np.arange(n) if clusters is None else cluster_codes(clusters, n)
    place = np.random.default_rng(seed).permutation(int(codes.max()) + 1)
    return np.argsort(place[codes], kind="stable")


def bets(x: Floats, level: float) -> Floats:
    """Size of each bet from what came before it, shape (..., T): larger the less x has varied so far.

    sqrt(2 log(2/alpha) / (s^2_{t-1} t log(1+t))), s^2 the variance so far with one pseudo-observation of 1/2 and
    variance 1/4. Source: Waudby-Smith, Ramdas, arXiv 2010.09686, predictable plug-in of section 4.
    """
    t = np.arange(1, x.shape[-1] + 1)
    means = (0.5 + np.cumsum(x, axis=-1)) / (t + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2, axis=-1)) / (t + 1)
    before = np.concatenate([np.full((*x.shape[:-1], 1), 0.25), variances[..., :-1]], axis=-1)
    sizes: Floats = np.sqrt(2 * math.log(2 / (1 - level)) / (before * t * np.log1p(t)))
    return sizes


def log_wealth_steps(x: Floats, means: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """What each observation adds to the log wealth of betting that the mean is above, and below, each candidate.

    `x` and `sizes` broadcast against `means` (in [0, 1]); bets are clipped at BOLDNESS / m and BOLDNESS / (1 - m), so
    that wealth stays positive.
    """
    up = np.minimum(sizes, BOLDNESS / np.maximum(means, 1e-12))
    down = np.minimum(sizes, BOLDNESS / np.maximum(1 - means, 1e-12))
    return np.log1p(up * (x - means)), np.log1p(-down * (x - means))


def _bounds(x: Floats, level: float, population: int | None) -> tuple[Floats, Floats]:
    """Lower and upper bound on the mean of x in [0, 1] after each of T observations, running intersection.

    Hedged: a candidate is out once half of the wealth bet on either side reaches 1/alpha. With a `population` the
    observations are drawn from it without replacement, and the candidate for the rest moves with each.
    """
    grid = np.linspace(0, 1, GRID_POINTS)
    sizes = bets(x, level)
    seen = np.concatenate([[0.0], np.cumsum(x)[:-1]])
    left = math.inf if population is None else population - np.arange(x.size, dtype=np.float64)
    threshold = math.log(2 / (1 - level))
    wealth_up, wealth_down = np.zeros(GRID_POINTS), np.zeros(GRID_POINTS)
    low, high = np.empty(x.size), np.empty(x.size)
    out = np.zeros(GRID_POINTS, dtype=bool)
    for start in range(0, x.size, TIME_BLOCK):
        now = slice(start, min(start + TIME_BLOCK, x.size))
        candidates = np.broadcast_to(grid, (now.stop - start, GRID_POINTS))
        if population is not None:
            candidates = (population * grid - seen[now, None]) / np.asarray(left)[now, None]
        impossible = (candidates < -1e-9) | (candidates > 1 + 1e-9)
        up, down = log_wealth_steps(x[now, None], np.clip(candidates, 0, 1), sizes[now, None])
        ups, downs = wealth_up + np.cumsum(up, axis=0), wealth_down + np.cumsum(down, axis=0)
        wealth_up, wealth_down = ups[-1], downs[-1]
        outs = np.logical_or.accumulate((np.maximum(ups, downs) >= threshold) | impossible, axis=0) | out
        out = outs[-1]
        # The kept candidates lie together; a bound is the nearest candidate that is out, so rounding never
        # helps.
        first, last = (~outs).argmax(axis=1), GRID_POINTS - 1 - (~outs)[:, ::-1].argmax(axis=1)
        none = outs.all(axis=1)
        low[now] = np.where(none, np.nan, grid[np.maximum(first - 1, 0)])
        high[now] = np.where(none, np.nan, grid[np.minimum(last + 1, GRID_POINTS - 1)])
    return low, high


def _in_unit_interval(differences: ArrayLike) -> Floats:
    d = vector(differences, "the differences")
    if (np.abs(d) > 1 + 1e-9).any():
        raise ValueError("betting needs scores in [0, 1], so differences between -1 and 1")
    return np.clip((d + 1) / 2, 0, 1)


def sequential(differences: ArrayLike, clusters: ArrayLike | None = None, *, level: float = 0.95) -> ConfidenceSequence:
    """Bounds on the mean difference that hold at all times together: hedged betting on (d_i + 1)/2.

    `differences`, shape (T,), in the order in which they came, which must be that of `random_order`. With `clusters`
    (labels in the same order, each cluster complete and in one piece) the bets are on cluster means, and so about the
    mean over clusters, whatever their size. Raises ValueError for NaN, no item, differences outside [-1, 1], or a
    cluster in pieces. Source: Waudby-Smith, Ramdas, arXiv 2010.09686, theorem 3.
    """
    check_level(level)
    x, unit = _in_unit_interval(differences), "item"
    if clusters is not None:
        codes, unit = cluster_codes(clusters, x.size), "cluster"
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        if starts.size != int(codes.max()) + 1:
            raise ValueError("a cluster's items must come in one piece: ask in the order of `random_order`")
        x = np.add.reduceat(x, starts) / np.diff(starts, append=x.size)
    low, high = _bounds(x, level, None)
    return ConfidenceSequence(2 * low - 1, 2 * high - 1, level, unit)


def sequential_full_set(differences: ArrayLike, population: int, *, level: float = 0.95) -> ConfidenceSequence:
    """What the full set of `population` items would have shown, bounded from a random part of it.

    Betting without replacement: the candidate for the rest is m_t = (N m - sum of x before t)/(N - t + 1); m with m_t
    outside [0, 1] are out. After all N items the bounds meet. This is about these items and no others: on fresh ones
    it would reject a true null in most cases (82-99 %, the more the larger the set), so it must never say that a side leads. Shape (T,), T <=
    `population`, in the order of `random_order`. Raises ValueError as `sequential`. Source: Waudby-Smith, Ramdas,
    arXiv 2010.09686, section 5.
    """
    check_level(level)
    x = _in_unit_interval(differences)
    if x.size > population:
        raise ValueError(f"{x.size} items were seen of a set of {population}")
    low, high = _bounds(x, level, population)
    seen, unseen = np.cumsum(x), population - np.arange(1, x.size + 1)
    low, high = np.fmax(low, seen / population), np.fmin(high, (seen + unseen) / population)
    return ConfidenceSequence(2 * low - 1, 2 * high - 1, level, "item")
