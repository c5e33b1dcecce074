"""E13 by hand, against Welch's degrees of freedom and by coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.stats.dimension import at_ceiling, dimension


def test_by_hand() -> None:
    found = dimension([0.1, 0.3], [0.03, 0.04], [math.inf, math.inf])
    assert (found.mean, found.se) == pytest.approx((0.2, 0.025))
    assert (found.df, found.n) == (math.inf, 2)
    assert found.high == pytest.approx(0.2 + 1.959964 * 0.025)


def test_two_tasks_have_welchs_degrees_of_freedom() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=8), generator.normal(size=20) * 3
    ses = [a.std(ddof=1) / math.sqrt(8), b.std(ddof=1) / math.sqrt(20)]
    theirs = stats.ttest_ind(a, b, equal_var=False)
    assert dimension([a.mean(), b.mean()], ses, [7, 19]).df == pytest.approx(theirs.df)


def test_one_task_is_itself() -> None:
    found = dimension([0.1], [0.02], [9], level=0.9)
    assert (found.mean, found.se, found.df) == pytest.approx((0.1, 0.02, 9))


def test_a_task_without_an_error_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        dimension([0.1, 0.2], [0.1, math.nan], [9, 9])
    with pytest.raises(ValueError, match="degrees of freedom"):
        dimension([0.1], [0.1], [0])
    with pytest.raises(ValueError, match="degrees of freedom"):
        dimension([0.1, 0.2], [0.1], [9, 9])


def test_a_ceiling() -> None:
    assert at_ceiling(0.97, 0.96)
    assert not at_ceiling(0.99, 0.95)


def test_it_covers() -> None:
    generator = np.random.default_rng(1)
    tasks = [(0.1, 0.5, 15), (0.0, 1.0, 25), (-0.2, 0.2, 40)]
    covered = []
    for _ in range(4_000):
        drawn = [generator.normal(mean, sd, n) for mean, sd, n in tasks]
        found = dimension(
            [d.mean() for d in drawn],
            [d.std(ddof=1) / math.sqrt(d.size) for d in drawn],
            [d.size - 1 for d in drawn],
        )
        covered.append(found.low <= -0.1 / 3 <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.97


@pytest.mark.parametrize("df", [1.0, 2.0])
@pytest.mark.parametrize("ratio", [1.0, 5.0, 50.0])
def test_it_covers_with_few_clusters_in_one_task(df: float, ratio: float) -> None:
    """One task of many items, one of two or three clusters, whose variance (and its estimate) is `ratio` times as large."""
    generator, draws = np.random.default_rng(2), 3_000
    means = generator.normal(0, [1.0, math.sqrt(ratio)], (draws, 2))
    spreads = np.sqrt(ratio * generator.chisquare(df, draws) / df)
    found = [
        dimension(mean, [1.0, spread], [math.inf, df]) for mean, spread in zip(means, spreads.tolist(), strict=True)
    ]
    assert np.mean([one.low <= 0 <= one.high for one in found]) >= 0.94


def test_few_clusters_by_hand() -> None:
    """Banerjee: t_1 = 12.706 for the task with two clusters, 1.96 for the other; above a df of 3 Welch's alone."""
    found = dimension([0.1, 0.3], [0.03, 0.04], [math.inf, 1.0])
    assert found.high - found.mean == pytest.approx(math.hypot(1.959964 * 0.03, 12.706205 * 0.04) / 2, rel=1e-5)
    assert dimension([0.1, 0.3], [0.03, 0.04], [math.inf, 3.0]).df == pytest.approx(3 * 0.0025**2 / 0.0016**2)
