"""What must hold whatever the answers: sides, order, and copies of items."""

from __future__ import annotations

import dataclasses
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.evidence.alignment import align
from harness.evidence.gather import gather
from harness.evidence.select import select
from harness.types import Comparison
from harness.verdict import Store
from harness.verdict.frontier import compare_best
from harness.verdict.pair import compare
from harness.verdict.policy import interval, verdict
from tests.verdict.stores import Task, item, write_run

scores = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=2, max_size=40)
binary = st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=60)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_swapping_the_sides_flips_the_sign_and_nothing_else(data: st.DataObject) -> None:
    closed = np.array(data.draw(st.one_of(scores, binary)))
    n = closed.size
    open_ = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=n, max_size=n)))
    labels = data.draw(st.one_of(st.none(), st.lists(st.integers(0, 5), min_size=n, max_size=n)))
    clusters = None if labels is None else np.array(labels, dtype=np.intp)
    there, back = interval(closed, open_, clusters, rows=3), interval(open_, closed, clusters, rows=3)
    for a, b in ((there.unadjusted, back.unadjusted), (there.simultaneous, back.simultaneous)):
        assert a.mean == pytest.approx(-b.mean)
        assert a.method == b.method
        assert [a.low, a.high] == pytest.approx([-b.high, -b.low], nan_ok=True, abs=1e-9)
    assert there.simultaneous.low <= there.unadjusted.low + 1e-12 or math.isnan(there.unadjusted.low)


@given(st.floats(-30, 30), st.floats(0.01, 30), st.floats(0.1, 10))
def test_one_interval_gives_one_verdict_and_its_mirror_the_mirrored_one(
    middle: float, half: float, margin: float
) -> None:
    mirrored = {
        "closed leads": "open leads",
        "open leads": "closed leads",
        "equivalent": "equivalent",
        "undecided": "undecided",
    }
    assert verdict(-middle - half, -middle + half, margin) == mirrored[verdict(middle - half, middle + half, margin)]


def _store(folder: Path, *, backwards: bool) -> Path:
    generator = np.random.default_rng(5)
    for name, weights in (("c1", "closed"), ("c2", "closed"), ("o1", "open_weights"), ("o2", "open_weights")):
        answers = generator.random(120) < 0.6
        task = Task([float(a) for a in answers], clusters=[f"g{i % 7}" for i in range(120)])
        if backwards:
            order = np.argsort(np.random.default_rng(ord(name[0])).random(120))
            task = Task(
                [task.scores[i] for i in order],
                clusters=[task.clusters[i] for i in order],
                ids=[item(i) for i in order],
            )
        write_run(folder, name, weights, {"task": task}, backwards=backwards)  # type: ignore[arg-type]
    return folder


def _numbers(one: Comparison) -> dict[str, object]:
    return {key: value for key, value in dataclasses.asdict(one).items() if key != "runs"}


@pytest.mark.parametrize("named", [(None, None), ("c1", "o1")])
def test_the_order_of_the_rows_changes_nothing(tmp_path: Path, named: tuple[str | None, str | None]) -> None:
    first = Store(_store(tmp_path / "a", backwards=False)).gap(*named)
    second = Store(_store(tmp_path / "b", backwards=True)).gap(*named)
    assert repr([_numbers(one) for one in first]) == repr([_numbers(one) for one in second])


def test_swapping_open_and_closed_mirrors_the_whole_comparison(tmp_path: Path) -> None:
    _store(tmp_path, backwards=False)
    evidence, _ = gather(tmp_path)
    by_name = {one.name: one for one in evidence}
    pair, mirrored = align(by_name["c1"], by_name["o1"]), align(by_name["o1"], by_name["c1"])
    a, b = (compare([p], chosen_by="x", margin=3.0) for p in (pair, mirrored))
    assert a.gap == pytest.approx(-b.gap)
    assert [a.ci_low, a.ci_high] == pytest.approx([-b.ci_high, -b.ci_low])
    assert (a.se, a.n, a.p_mcnemar, a.p_wild, a.clusters) == pytest.approx(
        (b.se, b.n, b.p_mcnemar, b.p_wild, b.clusters)
    )
    assert (a.b10, a.b01) == (b.b01, b.b10)
    assert a.waterfall.wrong == pytest.approx(-b.waterfall.wrong)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), copies=st.integers(2, 4))
def test_copying_every_item_inside_its_cluster_does_not_narrow_the_clustered_interval(seed: int, copies: int) -> None:
    generator = np.random.default_rng(seed)
    n = 60
    closed, open_ = (generator.random((2, n)) < [[0.7], [0.5]]).astype(float)
    clusters = generator.integers(0, 8, n).astype(np.intp)
    once = interval(closed, open_, clusters).unadjusted
    many = interval(np.repeat(closed, copies), np.repeat(open_, copies), np.repeat(clusters, copies)).unadjusted
    if once.method.startswith("CR1"):
        assert many.high - many.low >= (once.high - once.low) * (1 - 1e-9)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, None]), st.sampled_from([0.0, 1.0, None]),
                       st.sampled_from(["ok", "truncated", "empty", "refused"])), min_size=1, max_size=30)
)  # fmt: skip
def test_the_waterfall_always_adds_up(tmp_path: Path, rows: list[tuple[float | None, float | None, str]]) -> None:
    shutil.rmtree(tmp_path / "s", ignore_errors=True)
    statuses = ["unanswered" if c is None else s for c, _, s in rows]
    write_run(tmp_path / "s", "c", "closed", {"t": Task([c for c, _, _ in rows], statuses=statuses)})  # type: ignore[arg-type]
    write_run(tmp_path / "s", "o", "open_weights", {"t": Task([o for _, o, _ in rows])})
    for gap in Store(tmp_path / "s").gap():
        assert sum(dataclasses.astuple(gap.waterfall)) == pytest.approx(gap.gap)
        assert gap.n + max(gap.missing_closed, gap.missing_open) <= len(rows)


def test_a_budget_gives_what_the_estimator_at_a_cost_gives(tmp_path: Path) -> None:
    from harness.evidence.select import within_cost
    from harness.stats.cost import gap_at_cost

    generator = np.random.default_rng(2)
    costs = {"c1": 0.9, "c2": 0.2, "c3": 0.1, "o1": 0.05, "o2": 0.15, "o3": 0.5}
    answers = {name: [float(a) for a in generator.random(80) < 0.6] for name in costs}
    for name, cost in costs.items():
        weights = "closed" if name[0] == "c" else "open_weights"
        write_run(tmp_path, name, weights, {"t": Task(answers[name], costs=[cost] * 80)})  # type: ignore[arg-type]
    rows, _ = select(gather(tmp_path)[0])
    affordable, _ = within_cost(rows[0], 0.3)
    assert affordable is not None
    ours = compare_best(affordable, margin=3.0)
    closed, open_ = ([name for name in costs if name[0] == side] for side in "co")
    theirs = gap_at_cost(
        [answers[name] for name in closed], [answers[name] for name in open_],
        [costs[name] for name in closed], [costs[name] for name in open_], 0.3,
    )  # fmt: skip
    assert theirs is not None
    assert [ours.gap, ours.boot_sd, ours.plug_in] == pytest.approx(
        [100 * theirs.mean, 100 * theirs.se, 100 * theirs.plug_in]
    )
