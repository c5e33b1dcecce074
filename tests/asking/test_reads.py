"""A journal is read once a run: everything that wants to know what is in it looks at one index."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from harness.store import list_runs
from tests.asking.test_evaluate import items
from tests.servers import fault_server

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, os, sys

opened = []

def watch(event, arguments):
    if event == "open" and "/journal/0" in str(arguments[0]) and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
        opened.append(os.path.basename(arguments[0]))

sys.addaudithook(watch)
from harness.cli.main import main

code = main(sys.argv[1:])
print(json.dumps([code, opened]))
"""


def test_a_resumed_run_reads_its_journal_once_before_it_is_sealed(tmp_path: Path) -> None:
    """Two rounds stopped by the budget, then the rest: one reading for the index, and one for the rows when it is sealed."""
    file, store = items(tmp_path / "mine.jsonl", 40), tmp_path / "st"
    with fault_server("--answer-bytes", "2048") as server:
        command = [sys.executable, "-c", PROGRAM, "eval", server.address, "--items", str(file), "--scorer", "numeric",
                   "--weights", "closed", "--store", str(store), "--price-in", "1", "--price-out", "1",
                   "--concurrency", "4", "--json", "--budget"]  # fmt: skip
        found = []
        for dollars in ("0.006", "0.012", "1"):
            done = subprocess.run(
                [*command, dollars], capture_output=True, text=True, check=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
            code, opened = json.loads(done.stdout.splitlines()[-1])
            found.append((code, Counter(opened)))
        assert server.stats()["requests"] == 40
    (run,) = list_runs(store)
    assert [path.name for path in sorted(run.journal.glob("*.jsonl"))] == ["0001.jsonl", "0002.jsonl", "0003.jsonl"]
    assert found[0] == (3, {}), "a new run reads nothing"
    assert found[1] == (3, {"0001.jsonl": 1})
    assert found[2] == (0, {"0001.jsonl": 2, "0002.jsonl": 2, "0003.jsonl": 1})
