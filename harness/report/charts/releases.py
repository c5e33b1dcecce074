"""How many months are open models behind closed ones?"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.catalogue import is_open
from harness.report.charts.labels import name_points
from harness.report.facts import Facts, TooLittle
from harness.report.style import EDGE_IN, MARKERS, Theme, by_month, day_numbers, frame
from harness.report.text import inert, listed
from harness.stats.lag import DAYS_PER_MONTH, Lag, Releases, lag_months, lag_without_each_lab

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_IN, MOST, NAMED = 3.7, 4, 5
UNITS = ("points", "percent")
"""Units of published scores that are points here; other scales (Elo, seconds) would need an axis of their own."""


class Release(NamedTuple):
    """One system on one task, or one published score, which has no interval and no known developer."""

    date: str
    score: float
    low: float
    high: float
    name: str
    lab: str
    n: int | None


Side = list[Release]


def releases(facts: Facts, theme: Theme) -> Figure:
    """Scores by release date with each side's record, one panel a dimension, and the lag in three definitions."""
    chosen = [(task, sides) for task, sides in _dated(facts) if all(len(side) > 1 for side in sides)][:MOST]
    if not chosen:
        raise TooLittle("it needs a task with two systems a side whose release dates are known")
    dates = [_as_of(facts, sides) for _, sides in chosen]
    lags = [lag_months(_arrays(sides[0]), _arrays(sides[1]), date) for (_, sides), date in zip(chosen, dates, strict=True)]
    told = [
        f"Open behind closed on {inert(task)}, {date}: {_told(lag)}{_labs(sides, date)}"
        for (task, sides), lag, date in zip(chosen, lags, dates, strict=True)
    ]
    made = frame(
        facts,
        theme,
        title=_title(chosen[0][0], lags[0], dates[0]),
        subtitle=told,
        foot=[
            "Backward: median over open records of the months since closed first had that score. Forward: median over closed "
            "records of the months until open reached it (Kaplan–Meier). Age: months since closed passed today's best open "
            "score. Three different quantities; they carry no 95 % interval. Whiskers: each score's own 95 % interval; published scores have none."
            + _sources(facts, [task for task, _ in chosen]),
        ],
        alt=" ".join(told),
        body_in=PANEL_IN * len(chosen),
    )
    for place, ((task, sides), lag, date) in enumerate(zip(chosen, lags, dates, strict=True)):
        low = made.top - PANEL_IN * (place + 1)
        made.write(0.75, low + PANEL_IN - 0.2, _heading(task, sides), size=10.5, weight="bold")
        _panel(made.axes(0.75, low + 0.35, 9.6 - 0.75 - EDGE_IN, PANEL_IN - 0.7), date, sides, lag, theme)
    for x, side, text in ((7.3, "closed", "closed"), (8.1, "open", "open weights")):
        made.mark(x, made.top - 0.14, side, theme)
        made.write(x + 0.12, made.top - 0.2, text, size=9)
    return made.figure


def _dated(facts: Facts) -> list[tuple[str, tuple[Side, Side]]]:
    """By dimension the task with the most dated systems, then published series; closed side first."""
    systems = {one.name: one.receipt.system for one in facts.evidence}
    tasks: dict[tuple[str, str], tuple[Side, Side]] = defaultdict(lambda: ([], []))
    for one in facts.scores:
        date = released(systems[one.system].released)
        if date is not None and math.isfinite(one.score) and date <= facts.date:
            lab = systems[one.system].developer
            tasks[one.dimension, one.task][one.open].append(Release(date, one.score, one.low, one.high, facts.name(one.system), lab, one.n))
    best: dict[str, tuple[str, tuple[Side, Side]]] = {}
    for (dimension, task), sides in sorted(tasks.items()):
        if dimension not in best or min(map(len, sides)) > min(map(len, best[dimension][1])):
            best[dimension] = task, sides
    series: dict[str, tuple[Side, Side]] = defaultdict(lambda: ([], []))
    for told in facts.published:
        date = released(told.date)
        if told.unit in UNITS and told.weights not in (None, "restricted") and date is not None and date <= facts.date:
            nothing = (told.value, told.value)
            series[f"{told.series}, as published"][is_open(str(told.weights))].append(Release(date, told.value, *nothing, told.model, "", told.n))
    largest = sorted(series.items(), key=lambda pair: (-min(map(len, pair[1])), pair[0]))
    return [*best.values(), *largest]


def released(text: str | None) -> str | None:
    """A stored release date, where there is one and it is a date."""
    try:
        return dt.date.fromisoformat(text or "").isoformat()
    except ValueError:
        return None


def _arrays(side: Side) -> Releases:
    return Releases([one.date for one in side], [one.score / 100 for one in side])


