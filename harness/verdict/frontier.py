"""Best closed against best open, where a side has several systems."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.errors import Refused
from harness.evidence.alignment import MISSING_LIMIT, Aligned, PairedTask, align, at, codes_of, paired_ids
from harness.evidence.gather import Evidence
from harness.evidence.select import Selection
from harness.stats.adjust import bonferroni_level
from harness.stats.clustered import effective_clusters
from harness.stats.estimate import t_interval
from harness.stats.frontier import FEWEST_CLUSTERS, Frontier, frontier
from harness.types import Comparison, Reason, Verdict
from harness.verdict.cautions import variants
from harness.verdict.doubt import Guard, guard, named
from harness.verdict.judge import Bounds, distinct, judge
from harness.verdict.pair import beside, compare, in_points, rare, says, smallest_visible
from harness.verdict.policy import FEW_CLUSTERS, LEVEL, VERY_FEW_ITEMS, interval, verdict
from harness.verdict.words import texts

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

    def lost(self, items: _Items) -> Floats:
        """Share of each candidate's planned answers that is missing, of the task where it is largest."""
        shares = [self.lacking[:, items.tasks == task].mean(axis=1) for task in np.unique(items.tasks)]
        return np.max(shares, axis=0)  # type: ignore[no-any-return]

    def only(self, kept: NDArray[np.bool_]) -> _Candidates:
        """Some of the candidates."""
        names = [name for name, stays in zip(self.names, kept.tolist(), strict=True) if stays]
        return _Candidates(names, self.score[kept], self.lacking[kept])


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

    def too_few_clusters(self, names: Sequence[str], keep: NDArray[np.bool_]) -> list[Reason | None]:
        """By task, why its clusters are no part of the estimate: there are too few to judge whether they agree."""
        found: list[Reason | None] = [None] * len(names)
        if self.clusters is None:
            return found
        for place in range(len(names)):
            own = self.clusters[keep & (self.tasks == place)]
            groups, g_eff = np.unique(own).size, effective_clusters(own)
            if groups < own.size and (groups < FEWEST_CLUSTERS or g_eff < 2):
                found[place] = Reason("too_few_clusters", True, {"g_eff": g_eff})
        return found


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
    used = in_points(result)
    best_closed, best_open = closed.names[result.best_closed], open_.names[result.best_open]
    two = [(selection.closed[best_closed][task], selection.open_[best_open][task]) for task in selection.tasks]
    pairs = [align(*sides, ids=tuple(items.ids[whole & (items.tasks == place)])) for place, sides in enumerate(two)]
    base = compare(pairs, chosen_by=selection.chosen_by, margin=margin, rows=rows)
    planned = [align(*sides) for sides in two]
    guards = _guards(pairs, rows)
    names = selection.tasks

    def doubts(said: Verdict) -> list[Reason]:
        if said == "undecided":
            return [Reason("no_width", True, {"cause": "resamples"})] if used.low == used.high else []
        thin = [] if said == base.verdict else _thin(pairs, guards, alike=said == "equivalent")
        return [*_moved(result, said, margin), *named(names, items.too_few_clusters(names, whole)), *thin]

    worst: list[Bounds] = []
    beside_worst: list[Reason] = []
    if closed.lacking.any() or open_.lacking.any():
        everything = np.full(whole.size, True)
        worst = [
            in_points(items.estimate(closed.filled(a), open_.filled(b), everything, level, effort))
            for a, b in ((0.0, 1.0), (1.0, 0.0))
        ]
        if not whole.all():
            facts = {"left": int((~whole).sum()), "of": whole.size}
            beside_worst = [Reason("items_left_out", facts=facts)]
    judged = judge(
        used, says(margin), doubts, worst=worst,
        missing=[*beside_worst, *_could_be_best(closed, gone_closed, items), *_could_be_best(open_, gone_open, items)],
    )  # fmt: skip
    own_low, own_high = t_interval(result.mean, result.se, result.df, LEVEL)
    sides = [
        [parts for name, parts in side.items() if name in kept.names]
        for side, kept in ((selection.closed, closed), (selection.open_, open_))
    ]
    alike = [one for side in sides for one in variants(one for parts in side for one in parts.values())]
    alike += [one.hides for side in sides for parts in side for one in parts.values() if one.hides]
    reasons = distinct([
        *judged.reasons, *rare(pairs, guards, judged.verdict, margin), *_few_clusters(pairs), *beside(pairs, planned),
        *alike, *selection.notes,
    ])  # fmt: skip
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
        ci_simultaneous=(used.low, used.high),
        df=result.df,
        n=result.n,
        missing_closed=sum(pair.missing_closed for pair in planned),
        missing_open=sum(pair.missing_open for pair in planned),
        detectable=100 * smallest_visible(result, rows),
        verdict=judged.verdict,
        reasons=reasons,
        warnings=texts(reasons),
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


