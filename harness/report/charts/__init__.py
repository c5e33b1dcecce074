"""The charts of the report. A new one is a function ``(Facts, Theme) -> Figure`` and a line in ``charts``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from harness.report.facts import Facts
    from harness.report.style import Theme


class Chart(NamedTuple):
    """A picture: the name of its files, the question that it answers, and what draws it (or raises TooLittle)."""

    name: str
    question: str
    draw: Callable[[Facts, Theme], Figure]
    paired: bool = True
    """Whether it needs answers item by item; the others make do with scores that others published."""


def charts() -> list[Chart]:
    """All charts in the order of the report; the first is the headline."""
    from harness.report.charts.cost import cost
    from harness.report.charts.disagreement import disagreement
    from harness.report.charts.forest import forest
    from harness.report.charts.heatmap import heatmap
    from harness.report.charts.history import history
    from harness.report.charts.releases import releases
    from harness.report.charts.scores import scores
    from harness.report.charts.statuses import statuses
    from harness.report.charts.waterfall import waterfall

    return [
        Chart("gap", "How far apart are open and closed models, and how sure is that?", forest),
        Chart("scores", "What does each side score on each task?", scores),
        Chart("cost", "What does a solved item cost?", cost),
        Chart("releases", "How many months are open models behind?", releases, paired=False),
        Chart("history", "How has the gap between the best moved?", history),
        Chart("systems", "How far is each system from the other side's best?", heatmap),
        Chart("disagreement", "On which items do the two sides disagree?", disagreement),
        Chart("waterfall", "Are gaps about wrong answers, or about none at all?", waterfall),
        Chart("statuses", "How did the answers come?", statuses),
    ]
