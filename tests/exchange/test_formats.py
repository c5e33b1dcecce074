"""Logs of other harnesses, as those harnesses wrote them, and what is wrong with them."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.errors import DataUnavailable, UsageError
from harness.exchange.evalplus import read_evalplus
from harness.exchange.inspect_logs import read_inspect
from harness.exchange.lm_eval import read_lm_eval
from harness.exchange.published import read_published_table, write_published
from harness.exchange.swebench import read_swebench
from harness.store import frame, read_receipts
from harness.verdict import Store

DATA = Path(__file__).parent / "data"
EVAL = DATA / "inspect_sums.eval"
"""Written by inspect-ai 0.3.285: four items, two epochs; right, wrong, cut off, empty."""
LM_EVAL = DATA / "lm_eval"
"""Written by lm-eval 0.4.13 with its dummy model, which always says "lol"."""


# Inspect


def test_an_inspect_log_with_zstd_members(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "inspect", str(EVAL), "--dimension", "reasoning", "--store", "s"]) == 2
    assert "mockllm/model. Give --weights" in capsys.readouterr().err
    assert main(["import", "inspect", str(EVAL), "--dimension", "reasoning", "--weights", "open", "--store", "s"]) == 0
    ((run, receipt),), _ = read_receipts(Path("s"))
    assert (receipt.system.name, receipt.repeats, receipt.tasks[0].card.version) == ("mockllm/model", 2, 3)
    assert receipt.tasks[0].item_ids == ("sum-1", "sum-2", "sum-3", "sum-4")
    rows = frame([run], ("item_id", "status", "score", "repeat", "input_tokens"), "repeat = 0").sort_values("item_id")
    assert rows["status"].tolist() == ["ok", "ok", "truncated", "empty"]
    assert rows["score"].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert rows["input_tokens"].tolist() == [5, 5, 5, 5]
    texts = frame([run], ("item_id", "text", "target", "messages"), "item_id = 'sum-1'", file="text")
    assert texts["text"].tolist() == ["The answer is 2"] * 2
    assert "1+1=" in texts["messages"][0]


def members(path: Path) -> dict[str, bytes]:
    from harness.exchange.inspect_logs import _member

    with zipfile.ZipFile(path) as archive:
        return {info.filename: _member(path, info) for info in archive.infolist()}


def rewritten(path: Path, change: Any) -> Path:
    """The same log, deflated, with one sample changed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members(EVAL).items():
            loaded = json.loads(raw)
            if name == "samples/sum-1_epoch_1.json":
                change(loaded)
            archive.writestr(name, json.dumps(loaded))
    return path


def test_a_sample_that_ended_in_an_error_is_unanswered(tmp_path: Path) -> None:
    path = rewritten(tmp_path / "a.eval", lambda sample: sample.update(error={"message": "broke"}))
    (found,) = read_inspect(path, dimension="d", weights="open").found
    failed = next(a for a in found.answers if a.item_id == "sum-1" and a.repeat == 0)
    assert (failed.status, failed.score, failed.error) == ("unanswered", None, "broke")


def test_several_scorers_have_to_be_chosen_from(tmp_path: Path) -> None:
    path = rewritten(tmp_path / "a.eval", lambda sample: sample["scores"].update(other={"value": 0.25}))
    with pytest.raises(UsageError, match="match, other: choose one with --metric"):
        read_inspect(path, dimension="d", weights="open")
    (found,) = read_inspect(path, dimension="d", weights="open", metric="match").found
    assert found.metric == "match"
    wild = rewritten(tmp_path / "b.eval", lambda sample: sample["scores"].update(match={"value": 17}))
    with pytest.raises(DataUnavailable, match=r"17 is no number in \[0, 1\]"):
        read_inspect(wild, dimension="d", weights="open")


