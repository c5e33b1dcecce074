"""E16: did this endpoint change since the first week? Asked every week, of one and the same baseline."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from numpy.typing import ArrayLike

from harness.stats.estimate import Estimate, check_level, t_interval, t_tail
from harness.stats.repeats import repeats


@dataclass(frozen=True, slots=True)
class Drift(Estimate):
    """Change since the baseline (positive: better now), with the interval at this look's own level."""

    look: int
    p: float
    """Two-sided p, to be held against `alpha`."""
    alpha: float
    """This look's share of the error allowed over all looks."""
    drifted: bool


def look_alpha(look: int, *, alpha: float = 0.05) -> float:
    """alpha_t = 6 alpha / (pi^2 t^2), t = 1, 2, ...: they add up to `alpha` however long one goes on looking.

    A union bound, since looks share the baseline's noise and are no martingale. Raises ValueError for look < 1.
    """
    check_level(1 - alpha)
    if look < 1:
        raise ValueError(f"looks are counted from 1, not {look}")
    return 6 * alpha / (math.pi * look) ** 2


def drift(baseline: Iterable[ArrayLike], current: Iterable[ArrayLike], look: int, *, alpha: float = 0.05) -> Drift:
    """Paired test of look `look` against the fixed baseline, with the noise of the answers on both sides.

    `baseline` and `current` are n rows of repeated answers to the same items, as for `repeats`. Equal answers on
    every item give p = 1; the same change on every item p = 0; one item NaN. Raises ValueError as `repeats` and
    `look_alpha`.
    """
    share = look_alpha(look, alpha=alpha)
    change = repeats(current, baseline, level=1 - share)
    if change.se > 0:
        p = 2 * t_tail(abs(change.mean) / change.se, change.df)
    else:
        p = math.nan if math.isnan(change.se) else float(change.mean == 0)
    low, high = t_interval(change.mean, change.se, change.df, 1 - share)
    return Drift(
        change.mean, change.se, change.df, change.n, low, high, 1 - share, change.method,
        look, p, share, p <= share,
    )  # fmt: skip
