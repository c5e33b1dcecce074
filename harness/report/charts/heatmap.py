"""How far is each system from the other side's best, task by task?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.gap.comparable import differences
from harness.gap.pair import align, compare
from harness.report.facts import Facts, TooLittle
from harness.report.style import EDGE_IN, Theme, frame
from harness.report.text import counted, fitted, points, span, wrapped
from harness.types import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_IN, HEAD_IN, NAME_IN, MOST_ROWS, MOST_COLUMNS = 0.36, 0.34, 2.7, 30, 10

STRENGTH = 0.55
"""Of the strongest colour: text on it keeps the contrast of 4.5 that WCAG asks for, in both themes."""


def heatmap(facts: Facts, theme: Theme) -> Figure:
    """Gaps of all systems of a side against one fixed system of the other a task, hatched where undecided."""
    import matplotlib as mpl

    cells, tasks, side = _cells(facts)
    names = sorted({name for name, _ in cells}, key=lambda name: _order(cells, tasks, name))[:MOST_ROWS]
    decided = sum(one.verdict != "undecided" for one in cells.values())
    other = "closed" if side == "open" else "open"
    width = min(2.1, (9.6 - 2 * EDGE_IN - NAME_IN) / len(tasks))
    wide = width > 1.5
    heads = [wrapped(task, width - 0.06, 8.5, "bold", lines=4, breaks=" _/.-") for task in tasks]
    same = len({getattr(one, other) for one in cells.values()}) == 1
    made = frame(
        facts,
        theme,
        title=f"{decided} of {len(cells)} gaps between {side} systems and the {other} reference of their task {'is' if decided == 1 else 'are'} decided",
        subtitle=[f"Closed − open in points; each row is one {side} system, each column its task's {other} reference, named below it"],
        foot=[
            f"Hatched: undecided. Intervals{'' if wide else ' (not shown, for want of room)'}: simultaneous 95 % (Bonferroni over {counted(len(cells), 'cell')}), "
            f"so wider than in the gap chart, whose {other} system is the reference. Empty: not run, or not comparable.",
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
    # Cells are darker than the bars of other charts, so their hatching has to be lighter there, and darker in the light.
    with mpl.rc_context({"hatch.color": theme.muted}):
        for (name, task), one in sorted(cells.items()):
            if name in names and math.isfinite(one.gap):
                _cell(axes, tasks.index(task), names.index(name), one, STRENGTH * abs(one.gap) / limit, theme, wide=wide)
    for column, task in enumerate(tasks):
        sizes = sorted({one.n for (_, t), one in cells.items() if t == task})
        x = EDGE_IN + NAME_IN + width * (column + 0.5)
        for line, text in enumerate(reversed(heads[column])):
            made.write(x, low + height + 0.24 + 0.15 * line, text, size=8.5, weight="bold", ha="center")
        n = "–".join(f"{size:,}" for size in dict.fromkeys((sizes[0], sizes[-1])))
        made.write(x, low + height + 0.09, f"n {n}", size=7.5, color=theme.muted, ha="center")
        reference = next(getattr(one, other) for (_, t), one in cells.items() if t == task)
        if not same or not column:
            place = {"x": EDGE_IN + NAME_IN} if same else {"x": x, "ha": "center"}
            made.write(y=low - 0.18, text=fitted(facts.name(reference), width * (len(tasks) if same else 1) - 0.1, 7.5), size=7.5, color=theme.muted, va="top", **place)
    made.write(EDGE_IN, low - 0.18, f"{other} reference:", size=7.5, color=theme.muted, va="top")
    return made.figure


def _cell(axes: Axes, column: int, row: int, one: Comparison, strength: float, theme: Theme, *, wide: bool) -> None:
    from matplotlib.patches import Rectangle

    def box(**look: Any) -> None:
        axes.add_patch(Rectangle((column + 0.02, row + 0.05), 0.96, 0.9, **look))

    undecided = one.verdict == "undecided"
    box(fc="none", ec=theme.grid, lw=0.6)
    box(fc=theme.closed if one.gap > 0 else theme.open, alpha=strength, lw=0)
    if undecided:
        box(fc="none", alpha=0.5, hatch="////", lw=0)
    halo = {"fc": theme.paper, "ec": "none", "pad": 1.2, "alpha": 0.85} if undecided else None
    text = _told(one) if wide else points(one.gap, sign=True)
    axes.text(column + 0.5, row + 0.52, text, size=9, ha="center", va="center", bbox=halo)


def _told(one: Comparison) -> str:
    return f"{points(one.gap, sign=True)} {span(*one.ci_simultaneous)}"


def _order(cells: dict[tuple[str, str], Comparison], tasks: list[str], name: str) -> tuple[float, str]:
    gaps = [cells[name, task].gap for task in tasks if (name, task) in cells]
    return sum(gaps) / len(gaps), name


def _cells(facts: Facts) -> tuple[dict[tuple[str, str], Comparison], list[str], str]:
    """Comparison by (system, task), the tasks, and the side that the rows are of: the one with more systems."""
    sides = {one.name: one.open for one in facts.evidence}
    side = "open" if sum(sides.values()) * 2 >= len(sides) else "closed"
    if sum(is_open == (side == "open") for is_open in sides.values()) < 2:
        raise TooLittle("it needs two systems of a side; with one pair the gap chart says it all")
    pairs = {}
    tasks = []
    for row in sorted(facts.tasks, key=lambda one: (one.dimension, one.task))[:MOST_COLUMNS]:
        reference = facts.one(row.closed if side == "open" else row.open, row.task)
        if reference is None:
            continue
        tasks.append(row.task)
        for one in facts.evidence:
            if one.task == row.task and one.open == (side == "open") and not differences(one, reference):
                both = (reference, one) if side == "open" else (one, reference)
                pairs[one.name, row.task] = align(*both)
    margin = facts.rows[0].margin
    rule = "against the reference of the task"
    cells = {
        key: compare([pair], chosen_by=rule, margin=margin, rows=len(pairs)) for key, pair in pairs.items() if pair.closed.size > 1
    }
    if not cells:
        raise TooLittle("it needs two items that both sides answered")
    return cells, [task for task in tasks if any(key[1] == task for key in cells)], side
