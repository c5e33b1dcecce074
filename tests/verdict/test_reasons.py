"""Reasons are data: each kind is made by some results, and no verdict rests on the words of any."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import special

from harness import catalogue
from harness.cli.gap import command
from harness.evidence.alignment import align
from harness.evidence.gather import gather
from harness.report import facts as facts_of
from harness.report import words as report_words
from harness.studies.switch import compare_change
from harness.types import Comparison, Reason, ReasonKind, WeightsLevel
from harness.verdict import Store, words
from harness.verdict.export import comparisons_csv, markdown, pairs_csv
from harness.verdict.pair import compare
from tests.verdict.stores import Task, write_run

Make = Callable[[Path], Sequence[Reason]]
LATER = "2026-04-01T00:00:00+00:00"


def coin(n: int, share: float, seed: int) -> list[float]:
    return [float(value < share) for value in np.random.default_rng(seed).random(n)]


def gap(store: Path, **options: Any) -> Sequence[Reason]:
    return [reason for one in Store(store).gap(**options) for reason in one.reasons]


def two(closed: Mapping[str, Task] | Task, open_: Mapping[str, Task] | Task, **more: Any) -> Make:
    """What a gap of two systems says."""
    options = {name: more.pop(name) for name in ("margin", "force") if name in more}

    def make(store: Path) -> Sequence[Reason]:
        for name, weights, tasks in (("c", "closed", closed), ("o", "open_weights", open_)):
            write_run(store, name, weights, {"t": tasks} if isinstance(tasks, Task) else tasks, **more)  # type: ignore[arg-type]
        return gap(store, **options)

    return make


def several(*more: tuple[str, WeightsLevel, Task]) -> Make:
    """What a best of two closed and two open systems says, and of more of them."""

    def make(store: Path) -> Sequence[Reason]:
        shares: list[tuple[str, WeightsLevel, float]] = [
            ("c1", "closed", 0.8), ("c2", "closed", 0.78), ("o1", "open_weights", 0.5), ("o2", "open_weights", 0.6),
        ]  # fmt: skip
        for place, (name, weights, share) in enumerate(shares):
            write_run(store, name, weights, {"t": Task(coin(240, share, place))})
        for name, weights, task in more:
            write_run(store, name, weights, {"t": task}, card=name.partition(",")[0], started=LATER)
        return gap(store)

    return make


def close_candidates(store: Path) -> Sequence[Reason]:
    """Fifteen open systems, one as good as the closed one."""
    chance = np.random.default_rng(6)
    difficulty = chance.normal(size=400)
    for place, share in enumerate([0.6, 0.6] + [0.57] * 14):
        right = math.sqrt(0.6) * difficulty + math.sqrt(0.4) * chance.normal(size=400) < special.ndtri(share)
        name, weights = ("c", "closed") if place == 0 else (f"o{place:02d}", "open_weights")
        write_run(store, name, weights, {"t": Task(right.astype(float).tolist())})  # type: ignore[arg-type]
    return gap(store)


def skewed() -> tuple[Task, Task]:
    """A side that fails rarely and wholly, by its skewness more often than its interval knows."""
    chance = np.random.default_rng(1)
    open_ = chance.normal(0.86, 0.02, 300)
    closed = np.where(np.arange(300) % 43 == 0, 0.0, chance.normal(0.9, 0.02, 300))
    return Task(closed.tolist()), Task(open_.tolist())


def clusters_that_disagree() -> tuple[Task, Task]:
    """Eight clusters in which the lead is of unequal size: the wild-cluster p is 0.094."""
    chance = np.random.default_rng(0)
    groups = int(chance.integers(4, 9))
    sizes = chance.integers(10, 60, groups)
    lead = np.repeat(chance.normal(0.1, 0.08, groups), sizes)
    names = [f"g{place}" for place, size in enumerate(sizes) for _ in range(size)]
    closed = np.clip(0.5 + lead + chance.normal(0, 0.05, sizes.sum()), 0, 1)
    return Task(closed.tolist(), clusters=names), Task([0.5] * closed.size, clusters=names)


def smaller_than_before(store: Path) -> Sequence[Reason]:
    write_run(store, "a", "closed", {"t": Task([1.0, 0.0] * 30)})
    for name, weights in (("a", "closed"), ("b", "open_weights")):
        write_run(store, name, weights, {"t": Task([1.0, 0.0] * 5, content="fewer")}, started=LATER)  # type: ignore[arg-type]
    return gap(store)


def not_all_tasks(store: Path) -> Sequence[Reason]:
    for name, weights in (("c", "closed"), ("o", "open_weights")):
        write_run(store, name, weights, {task: Task(coin(60, 0.5, 1)) for task in "ab"})  # type: ignore[arg-type]
    write_run(store, "c2", "closed", {"a": Task(coin(60, 0.9, 2))})
    return gap(store)


def not_alike(store: Path) -> Sequence[Reason]:
    for name, weights, n in (("c", "closed", 300), ("o", "open_weights", 300), ("o2", "open_weights", 150)):
        write_run(store, name, weights, {"t": Task(coin(n, 0.6, 1))})  # type: ignore[arg-type]
    return gap(store)


def of_the_tasks(store: Path) -> Sequence[Reason]:
    several()(store)
    return [reason for one in facts_of.gather(store).tasks for reason in one.gap.reasons]


def level_changed(store: Path) -> Sequence[Reason]:
    """Stored as closed, while the catalogue has its weights open."""
    card = next(card.id for card in catalogue.cards().values() if catalogue.weights_at(card) == "open_weights")
    write_run(store, "c", "closed", {"t": Task(coin(60, 0.5, 1))}, card=card)
    write_run(store, "o", "open_weights", {"t": Task(coin(60, 0.5, 2))})
    return gap(store)


def older_than_cutoff(store: Path) -> Sequence[Reason]:
    card = next(
        card.id for card in catalogue.cards().values() if card.cutoff and catalogue.weights_at(card) == "closed"
    )
    write_run(store, "c", "closed", {"t": Task(coin(60, 0.5, 1), published_on="2019-01-01")}, card=card)
    write_run(store, "o", "open_weights", {"t": Task(coin(60, 0.5, 2), published_on="2019-01-01")})
    return gap(store)


EVEN = Task(coin(60, 0.5, 1))
GRADED = (0.9 + 0.001 * (np.arange(75) % 10)).tolist()
MADE: Mapping[ReasonKind, Make] = {
    "few_discordant": two(Task([1.0] * 5), Task([0.0] * 5)),
    "rare_failures": two(Task(GRADED), Task(GRADED[::-1])),
    "skewed": two(*skewed(), margin=1),
    "clusters_disagree": two(*clusters_that_disagree()),
    "too_few_clusters": two(Task(coin(60, 0.9, 1), clusters=["x"] * 60), Task(coin(60, 0.1, 2), clusters=["x"] * 60)),
    "no_width": two(Task([0.5] * 80), Task([0.25] * 80)),
    "choice_of_best": close_candidates,
    "missing": two(Task([1.0] * 90 + [None] * 10), Task([0.0] * 100)),
    "missing_at_worst": two(Task([*coin(300, 0.62, 2)[:295], *[None] * 5]), Task(coin(300, 0.5, 1001))),
    "candidate_left_out": several(("o3", "open_weights", Task([1.0] * 200 + [None] * 40))),
    "few_items": two(Task([0.1, 0.9] * 10), Task([0.2, 0.3, 0.5, 0.1] * 5)),
    "few_clusters": two(
        Task(coin(120, 0.9, 1), clusters=[str(i % 12) for i in range(120)]),
        Task(coin(120, 0.1, 2), clusters=[str(i % 12) for i in range(120)]),
    ),
    "ahead_within_margin": two(Task([1.0] * 60 + [0.0] * 4940), Task([0.0] * 5000)),
    "items_by_task": two({"a": EVEN, "b": EVEN}, {"a": EVEN, "b": Task(coin(60, 0.4, 3))}),
    "items_left_out": several(("o2", "open_weights", Task([None, *coin(239, 0.6, 5)]))),
    "not_candidate": several(("o3", "open_weights", Task([0.0] * 200 + [None] * 40))),
    "variants": several(("c1,effort=high", "closed", Task(coin(240, 0.8, 9)))),
    "not_all_tasks": not_all_tasks,
    "not_alike": not_alike,
    "forced": two(EVEN, Task(coin(60, 0.4, 3), version=2), force=True),
    "chosen_on_these_items": of_the_tasks,
    "protocol_unknown": two(EVEN, Task(coin(60, 0.4, 3)), provenance="import:items"),
    "ceiling": two(Task([1.0] * 60), Task([1.0] * 58 + [0.0] * 2)),
    "floor": two(Task([0.0] * 60), Task([0.0] * 58 + [1.0] * 2)),
    "plumbing": two(Task([1.0] * 60), Task([1.0] * 30 + [0.0] * 30, statuses=[*["ok"] * 30, *["empty"] * 30])),  # type: ignore[list-item]
    "missing_unequally": two(Task([1.0] * 90 + [None] * 10), Task([0.0] * 100)),
    "smaller_than_before": smaller_than_before,
    "older_than_cutoff": older_than_cutoff,
    "shared_items": two(
        {"a": EVEN, "b": EVEN}, {"a": EVEN, "b": Task(coin(60, 0.4, 3))}, provenance="import:items"
    ),
    "level_changed": level_changed,
    "another_model": two(EVEN, Task(coin(60, 0.4, 3)), reported_models={"another": 60}),
    "several_models": two(EVEN, Task(coin(60, 0.4, 3)), reported_models={"another": 30, "third": 30}),
    "several_fingerprints": two(EVEN, Task(coin(60, 0.4, 3)), fingerprints={"fp_1": 30, "fp_2": 30}),
}  # fmt: skip
OVERRULE: set[ReasonKind] = {
    "few_discordant", "rare_failures", "skewed", "clusters_disagree", "too_few_clusters", "no_width", "choice_of_best",
    "missing", "missing_at_worst", "candidate_left_out",
}  # fmt: skip


@pytest.mark.parametrize("kind", get_args(ReasonKind))
def test_each_kind_of_reason_is_made_and_has_words(kind: ReasonKind, tmp_path: Path) -> None:
    found = [reason for reason in MADE[kind](tmp_path) if reason.kind == kind]
    assert found
    assert any(reason.overrules for reason in found) == (kind in OVERRULE)
    assert all(words.text(reason) and "{" not in words.text(reason) for reason in found)


def test_a_verdict_is_undecided_where_any_reason_overrules(tmp_path: Path) -> None:
    for kind in OVERRULE:
        MADE[kind](tmp_path / kind)
        for one in Store(tmp_path / kind).gap():
            assert one.verdict == "undecided" or not any(reason.overrules for reason in one.reasons)


@pytest.fixture
def nonsense(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Every reason says the same, and nothing."""
    monkeypatch.setattr(words, "WORDS", dict.fromkeys(get_args(ReasonKind), lambda of: "hum"))
    monkeypatch.setattr(words, "ENDS", {})
    return "hum"  # type: ignore[return-value]


