"""What keeps a narrow interval from being certainty: by hand, and by how often a verdict is wrong where it tempts most."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.stats.proportions import score_interval
from harness.types import Reason
from harness.verdict.doubt import Guard, caution, doubt, guard, joined, skewness
from harness.verdict.policy import interval, verdict
from harness.verdict.words import text

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
    assert found.few is None
    assert found.unseen is None


def test_the_signs_of_few_items_bound_graded_scores() -> None:
    closed = np.full(300, 0.5)
    closed[:4] = 0.51
    found = guarded(closed, np.full(300, 0.5))
    signs = score_interval(4, 0, 300)
    assert found.lead[1] == pytest.approx(signs.high)
    assert found.lead[0] == 0.0, "4 of 4 signs: the exact sign test has p = 1/8"
    assert found.few == Reason("few_discordant", True, {"differ": 4, "of": 300, "unit": "items"})


def test_five_of_five_items_are_no_lead_and_six_of_six_are() -> None:
    assert guarded(np.ones(5), np.zeros(5)).lead[0] == 0.0
    assert guarded(np.ones(6), np.zeros(6)).lead[0] > 0.0, "p = 2/64"


def test_with_many_clusters_they_are_what_must_differ() -> None:
    clusters = np.repeat(np.arange(40), 5)
    closed, open_ = (clusters < 5).astype(float), np.zeros(200)
    found = guarded(closed, open_, clusters)
    assert found.few == Reason("few_discordant", True, {"differ": 5, "of": 40, "unit": "clusters"})
    assert found.lead[0] == 0.0
    assert said(closed, open_, clusters) == "undecided"


def test_failures_that_can_go_unseen_widen_equality_alone() -> None:
    scores: Floats = (0.9 + 0.001 * (np.arange(75) % 10)).astype(np.float64)
    found = guarded(scores, scores[::-1].copy())
    share = 1 - 0.05 ** (1 / 75)
    assert found.alike[1] == pytest.approx(found.lead[1] + share * (1 - found.mean))
    assert found.unseen == Reason("rare_failures", True, {"n": 75, "share": pytest.approx(share)})
    assert said(scores, scores[::-1].copy()) == "undecided"
    many: Floats = (0.9 + 0.001 * (np.arange(1000) % 10)).astype(np.float64)
    assert said(many, many[::-1].copy()) == "equivalent", "3/1000 of total failures stay inside the margin"


def test_a_lead_among_few_graded_items_must_bear_failures_that_went_unseen() -> None:
    """Ahead by 4 points in each of 40 items: 7.2 % of failures can go unseen there, worth more than that."""
    chance = np.random.default_rng(0)
    open_ = np.clip(chance.normal(0.8, 0.02, 100), 0, 1)
    closed = np.clip(open_ + chance.normal(0.04, 0.02, 100), 0, 1)
    few = guarded(closed[:40], open_[:40])
    assert few.lead[0] < 0 < few.lead[1]
    assert few.few == few.unseen == Reason("rare_failures", True, {"n": 40, "share": pytest.approx(0.0722, abs=1e-4)})
    assert said(closed[:40], open_[:40], margin=1) == "undecided"
    assert said(closed, open_, margin=1) == "closed leads"


def test_ordinary_leads_stand() -> None:
    chance = np.random.default_rng(3)
    spread = chance.normal(0, 0.25, 100)
    closed, open_ = np.clip(0.6 + spread - spread.mean(), 0, 1), np.clip(0.5 + spread / 2 - spread.mean() / 2, 0, 1)
    assert said(closed, open_) == "closed leads", "ten points in 100 graded items"
    wide, clusters = np.arange(240), np.repeat(np.arange(12), 20).astype(np.intp)
    right, wrong = (wide % 10 < 7).astype(float), (wide % 10 < 5).astype(float)
    right[::17] = 0.0
    assert said(right, wrong, clusters) == "closed leads", "12 balanced clusters"
    assert said(right[:100], wrong[:100]) == "closed leads", "100 right or wrong answers"


def test_a_lead_of_few_clusters_stands_beside_what_they_can_miss() -> None:
    clusters = np.repeat(np.arange(12), 20).astype(np.intp)
    found = Guard(
        0.14,
        (0.08, 0.2),
        (-0.17, 0.39),
        unseen=Reason("rare_failures", True, {"g_eff": 12.0, "share": 0.2209}),
    )
    (told,) = caution(["t"], [found], [True], lambda low, high: low > 0)
    assert not told.overrules
    assert text(told) == (
        "among 12 effective clusters failures as frequent as 22.1 % can go unseen: the lead holds for such clusters as were seen"
    )
    assert caution(["t"], [found], [False], lambda low, high: low > 0) == []
    assert caution(["t"], [dataclasses.replace(found, alike=(0.01, 0.3))], [True], lambda low, high: low > 0) == []
    unseen = guarded((clusters % 2).astype(float), np.zeros(240), clusters).unseen
    assert unseen == Reason("rare_failures", True, {"g_eff": 12.0, "share": pytest.approx(0.2209, abs=1e-4)})


def test_skewed_graded_scores_are_guarded_whatever_their_number() -> None:
    chance = np.random.default_rng(0)
    open_ = chance.normal(0.86, 0.02, 300)
    closed = np.where(chance.random(300) < 0.03, 0.0, chance.normal(0.9, 0.02, 300))
    used = interval(closed, open_, None).simultaneous
    assert abs(skewness(closed - open_)) > 0.1 * math.sqrt(300)
    assert guarded(closed, open_).lead[0] < used.low - 0.001
    even = chance.normal(0.05, 0.02, 300)
    used = interval(even + 0.5, np.full(300, 0.5), None).simultaneous
    assert guarded(even + 0.5, np.full(300, 0.5)).lead == (used.low, used.high)


def test_skewness_by_hand() -> None:
    """0, 0, 0, 4: mean 1, third moment (3 * -1 + 27)/4 = 6, variance 3."""
    assert skewness(np.array([0.0, 0.0, 0.0, 4.0])) == pytest.approx(6 / 3**1.5)
    assert skewness(np.ones(5)) == 0.0


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
    assert found.few is not None
    assert (found.few.kind, found.few.facts["clusters"]) == ("clusters_disagree", 12)
    assert 0.05 < found.few.facts["p"] < 1
    assert found.lead[0] <= 0


def test_joined_by_hand() -> None:
    """Two tasks: mean 0.3, below sqrt(0.1^2 + 0.2^2)/2, above sqrt(0.3^2 + 0.1^2)/2."""
    assert joined([(0.2, 0.1, 0.5), (0.4, 0.2, 0.5)]) == pytest.approx(
        (0.3 - math.hypot(0.1, 0.2) / 2, 0.3 + math.hypot(0.3, 0.1) / 2)
    )


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
@pytest.mark.parametrize(
    ("n", "share", "margin"), [(40, 0.05, 3.0), (60, 0.05, 3.0), (200, 0.04, 3.0), (400, 0.02, 1.0)]
)
def test_a_side_that_fails_rarely_seldom_leads_as_if_it_never_did(n: int, share: float, margin: float) -> None:
    """A true gap of 0: closed is a little better in all items but those, 2 to 5 %, in which it fails altogether."""
    chance, leads = np.random.default_rng(n), 0
    ahead = share * 0.9 / (1 - share)
    for _ in range(400):
        open_ = np.clip(chance.normal(0.9 - ahead, 0.02, n), 0, 1)
        closed = np.clip(chance.normal((0.9 - ahead) / (1 - share), 0.02, n), 0, 1)
        leads += said(np.where(chance.random(n) < share, 0.0, closed), open_, margin=margin).endswith("leads")
    assert leads <= 26, "nominal: 20 of 400"


@pytest.mark.slow
@pytest.mark.parametrize(
    "sizes", [[60] * 5, [22, 231, 34, 2, 1, 8, 22, 10, 19, 32, 44, 75], [100, 100] + [10] * 10, [200, 100]]
)
def test_equal_systems_in_few_clusters_seldom_lead(sizes: list[int]) -> None:
    chance, clusters = np.random.default_rng(sum(sizes)), np.repeat(np.arange(len(sizes)), sizes)
    leads = 0
    for _ in range(1_000):
        shift = chance.normal(0, 0.15, len(sizes))[clusters]
        closed, open_ = (
            np.clip(0.5 + sign * shift / 2 + chance.normal(0, 0.15, clusters.size), 0, 1) for sign in (1, -1)
        )
        leads += said(closed, open_, clusters).endswith("leads")
    assert leads <= 65
