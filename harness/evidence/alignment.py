"""Which items two or more systems are compared on, and what each of them scored there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.evidence.gather import PARTS, Evidence

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
MISSING_LIMIT = 0.02
"""Share of the answers of a side above which nothing is decided."""


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """One side of a comparison at certain ids, in their order: shape (n,) each."""

    score: Floats
    """Mean over the repeats that count; NaN: none does."""
    lacking: Floats
    """Share of the planned answers that is missing."""
    short: Floats
    unread: Floats
    truncated: Floats
    cluster: list[str | None]

    def filled(self, value: float) -> Floats:
        """The scores had every missing answer been worth ``value``."""
        return np.nan_to_num(self.score) * (1 - self.lacking) + value * self.lacking


def paired_ids(sides: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The ids, sorted, on which sides are compared: all of them where no side lacks more than 2 %, which then counts as
    missing (an import that lacks a row); else those that all have (sets that differ, compared by force).
    """
    if all(ids == sides[0] for ids in sides):
        return sides[0]
    sets = [set(ids) for ids in sides]
    whole = set.union(*sets)
    return tuple(sorted(whole if nearly_all(sets, whole) else set.intersection(*sets)))


def nearly_all(sets: Sequence[set[str]], whole: set[str]) -> bool:
    """Whether each of the sets lacks at most 2 % of the whole."""
    return all(len(one) >= (1 - MISSING_LIMIT) * len(whole) for one in sets)


def at(one: Evidence, ids: tuple[str, ...]) -> Aligned:
    """One system's items at these ids; those that it does not have are missing."""
    data = one.data
    lacking = np.clip(1 - data.answers / one.repeats, 0.0, 1.0)
    if data.ids == ids:
        return Aligned(data.score, lacking, data.short, data.unread, data.truncated, data.cluster.tolist())
    place = {name: index for index, name in enumerate(data.ids)}
    # The last place of the extended arrays stands for what is not there.
    where = np.array([place.get(name, -1) for name in ids], dtype=np.intp)
    return Aligned(
        np.append(data.score, np.nan)[where], np.append(lacking, 1.0)[where],
        np.column_stack([data.short, np.full(len(PARTS), np.nan)])[:, where], np.append(data.unread, np.nan)[where],
        np.append(data.truncated, np.nan)[where], np.array([*data.cluster, None], dtype=object)[where].tolist(),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class PairedTask:
    """Both sides of one task, aligned: shape (n,) over items that both answered, in the order of sorted ids."""

    closed_side: Evidence
    open_side: Evidence
    ids: tuple[str, ...]
    closed: Floats
    open_: Floats
    clusters: Codes | None
    """None where no two items share a cluster."""
    missing_closed: int
    """Items that lack an answer, of several repeats one at least."""
    missing_open: int
    lacking: tuple[float, float]
    """Share of the planned answers that are missing, closed and open."""
    planned: int
    worst: tuple[tuple[Floats, Floats], ...]
    """All planned items with the missing answers filled in against closed, then against open; empty if none is."""
    all_clusters: Codes | None
    waterfall: Floats
    """Points by part, in the order of ``PARTS``; adds up to the gap."""
    came: tuple[tuple[float, float], tuple[float, float]]
    """Percent of the answers that are unread, and cut off: closed, then open; NaN: not known."""

    @property
    def name(self) -> str:
        return self.closed_side.task


def align(closed_side: Evidence, open_side: Evidence, ids: tuple[str, ...] | None = None) -> PairedTask:
    """Pair by item id. Items that one side did not answer at all are dropped on both; what is missing is counted.

    ``ids``, sorted, are the items to pair where not all that the two share count.
    """
    if ids is None:
        ids = paired_ids([closed_side.data.ids, open_side.data.ids])
    c, o = at(closed_side, ids), at(open_side, ids)
    both = ~(np.isnan(c.score) | np.isnan(o.score))
    clusters = codes_of([a if a is not None else b for a, b in zip(c.cluster, o.cluster, strict=True)])
    worst: tuple[tuple[Floats, Floats], ...] = ()
    if c.lacking.any() or o.lacking.any():
        worst = ((c.filled(0.0), o.filled(1.0)), (c.filled(1.0), o.filled(0.0)))
    parts = np.full(len(PARTS), np.nan)
    came = (math.nan, math.nan), (math.nan, math.nan)
    if both.any():
        came = closed_side.came(c.unread[both], c.truncated[both]), open_side.came(o.unread[both], o.truncated[both])
        parts = (o.short[:, both] - c.short[:, both]).mean(axis=1)
    kept = None if clusters is None else clusters[both]
    return PairedTask(
        closed_side, open_side, ids if both.all() else tuple(name for name, kept_ in zip(ids, both, strict=True) if kept_),
        c.score[both], o.score[both], None if kept is None or np.unique(kept).size == kept.size else kept,
        int((c.lacking > 0).sum()), int((o.lacking > 0).sum()), (float(c.lacking.mean()), float(o.lacking.mean())),
        len(ids), worst, clusters, 100 * parts, came,
    )  # fmt: skip


def codes_of(labels: Sequence[str | None]) -> Codes | None:
    """Cluster labels in the order of the sorted ids as codes in the order of the sorted labels.

    An item without a label among labelled ones is a cluster of its own. None where no two items share one.
    """
    known = sorted({label for label in labels if label is not None})
    if not known or len(known) == sum(label is not None for label in labels):
        return None
    code = {label: index for index, label in enumerate(known)}
    own = iter(range(len(known), len(known) + len(labels)))
    return np.array([next(own) if label is None else code[label] for label in labels], dtype=np.intp)
