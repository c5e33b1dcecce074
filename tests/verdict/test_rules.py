"""From rows to a verdict: what may be compared, what is missing, which interval, what is said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from scipy import special

from harness.errors import Refused, StoreError, UnknownName, UsageError
from harness.types import CompletionStatus, WeightsLevel
from harness.verdict import Gaps, Store
from tests.verdict.stores import Task, item, write_run


def coin(n: int, share: float, seed: int) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).random(n) < share]


def both(store: Path, closed: Task, open_: Task, **options: object) -> Gaps:
    write_run(store, "c", "closed", {"task": closed})
    write_run(store, "o", "open_weights", {"task": open_})
    return Store(store).gap(**options)  # type: ignore[arg-type]


def one_line(gaps: Gaps) -> str:
    return " / ".join([*gaps.notes, *(warning for one in gaps for warning in one.warnings)])


# What is missing


def test_unanswered_items_are_dropped_on_both_sides_and_counted(tmp_path: Path) -> None:
    closed = [1.0] * 160 + [0.0] * 39 + [None]
    open_ = [None] + [1.0] * 99 + [0.0] * 100
    (gap,) = both(tmp_path, Task(closed), Task(open_))
    assert (gap.n, gap.missing_closed, gap.missing_open) == (198, 1, 1)
    assert gap.gap == pytest.approx(100 * (159 - 99) / 198)
    assert gap.verdict == "closed leads"
    assert any("at their worst the gap is" in warning for warning in gap.warnings)


def test_more_than_two_percent_missing_decides_nothing(tmp_path: Path) -> None:
    (gap,) = both(tmp_path, Task([1.0] * 90 + [None] * 10), Task([0.0] * 100))
    assert gap.verdict == "undecided"
    assert "10.0 % of the answers are missing on the closed side (limit 2 %)" in " ".join(gap.warnings)


def test_missing_items_that_would_change_the_verdict_decide_nothing(tmp_path: Path) -> None:
    closed = [1.0] * 6 + [0.0] * 994
    (gap,) = both(tmp_path, Task(closed), Task([0.0] * 998 + [None] * 2), margin=0.1)
    assert gap.ci_method == "Tango score interval"
    assert gap.ci_low > 0
    assert gap.verdict == "undecided"
    assert "would change the verdict" in " ".join(gap.warnings)


def test_an_item_that_an_import_lacks_counts_as_unanswered(tmp_path: Path) -> None:
    (gap,) = both(tmp_path, Task([1.0] * 50, planned=[item(i) for i in range(60)]), Task([0.0] * 60))
    assert (gap.n, gap.missing_closed, gap.verdict) == (50, 10, "undecided")


def test_nothing_answered_on_one_side(tmp_path: Path) -> None:
    gaps = both(tmp_path, Task([None] * 5), Task([1.0] * 5))
    assert not gaps
    assert "no item was answered by both" in one_line(gaps)
    with pytest.raises(Refused, match="no item was answered"):
        Store(tmp_path).gap("c", "o")


# The waterfall


def test_the_waterfall_splits_the_gap_exactly(tmp_path: Path) -> None:
    statuses: Sequence[CompletionStatus] = ["ok", "empty", "refused", "truncated", "truncated", "ok", "ok", "ok"]
    closed = Task([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.25, 1.0], statuses=statuses)
    open_ = Task([1.0, 1.0, 0.5, 1.0, 0.0, 1.0, 1.0, 0.0])
    (gap,) = both(tmp_path, closed, open_)
    parts = gap.waterfall
    assert parts.empty == pytest.approx(-100 / 8)
    assert parts.refused == pytest.approx(-100 / 8)
    assert parts.truncated == pytest.approx(-100 / 8), "a truncated answer that was right costs nothing"
    assert sum((parts.wrong, parts.unparsed, parts.truncated, parts.empty, parts.refused)) == pytest.approx(gap.gap)
    assert "points of the gap come from empty answers" in " ".join(gap.warnings)


# What may be compared


def test_different_protocols_are_refused_by_name_and_forced_beside_the_number(tmp_path: Path) -> None:
    write_run(tmp_path, "c", "closed", {"task": Task(coin(300, 0.6, 1))}, protocol="matched")
    write_run(tmp_path, "o", "open_weights", {"task": Task(coin(300, 0.6, 2))}, protocol="as-recommended")
    store = Store(tmp_path)
    gaps = store.gap()
    assert not gaps
    assert "nothing to compare with" in one_line(gaps)
    with pytest.raises(Refused, match=r"protocol: c matched@1 .* o as-recommended@1 .*--force"):
        store.gap("c", "o")
    (forced,) = store.gap("c", "o", force=True)
    assert forced.protocol == "matched@1 against as-recommended@1"
    assert any(warning.startswith("FORCED task: protocol") for warning in forced.warnings)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (Task([1.0] * 40, version=2), "task version"),
        (Task([1.0] * 39), "1 only with c, 0 only with o, 39 with both"),
        (Task([1.0] * 40, content="changed"), "content differs"),
        (Task([1.0] * 40, scorer="accuracy@2"), "scorer"),
    ],
)
def test_what_differs_is_refused_and_listed(tmp_path: Path, other: Task, says: str) -> None:
    write_run(tmp_path, "c", "closed", {"task": Task([1.0] * 40)})
    write_run(tmp_path, "o", "open_weights", {"task": other})
    with pytest.raises(Refused, match=says):
        Store(tmp_path).gap("c", "o")
    gaps = Store(tmp_path).gap()
    assert not gaps
    assert says in one_line(gaps)


def test_different_limits_name_the_command_that_brings_two_runs_together(tmp_path: Path) -> None:
    write_run(tmp_path, "server:o@http://h/v1", "open_weights", {"task": Task([1.0] * 20)})
    write_run(tmp_path, "c", "closed", {"task": Task([1.0] * 40)})
    with pytest.raises(Refused) as caught:
        Store(tmp_path).gap("c", "server:o@http://h/v1")
    assert (
        "20 only with c, 0 only with server:o@http://h/v1, 20 with both. `opengap eval server:o@http://h/v1 --task task "
        "--limit 40 --protocol matched` asks server:o@http://h/v1 the others' items too"
    ) in str(caught.value)


def test_an_unknown_protocol_is_printed_not_refused(tmp_path: Path) -> None:
    write_run(tmp_path, "c", "closed", {"task": Task(coin(300, 0.9, 1), content="")})
    write_run(
        tmp_path,
        "o",
        "open_weights",
        {"task": Task(coin(300, 0.5, 2), content="")},
        protocol="x",
        provenance="import:items",
    )
    (gap,) = Store(tmp_path).gap()
    assert gap.verdict == "closed leads"
    assert any("unknown (import:items)" in warning for warning in gap.warnings)


def test_only_one_side_or_one_system(tmp_path: Path) -> None:
    write_run(tmp_path, "c", "closed", {"task": Task([1.0, 0.0])})
    gaps = Store(tmp_path).gap()
    assert not gaps
    assert "only the closed side has results" in one_line(gaps)
    assert gaps.frame.empty
    with pytest.raises(UnknownName, match="unknown system 'nobody'"):
        Store(tmp_path).gap("nobody", "c")
    with pytest.raises(UsageError, match="give it with --closed"):
        Store(tmp_path).gap(None, "c")
    with pytest.raises(StoreError, match="no store"):
        Store(tmp_path / "nowhere")


def _of_each_level(store: Path) -> Store:
    for number, level in enumerate(get_args(WeightsLevel)):
        write_run(store, f"{level}-model", level, {"task": Task(coin(300, 0.5, number))})
    write_run(store, "other-model", "open_weights", {"task": Task(coin(300, 0.5, 9))})
    return Store(store)


def test_weights_that_can_be_had_count_as_open(tmp_path: Path) -> None:
    gaps = _of_each_level(tmp_path).gap()
    (gap,) = gaps
    assert set((gap.candidates or {})["open"]) == {
        "restricted-model", "open_weights-model", "open_with_data-model", "other-model",
    }  # fmt: skip
    assert gap.open_from == "restricted"
    assert gaps.openness == (
        "open = weights can be had, restricted licences included; --open-from open_weights would leave 3 of 4 open "
        "systems, --open-from open_with_data would leave 1"
    )


def test_a_stricter_rule_leaves_out_and_never_calls_closed(tmp_path: Path) -> None:
    store = _of_each_level(tmp_path)
    gaps = store.gap(open_from="open_weights")
    (gap,) = gaps
    assert set((gap.candidates or {})["open"]) == {"open_weights-model", "open_with_data-model", "other-model"}
    assert (gap.closed, gap.open_from) == ("closed-model", "open_weights")
    assert "left out by --open-from open_weights: restricted-model (restricted)" in gaps.notes
    assert gaps.openness.endswith("; --open-from open_with_data would leave 1 of 3 open systems")
    (gap,) = store.gap(open_from="open_with_data")
    assert (gap.open, gap.open_from) == ("open_with_data-model", "open_with_data")
    with pytest.raises(UsageError, match="restricted-model is left out by --open-from open_weights"):
        store.gap(open="restricted-model", open_from="open_weights")
    with pytest.raises(UnknownName, match="did you mean open_weights"):
        store.gap(open_from="open_weight")  # type: ignore[arg-type]


def test_a_prefix_names_a_stored_system_and_it_is_said_which(tmp_path: Path) -> None:
    write_run(tmp_path, "openai:gpt-5.2,effort=high", "closed", {"task": Task(coin(40, 0.5, 1))}, card="gpt-5.2")
    write_run(tmp_path, "vllm:qwen3-8b", "open_weights", {"task": Task(coin(40, 0.5, 2))}, card="qwen3-8b")
    gaps = Store(tmp_path).gap("gpt-5.2", "qwen")
    (gap,) = gaps
    assert (gap.closed, gap.open) == ("openai:gpt-5.2,effort=high", "vllm:qwen3-8b")
    assert "'gpt-5.2' was taken as openai:gpt-5.2,effort=high" in gaps.notes
    assert "'qwen' was taken as vllm:qwen3-8b" in gaps.notes
    with pytest.raises(UnknownName, match="unknown system 'gpt-5'"):
        Store(tmp_path).gap("gpt-5")


def test_a_task_that_does_not_apply_is_listed(tmp_path: Path) -> None:
    write_run(tmp_path, "c", "closed", {"task": Task([1.0, 0.0])})
    write_run(tmp_path, "o", "open_weights", {"task": Task([1.0, 0.0])}, not_applicable={"task": "too long"})
    gaps = Store(tmp_path).gap()
    assert not gaps
    assert "task does not apply to o: too long" in gaps.notes


def test_the_latest_run_counts(tmp_path: Path) -> None:
    write_run(tmp_path, "c", "closed", {"task": Task([0.0] * 40)}, started="2026-01-01T00:00:00+00:00")
    write_run(tmp_path, "c", "closed", {"task": Task([1.0] * 40)}, started="2026-02-01T00:00:00+00:00")
    write_run(tmp_path, "o", "open_weights", {"task": Task([0.0] * 39 + [1.0])})
    (gap,) = Store(tmp_path).gap()
    assert gap.score_closed == 100
    assert gap.gap == pytest.approx(97.5)


def test_a_damaged_receipt_is_passed_over_and_named(tmp_path: Path) -> None:
    run = write_run(tmp_path, "c", "closed", {"task": Task([1.0] * 40)})
    write_run(tmp_path, "o", "open_weights", {"task": Task([0.0] * 40)})
    run.receipt.write_text("{")
    gaps = Store(tmp_path).gap()
    assert not gaps
    assert "cannot read" in one_line(gaps)


def test_a_run_that_stopped_when_decided_gets_no_fixed_n_interval(tmp_path: Path) -> None:
    write_run(tmp_path, "c", "closed", {"task": Task([1.0] * 40)}, rule="E7, level 0.95")
    write_run(tmp_path, "o", "open_weights", {"task": Task([0.0] * 40)})
    gaps = Store(tmp_path).gap()
    assert not gaps
    assert "no fixed-n interval" in one_line(gaps)


# Degenerate samples


def test_one_item_decides_nothing(tmp_path: Path) -> None:
    (gap,) = both(tmp_path, Task([0.75]), Task([0.25]))
    assert gap.gap == 50
    assert math.isnan(gap.se)
    assert gap.verdict == "undecided"
    assert "there is one item" in " ".join(gap.warnings)


def test_an_approximate_interval_of_few_items_decides_nothing(tmp_path: Path) -> None:
    (gap,) = both(tmp_path, Task([1.0] * 5), Task([0.0] * 5))
    assert (gap.verdict, gap.p_mcnemar) == ("undecided", 0.0625)
    assert gap.ci_low > 0, "Tango's interval alone would call it a lead"
    assert "5 of 5 items differ: too few" in " ".join(gap.warnings)


@pytest.mark.parametrize(
    ("closed", "open_"),
    [
        ([0.5, 0.5, 0.501], [0.5] * 3),
        ([0.5] * 34 + [0.51], [0.5] * 35),
        ([0.6, 0.61], [0.5, 0.5]),
        ([1.0, 1.0, 0.75] + [1.0] * 37, [1.0] * 40),
    ],
)
def test_a_verdict_needs_items_that_differ(closed: list[float], open_: list[float], tmp_path: Path) -> None:
    """A t interval of a few nearly equal differences is narrow by luck: it is no evidence of a lead or of equality."""
    (gap,) = both(tmp_path, Task(closed), Task(open_))
    assert gap.verdict == "undecided"
    assert "items differ" in " ".join(gap.warnings)


def test_declaring_clusters_does_not_make_equality_certain(tmp_path: Path) -> None:
    pairs = [str(i // 2) for i in range(140)]
    (gap,) = both(tmp_path, Task([1.0] * 140, clusters=pairs), Task([1.0] * 139 + [0.0], clusters=pairs))
    assert gap.verdict == "undecided"


def test_a_tiny_task_cannot_decide_for_a_large_one(tmp_path: Path) -> None:
    """A task of three items pulls the mean by 50 points, and its interval is skewed: the verdict does not stand."""
    large = coin(1000, 0.5, 1)
    write_run(tmp_path, "C", "closed", {"a": Task(large), "b": Task([1.0] * 3)})
    write_run(tmp_path, "O", "open_weights", {"a": Task(large[::-1]), "b": Task([0.0] * 3)})
    (gap,) = Store(tmp_path).gap()
    assert gap.gap > 40
    assert gap.verdict == "undecided"
    assert "b: 3 of 3 items differ" in " ".join(gap.warnings)
    assert "items by task: a 1000, b 3" in gap.warnings


def test_equal_fractional_scores_decide_nothing(tmp_path: Path) -> None:
    (gap,) = both(tmp_path, Task([0.5] * 50), Task([0.5] * 50))
    assert (gap.gap, gap.verdict) == (0, "undecided")
    assert "all differences are equal" in " ".join(gap.warnings)


def test_equal_answers_to_many_independent_items_are_equivalent(tmp_path: Path) -> None:
    (gap,) = both(tmp_path, Task([1.0, 0.0] * 200), Task([1.0, 0.0] * 200))
    assert (gap.ci_method, gap.verdict) == ("Tango score interval", "equivalent")
    assert gap.ci_low < 0 < gap.ci_high


def test_one_cluster_says_that_clustering_cannot_be_judged(tmp_path: Path) -> None:
    (gap,) = both(
        tmp_path, Task(coin(300, 0.9, 1), clusters=["all"] * 300), Task(coin(300, 0.5, 2), clusters=["all"] * 300)
    )
    assert gap.ci_method == "paired t"
    assert math.isnan(gap.se_clustered)
    assert gap.ci_low > 0
    assert gap.verdict == "undecided"
    assert "effectively 1.0 clusters, so whether they agree cannot be judged" in " ".join(gap.warnings)


# Best against best


def several(store: Path, n: int = 240, **options: object) -> Gaps:
    for name, weights, share in (
        ("c1", "closed", 0.8),
        ("c2", "closed", 0.78),
        ("o1", "open_weights", 0.5),
        ("o2", "open_weights", 0.6),
    ):
        write_run(store, name, weights, {"task": Task(coin(n, share, ord(name[1]) + len(weights)))})  # type: ignore[arg-type]
    return Store(store).gap(**options)  # type: ignore[arg-type]


def test_best_against_best_is_cross_fitted_and_names_the_rule(tmp_path: Path) -> None:
    (gap,) = several(tmp_path)
    assert gap.chosen_by == "best against best, cross-fitted"
    assert gap.plug_in is not None
    assert gap.boot_sd is not None
    assert gap.gap <= gap.plug_in + 2
    assert gap.ci_high - gap.ci_low == pytest.approx(2 * 1.959964 * gap.boot_sd, rel=1e-6)
    assert len(gap.runs) == 4
    (named,) = Store(tmp_path).gap("c1")
    assert named.chosen_by == "c1 named; best against best, cross-fitted"


def test_a_candidate_with_many_missing_answers_is_named_and_may_keep_the_verdict_open(tmp_path: Path) -> None:
    (before,) = several(tmp_path)
    assert before.verdict == "closed leads"
    write_run(tmp_path, "o3", "open_weights", {"task": Task([0.0] * 200 + [None] * 40)})
    (weak,) = Store(tmp_path).gap()
    assert (weak.gap, weak.verdict, weak.n) == (before.gap, "closed leads", 240)
    assert "o3 is no candidate: 16.7 % of its answers are missing" in " ".join(weak.warnings)
    write_run(
        tmp_path, "o3", "open_weights", {"task": Task([1.0] * 200 + [None] * 40)}, started="2026-04-01T00:00:00+00:00"
    )
    (strong,) = Store(tmp_path).gap()
    assert strong.verdict == "undecided"
    assert "could have 100.0" in " ".join(strong.warnings)


def test_items_that_one_candidate_lacks_are_left_out_for_all(tmp_path: Path) -> None:
    several(tmp_path)
    write_run(
        tmp_path, "o2", "open_weights", {"task": Task([None, *coin(239, 0.6, 5)])}, started="2026-04-01T00:00:00+00:00"
    )
    (gap,) = Store(tmp_path).gap()
    assert (gap.n, gap.missing_open, gap.missing_closed) == (239, 1, 0)
    assert "at their worst the gap is" in " ".join(gap.warnings)


def test_variants_of_one_model_are_named(tmp_path: Path) -> None:
    several(tmp_path)
    write_run(tmp_path, "c1,effort=high", "closed", {"task": Task(coin(240, 0.8, 9))}, card="c1")
    (gap,) = Store(tmp_path).gap()
    assert any("variants of one model (c1): c1, c1,effort=high" in warning for warning in gap.warnings)


def test_a_budget_keeps_the_dear_out(tmp_path: Path) -> None:
    for name, weights, cost in (
        ("c1", "closed", 1.0),
        ("c2", "closed", 0.1),
        ("o1", "open_weights", 0.05),
        ("o2", "open_weights", None),
    ):
        write_run(tmp_path, name, weights, {"task": Task(coin(240, 0.6, ord(name[1])), costs=[cost] * 240)})  # type: ignore[arg-type]
    store = Store(tmp_path)
    gaps = store.gap(at_cost=0.2)
    assert (gaps[0].closed, gaps[0].open, gaps[0].plug_in) == ("c2", "o1", None)
    assert "cost is not known, so left out: o2" in one_line(gaps)
    none = store.gap(at_cost=0.01)
    assert not none
    assert "the cheapest is c2 at $0.10" in one_line(none)


def test_a_handful_of_items_decides_no_best_of_several(tmp_path: Path) -> None:
    for name in ("c1", "c2"):
        write_run(tmp_path, name, "closed", {"task": Task([1.0, 1.0, 1.0, 0.0])})
    for name in ("o1", "o2"):
        write_run(tmp_path, name, "open_weights", {"task": Task([0.0] * 4)})
    (gap,) = Store(tmp_path).gap()
    assert gap.verdict == "undecided"
    assert "3 of 4 items differ" in " ".join(gap.warnings)


def test_a_tiny_task_does_not_carry_a_best_of_several(tmp_path: Path) -> None:
    alike, right, wrong = [1.0, 0.0] * 100, [1.0] * 3, [0.0] * 3
    for name in ("c1", "c2"):
        write_run(tmp_path, name, "closed", {"a": Task([*alike]), "b": Task([*right])})
    for name in ("o1", "o2"):
        write_run(tmp_path, name, "open_weights", {"a": Task([*alike]), "b": Task([*wrong])})
    (gap,) = Store(tmp_path).gap()
    assert gap.gap == pytest.approx(50, abs=0.2)
    assert gap.verdict == "undecided"
    assert "b: 3 of 3 items differ" in " ".join(gap.warnings)


# Several tasks


def test_tasks_of_a_dimension_weigh_equally(tmp_path: Path) -> None:
    closed = {"a": Task([1.0] * 30 + [0.0] * 70), "b": Task([0.75, 0.25] * 20)}
    open_ = {"a": Task([1.0] * 10 + [0.0] * 90), "b": Task([0.5, 0.25] * 20)}
    write_run(tmp_path, "c", "closed", closed)
    write_run(tmp_path, "o", "open_weights", open_)
    (gap,) = Store(tmp_path).gap()
    assert gap.tasks == ("a", "b")
    assert gap.gap == pytest.approx((20 + 12.5) / 2)
    alone = {one.task: one for one in Store(tmp_path).gap(by_task=True)}
    assert gap.se == pytest.approx(math.hypot(alone["a"].se, alone["b"].se) / 2)
    assert alone["a"].ci_simultaneous[1] > alone["a"].ci_high, "two rows: wider"
    only_a = {"a": Task([1.0] * 60 + [0.0] * 40)}
    write_run(tmp_path, "c2", "closed", only_a)
    (still,) = Store(tmp_path).gap()
    assert still.closed == "c"
    assert "left out, since not all of a, b were asked: c2" in " ".join(still.warnings)


def test_tasks_without_a_common_pair_stand_in_rows_of_their_own(tmp_path: Path) -> None:
    for task, systems in (("a", ("c1", "o1")), ("b", ("c2", "o2"))):
        for name in systems:
            weights = "closed" if name.startswith("c") else "open_weights"
            write_run(tmp_path, name, weights, {task: Task(coin(60, 0.5, len(task)))})  # type: ignore[arg-type]
    gaps = Store(tmp_path).gap()
    assert [(one.task, one.closed) for one in gaps] == [("a", "c1"), ("b", "c2")]


def test_repeats_are_averaged_and_the_item_is_the_unit(tmp_path: Path) -> None:
    closed: list[list[float | None]] = [[1.0, 0.0], [1.0, 1.0], [0.0, None]] * 20
    (gap,) = both(tmp_path, Task(closed), Task([[0.0, 0.0]] * 60))
    assert gap.n == 60
    assert gap.score_closed == pytest.approx(50)
    assert gap.missing_closed == 20, "each of these items lacks an answer"
    assert "16.7 % of the answers are missing on the closed side" in " ".join(gap.warnings)


def test_answers_that_are_missing_not_at_random_make_no_lead(tmp_path: Path) -> None:
    """Two equal systems, asked three times; of the open one's wrong answers many are lost."""
    chance = np.random.default_rng(0)
    closed, open_ = (chance.random((200, 3)) < 0.5 for _ in range(2))
    lost: list[list[float | None]] = [
        [float(row[0]), *(1.0 if right else None for right in row[1:])] for row in open_.tolist()
    ]
    (gap,) = both(tmp_path, Task(closed.astype(float).tolist()), Task(lost))
    assert gap.gap < -20
    assert gap.missing_open > 100
    assert gap.verdict == "undecided"


