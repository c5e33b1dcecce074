"""The forest plot: what it says, that nothing in it overlaps, and that text from outside is only text."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.text import Text

from harness.report import words
from harness.report.charts.forest import forest
from harness.report.facts import gather
from harness.report.style import LIGHT, THEMES, Theme, render, settings
from harness.report.typeset import width_in, wrapped
from harness.types import Comparison, Reason
from harness.verdict import Gaps
from tests.report.conftest import HOSTILE
from tests.report.stores import Answers, alternating, write_run


def text_overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes overlap, and texts that leave the picture (paired with nothing)."""
    figure.draw_without_rendering()
    texts = [t for t in figure.findobj(Text) if isinstance(t, Text) and t.get_visible() and t.get_text().strip()]
    beyond = _undrawn_ticks(figure)
    texts = [t for t in texts if t not in beyond]
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts]
    found = [
        (a, b) for (a, one), (b, two) in itertools.combinations(boxes, 2) if one.padded(-1).overlaps(two.padded(-1))
    ]
    width, height = figure.bbox.width, figure.bbox.height
    return found + [(t, "") for t, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height]


def _undrawn_ticks(figure: Figure) -> set[Text]:
    """Labels that matplotlib holds for ticks beyond the limits of an axis; it never draws them."""
    found: set[Text] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            found |= {tick.label1 for tick in ticks if not low <= tick.get_loc() <= high}
    return found


def _store(path: Path, dimensions: int, names: tuple[str, str] = ("closed-model", "open-model")) -> Path:
    for name, weights, share in ((names[0], "closed", 0.8), (names[1], "open_weights", 0.55)):
        tasks = {
            f"task_{d}": Answers(alternating(60, share - 0.06 * d * (weights == "closed")), dimension=f"dimension {d}")
            for d in range(dimensions)
        }
        write_run(path, name, weights, tasks)  # type: ignore[arg-type]
    return path


def _drawn(store: Path) -> dict[str, bytes]:
    with settings(LIGHT):
        return render(forest(gather(store), LIGHT), "gap", LIGHT, {})


def _said(figure: Figure) -> str:
    return "\n".join(t.get_text() for t in figure.findobj(Text) if isinstance(t, Text))


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize(("dimensions", "names"), [(1, ("c", "o")), (3, ("c", "o")), (12, (HOSTILE, HOSTILE[::-1]))])
def test_nothing_overlaps_from_one_row_to_twelve_with_the_longest_names(
    tmp_path: Path, dimensions: int, names: tuple[str, str], theme: Theme
) -> None:
    with settings(theme):
        figure = forest(gather(_store(tmp_path, dimensions, names)), theme)
        assert text_overlaps(figure) == []


def test_best_of_several_names_both_systems_below_each_row(tmp_path: Path) -> None:
    _store(tmp_path, 2)
    other = {f"task_{d}": Answers(alternating(60, (0.3, 0.95)[d]), f"dimension {d}") for d in (0, 1)}
    write_run(tmp_path, "third-" + HOSTILE, "closed", other)
    facts = gather(tmp_path)
    with settings(LIGHT):
        figure = forest(facts, LIGHT)
        assert text_overlaps(figure) == []
    said = _said(figure)
    assert "closed-model / open-model" in said
    assert "best against best, cross-fitted (chosen on one half of the items, scored on the other)" in said.replace(
        "\n", " "
    )
    assert "of no single system" in said.replace("\n", " ")


def test_the_picture_carries_numbers_rule_interval_source_and_date(tmp_path: Path) -> None:
    facts = gather(_store(tmp_path, 1))
    (one,) = facts.rows
    with settings(LIGHT):
        said = _said(forest(facts, LIGHT))
    for expected in (
        f"{one.score_closed:.1f}", f"{one.score_open:.1f}", f"+{one.gap:.1f}", "60", one.verdict, one.chosen_by,
        one.ci_method, "closed-model (closed) against open-model (open weights)", "2 sealed runs", "2026-03-01", "matched@1",
        "Open = weights can be had, restricted licences included; --open-from open_weights would leave 1 of 1 open system",
    ):  # fmt: skip
        assert expected in said.replace("\n", " "), expected


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    svg = _drawn(_store(tmp_path / "store", 2, (HOSTILE, "o$_$")))["gap.svg"].decode()
    assert "<b>" not in svg
    assert "</script" not in svg
    assert "\x1b" not in svg
    assert "\u202e" not in svg


