"""E12 by hand, against brute force and against random points."""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats.pareto import hypervolume, pareto, pareto_membership


def test_by_hand() -> None:
    costs, qualities = [1, 2, 2, 3, 1], [0.5, 0.5, 0.8, 0.7, 0.5]
    assert pareto(costs, qualities).tolist() == [True, False, True, False, True]  # equals stand together
    assert hypervolume([1, 2], [0.5, 0.8], 4) == pytest.approx(1 * 0.5 + 2 * 0.8)
    assert hypervolume([1, 2], [0.5, 0.8], 4, reference_quality=0.6) == pytest.approx(2 * 0.2)
    assert hypervolume([1, 2], [0.5, 0.8], 4, scale="log") == pytest.approx(np.log(2) * 1.3)
    assert hypervolume([5], [0.5], 4) == 0


@pytest.mark.parametrize("seed", range(10))
def test_as_by_brute_force_and_random_points(seed: int) -> None:
    generator = np.random.default_rng(seed)
    costs, qualities = generator.integers(1, 6, 12) / 5, generator.integers(0, 6, 12) / 5
    for i, kept in enumerate(pareto(costs, qualities)):
        beaten = any(
            c <= costs[i] and q >= qualities[i] and (c < costs[i] or q > qualities[i])
            for c, q in zip(costs, qualities, strict=True)
        )
        assert kept != beaten
    x, y = generator.uniform(0, 1.2, 20_000), generator.uniform(0, 1, 20_000)
    below = ((costs[:, None] <= x) & (qualities[:, None] >= y)).any(axis=0)
    assert hypervolume(costs, qualities, 1.2) == pytest.approx(1.2 * below.mean(), abs=0.02)


def test_membership_tells_the_firm_from_the_lucky() -> None:
    generator = np.random.default_rng(0)
    scores = (generator.random((3, 300)) < np.array([[0.5], [0.7], [0.5]])).astype(float)
    scores[2] = scores[0]
    costs = np.repeat([[1.0], [2.0], [1.5]], 300, axis=1)
    firm = pareto_membership(costs, scores, np.arange(300) // 3, draws=300)
    assert firm[:2] == pytest.approx([1, 1])
    assert firm[2] == 0


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        pareto([1], [1, 2])
    with pytest.raises(ValueError, match="do not fit"):
        pareto_membership([[1, 2]], [[1, 2], [1, 2]])
    with pytest.raises(ValueError, match="above 0"):
        hypervolume([0], [1], 2, scale="log")