def _labs(sides: tuple[Side, Side], date: str) -> str:
    labs = [[one.lab for one in side] for side in sides]
    if "" in (*labs[0], *labs[1]):
        return ""
    try:
        span = lag_without_each_lab(_arrays(sides[0]), _arrays(sides[1]), labs[0], labs[1], date)
    except ValueError:
        return ""
    return f"; leaving out one developer at a time, age runs from {_months(span.age[0])} to {_months(span.age[1])}"


def _as_of(facts: Facts, sides: tuple[Side, Side]) -> str:
    """The day on which one looks: that of the newest run, or of the newest release in a published series."""
    own = any(one.lab for side in sides for one in side)
    return facts.date if own else max(one.date for side in sides for one in side)


def _heading(task: str, sides: tuple[Side, Side]) -> str:
    sizes = [one.n for side in sides for one in side if one.n]
    return inert(task)[:60] + (f" (n {max(sizes):,})" if sizes else "")


def _sources(facts: Facts, tasks: list[str]) -> str:
    told = dict.fromkeys(one.source for one in facts.published if f"{one.series}, as published" in tasks)
    return f" As published: {listed(list(told)[:6])}." if told else ""


def _months(value: float) -> str:
    return "not reached" if math.isinf(value) else f"{value:.1f}".replace("-", "−")


def _told(lag: Lag) -> str:
    censored = f" ({lag.forward_at_least} of {len(lag.forward_months)} closed records not reached)" if lag.forward_at_least else ""
    return f"{_months(lag.backward)} months backward, {_months(lag.forward)} forward{censored}, {_months(lag.age)} by age"


def _title(task: str, lag: Lag, date: str) -> str:
    if lag.age < 0:
        return f"The best score on {inert(task)} of {date} has been an open model's for {_months(-lag.age)} months"
    return f"On {inert(task)}, closed had passed the best open score of {date} {_months(lag.age)} months before"


def _panel(axes: Axes, today: str, sides: tuple[Side, Side], lag: Lag, theme: Theme) -> None:
    (end,) = day_numbers([today])
    named: list[tuple[float, float, str]] = []
    for side, word in zip(sides, ("closed", "open"), strict=True):
        colour = getattr(theme, word)
        dates, values = _arrays(side).records(np.datetime64(today))  # type: ignore[arg-type]
        places = day_numbers(np.datetime_as_string(dates).tolist())
        xs, ys = [*places, end], [*(100 * values), 100 * values[-1]]
        axes.step(xs, ys, where="post", color=colour, lw=1.8, zorder=2)
        records = set(zip(places, np.round(100 * values, 9), strict=True))
        latest = sorted((day_numbers([one.date])[0], one.score, one.name) for one in side)
        named += [one for one in latest if (one[0], round(one[1], 9)) in records][-NAMED:]
        for one in side:
            (place,) = day_numbers([one.date])
            record = (place, round(one.score, 9)) in records
            axes.plot([place, place], [one.low, one.high], color=colour, lw=0.9, alpha=0.9 if record else 0.35, zorder=2)
            axes.plot([place], [one.score], MARKERS[word], ms=6.5, color=colour, mec=theme.paper, alpha=1 if record else 0.45, zorder=7 if record else 2)
    span = end - min(day_numbers([one.date for side in sides for one in side]))
    axes.set_xlim(end - 1.06 * span, end + 0.02 * span)
    axes.grid(axis="y")
    by_month(axes)
    axes.tick_params(labelsize=8.5)
    axes.tick_params(axis="x", pad=7)
    axes.set_ylabel("score, points", size=8.5)
    axes.margins(y=0.14)
    _last_lag(axes, sides, lag, today, theme)
    name_points(axes, theme, named)


def _last_lag(axes: Axes, sides: tuple[Side, Side], lag: Lag, today: str, theme: Theme) -> None:
    """Mark how long before the latest open record closed had its score, where the data tell."""
    dates, values = _arrays(sides[1]).records(np.datetime64(today))  # type: ignore[arg-type]
    months = float(lag.backward_months[-1])
    if lag.backward_at_most or months < 2 or (values[-1] <= min(one.score for one in sides[0]) / 100):
        return
    end, score = day_numbers([str(dates[-1])])[0], 100 * float(values[-1])
    start = end - months * DAYS_PER_MONTH
    axes.step([start, end], [score, score], color=theme.ink, lw=0.9, marker="|", ms=8, where="post", zorder=3)
    halo = {"fc": theme.paper, "ec": "none", "pad": 0.6, "alpha": 0.85}
    axes.text((start + end) / 2, score, f"{months:.1f} months", size=8, ha="center", va="bottom", zorder=6, bbox=halo)


def undated(facts: Facts) -> str:
    """Systems without a release date, as a sentence; empty if there is none."""
    names = sorted({one.name for one in facts.evidence if released(one.receipt.system.released) is None})
    return f" Left out, since no release date is known: {listed(names[:6])}{' and more' if len(names) > 6 else ''}." if names else ""
