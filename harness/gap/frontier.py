"""Best closed against best open, where a side has several systems."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.errors import Refused
from harness.gap.alignment import MISSING_LIMIT, Aligned, PairedTask, align, at, codes_of, paired_ids
from harness.gap.cautions import variants
from harness.gap.doubt import Guard, guard
from harness.gap.evidence import Evidence
from harness.gap.pair import beside, compare, judged_by_worst, rare, smallest_visible
from harness.gap.policy import FEW_CLUSTERS, LEVEL, VERY_FEW_ITEMS, interval, verdict
from harness.gap.select import Selection
from harness.stats.adjust import bonferroni_level
from harness.stats.clustered import effective_clusters
from harness.stats.estimate import t_interval
from harness.stats.frontier import Frontier, frontier
from harness.types import Comparison, Verdict

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Side = Mapping[str, Mapping[str, Evidence]]
FEWER_SPLITS, MANY_ITEMS = 200, 10_000
"""Halvings above so many items, since a thousand would take minutes and gigabytes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Effort:
    """How many halvings and resamples stand behind an estimate; fewer resamples, but not below 200, of many items."""

    splits: int
    draws: int
    most_weights: int


FULL = Effort(1_000, 10_000, 5_000_000)
"""For what is quoted: the bootstrap SD is steady to a percent, or to 5 % with a dozen clusters of unequal size."""
SKETCH = Effort(200, 1_000, 1_000_000)
"""For a band that is only drawn: a tenth of the time, the gap steady to 0.1 points, the SD to 2 %, or to 5 % as above."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """One side on all planned items of all tasks, one task after another: shape (candidates, n) each."""

    names: list[str]
    score: Floats
    """NaN: not answered at all."""
    lacking: Floats
    """Share of the planned answers that is missing."""

    def filled(self, value: float) -> Floats:
        """The scores had every missing answer been worth ``value``."""
        return np.nan_to_num(self.score) * (1 - self.lacking) + value * self.lacking


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Items:
    """What the columns of the candidates are."""

    tasks: Codes
    """Task of each item: the fixed parts in which halves and resamples are drawn."""
    clusters: Codes | None
    ids: NDArray[np.object_]

    def estimate(
        self, closed: Floats, open_: Floats, keep: NDArray[np.bool_], level: float, effort: Effort
    ) -> Frontier:
        """E9 on some of the items."""
        c, o = closed[:, keep], open_[:, keep]
        tasks, sizes = np.unique(self.tasks[keep], return_inverse=True)[1], np.bincount(self.tasks[keep])
        # Tasks weigh equally: with N / (T n_t) the plain mean over items is the mean of the task means.
        weights = (c.shape[1] / ((sizes > 0).sum() * sizes[self.tasks[keep]])) if tasks.size else 1.0
        clusters = None if self.clusters is None else self.clusters[keep]
        n = max(1, c.shape[1])
        splits = effort.splits if n <= MANY_ITEMS else FEWER_SPLITS
        draws = max(200, min(effort.draws, effort.most_weights // n))
        return frontier(c * weights, o * weights, clusters, strata=tasks, splits=splits, draws=draws, level=level)


def compare_best(selection: Selection, *, margin: float, rows: int = 1, effort: Effort = FULL) -> Comparison:
    """E9 over the systems of one row: choose on one half of the items, score on the other.

    Candidates of which more than 2 % of the answers are missing are left out, and the verdict stays open if one of them
    could be the best. Of the others those items are used that all answered. Scores and waterfall are those of the pair
    that is best on all these items, whose difference is ``plug_in``; ``cross_closed`` and ``cross_open`` differ by the
    gap. What is missing is counted of that pair. What belongs to a pair alone (se, t, CR1, McNemar, correlation, log
    odds) is NaN here. Refused if no item is left, or a side has no candidate left.
    """
    items, closed, open_ = _matrices(selection)
    closed, gone_closed = _complete(closed, items, selection, "closed")
    open_, gone_open = _complete(open_, items, selection, "open")
    whole = np.isfinite(np.vstack([closed.score, open_.score]).sum(axis=0))
    if whole.sum() < 2 or np.unique(items.tasks[whole]).size < len(selection.tasks):
        raise Refused(f"{', '.join(selection.tasks)}: fewer than two items were answered by all candidates")
    level = bonferroni_level(rows, level=LEVEL)
    result = items.estimate(closed.score, open_.score, whole, level, effort)
    low, high = 100 * result.low, 100 * result.high
    decided, why = verdict(low, high, margin), []
    if low == high:
        why = ["nothing is decided: no resample differs"]
    if decided != "undecided" and (moved := _moved(result, decided, margin)):
        decided = "undecided"
        why += moved
    if closed.lacking.any() or open_.lacking.any():
        everything = np.full(whole.size, True)
        worst = [
            items.estimate(closed.filled(a), open_.filled(b), everything, level, effort)
            for a, b in ((0.0, 1.0), (1.0, 0.0))
        ]
        decided, lines = judged_by_worst(
            [(100 * w.mean, 100 * w.low, 100 * w.high) for w in worst], decided, margin, []
        )
        why += lines
        if not whole.all():
            why.append(
                f"left out, since not every candidate answered them: {int((~whole).sum())} of {whole.size} items"
            )
    for side, said, possible in ((closed, *gone_closed), (open_, *gone_open)):
        why += said
        if possible > 100 * _means(side.score, items.tasks).max():
            decided = "undecided"
            why.append(
                f"a candidate left out for missing answers could have {possible:.1f}, above the best here: undecided"
            )
    best_closed, best_open = closed.names[result.best_closed], open_.names[result.best_open]
    two = [(selection.closed[best_closed][task], selection.open_[best_open][task]) for task in selection.tasks]
    pairs = [align(*sides, ids=tuple(items.ids[whole & (items.tasks == place)])) for place, sides in enumerate(two)]
    base = compare(pairs, chosen_by=selection.chosen_by, margin=margin, rows=rows)
    planned = [align(*sides) for sides in two]
    few = _few_clusters(pairs)
    if decided != "undecided" and "left out" in result.method:
        decided = "undecided"
        fewest = min(few, key=lambda name: few[name])
        what = f"effectively {few[fewest]:.1f} clusters, so whether they agree cannot be judged: nothing is decided"
        why.append(f"{fewest}: {what}" if fewest else what)
    guards = _guards(pairs, rows)
    if decided not in ("undecided", base.verdict) and (thin := _thin(pairs, guards, alike=decided == "equivalent")):
        decided = "undecided"
        why.append(f"{thin}: the two named by themselves are not decided")
    why += rare(pairs, guards, decided, margin)
    for name, g_eff in few.items():
        what = f"few clusters (effective number {g_eff:.1f}): the interval is rough"
        why.append(f"{name}: {what}" if name else what)
    own_low, own_high = t_interval(result.mean, result.se, result.df, LEVEL)
    sides = [
        [parts for name, parts in side.items() if name in kept.names]
        for side, kept in ((selection.closed, closed), (selection.open_, open_))
    ]
    alike = [line for side in sides for line in variants(one for parts in side for one in parts.values())]
    alike += [one.hides for side in sides for parts in side for one in parts.values() if one.hides]
    nothing = dict.fromkeys(
        ("se", "se_unpaired", "se_clustered", "p_mcnemar", "p_wild", "correlation", "log_odds_gap", "detectable_iid"),
        math.nan,
    )
    return dataclasses.replace(
        base,
        **nothing,  # type: ignore[arg-type]
        b10=None,
        b01=None,
        ci_t=(math.nan, math.nan),
        ci_cr1=(math.nan, math.nan),
        gap=100 * result.mean,
        ci_low=100 * own_low,
        ci_high=100 * own_high,
        ci_method=result.method,
        ci_simultaneous=(low, high),
        df=result.df,
        n=result.n,
        missing_closed=sum(pair.missing_closed for pair in planned),
        missing_open=sum(pair.missing_open for pair in planned),
        detectable=100 * smallest_visible(result, rows),
        verdict=decided,
        warnings=tuple(dict.fromkeys([*why, *beside(pairs, planned), *alike, *selection.notes])),
        runs=tuple(sorted({one.run.run_id for side in sides for parts in side for one in parts.values()})),
        plug_in=100 * result.plug_in,
        boot_sd=100 * result.se,
        cross_closed=100 * result.closed_score,
        cross_open=100 * result.open_score,
        candidates={
            "closed": _shares(closed.names, result.closed_picked),
            "open": _shares(open_.names, result.open_picked),
        },
    )


def _moved(result: Frontier, decided: Verdict, margin: float) -> list[str]:
    """Why a verdict rests on how the best were chosen, a line for each other way that would give another; else none."""
    ways = {
        "equally good candidates: had they shared the choice, instead of the first name": result.shared,
        "a side with many close candidates loses by choosing on half of the items: with each side's best on all of them, "
        f"{100 * result.plug_in:+.1f} points apart": result.plug_in,
    }
    return [
        f"{what}, the verdict would be another"
        for what, gap in ways.items()
        if verdict(100 * (result.low + gap - result.mean), 100 * (result.high + gap - result.mean), margin) != decided
    ]


def _few_clusters(pairs: Sequence[PairedTask]) -> dict[str, float]:
    """Effective number of clusters of each task with fewer than 30, by its name; by "" where it is the only task."""
    found = {pair.name: effective_clusters(pair.clusters) for pair in pairs if pair.clusters is not None}
    return {name if len(pairs) > 1 else "": g_eff for name, g_eff in found.items() if g_eff < FEW_CLUSTERS}


def _guards(pairs: Sequence[PairedTask], rows: int) -> list[Guard]:
    used = [interval(pair.closed, pair.open_, pair.clusters, rows=rows).simultaneous for pair in pairs]
    return [guard(pair.closed, pair.open_, pair.clusters, one) for pair, one in zip(pairs, used, strict=True)]


def _thin(pairs: Sequence[PairedTask], guards: Sequence[Guard], *, alike: bool) -> str:
    """Why resampled items, or few clusters, alone are not to be trusted; empty if they are."""

    def line(pair: PairedTask, one: Guard) -> str:
        few = f"{pair.closed.size} items" if pair.closed.size < VERY_FEW_ITEMS else ""
        if not few and pair.clusters is not None and (g_eff := effective_clusters(pair.clusters)) < FEW_CLUSTERS:
            few = f"effectively {g_eff:.1f} clusters"
        return one.few or (one.unseen if alike else "") or few

    told = [(pair.name, line(pair, one)) for pair, one in zip(pairs, guards, strict=True)]
    return "; ".join(f"{name}: {why}" for name, why in told if why)


def _shares(names: Sequence[str], shares: Floats) -> dict[str, float]:
    """How often a half of the items picked each candidate, largest first."""
    order = sorted(zip(names, shares.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return dict(order)


def _matrices(selection: Selection) -> tuple[_Items, _Candidates, _Candidates]:
    """All candidates on the items that they are compared on, tasks one after another."""
    sides: tuple[Side, Side] = (selection.closed, selection.open_)
    parts: list[list[list[Aligned]]] = [[], []]
    labels: list[str | None] = []
    places: list[Codes] = []
    names: list[str] = []
    for number, task in enumerate(selection.tasks):
        ids = paired_ids([side[name][task].data.ids for side in sides for name in sorted(side)])
        aligned = [[at(side[name][task], ids) for name in sorted(side)] for side in sides]
        for part, members in zip(parts, aligned, strict=True):
            part.append(members)
        known = [
            next((label for label in column if label is not None), None)
            for column in zip(*(one.cluster for side in aligned for one in side), strict=True)
        ]
        labels += [None if label is None else f"{task}\0{label}" for label in known]
        places.append(np.full(len(ids), number, dtype=np.intp))
        names += ids
    closed, open_ = (
        _Candidates(
            sorted(side),
            np.hstack([np.stack([one.score for one in members]) for members in part]),
            np.hstack([np.stack([one.lacking for one in members]) for members in part]),
        )
        for side, part in zip(sides, parts, strict=True)
    )
    return _Items(np.concatenate(places), codes_of(labels), np.array(names, dtype=object)), closed, open_


def _complete(
    side: _Candidates, items: _Items, selection: Selection, word: str
) -> tuple[_Candidates, tuple[list[str], float]]:
    """Candidates of which at most 2 % are missing; a line on the others, and the best score one of them could have."""
    share = np.stack([side.lacking[:, items.tasks == task].mean(axis=1) for task in np.unique(items.tasks)]).max(axis=0)
    kept = share <= MISSING_LIMIT
    said = [
        f"{name} is no candidate: {100 * lost:.1f} % of its answers are missing (limit 2 %)"
        for name, lost in zip(side.names, share.tolist(), strict=True)
        if lost > MISSING_LIMIT
    ]
    if not kept.any():
        raise Refused(
            f"no {word} system answered 98 % of the items of {', '.join(selection.tasks)}: " + "; ".join(said)
        )
    possible = 100 * float(_means(side.filled(1.0)[~kept], items.tasks).max()) if said else -math.inf
    names = [name for name, stays in zip(side.names, kept.tolist(), strict=True) if stays]
    return _Candidates(names, side.score[kept], side.lacking[kept]), (said, possible)


def _means(scores: Floats, tasks: Codes) -> Floats:
    """Mean score of each candidate over equally weighted tasks; what is missing is left out."""
    return np.mean([np.nanmean(scores[:, tasks == task], axis=1) for task in np.unique(tasks)], axis=0)  # type: ignore[no-any-return]