def test_a_damaged_inspect_log_is_refused(tmp_path: Path) -> None:
    raw = bytearray(EVAL.read_bytes())
    with zipfile.ZipFile(EVAL) as archive:
        sample = archive.getinfo("samples/sum-2_epoch_1.json")
    raw[sample.header_offset + 200] ^= 0xFF
    (tmp_path / "a.eval").write_bytes(raw)
    with pytest.raises(DataUnavailable, match=r"damaged|cannot be unpacked"):
        read_inspect(tmp_path / "a.eval", dimension="d", weights="open")
    (tmp_path / "b.eval").write_bytes(b"no zip")
    with pytest.raises(DataUnavailable, match="no Inspect log"):
        read_inspect(tmp_path / "b.eval", dimension="d", weights="open")


# lm-eval


def test_lm_eval_results_with_their_samples(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["import", "lm-eval", str(LM_EVAL), "--dimension", "reasoning", "--weights", "open", "--store", "s"]) == 0
    )
    ((run, receipt),), _ = read_receipts(Path("s"))
    assert (receipt.system.name, receipt.tasks[0].card.version, receipt.provenance) == ("dummy", 2, "import:lm-eval")
    assert len(receipt.tasks[0].item_ids) == 3
    assert frame([run], ("answer", "score"))["answer"].tolist() == ["lol"] * 3
    assert "imported 1 results" in capsys.readouterr().err


def changed(tmp_path: Path, change: Any) -> Path:
    folder = tmp_path / "lm"
    shutil.copytree(LM_EVAL, folder)
    path = next(folder.glob("samples_*"))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in change(rows)))
    return folder


def test_lm_eval_samples_that_contradict_their_results_are_left_out(tmp_path: Path) -> None:
    folder = changed(tmp_path, lambda rows: [{**row, "exact_match": 1.0} for row in rows])
    reading = read_lm_eval(folder, dimension="d", weights="open")
    assert not reading.found
    assert "have the mean 100.00, its results say 0.00" in reading.left_out[0]
    assert main(["import", "lm-eval", str(folder), "--dimension", "d", "--weights", "open", "--store", "s"]) == 1


def test_filters_and_metrics_have_to_be_chosen(tmp_path: Path) -> None:
    folder = changed(tmp_path, lambda rows: [*rows, *({**row, "filter": "strict"} for row in rows)])
    with pytest.raises(UsageError, match="none, strict: choose one with --filter"):
        read_lm_eval(folder, dimension="d", weights="open")
    found = read_lm_eval(folder, dimension="d", weights="open", filter_name="none").found
    assert len(found[0].answers) == 3
    shutil.rmtree(folder)
    folder = changed(
        tmp_path, lambda rows: [{**row, "metrics": ["acc", "acc_norm"], "acc": 0, "acc_norm": 1} for row in rows]
    )
    with pytest.raises(UsageError, match="acc, acc_norm: choose one with --metric"):
        read_lm_eval(folder, dimension="d", weights="open")
    next(folder.glob("samples_*")).unlink()
    with pytest.raises(UsageError, match="--log_samples"):
        read_lm_eval(folder, dimension="d", weights="open")


def test_two_lm_eval_imports_asked_differently_are_not_compared(tmp_path: Path) -> None:
    for name, weights, shots in (("a", "open", 0), ("b", "closed", 5)):
        folder = tmp_path / name
        shutil.copytree(LM_EVAL, folder)
        path = next(folder.glob("results_*"))
        path.write_text(path.read_text().replace('"own_sum": 0\n', f'"own_sum": {shots}\n'))
        main(
            [
                "import",
                "lm-eval",
                str(folder),
                "--dimension",
                "d",
                "--model",
                name,
                "--weights",
                weights,
                "--store",
                "s",
            ]
        )
    gaps = Store("s").gap()
    assert not gaps
    assert "n_shot: b 5, a 0" in " ".join(gaps.notes)


# EvalPlus, SWE-bench


