"""When the verdict of an interval does not stand: too little was seen for it, however narrow the interval is.

An interval is made from what was seen. With few units that differ it mistakes luck for certainty, and with few units of
graded scores it knows nothing of rare failures. A unit is an item; with 30 or more effective clusters, a cluster.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.stats.bootstrap import bootstrap_t
from harness.stats.clustered import effective_clusters, wild_cluster_p
from harness.stats.estimate import Estimate
from harness.stats.paired import is_binary, mcnemar_exact
from harness.stats.proportions import score_interval
from harness.types import Reason
from harness.verdict.policy import FEW_CLUSTERS, FEW_DISCORDANT, FEW_ITEMS

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
UNSEEN_ITEMS = 60
"""Graded items below which a lead, too, must hold for failures that went unseen; above, bootstrap-t does as much."""
SKEW = 0.1
"""|skewness|/sqrt(n) from which a t interval of graded items errs by several percent on one side, whatever n is."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Bounds, in the units of the scores, that a verdict on one task must hold for as well."""

    mean: float
    lead: tuple[float, float]
    """For a verdict that one side leads."""
    alike: tuple[float, float]
    """For a verdict that the two are alike within a margin; contains ``lead``."""
    few: Reason | None = None
    """What was too little for the interval alone; None: nothing."""
    unseen: Reason | None = None
    """What could have gone unseen; None: nothing."""
    hopeless: bool = False
    """No verdict is possible at all."""


