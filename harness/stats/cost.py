"""E11: what a budget buys on each side, and what the same quality costs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import Codes, Floats, matrix, vector
from harness.stats.frontier import Frontier, frontier


def _costs(costs: ArrayLike, name: str, systems: int) -> Floats:
    checked = vector(costs, name)
    if checked.size != systems or (checked < 0).any():
        raise ValueError(f"{name}: {systems} systems need as many costs, none below 0")
    return checked


def _spread(shares: Floats, rows: Codes, systems: int) -> Floats:
    """Shares of the affordable systems, put back in their places among all."""
    all_shares = np.zeros(systems)
    all_shares[rows] = shares
    return all_shares


def gap_at_cost(
    closed: ArrayLike, open_: ArrayLike, closed_costs: ArrayLike, open_costs: ArrayLike, budget: float,
    clusters: ArrayLike | None = None,
    *, splits: int = 1_000, draws: int = 1_000, level: float = 0.95, seed: int = 0,
) -> Frontier | None:  # fmt: skip
    """The frontier gap among systems whose measured cost an item is at most `budget`, cross-fitted as E9.

    Scores have shape (systems, n), costs (systems,) in any one currency an item. Indices in the result
    count all systems. None where a side has nothing at that price. Raises ValueError as `frontier`, and for
    a negative cost.
    """
    c, o = matrix(closed, "the closed scores"), matrix(open_, "the open scores")
    closed_rows = np.flatnonzero(_costs(closed_costs, "the closed costs", len(c)) <= budget)
    open_rows = np.flatnonzero(_costs(open_costs, "the open costs", len(o)) <= budget)
    if not (closed_rows.size and open_rows.size):
        return None
    found = frontier(
        c[closed_rows], o[open_rows], clusters, splits=splits, draws=draws, level=level, seed=seed
    )
    return replace(
        found,
        best_closed=int(closed_rows[found.best_closed]),
        best_open=int(open_rows[found.best_open]),
        closed_picked=_spread(found.closed_picked, closed_rows, len(c)),
        open_picked=_spread(found.open_picked, open_rows, len(o)),
    )


def cost_ratio_at_quality(
    closed_means: ArrayLike,
    closed_costs: ArrayLike,
    open_means: ArrayLike,
    open_costs: ArrayLike,
    quality: float,
) -> float:
    """Cheapest closed over cheapest open cost among systems with a mean score of at least `quality`.

    Above 1 open is cheaper at that quality. NaN where a side does not reach it, infinite where open costs
    nothing. Shapes (systems,) each. A ratio of two chosen minima: it has no interval here. Raises
    ValueError for NaN or a negative cost.
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