def test_a_few_missing_repeats_are_met_at_their_worst(tmp_path: Path) -> None:
    scores: list[list[float | None]] = [[1.0, 1.0, 0.0]] * 199
    (gap,) = both(tmp_path, Task([*scores, [1.0, None, 0.0]]), Task([[0.0, 0.0, 0.0]] * 100 + [[1.0, 1.0, 0.0]] * 100))
    assert (gap.n, gap.missing_closed) == (200, 1)
    (worst,) = [warning for warning in gap.warnings if "at their worst" in warning]
    low, high = (100 * (199 * 2 / 3 + best / 3) / 200 - 100 / 3 for best in (1, 2))
    assert f"the gap is {low:+.1f} to {high:+.1f}" in worst
    assert gap.verdict == "closed leads"


def test_a_smaller_later_run_is_said_to_hide_a_larger_one(tmp_path: Path) -> None:
    full = write_run(tmp_path, "a", "closed", {"t": Task([1.0, 0.0] * 30)}, started="2026-03-01T10:00:00+00:00")
    write_run(
        tmp_path, "a", "closed", {"t": Task([1.0, 0.0] * 5, content="fewer")}, started="2026-03-02T10:00:00+00:00"
    )
    write_run(tmp_path, "b", "open_weights", {"t": Task([1.0, 0.0] * 30)})
    told = f"a on t: its latest run counts, with 10 items; {full.run_id} had 60"
    assert told in Store(tmp_path).gap().notes
    write_run(
        tmp_path, "b", "open_weights", {"t": Task([1.0, 0.0] * 5, content="fewer")}, started="2026-03-03T10:00:00+00:00"
    )
    (gap,) = Store(tmp_path).gap()
    assert told in gap.warnings


