"""E7 against a plain loop, at its edges, and by how often it is wrong however long one looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.stats.sequential import bets, log_wealth_steps, random_order, sequential, sequential_full_set

Array = NDArray[np.float64]


def _ever_wrong(d: Array, level: float = 0.95) -> NDArray[np.bool_]:
    """Whether each row's sequence ever excludes a mean of 0: the wealth against it, without the other candidates."""
    x = (d + 1) / 2
    steps = log_wealth_steps(x, np.array(0.5), bets(x, level))
    wealth = np.maximum(*(np.cumsum(step, axis=-1) for step in steps)).max(axis=-1)
    wrong: NDArray[np.bool_] = wealth >= math.log(2 / (1 - level))
    return wrong


def _random_answers(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    return (generator.random(shape) < 0.25).astype(float) - (generator.random(shape) < 0.25)


def test_as_by_a_plain_loop() -> None:
    """The wealth of every candidate, one observation at a time, as the source writes it."""
    d = np.random.default_rng(0).choice([-1.0, 0.0, 0.5, 1.0], p=[0.05, 0.5, 0.15, 0.3], size=150)
    x, alpha = (d + 1) / 2, 0.1
    found = sequential(d, level=1 - alpha)
    kept = np.linspace(0, 1, 401)
    up, down = np.zeros(401), np.zeros(401)
    variance, total, squares = 0.25, 0.5, 0.25
    for t, value in enumerate(x, start=1):
        size = math.sqrt(2 * math.log(2 / alpha) / (variance * t * math.log(1 + t)))
        with np.errstate(divide="ignore"):
            up += np.log(1 + np.minimum(size, 0.5 / kept) * (value - kept))
            down += np.log(1 - np.minimum(size, 0.5 / (1 - kept)) * (value - kept))
        total += value
        squares += (value - total / (t + 1)) ** 2
        variance = squares / (t + 1)
        alive = np.maximum(up, down) < math.log(2 / alpha)
        kept, up, down = kept[alive], up[alive], down[alive]
        assert found.low[t - 1] == pytest.approx(2 * kept.min() - 1, abs=0.0051)
        assert found.high[t - 1] == pytest.approx(2 * kept.max() - 1, abs=0.0051)
        assert found.low[t - 1] <= 2 * kept.min() - 1
        assert 2 * kept.max() - 1 <= found.high[t - 1]


def test_it_narrows_and_decides() -> None:
    d = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], p=[0.04, 0.79, 0.17], size=1_200)
    found = sequential(d)
    assert (np.diff(found.low) >= 0).all()
    assert (np.diff(found.high) <= 0).all()
    assert found.low[-1] < 0.13 < found.high[-1] < 0.25
    first = found.decided_at
    assert first is not None
    assert found.low[first - 1] > 0 >= found.low[first - 2]
    assert sequential(np.zeros(300)).decided_at is None
    assert sequential([1.0]).low[0] == -1
    assert sequential([1.0]).high[0] == 1


def test_swapping_the_sides_flips_it() -> None:
    d = np.random.default_rng(2).uniform(-1, 1, size=100)
    assert sequential(-d).low == pytest.approx(-sequential(d).high)


def test_clusters_are_bet_on_by_their_means() -> None:
    found = sequential([1, 0, 0.5, -1], ["b", "b", "a", "c"])
    assert found.unit == "cluster"
    assert found.low.size == 3
    assert found.low.tolist() == sequential([0.5, 0.5, -1]).low.tolist()
    with pytest.raises(ValueError, match="in one piece"):
        sequential([1, 0, 1], ["a", "b", "a"])


def test_the_order_is_random_seeded_and_keeps_clusters_whole() -> None:
    assert sorted(random_order(50, seed=1)) == list(range(50))
    assert random_order(50, seed=1).tolist() == random_order(50, seed=1).tolist()
    assert random_order(50, seed=1).tolist() != random_order(50, seed=2).tolist()
    labels = np.array(["a", "b", "c", "a", "b", "c", "a"])
    drawn = labels[random_order(7, labels, seed=3)]
    assert (drawn[1:] != drawn[:-1]).sum() == 2
    with pytest.raises(ValueError, match="at least one item"):
        random_order(0)


def test_the_full_set_is_bounded_and_in_the_end_known() -> None:
    generator = np.random.default_rng(3)
    whole = generator.choice([-1.0, 0.0, 1.0], p=[0.1, 0.7, 0.2], size=600)
    missed = 0
    for seed in range(25):
        found = sequential_full_set(whole[random_order(600, seed=seed)], 600)
        missed += bool((found.low > whole.mean() + 1e-9).any() or (found.high < whole.mean() - 1e-9).any())
    assert missed <= 3
    assert (found.low[-1], found.high[-1]) == pytest.approx((whole.mean(), whole.mean()))
    assert found.high[400] - found.low[400] < 0.9 * (sequential(whole).high[400] - sequential(whole).low[400])
    with pytest.raises(ValueError, match="of a set of 3"):
        sequential_full_set([0, 0, 0, 0], 3)


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match=r"scores in \[0, 1\]"):
        sequential([2.0])
    with pytest.raises(ValueError, match="empty"):
        sequential([])
    with pytest.raises(ValueError, match="NaN"):
        sequential([math.nan])


@pytest.mark.slow
def test_it_is_rarely_wrong_however_long_one_looks() -> None:
    """At most 116 of 2,000 true nulls (5 % and 1.6 standard errors), looked at after each of 500 items."""
    generator = np.random.default_rng(4)
    shape = (2_000, 500)
    independent = generator.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=shape)
    guesses = _random_answers(generator, shape)
    skewed = generator.choice([-0.1, 0.9], p=[0.9, 0.1], size=shape)
    sizes = np.array([1, 2, 8, 10, 19, 22, 22, 32, 34, 44, 75, 231])[generator.permutation(np.arange(120) % 12)]
    between = generator.normal(0, 0.15, size=(2_000, 120))
    cluster_means = np.clip(between + generator.normal(size=(2_000, 120)) * 0.4 / np.sqrt(sizes), -1, 1)
    for d in (independent, guesses, skewed, cluster_means):
        assert _ever_wrong(d).sum() <= 116
    # The public bounds, rounded outward, never decide where the wealth does not.
    for row, wrong in zip(guesses[:200], _ever_wrong(guesses[:200]), strict=True):
        assert wrong or sequential(row).decided_at is None


@pytest.mark.slow
def test_items_of_clusters_must_not_be_bet_on_one_by_one() -> None:
    generator = np.random.default_rng(5)
    between = np.repeat(generator.normal(0, 0.3, size=(2_000, 25)), 20, axis=1)
    assert _ever_wrong(np.clip(between + generator.normal(0, 0.3, size=between.shape), -1, 1)).mean() > 0.2


@pytest.mark.slow
def test_the_full_set_says_nothing_about_fresh_items() -> None:
    """Why it must never name a leader: a true null looks decided in most samples once they are seen in full."""
    generator = np.random.default_rng(6)
    decided = []
    for _ in range(200):
        d = _random_answers(generator, (1, 300))[0]
        decided.append(sequential_full_set(d, 300).decided_at is not None)
    assert np.mean(decided) > 0.7
