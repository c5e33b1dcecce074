"""On which items do the two sides disagree?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.report.facts import Facts, TaskGap, TooLittle
from harness.report.style import EDGE_IN, Theme, frame
from harness.report.typeset import both, fitted
from harness.stats.paired import is_binary
from harness.text import counted, inert, listed, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS, MOST = 3, 9
TILE_IN, SIDE_IN, TILE_HEAD_IN, BELOW_IN = 2.3, 0.72, 0.72, 0.2
FAINTEST, STRONGEST = 0.06, 0.51


def disagreement(facts: Facts, theme: Theme) -> Figure:
    """Two by two counts a task: both right, only one, neither."""
    found = [(one, counts) for one in facts.tasks if (counts := _counts(one)) is not None]
    if not found:
        raise TooLittle(
            "it needs a task on which every item is right or wrong for both; here there are fractions, of graded scores or of repeats"
        )
    graded = [one.part.name for one in facts.tasks if all(one is not there for there, _ in found)]
    found.sort(key=lambda pair: (-pair[1][0, 1] - pair[1][1, 0], pair[0].part.name))
    shown = found[:MOST]
    one, counts = shown[0]
    height = TILE_HEAD_IN + 1.5 + BELOW_IN
    lines = (len(shown) + COLUMNS - 1) // COLUMNS
    made = frame(
        facts,
        theme,
        title=f"On {inert(one.part.name)} closed alone is right on {counts[0, 1]:,} of {counted(int(counts.sum()), 'item')}, open alone on {counts[1, 0]:,}",
        subtitle=["Items by task, for the closed and the open system named below it"],
        foot=[
            *([f"The {MOST} of {len(found)} tasks with the most disagreement."] if len(found) > MOST else []),
            *([f"Not right or wrong but graded, or asked several times: {listed(graded)}."] if graded else []),
        ],
        alt=" ".join(
            f"{task.part.name}: both right {c[0, 0]}, only closed {c[0, 1]}, only open {c[1, 0]}, both wrong {c[1, 1]}." for task, c in shown
        ),
        body_in=height * lines,
    )  # fmt: skip
    step = (9.6 - 2 * EDGE_IN) / COLUMNS
    for place, (one, counts) in enumerate(shown):
        left = EDGE_IN + step * (place % COLUMNS)
        top = made.top - height * (place // COLUMNS)
        made.write(
            left, top - 0.05, fitted(one.part.name, step - 0.2, 10.5, "bold"), size=10.5, weight="bold", va="top"
        )
        pair = both(f"n {counts.sum():,}: {facts.name(one.gap.closed)}", facts.name(one.gap.open), step - 0.2, 7.5)
        made.write(left, top - 0.24, pair, size=7.5, color=theme.muted, va="top")
        _tile(made.axes(left + SIDE_IN, top - TILE_HEAD_IN - 1.5, step - SIDE_IN - 0.25, 1.5), counts, theme)
        for i, word in enumerate(("right", "wrong")):
            made.write(
                left, top - TILE_HEAD_IN - 0.375 - 0.75 * i, f"closed\n{word}", size=8.5, color=theme.muted, va="center"
            )
            x = left + SIDE_IN + (step - SIDE_IN - 0.25) * (0.25 + 0.5 * i)
            made.write(x, top - TILE_HEAD_IN + 0.05, f"open {word}", size=8.5, color=theme.muted, ha="center")
    return made.figure


def _counts(one: TaskGap) -> np.ndarray[tuple[int, int], np.dtype[np.int64]] | None:
    """Items by (closed right or wrong, open right or wrong); None where scores are not 0 or 1."""
    pair = one.pair
    if not (is_binary(pair.closed) and is_binary(pair.open_)):
        return None
    c, o = pair.closed > 0, pair.open_ > 0
    return np.array([[(c & o).sum(), (c & ~o).sum()], [(~c & o).sum(), (~c & ~o).sum()]])


def _tile(axes: Axes, counts: np.ndarray[tuple[int, int], np.dtype[np.int64]], theme: Theme) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, 2)
    axes.set_ylim(2, 0)
    total = max(1, int(counts.sum()))
    for row in (0, 1):
        for column in (0, 1):
            count = int(counts[row, column])
            colour = theme.muted if row == column else theme.closed if row == 0 else theme.open
            strength = FAINTEST + (STRONGEST - FAINTEST) * count / total
            axes.fill_between(
                [column + 0.02, column + 0.98], row + 0.02, row + 0.98, color=colour, alpha=strength, lw=0
            )
            axes.text(column + 0.5, row + 0.44, f"{count:,}", size=13, weight="bold", ha="center", va="center")
            axes.text(column + 0.5, row + 0.76, percent(count / total, 0), size=8.5, ha="center", va="center")
