"""E11 by hand: what is affordable, whose indices come back, and what the same quality costs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.stats.cost import cost_ratio_at_quality, gap_at_cost
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


def test_the_cost_of_a_quality() -> None:
    assert cost_ratio_at_quality([0.9, 0.7], [8, 4], [0.75, 0.3], [2, 1], 0.7) == 2
    assert cost_ratio_at_quality([0.9, 0.7], [8, 4], [0.75, 0.3], [2, 1], 0.2) == 4
    assert math.isnan(cost_ratio_at_quality([0.9], [8], [0.75], [2], 0.8))
    assert cost_ratio_at_quality([0.9], [8], [0.75], [0], 0.5) == math.inf
    assert math.isnan(cost_ratio_at_quality([0.9], [0], [0.75], [0], 0.5))


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="the closed costs"):
        gap_at_cost(CLOSED, OPEN, [1, 1], [1, 1], 2)
    with pytest.raises(ValueError, match="none below 0"):
        cost_ratio_at_quality([0.9], [-1], [0.7], [1], 0.5)
