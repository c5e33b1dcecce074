"""E4 by hand and by a simulation in which both parts of the variance are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.stats.paired import paired
from harness.stats.repeats import repeats


def test_by_hand() -> None:
    found = repeats([[1, 0], [1, 1], [0, 0]], [[0, 0], [1, 0], [0, 0]])
    # closed means .5 1 0, variances .5 0 0; open means 0 .5 0, variances 0 .5 0; d = .5 .5 0
    assert found.mean == pytest.approx(1 / 3)
    assert found.se**2 == pytest.approx((1 / 12) / 3)
    assert found.prediction_variance == pytest.approx((0.25 + 0.25) / 3 / 3)
    assert (found.closed_variance, found.open_variance) == pytest.approx((1 / 6, 1 / 6))
    assert found.cut
    assert found.item_variance == 0
    assert found.omega_squared == 0


def test_one_answer_an_item_is_the_paired_gap() -> None:
    c, o = [[1.0], [0.0], [1.0]], [[0.0], [0.0], [1.0]]
    found, plain = repeats(c, o), paired(np.ravel(c), np.ravel(o))
    assert (found.mean, found.se, found.low, found.high) == (plain.mean, plain.se, plain.low, plain.high)
    assert math.isnan(found.prediction_variance)
    assert math.isnan(found.item_variance)
    assert not found.cut


def test_rows_of_unequal_length_borrow_a_variance() -> None:
    found = repeats([[1, 0, 1], [1]], [[0, 0], [0, 1]])
    assert found.closed_variance == pytest.approx(1 / 3)
    assert found.prediction_variance == pytest.approx(((1 / 9 + 0) + (1 / 3 + 1 / 4)) / 2 / 2)


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="item 1 is empty"):
        repeats([[1], []], [[1], [1]])
    with pytest.raises(ValueError, match="cannot be paired"):
        repeats([[1]], [[1], [1]])
    with pytest.raises(ValueError, match="are empty"):
        repeats([], [])
    with pytest.raises(ValueError, match="NaN"):
        repeats([[1, math.nan]], [[1, 1]])


def _answers(
    generator: np.random.Generator, n: int, repeats_c: int, repeats_o: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], float, float]:
    """Answers of both sides and the true item and prediction variance of the mean gap."""
    p_c, p_o = generator.beta(2, 1, size=n), generator.beta(1, 1, size=n)
    items = (1 / 18 + 1 / 12) / n  # variances of beta(2, 1) and beta(1, 1)
    # E[p(1-p)] of beta(a, b) is ab/((a+b)(a+b+1)).
    answers = (2 / 12 / repeats_c + 1 / 6 / repeats_o) / n
    c, o = generator.random((n, repeats_c)) < p_c[:, None], generator.random((n, repeats_o)) < p_o[:, None]
    return c.astype(int), o.astype(int), items, answers


def test_it_finds_both_parts() -> None:
    generator = np.random.default_rng(0)
    found = []
    for _ in range(200):
        c, o, items, answers = _answers(generator, 100, 3, 5)
        found.append(repeats(c, o))
    item_parts = [x.se**2 - x.prediction_variance for x in found]
    assert np.mean([x.prediction_variance for x in found]) == pytest.approx(answers, rel=0.03)
    assert np.mean(item_parts) == pytest.approx(items, rel=0.06)
    truth = 2 / 3 - 1 / 2
    assert np.var([x.mean for x in found]) == pytest.approx(items + answers, rel=0.3)
    assert np.mean([x.low <= truth <= x.high for x in found]) >= 0.91
