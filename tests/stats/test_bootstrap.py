"""E3 against closed forms, a plain loop and its coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.stats.bootstrap import bootstrap_t, cluster_bootstrap, resample_counts
from harness.stats.clustered import clustered
from harness.stats.paired import mean_difference


def _ratio(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    return totals[:, 0] / totals[:, 1]


def test_counts_are_whole_resamples() -> None:
    counts = np.concatenate(list(resample_counts(7, 1_000, 0)))
    assert counts.shape == (1_000, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(7), abs=0.15)


def test_a_mean_over_clusters_has_the_spread_of_cr1() -> None:
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(20), 5)
    d = generator.normal(size=20)[labels] + generator.normal(size=100)
    found = cluster_bootstrap(np.stack([d, np.ones(100)], axis=1), _ratio, labels)
    robust = clustered(d, labels)
    assert float(found.value) == pytest.approx(robust.mean)
    assert float(found.sd) == pytest.approx(robust.se * math.sqrt(19 / 20), rel=0.03)
    assert (float(found.low), float(found.high)) == pytest.approx((robust.low, robust.high), abs=0.03)
    assert "t(G_eff - 1)" in found.method


def test_a_curve_and_a_ratio_at_once() -> None:
    generator = np.random.default_rng(1)
    table = generator.uniform(1, 2, size=(200, 3))
    found = cluster_bootstrap(table, lambda totals: totals[:, :2] / totals[:, 2:])
    assert found.value == pytest.approx(table[:, :2].sum(axis=0) / table[:, 2].sum())
    assert found.low.shape == (2,)
    assert (found.low < found.value).all()
    assert (found.value < found.high).all()
    assert "percentile" in found.method


def test_where_nothing_can_be_said() -> None:
    one = cluster_bootstrap([[1.0, 1.0], [0.0, 1.0]], _ratio, ["a", "a"])
    assert float(one.value) == 0.5
    assert math.isnan(float(one.low))
    assert math.isnan(float(one.sd))
    rare = cluster_bootstrap(np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]]), _ratio)
    assert rare.undefined > 100
    assert math.isnan(float(rare.low))
    with pytest.raises(ValueError, match="NaN"):
        cluster_bootstrap([[math.nan, 1.0]], _ratio)
    with pytest.raises(ValueError, match="empty"):
        cluster_bootstrap(np.empty((0, 2)), _ratio)


def test_bootstrap_t_as_by_a_plain_loop() -> None:
    d = np.random.default_rng(2).exponential(size=12) / 5
    found = bootstrap_t(d, draws=2_000, seed=3)
    t = []
    for counts in np.concatenate(list(resample_counts(12, 2_000, 3))):
        drawn = np.repeat(d, counts.astype(int))
        t.append((drawn.mean() - d.mean()) / (drawn.std(ddof=1) / math.sqrt(12)))
    se = d.std(ddof=1) / math.sqrt(12)
    below, above = np.quantile(t, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((d.mean() - above * se, d.mean() - below * se))
    assert found.high - found.mean > found.mean - found.low  # it leans towards the long tail
    assert (found.method, found.resampled) == ("bootstrap-t", True)


def test_bootstrap_t_says_when_it_is_not_one() -> None:
    assert (bootstrap_t([0.5]).method, bootstrap_t([0.5]).resampled) == ("paired t", False)
    assert math.isnan(bootstrap_t([0.5]).se)
    assert bootstrap_t([0.25, 0.25, 0.25]).se == 0
    mostly_equal = [*[0.0] * 18, 0.5, 1.0]  # every eighth resample is constant
    assert bootstrap_t(mostly_equal) == mean_difference(mostly_equal)


@pytest.mark.slow
def test_they_cover_a_skewed_mean_and_a_ratio() -> None:
    generator = np.random.default_rng(4)
    scores = generator.exponential(0.2, size=(4_000, 20))
    found = [bootstrap_t(row, draws=400) for row in scores]
    assert np.mean([x.low <= 0.2 <= x.high for x in found]) >= 0.93
    plain = [mean_difference(row) for row in scores]
    assert np.mean([x.low <= 0.2 <= x.high for x in plain]) < 0.93  # why it exists
    tables = generator.exponential(1, size=(4_000, 60, 2)) + np.array([0.0, 1.0])
    ratios = [cluster_bootstrap(table, _ratio, draws=400) for table in tables]
    assert 0.92 <= np.mean([float(x.low) <= 0.5 <= float(x.high) for x in ratios]) <= 0.97