def guard(closed: Floats, open_: Floats, clusters: Codes | None, used: Estimate) -> Guard:
    """The bounds of one task for its interval ``used``; shapes (n,).

    Where fewer than 20 units differ: the hull of the interval and Tango's on their signs (|d| <= 1, so the signs bound
    the mean), and of 0 unless the exact sign test excludes it at the same level. With fewer than 200 graded items, or
    skewed ones, the hull with bootstrap-t, which knows of skew; with few clusters that of 0 unless the wild-cluster p
    excludes it, or is as small as so many clusters can make it. Alike, where units are not just right or wrong, and for
    a lead among fewer than 60 graded items: as if a share 1 - alpha^(1/units), which as many units can miss with
    probability alpha, had the largest difference there is ("rule of three"). Source: Tango 1998; Efron and Tibshirani
    1993, 12.5; Cameron, Gelbach, Miller 2008; Hanley and Lippman-Hand 1983.
    """
    d = closed - open_
    g_eff = math.inf if clusters is None else effective_clusters(clusters)
    if g_eff < 2:
        what = Reason("too_few_clusters", True, {"g_eff": g_eff})
        return Guard(used.mean, (-math.inf, math.inf), (-math.inf, math.inf), what, hopeless=True)
    if used.low == used.high or math.isnan(used.low):
        cause = "one_item" if d.size == 1 else "all_equal" if np.ptp(d) < 1e-12 else "clusters_alike"
        what = Reason("no_width", True, {"cause": cause})
        return Guard(used.mean, (used.low, used.high), (used.low, used.high), what, hopeless=True)
    units: Floats = d
    word = "items"
    if clusters is not None and g_eff >= FEW_CLUSTERS:
        units, word = np.bincount(clusters, weights=d)[np.unique(clusters)].astype(np.float64), "clusters"
    low, high = used.low, used.high
    few: Reason | None = None
    up, down = int((units > 1e-12).sum()), int((units < -1e-12).sum())
    if up + down < FEW_DISCORDANT:
        signs = score_interval(up, down, units.size, level=used.level)
        low, high = min(low, signs.low), max(high, signs.high)
        if mcnemar_exact(up, down) > 1 - used.level:
            low, high = min(low, 0.0), max(high, 0.0)
        few = Reason("few_discordant", True, {"differ": up + down, "of": units.size, "unit": word})
    seen = units.size if clusters is None else g_eff
    if clusters is None and is_binary(closed) and is_binary(open_):
        return Guard(used.mean, (low, high), (low, high), few)
    if clusters is None and (d.size < FEW_ITEMS or abs(skewness(d)) > SKEW * math.sqrt(d.size)):
        skewed = bootstrap_t(d, draws=max(500, min(2_000, 1_000_000 // d.size)), level=used.level)
        if not few and d.size >= UNSEEN_ITEMS and (skewed.low < low or skewed.high > high):
            few = Reason("skewed", True, {"n": d.size})
        low, high = min(low, skewed.low), max(high, skewed.high)
    if clusters is not None and g_eff < FEW_CLUSTERS:
        p, groups = wild_cluster_p(d, clusters), np.unique(clusters).size
        if p > max(1 - used.level, 2.0 ** (1 - groups)) + 1e-9:
            low, high = min(low, 0.0), max(high, 0.0)
            few = few or Reason("clusters_disagree", True, {"clusters": groups, "p": p})
    share = 1 - (1 - used.level) ** (1 / seen)
    alike = low - share * (1 + used.mean), high + share * (1 - used.mean)
    among: dict[str, float] = {"n": d.size} if clusters is None else {"g_eff": g_eff}
    unseen = Reason("rare_failures", True, {**among, "share": share})
    if clusters is None and d.size < UNSEEN_ITEMS:
        return Guard(used.mean, alike, alike, few or unseen, unseen)
    return Guard(used.mean, (low, high), alike, few, unseen)


def skewness(d: Floats) -> float:
    """Third central moment over the cube of the standard deviation, shape (n,); 0 where nothing varies."""
    from_mean = d - d.mean()
    spread = float((from_mean**2).mean()) ** 1.5
    return float((from_mean**3).mean()) / spread if spread > 1e-30 else 0.0


def joined(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Bounds of the mean of several tasks from (mean, low, high) of each, by MOVER, which keeps skewed bounds skewed.

    Source: Zou and Donner 2008.
    """
    below = math.sqrt(sum((mean - low) ** 2 for mean, low, _ in parts))
    above = math.sqrt(sum((high - mean) ** 2 for mean, _, high in parts))
    mean = sum(mean for mean, _, _ in parts) / len(parts)
    return mean - below / len(parts), mean + above / len(parts)


def doubt(
    names: Sequence[str], guards: Sequence[Guard], holds: Callable[[float, float], bool], *, alike: bool
) -> list[Reason]:
    """Why what an interval says of the mean of these tasks does not stand; nothing: it stands.

    ``holds`` tells whether it would also be said with other bounds, in the units of the scores; ``alike``: it says that
    the two are alike, or one not worse, within a margin.
    """
    if found := hopeless(names, guards):
        return found
    few = named(names, [one.few for one in guards], against="lead")
    if few and not holds(*joined([(one.mean, *one.lead) for one in guards])):
        return few
    unseen = named(names, [one.unseen for one in guards], against="margin")
    if alike and unseen and not holds(*joined([(one.mean, *one.alike) for one in guards])):
        return unseen
    return []


def hopeless(names: Sequence[str], guards: Sequence[Guard]) -> list[Reason]:
    """Why no verdict is possible at all; nothing: one is."""
    return named(names, [one.few if one.hopeless else None for one in guards])


def caution(
    names: Sequence[str], guards: Sequence[Guard], clustered: Sequence[bool], holds: Callable[[float, float], bool]
) -> list[Reason]:
    """A caution beside a lead that few clusters give, and that failures too rare for so many clusters to show would end.

    Such a lead stands: 12 clusters can miss what befalls one in five, so none would be left. ``clustered`` tells in which
    tasks clusters are few, ``holds`` as for ``doubt``.
    """
    few = [
        dataclasses.replace(one, unseen=one.unseen if is_few else None)
        for one, is_few in zip(guards, clustered, strict=True)
    ]
    unseen = named(names, [one.unseen for one in few], against="unseen", overrules=False)
    parts = [(one.mean, *(one.alike if one.unseen else one.lead)) for one in few]
    return [] if not unseen or holds(*joined(parts)) else unseen


def named(
    names: Sequence[str], reasons: Sequence[Reason | None], *, against: str = "", overrules: bool = True
) -> list[Reason]:
    """The reasons of those tasks that have one, with what they are held against, and with the task where there are several."""
    beside = {"against": against} if against else {}
    return [
        dataclasses.replace(
            one, overrules=overrules, facts={**one.facts, **beside, **({"task": name} if len(names) > 1 else {})}
        )
        for name, one in zip(names, reasons, strict=True)
        if one is not None
    ]