def test_a_smaller_import_is_said_to_hide_a_larger_one(tmp_path: Path) -> None:
    for day, n in (("2026-03-01", 60), ("2026-03-02", 10)):
        for name, weights in (("a", "closed"), ("b", "open_weights")):
            task = Task(coin(n, 0.5, 1), content="")
            write_run(tmp_path, name, weights, {"t": task}, provenance="import:items", started=f"{day}T10:00:00+00:00")  # type: ignore[arg-type]
    (gap,) = Store(tmp_path).gap()
    assert gap.n == 10
    assert any(warning.startswith("a on t: its latest run counts, with 10 items") for warning in gap.warnings)


# Systems that were not asked just the same


def test_an_import_that_lacks_one_row_stays_a_candidate(tmp_path: Path) -> None:
    for name, weights, share in (
        ("C", "closed", 0.76),
        ("O-mid", "open_weights", 0.5),
        ("O-best", "open_weights", 0.9),
    ):
        n = 299 if name == "O-best" else 300
        write_run(tmp_path, name, weights, {"t": Task(coin(n, share, 1), content="")}, provenance="import:items")  # type: ignore[arg-type]
    (gap,) = Store(tmp_path).gap()
    assert (gap.open, gap.missing_open, gap.n) == ("O-best", 1, 299)
    assert gap.verdict == "open leads"
    assert gap.chosen_by == "best against best, cross-fitted"


