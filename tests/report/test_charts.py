"""Every chart: drawn from real runs, nothing overlapping, left out with a reason where data are too few."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from harness.report.charts import Chart, charts
from harness.report.facts import Facts, TooLittle, gather
from harness.report.style import DARK, LIGHT, MARKERS, THEMES, Theme, settings
from tests.report.stores import Answers, alternating, write_run
from tests.report.test_forest import text_overlaps

NAMES = ["gap", "scores", "cost", "releases", "history", "systems", "disagreement", "waterfall", "statuses"]


def _chart(name: str) -> Chart:
    return next(chart for chart in charts() if chart.name == name)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize("name", NAMES)
def test_every_chart_is_drawn_without_overlaps(rich_facts: Facts, name: str, theme: Theme) -> None:
    with settings(theme):
        figure = _chart(name).draw(rich_facts, theme)
        assert text_overlaps(figure) == []
        said = " ".join(t.get_text() for t in figure.findobj(Text) if isinstance(t, Text))
    assert "sealed runs, the newest of 2026-04-01" in said
    assert len(str(figure.get_label())) > 40


def test_the_list_is_complete() -> None:
    assert [chart.name for chart in charts()] == NAMES


@pytest.mark.parametrize(("name", "reason"), [
    ("cost", "known cost"), ("releases", "release dates"), ("history", "release dates"), ("systems", "two systems of one side"),
    ("disagreement", "right or wrong"), ("waterfall", "there are none, or as many on both sides"), ("statuses", "complete and readable"),
])  # fmt: skip
def test_too_little_data_is_a_reason_and_no_chart(tmp_path: Path, name: str, reason: str) -> None:
    write_run(tmp_path, "c", "closed", {"t": Answers([0.5, 0.7, 0.9, 0.4] * 10)}, released="no date")
    write_run(tmp_path, "o", "open_weights", {"t": Answers([0.4, 0.8, 0.5, 0.4] * 10)})
    with settings(LIGHT), pytest.raises(TooLittle, match=reason):
        _chart(name).draw(gather(tmp_path), LIGHT)


def test_disagreement_counts_each_item_once(tmp_path: Path) -> None:
    write_run(tmp_path, "c", "closed", {"t": Answers([1, 1, 1, 0, 0, None])})
    write_run(tmp_path, "o", "open_weights", {"t": Answers([1, 0, 0, 1, 0, 1])})
    with settings(LIGHT):
        label = _chart("disagreement").draw(gather(tmp_path), LIGHT).get_label()
    assert "both right 1, only closed 2, only open 1, both wrong 1." in str(label)


def test_cost_is_dollars_per_solved_item(tmp_path: Path) -> None:
    for name, weights, share, cost in (
        ("c", "closed", 0.5, 0.10),
        ("o", "open_weights", 0.5, 0.02),
        ("o2", "open_weights", 0.25, 0.01),
    ):
        write_run(tmp_path, name, weights, {"t": Answers(alternating(40, share), costs=[cost] * 40)})  # type: ignore[arg-type]
    with settings(DARK):
        label = str(_chart("cost").draw(gather(tmp_path), DARK).get_label())
    assert "The best closed system costs 5.0 [5.0, 5.0] times as much per solved item as the best open one" in label
    assert "c: 50.0 points, $0.20 per solved item." in label
    assert "o2: 25.0 points, $0.040 per solved item." in label


def test_a_cost_ratio_of_chosen_systems_says_how_firm_the_choice_is(tmp_path: Path) -> None:
    for name, weights, share, cost in (
        ("best", "closed", 0.7, 0.20), ("cheap", "closed", 0.62, 0.04), ("o", "open_weights", 0.6, 0.02), ("o2", "open_weights", 0.3, 0.01),
    ):  # fmt: skip
        costs = [cost * (1 + i % 4) for i in range(80)]
        write_run(tmp_path, name, weights, {"t": Answers(alternating(80, share), costs=costs)})  # type: ignore[arg-type]
    with settings(LIGHT):
        label = str(_chart("cost").draw(gather(tmp_path), LIGHT).get_label())
    ratio = r"\d\.\d \[\d\.\d, \d\.\d\]|\d\d \[\d\.?\d, \d\d\]"
    assert re.search(
        rf"Cheapest at 60\.0 points or more: cheap \(closed\) 6\d\.\d points at \$0\.\d\d; o \(open\) .*; closed costs ({ratio}) times as much",
        label,
    )
    assert re.search(r"Chosen anew in each resample, the two are the same in [1-9]\d? %", label)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_names_cover_no_mark_and_no_whisker_and_no_whisker_is_cut(tmp_path: Path, theme: Theme) -> None:
    for i in range(9):
        for side, weights, price in (("closed", "closed", 0.02), ("open", "open_weights", 0.01)):
            answers = Answers(alternating(60, 0.2 + 0.08 * i + 0.03 * (side == "open"), i), costs=[price * 1.7**i] * 60)
            write_run(tmp_path, f"a-{side}-model-with-a-name-{i}", weights, {"t": answers})  # type: ignore[arg-type]
    with settings(theme):
        figure = _chart("cost").draw(gather(tmp_path), theme)
        figure.draw_without_rendering()
        (axes,) = figure.axes
        names = [text.get_window_extent() for text in axes.texts]
        assert len(names) >= 10
        bounds = axes.get_window_extent().padded(1)
        for whiskers in axes.collections:
            for ends in whiskers.get_segments():  # type: ignore[attr-defined]
                low, high = axes.transData.transform(ends)
                assert bounds.contains(*low)
                assert bounds.contains(*high)
                assert not any(box.overlaps(Bbox([low, (high[0] + 0.5, high[1])])) for box in names)
        for line in axes.lines:
            if line.get_marker() in MARKERS.values():
                for x, y in axes.transData.transform(line.get_xydata()):
                    assert not any(box.overlaps(Bbox([[x - 4, y - 4], [x + 4, y + 4]])) for box in names)


def test_lag_is_signed_and_in_months(tmp_path: Path) -> None:
    for name, weights, share, released in (
        ("c1", "closed", 0.5, "2025-01-01"), ("c2", "closed", 0.8, "2025-06-01"),
        ("o1", "open_weights", 0.4, "2025-03-01"), ("o2", "open_weights", 0.6, "2025-12-01"),
    ):  # fmt: skip
        write_run(tmp_path, name, weights, {"t": Answers(alternating(100, share))}, released=released)  # type: ignore[arg-type]
    with settings(LIGHT):
        label = str(_chart("releases").draw(gather(tmp_path), LIGHT).get_label())
    # c2 (80) of June 2025 was the first closed system with the 60 of o2; the newest run is of 2026-03-01: 273 days.
    assert label.startswith("t: open is 9.0 months behind (9.0 to 13.9 with score noise) on 2026-03-01\n")


def test_history_has_every_date_on_which_a_best_changes_and_says_of_whom_it_is(tmp_path: Path) -> None:
    """Seven releases a side, three of them bests; the best open system of all has no date."""
    for side, weights, shares in (
        ("c", "closed", (0.4, 0.3, 0.6, 0.5, 0.55, 0.9, 0.8)),
        ("o", "open_weights", (0.2, 0.1, 0.3, 0.25, 0.5, 0.4, 0.45)),
    ):
        for place, share in enumerate(shares):
            write_run(
                tmp_path,
                f"{side}{place}",
                weights,  # type: ignore[arg-type]
                {"t": Answers(alternating(200, share))},
                released=f"2025-0{place + 1}-0{1 + (side == 'o')}",
            )
    write_run(tmp_path, "undated", "open_weights", {"t": Answers(alternating(200, 0.85))})
    with settings(LIGHT):
        figure = _chart("history").draw(gather(tmp_path), LIGHT)
        assert text_overlaps(figure) == []
    title, told = str(figure.get_label()).split("\n")
    days = re.findall(r"(2025-\d\d-\d\d), (\d) closed systems? and (\d) open", told)
    assert days == [
        ("2025-01-02", "1", "1"),
        ("2025-03-01", "3", "2"),
        ("2025-03-02", "3", "3"),
        ("2025-05-02", "5", "5"),
        ("2025-06-01", "7", "7"),
    ]
    assert title.endswith("with the dated systems")
    said = " ".join(t.get_text() for t in figure.texts)
    assert "Without the undated ones it may differ from the gap chart" in said


def test_months_are_of_each_row_and_not_of_one_task(tmp_path: Path) -> None:
    for name, weights, share, released in (
        ("c1", "closed", 0.5, "2025-01-01"), ("c2", "closed", 0.8, "2025-06-01"),
        ("o1", "open_weights", 0.4, "2025-03-01"), ("o2", "open_weights", 0.6, "2025-12-01"),
    ):  # fmt: skip
        tasks = {
            "a": Answers(alternating(100, share), "x"),
            "b": Answers(alternating(100, share - 0.2), "x"),
            "d": Answers(alternating(100, 0.5), "y"),
        }
        write_run(tmp_path, name, weights, tasks, released=released)  # type: ignore[arg-type]
    facts = gather(tmp_path)
    measured = {one.name: one for one in facts.standings}
    assert list(measured) == ["x", "y"]
    assert [e.score for e in measured["x"].closed] == pytest.approx([40, 70])
    with settings(LIGHT):
        figure = _chart("releases").draw(facts, LIGHT)
        assert text_overlaps(figure) == []
    assert str(figure.get_label()).startswith("x: open is 9.0 months behind (")


def test_the_price_of_tiny_costs_and_of_systems_without_one(tmp_path: Path) -> None:
    for name, weights, share, cost in (
        ("free", "closed", 0.9, 0.0),
        ("c", "closed", 0.6, 0.02),
        ("tiny", "open_weights", 0.5, 2e-8),
        ("o", "open_weights", 0.6, 0.02),
    ):
        write_run(tmp_path, name, weights, {"t": Answers(alternating(100, share), costs=[cost] * 100)})  # type: ignore[arg-type]
    with settings(LIGHT):
        figure = _chart("cost").draw(gather(tmp_path), LIGHT)
        assert text_overlaps(figure) == []
    title = str(figure.get_label()).partition("\n")[0]
    assert (
        title
        == "Of systems with a known cost the best open system costs as much (1.00 [1.00, 1.00] times) per solved item as the best closed one"
    )


def test_statuses_end_at_100_percent(tmp_path: Path) -> None:
    for name, weights in (("c", "closed"), ("o", "open_weights")):
        write_run(tmp_path, name, weights, {"t": Answers([0.0] * 40, statuses=["refused"] * 40)})  # type: ignore[arg-type]
    with settings(LIGHT):
        (axes, *_) = _chart("statuses").draw(gather(tmp_path), LIGHT).axes
    assert axes.get_xlim()[1] == 100


def test_restricted_weights_are_open_and_a_stricter_rule_leaves_them_out(rich_store: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    shutil.copytree(rich_store, store)
    write_run(
        store,
        "vllm:org/restricted",
        "restricted",
        {"sums": Answers(alternating(120, 0.9), costs=[0.1] * 120)},
        released="2025-04-01",
    )
    wide, strict = gather(store), gather(store, "open_weights")
    assert "vllm:org/restricted" in {one.name for one in wide.evidence if one.open}
    assert "vllm:org/restricted" not in {one.name for one in strict.evidence}
    assert "left out by --open-from open_weights: vllm:org/restricted (restricted)" in strict.notes
    said = "; --open-from open_weights would leave 2 of 3 open systems, --open-from open_with_data would leave 0"
    assert wide.openness == "open = weights can be had, restricted licences included" + said
    for chart in charts():
        with settings(LIGHT):
            figure = chart.draw(wide, LIGHT)
            foot = " ".join(text.get_text() for text in reversed(figure.texts))
            assert "Open = weights can be had" in foot, chart.name
            assert "restricted" not in str(chart.draw(strict, LIGHT).get_label())
