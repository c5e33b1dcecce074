"""Runs that are not what was sealed are named and passed over, and nothing else is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.asking import evaluate
from harness.cli.main import main
from harness.errors import StoreError
from harness.store import RunFolder, list_runs
from harness.verdict import Store
from tests.asking.test_evaluate import answers, items
from tests.verdict.stores import Task, write_run


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two systems, really run: their receipts hold checksums."""
    file = items(tmp_path / "mine.jsonl", 60)
    for name, weights, right in (("a", "closed", 50), ("b", "open", 30)):
        said = answers(tmp_path / f"{name}.jsonl", {str(i): "4" if i < right else "9" for i in range(60)})
        evaluate(said, items=file, scorer="numeric", weights=weights, store=tmp_path / "st")
    return tmp_path / "st"


def closed_run(store: Path) -> RunFolder:
    return next(run for run in list_runs(store) if b'"closed"' in run.receipt.read_bytes())


def told(store: Path) -> str:
    gaps = Store(store).gap()
    assert not gaps
    return "\n".join(gaps.notes)


def test_scores_that_were_changed_after_sealing_count_for_nothing(store: Path) -> None:
    (before,) = Store(store).gap()
    run = closed_run(store)
    table = pq.read_table(run.scores)
    ones = pa.array([1.0] * len(table))
    pq.write_table(table.set_column(table.schema.get_field_index("score"), "score", ones), run.scores)
    assert f"{run.run_id} is passed over: scores.parquet is not what was sealed" in told(store)
    assert before.verdict != "undecided"


@pytest.mark.parametrize("harm", ["missing", "torn"])
def test_a_damaged_file_is_named(store: Path, harm: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = closed_run(store)
    if harm == "missing":
        run.scores.unlink()
    else:
        run.scores.write_bytes(run.scores.read_bytes()[:100])
    assert f"{run.run_id} is passed over: scores.parquet" in told(store)
    assert main(["gap", "--store", str(store)]) == 4
    assert str(store) not in capsys.readouterr().err, "no path of this machine in what may be published"


def test_the_run_before_a_damaged_one_counts(store: Path, tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 60)
    evaluate(f"file:{tmp_path / 'a.jsonl'}", items=file, scorer="numeric", weights="closed", store=store, again=True)
    newest = [run for run in list_runs(store) if b'"closed"' in run.receipt.read_bytes()][-1]
    newest.scores.unlink()
    gaps = Store(store).gap()
    assert gaps[0].n == 60
    assert newest.run_id not in gaps[0].runs
    assert any(newest.run_id in note for note in gaps.notes)


def test_a_copy_and_a_foreign_folder_are_no_runs(store: Path) -> None:
    run = closed_run(store)
    shutil.copytree(run.path, run.path.with_name("copy-of-a-run"))
    (store / "runs" / "notes").mkdir()
    gaps = Store(store).gap()
    assert len(gaps) == 1
    notes = "\n".join(gaps.notes)
    assert f"copy-of-a-run is passed over: it holds the run {run.run_id}" in notes
    assert "notes is passed over: it is no run" in notes


def test_scores_that_are_no_share_are_refused(tmp_path: Path) -> None:
    for value in (5.0, -1.0, float("inf")):
        store = tmp_path / str(value)
        write_run(store, "c", "closed", {"t": Task([value, 1.0])})
        write_run(store, "o", "open_weights", {"t": Task([0.0, 1.0])})
        with pytest.raises(StoreError, match=r"scores outside \[0, 1\]"):
            Store(store).gap()


def test_a_table_that_is_none_of_published_scores_is_named(store: Path) -> None:
    (store / "published").mkdir()
    pq.write_table(pa.table({"x": [1]}), store / "published" / "a.parquet")
    (store / "published" / "b.parquet").write_bytes(b"junk")
    with pytest.raises(StoreError, match="move it away"):
        Store(store).published()
    problems: list[str] = []
    assert Store(store).published(problems=problems) == []
    assert [line.split()[0] for line in problems] == ["published/a.parquet", "published/b.parquet"]


def test_what_leaves_as_csv_holds_no_controls(tmp_path: Path) -> None:
    hostile = "a\x1b[31m\u202eb\x07"
    write_run(tmp_path / "st", f"=cmd{hostile}", "closed", {f"t{hostile}": Task([1.0, 0.0])})
    assert main(["export", "csv", "--out", str(tmp_path / "out.csv"), "--store", str(tmp_path / "st")]) == 0
    text = (tmp_path / "out.csv").read_text()
    assert not [char for char in text if char in "\x1b\u202e\x07"]
    assert "'=cmda�[31m�b�" in text
