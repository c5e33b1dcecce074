"""The two engines agree: same weights, same prompts, greedy in float32, so the same texts and the same scores."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.store import list_runs, read_journal
from harness.store.journal import read_entries
from harness.verdict import Store
from tests.models.conftest import WEIGHTS

MODELS = ("demo-open", "demo-closed")
ITEMS_PER_TASK = 40
TASKS = 3


@pytest.fixture(scope="session")
def store(engine_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One demo plan carried out by both engines on both bundled models, each engine in a process of its own."""
    folder = tmp_path_factory.mktemp("engines")
    for engine in ("transformers", "vllm"):
        addresses = [f"{engine}:{WEIGHTS / name}" for name in MODELS]
        command = [
            sys.executable, "-m", "harness", "eval", *addresses, "--weights", "open", "--suite", "demo",
            "--limit", str(ITEMS_PER_TASK), "--store", str(folder / "st"), "--allow-code-execution",
        ]  # fmt: skip
        done = subprocess.run(command, env=engine_environment, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
    return folder / "st"


@pytest.mark.parametrize("name", MODELS)
def test_greedy_texts_are_equal(store: Path, name: str) -> None:
    texts: dict[str, dict[tuple[str, str], tuple[str, str, int | None, int | None]]] = {}
    for run in list_runs(store):
        for entry in read_entries(run.journal, read_journal(run.journal)):
            done = entry.completion
            told = (done.text, done.status, done.usage.input, done.usage.output)
            texts.setdefault(run.plan.read_text(), {})[entry.task, entry.item_id] = told
    by_engine = {
        engine: rows
        for plan, rows in texts.items()
        for engine in ("vllm", "transformers")
        if f'"{engine}:{WEIGHTS / name}"' in plan
    }
    assert set(by_engine) == {"vllm", "transformers"}
    assert len(by_engine["vllm"]) == ITEMS_PER_TASK * TASKS
    assert by_engine["vllm"] == by_engine["transformers"]


@pytest.mark.parametrize("name", MODELS)
def test_scores_are_equal(store: Path, name: str) -> None:
    scores = Store(store).scores()
    for task in ("demo_reasoning", "demo_coding", "demo_summarization"):
        pair = {
            score.system.partition(":")[0]: score
            for score in scores
            if score.task == task and score.system.endswith(name)
        }
        assert pair["vllm"].score == pair["transformers"].score
        assert pair["vllm"].n == pair["transformers"].n == ITEMS_PER_TASK
