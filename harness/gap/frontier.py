"""Best closed against best open, where a side has several systems."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.errors import Refused
from harness.gap.cautions import variants
from harness.gap.evidence import Evidence
from harness.gap.pair import PairedTask, align, codes_of, compare, judged_by_worst, smallest_visible
from harness.gap.policy import FEW_CLUSTERS, FEW_DISCORDANT, LEVEL, MISSING_LIMIT, VERY_FEW_ITEMS, verdict
from harness.gap.select import Selection
from harness.stats.adjust import bonferroni_level
from harness.stats.estimate import t_interval
from harness.stats.frontier import Frontier, frontier
from harness.types import Comparison

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
class _Scores:
    """Scores of all candidates on all planned items, tasks one after another; NaN: missing."""

    closed: Floats
    open_: Floats
    clusters: Codes | None
    tasks: Codes
    """Task of each item: the fixed parts in which halves and resamples are drawn."""

    effort: Effort

    def estimate(self, keep: NDArray[np.bool_], level: float, missing: tuple[float, float] | None = None) -> Frontier:
        """E9 on some items; with ``missing`` what is missing on each side counts as that score."""
        c, o = self.closed[:, keep], self.open_[:, keep]
        if missing is not None:
            c, o = np.where(np.isnan(c), missing[0], c), np.where(np.isnan(o), missing[1], o)
        tasks, sizes = np.unique(self.tasks[keep], return_inverse=True)[1], np.bincount(self.tasks[keep])
        # Tasks weigh equally: with N / (T n_t) the plain mean over items is the mean of the task means.
        weights = (c.shape[1] / ((sizes > 0).sum() * sizes[self.tasks[keep]])) if tasks.size else 1.0
        clusters = None if self.clusters is None else self.clusters[keep]
        n = max(1, c.shape[1])
        splits = self.effort.splits if n <= MANY_ITEMS else FEWER_SPLITS
        draws = max(200, min(self.effort.draws, self.effort.most_weights // n))
        return frontier(c * weights, o * weights, clusters, strata=tasks, splits=splits, draws=draws, level=level)


def compare_best(selection: Selection, *, margin: float, rows: int = 1, effort: Effort = FULL) -> Comparison:
    """E9 over the systems of one row: choose on one half of the items, score on the other.

    Candidates of which more than 2 % of the items are missing are left out, and the verdict stays open if one of them
    could be the best. Of the others those items are used that all answered. Scores, waterfall, ``se`` and pair
    statistics beside the gap are those of the pair that is best on all these items; ``plug_in`` is its difference.
    Refused if no item is left, or a side has no candidate left.
    """
    closed_side, gone_closed = _complete(selection.closed, selection.tasks, "closed")
    open_side, gone_open = _complete(selection.open_, selection.tasks, "open")
    names_closed, names_open = sorted(closed_side), sorted(open_side)
    scores = _matrix(closed_side, open_side, selection.tasks, effort)
    whole = np.isfinite(np.vstack([scores.closed, scores.open_]).sum(axis=0))
    if whole.sum() < 2 or np.unique(scores.tasks[whole]).size < len(selection.tasks):
        raise Refused(f"{', '.join(selection.tasks)}: fewer than two items were answered by all candidates")
    level = bonferroni_level(rows, level=LEVEL)
    result = scores.estimate(whole, level)
    low, high = 100 * result.low, 100 * result.high
    decided, why = verdict(low, high, margin), []
    if low == high:
        why = ["nothing is decided: no resample differs"]
    if not whole.all():
        worst = [scores.estimate(np.full(whole.size, True), level, filled) for filled in ((0.0, 1.0), (1.0, 0.0))]
        decided, why = judged_by_worst([(100 * w.mean, 100 * w.low, 100 * w.high) for w in worst], decided, margin, [])
        why.append(f"{int((~whole).sum())} items that not every candidate answered are left out")
    for side, said, possible in ((closed_side, *gone_closed), (open_side, *gone_open)):
        why += said
        if possible > max(_mean(parts, selection.tasks) for parts in side.values()):
            decided = "undecided"
            why.append(
                f"a candidate left out for missing answers could have {possible:.1f}, above the best here: undecided"
            )
    best_closed, best_open = names_closed[result.best_closed], names_open[result.best_open]
    pairs = [align(closed_side[best_closed][task], open_side[best_open][task]) for task in selection.tasks]
    base = compare(pairs, chosen_by=selection.chosen_by, margin=margin, rows=rows)
    thin = [f"{pair.name} ({pair.closed.size} items)" for pair in pairs if _thin(pair)]
    if thin and decided not in ("undecided", base.verdict):
        decided = "undecided"
        why.append(f"few items, or few that differ, in {', '.join(thin)}: the two named by themselves are not decided")
    # What is said of the interval of the two named is not said of this one.
    dropped = ("few clusters", "worst-case", "nothing is decided", "one cluster")
    kept = [warning for warning in base.warnings if not warning.startswith(dropped)]
    if base.g_eff < FEW_CLUSTERS:
        why.append(f"few clusters (effective number {base.g_eff:.1f}): the interval is rough")
    own_low, own_high = t_interval(result.mean, result.se, result.df, LEVEL)
    everyone = [e for side in (closed_side, open_side) for parts in side.values() for e in parts.values()]
    alike = [
        line
        for side in (closed_side, open_side)
        for line in variants(e for parts in side.values() for e in parts.values())
    ]
    return dataclasses.replace(
        base,
        gap=100 * result.mean,
        ci_low=100 * own_low,
        ci_high=100 * own_high,
        ci_method=result.method,
        ci_simultaneous=(low, high),
        df=result.df,
        n=result.n,
        missing_closed=int(np.isnan(scores.closed).any(axis=0).sum()),
        missing_open=int(np.isnan(scores.open_).any(axis=0).sum()),
        detectable=100 * smallest_visible(result, rows),
        detectable_iid=math.nan,
        verdict=decided,
        warnings=tuple(dict.fromkeys([*why, *kept, *alike, *selection.notes])),
        runs=tuple(sorted({one.run.run_id for one in everyone})),
        plug_in=100 * result.plug_in,
        boot_sd=100 * result.se,
        candidates={
            "closed": _shares(names_closed, result.closed_picked),
            "open": _shares(names_open, result.open_picked),
        },
    )


def _thin(pair: PairedTask) -> bool:
    """Whether the normal interval of resampled items is not to be trusted alone."""
    return bool(pair.closed.size < VERY_FEW_ITEMS or np.count_nonzero(pair.closed - pair.open_) < FEW_DISCORDANT)


def _shares(names: Sequence[str], shares: Floats) -> dict[str, float]:
    """How often a half of the items picked each candidate, largest first."""
    order = sorted(zip(names, shares.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return dict(order)


def _complete(side: Side, tasks: Sequence[str], word: str) -> tuple[Side, tuple[list[str], float]]:
    """Candidates of which at most 2 % are missing; a line on the others, and the best score one of them could have."""
    kept: dict[str, Mapping[str, Evidence]] = {}
    said: list[str] = []
    possible = -math.inf
    for name, parts in sorted(side.items()):
        scores = [parts[task].data.score for task in tasks]
        share = max(float(np.isnan(one).mean()) if one.size else 1.0 for one in scores)
        if share > MISSING_LIMIT:
            said.append(f"{name} is no candidate: {100 * share:.1f} % of its items are missing (limit 2 %)")
            possible = max(possible, _mean(parts, tasks, missing=1.0))
        else:
            kept[name] = parts
    if not kept:
        raise Refused(f"no {word} system answered 98 % of the items of {', '.join(tasks)}: " + "; ".join(said))
    return kept, (said, possible)


def _mean(parts: Mapping[str, Evidence], tasks: Sequence[str], missing: float = math.nan) -> float:
    """Mean score of the tasks in points; what is missing is left out, or counts as ``missing``."""
    return 100 * float(np.mean([np.nanmean(np.nan_to_num(parts[task].data.score, nan=missing)) for task in tasks]))


def _matrix(closed: Side, open_: Side, tasks: Sequence[str], effort: Effort) -> _Scores:
    blocks: list[list[Floats]] = [[], []]
    labels: list[str | None] = []
    places: list[Codes] = []
    for number, task in enumerate(tasks):
        members = [[side[name][task].data for name in sorted(side)] for side in (closed, open_)]
        ids = sorted(set.intersection(*(set(one.ids) for part in members for one in part)))
        for block, part in zip(blocks, members, strict=True):
            block.append(np.stack([_scores_of(one.ids, one.score, ids) for one in part]))
        named = {
            i: c for part in members for one in part for i, c in zip(one.ids, one.cluster, strict=True) if c is not None
        }
        labels += [f"{task}\0{named[i]}" if i in named else None for i in ids]
        places.append(np.full(len(ids), number, dtype=np.intp))
    return _Scores(np.hstack(blocks[0]), np.hstack(blocks[1]), codes_of(labels), np.concatenate(places), effort)


def _scores_of(own: Sequence[str], score: Floats, ids: Sequence[str]) -> Floats:
    if len(own) == len(ids):
        return score
    place = {name: index for index, name in enumerate(own)}
    return score[[place[name] for name in ids]]
