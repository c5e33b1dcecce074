"""How far is each system from the other side's best, task by task?"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from harness.evidence.alignment import align
from harness.evidence.comparable import differences
from harness.report.facts import Facts, TaskGap, TooLittle
from harness.report.style import EDGE_IN, Theme, frame
from harness.report.typeset import fitted, points, span, width_in, wrapped
from harness.text import counted, inert
from harness.types import Comparison
from harness.verdict.pair import compare

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_IN, HEAD_IN, LEAST_IN, MOST_ROWS, MOST_COLUMNS = 0.36, 0.34, 0.8, 24, 8

Cells = dict[tuple[str, int], Comparison]

STRENGTH = 0.55
"""Of the strongest colour: text on it keeps the contrast of 4.5 that WCAG asks for, in both themes."""


def heatmap(facts: Facts, theme: Theme) -> Figure:
    """Gaps of all systems of a side against one fixed system of the other a task, hatched where undecided."""
    cells, columns, side, systems = compared(facts)
    names = sorted({name for name, _ in cells}, key=lambda name: _order(cells, name))
    decided = sum(one.verdict != "undecided" for one in cells.values())
    other = "closed" if side == "open" else "open"
    short = {name: fitted(facts.name(name), 9.6 - 2 * EDGE_IN - LEAST_IN * len(columns) - 0.15, 9.5) for name in names}
    name_in = max(1.4, *(width_in(text, 9.5) + 0.15 for text in short.values()))
    width = min(2.1, (9.6 - 2 * EDGE_IN - name_in) / len(columns))
    wide = width > 1.5
    heads = [wrapped(one.part.name, width - 0.06, 8.5, "bold", lines=4, breaks=" _/.-") for one in columns]
    some = f"; the first {MOST_COLUMNS} of {len(facts.tasks)} tasks" if len(facts.tasks) > MOST_COLUMNS else ""
    made = frame(
        facts,
        theme,
        title=f"{decided} of {len(cells)} gaps between {side} systems and the {other} reference of their task {'is' if decided == 1 else 'are'} decided",
        subtitle=[f"Closed − open in points; each row is one {side} system, each column its task's {other} reference, named below it{some}"],
        foot=[
            f"Hatched: undecided. Each cell is a gap of two fixed systems, its interval{'' if wide else ' (in words on the page)'} simultaneous over all "
            f"{counted(len(cells), 'cell')} (95 %, Bonferroni) and so wider than in the gap chart, whose rows say something else: best against best. Two systems can be "
            f"undecided here although a side leads there. The reference is the {other} system of the gap chart. Empty: not run, or not comparable."
            + f" The {MOST_ROWS} of {systems} {side} systems with the highest scores." * (systems > MOST_ROWS),
        ],
        alt=" ".join(
            f"{inert(name)}, {columns[place].part.name}: {_told(one)}, {one.verdict}, n {one.n:,}." for (name, place), one in sorted(cells.items())
        ),
        body_in=HEAD_IN + 0.15 * max(map(len, heads)) + ROW_IN * len(names) + 0.42,
    )  # fmt: skip
    low, height = made.bottom + 0.42, ROW_IN * len(names)
    axes = made.axes(EDGE_IN + name_in, low, width * len(columns), height)
    axes.set_axis_off()
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(names), 0)
    limit = max(10.0, *(abs(one.gap) for one in cells.values() if math.isfinite(one.gap)))
    for row, name in enumerate(names):
        made.write(EDGE_IN, low + height - ROW_IN * (row + 0.5), short[name], size=9.5, va="center_baseline")
    drawn = [(place, names.index(name), one) for (name, place), one in sorted(cells.items()) if math.isfinite(one.gap)]
    _paint(axes, drawn, limit, theme, wide=wide)
    for place, column in enumerate(columns):
        sizes = sorted({one.n for (_, at), one in cells.items() if at == place})
        x = EDGE_IN + name_in + width * (place + 0.5)
        for line, text in enumerate(reversed(heads[place])):
            made.write(x, low + height + 0.24 + 0.15 * line, text, size=8.5, weight="bold", ha="center")
        n = "–".join(f"{size:,}" for size in dict.fromkeys((sizes[0], sizes[-1])))
        made.write(x, low + height + 0.09, f"n {n}", size=7.5, color=theme.muted, ha="center")
        made.write(
            x,
            low - 0.18,
            fitted(facts.name(getattr(column.gap, other)), width - 0.1, 7.5),
            size=7.5,
            color=theme.muted,
            ha="center",
            va="top",
        )
    made.write(EDGE_IN, low - 0.18, f"{other} reference:", size=7.5, color=theme.muted, va="top")
    return made.figure


def _paint(axes: Axes, drawn: list[tuple[int, int, Comparison]], limit: float, theme: Theme, *, wide: bool) -> None:
    """Cells at (column, row): colour, hatching where undecided with a clear place for the number on it, and the number."""
    import matplotlib as mpl
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    def add(some: list[tuple[int, int, Comparison]], margin_x: float, margin_y: float, **look: Any) -> None:
        boxes = [
            Rectangle((column + margin_x, row + margin_y), 1 - 2 * margin_x, 1 - 2 * margin_y)
            for column, row, _ in some
        ]
        axes.add_collection(PatchCollection(boxes, **look))

    fills = [
        to_rgba(theme.closed if one.gap > 0 else theme.open, STRENGTH * abs(one.gap) / limit) for _, _, one in drawn
    ]
    add(drawn, 0.02, 0.05, facecolor=fills, edgecolor=theme.grid, lw=0.6)
    undecided = [cell for cell in drawn if cell[2].verdict == "undecided"]
    # Cells are darker than the bars of other charts in the dark, and lighter in the light.
    with mpl.rc_context({"hatch.color": theme.muted}):
        add(undecided, 0.02, 0.05, facecolor="none", hatch="///", lw=0)
    add(undecided, 0.16, 0.22, facecolor=theme.paper, lw=0, alpha=0.85)
    for column, row, one in drawn:
        axes.text(
            column + 0.5,
            row + 0.52,
            _told(one) if wide else points(one.gap, sign=True),
            size=9,
            ha="center",
            va="center",
        )


def _told(one: Comparison) -> str:
    return f"{points(one.gap, sign=True)} {span(*one.ci_simultaneous)}"


def _order(cells: Cells, name: str) -> tuple[float, str]:
    gaps = [one.gap for (row, _), one in cells.items() if row == name]
    return sum(gaps) / len(gaps), name


@functools.lru_cache(maxsize=1)
def compared(facts: Facts) -> tuple[Cells, list[TaskGap], str, int]:
    """Comparison by (system, column), the columns, the side that the rows are of (which has more systems), and its size."""
    sides = {one.name: one.open for one in facts.evidence}
    side = "open" if sum(sides.values()) * 2 >= len(sides) else "closed"
    mean = {
        name: [one.score for one in facts.scores if one.system == name and one.n]
        for name in sides
        if sides[name] == (side == "open")
    }
    kept = set(sorted(mean, key=lambda name: (-sum(mean[name]) / max(1, len(mean[name])), name))[:MOST_ROWS])
    columns = sorted(facts.tasks, key=lambda one: (one.part.dimension, one.part.name))[:MOST_COLUMNS]
    pairs = {}
    for place, column in enumerate(columns):
        closed, open_ = column.pair.closed_side, column.pair.open_side
        for one in facts.evidence:
            if (
                one.task == column.gap.task
                and one.name in kept
                and not differences(one, closed if side == "open" else open_)
            ):
                pairs[one.name, place] = align(closed, one) if side == "open" else align(one, open_)
    pairs = {key: pair for key, pair in pairs.items() if pair.closed.size > 1}
    if len({name for name, _ in pairs}) < 2:
        raise TooLittle(
            "it needs two systems of one side that answered two items of a task at least; with one pair the gap chart says it all"
        )
    margin = facts.rows[0].margin
    cells = {
        key: compare([pair], chosen_by="against the reference of the task", margin=margin, rows=len(pairs))
        for key, pair in pairs.items()
    }
    used = sorted({place for _, place in cells})
    return (
        {(name, used.index(place)): one for (name, place), one in cells.items()},
        [columns[place] for place in used],
        side,
        len(mean),
    )
