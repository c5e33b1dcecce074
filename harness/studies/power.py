"""How many items, or repeats, a gap of a given size needs: from the variances of what is stored (E6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from harness import catalogue
from harness.errors import Refused, UsageError
from harness.evidence.alignment import PairedTask, align
from harness.evidence.gather import Evidence
from harness.evidence.select import select
from harness.stats.clustered import clustered, design_effect, effective_clusters
from harness.stats.estimate import t_quantile
from harness.stats.paired import is_binary, mcnemar_exact, mean_difference
from harness.stats.power import copies_needed, detectable_iid, difference_sd, n_needed, repeats_needed
from harness.types import OpenFrom
from harness.verdict.policy import FEW_DISCORDANT, FEW_ITEMS

POWER = 0.8


@dataclass(frozen=True, slots=True)
class Power:
    """What a pair's stored answers say about one gap on one task; points where not said otherwise."""

    task: str
    closed: str
    open: str
    gap: float
    n_needed: int | None
    """Independent items, as often asked as those stored; None: the differences do not vary. Where they are few, and right
    or wrong, so many that the exact rules of `gap` (see `_exactly`) have 80 % power as well."""
    n_needed_clustered: int | None
    """Items in clusters like those stored, whose interval `gap` would use; None without two effective clusters."""
    clusters_needed: int | None
    """How many clusters those items lie in: more items of the same clusters would not do."""
    n_at_repeats: int | None
    """Independent items if each were asked ``repeats`` times; None: nothing stored was repeated."""
    repeats: int
    repeats_needed: int | None
    """Repeats a side on as many independent items as stored; None: more items are needed, or nothing was repeated."""
    n: int
    sd: float
    """Standard deviation of an item's difference."""
    design_effect: float
    """How many times more variance the stored clusters bring; at least 1, NaN without clusters."""
    item_variance: float
    """Variance of the true differences between items, in squared points; NaN if nothing was repeated."""
    answer_variance_closed: float
    answer_variance_open: float
    detectable_iid: float
    open_from: OpenFrom = catalogue.OPEN_FROM
    """The least open level that counted as open."""


def power(
    evidence: Sequence[Evidence], gaps: Sequence[float], *, closed: str | None = None, open_: str | None = None,
    task: str | None = None, repeats: int = 1, open_from: OpenFrom = catalogue.OPEN_FROM, notes: list[str] | None = None,
) -> list[Power]:  # fmt: skip
    """One line a task and gap: with so many items a row by itself (95 %) says in 80 % of cases that the side leads.

    Where a side has several systems the best on all items stand for it. What could not be compared, or was named by
    less than its name, is added to ``notes``, where that is given. Raises: UsageError (a gap of 0), UnknownName,
    Refused (nothing to estimate from).
    """
    if repeats < 1 or not gaps or any(not (gap > 0 and math.isfinite(gap)) for gap in gaps):
        raise UsageError("--gap must be above 0 points and --repeats at least 1")
    rows, said = select(evidence, closed=closed, open_=open_, task=task, by_task=True, open_from=open_from)
    if notes is not None:
        notes += said
    found = []
    for row in rows:
        best_closed, best_open = (
            max(side.values(), key=lambda parts: np.nanmean(parts[row.tasks[0]].data.score))
            for side in (row.closed, row.open_)
        )
        pair = align(best_closed[row.tasks[0]], best_open[row.tasks[0]])
        if pair.closed.size > 1:
            found += [replace(_power(pair, gap, repeats), open_from=open_from) for gap in gaps]
    if not found:
        raise Refused("no pair of systems with two items in common: " + ("; ".join(said) or "the store is empty"))
    return found


