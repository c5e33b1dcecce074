"""The mean score of one system, with an interval: no mean is shown without one."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from harness.stats.arrays import vector
from harness.stats.clustered import clustered, effective_clusters
from harness.stats.estimate import Estimate, t_quantile
from harness.stats.paired import is_binary, mean_difference


def mean_score(scores: ArrayLike, clusters: ArrayLike | None = None, *, level: float = 0.95) -> Estimate:
    """Mean of scores, shape (n,): Wilson's interval for 0/1 scores, CR1 with clusters, t otherwise.

    Wilson: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n). Fewer than two effective clusters are
    left out. Raises ValueError for NaN or no items. Source: Wilson 1927; Cameron, Gelbach, Miller 2008.
    """
    s = vector(scores, "the scores")
    if clusters is not None and effective_clusters(clusters) >= 2:
        return clustered(s, clusters, level=level)
    plain = mean_difference(s, level=level)
    if not is_binary(s):
        return plain
    z, n, p = t_quantile(0.5 + level / 2, math.inf), s.size, plain.mean
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # Rounding must not push the mean out of its own interval at p = 0 or 1.
    low, high = min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half))
    return Estimate(p, plain.se, math.inf, n, low, high, level, "Wilson")