def said(store: Path) -> tuple[list[object], list[str]]:
    """What every reader gets of a store: what must not rest on words, and all the words."""
    gaps = Store(store).gap()
    (closed, *_), (open_, *_) = (
        [one for one in sorted(gather(store)[0], key=lambda one: one.name) if one.side == side]
        for side in ("closed", "open")
    )
    pair = align(closed, open_)
    changed = compare_change([pair], margin=2.0)
    rows = Store(store).pairs("t")
    both = compare([pair], chosen_by="named", margin=3.0)
    facts = facts_of.gather(store)
    decided: list[object] = [
        *(one.verdict for one in gaps), changed.verdict, both.verdict, *((one.p, one.p_adjusted) for one in rows),
        *(_kinds(one.reasons) for one in (*gaps, changed, both, *rows)), [bool(report_words.why(one)) for one in gaps],
    ]  # fmt: skip
    runner = CliRunner()
    told = [runner.invoke(command, ["--store", str(store), *more]).output for more in ((), ("--json",), ("--csv",))]
    told += [markdown(Store(store)), comparisons_csv(list(gaps)), pairs_csv(rows), report_words.answer(facts)]
    return decided, told


def _kinds(reasons: Sequence[Reason]) -> list[tuple[str, bool]]:
    return [(one.kind, one.overrules) for one in reasons]


