"""What does each side score on each task?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report import words
from harness.report.charts.rows import rows_of
from harness.report.facts import Facts
from harness.report.style import EDGE_IN, MARKERS, Theme, frame
from harness.report.typeset import both, fitted, points, span
from harness.text import inert

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW_IN, HEAD_IN, AXIS_IN, MOST = 0.44, 0.4, 0.45, 30
PLOT_AT, PLOT_IN, CLOSED_AT, OPEN_AT, N_AT = 3.0, 3.3, 7.6, 8.85, 9.38


def scores(facts: Facts, theme: Theme) -> Figure:
    """Dumbbells: both scores of each task with their own intervals, every other candidate as a small mark."""
    shown = sorted(facts.tasks, key=lambda one: (-abs(one.gap.score_closed - one.gap.score_open), one.part.name))[:MOST]
    widest, rows = shown[0], sorted(shown, key=lambda one: (one.part.dimension, -one.gap.score_closed, one.part.name))
    own = [(facts.own(one.pair.closed_side), facts.own(one.pair.open_side)) for one in rows]
    others = [
        [
            facts.own(s)
            for s in facts.behind(one.row)
            if s.task == one.gap.task and s not in (one.pair.closed_side, one.pair.open_side)
        ]
        for one in rows
    ]
    foot = [
        "Thick marks: the two systems of the row in the gap chart, each with its own score and that score's 95 % interval, which says "
        "nothing about the gap; the interval of a gap comes from pairs of answers."
        + " Hollow marks: the other candidates."
        * any(others),
    ]
    if len(facts.tasks) > MOST:
        foot.append(f"The {MOST} of {len(facts.tasks)} tasks with the largest differences; scores.csv has them all.")
    gaps = [one.gap for one in rows]
    named = not words.same_pair(gaps)
    best = (
        "The best on all items of a dimension"
        if any(one.row.plug_in is not None for one in rows)
        else "The systems compared"
    )
    made = frame(
        facts,
        theme,
        title=f"{'The two sides differ most on ' if len(facts.tasks) > 1 else ''}{inert(widest.part.name)}: closed {points(widest.gap.score_closed)}, open {points(widest.gap.score_open)} points",
        subtitle=[f"{best}, by task: " + ("named below each" if named else f"{facts.name(gaps[0].closed)} (closed) and {facts.name(gaps[0].open)} (open weights)")],
        foot=foot,
        alt=" ".join(
            f"{one.part.name}: {inert(one.gap.closed)} (closed) {points(one.gap.score_closed)}, {inert(one.gap.open)} (open) {points(one.gap.score_open)}, n {one.gap.n:,}."
            + "".join(f" {inert(other.system)} {points(other.score)}." for other in extra) for one, extra in zip(rows, others, strict=True)
        ),
        body_in=HEAD_IN + ROW_IN * len(rows) + AXIS_IN,
    )  # fmt: skip
    drawn = rows_of(made, len(rows), left=PLOT_AT, width=PLOT_IN, step=ROW_IN, below=AXIS_IN)
    axes = drawn.axes
    for place, one in enumerate(rows):
        for other in others[place]:
            side = "open" if other.open else "closed"
            axes.plot(
                [other.score],
                [place],
                MARKERS[side],
                ms=4,
                mfc=theme.paper,
                mec=getattr(theme, side),
                mew=0.9,
                zorder=2,
            )
        axes.plot([one.gap.score_closed, one.gap.score_open], [place, place], color=theme.rail, lw=3, zorder=1)
        y = drawn.middle(place)
        made.write(
            EDGE_IN, y + 0.06 * named, fitted(one.part.name, 2.65, 10, "bold"), size=10, weight="bold", va="center"
        )
        if named:
            made.write(
                EDGE_IN,
                y - 0.11,
                both(facts.name(one.gap.closed), facts.name(one.gap.open), 2.65, 7.5),
                size=7.5,
                color=theme.muted,
                va="center",
            )
        two = (("closed", one.gap.score_closed, -0.09, CLOSED_AT), ("open", one.gap.score_open, 0.09, OPEN_AT))
        for (side, score, shift, x), said in zip(two, own[place], strict=True):
            colour = getattr(theme, side)
            axes.plot([said.low, said.high], [place + shift] * 2, color=colour, lw=1, zorder=3)
            axes.plot([score], [place + shift], MARKERS[side], ms=7, color=colour, mec=theme.paper, mew=0.8, zorder=4)
            made.write(x, y, f"{points(score)} {span(said.low, said.high)}", size=8.5, ha="right", va="center")
        made.write(N_AT, y, f"{one.gap.n:,}", size=8.5, ha="right", va="center")
    axes.set_xlabel("score, points", size=8.5, labelpad=3)
    top = drawn.top + 0.1
    made.legend(PLOT_AT + 0.1, top + 0.06, theme)
    for x, text in ((CLOSED_AT, "closed"), (OPEN_AT, "open"), (N_AT, "n")):
        made.write(x, top, text, size=8.5, color=theme.muted, ha="right")
    return made.figure