def test_evalplus_results(tmp_path: Path) -> None:
    path = tmp_path / "x_eval_results.json"
    solutions = [{"base_status": "pass", "plus_status": "fail"}, {"base_status": "pass", "plus_status": "pass"}]
    path.write_text(
        json.dumps(
            {"eval": {"HumanEval/0": solutions, "HumanEval/1": [{"base_status": "timeout", "plus_status": None}]}}
        )
    )
    (base,) = read_evalplus(
        path, model="m", benchmark="HumanEval", tests="base", dimension="coding", weights="open"
    ).found
    assert [(a.item_id, a.repeat, a.score) for a in base.answers] == [
        ("HumanEval/0", 0, 1.0), ("HumanEval/0", 1, 1.0), ("HumanEval/1", 0, 0.0),
    ]  # fmt: skip
    (plus,) = read_evalplus(
        path, model="m", benchmark="HumanEval", tests="plus", dimension="coding", weights="open"
    ).found
    assert [answer.score for answer in plus.answers] == [0.0, 1.0, None], "what was not run is missing, and not wrong"
    path.write_text(json.dumps({"eval": {"HumanEval/0": [{"base_status": "fail", "plus_status": None}]}}))
    with pytest.raises(UsageError, match="give --tests base"):
        read_evalplus(path, model="m", benchmark="HumanEval", tests="plus", dimension="coding", weights="open")
    path.write_text(json.dumps({"eval": {"HumanEval/0": {"base": [["success", []]], "plus": [["failed", []]]}}}))
    (old,) = read_evalplus(
        path, model="m", benchmark="HumanEval", tests="plus", dimension="coding", weights="open"
    ).found
    assert old.answers[0].score == 0


def test_swebench_reports(tmp_path: Path) -> None:
    path = tmp_path / "m.run.json"
    report = {
        "total_instances": 5, "submitted_ids": ["a__1", "a__2", "b__3", "b__4"], "resolved_ids": ["a__1"],
        "unresolved_ids": ["a__2"], "empty_patch_ids": ["b__3"], "error_ids": ["b__4"], "incomplete_ids": ["c__5"],
    }  # fmt: skip
    path.write_text(json.dumps(report))
    (one,) = read_swebench(path, model="m", benchmark="b", dimension="coding", weights="open").found
    assert {a.item_id: (a.status, a.score, a.cluster) for a in one.answers} == {
        "a__1": ("ok", 1.0, "a"), "a__2": ("ok", 0.0, "a"), "b__3": ("empty", 0.0, "b"),
        "b__4": ("unanswered", None, "b"), "c__5": ("unanswered", None, "c"),
    }  # fmt: skip
    path.write_text(json.dumps({**report, "total_instances": 500}))
    with pytest.raises(DataUnavailable, match="speaks of 500 instances and names 5"):
        read_swebench(path, model="m", benchmark="b", dimension="coding", weights="open")
    path.write_text(json.dumps({"resolved": ["a__1"], "generated": ["a__1", "a__2"], "no_generation": ["b__3"]}))
    (other,) = read_swebench(path, model="m", benchmark="b", dimension="coding", weights="open").found
    assert [a.score for a in other.answers] == [1.0, 0.0, 0.0]
    path.write_text("{}")
    with pytest.raises(DataUnavailable, match="no SWE-bench report"):
        read_swebench(path, model="m", benchmark="b", dimension="coding")


# Published scores


