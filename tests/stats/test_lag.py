"""E10 by hand, Kaplan-Meier against statsmodels, and what a known lag reads as."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from harness.stats.lag import (
    DAYS_PER_MONTH,
    Releases,
    kaplan_meier_median,
    lag_months,
    lag_noise,
    lag_without_each_lab,
)

CLOSED = Releases(["2024-01-01", "2024-03-01", "2024-07-01", "2024-08-01"], [0.5, 0.6, 0.8, 0.7])
OPEN = Releases(["2024-02-01", "2024-05-01", "2024-09-01", "2024-10-01"], [0.4, 0.55, 0.65, 0.6])


def _months(days: int) -> float:
    return days / DAYS_PER_MONTH


def test_by_hand() -> None:
    found = lag_months(CLOSED, OPEN, "2024-12-01")
    # Open records .4 (closed had it from its start, 31 days before), .55 (61 days), .65 (62 days).
    assert found.backward_months.tolist() == pytest.approx([_months(31), _months(61), _months(62)])
    assert (found.backward_at_least, found.backward_at_most) == (1, 0)
    assert found.backward == pytest.approx(_months(61))
    # Closed records .5 (open after 121 days), .6 (after 184), .8 (not within 153).
    assert found.forward_months.tolist() == pytest.approx([_months(121), _months(184), _months(153)])
    assert (found.forward_at_least, found.forward_at_most) == (1, 0)
    assert found.forward == pytest.approx(_months(184))
    # Closed passed the best open score, .65, on 1 July: 153 days.
    assert found.age == pytest.approx(_months(153))


def test_where_open_is_ahead_it_is_negative() -> None:
    found = lag_months(OPEN, CLOSED, "2024-12-01")
    assert found.age == pytest.approx(-_months(153))  # since 1 July nobody on the other side has .8
    assert found.backward_months.tolist() == pytest.approx([-_months(121), -_months(184), -_months(153)])
    assert (found.backward_at_least, found.backward_at_most) == (0, 1)
    assert (found.forward_at_least, found.forward_at_most) == (0, 1)
    assert found.forward < 0


def test_a_tolerance_and_a_date_change_what_counts() -> None:
    assert lag_months(CLOSED, OPEN, "2024-12-01", tolerance=0.16).forward_at_least == 0
    early = lag_months(CLOSED, OPEN, "2024-02-15")
    assert early.forward == math.inf
    assert early.forward_at_least == 1
    with pytest.raises(ValueError, match="no release until"):
        lag_months(CLOSED, OPEN, "2024-01-15")


def test_the_order_of_releases_does_not_matter() -> None:
    turned = Releases(np.array(CLOSED.dates)[::-1], np.array(CLOSED.scores)[::-1])
    one, other = lag_months(CLOSED, OPEN, "2024-12-01"), lag_months(turned, OPEN, "2024-12-01")
    assert (one.backward, one.forward, one.age) == (other.backward, other.forward, other.age)


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="release date"):
        lag_months(Releases(["2024-01-01"], [0.5, 0.6]), OPEN, "2024-12-01")
    with pytest.raises(ValueError, match="release date"):
        lag_months(Releases(["2024-01-01", "NaT"], [0.5, 0.6]), OPEN, "2024-12-01")
    with pytest.raises(ValueError, match="NaN"):
        lag_months(Releases(["2024-01-01"], [math.nan]), OPEN, "2024-12-01")


@pytest.mark.parametrize("seed", range(10))
def test_kaplan_meier_as_statsmodels(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values, censored = generator.integers(1, 12, 15) * 1.0, generator.random(15) < 0.3
    curve = SurvfuncRight(values, (~censored).astype(int))
    halved = curve.surv_times[curve.surv_prob <= 0.5 + 1e-12]
    assert kaplan_meier_median(values, censored) == (halved[0] if halved.size else math.inf)


def test_score_noise_and_a_lab_left_out() -> None:
    plain = lag_months(CLOSED, OPEN, "2024-12-01")
    still = lag_noise(CLOSED, OPEN, np.zeros(4), np.zeros(4), "2024-12-01", draws=5)
    assert still.age == (plain.age, plain.age)
    noisy = lag_noise(CLOSED, OPEN, np.full(4, 0.15), np.full(4, 0.15), "2024-12-01", draws=200)
    assert noisy.age[0] < plain.age < noisy.age[1]
    assert noisy == lag_noise(CLOSED, OPEN, np.full(4, 0.15), np.full(4, 0.15), "2024-12-01", draws=200)
    labs = lag_without_each_lab(CLOSED, OPEN, ["A", "A", "B", "A"], ["C", "D", "D", "C"], "2024-12-01")
    assert labs.age[0] == pytest.approx(_months(122))  # without B closed passed .65 on 1 August
    assert labs.age[1] == pytest.approx(_months(275))  # without D the best open score is .6, of 1 March
    with pytest.raises(ValueError, match="no lab can be left out"):
        lag_without_each_lab(CLOSED, OPEN, ["A"] * 4, ["B"] * 4, "2024-12-01")


def test_what_a_lag_of_six_months_reads_as() -> None:
    """Ability grows steadily, open six months behind; releases fall at random and score below their frontier."""
    generator = np.random.default_rng(0)
    readings = []
    for _ in range(200):
        sides = []
        for behind, count in ((0.0, 40), (6.0, 40)):
            month = np.sort(generator.uniform(0, 48, count))
            ability = month - behind - generator.exponential(2.0, count)
            days = np.datetime64("2022-01-01") + (month * DAYS_PER_MONTH).astype(int)
            sides.append(Releases(days, ability))
        found = lag_months(sides[0], sides[1], "2026-01-01")
        readings.append((found.backward, found.forward, found.age))
    backward, forward, age = np.median(readings, axis=0)
    assert 4 <= backward <= 6.5
    assert 6 <= forward <= 11
    assert 5.5 <= age <= 8.5
    assert backward < age < forward + 1
