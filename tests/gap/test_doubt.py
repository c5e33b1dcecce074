"""What keeps a narrow interval from being certainty: by hand, and by how often a verdict is wrong where it tempts most."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.gap.doubt import Guard, doubt, guard, joined
from harness.gap.policy import interval, verdict
from harness.stats.proportions import score_interval

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def guarded(closed: Floats, open_: Floats, clusters: Codes | None = None) -> Guard:
    return guard(closed, open_, clusters, interval(closed, open_, clusters).simultaneous)


def said(closed: Floats, open_: Floats, clusters: Codes | None = None, margin: float = 3.0) -> str:
    """The verdict as `compare` gives it, nothing missing."""
    used = interval(closed, open_, clusters).simultaneous
    by_interval = verdict(100 * used.low, 100 * used.high, margin)
    doubted = doubt(
        ["t"], [guard(closed, open_, clusters, used)],
        lambda low, high: verdict(100 * low, 100 * high, margin) == by_interval, alike=by_interval == "equivalent",
    )  # fmt: skip
    return "undecided" if doubted else by_interval


def test_right_or_wrong_answers_that_differ_often_are_not_doubted() -> None:
    closed = np.array([1.0] * 60 + [0.0] * 140)
    open_ = np.array([1.0] * 20 + [0.0] * 140 + [1.0] * 40)
    found = guarded(closed, open_)
    used = interval(closed, open_, None).simultaneous
    assert found.lead == found.alike == (used.low, used.high)
    assert found.few == found.unseen == ""


def test_the_signs_of_few_items_bound_graded_scores() -> None:
    closed = np.full(300, 0.5)
    closed[:4] = 0.51
    found = guarded(closed, np.full(300, 0.5))
    signs = score_interval(4, 0, 300)
    assert found.lead[1] == pytest.approx(signs.high)
    assert found.lead[0] == 0.0, "4 of 4 signs: the exact sign test has p = 1/8"
    assert found.few == "4 of 300 items differ"


def test_five_of_five_items_are_no_lead_and_six_of_six_are() -> None:
    assert guarded(np.ones(5), np.zeros(5)).lead[0] == 0.0
    assert guarded(np.ones(6), np.zeros(6)).lead[0] > 0.0, "p = 2/64"


def test_with_many_clusters_they_are_what_must_differ() -> None:
    clusters = np.repeat(np.arange(40), 5)
    closed, open_ = (clusters < 5).astype(float), np.zeros(200)
    found = guarded(closed, open_, clusters)
    assert found.few == "5 of 40 clusters differ"
    assert found.lead[0] == 0.0
    assert said(closed, open_, clusters) == "undecided"


def test_failures_that_can_go_unseen_widen_equality_alone() -> None:
    scores: Floats = (0.9 + 0.001 * (np.arange(25) % 10)).astype(np.float64)
    found = guarded(scores, scores[::-1].copy())
    share = 1 - 0.05 ** (1 / 25)
    assert found.alike[1] == pytest.approx(found.lead[1] + share * (1 - found.mean))
    assert "among 25 items with graded scores failures as frequent as 11.3 % can go unseen" in found.unseen
    assert said(scores, scores[::-1].copy()) == "undecided"
    many: Floats = (0.9 + 0.001 * (np.arange(1000) % 10)).astype(np.float64)
    assert said(many, many[::-1].copy()) == "equivalent", "3/1000 of total failures stay inside the margin"


def test_fewer_than_two_effective_clusters_decide_nothing() -> None:
    clusters = np.repeat([0, 1], [102, 98]).astype(np.intp)
    closed, open_ = np.array([1.0, 1.0, 0.0, 1.0] * 50), np.array([0.0, 1.0, 0.0, 0.0] * 50)
    assert guarded(closed, open_, clusters).hopeless
    assert said(closed, open_, clusters) == "undecided"


def test_few_clusters_that_disagree_are_no_lead() -> None:
    """CR1 on two large clusters and many tiny ones may be narrow; the wild-cluster p knows better."""
    chance = np.random.default_rng(5)
    clusters = np.repeat(np.arange(12), [100, 100] + [10] * 10)
    shift = np.repeat([0.05, 0.06, *([-0.2, 0.2] * 5)], [100, 100] + [10] * 10)
    closed = np.clip(0.5 + shift + chance.normal(0, 0.01, 300), 0, 1)
    found = guarded(closed, np.full(300, 0.5), clusters)
    assert found.few.startswith("12 clusters with a wild-cluster p of 0.")
    assert found.lead[0] <= 0


def test_joined_by_hand() -> None:
    """Two tasks: mean 0.3, below sqrt(0.1^2 + 0.2^2)/2, above sqrt(0.3^2 + 0.1^2)/2."""
    assert joined([(0.2, 0.1, 0.5), (0.4, 0.2, 0.5)]) == pytest.approx((0.3 - math.hypot(0.1, 0.2) / 2, 0.3 + math.hypot(0.3, 0.1) / 2))


# How often a verdict is wrong

def _rarely_empty(chance: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Graded answers as good as each other, but 3.5 % of the open ones are empty: a true gap of 3.15 points."""
    base = np.clip(chance.normal(0.9, 0.03, n), 0, 1)
    closed, open_ = (np.clip(base + chance.normal(0, 0.01, n), 0, 1) for _ in range(2))
    return closed, np.where(chance.random(n) < 0.035, 0.0, open_)


@pytest.mark.slow
@pytest.mark.parametrize("n", [25, 40, 60, 150])
def test_systems_that_differ_by_more_than_the_margin_are_seldom_called_equivalent(n: int) -> None:
    chance = np.random.default_rng(n)
    verdicts = [said(*_rarely_empty(chance, n)) for _ in range(1_000)]
    assert verdicts.count("equivalent") <= 35, "nominal: 25 of 1,000"


@pytest.mark.slow
@pytest.mark.parametrize("n", [40, 60, 120])
def test_equal_systems_with_skewed_scores_seldom_lead(n: int) -> None:
    chance = np.random.default_rng(n)
    pairs = ((chance.beta(0.2, 1.8, n), np.clip(0.1 + chance.normal(0, 0.02, n), 0, 1)) for _ in range(1_000))
    assert sum(said(*pair).endswith("leads") for pair in pairs) <= 65


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [[60] * 5, [22, 231, 34, 2, 1, 8, 22, 10, 19, 32, 44, 75], [100, 100] + [10] * 10, [200, 100]])
def test_equal_systems_in_few_clusters_seldom_lead(sizes: list[int]) -> None:
    chance, clusters = np.random.default_rng(sum(sizes)), np.repeat(np.arange(len(sizes)), sizes)
    leads = 0
    for _ in range(1_000):
        shift = chance.normal(0, 0.15, len(sizes))[clusters]
        closed, open_ = (np.clip(0.5 + sign * shift / 2 + chance.normal(0, 0.15, clusters.size), 0, 1) for sign in (1, -1))
        leads += said(closed, open_, clusters).endswith("leads")
    assert leads <= 65
