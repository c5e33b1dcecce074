"""Result files that are lists of records, and HELM's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.importing import RECORDS
from harness.cli.main import main
from harness.errors import DataUnavailable, UsageError
from harness.exchange.helm import read_helm
from harness.exchange.records import FORMATS, read_records


def read(tmp_path: Path, name: str, body: Any, **given: Any) -> Any:
    path = tmp_path / "r.json"
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    return read_records(path, name, **{"benchmark": "b", "dimension": "d", "weights": "open", **given})


def scores(reading: Any) -> dict[str, list[tuple[str, float | None]]]:
    return {one.system: [(answer.item_id, answer.score) for answer in one.answers] for one in reading.found}


def test_livebench_never_counts_a_failure_as_wrong(tmp_path: Path) -> None:
    rows = [
        {"question_id": "q0", "model": "m", "score": 1, "task": "a"}, {"question_id": "q1", "model": "m", "score": -1, "task": "b"},
        {"question_id": "q2", "model": "m", "score": 0, "eval_status": "eval_timeout"},
        {"question_id": "q3", "model": "m", "score": 0, "eval_status": "resolved"},
    ]  # fmt: skip
    reading = read(tmp_path, "livebench", "".join(json.dumps(row) + "\n" for row in rows))
    assert scores(reading) == {"m": [("q0", 1.0), ("q1", None), ("q2", None), ("q3", 0.0)]}
    assert "1 rows have no score, 1 answers were lost" in reading.notes[0]


def test_livecodebench_solutions_are_repeats(tmp_path: Path) -> None:
    rows = [{"question_id": "a", "graded_list": [True, False], "pass@1": 0.5, "contest_date": "2024-05-01T00:00:00"}]
    (found,) = read(tmp_path, "livecodebench", rows, model="m").found
    assert [(a.repeat, a.score, a.published_on) for a in found.answers] == [
        (0, 1.0, "2024-05-01"),
        (1, 0.0, "2024-05-01"),
    ]
    with pytest.raises(UsageError, match="--model NAME"):
        read(tmp_path, "livecodebench", rows)


def test_mmlu_pro_counts_what_was_not_read_as_not_right_and_says_so(tmp_path: Path) -> None:
    rows = [
        {"question_id": at, "answer": "A", "pred": pred, "model_outputs": "…"}
        for at, pred in enumerate(["A", "B", None])
    ]
    reading = read(tmp_path, "mmlu-pro", rows, model="m")
    assert [(a.score, a.score_status) for a in reading.found[0].answers] == [
        (1.0, "scored"),
        (0.0, "scored"),
        (0.0, "unparsed"),
    ]
    assert "of 1 answers nothing was read" in reading.notes[-1]
    with pytest.raises(DataUnavailable, match="another format"):
        read(tmp_path, "mmlu-pro", [{"question_id": 1, "answer": "A"}], model="m")


def test_humaneval_completions_of_a_problem_are_repeats(tmp_path: Path) -> None:
    rows = [{"task_id": "H/0", "completion": "pass", "passed": passed} for passed in (True, False)]
    (found,) = read(tmp_path, "humaneval", "".join(json.dumps(row) + "\n" for row in rows), model="m").found
    assert [(a.item_id, a.repeat, a.score) for a in found.answers] == [("H/0", 0, 1.0), ("H/0", 1, 0.0)]


@pytest.mark.parametrize(
    "details", [{"type": "GEN", "0": {"correct": True}, "1": {"correct": [False]}}, [{"correct": True}, {"correct": 0}]]
)
def test_opencompass_details(tmp_path: Path, details: Any) -> None:
    assert scores(read(tmp_path, "opencompass", {"accuracy": 50.0, "details": details}, model="m")) == {
        "m": [("0", 1.0), ("1", 0.0)]
    }
    with pytest.raises(DataUnavailable, match="no records under 'details'"):
        read(tmp_path, "opencompass", {"accuracy": 50.0}, model="m")


def test_promptfoo_tells_providers_prompts_and_errors_apart(tmp_path: Path) -> None:
    def one(provider: str, test: int, prompt: int, score: float, reason: int = 0) -> dict[str, Any]:
        return {"provider": {"id": provider}, "testIdx": test, "promptIdx": prompt, "score": score, "failureReason": reason,
                "response": {"output": "x"}, "latencyMs": 500, "cost": 0.01}  # fmt: skip

    body = {"results": {"results": [one("a", 0, 0, 1), one("a", 1, 0, 0, 1), one("b", 0, 0, 1), one("b", 1, 0, 0, 2)]}}
    reading = read(tmp_path, "promptfoo", body)
    assert scores(reading) == {"a": [("0", 1.0), ("1", 0.0)], "b": [("0", 1.0), ("1", None)]}
    assert (reading.found[0].answers[0].latency_s, reading.found[0].answers[0].cost_usd) == (0.5, 0.01)
    body["results"]["results"].append(one("a", 0, 1, 1))
    with pytest.raises(UsageError, match=r"asked in 2 ways .promptIdx.*--where promptIdx=0"):
        read(tmp_path, "promptfoo", body)
    assert set(scores(read(tmp_path, "promptfoo", body, where={"promptIdx": "1"}))) == {"a"}


def test_each_format_has_its_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(RECORDS) == set(FORMATS)
    rows = [{"question_id": at, "answer": "A", "pred": "A"} for at in range(3)]
    Path("r.json").write_text(json.dumps(rows))
    assert main(["import", "mmlu-pro", "r.json", "--model", "m", "--weights", "open", "--store", "s"]) == 0
    assert "MMLU-Pro" in capsys.readouterr().out


def test_helm_trials_are_repeats_and_perturbed_instances_are_counted(tmp_path: Path) -> None:
    def stat(name: str, total: float) -> dict[str, Any]:
        return {"name": {"name": name, "split": "test"}, "count": 1, "sum": total, "mean": total}

    records = [
        {"instance_id": "id1", "train_trial_index": 0, "stats": [stat("exact_match", 1), stat("num_prompt_tokens", 9)]},
        {"instance_id": "id1", "train_trial_index": 1, "stats": [stat("exact_match", 0)]},
        {
            "instance_id": "id1",
            "train_trial_index": 0,
            "perturbation": {"name": "typos"},
            "stats": [stat("exact_match", 0)],
        },
    ]
    (tmp_path / "per_instance_stats.json").write_text(json.dumps(records))
    spec = {"name": "mmlu:subject=law,model=lab_m,method=joint", "adapter_spec": {"model": "lab/m"}}
    (tmp_path / "run_spec.json").write_text(json.dumps(spec))
    reading = read_helm(tmp_path, dimension="d", weights="open")
    (found,) = reading.found
    assert (found.system, found.task, found.metric) == ("lab/m", "mmlu:subject=law,method=joint", "exact_match")
    assert [(a.item_id, a.repeat, a.score) for a in found.answers] == [("id1", 0, 1.0), ("id1", 1, 0.0)]
    assert "1 records of perturbed instances are not read" in reading.notes
    (tmp_path / "per_instance_stats.json").unlink()
    shown = [{"instance_id": "id1", "predicted_text": "B", "stats": {"exact_match": 1.0, "f1": 0.5}}]
    (tmp_path / "display_predictions.json").write_text(json.dumps(shown))
    with pytest.raises(UsageError, match="exact_match, f1: choose one with --metric"):
        read_helm(tmp_path, dimension="d", weights="open")
    assert read_helm(tmp_path, dimension="d", weights="open", metric="f1").found[0].answers[0].score == 0.5
