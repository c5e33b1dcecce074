"""How has the gap between the best of each side moved?"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from typing import TYPE_CHECKING

from harness.errors import Refused
from harness.gap.evidence import Evidence
from harness.gap.frontier import SKETCH
from harness.gap.select import Selection, select
from harness.gap.store import compare_row
from harness.report.charts.releases import dates_told
from harness.report.facts import Facts, TooLittle
from harness.report.style import EDGE_IN, Theme, by_month, day_numbers, frame
from harness.report.text import label, points, span
from harness.types import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_IN, MOST_PANELS, MOST_DATES = 2.6, 3, 5
Moments = list[tuple[str, Comparison]]


def history(facts: Facts, theme: Theme) -> Figure:
    """The gap on the same items had one only known the systems released by a date, cross-fitted where several were."""
    found = [(name, moments) for name, moments in moments_of(facts) if len(moments) > 2][:MOST_PANELS]
    if not found:
        raise TooLittle("it needs release dates of systems of both sides, on three days at least")
    name, moments = found[0]
    first, last = moments[0], moments[-1]
    made = frame(
        facts,
        theme,
        title=f"The gap in {name} was {_told(first[1])} points with the systems of {first[0]}, and {_told(last[1])} with those of {last[0]}",
        subtitle=["Best closed − best open among the systems released by each date, all on the same items; positive: closed ahead"],
        foot=["Band and brackets: 95 % interval of each date by itself, from fewer resamples than in the gap chart; dates share systems and items.", *dates_told(facts)],
        alt=" ".join(
            f"{name}, {date}: {_told(one)}, n {one.n:,}." for name, part in found for date, one in part
        ),
        body_in=PANEL_IN * len(found),
    )  # fmt: skip
    for place, (name, moments) in enumerate(found):
        low = made.top - PANEL_IN * (place + 1)
        made.write(0.75, low + PANEL_IN - 0.28, f"{name[:1].upper()}{name[1:]}", size=10.5, weight="bold")
        made.write(9.38, low + PANEL_IN - 0.28, f"n {moments[-1][1].n:,}", size=9, color=theme.muted, ha="right")
        _panel(made.axes(0.75, low + 0.35, 9.6 - 0.75 - EDGE_IN, PANEL_IN - 0.75), moments, _end(facts, moments), theme)
    return made.figure


def _end(facts: Facts, moments: Moments) -> str:
    """Until when the last gap holds: to the newest run asked here; imported results say nothing beyond the last release."""
    last = moments[-1][0]
    return max(last, facts.date) if any(one.known for one in facts.evidence) else last


def _told(one: Comparison) -> str:
    return f"{points(one.gap, sign=True)} {span(one.ci_low, one.ci_high)}"


def _panel(axes: Axes, moments: Moments, today: str, theme: Theme) -> None:
    xs = day_numbers([*(date for date, _ in moments), today])
    xs[-1] += 0.03 * (xs[-1] - xs[0])
    rows = [one for _, one in moments]
    rows.append(rows[-1])
    axes.fill_between(xs, [r.ci_low for r in rows], [r.ci_high for r in rows], step="post", color=theme.muted, alpha=0.22, lw=0)
    axes.step(xs, [r.gap for r in rows], where="post", color=theme.ink, lw=1.8)
    axes.axhline(0, color=theme.muted, lw=0.9)
    axes.grid(axis="y")
    axes.margins(x=0.01)
    by_month(axes)
    axes.yaxis.set_major_formatter(lambda value, _: points(value, sign=True).replace(".0", ""))
    axes.tick_params(labelsize=8.5)
    axes.tick_params(axis="x", pad=7)
    axes.set_ylabel("gap, points", size=8.5)


@functools.lru_cache(maxsize=1)
def moments_of(facts: Facts) -> list[tuple[str, Moments]]:
    rows, _ = select(facts.evidence)
    return [(label(one), _history(facts, row, one)) for row in rows for one in facts.rows if one.dimension == row.dimension]


def _history(facts: Facts, row: Selection, today: Comparison) -> Moments:
    dates = {name: day for side in (row.closed, row.open_) for name in side if (day := facts.about[name].released)}
    found: Moments = []
    moments = sorted(set(dates.values()))
    thinned = [moments[round(i * (len(moments) - 1) / (MOST_DATES - 1))] for i in range(MOST_DATES)] if len(moments) > MOST_DATES else moments
    for moment in dict.fromkeys(thinned):
        closed, open_ = (_known(side, dates, moment) for side in (row.closed, row.open_))
        if closed and open_:
            then = dataclasses.replace(row, closed=closed, open_=open_, notes=[])
            everyone = len(closed) == len(row.closed) and len(open_) == len(row.open_)
            # A date at which too few had answered has no gap of its own.
            with contextlib.suppress(Refused):
                found.append((moment, today if everyone else compare_row(then, margin=today.margin, effort=SKETCH)))
    return found


def _known(side: dict[str, dict[str, Evidence]], dates: dict[str, str], moment: str) -> dict[str, dict[str, Evidence]]:
    return {name: parts for name, parts in side.items() if dates.get(name, "9999") <= moment}

