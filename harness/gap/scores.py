"""Each system's own score by task, with n and interval: what a single run says before anything is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.gap.evidence import Evidence
from harness.stats.score import mean_score


@dataclass(frozen=True, slots=True)
class SystemScore:
    """Mean headline score in points, with its 95 % interval; NaN where nothing was answered."""

    system: str
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
    run: str


def scores(evidence: Sequence[Evidence]) -> list[SystemScore]:
    """One line a system and task, sorted by dimension, task and system."""
    found = []
    for one in evidence:
        answered = one.items[one.items["score"].notna()]
        card = one.planned.card
        labels = None
        if answered["cluster"].notna().any():
            own = "\0" + answered.index.to_series()
            labels = answered["cluster"].where(answered["cluster"].notna(), own).to_numpy(dtype=np.str_)
        if len(answered):
            estimate = mean_score(answered["score"].to_numpy(np.float64), labels)
            mean, low, high, method = 100 * estimate.mean, 100 * estimate.low, 100 * estimate.high, estimate.method
        else:
            mean = low = high = float("nan")
            method = ""
        found.append(
            SystemScore(
                one.name, one.open, card.dimension, card.name, card.headline, mean, low, high, method,
                len(answered), len(one.items) - len(answered), one.run.run_id,
            )
        )  # fmt: skip
    return sorted(found, key=lambda s: (s.dimension, s.task, not s.open, s.system))
