"""E1 against a hand-computed case, scipy, statsmodels and its own coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats
from statsmodels.stats.contingency_tables import mcnemar

from harness.stats.paired import log_odds_gap, mcnemar_exact, paired

CLOSED, OPEN = [1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0]


def test_by_hand() -> None:
    found = paired(CLOSED, OPEN)  # d = 1, 0, 0, 1: mean 1/2, sd sqrt(1/3), se sqrt(1/12)
    assert found.mean == 0.5
    assert found.se == pytest.approx(math.sqrt(1 / 12))
    assert (found.b10, found.b01, found.n, found.df) == (2, 0, 4, 3)
    assert found.p_mcnemar == 0.5
    assert found.se_unpaired == pytest.approx(math.sqrt((0.25 + 0.25) / 4))
    assert found.correlation == pytest.approx(1 / 3)
    assert found.log_odds_gap == pytest.approx(2 * math.log(3))
    assert found.relative_gap == pytest.approx(2 / 3)
    assert found.high - 0.5 == pytest.approx(3.182446 * math.sqrt(1 / 12))


def test_as_scipy_and_statsmodels() -> None:
    generator = np.random.default_rng(1)
    c, o = generator.integers(0, 2, 80), generator.integers(0, 2, 80)
    found, theirs = paired(c, o, level=0.9), stats.ttest_rel(c, o).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    table = [[0, found.b10], [found.b01, 0]]
    assert found.p_mcnemar == pytest.approx(mcnemar(table, exact=True).pvalue)


def test_one_item_has_no_interval() -> None:
    found = paired([1], [0])
    assert found.mean == 1
    assert all(math.isnan(x) for x in (found.se, found.low, found.high, found.correlation, found.se_unpaired))


def test_no_variance_has_no_width() -> None:
    found = paired([0.8, 0.3, 0.8], [0.7, 0.2, 0.7])  # equal up to rounding
    assert found.se == 0
    assert found.low == found.high == pytest.approx(0.1)
    assert math.isnan(paired([1, 1], [0, 1]).correlation)


@pytest.mark.parametrize(
    ("closed", "open_", "message"),
    [
        ([], [], "empty"),
        ([1, math.nan], [0, 1], "1 of 2 values are NaN"),
        ([1, 0], [1], "cannot be paired"),
        ([[1, 0]], [[1, 0]], "dimension"),
    ],
)
def test_what_it_refuses(closed: list[float], open_: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paired(closed, open_)


def test_a_level_must_be_one() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        paired(CLOSED, OPEN, level=95)


def test_the_exact_test_and_the_odds_at_their_edges() -> None:
    assert mcnemar_exact(0, 0) == 1
    assert mcnemar_exact(3, 3) == 1
    assert mcnemar_exact(10, 0) == pytest.approx(2 / 2**10)
    with pytest.raises(ValueError, match="negative"):
        mcnemar_exact(-1, 2)
    assert math.isnan(paired([0.5, 1], [0, 0]).p_mcnemar)
    assert log_odds_gap(1, 0.5) == math.inf
    assert math.isnan(log_odds_gap(1, 1))
    assert math.isnan(log_odds_gap(12.5, 0.5))


@pytest.mark.slow
@pytest.mark.parametrize(("p10", "p01", "n"), [(0.2, 0.2, 100), (0.17, 0.036, 500), (0.15, 0.05, 200)])
def test_the_interval_covers(p10: float, p01: float, n: int) -> None:
    """From 20 discordant pairs on (fewer are Tango's business), 93 to 97 %."""
    generator = np.random.default_rng(2)
    b10, b01, _ = generator.multinomial(n, [p10, p01, 1 - p10 - p01], size=20_000).T
    enough = b10 + b01 >= 20
    mean = (b10 - b01) / n
    half = special.stdtrit(n - 1, 0.975) * np.sqrt(((b10 + b01) / n - mean**2) / (n - 1))
    covered = (np.abs(mean - (p10 - p01)) <= half)[enough]
    assert covered.size >= 4_000
    assert 0.93 <= covered.mean() <= 0.97
    case = [1.0] * b10[0] + [-1.0] * b01[0] + [0.0] * (n - b10[0] - b01[0])
    assert paired(case, np.zeros(n)).high - mean[0] == pytest.approx(half[0])
