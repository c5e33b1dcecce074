"""Where the two sides stand in a series of scores with release dates: best against best, and the lag in months."""

from __future__ import annotations

import datetime as dt
import math
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.catalogue import OPEN_FROM, counts, is_open
from harness.stats.frontier import PlugIn, frontier_of_means
from harness.stats.lag import Lag, LagRange, Releases, lag_months, lag_noise, lag_without_each_lab
from harness.types import OpenFrom, PublishedScore

PROPORTIONS: Mapping[str, float] = {
    "percent": 100, "percent correct": 100, "percent resolved": 100, "percent (lower better)": 100, "points": 100,
    "fraction": 1,
}  # fmt: skip
"""Units in which a score is a mean of answers between wrong and right, and what all right is worth."""
NAMED_DAY = re.compile(r"(?<!\d)(?:(20\d\d)-?(\d\d)-?(\d\d)|(2[3-9])(0[1-9]|1[0-2]))(?![\dA-Za-z])")
KNOWN_SHARE = 0.8
"""So many developers must be known to leave one out in turn; a model without one counts as a developer of its own."""
CURRENT_DAYS = 365
"""A series whose newest release is older than this, seen from the newest of all, comes after the others."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """One model of a series; the score and its standard error are in the unit of the series."""

    model: str
    score: float
    se: float | None = None
    released: str | None = None
    """ISO day; None: not known to the day."""
    developer: str = ""
    n: int | None = None


Side = tuple[Entrant, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """One series in one unit: who is best on each side, by how much, and how many months open is behind."""

    name: str
    unit: str
    closed: Side
    open_: Side
    best_closed: Entrant
    best_open: Entrant
    gap: float
    """Best closed minus best open in the series's unit, positive where closed is ahead; the luck of the best is in it."""
    bias: PlugIn | None
    """How much choosing the best adds to the gap; None where a standard error is not known."""
    as_of: str
    """The day on which the lag looks back."""
    lag: Lag | None
    """None unless two models a side have a release date."""
    noise: LagRange | None
    """The lag when scores are redrawn with their standard errors, releases as they are; None where one is not known."""
    labs: LagRange | None
    """The lag without each developer in turn; None where too few are known, or each is all of its side."""
    lower_is_better: bool = False
    measured: bool = False
    """Scored from answers in this store; False: as others published it."""
    sources: tuple[str, ...] = ()
    aside: int = 0
    """Models on no side: nobody says how open they are, rows contradict each other, or the rule leaves them out."""
    repeated: int = 0
    """Models that the series scores several times; each counts once, with its median."""
    misdated: int = 0
    """Models whose own name holds a date after the release date that is told; they count as undated."""
    current: bool = True
    """Whether its newest release is at most a year older than that of the newest series."""
    later: int = 0
    """Models whose release date is after the day of the source itself, which cannot be; the lag leaves them out."""

    @property
    def at_least(self) -> bool:
        """Whether closed had the best open score from its start, so that the age is a lower bound."""
        return self.lag is not None and self.lag.backward_at_least == self.lag.backward_months.size

    @property
    def sign(self) -> int:
        """What makes larger better."""
        return -1 if self.lower_is_better else 1

    @property
    def decimals(self) -> int:
        """How many a score of this series asks for."""
        return 3 if max(abs(e.score) for e in (*self.closed, *self.open_)) <= 2 else 1

    @property
    def undated_best(self) -> bool:
        """Whether a best score is of a model without a usable release date, so that the lag is about others."""
        return self.lag is not None and not all(
            one in side for one, side in zip((self.best_closed, self.best_open), self.dated, strict=True)
        )

    @property
    def dated(self) -> tuple[Side, Side]:
        """Those of each side that were released by ``as_of``, as far as one knows."""
        closed, open_ = (
            tuple(e for e in side if e.released and e.released <= self.as_of) for side in (self.closed, self.open_)
        )
        return closed, open_


def stand(
    name: str, unit: str, closed: Sequence[Entrant], open_: Sequence[Entrant], *, as_of: str = "",
    lower_is_better: bool = False, measured: bool = False, sources: Iterable[str] = (), aside: int = 0, repeated: int = 0,
    source_date: str = "", misdated: int = 0,
) -> Standing:  # fmt: skip
    """E9 for aggregate scores and E10, as far as the data tell. ``as_of`` is the newest release unless it is given, and
    never after ``source_date``, where that is known.

    Both sides hold a model at least. Errors of different systems count as independent in the lag's noise.
    """
    sign = -1 if lower_is_better else 1
    best_closed, best_open = (max(side, key=lambda e: (sign * e.score, e.model)) for side in (closed, open_))
    bias = None
    if (errors := _errors(closed)) is not None and (others := _errors(open_)) is not None:
        bias = frontier_of_means(
            [sign * e.score for e in closed], [sign * e.score for e in open_], errors, others, draws=4_000
        )
    dates = [e.released for e in (*closed, *open_) if e.released]
    later = sum(day > source_date for day in dates) if source_date else 0
    as_of = as_of or max((day for day in dates if not source_date or day <= source_date), default="")
    lag = noise = labs = None
    sides = [tuple(e for e in side if e.released and e.released <= as_of) for side in (closed, open_)]
    if all(len(side) > 1 for side in sides):
        c, o = (releases(side, sign) for side in sides)
        lag = lag_months(c, o, as_of)
        if (errors := _errors(sides[0])) is not None and (others := _errors(sides[1])) is not None:
            noise = lag_noise(c, o, errors, others, as_of)
        labs = _labs(c, o, sides, as_of)
    return Standing(
        name, unit, tuple(closed), tuple(open_), best_closed, best_open, sign * (best_closed.score - best_open.score),
        bias, as_of, lag, noise, labs, lower_is_better, measured, tuple(dict.fromkeys(sources)), aside, repeated, misdated, later=later,
    )  # fmt: skip


