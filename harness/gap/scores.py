"""Each system's own score by task, with n and interval: what a single run says before anything is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.gap.alignment import codes_of
from harness.gap.evidence import Evidence, by_run
from harness.stats.score import mean_score
from harness.types import WeightsLevel


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
    run: str


def scores(evidence: Sequence[Evidence]) -> list[SystemScore]:
    """One line a system and task, sorted by dimension, task and system. Holds the rows of one run at a time."""
    found = [_score(one) for members in by_run(evidence) for one in members]
    return sorted(found, key=lambda s: (s.dimension, s.task, not s.open, s.system))


def _score(one: Evidence) -> SystemScore:
    data, card = one.data, one.planned.card
    there = ~np.isnan(data.score)
    n = int(there.sum())
    mean = low = high = float("nan")
    method = ""
    if n:
        estimate = mean_score(data.score[there], codes_of(data.cluster[there].tolist()))
        # A symmetric interval of few graded items may end where no score can be.
        low, high = 100 * max(estimate.low, 0.0), 100 * min(estimate.high, 1.0)
        mean, method = 100 * estimate.mean, estimate.method
    return SystemScore(
        one.name, one.receipt.system.weights, one.open, card.dimension, card.name, card.headline, mean, low, high, method,
        n, int((data.answers < one.repeats).sum()), one.run.run_id,
    )  # fmt: skip
