"""Layouts of lm-eval, Inspect, SWE-bench and BigCodeBench beside those that today's versions write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.errors import DataUnavailable, UsageError
from harness.exchange.evalplus import read_evalplus
from harness.exchange.inspect_logs import read_inspect
from harness.exchange.lm_eval import read_lm_eval
from harness.exchange.swebench import read_swebench
from harness.verdict import Store

STAMP = "2026-02-03T04-05-06.789012"


def lm_eval(folder: Path, rows: list[dict[str, Any]], summary: dict[str, Any], **more: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    results = {"results": {"sums": summary}, "model_name": "lab/m", "n-shot": {"sums": 0}, **more}
    (folder / f"results_{STAMP}.json").write_text(json.dumps(results))
    lines = [{"doc": {"id": f"q{row['doc_id']}"}, "target": "7", "resps": [["7"]], **row} for row in rows]
    (folder / f"samples_sums_{STAMP}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_rows_of_two_filters_that_do_not_name_theirs_are_told_apart_by_their_order(tmp_path: Path) -> None:
    rows = [{"doc_id": at, "exact_match": score} for at, score in ((0, 1), (1, 0), (0, 1), (1, 1))]
    summary = {"exact_match,strict": 0.5, "exact_match,flexible": 1.0}
    folder = lm_eval(tmp_path, rows, summary)
    with pytest.raises(UsageError, match=r"two rows or more, one a filter \(strict, flexible\).*--filter"):
        read_lm_eval(folder, dimension="d", weights="open")
    strict = read_lm_eval(folder, dimension="d", weights="open", filter_name="strict").found[0]
    assert [answer.score for answer in strict.answers] == [1.0, 0.0]
    assert strict.asked["filter"] == "strict"
    wrong = lm_eval(tmp_path, rows, {"exact_match,flexible": 1.0, "exact_match,strict": 0.5})
    assert (
        "50.00, its results say 100.00"
        in read_lm_eval(wrong, dimension="d", weights="open", filter_name="flexible").left_out[0]
    )


def test_a_metric_that_is_better_the_lower_it_is_is_turned_round(tmp_path: Path) -> None:
    rows = [{"doc_id": at, "wer": score, "metrics": ["wer"]} for at, score in ((0, 0.1), (1, 0.3))]
    folder = lm_eval(tmp_path, rows, {"wer,none": 0.2}, higher_is_better={"sums": {"wer": False}})
    reading = read_lm_eval(folder, dimension="d", weights="open")
    assert [answer.score for answer in reading.found[0].answers] == [0.9, 0.7]
    assert reading.found[0].metric == "1 - wer"
    assert any("1 minus wer" in note for note in reading.notes)


def test_samples_inside_of_the_results_and_a_name_in_model_args(tmp_path: Path) -> None:
    sample = {
        "doc_id": 0,
        "doc": {"id": 1},
        "target": "7",
        "arguments": [["1+6?", {"until": []}]],
        "resps": [["7"]],
        "acc": 1.0,
    }
    body = {
        "results": {"sums": {"acc,none": 1.0}}, "samples": {"sums": [sample]},
        "config": {"model_args": "pretrained=lab/tiny,dtype=float16"},
    }  # fmt: skip
    (tmp_path / "out.json").write_text(json.dumps(body))
    (found,) = read_lm_eval(tmp_path / "out.json", dimension="d", weights="open").found
    assert (found.system, found.answers[0].score, found.answers[0].text) == ("lab/tiny", 1.0, "7")
    assert "1+6?" in str(found.answers[0].messages)


def test_a_file_of_samples_finds_its_results(tmp_path: Path) -> None:
    folder = lm_eval(tmp_path, [{"doc_id": 0, "acc": 1.0}], {"acc,none": 1.0})
    (found,) = read_lm_eval(folder / f"samples_sums_{STAMP}.jsonl", dimension="d", weights="open").found
    assert found.task == "sums"


def test_two_metrics_of_one_task_are_never_compared(tmp_path: Path) -> None:
    rows = [{"doc_id": at, "acc": 1.0, "acc_norm": 0.0, "metrics": ["acc", "acc_norm"]} for at in range(5)]
    folder = lm_eval(tmp_path / "in", rows, {"acc,none": 1.0, "acc_norm,none": 0.0})
    for model, side, metric in (("A", "closed", "acc"), ("B", "open", "acc_norm")):
        command = [
            "import",
            "lm-eval",
            str(folder),
            "--dimension",
            "d",
            "--model",
            model,
            "--weights",
            side,
            "--metric",
            metric,
        ]
        assert main([*command, "--store", "s"]) == 0
    gaps = Store("s").gap()
    assert not gaps
    assert "metric: A acc, B acc_norm" in " ".join(gaps.notes)


def log(path: Path, samples: list[dict[str, Any]], **header: Any) -> Path:
    body = {"status": "success", "eval": {"task": "sums", "model": "lab/m"}, "samples": samples, **header}
    path.write_text(json.dumps(body))
    return path


def test_parts_of_a_score_are_chosen_by_name(tmp_path: Path) -> None:
    values = ({"right": "C", "style": 0.5}, {"right": None, "style": 1})
    samples = [{"id": at, "scores": {"judge": {"value": value}}} for at, value in enumerate(values)]
    path = log(tmp_path / "log.json", samples)
    with pytest.raises(UsageError, match=r"judge\.right, judge\.style: choose one with --metric"):
        read_inspect(path, dimension="d", weights="open")
    for name in ("right", "judge.right"):
        (found,) = read_inspect(path, dimension="d", weights="open", metric=name).found
        assert [answer.score for answer in found.answers] == [1.0, None]
        assert found.metric == "judge.right"


def test_a_number_and_a_text_that_look_the_same_are_two_samples(tmp_path: Path) -> None:
    samples = [{"id": one, "scores": {"match": {"value": "C"}}} for one in (1, "1", 2)]
    (found,) = read_inspect(log(tmp_path / "log.json", samples), dimension="d", weights="open").found
    assert [answer.item_id for answer in found.answers] == ["1", '"1"', "2"]
    twice = log(tmp_path / "log.json", [*samples, samples[2]])
    with pytest.raises(DataUnavailable, match="more than once"):
        read_inspect(twice, dimension="d", weights="open")


def test_a_sample_that_was_stopped_by_a_limit_was_cut_off(tmp_path: Path) -> None:
    sample = {
        "id": 1,
        "scores": {"match": {"value": "I"}},
        "limit": {"type": "token"},
        "output": {"completion": "so far"},
    }
    lost = {"id": 2, "scores": {}, "error": "the sandbox died"}
    reading = read_inspect(log(tmp_path / "log.json", [sample, lost]), dimension="d", weights="open")
    assert [(a.status, a.score) for a in reading.found[0].answers] == [("truncated", 0.0), ("unanswered", None)]
    assert any("1 answers were lost to failures of the infrastructure" in note for note in reading.notes)


def test_infrastructure_failures_of_swebench_are_unanswered(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps({
        "total_instances": 3, "submitted_ids": ["a__1", "a__2", "a__3"], "completed_ids": ["a__1"], "resolved_ids": ["a__1"],
        "unresolved_ids": [], "infra_failure_ids": ["a__2"], "ambiguous_failure_ids": ["a__3"],
    }))  # fmt: skip
    reading = read_swebench(path, model="m", benchmark="b", dimension="coding", weights="open")
    assert [(a.item_id, a.score) for a in reading.found[0].answers] == [("a__1", 1.0), ("a__2", None), ("a__3", None)]
    assert any("2 answers were lost" in note for note in reading.notes)
    path.write_text(json.dumps({"instance_org__repo-1": True, "instance_org__repo-2": {"resolved": False}}))
    (pro,) = read_swebench(path, model="m", benchmark="b", dimension="coding", weights="open").found
    assert [(a.score, a.cluster) for a in pro.answers] == [(1.0, "org"), (0.0, "org")]


def test_bigcodebench_is_no_evalplus(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"eval": {"B/0": [{"status": "pass"}], "B/1": [{"status": "timeout"}]}}))
    (found,) = read_evalplus(path, model="m", benchmark="b", tests="base", dimension="coding", weights="open").found
    assert ([answer.score for answer in found.answers], found.asked) == ([1.0, 0.0], {"tests": "all"})
    path.write_text(json.dumps({"eval": {"B/0": [{"status": "pass"}], "B/1": [{"base_status": "pass"}]}}))
    with pytest.raises(DataUnavailable, match="mixes"):
        read_evalplus(path, model="m", benchmark="b", tests="base", dimension="coding", weights="open")


def test_other_rows_under_the_same_name_are_said_to_replace(capsys: pytest.CaptureFixture[str]) -> None:
    for name, scores in (("first.csv", "10"), ("second.csv", "00")):
        Path(name).write_text("model,item_id,score\n" + "".join(f"m,i{at},{one}\n" for at, one in enumerate(scores)))
        assert (
            main(["import", "items", name, "--benchmark", "b", "--dimension", "d", "--weights", "open", "--store", "s"])
            == 0
        )
    assert "these rows replace the 2 of first.csv that were imported before" in " ".join(
        capsys.readouterr().err.split()
    )


@pytest.mark.parametrize(
    ("name", "weights", "says"),
    [
        ("openai/gpt-4o", "open", "gpt-4o of OpenAI is closed"),
        ("openrouter/anthropic/claude-opus-4.8", "open", "of Anthropic is closed"),
        ("anthropic/claude-next", "open", "all models of that developer is closed"),
        ("gpt-4o-2024-08-06", "open", "gpt-4o of OpenAI is closed"),
    ],
)
def test_a_developers_name_that_contradicts_the_user_is_an_error(
    capsys: pytest.CaptureFixture[str], name: str, weights: str, says: str
) -> None:
    Path("r.csv").write_text(f"model,item_id,score\n{name},i,1\n")
    command = ["import", "items", "r.csv", "--benchmark", "b", "--dimension", "d", "--store", "s", "--weights"]
    assert main([*command, weights]) == 2
    assert says in capsys.readouterr().err
    assert main([*command, "closed"]) == 0
