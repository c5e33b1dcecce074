"""What does each side score on each task?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report import words
from harness.report.facts import Facts
from harness.report.style import EDGE_IN, MARKERS, Theme, frame
from harness.report.text import both, fitted, inert, points, span

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW_IN, HEAD_IN, AXIS_IN, MOST = 0.44, 0.4, 0.45, 30
PLOT_AT, PLOT_IN, CLOSED_AT, OPEN_AT, N_AT = 3.0, 3.3, 7.6, 8.85, 9.38


def scores(facts: Facts, theme: Theme) -> Figure:
    """Dumbbells: both scores of each task with their own intervals, every other system as a small mark."""
    shown = sorted(facts.tasks, key=lambda one: (-abs(one.score_closed - one.score_open), one.task))[:MOST]
    widest, rows = shown[0], sorted(shown, key=lambda one: (one.dimension, -one.score_closed, one.task))
    own = {(one.system, one.task): one for one in facts.scores}
    several = len({one.system for one in facts.scores}) > 2
    foot = [
        "Thick marks: the two systems compared on the task, with each score's own 95 % interval; these say nothing "
        "about the gap, whose interval comes from pairs of answers." + " Small marks: all other systems." * several,
    ]
    if len(facts.tasks) > MOST:
        foot.append(f"The {MOST} of {len(facts.tasks)} tasks with the largest differences; scores.csv has them all.")
    made = frame(
        facts,
        theme,
        title=f"{'The two sides differ most on ' if len(facts.tasks) > 1 else ''}{inert(widest.task)}: closed {points(widest.score_closed)}, open {points(widest.score_open)} points",
        subtitle=[words.rule(facts, rows)],
        foot=foot,
        alt=" ".join(f"{one.task}: closed {points(one.score_closed)}, open {points(one.score_open)}, n {one.n}." for one in rows),
        body_in=HEAD_IN + ROW_IN * len(rows) + AXIS_IN,
    )
    low, height = made.bottom + AXIS_IN, ROW_IN * len(rows)
    axes = made.axes(PLOT_AT, low, PLOT_IN, height)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.grid(axis="x")
    named = not words.same_pair(rows)
    for place, one in enumerate(rows):
        others = [s for s in facts.scores if s.task == one.task and s.system not in (one.closed, one.open)]
        for other in others:
            side = "open" if other.open else "closed"
            axes.plot([other.score], [place], MARKERS[side], ms=3, color=getattr(theme, side), alpha=0.6, zorder=2)
        axes.plot([one.score_closed, one.score_open], [place, place], color=theme.rail, lw=3, zorder=1)
        for side, name, score, shift in (("closed", one.closed, one.score_closed, -0.09), ("open", one.open, one.score_open, 0.09)):
            colour = getattr(theme, side)
            if (name, one.task) in own:
                interval = own[name, one.task]
                axes.plot([interval.low, interval.high], [place + shift] * 2, color=colour, lw=1, zorder=3)
            axes.plot([score], [place + shift], MARKERS[side], ms=7, color=colour, mec=theme.paper, mew=0.8, zorder=4)
        y = low + height - ROW_IN * (place + 0.5)
        made.write(EDGE_IN, y + 0.06 * named, fitted(one.task, 2.65, 10, "bold"), size=10, weight="bold", va="center")
        if named:
            made.write(EDGE_IN, y - 0.11, both(facts.name(one.closed), facts.name(one.open), 2.65, 7.5), size=7.5, color=theme.muted, va="center")
        for x, name, score in ((CLOSED_AT, one.closed, one.score_closed), (OPEN_AT, one.open, one.score_open)):
            said = own.get((name, one.task))
            told = f"{points(score)} {span(said.low, said.high)}" if said else points(score)
            made.write(x, y, told, size=8.5, ha="right", va="center")
        made.write(N_AT, y, f"{one.n:,}", size=8.5, ha="right", va="center")
    axes.tick_params(axis="x", labelsize=8.5)
    axes.set_xlabel("score, points", size=8.5, labelpad=3)
    top = low + height + 0.1
    made.legend(PLOT_AT + 0.1, top + 0.06, theme)
    for x, text in ((CLOSED_AT, "closed"), (OPEN_AT, "open"), (N_AT, "n")):
        made.write(x, top, text, size=8.5, color=theme.muted, ha="right")
    return made.figure
