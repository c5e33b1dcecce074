"""E11: what a budget buys on each side, and what the same quality costs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import Codes, Floats, cluster_codes, matrix, vector
from harness.stats.bootstrap import Bootstrap, cluster_bootstrap, resample_counts
from harness.stats.frontier import Frontier, frontier


def _costs(costs: ArrayLike, name: str, systems: int) -> Floats:
    checked = vector(costs, name)
    if checked.size != systems or (checked < 0).any():
        raise ValueError(f"{name}: {systems} systems need as many costs, none below 0")
    return checked


def gap_at_cost(
    closed: ArrayLike, open_: ArrayLike, closed_costs: ArrayLike, open_costs: ArrayLike, budget: float,
    *, clusters: ArrayLike | None = None, strata: ArrayLike | None = None,
    splits: int = 1_000, draws: int = 10_000, level: float = 0.95, seed: int = 0,
) -> Frontier | None:  # fmt: skip
    """The frontier gap among systems whose measured cost an item is at most `budget`, cross-fitted as E9.

    Scores have shape (systems, n), costs (systems,) in any one currency an item. Indices in the result count all
    systems. None where a side has nothing at that price. Raises ValueError as `frontier`, and for a negative cost.
    """
    c, o = matrix(closed, "the closed scores"), matrix(open_, "the open scores")
    closed_able = _costs(closed_costs, "the closed costs", len(c)) <= budget
    open_able = _costs(open_costs, "the open costs", len(o)) <= budget
    if not (closed_able.any() and open_able.any()):
        return None
    # What is too dear scores below everything, so that no half picks it and the rows keep their numbers.
    c, o = np.where(closed_able[:, None], c, c.min() - 1), np.where(open_able[:, None], o, o.min() - 1)
    return frontier(c, o, clusters, strata=strata, splits=splits, draws=draws, level=level, seed=seed)


def cost_ratio(
    closed_costs: ArrayLike, closed_solved: ArrayLike, open_costs: ArrayLike, open_solved: ArrayLike,
    clusters: ArrayLike | None = None, *, level: float = 0.95, draws: int = 10_000, seed: int = 0,
) -> Bootstrap:  # fmt: skip
    """Closed over open cost per solved item of two systems, with its cluster-bootstrap interval (E3) on the log scale.

    Cost and sum of scores of each item, shape (n,), in the order of the sorted ids. The two systems are fixed: that
    they were chosen is no part of the interval. ``sd`` is that of the logarithm. NaN where a side solves nothing or
    costs nothing. Raises ValueError as `cluster_bootstrap`.
    """
    columns = np.column_stack([closed_costs, closed_solved, open_costs, open_solved])

    def log_ratio(totals: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            cost_c, solved_c, cost_o, solved_o = np.log(totals).T
            found: Floats = (cost_c - solved_c) - (cost_o - solved_o)
        return found

    logs = cluster_bootstrap(columns, log_ratio, clusters, draws=draws, level=level, seed=seed)
    value, low, high = (np.exp(part) for part in (logs.value, logs.low, logs.high))
    return replace(logs, value=value, low=low, high=high, method=f"{logs.method}, log scale")


def cheapest_pair(
    costs: ArrayLike, solved: ArrayLike, is_open: ArrayLike, weights: ArrayLike, clusters: ArrayLike | None = None,
    *, draws: int = 500, seed: int = 0,
) -> tuple[int, int, float]:  # fmt: skip
    """The cheapest closed and open system per solved item at the best quality that both sides reach: what that costs.

    Their rows, and how firm the choice is: the share of resamples, each with its own quality, that choose the same two; a
    share that describes, not a p value. Costs and sums of scores of shape (systems, n), `is_open` (systems,), `weights` (n,),
    an item's share of the quality. Raises ValueError for NaN.
    """
    cost, score, w = matrix(costs, "the costs"), matrix(solved, "the scores"), vector(weights, "the weights")
    sides = [np.flatnonzero(~np.asarray(is_open, dtype=bool)), np.flatnonzero(np.asarray(is_open, dtype=bool))]
    codes = np.arange(w.size) if clusters is None else cluster_codes(clusters, w.size)

    def choice(counts: Floats) -> Codes:
        with np.errstate(divide="ignore", invalid="ignore"):
            quality = (counts * w) @ score.T / (counts @ w)[:, None]
            price = (counts @ cost.T) / (counts @ score.T)
        reach = np.minimum(*(quality[:, side].max(axis=1) for side in sides))[:, None]
        able = np.where((quality >= reach) & np.isfinite(price), price, math.inf)
        return np.stack([side[able[:, side].argmin(axis=1)] for side in sides])

    (closed, open_), same = choice(np.ones((1, w.size)))[:, 0].tolist(), 0
    for counts in resample_counts(int(codes.max()) + 1, draws, seed):
        same += int((choice(counts[:, codes]) == [[closed], [open_]]).all(axis=0).sum())
    return closed, open_, same / draws