def test_what_is_left_out_is_told_beside_the_number(tmp_path: Path) -> None:
    for name, weights, n in (("C", "closed", 300), ("O-mid", "open_weights", 300), ("O-best", "open_weights", 150)):
        share = {"C": 0.76, "O-mid": 0.5, "O-best": 1.0}[name]
        write_run(tmp_path, name, weights, {"t": Task(coin(n, share, 1))})  # type: ignore[arg-type]
    (gap,) = Store(tmp_path).gap()
    assert (gap.open, gap.chosen_by) == ("O-mid", "only ones, of those comparable")
    assert any("left out" in warning and "O-best (100.0 on its own 150 items)" in warning for warning in gap.warnings)


def test_no_lead_rests_on_names(tmp_path: Path) -> None:
    """Half-samples of few items often tie. The first name is chosen then, and a lead must hold without that too."""
    seen = set()
    for seed in range(40):
        chance = np.random.default_rng(seed)
        columns = [
            (chance.random(60) < share).astype(float).tolist() for share in (0.66, 0.66, 0.66, 0.66, 0.5, 0.5, 0.5)
        ]
        for place, names in enumerate(("abcd", "dcba")):
            store = tmp_path / f"{seed}-{place}"
            for name, column in zip(names, columns[:4], strict=True):
                write_run(store, name, "closed", {"t": Task(column)})
            for name, column in zip(names, columns[4:], strict=False):
                write_run(store, f"o{name}", "open_weights", {"t": Task(column)})
            (gap,) = Store(store).gap()
            seen.add((gap.verdict, any("equally good candidates" in warning for warning in gap.warnings)))
    assert ("undecided", True) in seen, "names alone would have made a lead"
    assert ("closed leads", True) not in seen


