"""E10: how many months open models are behind, in three definitions that are different quantities."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.arrays import Floats, vector

DAYS_PER_MONTH = 30.4375

Days = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, eq=False)
class Lag:
    """Months that open is behind closed, negative where it is ahead; infinite where a median was not reached.

    A true lag of 6 months reads as about 5 backward, 7 to 11 forward and 6 to 8 by age.
    """

    backward: float
    """Median over open records of the months since closed first had that score."""
    forward: float
    """Median over closed records of the months until open reached that score."""
    age: float
    """Months, at the stated day, since closed passed what is now the best open score."""
    backward_months: Floats
    """One value an open record."""
    forward_months: Floats
    """One value a closed record."""
    backward_at_least: int
    """Open records that closed already had when its series began: their lag is at least the value."""
    backward_at_most: int
    """Open records that closed has not reached: open is ahead by at least the value."""
    forward_at_least: int
    """Closed records that open has not reached."""
    forward_at_most: int
    """Closed records that open already had when its series began."""
    tolerance: float


@dataclass(frozen=True, slots=True)
class LagRange:
    """Lowest and highest value of each definition, in months. Not a 95 % interval of the lag."""

    backward: tuple[float, float]
    forward: tuple[float, float]
    age: tuple[float, float]


def _records(dates: ArrayLike, scores: ArrayLike, name: str) -> tuple[Days, Floats]:
    """Days and scores of the successive bests, in order; of one day only the best counts."""
    score = vector(scores, f"the {name} scores")
    day = np.asarray(dates, dtype="datetime64[D]")
    if day.shape != score.shape or np.isnat(day).any():
        raise ValueError(f"each of the {score.size} {name} scores needs a release date")
    order = np.lexsort((-score, day))
    day, score = day[order], score[order]
    best_before = np.concatenate([[-math.inf], np.maximum.accumulate(score)[:-1]])
    return day[score > best_before], score[score > best_before]


def _months(later: Days, earlier: Days) -> Floats:
    days: Floats = (later - earlier).astype(np.float64)
    return days / DAYS_PER_MONTH


def kaplan_meier_median(months: ArrayLike, at_least: ArrayLike) -> float:
    """Smallest value that half do not outlast, where `at_least` marks values known only to be larger.

    Shapes (n,) each. Infinite where the curve never falls to one half. Source: Kaplan, Meier 1958.
    """
    value, censored = vector(months, "the months"), np.asarray(at_least, dtype=bool)
    surviving = 1.0
    for moment in np.unique(value[~censored]):
        surviving *= 1 - float(((value == moment) & ~censored).sum()) / float((value >= moment).sum())
        if surviving <= 0.5 + 1e-12:
            return float(moment)
    return math.inf


def _follow(
    leader: tuple[Days, Floats], follower: tuple[Days, Floats], today: Days, tolerance: float
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Months from each record of `leader` until `follower` had that score, whether never, whether from its
    start.

    Negative where the follower had it first. Never: the months until today.
    """
    place = np.searchsorted(follower[1], leader[1] - tolerance, side="left")
    never = place == follower[0].size
    reached = np.where(never, today, follower[0][np.minimum(place, follower[0].size - 1)])
    return _months(reached, leader[0]), never, (place == 0) & ~never


def lag_months(
    closed_dates: ArrayLike, closed_scores: ArrayLike, open_dates: ArrayLike, open_scores: ArrayLike,
    as_of: str | np.datetime64, *, tolerance: float = 0.0,
) -> Lag:  # fmt: skip
    """Signed lag of open behind closed, on one benchmark, in months of 30.4375 days, by three definitions.

    Dates (anything numpy reads as days) and scores, shapes (closed models,) and (open models,); a score
    counts as reached `tolerance` below it. Releases after `as_of` are left out. Medians are those of Kaplan
    and Meier, with the values known only to be larger as censored and those known only to be smaller taken
    as they are; both are counted. Raises ValueError for NaN, a missing date, or a side without a release by
    then. Source: Epoch AI 2024, "How far behind are open models?" (backward and forward).
    """
    today = np.asarray(as_of, dtype="datetime64[D]")
    sides = []
    for name, dates, scores in (("closed", closed_dates, closed_scores), ("open", open_dates, open_scores)):
        day, score = np.asarray(dates, dtype="datetime64[D]"), np.asarray(scores, dtype=np.float64)
        known = ~(day > today)
        sides.append(_records(day[known], score[known], name))
    closed, open_ = sides
    until_closed, closed_never, closed_from_start = _follow(open_, closed, today, tolerance)
    backward = -until_closed
    forward, open_never, open_from_start = _follow(closed, open_, today, tolerance)
    if closed_never[-1]:
        # Open is ahead: since the first open record that closed has not reached.
        age = -float(_months(today, open_[0][closed_never.argmax()]))
    else:
        age = float(_months(today, open_[0][-1]) + backward[-1])
    return Lag(
        kaplan_meier_median(backward, closed_from_start), kaplan_meier_median(forward, open_never), age,
        backward, forward,
        int(closed_from_start.sum()), int(closed_never.sum()), int(open_never.sum()), int(open_from_start.sum()),
        tolerance,
    )  # fmt: skip


