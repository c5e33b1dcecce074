"""E11 by hand: what is affordable, whose indices come back, and what the same quality costs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.stats.cost import cheapest_pair, cost_ratio, gap_at_cost
from harness.stats.frontier import frontier

CLOSED = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0]])
OPEN = np.array([[1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])


def test_only_what_is_affordable_counts() -> None:
    found = gap_at_cost(CLOSED, OPEN, [9, 1, 2], [1, 1], 2, draws=10)
    assert found is not None
    assert found.plug_in == pytest.approx(4 / 6 - 2 / 6)
    assert (found.best_closed, found.best_open) == (2, 0)
    assert found.closed_picked[0] == 0
    assert found.closed_picked.sum() == pytest.approx(1)
    alone = frontier(CLOSED[1:], OPEN, draws=10)
    assert (found.mean, found.se) == (alone.mean, alone.se)


def test_a_side_without_anything_at_that_price() -> None:
    assert gap_at_cost(CLOSED, OPEN, [9, 1, 2], [1, 1], 0.5) is None


def test_a_cost_ratio_by_hand() -> None:
    # Closed: $8 for 4 solved; open: $2 for 2 solved. Every item costs and scores alike, so nothing varies.
    found = cost_ratio([2] * 4, [1] * 4, [0.5] * 4, [0.5] * 4)
    assert [float(found.value), float(found.low), float(found.high)] == pytest.approx([2, 2, 2])
    assert "log scale" in found.method
    assert math.isnan(float(cost_ratio([1, 1], [0, 0], [1, 1], [1, 1]).low))


def test_the_interval_of_a_cost_ratio_covers_it() -> None:
    """300 items, costs and scores that vary and hang together: 95 % of the intervals hold the true ratio of 2."""
    generator, held = np.random.default_rng(3), 0
    for _ in range(200):
        hard = generator.random(300)
        closed, open_ = ((generator.random(300) > hard * share).astype(float) for share in (0.5, 0.8))
        costs = [price * (0.5 + hard) * generator.exponential(size=300) for price in (2.0 * 0.75 / 0.6, 1.0)]
        found = cost_ratio(costs[0], closed, costs[1], open_, draws=300)
        held += float(found.low) <= 2 <= float(found.high)
    assert 180 <= held <= 199


def test_the_cheapest_at_what_both_sides_reach_and_how_firm_the_choice_is() -> None:
    scores = np.array([[1.0, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 0, 0]])
    costs = np.array([[8.0] * 4, [3] * 4, [2] * 4, [1] * 4])
    # Closed reaches 1, open 0.75: the cheapest closed system there is the second, the cheapest open one the third.
    assert cheapest_pair(costs, scores, [False, False, True, True], [0.25] * 4, draws=10)[:2] == (1, 2)
    alike = np.ones((3, 4))
    assert cheapest_pair([[3] * 4, [1] * 4, [2] * 4], alike, [False, False, True], [0.25] * 4, draws=50) == (1, 2, 1)
    close = np.array([[3.0, 1, 3, 1], [1, 3, 1, 3.1], [2, 2, 2, 2]])
    assert 0.2 < cheapest_pair(close, alike, [False, False, True], [0.25] * 4)[2] < 0.8


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="the closed costs"):
        gap_at_cost(CLOSED, OPEN, [1, 1], [1, 1], 2)
    with pytest.raises(ValueError, match="none below 0"):
        gap_at_cost(CLOSED, OPEN, [-1, 1, 1], [1, 1], 2)