def test_the_scores_beside_a_best_of_several_add_up(tmp_path: Path) -> None:
    (gap,) = several(tmp_path)
    assert gap.cross_closed is not None
    assert gap.cross_open is not None
    assert gap.plug_in is not None
    assert gap.cross_closed - gap.cross_open == pytest.approx(gap.gap)
    assert gap.score_closed - gap.score_open == pytest.approx(gap.plug_in)
    assert math.isnan(gap.se), "what belongs to one pair is not shown for the best of several"
    assert gap.b10 is None


def test_two_clusters_decide_nothing_whatever_is_compared(tmp_path: Path) -> None:
    halves = ["a"] * 60 + ["b"] * 60
    for name, weights, share in (
        ("c1", "closed", 0.9),
        ("c2", "closed", 0.9),
        ("o1", "open_weights", 0.2),
        ("o2", "open_weights", 0.2),
    ):
        write_run(tmp_path, name, weights, {"t": Task(coin(120, share, ord(name[1])), clusters=halves)})  # type: ignore[arg-type]
    (gap,) = Store(tmp_path).gap()
    assert gap.gap > 50
    assert gap.verdict == "undecided"
    assert "cannot be judged" in " ".join(gap.warnings)


def test_a_lead_inside_the_margin_is_called_equivalent_and_said(tmp_path: Path) -> None:
    closed = [1.0] * 60 + [0.0] * 4940
    (gap,) = both(tmp_path, Task(closed), Task([0.0] * 5000))
    assert gap.verdict == "equivalent"
    assert "closed is ahead, by less than the margin of 3 points" in gap.warnings


