"""A store that an earlier version wrote, byte for byte: read, compared, found again and gone on with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.store import list_runs, read_receipt

BEFORE = Path(__file__).parent / "data" / "before"
CLOSED, OPEN, ALONE = "demo:demo-closed", "transformers:demo-open", "transformers:demo-open,dtype=bfloat16"
TASKS = ("--task", "demo_reasoning", "--task", "demo_summarization")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the store with the files that its runs were made from, as the folder in use."""
    folder = shutil.copytree(BEFORE, tmp_path / "before")
    monkeypatch.chdir(folder)
    return folder


def eval_(system: str, *more: str) -> int:
    return main(["eval", system, *more, "--store", "results"])


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert main(["gap", "--json", "--store", "results", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def figures(row: dict[str, Any]) -> dict[str, Any]:
    """What a row says, without the runs that it names."""
    return {key: value for key, value in row.items() if key != "runs"}


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        ("gap.json", ["--by-task"]),
        ("pair.json", ["--closed", CLOSED, "--open", OPEN]),
    ],
)
def test_the_gaps_of_runs_sealed_before_come_out_as_before(
    here: Path, capsys: pytest.CaptureFixture[str], file: str, arguments: list[str]
) -> None:
    before = json.loads((here / file).read_text())
    after = told(capsys, *arguments)
    assert [{key: row[key] for key in then} for row, then in zip(after, before, strict=True)] == before


@pytest.mark.parametrize(("system", "asked"), [("demo-closed", TASKS), (OPEN, TASKS), (ALONE, TASKS[:2])])
def test_the_same_command_finds_its_sealed_run(
    here: Path, capsys: pytest.CaptureFixture[str], system: str, asked: tuple[str, ...]
) -> None:
    before = len(list_runs(here / "results"))
    assert eval_(system, *asked, "--limit", "24") == 0
    assert "use --again to ask anew" in capsys.readouterr().err
    assert len(list_runs(here / "results")) == before


def test_the_same_command_resumes_an_unsealed_run_and_then_finds_it_sealed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (unsealed,) = [run for run in list_runs(here / "results") if not run.sealed]
    command = (OPEN, "--items", "own.jsonl", "--scorer", "numeric")
    assert eval_(*command) == 0
    assert "resuming run" in capsys.readouterr().err
    assert read_receipt(unsealed).counts["answered"] == 10
    assert eval_(*command) == 0
    assert "use --again to ask anew" in capsys.readouterr().err
    assert len(list_runs(here / "results")) == 4


def test_a_run_of_before_compares_with_a_run_of_now_whatever_else_was_asked_with_the_task(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second open system was asked one of the two tasks; the first is asked that task alone anew. Answers of before
    are read by today's reader once they are scored anew."""
    (before,) = told(capsys, "--task", "demo_reasoning", "--open", OPEN, "--closed", CLOSED)
    assert eval_(OPEN, *TASKS[:2], "--limit", "24") == 0
    capsys.readouterr()
    assert main(["gap", "--store", "results", "--task", "demo_reasoning", "--open", OPEN, "--closed", CLOSED]) == 4
    old = {read_receipt(run).system.name: run for run in list_runs(here / "results")[:3]}
    assert f"opengap rescore {old[CLOSED].run_id}" in capsys.readouterr().err
    for run in (old[CLOSED], old[ALONE]):
        assert main(["rescore", run.run_id, "--store", "results"]) == 0
    (after,) = told(capsys, "--task", "demo_reasoning", "--open", OPEN, "--closed", CLOSED)
    assert figures(after) == figures(before)
    assert after["runs"] != before["runs"]
    (best,) = told(capsys, "--task", "demo_reasoning")
    assert sorted(best["candidates"]["open"]) == [OPEN, ALONE]
