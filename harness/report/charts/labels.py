"""Names beside points: moved apart by adjustText, and none that covers a mark, a line or another name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.report.style import Theme
from harness.report.text import fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

Floats = NDArray[np.float64]
SIZE = 8.0
CLEAR = 4.0
"""Pixels that a name keeps from a line."""
ROUNDS = 20
"""A count, not a time, ends the search, so that every machine draws the same picture."""
FAR = 9.0
"""Pixels from which on a line leads from a name to its point."""
RING = [(radius, angle) for radius in (10, 18, 30, 45, 62, 80) for angle in range(0, 360, 30)]
"""Where a name may stand instead: pixels from its point, and degrees."""


def name_points(axes: Axes, theme: Theme, named: Sequence[tuple[float, float, str]]) -> None:
    """Write a name beside each (x, y), in data coordinates; later ones come first where there is no room for all.

    Call it last: it needs the final limits, and keeps off whatever is drawn in the axes.
    """
    from adjustText import adjust_text  # type: ignore[import-untyped]

    if not named:
        return
    axes.autoscale_view()
    axes.autoscale(enable=False)
    taken = list(_marks(axes))
    texts = [axes.text(x, y, fitted(name, 2.4, SIZE), size=SIZE, zorder=6) for x, y, name in named]
    figure = axes.get_figure()
    assert figure is not None
    # adjustText draws the whole figure to learn its size; nothing but these axes matters, and texts cost the time.
    others = [artist for artist in (*figure.texts, *figure.axes) if artist is not axes and artist.get_visible()]
    for artist in others:
        artist.set_visible(False)
    adjust_text(texts, objects=taken, ax=axes, iter_lim=ROUNDS, expand=(1.06, 1.3), force_static=(0.05, 0.25), max_move=12)
    for artist in others:
        artist.set_visible(True)
    for text, (x, y, _) in reversed(list(zip(texts, named, strict=True))):
        point = axes.transData.transform((x, y))
        box = _place(text, axes, point, taken)
        if box is None:
            # Where a crowd leaves no room, a name fewer is better than two that nobody can read.
            text.remove()
            continue
        taken.append(box.padded(3))
        near = np.clip(point, box.min, box.max)
        if np.hypot(*(near - point)) > FAR:
            end = axes.transData.inverted().transform(near)
            axes.plot([x, end[0]], [y, end[1]], color=theme.rail, lw=0.7, zorder=1)


def _place(text: Text, axes: Axes, point: Floats, taken: Sequence[Bbox]) -> Bbox | None:
    """Leave a text where it is or move it around its point to where it covers nothing; None where there is no such place."""
    bounds = axes.get_window_extent()
    box = text.get_window_extent()
    obstacles = np.array([[one.x0, one.y0, one.x1, one.y1] for one in taken])

    def free(at: Bbox) -> bool:
        if at.x0 < bounds.x0 or at.x1 > bounds.x1 or at.y0 < bounds.y0 or at.y1 > bounds.y1:
            return False
        x0, y0, x1, y1 = obstacles.T
        return not ((x0 < at.x1) & (at.x0 < x1) & (y0 < at.y1) & (at.y0 < y1)).any()

    if free(box):
        return box
    for radius, angle in RING:
        across, up = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        # The side of the box that faces the point keeps its distance.
        move = point + radius * np.array([across, up]) + np.array([(across - 1) / 2 * box.width, (up - 1) / 2 * box.height]) - box.min
        at = box.translated(*move)
        if free(at):
            x, y = axes.transData.inverted().transform(axes.transData.transform(text.get_position()) + move)
            text.set_position((x, y))
            return text.get_window_extent()
    return None


def _marks(axes: Axes) -> Iterator[Bbox]:
    """Boxes, in pixels, of all markers and of all lines, which run along the axes."""
    from matplotlib.collections import LineCollection
    from matplotlib.transforms import Bbox

    def along(ends: Floats) -> Iterator[Bbox]:
        for one, two in pairwise(axes.transData.transform(ends)):
            yield Bbox([np.minimum(one, two) - CLEAR, np.maximum(one, two) + CLEAR])

    pixels = axes.get_figure().dpi / 72  # type: ignore[union-attr]
    for line in axes.lines:
        ends = np.asarray(line.get_xydata(), dtype=float)
        half = pixels * line.get_markersize() / 2 + CLEAR / 2
        if line.get_marker() not in ("None", None, "", "|"):
            yield from (Bbox([centre - half, centre + half]) for centre in axes.transData.transform(ends))
        if line.get_linestyle() != "None":
            if line.get_drawstyle() == "steps-post":
                ends = np.column_stack([np.repeat(ends[:, 0], 2)[1:], np.repeat(ends[:, 1], 2)[:-1]])
            yield from along(ends)
    for whiskers in axes.collections:
        if isinstance(whiskers, LineCollection):
            for ends in whiskers.get_segments():
                yield from along(np.asarray(ends))
    for text in axes.texts:
        yield text.get_window_extent()
