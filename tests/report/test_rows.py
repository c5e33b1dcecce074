"""What stands beside a row: its own runs, its own two systems, and the reason of its verdict."""

from __future__ import annotations

import csv
import dataclasses
import math
import random
import re
from pathlib import Path

import pytest
from matplotlib.text import Text

from harness.report import words
from harness.report.charts import charts
from harness.report.facts import Facts, gather
from harness.report.make import make
from harness.report.page import page
from harness.report.samples import samples
from harness.report.style import LIGHT, settings
from harness.types import CompletionStatus, Reason, WeightsLevel
from harness.verdict import Store
from tests.report.stores import Answers, alternating, write_run
from tests.report.test_forest import text_overlaps
from tests.report.test_page import inflated


def _label(facts: Facts, name: str) -> str:
    with settings(LIGHT):
        return str(next(chart for chart in charts() if chart.name == name).draw(facts, LIGHT).get_label())


def _page(facts: Facts) -> str:
    return page(facts, [], {}, samples(facts))


def _coins(seed: int, n: int, share: float) -> list[float]:
    chance = random.Random(seed)
    return [float(chance.random() < share) for _ in range(n)]


@pytest.fixture(scope="module")
def two_protocols(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    store = tmp_path_factory.mktemp("protocols")
    for protocol, closed, open_, cost in (("matched", 0.9, 0.5, 0.01), ("as-recommended", 0.6, 0.7, 0.05)):
        for name, weights, share in (("c", "closed", closed), ("o", "open_weights", open_)):
            tasks = {"t": Answers(alternating(200, share), "maths", texts=[protocol] * 200, costs=[cost] * 200)}
            write_run(store, name, weights, tasks, protocol=protocol)  # type: ignore[arg-type]
    return gather(store)


def test_two_protocols_are_two_rows_each_of_its_own_runs(two_protocols: Facts) -> None:
    facts = two_protocols
    assert sorted(map(facts.label, facts.rows)) == ["maths, as-recommended@1", "maths, matched@1"]
    assert words.headline(facts.rows).startswith("Closed leads in maths, matched@1 by 40.0 [")
    for label in (_label(facts, "scores"), _label(facts, "disagreement")):
        assert "t, matched@1: " in label
        assert "t, as-recommended@1: " in label
    assert "t, matched@1: c (closed) 90.0, o (open) 50.0" in _label(facts, "scores")
    assert "t, as-recommended@1: c (closed) 60.0, o (open) 70.0" in _label(facts, "scores")
    text = _page(facts)
    for protocol, price in (("matched", "$0.010"), ("as-recommended", "$0.050")):
        runs = [run.run_id for run, receipt in facts.runs if receipt.protocol == f"{protocol}@1"]
        for run in runs:
            assert f'<a href="#run-{run}">{price}</a>' in text
    index = inflated(samples(facts).index)
    assert sorted(task["name"] for task in index["tasks"]) == ["t, as-recommended@1", "t, matched@1"]
    blocks = [entry for block in samples(facts).blocks for entry in inflated(block)]
    for task, entry in zip(index["task"], blocks, strict=True):
        assert {text for text, _ in entry[2].values()} == {
            index["tasks"][task]["name"].removeprefix("t, ").removesuffix("@1")
        }


def test_two_tasks_of_a_dimension_in_two_rows_are_named(tmp_path: Path) -> None:
    for name, weights, tasks in (("c", "closed", "ab"), ("o", "open_weights", "a"), ("o2", "open_weights", "b")):
        write_run(
            tmp_path,
            name,
            weights,  # type: ignore[arg-type]
            {task: Answers(alternating(60, 0.9 if name == "c" else 0.4)) for task in tasks},
        )
    facts = gather(tmp_path)
    assert [facts.label(row) for row in facts.rows] == ["reasoning, a", "reasoning, b"]
    make(facts, tmp_path / "out")
    for file in ("index.html", "summary.md"):
        assert "reasoning, a" in (tmp_path / "out" / file).read_text()


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Two systems a side whose best differs from task to task."""
    store = tmp_path_factory.mktemp("several")
    for place, (name, weights, first, second) in enumerate(
        (
            ("c1", "closed", 0.9, 0.6),
            ("c2", "closed", 0.7, 0.75),
            ("o1", "open_weights", 0.5, 0.4),
            ("o2", "open_weights", 0.4, 0.45),
        )
    ):
        tasks = {
            task: Answers(_coins(10 * place + len(task), 150, share), costs=[0.01] * 150)
            for task, share in (("x", first), ("yy", second))
        }
        write_run(store, name, weights, tasks)  # type: ignore[arg-type]
    return gather(store)


def test_cross_fitted_scores_are_behind_no_link_to_a_run(several: Facts) -> None:
    (row,) = several.rows
    assert row.cross_closed is not None
    text = _page(several)
    table = text[text.index("<tbody>") : text.index("</tbody>")]
    assert re.search(rf'data-label="closed"><a href="gaps.csv">{row.cross_closed:.1f}</a>', table)
    runs = {one.name: one.run.run_id for one in several.evidence}
    assert (
        f'best on all items: {row.closed} (closed) <a href="#run-{runs[row.closed]}">{row.score_closed:.1f}</a>'
        in table
    )
    assert "Scores and gap of such a row are cross-fitted, so they are of no single system" in text
    assert "its interval simultaneous over all" in _figure_text(several, "systems")


def _figure_text(facts: Facts, name: str) -> str:
    with settings(LIGHT):
        figure = next(chart for chart in charts() if chart.name == name).draw(facts, LIGHT)
    return " ".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))


def test_the_table_by_task_is_of_the_pair_of_the_row_and_agrees_with_its_chart(several: Facts, tmp_path: Path) -> None:
    (row,) = several.rows
    assert [(one.gap.closed, one.gap.open) for one in several.tasks] == [(row.closed, row.open)] * 2
    pair = Store(several.store).gap(row.closed, row.open, by_task=True)
    for one, alone in zip(several.tasks, pair, strict=True):
        assert (one.gap.gap, one.gap.ci_simultaneous) == (alone.gap, alone.ci_simultaneous)
    text = _page(several)
    assert "the two were chosen on these same items" in text
    assert "Simultaneous 95 % intervals (Bonferroni over 2 rows)" in text
    scores = _label(several, "scores")
    for one in several.tasks:
        assert (
            f"{one.part.name}: {row.closed} (closed) {one.gap.score_closed:.1f}, {row.open} (open) {one.gap.score_open:.1f}"
            in scores
        )
        assert f">{one.gap.score_closed:.1f}</a></td>" in text
    make(several, tmp_path)
    with open(tmp_path / "gaps_by_task.csv", newline="") as handle:
        assert [float(line["gap"]) for line in csv.DictReader(handle)] == [one.gap.gap for one in several.tasks]


def test_csv_keeps_tiny_figures_and_has_a_column_for_each(tmp_path: Path) -> None:
    for name, weights, share in (("c", "closed", 0.95), ("o", "open_weights", 0.2)):
        write_run(tmp_path / "s", name, weights, {"t": Answers(alternating(300, share), costs=[2e-8] * 300)})  # type: ignore[arg-type]
    facts = gather(tmp_path / "s")
    make(facts, tmp_path / "out")
    with open(tmp_path / "out" / "gaps.csv", newline="") as handle:
        (line,) = csv.DictReader(handle)
    assert 0 < float(line["p_mcnemar"]) < 1e-30
    assert float(line["ci_simultaneous_low"]) == facts.rows[0].ci_simultaneous[0]
    assert float(line["waterfall_wrong"]) == pytest.approx(facts.rows[0].gap)
    with open(tmp_path / "out" / "items.csv", newline="") as handle:
        assert {line["cost_usd"] for line in csv.DictReader(handle)} == {"2e-08"}


def test_an_unanswered_item_leaves_the_price_known(tmp_path: Path) -> None:
    scores: list[float | None] = [*alternating(99, 0.8)]
    write_run(tmp_path, "c", "closed", {"t": Answers([*scores, None], costs=[0.02] * 99 + [None])})
    write_run(tmp_path, "o", "open_weights", {"t": Answers(alternating(100, 0.5))})
    text = _page(gather(tmp_path))
    assert ">$0.020</a> / unknown" in text


def test_a_failed_scorer_is_neither_an_answer_nor_silence(tmp_path: Path) -> None:
    statuses: list[CompletionStatus] = ["ok"] * 100
    scores: list[float | None] = [*alternating(100, 0.8)]
    scores[7] = None
    write_run(tmp_path, "c", "closed", {"t": Answers(scores, statuses=statuses)})
    write_run(tmp_path, "o", "open_weights", {"t": Answers(alternating(100, 0.5))})
    facts = gather(tmp_path)
    assert "c: ok 99.0 %, scorer failed 1.0 %." in _label(facts, "statuses")
    assert "since the infrastructure or our scorer failed" in _figure_text(facts, "gap").replace("\n", " ")


def test_a_verdict_that_something_else_overrules_says_so_in_its_row(tmp_path: Path) -> None:
    """The interval lies on one side of 0, but too much is missing; and another row is undecided by its interval."""
    missing: list[float | None] = [None if i % 20 == 0 else score for i, score in enumerate(alternating(120, 0.3))]
    write_run(
        tmp_path,
        "c",
        "closed",
        {"t": Answers(alternating(120, 0.9), "lost"), "u": Answers(_coins(1, 120, 0.5), "near")},
    )
    write_run(tmp_path, "o", "open_weights", {"t": Answers(missing, "lost"), "u": Answers(_coins(2, 120, 0.5), "near")})
    facts = gather(tmp_path)
    lost, near = sorted(facts.rows, key=lambda row: row.dimension)
    assert lost.ci_simultaneous[0] > 0
    reason = "t: 5.0 % of the answers are missing on the open side (limit 2 %)"
    assert words.why(lost) == reason
    least = f"{near.detectable:.1f}"
    assert words.why(near) == f"no gap under {least} points could be seen (80 % power)"
    text = _page(facts)
    table = text[text.index("<tbody>") : text.index("</tbody>")]
    assert reason in table
    assert words.why(near) in table
    with settings(LIGHT):
        figure = charts()[0].draw(facts, LIGHT)
        assert text_overlaps(figure) == []
    said = _figure_text(facts, "gap")
    assert f"Undecided: {reason}" in said
    assert f"shows {least} or more" in said
    assert (
        words.why(dataclasses.replace(near, detectable=math.nan, reasons=()))
        == "no item differs, and the interval allows for more than one verdict"
    )


def test_a_store_in_which_one_side_answered_nothing_gets_a_page(tmp_path: Path) -> None:
    write_run(tmp_path / "s", "c", "closed", {"t": Answers(alternating(40, 0.9))})
    write_run(tmp_path / "s", "o", "open_weights", {"t": Answers([None] * 40)})
    make(gather(tmp_path / "s"), tmp_path / "out")
    text = (tmp_path / "out" / "index.html").read_text()
    assert "<h1>Nothing to compare yet</h1>" in text
    assert "no item was answered by both c and o" in text


def test_cost_counts_what_all_shown_systems_answered_and_names_who_lacks_more(tmp_path: Path) -> None:
    n = 200
    shares: dict[str, tuple[WeightsLevel, float, int]] = {
        "c1": ("closed", 0.7, 0), "c2": ("closed", 0.5, 1), "o1": ("open_weights", 0.6, 0), "o2": ("open_weights", 0.9, 80),
    }  # fmt: skip
    for name, (weights, share, lost) in shares.items():
        marks = [None if i < lost else score for i, score in enumerate(alternating(n, share))]
        write_run(tmp_path, name, weights, {"t": Answers(marks, costs=[0.01] * n)})
    label = _label(gather(tmp_path), "cost")
    assert "o1 (open) 60.3 points" in label, "120 of the 199 that all three answered"
    assert "o2" not in label


def test_missing_systems_and_tasks_are_named_below_the_cost_chart(tmp_path: Path) -> None:
    for name, weights, lost in (
        ("c1", "closed", 0),
        ("o1", "open_weights", 0),
        ("o2", "open_weights", 0),
        ("o3", "open_weights", 40),
    ):
        marks = [None if i < lost else score for i, score in enumerate(alternating(100, 0.6))]
        tasks = {"t": Answers(marks, costs=[0.01] * 100)}
        if name == "c1":
            tasks["extra"] = Answers(alternating(100, 0.5), costs=[0.01] * 100)
        write_run(tmp_path, name, weights, tasks)  # type: ignore[arg-type]
    with settings(LIGHT):
        figure = next(chart for chart in charts() if chart.name == "cost").draw(gather(tmp_path), LIGHT)
    drawn = " ".join(text.get_text() for text in figure.findobj(Text))
    assert "o3 (40.0 % missing)" in drawn
    assert "Tasks that not all of these have: extra." in drawn


def test_rows_are_dimensions_only_where_each_has_one(two_protocols: Facts) -> None:
    rows = [
        dataclasses.replace(row, verdict="undecided", task=f"{row.task}{i}")
        for i in range(2)
        for row in two_protocols.rows
    ]
    assert "all 4 comparisons undecided" in words.headline(rows).lower()
    for place, row in enumerate(rows):
        rows[place] = dataclasses.replace(row, dimension=f"d{place}")
    assert "all 4 dimensions undecided" in words.headline(rows).lower()


def test_a_candidate_left_out_is_no_reason_for_a_verdict(two_protocols: Facts) -> None:
    told = (
        Reason("not_candidate", facts={"system": "x", "share": 0.03}),
        Reason("candidate_left_out", True, {"possible": 66.4}),
    )
    row = dataclasses.replace(two_protocols.rows[0], verdict="undecided", ci_simultaneous=(1.0, 2.0), reasons=told)
    assert words.why(row) == "a candidate left out for missing answers could have 66.4, above the best here: undecided"


def test_scores_and_items_tell_the_protocol(two_protocols: Facts, tmp_path: Path) -> None:
    make(two_protocols, tmp_path)
    for name in ("scores.csv", "items.csv"):
        with open(tmp_path / name, newline="") as file:
            assert {row["protocol"] for row in csv.DictReader(file)} == {"matched@1", "as-recommended@1"}
