"""All pairs of systems on one task: a table whose rows share systems, so its p values are adjusted for that."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import Refused
from harness.evidence.alignment import MISSING_LIMIT, PairedTask, align
from harness.evidence.comparable import differences, unknown
from harness.evidence.gather import Evidence
from harness.stats.adjust import benjamini_yekutieli
from harness.stats.clustered import effective_clusters, wild_cluster_p
from harness.stats.estimate import Estimate, t_tail
from harness.stats.paired import mcnemar_exact
from harness.types import Reason
from harness.verdict.judge import distinct, too_much_missing
from harness.verdict.policy import FEW_CLUSTERS, FEW_DISCORDANT, LEVEL, Method, interval
from harness.verdict.words import texts


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
    """Exact McNemar with few right-or-wrong items, else of the t interval; with fewer than 30 effective clusters the
    larger of that and the wild-cluster p. NaN, which counts as 1, where nothing is decided: no difference varies, fewer
    than two effective clusters, or more than 2 % of a side missing."""
    p_adjusted: float
    """Benjamini–Yekutieli over the table: of rows below 0.05 at most 5 % are expected to be false."""
    missing_first: int
    """Items that lack an answer of the first."""
    missing_second: int
    reasons: tuple[Reason, ...]
    """What would stand beside the two in a gap of their own."""
    warnings: tuple[str, ...]
    """The reasons in words."""


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
    intervals = [interval(pair.closed, pair.open_, pair.clusters, level=LEVEL) for pair in pairs]
    estimates = [one.unadjusted for one in intervals]
    p_values = [_p(pair, one.method, one.unadjusted) for pair, one in zip(pairs, intervals, strict=True)]
    # What has no p decides nothing, and counts in the table all the same.
    adjusted = benjamini_yekutieli([1.0 if math.isnan(p) else p for p in p_values])
    return [
        PairRow(
            pair.closed_side.name, pair.open_side.name, 100 * e.mean, 100 * e.se, 100 * e.low, 100 * e.high,
            e.method, e.n, p, float(q), pair.missing_closed, pair.missing_open, reasons, texts(reasons),
        )
        for pair, one, e, p, q in zip(pairs, intervals, estimates, p_values, adjusted, strict=True)
        for reasons in [_beside(pair, one.reasons)]
    ]  # fmt: skip


def _p(pair: PairedTask, method: Method, used: Estimate) -> float:
    """Two-sided p of "no difference", as `PairRow.p` says; where fewer than 20 units differ at least that of their signs."""
    d = pair.closed - pair.open_
    up, down = int((d > 1e-12).sum()), int((d < -1e-12).sum())
    if max(pair.lacking) > MISSING_LIMIT:
        return math.nan
    if method is Method.TANGO:
        return mcnemar_exact(up, down)
    g_eff = math.inf if pair.clusters is None else effective_clusters(pair.clusters)
    if g_eff < 2 or not used.se > 0:
        return math.nan
    p = 2 * t_tail(abs(used.mean) / used.se, used.df)
    if up + down < FEW_DISCORDANT:
        p = max(p, mcnemar_exact(up, down))
    return max(p, wild_cluster_p(d, pair.clusters)) if pair.clusters is not None and g_eff < FEW_CLUSTERS else p


def _beside(pair: PairedTask, reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """What stands beside one row: its interval, what is missing, and what nobody knows of imported results."""
    sides = (pair.closed_side, pair.open_side)
    lost = too_much_missing([({"system": side.name}, share) for side, share in zip(sides, pair.lacking, strict=True)])
    hidden = [side.hides for side in sides if side.hides]
    return distinct([*lost, *reasons, *unknown(*sides), *hidden])
