"""E9 against a plain loop, by hand, and by the bias and coverage it is there for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from harness.stats.clustered import clustered
from harness.stats.frontier import frontier, frontier_of_means

Scores = NDArray[np.float64]


def _scores(generator: np.random.Generator, means: Scores, difficulty: Scores) -> Scores:
    """Right or wrong with the given means; systems share the difficulty of an item (correlation about 0.25)."""
    latent = math.sqrt(0.4) * difficulty + math.sqrt(0.6) * generator.normal(size=(means.size, difficulty.size))
    right: Scores = (latent < special.ndtri(means)[:, None]).astype(np.float64)
    return right


def _by_a_plain_loop(
    closed: Scores, open_: Scores, labels: NDArray[np.int64], splits: int, seed: int, shared: bool = False
) -> float:
    generator, found = np.random.default_rng(seed), []
    groups = np.unique(labels).size
    for _ in range(splits):
        first = np.isin(labels, generator.permutation(groups)[: groups // 2])
        for choose, score in ((first, ~first), (~first, first)):
            gap = 0.0
            for side, sign in ((closed, 1), (open_, -1)):
                means = side[:, choose].mean(1)
                ties = means > means.max() - 1e-9 if shared else means.argmax()
                gap += sign * side[ties][..., score].mean()
            found.append(gap)
    return float(np.mean(found))


@pytest.mark.parametrize("clusters", [False, True])
def test_as_by_a_plain_loop(clusters: bool) -> None:
    generator = np.random.default_rng(0)
    closed = generator.integers(0, 2, (4, 30)).astype(np.float64)
    open_ = generator.integers(0, 2, (3, 30)).astype(np.float64)
    labels = np.repeat(np.arange(10), 3) if clusters else np.arange(30)
    found = frontier(closed, open_, labels if clusters else None, splits=50, draws=50, seed=5)
    assert found.mean == pytest.approx(_by_a_plain_loop(closed, open_, labels, 50, 5))
    assert found.shared == pytest.approx(_by_a_plain_loop(closed, open_, labels, 50, 5, shared=True))
    assert found.closed_score - found.open_score == pytest.approx(found.mean)
    assert found.plug_in == pytest.approx(closed.mean(1).max() - open_.mean(1).max())


def test_one_system_a_side_is_the_paired_gap() -> None:
    generator = np.random.default_rng(1)
    c, o = generator.integers(0, 2, 200) * 1.0, generator.integers(0, 2, 200) * 1.0
    found = frontier([c], [o], splits=200, draws=2_000)
    assert found.mean == pytest.approx((c - o).mean())
    assert found.mean == pytest.approx(found.plug_in)
    assert found.se == pytest.approx((c - o).std() / math.sqrt(200), rel=0.06)
    assert (found.best_closed, found.best_open, found.df) == (0, 0, math.inf)


def test_few_clusters_widen_it_and_one_is_left_out() -> None:
    generator = np.random.default_rng(2)
    labels = np.repeat(np.arange(6), 20)
    closed = np.clip(0.6 + 0.3 * generator.normal(size=(3, 6))[:, labels], 0, 1)
    open_ = np.clip(0.5 + 0.3 * generator.normal(size=(2, 6))[:, labels], 0, 1)
    grouped, plain = frontier(closed, open_, labels, draws=200), frontier(closed, open_, draws=200)
    assert grouped.df == pytest.approx(5)
    assert grouped.high - grouped.low > plain.high - plain.low
    alone = frontier(closed, open_, np.zeros(120), draws=200)
    assert "left out" in alone.method
    assert (alone.mean, alone.se) == (plain.mean, plain.se)


def test_fixed_tasks_are_strata() -> None:
    """Two tasks with very different gaps: which of them an item comes from is no noise."""
    generator = np.random.default_rng(6)
    tasks = np.repeat(["a", "b"], 101)
    c, o = generator.random(202) + (tasks == "a"), generator.random(202)
    apart, together = frontier([c], [o], strata=tasks, draws=2_000), frontier([c], [o], draws=2_000)
    d = c - o
    alone = [d[tasks == task].std() / math.sqrt(101) for task in ("a", "b")]
    assert apart.se == pytest.approx(math.hypot(*alone) / 2, rel=0.06)
    assert apart.se < 0.8 * together.se
    assert apart.mean == pytest.approx(d.mean(), abs=0.01)
    with pytest.raises(ValueError, match="in two strata"):
        frontier([c], [o], np.arange(202) % 50, strata=tasks)


def test_swapping_the_sides_flips_it() -> None:
    generator = np.random.default_rng(3)
    closed, open_ = generator.random((4, 40)), generator.random((3, 40))
    one, other = frontier(closed, open_, draws=50), frontier(open_, closed, draws=50)
    assert (one.mean, one.se, one.low) == pytest.approx((-other.mean, other.se, -other.high))


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="the same two or more"):
        frontier([[1, 0]], [[1, 0, 1]])
    with pytest.raises(ValueError, match="the same two or more"):
        frontier([[1]], [[0]])
    with pytest.raises(ValueError, match="empty"):
        frontier(np.empty((0, 4)), [[1, 0, 1, 0]])
    with pytest.raises(ValueError, match="as many standard errors"):
        frontier_of_means([0.5], [0.4], [0.01, 0.01], [0.01])


def test_means_alone_show_the_bias_to_expect() -> None:
    """Of k equal means with error s the largest is s * E[max of k normals] too high: 1.5388 s for 10."""
    found = frontier_of_means(np.full(10, 0.6), [0.5], np.full(10, 0.02), [0.02], draws=40_000)
    assert found.gap == pytest.approx(0.1)
    assert found.bias_uncorrelated == pytest.approx(1.5388 * 0.02, rel=0.03)
    assert found.bias_half_correlated == pytest.approx(1.5388 * 0.02 * math.sqrt(0.5), rel=0.03)
    assert abs(frontier_of_means([0.6], [0.5], [0.02], [0.02]).bias_uncorrelated) < 0.001


@pytest.mark.slow
def test_it_takes_the_luck_out_and_covers() -> None:
    """Many equal closed systems against few open ones: where choosing the luckiest misleads most."""
    generator = np.random.default_rng(4)
    closed_means, open_means = np.full(8, 0.6), np.full(2, 0.5)
    gaps, plug_ins, covered = [], [], []
    for replicate in range(4_000):
        difficulty = generator.normal(size=150)
        closed, open_ = (
            _scores(generator, closed_means, difficulty),
            _scores(generator, open_means, difficulty),
        )
        found = frontier(closed, open_, splits=50, draws=100, seed=replicate)
        truth = found.closed_picked @ closed_means - found.open_picked @ open_means
        gaps.append(found.mean - truth)
        plug_ins.append(found.plug_in - (closed_means[found.best_closed] - open_means[found.best_open]))
        covered.append(found.low <= truth <= found.high)
    assert np.mean(plug_ins) > 0.02
    assert abs(np.mean(gaps)) <= 0.2 * np.mean(plug_ins)
    assert np.mean(covered) >= 0.9


@pytest.mark.slow
def test_it_covers_unequal_systems_too() -> None:
    generator = np.random.default_rng(5)
    closed_means, open_means = np.array([0.7, 0.66, 0.6, 0.6, 0.55]), np.array([0.6, 0.58, 0.5])
    covered = []
    for replicate in range(1_000):
        difficulty = generator.normal(size=150)
        closed, open_ = (
            _scores(generator, closed_means, difficulty),
            _scores(generator, open_means, difficulty),
        )
        found = frontier(closed, open_, splits=50, draws=100, seed=replicate)
        truth = found.closed_picked @ closed_means - found.open_picked @ open_means
        covered.append(found.low <= truth <= found.high)
    assert np.mean(covered) >= 0.9


def test_clusters_of_one_stratum_are_not_counted_in_another() -> None:
    """Three clusters beside many independent items: the degrees of freedom are those of the three, as of a pair."""
    chance, shift = np.random.default_rng(3), np.repeat([0.25, -0.2, 0.1], 100)
    c = np.concatenate([(chance.random(900) < 0.6), chance.random(300) < 0.5 + shift]).astype(np.float64)
    o = np.concatenate([(chance.random(900) < 0.6), chance.random(300) < 0.5 - shift]).astype(np.float64)
    labels = np.concatenate([np.arange(900), 900 + np.repeat([0, 1, 2], 100)])
    found = frontier([c, c * 0.0], [o], labels, strata=np.repeat([0, 1], [900, 300]), splits=200, draws=2_000)
    assert found.df < 3
    assert found.method.endswith("over clusters, t(G_eff - 1)")
    d, few = c - o, clustered((c - o)[900:], labels[900:])
    joint = math.hypot(0.75 * d[:900].std() / 30, 0.25 * few.se)
    assert found.se == pytest.approx(joint, rel=0.2), "halves of three clusters are unequal, which dampens their spread"
