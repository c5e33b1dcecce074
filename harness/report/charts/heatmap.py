"""How far is each system from the other side's best, task by task?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.gap.alignment import align
from harness.gap.comparable import differences
from harness.gap.pair import compare
from harness.report.facts import Facts, TooLittle
from harness.report.style import EDGE_IN, Theme, frame
from harness.report.text import fitted, points
from harness.types import Comparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW_IN, HEAD_IN, NAME_IN, MOST_ROWS, MOST_COLUMNS = 0.36, 0.36, 2.7, 30, 10


def heatmap(facts: Facts, theme: Theme) -> Figure:
    """Gaps of all systems of a side against one fixed system of the other a task, hatched where undecided."""
    from matplotlib.patches import Rectangle

    cells, tasks, side = _cells(facts)
    names = sorted({name for name, _ in cells}, key=lambda name: _order(cells, tasks, name))[:MOST_ROWS]
    decided = sum(one.verdict != "undecided" for one in cells.values())
    other = "closed" if side == "open" else "open"
    made = frame(
        facts,
        theme,
        title=f"{decided} of {len(cells)} gaps between {side} systems and the reference of their task are decided",
        subtitle=[f"Closed − open in points; each row is one {side} system, each column its task's {other} reference, named below it"],
        foot=[
            f"Hatched: undecided at simultaneous 95 % (Bonferroni over {len(cells)} cells). The reference is the {other} "
            "system of the gap chart. Empty: not run, or not comparable.",
        ],
        alt=" ".join(f"{name}, {task}: {points(one.gap, sign=True)}, {one.verdict}." for (name, task), one in sorted(cells.items())),
        body_in=HEAD_IN + ROW_IN * len(names) + 0.42,
    )
    low, height = made.bottom + 0.42, ROW_IN * len(names)
    width = min(1.6, (9.6 - 2 * EDGE_IN - NAME_IN) / len(tasks))
    axes = made.axes(EDGE_IN + NAME_IN, low, width * len(tasks), height)
    axes.set_axis_off()
    axes.set_xlim(0, len(tasks))
    axes.set_ylim(len(names), 0)
    limit = max(10.0, *(abs(one.gap) for one in cells.values() if math.isfinite(one.gap)))
    for row, name in enumerate(names):
        y = low + height - ROW_IN * (row + 0.5)
        made.write(EDGE_IN, y, fitted(facts.name(name), NAME_IN - 0.15, 9.5), size=9.5, va="center_baseline")
        for column, task in enumerate(tasks):
            one = cells.get((name, task))
            if one is None or not math.isfinite(one.gap):
                continue
            colour = theme.closed if one.gap > 0 else theme.open
            strength = 0.75 * abs(one.gap) / limit
            axes.add_patch(Rectangle((column + 0.02, row + 0.05), 0.96, 0.9, fc="none", ec=theme.grid, lw=0.6))
            undecided = one.verdict == "undecided"
            axes.add_patch(Rectangle((column + 0.02, row + 0.05), 0.96, 0.9, fc=colour, alpha=strength, lw=0))
            if undecided:
                axes.add_patch(Rectangle((column + 0.02, row + 0.05), 0.96, 0.9, fc="none", ec=theme.rail, hatch="////", lw=0))
            halo = {"fc": theme.paper, "ec": "none", "pad": 1.2, "alpha": 0.85} if undecided else None
            axes.text(column + 0.5, row + 0.52, points(one.gap, sign=True), size=9, ha="center", va="center", bbox=halo)
    for column, task in enumerate(tasks):
        x = EDGE_IN + NAME_IN + width * (column + 0.5)
        made.write(x, low + height + 0.1, fitted(task, width - 0.1, 9, "bold"), size=9, weight="bold", ha="center")
        reference = next(getattr(one, other) for (_, t), one in cells.items() if t == task)
        made.write(x, low - 0.18, fitted(facts.name(reference), width - 0.1, 7.5), size=7.5, color=theme.muted, ha="center", va="top")
    made.write(EDGE_IN, low - 0.18, f"{other} reference:", size=7.5, color=theme.muted, va="top")
    return made.figure


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
    return cells, tasks, side
