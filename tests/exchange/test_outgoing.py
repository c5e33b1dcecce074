"""Every Eval Ever, held against its published schema; files for the Hugging Face hub, read back by its own library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import huggingface_hub
import jsonschema  # type: ignore[import-untyped, unused-ignore]
import pytest
import yaml

from harness.cli.main import main
from harness.errors import UsageError
from harness.exchange.every_eval_ever import read_every_eval_ever
from harness.verdict import Store

SCHEMA = Path(__file__).parent / "data" / "every_eval_ever"
"""The coalition's own files, with their licence (MIT)."""


def store(path: str = "a") -> str:
    rows = [
        f"{model},i{at},{(at * step) % 3 // 2},{weights},g{at % 4},0.1\n"
        for model, step, weights in (("lab/A", 1, "false"), ("Qwen/Qwen3-8B", 2, "true")) for at in range(40)
    ]  # fmt: skip
    Path("rows.csv").write_text("model,item_id,score,open_weights,cluster_id,cost_usd\n" + "".join(rows))
    assert main(["import", "items", "rows.csv", "--benchmark", "My bench", "--dimension", "d", "--store", path]) == 0
    return path


def schema(name: str) -> Any:
    return json.loads((SCHEMA / name).read_text())


def test_what_is_exported_fits_the_schema_and_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    path = store()
    assert main(["export", "every-eval-ever", "--out", "out", "--store", path]) == 0
    aggregates = sorted(Path("out").rglob("*.json"))
    assert len(aggregates) == 2
    for aggregate in aggregates:
        body = json.loads(aggregate.read_text())
        jsonschema.validate(body, schema("eval.schema.json"))
        samples = Path("out", body["detailed_evaluation_results"]["file_path"])
        lines = [json.loads(line) for line in samples.read_text().splitlines()]
        for line in lines:
            jsonschema.validate(line, schema("instance_level_eval.schema.json"))
        assert len(lines) == body["detailed_evaluation_results"]["total_rows"] == 40
        assert {line["evaluation_id"] for line in lines} == {body["evaluation_id"]}
        assert main(["import", "every-eval-ever", str(aggregate), "--dimension", "d", "--store", "b"]) == 0
    first, again = Store(path).gap()[0], Store("b").gap()[0]
    assert [again.gap, again.clusters, again.n] == [first.gap, first.clusters, first.n]
    before = {file: file.read_bytes() for file in Path("out").rglob("*") if file.is_file()}
    assert main(["export", "every-eval-ever", "--out", "out", "--store", path]) == 0
    assert {file: file.read_bytes() for file in Path("out").rglob("*") if file.is_file()} == before


TASK = """from harness import Numeric, task


@task(dimension="own", version=1, source="bundled:made up", item=Numeric, redistributable=True, n=2)
def mysums(rows):
    yield Numeric(id="1", question="1+1?", answer="2")
    yield Numeric(id="2", question="2+2?", answer="4")
"""


def test_texts_that_may_be_given_away_are_in_the_samples() -> None:
    Path("tasks/own").mkdir(parents=True)
    Path("tasks/own/mysums.py").write_text(TASK)
    Path("answers.jsonl").write_text('{"item_id": "1", "text": "Answer: 2"}\n{"item_id": "2", "text": "Answer: 5"}\n')
    assert main(["eval", "file:answers.jsonl", "--task", "mysums", "--weights", "closed", "--store", "s"]) == 0
    assert main(["export", "every-eval-ever", "--out", "out", "--store", "s"]) == 0
    (aggregate,) = Path("out").rglob("*.json")
    body = json.loads(aggregate.read_text())
    jsonschema.validate(body, schema("eval.schema.json"))
    lines = [
        json.loads(line) for line in aggregate.with_name(f"{aggregate.stem}_samples.jsonl").read_text().splitlines()
    ]
    for line in lines:
        jsonschema.validate(line, schema("instance_level_eval.schema.json"))
    assert [line["output"]["raw"] for line in lines] == [["Answer: 2"], ["Answer: 5"]]
    assert "1+1?" in lines[0]["input"]["raw"]
    assert [line["evaluation"]["is_correct"] for line in lines] == [True, False]
    assert body["evaluation_results"][0]["score_details"]["score"] == 0.5


