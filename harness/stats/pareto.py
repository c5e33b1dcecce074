"""E12: which systems are worth buying at all, and what the open ones add for a buyer."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.arrays import Floats, cluster_codes, matrix, vector
from harness.stats.bootstrap import resample_counts


def _points(costs: ArrayLike, qualities: ArrayLike) -> tuple[Floats, Floats]:
    cost, quality = vector(costs, "the costs"), vector(qualities, "the qualities")
    if cost.size != quality.size:
        raise ValueError(f"{cost.size} costs do not fit {quality.size} qualities")
    return cost, quality


def pareto(costs: ArrayLike, qualities: ArrayLike) -> NDArray[np.bool_]:
    """Which systems no other beats: none is at most as dear and at least as good, and better in one of the two.

    Shapes (systems,) each; result the same. Equal points stand together. Raises ValueError for NaN or none.
    """
    cost, quality = _points(costs, qualities)
    no_worse = (cost[:, None] <= cost) & (quality[:, None] >= quality)
    better = (cost[:, None] < cost) | (quality[:, None] > quality)
    free: NDArray[np.bool_] = np.logical_not((no_worse & better).any(axis=0))
    return free


def hypervolume(
    costs: ArrayLike, qualities: ArrayLike, reference_cost: float,
    *, reference_quality: float = 0.0, scale: Literal["linear", "log"] = "linear",
) -> float:  # fmt: skip
    """Area that a choice of systems dominates, up to the reference point (dearest cost, worst quality).

    In units of cost times quality, or of ln(cost) times quality. Points beyond the reference add nothing. Of all
    systems minus of the closed ones: what open models are worth to a buyer. Raises ValueError for NaN, or for a cost
    that is not positive on the log scale. Source: Zitzler, Thiele 1998.
    """
    cost, quality = _points(costs, qualities)
    if scale == "log":
        if not (cost > 0).all() or not reference_cost > 0:
            raise ValueError("a logarithmic cost scale needs costs above 0")
        cost, reference_cost = np.log(cost), float(np.log(reference_cost))
    inside = (cost < reference_cost) & (quality > reference_quality)
    if not inside.any():
        return 0.0
    order = np.argsort(cost[inside])
    steps = np.maximum.accumulate(quality[inside][order]) - reference_quality
    widths = np.diff(cost[inside][order], append=reference_cost)
    return float(steps @ widths)


def pareto_membership(
    costs: ArrayLike,
    scores: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    draws: int = 1_000,
    seed: int = 0,
) -> Floats:
    """How often each system is non-dominated when items (whole clusters) are drawn anew, shape (systems,).

    `costs` and `scores` have shape (systems, n): both are measured on the items, and both vary with them. A share of
    resamples that describes how firm the set is, not a p value. Raises ValueError for NaN or shapes that differ.
    """
    cost, score = matrix(costs, "the costs"), matrix(scores, "the scores")
    if cost.shape != score.shape:
        raise ValueError(f"costs of shape {cost.shape} do not fit scores of shape {score.shape}")
    n = score.shape[1]
    codes = np.arange(n) if clusters is None else cluster_codes(clusters, n)
    member = np.zeros(len(score))
    for counts in resample_counts(int(codes.max()) + 1, draws, seed):
        weights = counts[:, codes] / counts[:, codes].sum(axis=1, keepdims=True)
        for drawn_costs, drawn_scores in zip(weights @ cost.T, weights @ score.T, strict=True):
            member += pareto(drawn_costs, drawn_scores)
    return member / draws
