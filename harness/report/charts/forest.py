"""How far apart are open and closed models in each dimension, and how sure is that?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report import words
from harness.report.charts.rows import gap_axis
from harness.report.facts import Facts
from harness.report.style import EDGE_IN, MARKERS, Frame, Theme, frame
from harness.report.typeset import both, drawn, fitted, points, span, width_in, wrapped
from harness.text import inert, true_minus
from harness.types import UNKNOWN, Comparison
from harness.verdict.policy import row_scores, unseen_below
from harness.verdict.words import texts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_IN, REASON_IN, HEAD_IN, AXIS_IN = 0.5, 0.22, 0.42, 0.5
"""Heights: of a row, of the line below one that something else than its interval leaves undecided, of header and axis."""
NAME_IN = 1.8
CLOSED_AT, OPEN_AT, PLOT_AT, GAP_AT, N_AT, VERDICT_AT = 2.38, 2.95, 3.15, 7.45, 8.02, 8.18
"""Where columns stand, in inches: right edges of numbers, left edges of the plot and of the verdict."""
PLOT_IN = 2.62
BELOW_IN = OPEN_AT - EDGE_IN
MOST_TASKS = 6
MIDDLE = "center_baseline"


def forest(facts: Facts, theme: Theme) -> Figure:
    """One line a dimension, most items first: both scores, the gap with its simultaneous interval, n and the verdict."""
    rows = sorted(facts.rows, key=lambda one: (-one.n, one.dimension, one.task))
    named = not words.same_pair(rows)
    heights = [ROW_IN + REASON_IN * _overruled(one) for one in rows]
    made = frame(
        facts,
        theme,
        title=words.headline(rows),
        subtitle=[words.rule(facts, rows), f"Gap = closed − open, in points, on the same items{_asked(facts)}"],
        foot=_foot(rows),
        alt=" ".join(words.sentence(one, facts.label(one)) for one in rows),
        body_in=HEAD_IN + sum(heights) + AXIS_IN,
    )
    low, height = made.bottom + AXIS_IN, sum(heights)
    depths = [sum(heights[:place]) + ROW_IN / 2 for place in range(len(rows))]
    axes = made.axes(PLOT_AT, low, PLOT_IN, height)
    axes.set_ylim(height, 0)
    _plot(axes, rows, depths, theme)
    _header(made, low + height, theme)
    for depth, one in zip(depths, rows, strict=True):
        y = low + height - depth
        below = (
            both(facts.name(one.closed), facts.name(one.open), BELOW_IN, 7.5)
            if named
            else fitted(one.task, BELOW_IN, 7.5)
        )
        _line(made, y, one, theme, facts.label(one), below)
        if _overruled(one):
            reason = fitted(f"Undecided: {words.why(one)}", 9.6 - 2 * EDGE_IN, 7.5)
            made.write(
                EDGE_IN, y - 0.31, reason, size=7.5, va="center", bbox={"fc": theme.paper, "ec": "none", "pad": 1}
            )
    return made.figure


def _overruled(one: Comparison) -> bool:
    """Whether something else than its interval leaves a row undecided."""
    return one.verdict == "undecided" and math.isnan(unseen_below(one)) and bool(words.why(one))


def _asked(facts: Facts) -> str:
    here = facts.asked(*(name for one in facts.rows for name in (one.closed, one.open)))
    if here and not any(one.protocol == UNKNOWN for one in facts.rows):
        return " asked the same way"
    return f"; how the {'' if here else 'imported '}answers were asked for was not recorded"


def _foot(rows: Sequence[Comparison]) -> list[str]:
    lines = [
        f"Bars: {words.interval_kind(rows)}. Shaded: within ±{points(rows[0].margin)} points two systems count as equivalent."
    ]
    if not words.same_pair(rows):
        # Otherwise each row has its tasks below its name.
        tasks = list(dict.fromkeys(inert(task) for one in rows for task in one.tasks))
        rest = [f"{len(tasks) - MOST_TASKS} more"] if len(tasks) > MOST_TASKS else []
        lines.insert(0, f"Tasks: {'; '.join([*tasks[:MOST_TASKS], *rest])}.")
    if any(one.plug_in is not None for one in rows):
        lines.append(
            "Of several, each half of the items scores the system that the other half chose, so these scores are of no single system."
        )
    if any(one.missing_closed or one.missing_open for one in rows):
        lines.append(
            "Missing closed / open: items without a score, since the infrastructure or our scorer failed; they count on neither side."
        )
    if not all(math.isnan(unseen_below(one)) for one in rows):
        lines.append(f"Shows: the smallest gap that the items of an undecided row would decide ({words.POWER}).")
    # How many items each task has is in the page; here it would crowd out what matters.
    warnings = texts(reason for one in rows for reason in one.reasons if reason.kind != "items_by_task")
    if warnings:
        more = f" (and {len(warnings) - 2} more on the page)" if len(warnings) > 2 else ""
        lines.append(true_minus("Note: " + "; ".join(warnings[:2]) + more))
    protocols = ", ".join(dict.fromkeys(one.protocol for one in rows if one.protocol))
    lines.append(f"Protocol {protocols}.")
    return lines


def _plot(axes: Axes, rows: Sequence[Comparison], depths: Sequence[float], theme: Theme) -> None:
    """Draw each row at its depth, in inches below the top."""
    margin = rows[0].margin
    ends = [end for one in rows for end in (one.gap, *one.ci_simultaneous) if math.isfinite(end)]
    least, most = min([*ends, -margin]), max([*ends, margin])
    pad = 0.06 * (most - least)
    axes.set_xlim(least - pad, most + pad)
    axes.set_yticks([])
    axes.axvspan(-margin, margin, color=theme.band, lw=0, zorder=0)
    for end in (-margin, margin):
        axes.axvline(end, color=theme.muted, lw=0.6, ls=":", zorder=1)
    axes.axvline(0, color=theme.muted, lw=0.9, zorder=1)
    axes.grid(axis="x")
    for place, one in zip(depths, rows, strict=True):
        if not math.isfinite(one.gap):
            continue
        colour, marker, fill = _look(one, theme)
        start, end = one.ci_simultaneous
        if math.isfinite(start) and math.isfinite(end):
            axes.plot([start, end], [place, place], color=colour, lw=1.8, solid_capstyle="butt", zorder=2)
            axes.plot([start, end], [place, place], "|", color=colour, ms=7, mew=1.6, zorder=2)
        axes.plot([one.gap], [place], marker, ms=8, mfc=fill, mec=colour, mew=1.6, zorder=3)
    gap_axis(axes)
    axes.locator_params(axis="x", nbins=6, steps=[1, 2, 5, 10])
    axes.tick_params(axis="x", labelsize=8.5, pad=3)


def _look(one: Comparison, theme: Theme) -> tuple[str, str, str]:
    """Colour, marker and fill: the side that leads; a square, hollow where nothing is decided."""
    if one.verdict == "closed leads":
        return theme.closed, MARKERS["closed"], theme.closed
    if one.verdict == "open leads":
        return theme.open, MARKERS["open"], theme.open
    return theme.muted, "s", theme.muted if one.verdict == "equivalent" else theme.paper


def _header(made: Frame, top: float, theme: Theme) -> None:
    for x, text, side in ((CLOSED_AT, "closed", "right"), (OPEN_AT, "open", "right"), (PLOT_AT + PLOT_IN / 2, "closed − open", "center"),
                          (GAP_AT, "gap and interval", "right"), (N_AT, "n", "right"), (VERDICT_AT, "verdict", "left")):  # fmt: skip
        made.write(x, top + 0.08, text, size=8.5, color=theme.muted, ha=side, va="bottom")
    made.mark(CLOSED_AT - 0.19, top + 0.34, "closed", theme)
    made.mark(OPEN_AT - 0.15, top + 0.34, "open", theme)
    made.write(EDGE_IN, top + 0.08, "dimension", size=8.5, color=theme.muted, va="bottom")


def _line(made: Frame, y: float, one: Comparison, theme: Theme, name: str, below: str) -> None:
    lower = y - 0.17
    name = drawn(name[:1].upper() + name[1:])
    size = 10.5 if width_in(name, 10.5, "bold") <= NAME_IN else 9.5
    for line, text in enumerate(lines := wrapped(name, NAME_IN, size, "bold", lines=2)):
        made.write(EDGE_IN, y + 0.15 * (len(lines) - 1 - line), text, size=size, weight="bold", va=MIDDLE)
    made.write(EDGE_IN, lower, below, size=7.5, color=theme.muted, va="center")
    for x, text in zip((CLOSED_AT, OPEN_AT, N_AT), (*map(points, row_scores(one)), f"{one.n:,}"), strict=True):
        made.write(x, y, text, size=10, ha="right", va=MIDDLE)
    made.write(GAP_AT - 1.02, y, points(one.gap, sign=True), size=10.5, weight="bold", ha="right", va=MIDDLE)
    made.write(GAP_AT, y, span(*one.ci_simultaneous), size=9, ha="right", va=MIDDLE)
    made.write(
        VERDICT_AT, y, one.verdict, size=10, weight="normal" if one.verdict == "undecided" else "bold", va=MIDDLE
    )
    if one.missing_closed or one.missing_open:
        missing = f"missing {one.missing_closed:,} / {one.missing_open:,}"
        made.write(N_AT, lower, missing, size=7.5, color=theme.muted, ha="right", va="center")
    if not math.isnan(unseen_below(one)):
        seen = f"shows {points(unseen_below(one))} or more" if unseen_below(one) < 100 else "shows no gap"
        made.write(VERDICT_AT, lower, seen, size=7.5, color=theme.muted, va="center")
