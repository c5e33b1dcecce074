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

from harness.gap.policy import FEW_CLUSTERS, FEW_DISCORDANT, FEW_ITEMS
from harness.stats.bootstrap import bootstrap_t
from harness.stats.clustered import effective_clusters, wild_cluster_p
from harness.stats.estimate import Estimate
from harness.stats.paired import is_binary, mcnemar_exact
from harness.stats.proportions import score_interval

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
    few: str = ""
    """What was too little for the interval alone; empty: nothing."""
    unseen: str = ""
    """What could have gone unseen; empty: nothing."""
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
        what = f"effectively {g_eff:.1f} clusters, so whether they agree cannot be judged"
        return Guard(used.mean, (-math.inf, math.inf), (-math.inf, math.inf), what, hopeless=True)
    if used.low == used.high or math.isnan(used.low):
        equal = (
            "all differences are equal"
            if np.ptp(d) < 1e-12
            else "all clusters differ alike, so the interval has no width"
        )
        what = "there is one item" if d.size == 1 else equal
        return Guard(used.mean, (used.low, used.high), (used.low, used.high), what, hopeless=True)
    units: Floats = d
    word = "items"
    if clusters is not None and g_eff >= FEW_CLUSTERS:
        units, word = np.bincount(clusters, weights=d)[np.unique(clusters)].astype(np.float64), "clusters"
    low, high, few = used.low, used.high, ""
    up, down = int((units > 1e-12).sum()), int((units < -1e-12).sum())
    if up + down < FEW_DISCORDANT:
        signs = score_interval(up, down, units.size, level=used.level)
        low, high = min(low, signs.low), max(high, signs.high)
        if mcnemar_exact(up, down) > 1 - used.level:
            low, high = min(low, 0.0), max(high, 0.0)
        few = f"{up + down} of {units.size} {word} differ"
    seen = units.size if clusters is None else g_eff
    if clusters is None and is_binary(closed) and is_binary(open_):
        return Guard(used.mean, (low, high), (low, high), few)
    if clusters is None and (d.size < FEW_ITEMS or abs(skewness(d)) > SKEW * math.sqrt(d.size)):
        skewed = bootstrap_t(d, draws=max(500, min(2_000, 1_000_000 // d.size)), level=used.level)
        if not few and d.size >= UNSEEN_ITEMS and (skewed.low < low or skewed.high > high):
            few = f"{d.size} items with graded scores, spread unevenly"
        low, high = min(low, skewed.low), max(high, skewed.high)
    if clusters is not None and g_eff < FEW_CLUSTERS:
        p, groups = wild_cluster_p(d, clusters), np.unique(clusters).size
        if p > max(1 - used.level, 2.0 ** (1 - groups)) + 1e-9:
            low, high, few = min(low, 0.0), max(high, 0.0), few or f"{groups} clusters with a wild-cluster p of {p:.3f}"
    share = 1 - (1 - used.level) ** (1 / seen)
    among = f"{d.size} items with graded scores" if clusters is None else f"{seen:.0f} effective clusters"
    alike = low - share * (1 + used.mean), high + share * (1 - used.mean)
    unseen = f"among {among} failures as frequent as {100 * share:.1f} % can go unseen"
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
) -> str | None:
    """Why what an interval says of the mean of these tasks does not stand, in one line; None: it stands.

    ``holds`` tells whether it would also be said with other bounds, in the units of the scores; ``alike``: it says that
    the two are alike, or one not worse, within a margin.
    """
    hopeless, few, unseen = (
        _named(names, guards, what)
        for what in (lambda one: one.few if one.hopeless else "", lambda one: one.few, lambda one: one.unseen)
    )
    if hopeless:
        return f"{hopeless}: nothing is decided"
    if few and not holds(*joined([(one.mean, *one.lead) for one in guards])):
        return f"{few}: too few for the verdict that the interval would give"
    if alike and unseen and not holds(*joined([(one.mean, *one.alike) for one in guards])):
        return f"{unseen}, and they would exceed the margin"
    return None


def caution(
    names: Sequence[str], guards: Sequence[Guard], clustered: Sequence[bool], holds: Callable[[float, float], bool]
) -> list[str]:
    """A line beside a lead that few clusters give, and that failures too rare for so many clusters to show would end.

    Such a lead stands: 12 clusters can miss what befalls one in five, so none would be left. ``clustered`` tells in which
    tasks clusters are few, ``holds`` as for ``doubt``.
    """
    few = [
        dataclasses.replace(one, unseen=one.unseen if is_few else "")
        for one, is_few in zip(guards, clustered, strict=True)
    ]
    unseen = _named(names, few, lambda one: one.unseen)
    parts = [(one.mean, *(one.alike if one.unseen else one.lead)) for one in few]
    return [] if not unseen or holds(*joined(parts)) else [f"{unseen}: the lead holds for such clusters as were seen"]


def _named(names: Sequence[str], guards: Sequence[Guard], what: Callable[[Guard], str]) -> str:
    told = [(name, what(one)) for name, one in zip(names, guards, strict=True) if what(one)]
    return "; ".join(f"{name}: {line}" if len(guards) > 1 else line for name, line in told)
