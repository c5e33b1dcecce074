"""How has the gap between the best of each side moved?"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import Refused
from harness.evidence.gather import Evidence
from harness.evidence.select import Selection
from harness.report.charts.labels import name_points
from harness.report.charts.releases import dates_told
from harness.report.facts import Facts, TooLittle
from harness.report.style import EDGE_IN, Theme, by_month, day_numbers, frame
from harness.report.typeset import points, span
from harness.text import counted
from harness.types import Comparison
from harness.verdict.frontier import SKETCH
from harness.verdict.store import compare_row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_IN, MOST_PANELS = 2.6, 3
Side = dict[str, dict[str, Evidence]]


class Moment(NamedTuple):
    """The gap of a day: among how many systems of each side that were released by then."""

    day: str
    closed: int
    open_: int
    gap: Comparison


def history(facts: Facts, theme: Theme) -> Figure:
    """The gap on the same items had one only known the systems released by a date, at each date on which a best changes."""
    found = [(name, moments) for name, moments in moments_of(facts) if len(moments) > 1][:MOST_PANELS]
    if not found:
        raise TooLittle(
            "it needs release dates of systems of both sides, of which a later one is better; the dates known here give no two states of things"
        )
    name, moments = found[0]
    undated = any(one.released is None for one in facts.about.values())
    of = "the dated systems" if undated else "all systems"
    made = frame(
        facts,
        theme,
        title=f"The gap in {name} was {_told(moments[0])} points with the systems of {moments[0].day}, and is {_told(moments[-1])} with {of}",
        subtitle=[
            "Best closed − best open among the systems released by each date on which a best changes, all on the same items; "
            "positive: closed ahead. Intervals of each date by itself, not joint as in the gap chart. Beside a point: closed + open systems by then"
        ],
        foot=[
            "Brackets and bars: 95 % interval, cross-fitted where a side has several systems, from fewer resamples than in the gap "
            "chart; dates share systems and items."
            " The last point counts all that are dated, also those released later." + " Without the undated ones it may differ from the gap chart." * undated,
            *dates_told(facts),
        ],
        alt=" ".join(
            f"{name}, {one.day}, {counted(one.closed, 'closed system')} and {one.open_} open: {_told(one)}, n {one.gap.n:,}."
            for name, part in found for one in part
        ),
        body_in=PANEL_IN * len(found),
    )  # fmt: skip
    for place, (name, moments) in enumerate(found):
        low = made.top - PANEL_IN * (place + 1)
        made.write(0.75, low + PANEL_IN - 0.28, f"{name[:1].upper()}{name[1:]}", size=10.5, weight="bold")
        made.write(9.38, low + PANEL_IN - 0.28, f"n {moments[-1].gap.n:,}", size=9, color=theme.muted, ha="right")
        _panel(made.axes(0.75, low + 0.35, 9.6 - 0.75 - EDGE_IN, PANEL_IN - 0.75), moments, theme)
    return made.figure


def _told(one: Moment) -> str:
    return f"{points(one.gap.gap, sign=True)} {span(one.gap.ci_low, one.gap.ci_high)}"


def _panel(axes: Axes, moments: list[Moment], theme: Theme) -> None:
    xs = day_numbers([one.day for one in moments])
    gaps = [one.gap.gap for one in moments]
    axes.vlines(
        xs, [one.gap.ci_low for one in moments], [one.gap.ci_high for one in moments], color=theme.muted, lw=1.4
    )
    # Between two dates no best changes.
    axes.step(xs, gaps, where="post", color=theme.ink, lw=1.4)
    axes.plot(xs, gaps, "s", color=theme.ink, ms=5)
    axes.axhline(0, color=theme.muted, lw=0.9)
    axes.grid(axis="y")
    axes.margins(x=0.04)
    by_month(axes)
    axes.yaxis.set_major_formatter(lambda value, _: points(value, sign=True).replace(".0", ""))
    axes.tick_params(labelsize=8.5)
    axes.tick_params(axis="x", pad=7)
    axes.set_ylabel("gap, points", size=8.5)
    name_points(
        axes, theme, [(x, gap, f"{one.closed} + {one.open_}") for x, gap, one in zip(xs, gaps, moments, strict=True)]
    )


@functools.lru_cache(maxsize=1)
def moments_of(facts: Facts) -> list[tuple[str, list[Moment]]]:
    """By row the gap at each date on which a best changes, and at last with all dated systems."""
    return [(facts.label(row), list(_history(facts, row))) for row in facts.rows]


def _history(facts: Facts, row: Comparison) -> Iterator[Moment]:
    sides: tuple[Side, Side] = ({}, {})
    for one in facts.behind(row):
        sides[one.open].setdefault(one.name, {})[one.task] = one
    dates = {name: day for side in sides for name in side if (day := facts.about[name].released)}
    days = sorted({day for side in sides for day in _records(facts, side, dates)})
    for day in days:
        closed, open_ = (
            {name: parts for name, parts in side.items() if name in dates and (dates[name] <= day or day == days[-1])}
            for side in sides
        )
        # A date at which too few had answered has no gap of its own.
        with contextlib.suppress(Refused):
            if closed and open_:
                everyone = len(closed) + len(open_) == sum(map(len, sides))
                then = Selection(row.dimension, row.tasks, closed, open_, row.chosen_by)
                yield Moment(
                    day,
                    len(closed),
                    len(open_),
                    row if everyone else compare_row(then, margin=row.margin, effort=SKETCH),
                )


def _records(facts: Facts, side: Side, dates: Mapping[str, str]) -> Iterator[str]:
    """The days on which a side's best, by its mean over the tasks, was released."""
    best = -math.inf
    for name in sorted(dates.keys() & side.keys(), key=lambda name: (dates[name], name)):
        score = sum(facts.own(one).score for one in side[name].values())
        if score > best:
            best = score
            yield dates[name]