@pytest.mark.parametrize(
    "kind", ["few_discordant", "rare_failures", "too_few_clusters", "no_width", "missing", "missing_at_worst", "candidate_left_out", "plumbing"]
)  # fmt: skip
def test_no_verdict_rests_on_words(kind: ReasonKind, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    MADE[kind](tmp_path)
    before, real = said(tmp_path)
    hum = request.getfixturevalue("nonsense")
    after, replaced = said(tmp_path)
    assert after == before
    assert all(hum in text for text in replaced[:5]), "each reader takes its words from the one place"
    assert replaced != real


def test_a_reason_in_json_has_its_kind_its_weight_and_its_facts(tmp_path: Path) -> None:
    MADE["few_discordant"](tmp_path)
    (row,) = json.loads(CliRunner().invoke(command, ["--store", str(tmp_path), "--json"]).stdout)
    assert row["reasons"][0] == {
        "kind": "few_discordant", "overrules": True, "facts": {"differ": 5, "of": 5, "unit": "items", "against": "lead"},
    }  # fmt: skip
    assert row["warnings"][0] == "5 of 5 items differ: too few for the verdict that the interval would give"


def test_words_of_a_row_follow_its_reasons(tmp_path: Path) -> None:
    MADE["few_discordant"](tmp_path)
    (one,) = Store(tmp_path).gap()
    other: Comparison = dataclasses.replace(one, reasons=(Reason("no_width", True, {"cause": "resamples"}),))
    assert report_words.why(other) == "no resample differs: nothing is decided"
