"""Names beside points, moved apart by adjustText until none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from harness.report.style import Theme
from harness.report.text import fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

SIZE = 8.0
SPACING = 18.0
"""Pixels between the points that stand for a line."""
FAR = 9.0
"""Pixels from which on a line leads from a name to its point."""
ROUNDS = 50
"""A count, not a time, ends the search, so that every machine draws the same picture."""


def name_points(axes: Axes, theme: Theme, named: Sequence[tuple[float, float, str]]) -> None:
    """Write a name beside each (x, y), in data coordinates."""
    from adjustText import adjust_text  # type: ignore[import-untyped]

    if not named:
        return
    xs, ys = [x for x, _, _ in named], [y for _, y, _ in named]
    halo = {"fc": theme.paper, "ec": "none", "pad": 0.6, "alpha": 0.85}
    texts = [axes.text(x, y, fitted(name, 1.9, SIZE), size=SIZE, zorder=6, bbox=halo) for x, y, name in named]
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    lines = _along_steps(axes)
    adjust_text(
        texts, [*xs, *(x for x, _ in lines)], [*ys, *(y for _, y in lines)], target_x=xs, target_y=ys, ax=axes,
        iter_lim=ROUNDS, expand=(1.06, 1.3), force_static=(0.05, 0.25), force_text=(0.2, 0.5), max_move=12,
    )  # fmt: skip
    kept: list[Bbox] = []
    for text, x, y in reversed(list(zip(texts, xs, ys, strict=True))):
        box = text.get_window_extent()
        if any(box.overlaps(other) for other in kept):
            # Where a crowd leaves no room, a name fewer is better than two that nobody can read.
            text.remove()
            continue
        kept.append(box)
        near = np.clip(axes.transData.transform((x, y)), box.min, box.max)
        if np.hypot(*(near - axes.transData.transform((x, y)))) > FAR:
            end = axes.transData.inverted().transform(near)
            axes.plot([x, end[0]], [y, end[1]], color=theme.rail, lw=0.7, zorder=1)


def _along_steps(axes: Axes) -> list[tuple[float, float]]:
    """Points along the step lines, in data coordinates, so that names keep off them too."""
    back = axes.transData.inverted()
    found: list[tuple[float, float]] = []
    for line in axes.lines:
        if line.get_drawstyle() != "steps-post":
            continue
        vertices = axes.transData.transform(np.asarray(line.get_xydata(), dtype=float))
        for (x0, y0), (x1, y1) in pairwise(vertices.tolist()):
            along = [(x, y0) for x in np.arange(x0, x1, SPACING)] + [(x1, y) for y in np.arange(min(y0, y1), max(y0, y1), SPACING)]
            found += [(float(x), float(y)) for x, y in back.transform(along)] if along else []
    return found