def written(folder: Path, config: dict[str, Any], scores: list[float], told: float, **line: Any) -> Path:
    about = {"name": "m", "id": "lab/m", "additional_details": {"model_availability": "closed_weights"}}
    result = {"evaluation_name": "t", "metric_config": config, "score_details": {"score": told}}
    body = {"schema_version": "0.2.1", "model_info": about, "evaluation_results": [result]}
    (folder / "a.json").write_text(json.dumps(body))
    lines = [
        {"evaluation_name": "t", "sample_id": f"q{at}", "evaluation": {"score": score}, **line}
        for at, score in enumerate(scores)
    ]
    (folder / "a_samples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    return folder / "a.json"


def test_ranges_and_directions_of_metrics_are_turned_into_shares(tmp_path: Path) -> None:
    path = written(tmp_path, {"lower_is_better": False, "min_score": 0, "max_score": 10}, [10, 5], 7.5)
    reading = read_every_eval_ever(path, dimension="d")
    assert [(one.system, one.weights) for one in reading.found] == [("lab/m", "closed")]
    assert [answer.score for answer in reading.found[0].answers] == [1.0, 0.5]
    assert "scores from 0 to 10 are read as 0 to 1" in reading.notes[0]
    lower = read_every_eval_ever(written(tmp_path, {"lower_is_better": True}, [0.25, 0.75], 0.5), dimension="d")
    assert [answer.score for answer in lower.found[0].answers] == [0.75, 0.25]
    unknown = read_every_eval_ever(written(tmp_path, {"has_unknown_level": True}, [1, -1], 1), dimension="d")
    assert [answer.score for answer in unknown.found[0].answers] == [1.0, None]
    failed = read_every_eval_ever(written(tmp_path, {}, [1, 1], 1), dimension="d")
    assert failed.found
    other = read_every_eval_ever(written(tmp_path, {}, [1, 0], 0.9), dimension="d")
    assert "have the mean 50.00, the aggregate says 0.9" in other.left_out[0]


def test_an_aggregate_without_samples_has_no_items(tmp_path: Path) -> None:
    path = written(tmp_path, {}, [1], 1)
    (tmp_path / "a_samples.jsonl").unlink()
    with pytest.raises(UsageError, match="without its samples an aggregate has no items"):
        read_every_eval_ever(path, dimension="d")


def test_results_for_the_hub_are_read_by_its_own_library_and_claim_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    path = store()
    assert main(["export", "eval-results", "--out", "hub", "--store", path]) == 0
    assert "there is no benchmark on the hub (--dataset My bench=ORG/NAME)" in capsys.readouterr().err
    dataset = ["--dataset", "My bench=org/bench:main"]
    assert main(["export", "eval-results", "--out", "hub", "--store", path, *dataset]) == 0
    assert "lab/A on My bench is left out: there is no repository of its model on the hub" in capsys.readouterr().err
    file = Path("hub/Qwen/Qwen3-8B/.eval_results/My_bench.yaml")
    (entry,) = huggingface_hub._eval_results.parse_eval_result_entries(yaml.safe_load(file.read_text()))
    assert (entry.dataset_id, entry.task_id, entry.verify_token) == ("org/bench", "main", None)
    assert entry.value == pytest.approx(100 * 13 / 40)
    assert "40 items" in str(entry.notes) and "import:items" in str(entry.notes)
    assert main(["export", "model-card", "--out", "hub", "--store", path, *dataset]) == 0
    card = yaml.safe_load(Path("hub/Qwen/Qwen3-8B/README-metadata.yaml").read_text())
    (metric,) = card["model-index"][0]["results"][0]["metrics"]
    assert (metric["value"], metric["verified"]) == (pytest.approx(32.5), False)
    assert main(["export", "eval-results", "--out", "hub", "--store", path, "--dataset", "nothing=org/x"]) == 2