def test_names_in_other_scripts_can_be_told_apart(tmp_path: Path) -> None:
    with settings(LIGHT):
        said = _said(forest(gather(_store(tmp_path / "store", 1, ("模型一", "模型二"))), LIGHT)).replace("\n", " ")
    assert "[6A21][578B][4E00] (closed) against [6A21][578B][4E8C] (open weights)" in said


def test_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    store = _store(tmp_path / "store", 3)
    first = _drawn(store)
    assert first == _drawn(store)
    assert b"<dc:date>" not in first["gap.svg"]


def test_the_font_is_the_one_that_comes_with_matplotlib() -> None:
    assert Path(findfont("DejaVu Sans")).resolve().is_relative_to(Path(mpl.get_data_path()).resolve())


def _row(name: str, gap: float, verdict: str, template: Comparison) -> Comparison:
    return dataclasses.replace(template, dimension=name, gap=gap, verdict=verdict, ci_simultaneous=(gap - 2, gap + 2))  # type: ignore[arg-type]


def test_headlines_follow_from_the_verdicts(tmp_path: Path) -> None:
    facts = gather(_store(tmp_path, 1))
    row = facts.rows[0]
    few = [_row("coding", -9.6, "open leads", row), _row("b", 1.0, "undecided", row), _row("a", 2.0, "undecided", row)]
    assert words.headline(few) == "Open leads in coding by 9.6 [7.6, 11.6] points; a and b undecided"
    assert words.headline(few[:1]) == "Open leads in coding by 9.6 [7.6, 11.6] points"
    many = [
        *few,
        _row("x", 4.0, "closed leads", row),
        _row("y", 14.04, "closed leads", row),
        _row("z", 0.1, "equivalent", row),
    ]
    assert words.headline(many) == (
        "Closed leads in 2 of 6 dimensions, in y by 14.0 [12.0, 16.0] points; open leads in coding by 9.6 [7.6, 11.6] points; "
        "z equivalent; a and b undecided"
    )
    # Where nothing is decided it says what could have been.
    seen = [
        dataclasses.replace(one, detectable=20.0 + place, ci_simultaneous=(-9.0, 9.0))
        for place, one in enumerate(few[1:])
    ]
    assert words.headline(seen) == "A and b undecided (gaps under 20.0 to 21.0 points cannot be seen, 80 % power)"
    overruled = dataclasses.replace(
        few[1],
        ci_simultaneous=(4.0, 9.0),
        reasons=(
            Reason("few_clusters", facts={"g_eff": 5.0, "interval": "wider"}),
            Reason("few_discordant", True, {"differ": 3, "of": 40, "unit": "items", "against": "lead"}),
        ),
    )
    assert words.headline([overruled]) == (
        "B undecided: 3 of 40 items differ: too few for the verdict that the interval would give"
    )
    without = dataclasses.replace(facts, gaps=Gaps((_row("a", np.nan, "undecided", row),), ()))
    with settings(LIGHT):
        assert "–" in _said(forest(without, LIGHT))


def test_demo_models_are_named_as_such(tmp_path: Path) -> None:
    for name, weights in (("demo-closed", "closed"), ("demo-open", "open_weights")):
        write_run(tmp_path, f"x:{name}", weights, {"t": Answers(alternating(60, 0.5))}, card=name)  # type: ignore[arg-type]
    facts = gather(tmp_path)
    with settings(LIGHT):
        figure = forest(facts, LIGHT)
    assert "says nothing about real models" in _said(figure).replace("\n", " ")
    title, words_of_it, *_ = str(figure.get_label()).split("\n")
    assert title.startswith("Demo models: ")
    assert words_of_it == words.DEMO


def test_an_interval_is_broken_across_no_lines() -> None:
    lines = wrapped("ahead by 10.2 [−4.8, 15.5] points", width_in("ahead by 10.2 [−4.8,", 9), 9)
    assert lines == ["ahead by 10.2", "[−4.8, 15.5] points"]


def test_a_headline_of_many_rows_quotes_the_one_with_most_items(tmp_path: Path) -> None:
    (row,) = gather(_store(tmp_path, 1)).rows
    rows = [_row(name, gap, "closed leads", row) for name, gap in (("a", 9.0), ("b", 6.0), ("c", 5.0), ("d", 4.0))]
    rows[2] = dataclasses.replace(rows[2], n=5_000)
    assert words.headline(rows) == "Closed leads in 4 of 4 dimensions, in c by 5.0 [3.0, 7.0] points"