def test_published_scores_of_the_shared_table(test_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(test_data / "published" / "published_scores.csv")
    assert main(["import", "published", path, "--store", "s"]) == 0
    assert "16124 published scores in 192 series" in capsys.readouterr().out
    assert main(["import", "published", path, "--store", "s"]) == 0
    assert "nothing was written" in capsys.readouterr().out
    store = Store("s")
    assert len(store.published()) == 16124
    one = store.published("SWE-bench Verified bash-only (mini-SWE-agent)")
    assert {score.unit for score in one} == {"percent resolved"}
    assert not store.gap(), "published scores never enter a paired gap"
    with pytest.raises(UsageError, match="unknown series"):
        store.published("nothing")


def test_a_download_of_epoch(tmp_path: Path) -> None:
    path = tmp_path / "gpqa.csv"
    path.write_text(
        "Model version,Best score (across scorers),Release date,Organization,stderr,Model accessibility\n"
        "one,0.51,2025-01-02,Lab,0.01,API access\ntwo,0.4,,Lab,,Open weights (unrestricted)\nthree,,,,,\n"
    )
    with pytest.raises(UsageError, match="--series TEXT, --unit TEXT, --source TEXT"):
        read_published_table(path, series=None, unit=None, source=None, columns={})
    found, notes = read_published_table(path, series="GPQA", unit="fraction", source="Epoch AI", columns={})
    assert [(s.model, s.value, s.unit, s.date, s.weights) for s in found] == [
        ("one", 0.51, "fraction", "2025-01-02", "closed"), ("two", 0.4, "fraction", None, "open_weights"),
    ]  # fmt: skip
    assert [(s.developer, s.se) for s in found] == [("Lab", 0.01), ("Lab", None)]
    assert any("Best score (across scorers)" in note for note in notes)
    write_published(tmp_path / "s", found)
    newer = [found[0]]
    write_published(tmp_path / "s", newer)
    assert Store(tmp_path / "s").published("GPQA") == newer, "the newest table of a series replaces the older"


def test_an_interval_and_a_direction_are_read(tmp_path: Path) -> None:
    head = "series,model,value,unit,source,score_lo,score_hi,higher_is_better\n"
    path = tmp_path / "t.csv"
    path.write_text(f"{head}Errors,m,5,percent,x,3.04,6.96,false\nErrors,n,6,percent,x,,,true\n")
    found, notes = read_published_table(path, series=None, unit=None, source=None, columns={})
    assert [s.lower_is_better for s in found] == [True, False]
    assert found[0].se == pytest.approx(1, abs=1e-4)
    assert found[1].se is None
    assert any("95 % interval" in note for note in notes)
    write_published(tmp_path / "s", found)
    assert Store(tmp_path / "s").published() == found
    for bad, message in (("3,x", "'x', which is no number"), ("9,3", "ends below its start"), ("3,inf", "infinite")):
        path.write_text(f"{head}Errors,m,5,percent,x,{bad},false\n")
        with pytest.raises(DataUnavailable, match=message):
            read_published_table(path, series=None, unit=None, source=None, columns={})


# Exports


def test_what_is_exported_is_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv = tmp_path / "rows.csv"
    csv.write_text("model,item_id,score,open_weights,cluster_id,cost_usd\n"
                   + "".join(f"=A,i{i},{i % 2},false,g{i % 5},0.1\nB,i{i},{i % 3 // 2},true,g{i % 5},0.2\n" for i in range(60)))  # fmt: skip
    assert main(["import", "items", str(csv), "--benchmark", "bench", "--dimension", "d", "--store", "a"]) == 0
    (first,) = Store("a").gap()
    for form, out in (("csv", "out.csv"), ("parquet", "out.parquet")):
        assert main(["export", form, "--out", out, "--store", "a"]) == 0
        main(["import", "items", out, "--benchmark", "bench", "--dimension", "d", "--store", form])
        (again,) = Store(form).gap()
        assert (again.gap, again.se, again.ci_low, again.clusters) == (
            first.gap,
            first.se,
            first.ci_low,
            first.clusters,
        )
    assert "'=A" in Path("out.csv").read_text(), "a spreadsheet must not run a name as a formula"
    assert main(["export", "lm-eval", "--out", "lm", "--store", "a"]) == 0
    for folder in sorted(Path("lm").iterdir()):
        assert main(["import", "lm-eval", str(folder), "--dimension", "d", "--store", "c"]) == 0
    assert [one.gap for one in Store("c").gap()] == pytest.approx([first.gap])
    capsys.readouterr()
    assert main(["export", "markdown", "--store", "a"]) == 0
    assert "| d | =A | B |" in capsys.readouterr().out
    assert main(["export", "csv", "--store", "a"]) == 2
    assert main(["export", "csv", "--out", "x.txt", "--store", "a"]) == 2