def _power(pair: PairedTask, gap: float, repeats: int) -> Power:
    d = pair.closed - pair.open_
    sd = mean_difference(d).se * math.sqrt(d.size)
    deff = design_effect(d, pair.clusters) if pair.clusters is not None else math.nan
    closed_noise, closed_k = _noise(pair.closed_side)
    open_noise, open_k = _noise(pair.open_side)
    omega = max(0.0, sd**2 - closed_noise / closed_k - open_noise / open_k)
    split = not math.isnan(closed_noise + open_noise)
    at = (
        difference_sd(omega, closed_noise, open_noise, closed_repeats=repeats, open_repeats=repeats)
        if split
        else math.nan
    )
    needed = n_needed(gap / 100, sd) if sd > 0 else None
    if needed is not None and is_binary(pair.closed) and is_binary(pair.open_):
        needed = _exactly(needed, gap / 100, float(np.mean(d != 0)))
    clustered_n, clusters = _in_clusters(pair, gap / 100, needed)
    return Power(
        task=pair.name, closed=pair.closed_side.name, open=pair.open_side.name, gap=gap, n_needed=needed,
        n_needed_clustered=clustered_n, clusters_needed=clusters,
        n_at_repeats=n_needed(gap / 100, at) if split and at > 0 else None, repeats=repeats,
        repeats_needed=repeats_needed(gap / 100, d.size, omega, closed_noise, open_noise) if split else None,
        n=d.size, sd=100 * sd, design_effect=deff, item_variance=1e4 * omega if split else math.nan,
        answer_variance_closed=1e4 * closed_noise, answer_variance_open=1e4 * open_noise,
        detectable_iid=100 * detectable_iid(sd, d.size),
    )  # fmt: skip


def _exactly(n: int, gap: float, differ: float) -> int:
    """Items, n or more, at which `gap` decides with 80 % power where a share ``differ`` of right-or-wrong items differs.

    n as it is from 200 items on of which 20 are expected to differ: below, Tango's interval and the exact sign test ask
    for more than the normal approximation behind n.
    """
    differ = min(1.0, max(differ, gap))
    while (n < FEW_ITEMS or n * differ < FEW_DISCORDANT) and _chance_of_a_lead(n, gap, differ) < POWER:
        n += 1
    return n


def _chance_of_a_lead(n: int, gap: float, differ: float) -> float:
    """Exact probability that the better of two right-or-wrong systems is said to lead, of n items.

    Of k ~ Binomial(n, differ) items that differ, it is right in u ~ Binomial(k, (1 + gap/differ)/2). It leads where
    (2u - k)^2 > z^2 k, which is Tango's interval without 0; of fewer than 20, where the exact sign test says so too.
    """
    k = np.arange(1, n + 1)
    least = np.floor((k + t_quantile(0.975, math.inf) * np.sqrt(k)) / 2) + 1
    for place in range(min(n, FEW_DISCORDANT - 1)):
        while least[place] <= k[place] and mcnemar_exact(int(least[place]), int(k[place] - least[place])) > 0.05:
            least[place] += 1
    share = special.bdtr(k, n, differ) - special.bdtr(k - 1, n, differ)
    return float((share * special.bdtrc(np.minimum(least - 1, k), k, min(1.0, (1 + gap / differ) / 2))).sum())


def _in_clusters(pair: PairedTask, gap: float, needed: int | None) -> tuple[int | None, int | None]:
    """Items and clusters like those stored that a gap (units of the scores) needs; never fewer items than independent ones."""
    if pair.clusters is None or needed is None or effective_clusters(pair.clusters) < 2:
        return None, None
    found = clustered(pair.closed - pair.open_, pair.clusters)
    copies = max(copies_needed(gap, found.se, found.g_eff), needed / found.n)
    return math.ceil(copies * found.n - 1e-9), math.ceil(copies * found.clusters - 1e-9)


def _noise(side: Evidence) -> tuple[float, float]:
    """Mean variance of one answer to the same item (NaN where nothing was repeated), and repeats (harmonic mean)."""
    answers = side.data.answers[side.data.answers > 0]
    variances = side.data.variance[~np.isnan(side.data.variance)]
    return float(variances.mean()) if variances.size else math.nan, float(1 / np.mean(1 / answers))
