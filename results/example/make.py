"""Make the picture and the summary beside this file again: ``make example``, described in README.md here.

Reads OPENGAP_TEST_DATA (``../shared/data`` unless set): ``answers/mmlu_pro_*.jsonl.gz`` and ``suites/mmlu_pro``. Writes the
rows of each group of subjects as a table, imports it with ``opengap import items``, and keeps three files of the report.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = ("gap.png", "summary.md")

MODELS = {
    "DeepSeek-Coder-V2": "open",
    "Meta-Llama-3_1-70B-Instruct": "open",
    "Phi-3-mini-4k-instruct": "open",
    "gemini-1.5-flash-002": "closed",
    "gemini-1.5-pro-002": "closed",
    "jamba-1.5-large": "open",
}
"""The source's file names, and on which side each model stands: whether anyone can download its weights."""

GROUPS = {
    "STEM": ("biology", "chemistry", "computer science", "engineering", "math", "physics"),
    "humanities": ("history", "law", "philosophy"),
    "social sciences": ("economics", "psychology"),
    "other subjects": ("business", "health", "other"),
}
"""The four groups of MMLU (Hendrycks et al. 2021, arXiv:2009.03300), of which MMLU-Pro's subjects are a coarser cut."""
ALL = "all subjects"


def data_folder() -> Path:
    """The folder of stored answers. SystemExit says how to name it."""
    folder = HERE.parents[1] / os.environ.get("OPENGAP_TEST_DATA", "../shared/data")
    if not (folder / "answers").is_dir():
        raise SystemExit(
            f"no stored answers in {folder}: set OPENGAP_TEST_DATA to the folder that holds answers/ and suites/"
        )
    return folder


def shared_items(data: Path) -> dict[str, dict[str, int]]:
    """For each question that all models answered, 1 or 0 by model: whether the source's reading equals its key.

    A question for which the files name different keys is left out: the models were not asked the same.
    """
    right: dict[str, dict[str, int]] = defaultdict(dict)
    keys: dict[str, set[str]] = defaultdict(set)
    for model in MODELS:
        with gzip.open(data / "answers" / f"mmlu_pro_{model}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                item = str(row["question_id"])
                right[item][model.replace("3_1", "3.1")] = int(row["source_pred"] == row["answer"])
                keys[item].add(row["answer"])
    return {item: by_model for item, by_model in right.items() if len(by_model) == len(MODELS) and len(keys[item]) == 1}


def subjects(data: Path) -> dict[str, str]:
    """Subject by question."""
    with (data / "suites" / "mmlu_pro" / "test.jsonl").open(encoding="utf-8") as lines:
        return {str(row["question_id"]): row["category"] for row in map(json.loads, lines)}


def make(out: Path) -> None:
    """Write ``KEPT`` to a folder."""
    data = data_folder()
    right, subject = shared_items(data), subjects(data)
    side = {model.replace("3_1", "3.1"): weights for model, weights in MODELS.items()}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        table = work / "TIGER-AI-Lab MMLU-Pro eval_results.csv"
        for dimension, members in {ALL: tuple(sorted(set(subject.values()))), **GROUPS}.items():
            items = [item for item in right if subject[item] in members]
            with table.open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(["model", "item_id", "score", "open_weights"])
                rows.writerows([model, item, right[item][model], side[model]] for item in items for model in side)
            benchmark = f"MMLU-Pro ({len(items):,} items)" if dimension == ALL else f"MMLU-Pro {dimension}"
            opengap(
                "import",
                "items",
                str(table),
                "--benchmark",
                benchmark,
                "--dimension",
                dimension,
                "--store",
                str(work / "store"),
            )
        opengap("report", "--store", str(work / "store"), "--out", str(work / "report"))
        for kept in KEPT:
            shutil.copyfile(work / "report" / kept, out / kept)


def opengap(*arguments: str) -> None:
    """Run a command of this checkout. SystemExit with what it said, if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "harness", *arguments], cwd=HERE.parents[1], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"opengap {' '.join(arguments)}\n{done.stderr}")


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    make(out)
    print(*(out / kept for kept in KEPT), sep="\n")