def _moved(result: Frontier, said: Verdict, margin: float) -> list[Reason]:
    """Why a verdict rests on how the best were chosen, for each other way that would give another; else nothing."""
    return [
        Reason("choice_of_best", True, {"way": way, "points": 100 * gap})
        for way, gap in (("shared", result.shared), ("plug_in", result.plug_in))
        if verdict(100 * (result.low + gap - result.mean), 100 * (result.high + gap - result.mean), margin) != said
    ]


def _few_clusters(pairs: Sequence[PairedTask]) -> list[Reason]:
    """Tasks with fewer than 30 effective clusters."""
    few = [
        (pair.name, g_eff)
        for pair in pairs
        if pair.clusters is not None and (g_eff := effective_clusters(pair.clusters)) < FEW_CLUSTERS
    ]
    return [
        Reason("few_clusters", facts={"g_eff": g_eff, "interval": "rough"} | ({"task": name} if len(pairs) > 1 else {}))
        for name, g_eff in few
    ]


def _guards(pairs: Sequence[PairedTask], rows: int) -> list[Guard]:
    used = [interval(pair.closed, pair.open_, pair.clusters, rows=rows).simultaneous for pair in pairs]
    return [guard(pair.closed, pair.open_, pair.clusters, one) for pair, one in zip(pairs, used, strict=True)]


def _thin(pairs: Sequence[PairedTask], guards: Sequence[Guard], *, alike: bool) -> list[Reason]:
    """Why resampled items, or few clusters, alone are not to be trusted; nothing if they are."""

    def why(pair: PairedTask, one: Guard) -> Reason | None:
        if one.few or (alike and one.unseen):
            return one.few or one.unseen
        if pair.closed.size < VERY_FEW_ITEMS:
            return Reason("few_items", True, {"n": pair.closed.size})
        if pair.clusters is not None and (g_eff := effective_clusters(pair.clusters)) < FEW_CLUSTERS:
            return Reason("few_clusters", True, {"g_eff": g_eff})
        return None

    found = [why(pair, one) for pair, one in zip(pairs, guards, strict=True)]
    return named([pair.name for pair in pairs], found, against="named")


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
) -> tuple[_Candidates, _Candidates | None]:
    """Candidates of which at most 2 % are missing, and the others. Refused if there is none of the first."""
    kept = side.lost(items) <= MISSING_LIMIT
    if not kept.any():
        said = texts(_not_candidates(side, items))
        raise Refused(
            f"no {word} system answered 98 % of the items of {', '.join(selection.tasks)}: " + "; ".join(said)
        )
    return side.only(kept), None if kept.all() else side.only(~kept)


def _not_candidates(gone: _Candidates, items: _Items) -> list[Reason]:
    return [
        Reason("not_candidate", facts={"system": name, "share": share})
        for name, share in zip(gone.names, gone.lost(items).tolist(), strict=True)
        if share > MISSING_LIMIT
    ]


def _could_be_best(side: _Candidates, gone: _Candidates | None, items: _Items) -> list[Reason]:
    """The candidates left out, and that one of them could be the best with its missing answers right."""
    if gone is None:
        return []
    found = _not_candidates(gone, items)
    possible = 100 * float(_means(gone.filled(1.0), items.tasks).max())
    if possible > 100 * _means(side.score, items.tasks).max():
        found.append(Reason("candidate_left_out", True, {"possible": possible}))
    return found


def _means(scores: Floats, tasks: Codes) -> Floats:
    """Mean score of each candidate over equally weighted tasks; what is missing is left out."""
    return np.mean([np.nanmean(scores[:, tasks == task], axis=1) for task in np.unique(tasks)], axis=0)  # type: ignore[no-any-return]
