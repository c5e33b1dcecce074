"""How far is each system from the other side's best, task by task?"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from harness.gap.alignment import align
from harness.gap.comparable import differences
from harness.gap.pair import compare
from harness.report.facts import Facts, TooLittle
from harness.report.style import EDGE_IN, Theme, frame
from harness.report.text import counted, fitted, points, span, wrapped
from harness.types import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_IN, HEAD_IN, NAME_IN, MOST_ROWS, MOST_COLUMNS = 0.36, 0.34, 2.7, 24, 8

STRENGTH = 0.55
"""Of the strongest colour: text on it keeps the contrast of 4.5 that WCAG asks for, in both themes."""


def heatmap(facts: Facts, theme: Theme) -> Figure:
    """Gaps of all systems of a side against one fixed system of the other a task, hatched where undecided."""
    cells, tasks, side, systems = compared(facts)
    names = sorted({name for name, _ in cells}, key=lambda name: _order(cells, tasks, name))
    decided = sum(one.verdict != "undecided" for one in cells.values())
    other = "closed" if side == "open" else "open"
    width = min(2.1, (9.6 - 2 * EDGE_IN - NAME_IN) / len(tasks))
    wide = width > 1.5
    heads = [wrapped(task, width - 0.06, 8.5, "bold", lines=4, breaks=" _/.-") for task in tasks]
    made = frame(
        facts,
        theme,
        title=f"{decided} of {len(cells)} gaps between {side} systems and the {other} reference of their task {'is' if decided == 1 else 'are'} decided",
        subtitle=[f"Closed − open in points; each row is one {side} system, each column its task's {other} reference, named below it"],
        foot=[
            f"Hatched: undecided. Intervals{'' if wide else ' (not shown, for want of room)'}: simultaneous 95 % (Bonferroni over {counted(len(cells), 'cell')}), "
            f"so wider than in the gap chart, whose {other} system is the reference. Empty: not run, or not comparable."
            + f" The {MOST_ROWS} of {systems} {side} systems with the highest scores." * (systems > MOST_ROWS)
            + f" The first {MOST_COLUMNS} of {len(facts.tasks)} tasks." * (len(facts.tasks) > MOST_COLUMNS),
        ],
        alt=" ".join(f"{name}, {task}: {_told(one)}, {one.verdict}, n {one.n:,}." for (name, task), one in sorted(cells.items())),
        body_in=HEAD_IN + 0.15 * max(map(len, heads)) + ROW_IN * len(names) + 0.42,
    )
    low, height = made.bottom + 0.42, ROW_IN * len(names)
    axes = made.axes(EDGE_IN + NAME_IN, low, width * len(tasks), height)
    axes.set_axis_off()
    axes.set_xlim(0, len(tasks))
    axes.set_ylim(len(names), 0)
    limit = max(10.0, *(abs(one.gap) for one in cells.values() if math.isfinite(one.gap)))
    for row, name in enumerate(names):
        y = low + height - ROW_IN * (row + 0.5)
        made.write(EDGE_IN, y, fitted(facts.name(name), NAME_IN - 0.15, 9.5), size=9.5, va="center_baseline")
    drawn = [(tasks.index(task), names.index(name), one) for (name, task), one in sorted(cells.items()) if math.isfinite(one.gap)]
    _paint(axes, drawn, limit, theme, wide=wide)
    for column, task in enumerate(tasks):
        sizes = sorted({one.n for (_, t), one in cells.items() if t == task})
        x = EDGE_IN + NAME_IN + width * (column + 0.5)
        for line, text in enumerate(reversed(heads[column])):
            made.write(x, low + height + 0.24 + 0.15 * line, text, size=8.5, weight="bold", ha="center")
        n = "–".join(f"{size:,}" for size in dict.fromkeys((sizes[0], sizes[-1])))
        made.write(x, low + height + 0.09, f"n {n}", size=7.5, color=theme.muted, ha="center")
        reference = next(getattr(one, other) for (_, t), one in cells.items() if t == task)
        made.write(x, low - 0.18, fitted(facts.name(reference), width - 0.1, 7.5), size=7.5, color=theme.muted, ha="center", va="top")
    made.write(EDGE_IN, low - 0.18, f"{other} reference:", size=7.5, color=theme.muted, va="top")
    return made.figure


def _paint(axes: Axes, drawn: list[tuple[int, int, Comparison]], limit: float, theme: Theme, *, wide: bool) -> None:
    """Cells at (column, row): colour, hatching where undecided with a clear place for the number on it, and the number."""
    import matplotlib as mpl
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    def add(some: list[tuple[int, int, Comparison]], margin_x: float, margin_y: float, **look: Any) -> None:
        boxes = [Rectangle((column + margin_x, row + margin_y), 1 - 2 * margin_x, 1 - 2 * margin_y) for column, row, _ in some]
        axes.add_collection(PatchCollection(boxes, **look))

    fills = [to_rgba(theme.closed if one.gap > 0 else theme.open, STRENGTH * abs(one.gap) / limit) for _, _, one in drawn]
    add(drawn, 0.02, 0.05, facecolor=fills, edgecolor=theme.grid, lw=0.6)
    undecided = [cell for cell in drawn if cell[2].verdict == "undecided"]
    # Cells are darker than the bars of other charts in the dark, and lighter in the light.
    with mpl.rc_context({"hatch.color": theme.muted}):
        add(undecided, 0.02, 0.05, facecolor="none", alpha=0.5, hatch="////", lw=0)
    add(undecided, 0.16, 0.22, facecolor=theme.paper, lw=0, alpha=0.85)
    for column, row, one in drawn:
        axes.text(column + 0.5, row + 0.52, _told(one) if wide else points(one.gap, sign=True), size=9, ha="center", va="center")


def _told(one: Comparison) -> str:
    return f"{points(one.gap, sign=True)} {span(*one.ci_simultaneous)}"


def _order(cells: dict[tuple[str, str], Comparison], tasks: list[str], name: str) -> tuple[float, str]:
    gaps = [cells[name, task].gap for task in tasks if (name, task) in cells]
    return sum(gaps) / len(gaps), name


@functools.lru_cache(maxsize=1)
def compared(facts: Facts) -> tuple[dict[tuple[str, str], Comparison], list[str], str, int]:
    """Comparison by (system, task), the tasks, the side that the rows are of (which has more systems), and its size."""
    sides = {one.name: one.open for one in facts.evidence}
    side = "open" if sum(sides.values()) * 2 >= len(sides) else "closed"
    mean = {name: [one.score for one in facts.scores if one.system == name] for name in sides if sides[name] == (side == "open")}
    if len(mean) < 2:
        raise TooLittle("it needs two systems of a side; with one pair the gap chart says it all")
    kept = set(sorted(mean, key=lambda name: (-sum(mean[name]) / max(1, len(mean[name])), name))[:MOST_ROWS])
    pairs = {}
    tasks = []
    for row in sorted(facts.tasks, key=lambda one: (one.dimension, one.task))[:MOST_COLUMNS]:
        reference = facts.one(row.closed if side == "open" else row.open, row.task)
        if reference is None:
            continue
        tasks.append(row.task)
        for one in facts.evidence:
            if one.task == row.task and one.name in kept and not differences(one, reference):
                both = (reference, one) if side == "open" else (one, reference)
                pairs[one.name, row.task] = align(*both)
    margin = facts.rows[0].margin
    rule = "against the reference of the task"
    cells = {
        key: compare([pair], chosen_by=rule, margin=margin, rows=len(pairs)) for key, pair in pairs.items() if pair.closed.size > 1
    }
    if not cells:
        raise TooLittle("it needs two items that both sides answered")
    return cells, [task for task in dict.fromkeys(tasks) if any(key[1] == task for key in cells)], side, len(mean)
