"""How many months are open models behind closed ones?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.history.standing import PROPORTIONS, Standing
from harness.history.standing import releases as arrays
from harness.report import words
from harness.report.charts.labels import name_points
from harness.report.facts import Facts, TooLittle
from harness.report.style import MARKERS, Frame, Theme, by_month, day_numbers, frame, whole_sentences
from harness.report.typeset import fitted, wrapped
from harness.stats.lag import DAYS_PER_MONTH
from harness.text import counted, listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_IN, MOST, MOST_TOLD, NAMED = 3.3, 3, 2, 3
PLOT_AT, PLOT_IN, TABLE_AT, ROW_IN = 0.7, 5.4, 6.35, 0.17
COLUMNS = (("months", 7.3), ("score noise", 8.3), ("one developer less", 9.38))
"""Right edges, in inches, of the columns of figures beside a panel."""


def releases(facts: Facts, theme: Theme) -> Figure:
    """Scores by release date with each side's record, one panel a series, and the lag in three definitions."""
    chosen = _chosen(facts)
    if not chosen:
        raise TooLittle("it needs a task or a published series with two systems a side whose release dates are known")
    made = frame(
        facts,
        theme,
        title=whole_sentences(
            words.lag_headline(one) for one in chosen[:MOST_TOLD] if one.measured or not chosen[0].measured
        ),
        subtitle=[
            "Scores by release date, each side's best so far, of which the latest are named, and the months that open is behind closed"
        ],
        foot=[words.LAG_DEFINITIONS, *_foot(facts, chosen)],
        alt=" ".join(words.standing(one) for one in chosen),
        body_in=PANEL_IN * len(chosen),
    )
    for place, one in enumerate(chosen):
        low = made.top - PANEL_IN * (place + 1)
        name = wrapped(words.series_name(one), PLOT_IN - 1.9, 10.5, "bold", lines=1)[0]
        made.write(PLOT_AT, low + PANEL_IN - 0.2, name, size=10.5, weight="bold")
        made.legend(PLOT_AT + PLOT_IN - 1.8, low + PANEL_IN - 0.14, theme)
        _panel(made.axes(PLOT_AT, low + 0.35, PLOT_IN, PANEL_IN - 0.7), one, theme)
        _table(made, low + PANEL_IN - 0.5, one, theme)
    return made.figure


def _chosen(facts: Facts) -> list[Standing]:
    """What was measured here, the rows with the most dated systems first, then published series."""
    measured = sorted((one for one in facts.standings if one.measured), key=lambda one: -min(map(len, one.dated)))
    return [one for one in (*measured, *facts.varied) if one.lag is not None][:MOST]


def _foot(facts: Facts, chosen: list[Standing]) -> list[str]:
    published = [one for one in chosen if not one.measured]
    lines = []
    if published:
        sources = list(dict.fromkeys(source for one in published for source in one.sources))
        more = f" and {len(sources) - 6} more" if len(sources) > 6 else ""
        again = (
            " A model scored several times counts once, with its median."
            if any(one.repeated for one in published)
            else ""
        )
        lines.append(
            f"As published by {', '.join(sources[:6])}{more}, not measured here.{again} {words.LUCK} All {len(facts.published)} series: published.csv."
        )
    measured = sum(one.measured and one.lag is not None for one in facts.standings)
    if measured > MOST:
        lines.append(f"The {MOST} of {measured} rows with the most dated systems.")
    if chosen[0].measured and any(len(row.tasks) > 1 for row in facts.rows):
        lines.append("A row's score is the mean over its tasks of a system's own scores.")
    return lines + dates_told(facts)


def dates_told(facts: Facts) -> list[str]:
    """Which systems have no release date, and whose date comes from published scores; no line if there is none."""
    lines = []
    undated = sorted(facts.name(name) for name, one in facts.about.items() if one.released is None)
    if undated:
        named = listed(undated) if len(undated) < 4 else counted(len(undated), "system")
        lines.append(f"Left out, since no release date is known that is not before the date in the name: {named}.")
    matched = sum(one.matched for one in facts.about.values())
    if matched:
        lines.append(f"{counted(matched, 'imported system')} dated by published scores of exactly the same name.")
    return lines


