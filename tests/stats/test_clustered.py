"""E2 against statsmodels, brute force and its coverage with the cluster sizes of a real benchmark."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from harness.stats.clustered import clustered, design_effect, effective_clusters, wild_cluster_p
from harness.stats.estimate import t_quantile

SWEBENCH_SIZES = [22, 231, 34, 2, 1, 8, 22, 10, 19, 32, 44, 75]


def _clustered_differences(
    generator: np.random.Generator, sizes: list[int], share: float, replicates: int
) -> NDArray[np.float64]:
    """Differences -1, 0, 1 whose latent normal has `share` of its variance between clusters; true mean 0."""
    codes = np.repeat(np.arange(len(sizes)), sizes)
    between = generator.normal(size=(replicates, len(sizes)))[:, codes]
    latent = math.sqrt(share) * between + math.sqrt(1 - share) * generator.normal(size=between.shape)
    return (latent > 1.1).astype(float) - (latent < -1.1)


def test_by_hand() -> None:
    found = clustered([1, 1, 0, 0], ["a", "a", "b", "b"])  # residual sums 1 and -1: SE^2 = 2 * 2 / 16
    assert (found.mean, found.se) == (0.5, 0.5)
    assert (found.clusters, found.g_eff, found.df) == (2, 2, 1)
    assert found.high == pytest.approx(0.5 + 12.7062 * 0.5, abs=1e-4)


def test_as_statsmodels() -> None:
    generator = np.random.default_rng(3)
    d, labels = generator.normal(size=60), generator.integers(0, 7, 60)
    theirs = sm.OLS(d, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": labels})
    assert clustered(d, labels).se == pytest.approx(theirs.bse[0])
    assert effective_clusters([1, 1, 1, 2]) == pytest.approx(16 / 10)


def test_every_item_its_own_cluster_is_the_paired_gap() -> None:
    d = np.random.default_rng(4).normal(size=50)
    assert clustered(d, np.arange(50)).se == pytest.approx(d.std(ddof=1) / math.sqrt(50))
    assert design_effect(d, np.arange(50)) == pytest.approx(1)
    assert design_effect(np.repeat(d, 3), np.repeat(np.arange(50), 3)) == pytest.approx(3, rel=0.05)


def test_one_cluster_tells_nothing_about_spread() -> None:
    found = clustered([1, 0, 1], ["a"] * 3)
    assert math.isnan(found.se)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(wild_cluster_p([1, 0, 1], ["a"] * 3))
    assert math.isnan(design_effect([1, 0, 1], ["a"] * 3))


def test_no_variance_between_clusters() -> None:
    found = clustered([0.1 + 0.2, 0.3, 0.3], [1, 2, 3])
    assert found.se == 0
    assert found.low == found.high
    assert wild_cluster_p([0, 0, 0], [1, 2, 3]) == 1
    assert wild_cluster_p([1, 1, 1], [1, 2, 3]) == pytest.approx(2 / 8)


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        clustered([1, 0], ["a"])
    with pytest.raises(ValueError, match="no cluster label"):
        clustered([1, 0], np.array(["a", None], dtype=object))
    with pytest.raises(ValueError, match="no cluster label"):
        clustered([1, 0], [1.0, math.nan])
    with pytest.raises(ValueError, match="empty"):
        effective_clusters([])


@pytest.mark.parametrize("seed", range(5))
def test_the_wild_p_as_by_brute_force(seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(7), [1, 2, 3, 4, 5, 9, 12])
    d = generator.choice([-1.0, 0.0, 1.0], size=labels.size) + 0.3 * generator.normal(size=7)[labels]

    def t(values: NDArray[np.float64]) -> float:
        return abs(float(values.mean())) / clustered(values, labels).se

    flips = [t(d * np.array(signs)[labels]) for signs in itertools.product([-1, 1], repeat=7)]
    assert wild_cluster_p(d, labels) == pytest.approx(np.mean(np.array(flips) >= t(d) - 1e-9))


def test_sampled_flips_agree_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(5)
    labels = np.repeat(np.arange(12), SWEBENCH_SIZES)
    d = _clustered_differences(generator, SWEBENCH_SIZES, 0.1, 1)[0] + 0.1
    every = wild_cluster_p(d, labels)
    monkeypatch.setattr("harness.stats.clustered.MOST_FLIPS_ENUMERATED", 1)
    assert wild_cluster_p(d, labels) == pytest.approx(every, abs=0.02)


def _coverage(sizes: list[int], share: float) -> float:
    d = _clustered_differences(np.random.default_rng(6), sizes, share, 4_000)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    return float(np.mean([(found := clustered(row, codes)).low <= 0 <= found.high for row in d]))


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_it_covers_with_enough_clusters(share: float) -> None:
    assert 0.93 <= _coverage([10] * 30, share) <= 0.97
    assert 0.93 <= _coverage([5] * 40 + [20] * 10, share) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5])
def test_it_covers_with_few_skewed_clusters(share: float) -> None:
    assert _coverage(SWEBENCH_SIZES, share) >= 0.93


@pytest.mark.slow
def test_as_many_degrees_of_freedom_as_clusters_would_not_cover() -> None:
    d = _clustered_differences(np.random.default_rng(6), SWEBENCH_SIZES, 0.2, 4_000)
    codes = np.repeat(np.arange(12), SWEBENCH_SIZES)
    narrow = [abs(found.mean) <= t_quantile(0.975, 11) * found.se for found in (clustered(x, codes) for x in d)]
    assert np.mean(narrow) < 0.87


@pytest.mark.slow
def test_the_wild_p_holds_its_level() -> None:
    d = _clustered_differences(np.random.default_rng(7), [10] * 10, 0.2, 4_000)
    codes = np.repeat(np.arange(10), 10)
    assert 0.03 <= np.mean([wild_cluster_p(row, codes) <= 0.05 for row in d]) <= 0.065