def releases(side: Sequence[Entrant], sign: int) -> Releases:
    """Dates and scores of models that have a date, larger is better."""
    return Releases([e.released or "NaT" for e in side], [sign * e.score for e in side])


def _errors(side: Sequence[Entrant]) -> list[float] | None:
    errors = [e.se for e in side if e.se is not None]
    return errors if len(errors) == len(side) else None


def _labs(c: Releases, o: Releases, sides: Sequence[Sequence[Entrant]], as_of: str) -> LagRange | None:
    known = [bool(e.developer) for side in sides for e in side]
    if sum(known) < KNOWN_SHARE * len(known):
        return None
    closed, open_ = ([e.developer or f"\0{e.model}" for e in side] for side in sides)
    try:
        return lag_without_each_lab(c, o, closed, open_, as_of)
    except ValueError:
        return None


def standings(scores: Iterable[PublishedScore], open_from: OpenFrom = OPEN_FROM) -> list[Standing]:
    """Every published series that has a model on both sides; units are never mixed, a series in two units is two.

    Current series come first, of them those whose noise is known, of these the largest (by their smaller dated side).
    """
    series: dict[tuple[str, str, bool], list[PublishedScore]] = defaultdict(list)
    for one in scores:
        series[one.series, one.unit, one.lower_is_better].append(one)
    found = []
    for (name, unit, lower), rows in series.items():
        entrants, aside, repeated, misdated = _entrants(rows, open_from)
        if all(entrants):
            sources, day = [row.source for row in rows], max(iso_day(row.source_date) or "" for row in rows)
            found.append(stand(
                name, unit, *entrants, lower_is_better=lower, sources=sources, aside=aside, repeated=repeated, source_date=day,
                misdated=misdated,
            ))  # fmt: skip
    newest = max((one.as_of for one in found), default="")
    found = [replace(one, current=not _stale(one.as_of, newest)) for one in found]
    return sorted(
        found, key=lambda one: (not one.current, one.noise is None, -min(map(len, one.dated)), one.name, one.unit)
    )


def _stale(day: str, newest: str) -> bool:
    return not day or (dt.date.fromisoformat(newest) - dt.date.fromisoformat(day)).days > CURRENT_DAYS


def _entrants(
    rows: Sequence[PublishedScore], open_from: OpenFrom
) -> tuple[tuple[list[Entrant], list[Entrant]], int, int, int]:
    """Closed and open models once each; how many stand on no side, were scored several times, are dated wrongly."""
    by_model: dict[str, list[PublishedScore]] = defaultdict(list)
    for row in rows:
        by_model[row.model].append(row)
    sides: tuple[list[Entrant], list[Entrant]] = ([], [])
    aside = repeated = misdated = 0
    for model, own in sorted(by_model.items()):
        levels = {row.weights for row in own if row.weights}
        sided = all(row.weights and counts(row.weights, open_from) for row in own)
        if not sided or len({is_open(level) for level in levels}) > 1:
            aside += 1
            continue
        repeated += len(own) > 1
        errors = [error for row in own if (error := _standard_error(row)) is not None]
        released = min((day for row in own if (day := iso_day(row.date))), default=None)
        if released and released < named_day(model):
            misdated, released = misdated + 1, None
        sides[any(map(is_open, levels))].append(
            Entrant(
                model, statistics.median(row.value for row in own), statistics.mean(errors) if len(errors) == len(own) else None,
                released, own[0].developer,
                max((row.n for row in own if row.n), default=None),
            )
        )  # fmt: skip
    return sides, aside, repeated, misdated


def _standard_error(row: PublishedScore) -> float | None:
    """As published; else of n independent answers. None where neither is known.

    p(1 - p)/n bounds the variance of any scores between 0 and 1 from above; two answers of each kind are added, so that
    a full score is not taken for a certain one. Source: Agresti and Coull 1998.
    """
    scale = PROPORTIONS.get(row.unit)
    if row.se is not None or not row.n or scale is None or not 0 <= row.value <= scale:
        return row.se
    n = row.n + 4
    share = (row.value / scale * row.n + 2) / n
    return scale * math.sqrt(share * (1 - share) / n)


def named_day(model: str) -> str:
    """The first day of the date that a model's name holds (2025-12-09, 20251209, or 2512 for a month); empty: none."""
    dates = (
        f"{year}-{month}-{day}" if year else f"20{yy}-{mm}-01" for year, month, day, yy, mm in NAMED_DAY.findall(model)
    )
    return next(filter(None, map(iso_day, dates)), "")


def iso_day(text: str | None) -> str | None:
    """A date that is known to the day, None for any other text."""
    try:
        return dt.date.fromisoformat(text or "").isoformat()
    except ValueError:
        return None