def _panel(axes: Axes, one: Standing, theme: Theme) -> None:
    (end,) = day_numbers([one.as_of])
    named: list[tuple[float, float, str]] = []
    ends: list[float] = []
    for side, word in zip(one.dated, ("closed", "open"), strict=True):
        colour = getattr(theme, word)
        dates, values = arrays(side, one.sign).records(np.datetime64(one.as_of))  # type: ignore[arg-type]
        records = dict(zip(np.datetime_as_string(dates).tolist(), (one.sign * values).tolist(), strict=True))
        places = day_numbers(list(records))
        ys = list(records.values())
        axes.step([*places, end], [*ys, ys[-1]], where="post", color=colour, lw=1.8, zorder=2)
        best = [entrant for entrant in side if records.get(entrant.released or "") == entrant.score]
        others = [entrant for entrant in side if entrant not in best]
        axes.plot(
            day_numbers([e.released or "" for e in others]),
            [e.score for e in others],
            MARKERS[word],
            ms=4,
            mfc=theme.paper,
            mec=colour,
            mew=0.8,
        )
        low, high = ([entrant.score + half * (entrant.se or 0) for entrant in best] for half in (-1.96, 1.96))
        axes.vlines(
            day_numbers([entrant.released or "" for entrant in best]), low, high, color=colour, lw=0.9, zorder=2
        )
        ends += [*low, *high]
        axes.plot(places, ys, MARKERS[word], ms=6.5, color=colour, mec=theme.paper, zorder=7)
        latest = sorted({e.released: (day_numbers([e.released or ""])[0], e.score, e.model) for e in best}.values())
        named += latest[-NAMED:]
    span = max(1.0, end - min(day_numbers([e.released or "" for side in one.dated for e in side])))
    axes.set_xlim(end - 1.06 * span, end + 0.02 * span)
    axes.grid(axis="y")
    by_month(axes)
    axes.tick_params(labelsize=8.5)
    axes.tick_params(axis="x", pad=7)
    axes.set_ylabel(f"score, {fitted(one.unit, 1.6, 8.5) or 'unit not told'}", size=8.5)
    scores = [*(entrant.score for side in one.dated for entrant in side), *ends]
    room = max(scores) - min(scores) or 1.0
    top = PROPORTIONS.get(one.unit, max(scores) + room)
    # Names stand above the better end.
    below, above = (0.3, 0.06) if one.lower_is_better else (0.06, 0.3)
    axes.set_ylim(min(scores) - below * room, max(scores) + above * room)
    axes.set_yticks(
        [
            tick
            for tick in axes.get_yticks()
            if min(scores) - room <= tick <= (top if max(scores) <= top else max(scores) + room)
        ]
    )
    axes.set_ylim(min(scores) - below * room, max(scores) + above * room)
    if one.lower_is_better:
        axes.invert_yaxis()
    name_points(axes, theme, [*sorted(named), *_last_lag(axes, one, theme, end)])


def _last_lag(axes: Axes, one: Standing, theme: Theme, end: float) -> list[tuple[float, float, str]]:
    """Mark since when closed has had what is now the best open score, where that is some time ago and known; its label."""
    assert one.lag is not None
    days = one.lag.age * DAYS_PER_MONTH
    if one.at_least or days < 0.08 * (end - axes.get_xlim()[0]):
        return []
    score = max(one.dated[1], key=lambda e: one.sign * e.score).score
    axes.plot([end - days, end], [score, score], color=theme.ink, lw=0.9, marker="|", ms=8, zorder=3)
    return [(end - days / 2, score, f"{one.lag.age:.1f} months")]


def _table(made: Frame, y: float, one: Standing, theme: Theme) -> None:
    """The lag with its ranges, what is censored, and best against best, beside a panel."""
    small: dict[str, Any] = {"size": 7.5, "va": "center"}
    for text, x in COLUMNS:
        made.write(x, y, text, ha="right", color=theme.muted, **small)
    for number, name in enumerate(("backward", "forward", "age")):
        y -= ROW_IN + 0.05 * (not number)
        made.write(TABLE_AT, y, name, **small)
        ranges = [words.month_range(getattr(found, name)) if found else "–" for found in (one.noise, one.labs)]
        for text, (_, x), weight in zip(
            (words.lag(one, name), *ranges), COLUMNS, ("bold", "normal", "normal"), strict=True
        ):
            made.write(x, y, text, ha="right", weight=weight, **small)
    y -= 0.1
    for text in words.standing_details(one):
        for line in wrapped(text, 9.38 - TABLE_AT, 7.5, lines=3):
            y -= ROW_IN
            made.write(TABLE_AT, y, line, color=theme.muted, **small)
        y -= 0.05
