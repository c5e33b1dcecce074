"""The gap and the scores in Python: frames and a picture in one line each."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.errors import Refused
from tests.report.stores import Answers, alternating, write_run


def _store(folder: Path) -> harness.Store:
    write_run(
        folder, "c", "closed", {"t": Answers(alternating(100, 0.9)), "u": Answers(alternating(80, 0.6), "coding")}
    )
    write_run(folder, "o", "open_weights", {"t": Answers(alternating(100, 0.5)), "u": Answers(alternating(80, 0.5), "coding")})  # fmt: skip
    return harness.Store(folder)


def test_scores_are_a_sequence_and_a_frame(tmp_path: Path) -> None:
    scores = _store(tmp_path).scores()
    assert [(one.system, one.task, one.score) for one in scores] == [
        ("o", "u", 50.0), ("c", "u", 60.0), ("o", "t", 50.0), ("c", "t", 90.0),
    ]  # fmt: skip
    assert scores[-1].n == len(scores[:2]) * 50
    frame = scores.to_pandas()
    assert frame["score"].tolist() == [50.0, 60.0, 50.0, 90.0]
    assert frame.equals(scores.frame)


def test_gaps_are_a_frame_of_the_same_rows(tmp_path: Path) -> None:
    gaps = _store(tmp_path).gap()
    assert gaps.frame[["dimension", "gap", "n", "verdict"]].to_numpy().tolist() == [
        [one.dimension, one.gap, one.n, one.verdict] for one in gaps
    ]
    assert gaps.to_pandas()["dimension"].tolist() == ["coding", "reasoning"]


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    store = harness.Store(tmp_path)
    assert list(store.scores()) == []
    assert "score" in store.scores().frame.columns
    assert "verdict" in store.gap().frame.columns


def test_a_plot_shows_the_rows_it_was_given_and_says_them_in_words(tmp_path: Path) -> None:
    store = _store(tmp_path / "store")
    assert repr(harness.plot(store)).startswith("Closed leads in reasoning by 40.0 [")
    coding = harness.plot(store, store.gap(dimension="coding"))
    assert "Coding:" in repr(coding)
    assert "Reasoning:" not in repr(coding)
    assert coding._repr_png_().startswith(b"\x89PNG")
    coding.save(tmp_path / "gap.svg")
    assert b"<svg" in (tmp_path / "gap.svg").read_bytes()


def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    write_run(tmp_path, "c", "closed", {"t": Answers(alternating(100, 0.9))})
    with pytest.raises(Refused, match="no gap to draw: it needs answers to the same items"):
        harness.plot(tmp_path)
