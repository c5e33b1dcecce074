"""E11: what a budget buys on each side, and what the same quality costs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import Floats, matrix, vector
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


def cost_ratio_at_quality(
    closed_means: ArrayLike, closed_costs: ArrayLike, open_means: ArrayLike, open_costs: ArrayLike, quality: float
) -> float:
    """Cheapest closed over cheapest open cost among systems with a mean score of at least `quality`.

    Above 1 open is cheaper at that quality. NaN where a side does not reach it, infinite where open costs nothing.
    Shapes (systems,) each. A ratio of two chosen minima: it has no interval here. Raises ValueError for NaN or a
    negative cost.
    """
    c, o = vector(closed_means, "the closed means"), vector(open_means, "the open means")
    closed_able = _costs(closed_costs, "the closed costs", c.size)[c >= quality]
    open_able = _costs(open_costs, "the open costs", o.size)[o >= quality]
    if not (closed_able.size and open_able.size):
        return math.nan
    closed_least, open_least = float(closed_able.min()), float(open_able.min())
    if open_least == 0:
        return math.nan if closed_least == 0 else math.inf
    return closed_least / open_least
