"""E5 against its definition, maximised numerically, and by exact coverage over all tables of 50 items."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from harness.stats.proportions import score_interval


def _score(delta: float, b10: int, b01: int, n: int) -> float:
    """Tango's statistic with the nuisance probability found by maximising the likelihood."""
    least, most = max(0.0, -delta), (1 - delta) / 2

    def loss(q: float) -> float:
        return -float(
            special_xlogy(b10, q + delta) + special_xlogy(b01, q) + special_xlogy(n - b10 - b01, 1 - 2 * q - delta)
        )

    q = float(optimize.minimize_scalar(loss, bounds=(least, most), method="bounded", options={"xatol": 1e-12}).x)
    return (b10 - b01 - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))


def special_xlogy(count: int, probability: float) -> float:
    return 0.0 if count == 0 else count * math.log(max(probability, 1e-300))


@pytest.mark.parametrize(("b10", "b01", "n"), [(9, 2, 50), (1, 0, 44), (0, 3, 30), (20, 20, 60), (40, 5, 50)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.995])
def test_the_ends_are_where_the_score_reaches_z(b10: int, b01: int, n: int, level: float) -> None:
    found = score_interval(b10, b01, n, level=level)
    z = stats.norm.ppf(0.5 + level / 2)
    assert _score(found.low, b10, b01, n) == pytest.approx(z, abs=1e-3)
    assert _score(found.high, b10, b01, n) == pytest.approx(-z, abs=1e-3)


def test_by_hand() -> None:
    """Without a discordant pair q = |Delta| below 0, so the ends are -+ z^2/(n + z^2)."""
    found, z = score_interval(0, 0, 50), 1.959964
    assert (found.low, found.high) == pytest.approx((-(z**2) / (50 + z**2), z**2 / (50 + z**2)), abs=1e-6)
    assert found.mean == 0
    assert found.se == pytest.approx((found.high - found.low) / (2 * z), rel=1e-6)
    everything = score_interval(10, 0, 10)
    assert everything.high == 1
    assert 0 < everything.low < 1
    assert (score_interval(0, 10, 10).low, score_interval(0, 10, 10).high) == pytest.approx((-1, -everything.low))
    single = score_interval(0, 0, 1)
    assert -1 < single.low < 0 < single.high < 1


def test_zero_is_excluded_as_mcnemar_does_without_correction() -> None:
    assert score_interval(15, 5, 100).low > 0  # (15 - 5)^2/20 = 5 > 3.84
    assert score_interval(14, 6, 100).low < 0  # (14 - 6)^2/20 = 3.2


@pytest.mark.parametrize(("b10", "b01", "n"), [(-1, 0, 5), (3, 3, 5), (0, 0, 0)])
def test_what_it_refuses(b10: int, b01: int, n: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        score_interval(b10, b01, n)


def test_it_covers_exactly() -> None:
    """No simulation: all 1,326 tables of 50 items, weighted with their probability."""
    n = 50
    tables = np.array([(b10, b01, n - b10 - b01) for b10 in range(n + 1) for b01 in range(n + 1 - b10)])
    found = [score_interval(int(b10), int(b01), n) for b10, b01, _ in tables]
    low, high = np.array([x.low for x in found]), np.array([x.high for x in found])
    for p10 in np.arange(0.005, 0.5, 0.02):
        for p01 in np.arange(0.005, 0.5, 0.02):
            chance = stats.multinomial.pmf(tables, n, [p10, p01, 1 - p10 - p01])
            covers = float(chance[(low <= p10 - p01) & (p10 - p01 <= high)].sum())
            assert covers >= 0.93
            assert covers <= 0.97 or n * (p10 + p01) < 5