def test_imported_tasks_that_share_items_are_told(tmp_path: Path) -> None:
    for name, weights in (("c", "closed"), ("o", "open_weights")):
        tasks = {task: Task(coin(40, 0.5, ord(name)), content="") for task in ("a", "b")}
        write_run(tmp_path, name, weights, tasks, provenance="import:items")  # type: ignore[arg-type]
    (gap,) = Store(tmp_path).gap()
    assert any("a and b share 40 item ids" in warning for warning in gap.warnings)


def test_imported_names_that_sound_like_variants_are_told(tmp_path: Path) -> None:
    for name in ("GPT-5 (2025-08-07) (high)", "GPT-5 (2025-08-07) (low)", "GPT-5 mini"):
        write_run(tmp_path, name, "closed", {"t": Task(coin(60, 0.6, len(name)))}, provenance="import:items")
    write_run(tmp_path, "o", "open_weights", {"t": Task(coin(60, 0.5, 1))}, provenance="import:items")
    (gap,) = Store(tmp_path).gap()
    (told,) = [warning for warning in gap.warnings if "variants" in warning]
    assert told.startswith("2 candidates may by their names be variants of one model (GPT-5)")


def test_scores_waterfall_and_difference_of_the_two_named_are_of_the_same_items(tmp_path: Path) -> None:
    """A third system lacks answers that the two named have; what they lack themselves is what counts as missing."""
    rng = np.random.default_rng(3)
    for name, weights, share, lost in (
        ("c1", "closed", 0.8, {1, 2}),
        ("c2", "closed", 0.5, {9, 10, 11}),
        ("o1", "open_weights", 0.6, {5}),
        ("o2", "open_weights", 0.4, ()),
    ):
        marks = [None if i in lost else float(mark) for i, mark in enumerate(rng.random(240) < share)]
        write_run(tmp_path, name, weights, {"task": Task(marks)})  # type: ignore[arg-type]
    (gap,) = Store(tmp_path).gap()
    assert (gap.closed, gap.open, gap.n, gap.missing_closed, gap.missing_open) == ("c1", "o1", 234, 2, 1)
    assert gap.score_closed - gap.score_open == pytest.approx(gap.plug_in)
    assert sum(getattr(gap.waterfall, part) for part in gap.waterfall.__slots__) == pytest.approx(gap.plug_in)


