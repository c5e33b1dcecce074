"""Each system's own score by task, with n and interval: what a single run says before anything is compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.evidence.alignment import codes_of
from harness.evidence.gather import Evidence, by_run
from harness.stats.clustered import Clustered
from harness.stats.estimate import t_quantile
from harness.stats.paired import is_binary
from harness.stats.score import mean_score
from harness.types import WeightsLevel
from harness.verdict.policy import LEVEL


@dataclass(frozen=True, slots=True)
class SystemScore:
    """Mean headline score in points, with its 95 % interval; NaN where nothing was answered."""

    system: str
    weights: WeightsLevel
    open: bool
    dimension: str
    task: str
    metric: str
    score: float
    low: float
    high: float
    method: str
    n: int
    missing: int
    """Items that lack an answer, of several repeats one at least."""
    unread: float
    """Percent of the answers in which nothing could be read; NaN: not known, or nothing was answered."""
    truncated: float
    """Percent of the answers that were cut off by the token limit, readable or not; NaN likewise."""
    run: str
    se: float
    """Standard error behind the interval, in points."""
    df: float


def scores(evidence: Sequence[Evidence]) -> list[SystemScore]:
    """One line a system and task, sorted by dimension, task and system. Holds the rows of one run at a time."""
    found = [_score(one) for members in by_run(evidence) for one in members]
    return sorted(found, key=lambda s: (s.dimension, s.task, not s.open, s.system))


def _score(one: Evidence) -> SystemScore:
    data, card = one.data, one.planned.card
    there = ~np.isnan(data.score)
    n = int(there.sum())
    mean = low = high = se = df = unread = truncated = float("nan")
    method = ""
    if n:
        estimate = mean_score(data.score[there], codes_of(data.cluster[there].tolist()))
        # A symmetric interval of few graded items may end where no score can be.
        low, high = 100 * max(estimate.low, 0.0), 100 * min(estimate.high, 1.0)
        mean, method = 100 * estimate.mean, estimate.method
        clustered = isinstance(estimate, Clustered)
        unread, truncated = one.came(data.unread, data.truncated)
        wilson = not clustered and is_binary(data.score[there])
        se, df = 100 * (wilson_se(estimate.mean, n) if wilson else estimate.se), estimate.df
    return SystemScore(
        one.name, one.receipt.system.weights, one.open, card.dimension, card.name, card.headline, mean, low, high, method,
        n, int((data.answers < one.repeats).sum()), unread, truncated, one.run.run_id, se, df,
    )  # fmt: skip


def wilson_se(share: float, n: int) -> float:
    """What Wilson's interval takes for the standard error of a share: not 0 where all answers are alike. Source: Wilson 1927."""
    z = t_quantile(0.5 + LEVEL / 2, math.inf)
    return math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
