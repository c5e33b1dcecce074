"""E8 against statsmodels, its own interval and its size at the margin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from harness.stats.equivalence import equivalence
from harness.stats.paired import mean_difference


def test_as_statsmodels() -> None:
    generator = np.random.default_rng(0)
    c, o = generator.normal(0.51, 0.2, 120), generator.normal(0.5, 0.2, 120)
    gap = mean_difference(c - o)
    found = equivalence(gap.mean, gap.se, gap.df, 0.05)
    p, (_, p_below, _), (_, p_above, _) = ttost_paired(c, o, -0.05, 0.05)
    assert (found.p, found.p_below, found.p_above) == pytest.approx((p, p_below, p_above))


@pytest.mark.parametrize("mean", [-0.04, -0.02, 0.0, 0.015, 0.0175, 0.018, 0.1])
def test_the_interval_gives_the_same_answer(mean: float) -> None:
    found = equivalence(mean, 0.0195 / 1.6448536, math.inf, 0.0375, alpha=0.05)
    assert found.equivalent == (found.low > -0.0375 and found.high < 0.0375)


def test_no_spread_proves_nothing() -> None:
    for se in (0.0, math.nan):
        found = equivalence(0.0, se, 4, 0.03)
        assert math.isnan(found.p)
        assert not found.equivalent


def test_a_margin_is_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        equivalence(0, 0.1, 10, 0)


def test_at_the_margin_it_errs_in_one_of_twenty() -> None:
    d = np.random.default_rng(1).normal(0.03, 0.2, size=(4_000, 400))
    means, ses = d.mean(axis=1), d.std(axis=1, ddof=1) / 20
    wrong = [equivalence(float(m), float(s), 399, 0.03).equivalent for m, s in zip(means, ses, strict=True)]
    assert np.mean(wrong) == pytest.approx(0.05, abs=0.012)