def in_clusters(store: Path, systems: dict[str, tuple[WeightsLevel, float]], clusters: Sequence[str]) -> None:
    """Task a: 1,000 independent items, all right alike 3 in 5; task b in clusters, with the given share right in each."""
    whole = len(clusters)
    for name, (weights, share) in systems.items():
        b = [float((7 * i) % 100 < 100 * share) for i in range(whole)]
        write_run(store, name, weights, {"a": Task(coin(1_000, 0.6, ord(name[-1]))), "b": Task(b, clusters=clusters)})


@pytest.mark.parametrize("sizes", [(200, 200), (390, 10)])
def test_few_clusters_in_one_task_are_not_hidden_by_the_items_of_another(
    tmp_path: Path, sizes: tuple[int, int]
) -> None:
    """A hopeless third candidate makes a best of several, in which the 1,000 items of the other task are no clusters."""
    labels = ["x"] * sizes[0] + ["y"] * sizes[1]
    in_clusters(tmp_path, {"c1": ("closed", 0.6), "c2": ("closed", 0.1), "o3": ("open_weights", 0.4)}, labels)
    (best,) = Store(tmp_path).gap()
    assert best.verdict == "undecided"
    assert best.ci_simultaneous[0] > 0, "the interval alone would decide"
    said = " ".join(best.warnings)
    assert "b: few clusters (effective number" in said
    assert "b: effectively" in said


