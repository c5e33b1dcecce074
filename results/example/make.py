"""Make the picture and the summary beside this file again: ``make example``, described in README.md here.

Reads OPENGAP_TEST_DATA (``../shared/data`` unless set): ``answers/mmlu_pro_*.jsonl.gz`` and ``suites/mmlu_pro``. Gives the
texts and their questions to ``opengap eval file:…``, whose reader takes the letters from them, and keeps two files of the report.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
KEPT = ("gap.png", "summary.md")

MODELS = {
    "DeepSeek-Coder-V2": "restricted",
    "Meta-Llama-3_1-70B-Instruct": "restricted",
    "Phi-3-mini-4k-instruct": "open",
    "gemini-1.5-flash-002": "closed",
    "gemini-1.5-pro-002": "closed",
    "jamba-1.5-large": "restricted",
}
"""The source's file names, and how open each model is; ``restricted``: its weights can be had, its licence limits use."""

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


def shared_items(data: Path) -> dict[str, dict[str, dict[str, str]]]:
    """For each question that all models answered, each model's line: its text, and what the source read and calls right.

    A question for which the files name different right answers is left out: the models were not asked the same.
    """
    found: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for model in MODELS:
        with gzip.open(data / "answers" / f"mmlu_pro_{model}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                found[str(row["question_id"])][named(model)] = row
    return {
        item: by_model
        for item, by_model in found.items()
        if len(by_model) == len(MODELS) and len({row["answer"] for row in by_model.values()}) == 1
    }


def named(model: str) -> str:
    """A model's name as its developer writes it."""
    return model.replace("3_1", "3.1")


def questions(data: Path) -> dict[str, dict[str, Any]]:
    """The source's rows by question; those that offer an option twice are left out, since letters cannot tell these apart."""
    with (data / "suites" / "mmlu_pro" / "test.jsonl").open(encoding="utf-8") as lines:
        rows = {str(row["question_id"]): row for row in map(json.loads, lines)}
    return {item: row for item, row in rows.items() if len(set(row["options"])) == len(row["options"])}


def make(out: Path) -> list[tuple[str, float, float, int]]:
    """Write ``KEPT`` to a folder; model, the source's score, ours in percent, answers read differently."""
    data = data_folder()
    asked = questions(data)
    answered = {item: by_model for item, by_model in shared_items(data).items() if item in asked}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for model in map(named, MODELS):
            lines = ({"item_id": item, "text": by_model[model]["text"]} for item, by_model in answered.items())
            write(work / model, lines)
        group = {subject: title for title, members in GROUPS.items() for subject in members}
        for file, title in (("MMLU-Pro.jsonl", lambda _: ALL), ("MMLU-Pro groups.jsonl", group.__getitem__)):
            items = (
                {"id": item, "input": asked[item]["question"], "choices": asked[item]["options"],
                 "target": next(iter(by_model.values()))["answer"], "dimension": title(asked[item]["category"])}
                for item, by_model in answered.items()
            )  # fmt: skip
            write(work / file, items)
            weights = [word for level in MODELS.values() for word in ("--weights", level)]
            addresses = [f"file:{named(model)}" for model in MODELS]
            opengap(
                "eval", *addresses, *weights, "--items", file, "--scorer", "choice", "--store", "store", folder=work
            )
        opengap("report", "--store", "store", "--out", "report", folder=work)
        for kept in KEPT:
            shutil.copyfile(work / "report" / kept, out / kept)
        return moved(work / "store", answered)


def write(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def moved(store: Path, answered: Mapping[str, Mapping[str, dict[str, str]]]) -> list[tuple[str, float, float, int]]:
    """What our reading moves against the source's, by model."""
    from harness import Store
    from harness.store import frame

    found = []
    evidence = [one for one in Store(store).evidence()[0] if one.dimension == ALL]
    for one in sorted(evidence, key=lambda one: one.name):
        model = one.name.removeprefix("file:")
        rows = frame([one.run], ["item_id", "answer", "score"])
        source = [answered[item][model] for item in rows["item_id"]]
        right = sum(row["source_pred"] == row["answer"] for row in source) / len(source)
        read = [answer if isinstance(answer, str) else None for answer in rows["answer"]]
        other = sum(ours != row["source_pred"] for ours, row in zip(read, source, strict=True))
        found.append((model, 100 * right, 100 * float(rows["score"].mean()), other))
    return found


def opengap(*arguments: str, folder: Path) -> None:
    """Run a command of this checkout. SystemExit with what it said, if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"opengap {' '.join(arguments)}\n{done.stderr}")


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for model, source, ours, other in make(out):
        print(f"{model}: {source:.1f} as the source reads, {ours:.1f} as we read, {other} answers read differently")
    print(*(out / kept for kept in KEPT), sep="\n")
