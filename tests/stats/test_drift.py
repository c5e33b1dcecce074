"""E16 against scipy, at its edges, and by how often a year of looks sees a change that is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from harness.stats.drift import drift, look_alpha


def test_as_scipy() -> None:
    generator = np.random.default_rng(0)
    before, now = generator.integers(0, 2, (60, 3)), generator.integers(0, 2, (60, 3))
    found, theirs = drift(before, now, 2), stats.ttest_rel(now.mean(axis=1), before.mean(axis=1))
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.alpha == pytest.approx(0.05 * 6 / (math.pi**2 * 4))
    assert found.level == pytest.approx(1 - found.alpha)
    assert found.low < found.mean < found.high
    assert not found.drifted


def test_the_looks_share_the_error() -> None:
    assert sum(look_alpha(t) for t in range(1, 5_000)) == pytest.approx(0.05, rel=1e-3)
    with pytest.raises(ValueError, match="counted from 1"):
        look_alpha(0)


def test_a_frozen_endpoint_and_one_that_was_replaced() -> None:
    same = [[1.0], [0.0], [1.0]]
    assert (drift(same, same, 1).p, drift(same, same, 1).drifted) == (1, False)
    gone = drift([[1.0]] * 5, [[0.0]] * 5, 1)
    assert (gone.mean, gone.p, gone.drifted) == (-1, 0, True)
    single = drift([[1.0]], [[0.0]], 1)
    assert math.isnan(single.p)
    assert not single.drifted


def test_a_real_change_is_seen() -> None:
    generator = np.random.default_rng(1)
    before, now = generator.random((400, 2)) < 0.7, generator.random((400, 2)) < 0.5
    found = drift(before.astype(float), now.astype(float), 10)
    assert found.drifted
    assert found.high < 0


@pytest.mark.slow
@pytest.mark.parametrize(("n", "k"), [(100, 1), (200, 3), (500, 1)])
def test_a_year_of_looks_without_a_change(n: int, k: int) -> None:
    """At most 7 % of 4,000 endpoints are accused in 52 looks, all against one noisy baseline."""
    generator = np.random.default_rng(2)
    chance = generator.beta(0.7, 0.7, size=n)
    baseline = generator.binomial(k, chance, size=(4_000, n)) / k
    accused = np.zeros(4_000, dtype=bool)
    for look in range(1, 53):
        d = generator.binomial(k, chance, size=(4_000, n)) / k - baseline
        t = np.abs(d.mean(axis=1)) / (d.std(axis=1, ddof=1) / math.sqrt(n))
        accused |= 2 * special.stdtr(n - 1, -t) <= look_alpha(look)
    last = drift(baseline[0][:, None], (baseline[0] + d[0])[:, None], 52)
    assert last.p == pytest.approx(2 * special.stdtr(n - 1, -t[0]))
    assert accused.mean() <= 0.07
