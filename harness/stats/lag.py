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
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Releases:
    """What one side released on one benchmark: dates (anything numpy reads as days) and scores, one a model."""

    dates: ArrayLike
    scores: ArrayLike

    def checked(self) -> tuple[Days, Floats]:
        """Both as arrays of shape (models,). Raises ValueError for NaN, no model, or a missing date."""
        scores, dates = vector(self.scores, "the scores"), np.asarray(self.dates, dtype="datetime64[D]")
        if dates.shape != scores.shape or np.isnat(dates).any():
            raise ValueError(f"each of the {scores.size} scores needs a release date")
        return dates, scores

    def records(self, today: Days) -> tuple[Days, Floats]:
        """The successive bests up to `today`, in order; of one day only the best counts."""
        dates, scores = self.checked()
        known = dates <= today
        if not known.any():
            raise ValueError(f"a side has no release until {today}")
        order = np.lexsort((-scores[known], dates[known]))
        dates, scores = dates[known][order], scores[known][order]
        new = scores > np.concatenate([[-math.inf], np.maximum.accumulate(scores)[:-1]])
        return dates[new], scores[new]


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
    forward_months: Floats
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


def kaplan_meier_median(values: ArrayLike, at_least: ArrayLike) -> float:
    """Smallest value that half do not outlast, where `at_least` marks values known only to be larger.

    Shapes (n,) each. Infinite where the curve never falls to one half. Source: Kaplan, Meier 1958.
    """
    value, censored = vector(values, "the values"), np.asarray(at_least, dtype=bool)
    surviving = 1.0
    for moment in np.unique(value[~censored]):
        surviving *= 1 - float(((value == moment) & ~censored).sum()) / float((value >= moment).sum())
        if surviving <= 0.5 + 1e-12:
            return float(moment)
    return math.inf


def _until_reached(
    leader: tuple[Days, Floats], follower: tuple[Days, Floats], today: Days, tolerance: float
) -> tuple[Floats, Mask, Mask]:
    """Months from each record of `leader` until `follower` had that score (negative: it had it first), whether never
    (then the months until today), whether from its start.
    """
    place = np.searchsorted(follower[1], leader[1] - tolerance, side="left")
    never = place == follower[0].size
    reached = np.where(never, today, follower[0][np.minimum(place, follower[0].size - 1)])
    return (reached - leader[0]).astype(np.float64) / DAYS_PER_MONTH, never, place == 0


def lag_months(closed: Releases, open_: Releases, as_of: str | np.datetime64, *, tolerance: float = 0.0) -> Lag:
    """Signed lag of open behind closed on one benchmark, in months of 30.4375 days, by three definitions.

    A score counts as reached `tolerance` below it; releases after `as_of` are left out. Medians are Kaplan-Meier's: a
    value known only to be larger is censored, one known only to be smaller taken as it is, and both are counted.
    Raises ValueError for NaN, a missing date, or a side without a release by then. Source: Epoch AI 2024, "How far
    behind are open models?".
    """
    today = np.asarray(as_of, dtype="datetime64[D]")
    closed_records, open_records = closed.records(today), open_.records(today)
    ahead, closed_never, closed_at_start = _until_reached(open_records, closed_records, today, tolerance)
    forward, open_never, open_at_start = _until_reached(closed_records, open_records, today, tolerance)
    # Since closed first had the best open score, or (negative) since open first had what closed never
    # reached.
    since = open_records[0][closed_never.argmax() if closed_never[-1] else -1]
    open_age = float((today - since).astype(np.float64)) / DAYS_PER_MONTH
    return Lag(
        backward=kaplan_meier_median(-ahead, closed_at_start),
        forward=kaplan_meier_median(forward, open_never),
        age=-open_age if closed_never[-1] else open_age - float(ahead[-1]),
        backward_months=-ahead,
        forward_months=forward,
        backward_at_least=int(closed_at_start.sum()),
        backward_at_most=int(closed_never.sum()),
        forward_at_least=int(open_never.sum()),
        forward_at_most=int(open_at_start.sum()),
        tolerance=tolerance,
    )


def _range(lags: Iterable[Lag], tail: float) -> LagRange:
    """The middle 1 - 2 tail of each definition; order statistics, so that infinity can stand among them."""
    table = np.array([(lag.backward, lag.forward, lag.age) for lag in lags])
    low, high = np.quantile(table, [tail, 1 - tail], axis=0, method="inverted_cdf").tolist()
    return LagRange((low[0], high[0]), (low[1], high[1]), (low[2], high[2]))


def lag_noise(
    closed: Releases, open_: Releases, closed_se: ArrayLike, open_se: ArrayLike, as_of: str | np.datetime64,
    *, tolerance: float = 0.0, draws: int = 500, seed: int = 0,
) -> LagRange:  # fmt: skip
    """How far the lag moves with the noise of the scores alone, releases as they are: the middle 95 % of redraws.

    Scores are redrawn around those given with standard errors of shape (models,). What was released when is the
    larger uncertainty and no part of this. Raises ValueError as `lag_months`.
    """
    generator = np.random.default_rng(seed)

    def redrawn(side: Releases, se: ArrayLike) -> Releases:
        dates, scores = side.checked()
        return Releases(dates, scores + vector(se, "the errors") * generator.standard_normal(scores.size))

    drawn = ((redrawn(closed, closed_se), redrawn(open_, open_se)) for _ in range(draws))
    return _range((lag_months(c, o, as_of, tolerance=tolerance) for c, o in drawn), 0.025)


def lag_without_each_lab(
    closed: Releases, open_: Releases, closed_labs: ArrayLike, open_labs: ArrayLike,
    as_of: str | np.datetime64, *, tolerance: float = 0.0,
) -> LagRange:  # fmt: skip
    """Smallest and largest lag when each developer is left out in turn: how much hangs on one of them.

    Labs are labels of shape (models,). One that is all of its side by `as_of` cannot be left out. Raises ValueError
    as `lag_months`, or if none can be.
    """
    today = np.asarray(as_of, dtype="datetime64[D]")
    labs = [np.asarray(closed_labs), np.asarray(open_labs)]
    lags = []
    for lab in np.unique(np.concatenate(labs)):
        rest = []
        for side, of in zip((closed, open_), labs, strict=True):
            dates, scores = side.checked()
            kept = (of != lab) & (dates <= today)
            rest.append(Releases(dates[kept], scores[kept]))
        if all(np.size(side.scores) for side in rest):
            lags.append(lag_months(rest[0], rest[1], as_of, tolerance=tolerance))
    if not lags:
        raise ValueError("no lab can be left out: each is all of its side")
    return _range(lags, 0.0)
