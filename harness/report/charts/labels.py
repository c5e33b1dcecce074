"""Names beside points: each in the nearest place where it covers no mark, no line and no other name.

adjustText, which pushes names apart by forces, was used before: it keeps names off points but not off lines and whiskers,
gives no guarantee, and took half of a chart's drawing time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.report.style import Theme
from harness.report.typeset import fitted, width_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
SIZE = 8.0
LINE = 1.2
"""Height of a line of text in units of its size."""
CLEAR = 4.0
"""Pixels that a name keeps from lines."""
FAR, NEAR = 9.0, 40.0
"""Pixels from which on a line leads from a name to its point, and up to which it may pass over other marks."""
STEPS = np.linspace(0, 1, 25)[:, None]
"""Places on such a line at which it is looked at; the boxes of names are higher than the distance between two."""
RING = np.array(
    [(radius, np.radians(angle)) for radius in (8, 16, 26, 38, 52, 68, 86) for angle in (0, 180, *range(30, 360, 30))]
)
"""Where a name may stand: pixels from its point and directions, beside it first."""


def name_points(axes: Axes, theme: Theme, named: Sequence[tuple[float, float, str]]) -> None:
    """Write a name beside each (x, y), in data coordinates; later ones come first where there is no room for all.

    Call it last: it needs the final limits, and keeps off whatever is drawn in the axes.
    """
    axes.autoscale_view()
    axes.autoscale(enable=False)
    back = axes.transData.inverted()
    marks, lines = _marks(axes)
    taken, names = np.vstack([marks, lines]), np.empty((0, 4))
    bounds = axes.get_window_extent()
    direction = np.column_stack([np.cos(RING[:, 1]), np.sin(RING[:, 1])])
    dots = axes.get_figure().dpi  # type: ignore[union-attr]
    for x, y, name in reversed(named):
        shown = fitted(name, 3.2, SIZE)
        size = np.array([width_in(shown, SIZE), LINE * SIZE / 72]) * dots
        point = axes.transData.transform((x, y))
        # The side of the box that faces the point keeps its distance.
        low = point + RING[:, :1] * direction + (direction - 1) / 2 * size
        inside = (low >= bounds.min).all(axis=1) & (low + size <= bounds.max).all(axis=1)
        covers = ((low[:, None] < taken[:, 2:]) & (low[:, None] + size > taken[:, :2])).all(axis=2).any(axis=1)
        # The line that would lead from there to the point runs through no name, and through no other mark, to which the
        # name would seem to belong; a short one may, where there is no other place.
        ends = np.clip(point, low, low + size)
        others = marks[~((marks[:, :2] <= point) & (point <= marks[:, 2:])).all(axis=1)]
        paths = {place: point + STEPS * (ends[place] - point) for place in np.flatnonzero(inside & ~covers)}
        free = [place for place, path in paths.items() if not _hit(path, names)]
        near = [place for place in free if RING[place, 0] <= NEAR]
        chosen = next((place for place in free if not _hit(paths[place], others)), next(iter(near), None))
        if chosen is None:
            # Where a crowd leaves no room, a name fewer is better than two that nobody can read.
            continue
        least, end, path = low[chosen], ends[chosen], paths[chosen]
        left, foot = back.transform(least)
        axes.text(left, foot, shown, size=SIZE, va="bottom", zorder=6)
        box = [*(least - 3), *(least + size + 3)]
        taken, names = np.vstack([taken, box]), np.vstack([names, box])
        if np.hypot(*(end - point)) > FAR:
            tip = back.transform(end)
            axes.plot([x, tip[0]], [y, tip[1]], color=theme.rail, lw=0.7, zorder=1)
            taken = np.vstack([taken, np.hstack([path - 2, path + 2])])


def _hit(path: Floats, boxes: Floats) -> bool:
    """Whether a path, shape (steps, 2), has a step in a box."""
    return bool(((path[:, None] > boxes[:, :2]) & (path[:, None] < boxes[:, 2:])).all(axis=2).any())


def _marks(axes: Axes) -> tuple[Floats, Floats]:
    """Boxes (left, low, right, high), in pixels, of all markers, and of all lines, which run along the axes."""
    from matplotlib.collections import LineCollection

    marks, lines = [np.empty((0, 4))], [np.empty((0, 4))]

    def box(one: Floats, two: Floats, clear: float) -> Floats:
        return np.hstack([np.minimum(one, two) - clear, np.maximum(one, two) + clear])

    pixels = axes.get_figure().dpi / 72  # type: ignore[union-attr]
    for line in axes.lines:
        ends = np.asarray(line.get_xydata(), dtype=float)
        if line.get_marker() not in ("None", None, "", "|"):
            at = axes.transData.transform(ends)
            marks.append(box(at, at, pixels * line.get_markersize() / 2 + CLEAR / 2))
        if line.get_linestyle() != "None":
            if line.get_drawstyle() == "steps-post":
                ends = np.column_stack([np.repeat(ends[:, 0], 2)[1:], np.repeat(ends[:, 1], 2)[:-1]])
            at = axes.transData.transform(ends)
            lines.append(box(at[:-1], at[1:], CLEAR))
    for whiskers in axes.collections:
        if isinstance(whiskers, LineCollection):
            for segment in whiskers.get_segments():
                at = axes.transData.transform(np.asarray(segment))
                lines.append(box(at[:-1], at[1:], CLEAR))
    return np.vstack(marks), np.vstack(lines)