def test_few_clusters_in_one_task_of_a_best_of_several_are_told(tmp_path: Path) -> None:
    labels = [f"g{i % 12}" for i in range(400)]
    in_clusters(tmp_path, {"c1": ("closed", 0.7), "c2": ("closed", 0.1), "o3": ("open_weights", 0.4)}, labels)
    (best,) = Store(tmp_path).gap()
    assert best.verdict == "closed leads"
    assert "b: few clusters (effective number 12.0): the interval is rough" in best.warnings


def test_many_close_candidates_of_one_side_make_no_lead_of_the_other(tmp_path: Path) -> None:
    """Fifteen open systems, one as good as the closed one: half of the items often choose another of them."""
    chance = np.random.default_rng(6)
    difficulty = chance.normal(size=400)
    for place, share in enumerate([0.6, 0.6] + [0.57] * 14):
        right = math.sqrt(0.6) * difficulty + math.sqrt(0.4) * chance.normal(size=400) < special.ndtri(share)
        name, weights = ("c", "closed") if place == 0 else (f"o{place:02d}", "open_weights")
        write_run(tmp_path, name, weights, {"t": Task(right.astype(float).tolist())})  # type: ignore[arg-type]
    (gap,) = Store(tmp_path).gap()
    assert gap.ci_simultaneous[0] > 0, "cross-fitted, closed is ahead"
    assert gap.verdict == "undecided"
    assert "with each side's best on all of them, +2.0 points apart, the verdict would be another" in " ".join(
        gap.warnings
    )
