"""Best closed against best open, where a side has several systems."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from harness.gap.pair import align, compare, smallest_visible
from harness.gap.policy import LEVEL, verdict
from harness.gap.select import Selection
from harness.stats.frontier import frontier
from harness.types import Comparison

Floats = NDArray[np.float64]


def compare_best(selection: Selection, *, margin: float, rows: int = 1) -> Comparison:
    """E9 over the systems of one row: choose on one half of the items, score on the other.

    Only items that all systems answered are used. Tasks weigh equally: scores of a task with n_t of N items in T tasks
    are scaled by N / (T n_t), so that the plain mean over items is the mean of the task means. Scores, waterfall and
    pair statistics beside the gap are those of the pair that is best on all items; ``plug_in`` is its difference.
    """
    names_closed, names_open = sorted(selection.closed), sorted(selection.open_)
    closed, open_, clusters, dropped = _matrices(selection, names_closed, names_open)
    result = frontier(closed, open_, clusters, level=LEVEL)
    wide = frontier(closed, open_, clusters, level=1 - (1 - LEVEL) / rows) if rows > 1 else result
    best_closed, best_open = names_closed[result.best_closed], names_open[result.best_open]
    pairs = [align(selection.closed[best_closed][task], selection.open_[best_open][task]) for task in selection.tasks]
    base = compare(pairs, chosen_by=selection.chosen_by, margin=margin, rows=rows)
    low, high = 100 * wide.low, 100 * wide.high
    warnings = [w for w in base.warnings if not w.startswith("few clusters")]
    decided = verdict(low, high, margin)
    if base.verdict == "undecided" and any("missing" in warning for warning in warnings):
        decided = "undecided"
    if dropped:
        warnings.append(f"{dropped} items that not every candidate answered are left out")
    picked = {
        "closed": _shares(names_closed, result.closed_picked),
        "open": _shares(names_open, result.open_picked),
    }
    runs = {e.run.run_id for side in (selection.closed, selection.open_) for parts in side.values() for e in parts.values()}
    return dataclasses.replace(
        base,
        gap=100 * result.mean,
        se=100 * result.se,
        ci_low=100 * result.low,
        ci_high=100 * result.high,
        ci_method=result.method,
        ci_simultaneous=(low, high),
        df=result.df,
        n=result.n,
        detectable=100 * smallest_visible(wide, rows),
        detectable_iid=math.nan,
        verdict=decided,
        warnings=tuple(warnings),
        runs=tuple(sorted(runs)),
        plug_in=100 * result.plug_in,
        boot_sd=100 * result.se,
        candidates=picked,
    )


def _shares(names: list[str], shares: Floats) -> dict[str, float]:
    """How often a half of the items picked each candidate, largest first."""
    order = sorted(zip(names, shares.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return dict(order)


def _matrices(
    selection: Selection, names_closed: list[str], names_open: list[str]
) -> tuple[Floats, Floats, NDArray[np.str_] | None, int]:
    blocks_closed, blocks_open, labels, sizes = [], [], [], []
    dropped = 0
    for task in selection.tasks:
        tables = [selection.closed[name][task].items for name in names_closed]
        tables += [selection.open_[name][task].items for name in names_open]
        index = tables[0].index
        for table in tables[1:]:
            index = index.intersection(table.index)
        index = index.sort_values()
        scores = np.array([table.loc[index, "score"].to_numpy(np.float64) for table in tables])
        whole = ~np.isnan(scores).any(axis=0)
        dropped += int((~whole).sum())
        blocks_closed.append(scores[: len(names_closed), whole])
        blocks_open.append(scores[len(names_closed) :, whole])
        cluster = tables[0].loc[index, "cluster"]
        own = task + "\0" + cluster.index.to_series()
        labels.append(cluster.where(cluster.isna(), task + "\1" + cluster.astype(str)).where(cluster.notna(), own)[whole])
        sizes.append((int(whole.sum()), bool(cluster.notna().any())))
    total = sum(n for n, _ in sizes)
    weights = np.concatenate([np.full(n, total / (len(sizes) * n)) for n, _ in sizes])
    clusters = None
    if any(clustered for _, clustered in sizes):
        clusters = np.concatenate([label.to_numpy(dtype=np.str_) for label in labels])
    return np.hstack(blocks_closed) * weights, np.hstack(blocks_open) * weights, clusters, dropped
