"""All pairs of systems on one task: a table whose rows share systems, so its p values are adjusted for that."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import Refused
from harness.gap.alignment import PairedTask, align
from harness.gap.comparable import differences
from harness.gap.evidence import Evidence
from harness.gap.policy import LEVEL, interval
from harness.stats.adjust import benjamini_yekutieli
from harness.stats.estimate import Estimate, t_tail
from harness.stats.paired import mcnemar_exact
from harness.stats.proportions import TANGO


@dataclass(frozen=True, slots=True)
class PairRow:
    """``first`` minus ``second`` in points, whichever sides they are on; the interval is unadjusted, ``p_adjusted`` is not."""

    first: str
    second: str
    gap: float
    se: float
    low: float
    high: float
    method: str
    n: int
    p: float
    """Exact McNemar with few right-or-wrong items, else of the t interval; NaN where no difference varies."""
    p_adjusted: float
    """Benjamini–Yekutieli over the table: of rows below 0.05 at most 5 % are expected to be false."""


def all_pairs(members: Sequence[Evidence]) -> list[PairRow]:
    """Every pair of comparable systems of one task, sorted by name. Refused unless there are two or more."""
    pairs: list[PairedTask] = []
    for a, b in itertools.combinations(sorted(members, key=lambda one: one.name), 2):
        if not differences(a, b):
            pair = align(a, b)
            if pair.closed.size > 1:
                pairs.append(pair)
    if not pairs:
        raise Refused("a table of all pairs needs two comparable systems that answered two of the same items")
    estimates = [interval(pair.closed, pair.open_, pair.clusters, level=LEVEL).unadjusted for pair in pairs]
    p_values = [_p(pair, e) for pair, e in zip(pairs, estimates, strict=True)]
    # What has no p decides nothing, and counts in the table all the same.
    adjusted = benjamini_yekutieli([1.0 if math.isnan(p) else p for p in p_values])
    return [
        PairRow(
            pair.closed_side.name, pair.open_side.name, 100 * e.mean, 100 * e.se, 100 * e.low, 100 * e.high,
            e.method, e.n, p, float(q),
        )
        for pair, e, p, q in zip(pairs, estimates, p_values, adjusted, strict=True)
    ]  # fmt: skip


def _p(pair: PairedTask, used: Estimate) -> float:
    """Two-sided p of "no difference": exact McNemar where the interval is Tango's, else t; NaN without any spread."""
    d = pair.closed - pair.open_
    if used.method == TANGO:
        return mcnemar_exact(int((d > 0).sum()), int((d < 0).sum()))
    return 2 * t_tail(abs(used.mean) / used.se, used.df) if used.se > 0 else math.nan
