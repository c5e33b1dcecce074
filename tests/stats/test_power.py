"""E6 by hand and by asking whether the promised power is there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from harness.stats.power import copies_needed, detectable, detectable_iid, difference_sd, n_needed, repeats_needed


def test_by_hand() -> None:
    z = 1.959964 + 0.841621
    assert detectable_iid(0.5, 100) == pytest.approx(z * 0.05, abs=1e-6)
    assert detectable_iid(0.5, 100, deff=4) == pytest.approx(z * 0.1, abs=1e-6)
    assert detectable_iid(0.5, 100, deff=0.3) == detectable_iid(0.5, 100)
    assert n_needed(0.1, 0.5) == math.ceil((z * 5) ** 2)
    assert difference_sd(0.04, 0.1, 0.2, closed_repeats=2, open_repeats=4) == pytest.approx(math.sqrt(0.14))
    assert detectable(0.02, math.inf) == pytest.approx(z * 0.02, abs=1e-7)
    assert detectable(0.02, 4) == pytest.approx((2.776445 + 0.940965) * 0.02, abs=1e-7)
    assert math.isnan(detectable(0.02, 0))


def test_items_and_size_are_inverses() -> None:
    for gap in (0.01, 0.03, 0.2):
        n = n_needed(gap, 0.45, deff=1.7)
        assert detectable_iid(0.45, n, deff=1.7) <= gap < detectable_iid(0.45, n - 1, deff=1.7)


def test_how_many_repeats() -> None:
    k = repeats_needed(0.05, 400, 0.02, 0.1, 0.15)
    assert k is not None
    sds = [difference_sd(0.02, 0.1, 0.15, closed_repeats=r, open_repeats=r) for r in (k - 1, k)]
    assert detectable_iid(sds[1], 400) <= 0.05 < detectable_iid(sds[0], 400)
    assert repeats_needed(0.01, 400, 0.02, 0.1, 0.15) is None  # the items differ too much
    assert repeats_needed(0.05, 400, 0.02, 0, 0) == 1
    assert repeats_needed(0.01, 400, 0.02, 0, 0) is None


def test_the_power_is_there() -> None:
    generator = np.random.default_rng(0)
    n = n_needed(0.1, 0.5)
    d = generator.normal(0.1, 0.5, size=(4_000, n))
    t = d.mean(axis=1) / (d.std(axis=1, ddof=1) / math.sqrt(n))
    assert np.mean(np.abs(t) > special.stdtrit(n - 1, 0.975)) == pytest.approx(0.8, abs=0.025)


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        detectable_iid(0.5, 0)
    with pytest.raises(ValueError, match="no number of items"):
        n_needed(0, 0.5)
    with pytest.raises(ValueError, match="repeats must be"):
        difference_sd(0.1, 0.1, 0.1, closed_repeats=0)
    with pytest.raises(ValueError, match="gap other than 0"):
        repeats_needed(0, 10, 0.1, 0.1, 0.1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        detectable(0.1, 10, power=1.0)


def test_copies_of_clusters() -> None:
    """As many clusters as there are show what `detectable` says; four times as many half of it, and less by the df."""
    seen = detectable(2.0, 9.0)
    assert copies_needed(seen, 2.0, 10.0) == pytest.approx(1.0)
    four = copies_needed(seen / 2, 2.0, 10.0)
    assert 3 < four < 4
    assert detectable(2.0 / four**0.5, four * 10 - 1) == pytest.approx(seen / 2)
    assert math.isinf(copies_needed(1.0, math.nan, 10.0))
    assert copies_needed(1e6, 2.0, 10.0) < 0.2
    with pytest.raises(ValueError, match="no number of clusters"):
        copies_needed(0.0, 2.0, 10.0)
