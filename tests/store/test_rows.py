"""What is written as rows is what is read: every type, odd text, numbers that are none."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.store import RunFolder
from harness.store.rows import SCORES, TEXT, RowWriter

ROOT = Path(__file__).resolve().parents[2]


def row(**some: Any) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys((name for name in SCORES.names if name != "run_id"), None)
    return {**found, "repeat": 0, "values": [], **some}


@pytest.mark.parametrize("score", [0.1 + 0.2, 1e-300, math.inf, math.nan], ids=str)
def test_rows_come_back_as_they_were_written(tmp_path: Path, score: float) -> None:
    rows = [
        row(item_id="\u2028 ä \x00 \U0001f600", status="ok", score=score, values=[("b", score), ("a", 1.0)]),
        row(item_id="", input_tokens=2**53, cost_usd=1e-7, attempts=3, answer='"quoted"\n'),
    ]
    text = {name: name for name in TEXT.names if name not in ("run_id", "repeat", "redistributable")}
    run = RunFolder(tmp_path)
    with RowWriter(run) as writer:
        writer.add(rows[0], {**text, "repeat": 1, "redistributable": False})
        writer.add(rows[1], None)
    wanted = pa.Table.from_pylist([{**one, "run_id": run.run_id} for one in rows], schema=SCORES)
    read = pq.read_table(run.scores)
    assert read.schema == SCORES
    assert repr(read.to_pylist()) == repr(wanted.to_pylist())
    assert pq.read_table(run.text).to_pylist() == [
        {**text, "repeat": 1, "redistributable": False, "run_id": run.run_id}
    ]


def test_sealing_and_showing_a_run_import_no_pandas(tmp_path: Path) -> None:
    """Half a second of every start, for a library that only reports and notebooks need."""
    (tmp_path / "mine.jsonl").write_text('{"id": "a", "input": "1 + 1", "target": "2"}\n')
    (tmp_path / "answers.jsonl").write_text('{"item_id": "a", "text": "2"}\n')
    program = (
        "import sys\nfrom harness.cli.main import main\n"
        "assert main(['eval', 'file:answers.jsonl', '--weights', 'open', '--items', 'mine.jsonl', '--store', 'st']) == 0\n"
        "print([name for name in ('pandas', 'duckdb', 'matplotlib') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "[]"
    assert "100.0" in done.stdout
