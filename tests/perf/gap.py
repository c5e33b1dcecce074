"""Speed of the gap: resampling, all pairs of real models, and a store of 200 runs with 10 million rows."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.evidence.gather import gather
from harness.exchange.sealing import seal_all
from harness.exchange.tables import read_items
from harness.stats.bootstrap import cluster_bootstrap
from harness.store import new_run, plan_hash, write_receipt
from harness.store.rows import CHUNK, SCORES, TEXT
from harness.types import Plan, PlannedTask, Protocol, Receipt, System, TaskCard, Usage
from harness.verdict import Store
from harness.verdict.pairs import all_pairs

Line = tuple[str, float, str, str]
SYSTEMS, WEEKS, TASKS, ITEMS, CLUSTERS = 20, 10, 10, 5_000, 250


def measure() -> list[Line]:
    """(what, value, unit, bound) for each measurement, warm, best of three."""
    lines = [("10,000 resamples of a clustered gap, 10,000 items", _resamples(), "s", "<= 0.2 s")]
    shared = Path(os.environ.get("OPENGAP_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    rows = shared / "published" / "per_item_swebench_verified.csv"
    if rows.is_file():
        lines.append(("all 300 pairs of 25 models, clustered intervals", _pairs(rows), "s", "<= 1 s"))
    with tempfile.TemporaryDirectory() as folder:
        write_store(Path(folder))
        # A process of its own: peak memory is the reader's, not the writer's.
        done = subprocess.run(
            [sys.executable, "-m", "tests.perf.gap", folder], capture_output=True, text=True, check=True,
            cwd=Path(__file__).resolve().parents[2],
        )  # fmt: skip
    pair, table, peak = (float(value) for value in done.stdout.split())
    lines.append(("200 runs, 10 million rows: one paired gap", pair, "s", "<= 0.3 s"))
    lines.append(("200 runs, 10 million rows: model x task table", table, "s", "<= 3 s"))
    lines.append(("200 runs, 10 million rows: peak memory", peak, "MB", "<= 600 MB"))
    return lines


def _best(action: Callable[[], object], times: int = 3) -> float:
    """Fastest of some runs, after one that warms up."""
    action()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        action()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def _resamples() -> float:
    generator = np.random.default_rng(0)
    differences = generator.choice([-1.0, 0.0, 1.0], size=10_000)
    clusters = generator.integers(0, 500, size=10_000)
    return _best(lambda: cluster_bootstrap(differences, lambda totals: totals[:, 0] / 10_000, clusters, draws=10_000))


def _pairs(rows: Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        found = read_items(
            rows, benchmark="b", dimension="coding", columns={"score": "resolved"}, cluster_regex="^(.+?)__"
        ).found
        seal_all(Path(folder), found, kind="items", source=rows)
        evidence, _ = gather(Path(folder))
        assert len(all_pairs(evidence)) == 300
        return _best(lambda: all_pairs(evidence))


def write_store(store: Path) -> None:
    """20 systems asked 10 tasks of 5,000 items in each of 10 weeks, rows in the order in which answers arrive."""
    generator = np.random.default_rng(0)
    rows = TASKS * ITEMS
    order = generator.permutation(rows)
    names = [f"task-{t:02d}" for t in range(TASKS)]
    ids = [f"item-of-the-benchmark-{i:05d}" for i in range(ITEMS)]
    task_column = pa.array(names).take(pa.array(order // ITEMS))
    item_column = pa.array(ids).take(pa.array(order % ITEMS))
    cluster_column = pa.array([f"passage-{c:03d}" for c in range(CLUSTERS)]).take(pa.array(order % ITEMS % CLUSTERS))
    planned = tuple(
        PlannedTask(
            TaskCard(name, 1, "reasoning", "hf:x@y", "text", "accuracy", True, n=ITEMS),
            tuple(ids),
            _sha(name),
            _sha(name),
        )
        for name in names
    )
    difficulty = generator.random(rows)
    for week in range(WEEKS):
        for number in range(SYSTEMS):
            weights = "closed" if number % 2 else "open_weights"
            system = System(f"system-{number:02d}", f"card-{number}", "lab", weights, "file", "x")  # type: ignore[arg-type]
            plan = Plan(system, Protocol("matched", 1, {}, {}), _sha("matched"), planned, 1, week, False)
            run = new_run(store, plan)
            right = (generator.random(rows) < 0.3 + 0.02 * number + 0.3 * difficulty).astype(np.float64)
            columns: dict[str, object] = {
                "run_id": _same(run.run_id, rows), "system": _same(system.name, rows), "task": task_column,
                "dimension": _same("reasoning", rows), "item_id": item_column, "cluster": cluster_column,
                "repeat": pa.array(np.zeros(rows, dtype=np.int32)), "prompt_hash": item_column, "status": _same("ok", rows),
                "score_status": _same("scored", rows), "score": pa.array(right), "cost_usd": pa.array(np.full(rows, 1e-4)),
            }  # fmt: skip
            arrays = [columns.get(field.name, pa.nulls(rows, field.type)) for field in SCORES]
            pq.write_table(
                pa.Table.from_arrays(arrays, schema=SCORES), run.scores, compression="zstd", row_group_size=CHUNK
            )
            pq.write_table(TEXT.empty_table(), run.text)
            at = f"2026-{week + 1:02d}-01T00:00:00+00:00"
            counts = {"planned": rows, "answered": rows, "unanswered": 0}
            write_receipt(
                run,
                Receipt(run.run_id, plan_hash(plan), system, "matched@1", plan.protocol_sha256, planned, at, at, counts,
                        {}, Usage(), None, 0, 0, {}, {}, {}, {}),
            )  # fmt: skip


def _same(text: str, rows: int) -> pa.Array:
    return pa.array([text]).take(pa.array(np.zeros(rows, dtype=np.int64)))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(folder: str) -> None:
    """Measure in this process and print seconds of a pair, seconds of the table, peak megabytes."""
    store = Store(folder)
    pair = _best(lambda: store.gap("system-19", "system-18", task="task-00"))
    table = _best(store.scores)
    print(pair, table, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    _read(sys.argv[1])
