"""The report: 10 systems with 2,000 samples each, as a whole process."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

from tests.perf.measured import Measured
from tests.perf.process import run
from tests.report.stores import Answers, write_run

SYSTEMS, ITEMS = 10, 2_000


def store(folder: Path) -> Path:
    """Five closed and five open systems on one task, with texts of about 1 kB."""
    chance = random.Random(0)
    for number in range(SYSTEMS):
        scores = [float(chance.random() < 0.5 + 0.03 * number) for _ in range(ITEMS)]
        texts = [f"Answer {i}: " + "some reasoning about it. " * 40 for i in range(ITEMS)]
        answers = Answers(scores, texts=texts, costs=[0.001 * (1 + number)] * ITEMS)
        write_run(
            folder, f"maker:model-{number}", "open_weights" if number % 2 else "closed", {"sums": answers},
            started=f"2026-03-{10 + number}T10:00:00Z", released=f"2026-01-{10 + number}",
        )  # fmt: skip
    return folder


def measure() -> list[Measured]:
    """`opengap report` on that store."""
    with tempfile.TemporaryDirectory() as folder:
        path = store(Path(folder) / "st")
        used = run([sys.executable, "-m", "harness", "report", "--store", str(path)])
        size = (path / "report/index.html").stat().st_size / 1e6
    return [
        Measured("report, 10 systems x 2,000 samples: wall", used.wall_s, "s", "at most 15"),
        Measured("  CPU", used.cpu_s, "s"),
        Measured("  peak memory", used.peak_mb, "MB", "at most 800"),
        Measured("  index.html", size, "MB"),
    ]
