"""Importing: a table of 11 models with 9,532 items each, as a whole command."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

from tests.perf.measured import Measured
from tests.perf.process import run

MODELS, ITEMS = 11, 9_532


def table(folder: Path) -> Path:
    """Scores, costs and clusters of that many models and items, as CSV."""
    chance = random.Random(0)
    path = folder / "rows.csv"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write("model,item_id,score,open_weights,cluster_id,cost_usd\n")
        for model in range(MODELS):
            for item in range(ITEMS):
                score, cost = int(chance.random() < 0.5), chance.random() / 100
                handle.write(f"model-{model},item-{item},{score},{model % 2 == 0},group-{item % 97},{cost:.6f}\n")
    return path


def measure() -> list[Measured]:
    """`opengap import items` of that table."""
    with tempfile.TemporaryDirectory() as folder:
        path = table(Path(folder))
        command = [
            "import",
            "items",
            str(path),
            "--benchmark",
            "b",
            "--dimension",
            "d",
            "--store",
            str(Path(folder, "st")),
        ]
        used = run([sys.executable, "-m", "harness", *command])
        return [
            Measured(f"import, {MODELS} models x {ITEMS:,} items: wall", used.wall_s, "s", "at most 4"),
            Measured("  CPU", used.cpu_s, "s"),
            Measured("  peak memory", used.peak_mb, "MB"),
        ]
