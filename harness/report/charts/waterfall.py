"""Is a gap about being wrong, or about answers that were refused, cut off, empty or unreadable?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.evidence.gather import PARTS
from harness.report.charts.rows import gap_axis, rows_of
from harness.report.facts import IMPORTED, Facts, TooLittle
from harness.report.style import EDGE_IN, Theme, frame
from harness.report.typeset import points, wrapped
from harness.text import STATUS, listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOOKS = {
    "wrong": ("#999999", ""), "unparsed": ("#009E73", "//"), "truncated": ("#E69F00", ".."),
    "empty": ("#F0E442", "xx"), "refused": ("#CC79A7", "\\\\"),
}  # fmt: skip
"""Colour (Okabe and Ito) and hatching of each part; dark edges give those that are pale on paper their contrast."""
ROW_IN, HEAD_IN, AXIS_IN = 0.5, 0.45, 0.5
PLOT_AT, PLOT_IN = 2.2, 5.6


def waterfall(facts: Facts, theme: Theme) -> Figure:
    """Each gap split exactly into five parts, stacked to both sides of zero."""
    rows = sorted((one for one in facts.rows if facts.asked(one.closed, one.open)), key=lambda one: -one.gap)
    parts = {name: [getattr(one.waterfall, name) for one in rows] for name in PARTS}
    if not rows:
        raise TooLittle(IMPORTED)
    present = [name for name in LOOKS if name == "wrong" or any(abs(value) >= 0.05 for value in parts[name])]
    if present == ["wrong"]:
        raise TooLittle(
            "of every gap 0.05 points at most are due to refused, cut off, empty or unreadable answers: there are none, or as many on both sides"
        )
    largest = max(present[1:], key=lambda name: max(abs(value) for value in parts[name]))
    place = max(range(len(rows)), key=lambda i: abs(parts[largest][i]))
    made = frame(
        facts,
        theme,
        title=f"Apart from wrong answers, {STATUS.get(largest, largest)} ones matter most: {points(parts[largest][place], sign=True)} points in {facts.label(rows[place])}",
        subtitle=["Each gap split exactly by what became of the answers; bars to the right widen the gap in favour of closed"],
        foot=[f"n {listed(f'{one.n:,} ({facts.label(one)})' for one in rows)}. The parts are those of the two systems named in the gap "
              "chart on these items and add up to the difference of their scores."],
        alt=" ".join(
            f"{facts.label(one)}: " + ", ".join(f"{STATUS.get(name, name)} {points(parts[name][i], sign=True)}" for name in present) + "."
            for i, one in enumerate(rows)
        ),
        body_in=HEAD_IN + ROW_IN * len(rows) + AXIS_IN,
    )  # fmt: skip
    drawn = rows_of(made, len(rows), left=PLOT_AT, width=PLOT_IN, step=ROW_IN, below=AXIS_IN)
    axes = drawn.axes
    for i, one in enumerate(rows):
        drawn.stack(i, {name: parts[name][i] for name in present}, LOOKS, 0.46)
        net = sum(parts[name][i] for name in PARTS)
        axes.plot([net, net], [i - 0.36, i + 0.36], color=theme.ink, lw=2)
        y = drawn.middle(i)
        name = facts.label(one)
        for line, text in enumerate(lines := wrapped(name[:1].upper() + name[1:], 1.85, 10.5, "bold", lines=2)):
            made.write(EDGE_IN, y + 0.09 * (len(lines) - 1 - 2 * line), text, size=10.5, weight="bold", va="center")
        made.write(9.3, y, f"sum {points(net, sign=True)}", size=10, ha="right", va="center")
    axes.axvline(0, color=theme.muted, lw=0.9)
    gap_axis(axes)
    axes.locator_params(axis="x", nbins=7)
    made.swatches(PLOT_AT, drawn.top + 0.15, {name: LOOKS[name] for name in present}, theme, 1.15)
    return made.figure