def _range(lags: Iterable[Lag], tail: float) -> LagRange:
    """The middle 1 - 2 tail of each definition over several lags; order statistics, so that infinity can
    stand.
    """
    table = np.array([(lag.backward, lag.forward, lag.age) for lag in lags])
    low, high = np.quantile(table, [tail, 1 - tail], axis=0, method="inverted_cdf")
    pairs = [(float(a), float(b)) for a, b in zip(low, high, strict=True)]
    return LagRange(pairs[0], pairs[1], pairs[2])


def lag_noise(
    closed_dates: ArrayLike, closed_scores: ArrayLike, closed_se: ArrayLike,
    open_dates: ArrayLike, open_scores: ArrayLike, open_se: ArrayLike,
    as_of: str | np.datetime64, *, tolerance: float = 0.0, draws: int = 500, seed: int = 0,
) -> LagRange:  # fmt: skip
    """How far the lag moves with the noise of the scores alone, releases as they are: the middle 95 % of
    redraws.

    Scores are redrawn around those given with standard errors `*_se`. Which models were released when is
    the larger uncertainty and no part of this. Arguments otherwise, and errors, as `lag_months`.
    """
    generator = np.random.default_rng(seed)
    c, o = vector(closed_scores, "the closed scores"), vector(open_scores, "the open scores")
    c_se, o_se = vector(closed_se, "the closed errors"), vector(open_se, "the open errors")
    return _range(
        (
            lag_months(
                closed_dates, c + c_se * generator.standard_normal(c.size),
                open_dates, o + o_se * generator.standard_normal(o.size), as_of, tolerance=tolerance,
            )
            for _ in range(draws)
        ),
        0.025,
    )  # fmt: skip


def lag_without_each_lab(
    closed_dates: ArrayLike, closed_scores: ArrayLike, closed_labs: ArrayLike,
    open_dates: ArrayLike, open_scores: ArrayLike, open_labs: ArrayLike,
    as_of: str | np.datetime64, *, tolerance: float = 0.0,
) -> LagRange:  # fmt: skip
    """Smallest and largest lag when each developer is left out in turn: how much hangs on one of them.

    A lab that is all of its side cannot be left out. Raises ValueError as `lag_months`, or if no lab can be.
    """
    today = np.asarray(as_of, dtype="datetime64[D]")
    tables = [
        (np.asarray(d, dtype="datetime64[D]"), np.asarray(s, dtype=np.float64), np.asarray(labs))
        for d, s, labs in ((closed_dates, closed_scores, closed_labs), (open_dates, open_scores, open_labs))
    ]
    lags = []
    for lab in sorted({str(lab) for _, _, labs in tables for lab in labs.tolist()}):
        kept = [labs != lab for _, _, labs in tables]
        if all((keep & ~(day > today)).any() for keep, (day, _, _) in zip(kept, tables, strict=True)):
            (c_day, c_score, _), (o_day, o_score, _) = tables
            lags.append(
                lag_months(
                    c_day[kept[0]],
                    c_score[kept[0]],
                    o_day[kept[1]],
                    o_score[kept[1]],
                    as_of,
                    tolerance=tolerance,
                )
            )
    if not lags:
        raise ValueError("no lab can be left out: each is all of its side")
    return _range(lags, 0.0)
