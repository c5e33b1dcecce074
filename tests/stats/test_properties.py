"""What must hold for any data: sides swap signs, rows have no order, copies are no evidence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.clustered import clustered, wild_cluster_p
from harness.stats.paired import Paired, paired
from harness.stats.proportions import score_interval
from harness.stats.repeats import repeats

Row = tuple[float, float, int]
SCORES = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1, width=16)
ROWS = st.lists(st.tuples(SCORES, SCORES, st.integers(0, 5)), min_size=1, max_size=25)
reproducible = settings(derandomize=True, deadline=None, max_examples=150)


def _columns(rows: list[Row]) -> tuple[list[float], list[float], list[int]]:
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def _same(one: float, other: float) -> bool:
    return (math.isnan(one) and math.isnan(other)) or one == pytest.approx(other, rel=1e-6, abs=1e-9)


def _mirrored(one: Paired, other: Paired) -> bool:
    signed = (
        (one.mean, -other.mean), (one.low, -other.high), (one.high, -other.low),
        (one.log_odds_gap, -other.log_odds_gap), (one.b10, other.b01), (one.b01, other.b10),
    )  # fmt: skip
    names = ("se", "df", "n", "se_unpaired", "correlation", "p_mcnemar")
    return all(_same(a, b) for a, b in signed) and all(_same(getattr(one, x), getattr(other, x)) for x in names)


@given(ROWS)
@reproducible
def test_swapping_sides_flips_the_sign_and_nothing_else(rows: list[Row]) -> None:
    c, o, labels = _columns(rows)
    assert _mirrored(paired(c, o), paired(o, c))
    d = np.subtract(c, o)
    one, other = clustered(d, labels), clustered(-d, labels)
    assert _same(one.low, -other.high)
    assert _same(one.se, other.se)
    assert one.g_eff == other.g_eff
    assert _same(wild_cluster_p(d, labels), wild_cluster_p(-d, labels))
    split, back = repeats(np.c_[c, o], np.c_[o, o]), repeats(np.c_[o, o], np.c_[c, o])
    assert _same(split.mean, -back.mean)
    assert _same(split.prediction_variance, back.prediction_variance)


@given(ROWS, st.randoms(use_true_random=False))
@reproducible
def test_the_order_of_rows_changes_nothing(rows: list[Row], shuffler: object) -> None:
    c, o, labels = _columns(rows)
    turned = list(rows)
    shuffler.shuffle(turned)  # type: ignore[attr-defined]
    c2, o2, labels2 = _columns(turned)
    for one, other in (
        (paired(c, o), paired(c2, o2)),
        (clustered(np.subtract(c, o), labels), clustered(np.subtract(c2, o2), labels2)),
    ):
        assert _same(one.mean, other.mean)
        assert _same(one.low, other.low)
        assert _same(one.high, other.high)
    assert _same(wild_cluster_p(np.subtract(c, o), labels), wild_cluster_p(np.subtract(c2, o2), labels2))


@given(ROWS, st.integers(2, 4))
@reproducible
def test_copies_inside_a_cluster_are_no_evidence(rows: list[Row], copies: int) -> None:
    c, o, labels = _columns(rows)
    d = np.subtract(c, o)
    once, often = clustered(d, labels), clustered(np.tile(d, copies), np.tile(labels, copies))
    assert _same(once.g_eff, often.g_eff)
    assert math.isnan(once.low) or often.high - often.low >= (once.high - once.low) * (1 - 1e-9)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 40), st.sampled_from([0.8, 0.95, 0.999]))
@reproducible
def test_the_score_interval_is_a_mirror_inside_its_range(b10: int, b01: int, ties: int, level: float) -> None:
    n = max(1, b10 + b01 + ties)
    one, other = score_interval(b10, b01, n, level=level), score_interval(b01, b10, n, level=level)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-7)
    assert -1 <= one.low <= one.mean <= one.high <= 1
    assert one.high - one.low > 0
