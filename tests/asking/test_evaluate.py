"""The whole line on files of answers and on a real server: asking, resuming, sealing, and every way to stop."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import harness
from harness.asking import RetryPolicy, evaluate
from harness.cli.main import main
from harness.errors import KeyRefused, ModelMissing, Preflight, RunFailed, UnknownName, UsageError
from harness.store import frame, list_runs, read_journal
from harness.verdict import Store
from tests.servers import fault_server

QUICK = RetryPolicy(attempts=20, first_wait_s=0.01, longest_wait_s=0.05)


def items(path: Path, n: int = 40) -> Path:
    rows = [{"id": str(i), "input": f"case {i}: what is 2 + 2?", "target": "4" if i % 4 else "5"} for i in range(n)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answers(path: Path, texts: dict[str, str]) -> str:
    path.write_text("".join(json.dumps({"item_id": key, "text": text}) + "\n" for key, text in texts.items()))
    return f"file:{path}"


@pytest.fixture
def humaneval(test_data: Path) -> list[dict[str, str]]:
    with gzip.open(test_data / "suites/humaneval/HumanEval.jsonl.gz") as lines:
        return [json.loads(line) for line in lines]


def test_humaneval_whole_empty_and_with_failures(
    humaneval: list[dict[str, str]], test_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """164 canonical solutions score 164, empty answers 0, and ten failures leave 154 compared and exit code 1."""
    gold = {row["task_id"]: row["canonical_solution"] for row in humaneval}
    systems = {
        "gold": (answers(tmp_path / "gold.jsonl", gold), "closed"),
        "empty": (answers(tmp_path / "empty.jsonl", dict.fromkeys(gold, "")), "open"),
        "part": (answers(tmp_path / "part.jsonl", dict(list(gold.items())[10:])), "open"),
    }
    shared = ["--task", "humaneval", "--data", str(test_data / "suites"), "--store", str(tmp_path / "st"),
              "--allow-code-execution"]  # fmt: skip
    codes = {
        name: main(["eval", address, "--weights", weights, *shared]) for name, (address, weights) in systems.items()
    }
    assert codes == {"gold": 0, "empty": 0, "part": 1}
    store = Store(tmp_path / "st")
    by_name = {Path(score.system).stem: score for score in store.scores()}
    assert (by_name["gold"].score, by_name["gold"].n) == (100.0, 164)
    assert (by_name["empty"].score, by_name["empty"].n) == (0.0, 164)
    assert (by_name["part"].n, by_name["part"].missing) == (154, 10)
    rows = frame(list_runs(tmp_path / "st"), ("system", "status"))
    assert set(rows[rows["system"].str.endswith("/empty.jsonl")]["status"]) == {"empty"}
    (comparison,) = store.gap(closed=systems["gold"][0], open=systems["part"][0])
    assert (comparison.n, comparison.missing_open, comparison.verdict) == (154, 10, "undecided")
    assert any("6.1 %" in warning for warning in comparison.warnings)
    capsys.readouterr()


def test_what_held_a_program_is_stored_with_its_score(
    humaneval: list[dict[str, str]], test_data: Path, tmp_path: Path
) -> None:
    address = answers(tmp_path / "gold.jsonl", {humaneval[0]["task_id"]: humaneval[0]["canonical_solution"]})
    (result,) = evaluate(
        address, tasks=["humaneval"], data=str(test_data / "suites"), weights="open", store=tmp_path / "st"
    )
    rows = frame([result.run], ("item_id", "sandbox", "reason"))
    row = rows[rows["item_id"] == humaneval[0]["task_id"]].iloc[0]
    assert row["sandbox"] == result.receipt.engine["sandbox"] == "landlock+seccomp"
    assert set(rows[rows["item_id"] != humaneval[0]["task_id"]]["sandbox"].dropna()) == set()


def test_a_run_over_http_is_sealed_and_the_same_command_asks_nothing(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl")
    with fault_server() as server:
        call = {"items": file, "scorer": "numeric", "weights": "closed", "store": tmp_path / "st"}
        (first,) = evaluate(server.address, **call)  # type: ignore[arg-type]
        (second,) = evaluate(server.address, **call)  # type: ignore[arg-type]
        assert server.stats()["requests"] == 40
        (third,) = evaluate(server.address, again=True, **call)  # type: ignore[arg-type]
        assert server.stats()["requests"] == 80
    assert (first.fresh, second.fresh, third.fresh) == (True, False, True)
    assert first.run == second.run != third.run
    assert first.receipt.counts["answered"] == 40
    assert first.receipt.bytes_sent == 0  # a server on this very machine
    scores = Store(tmp_path / "st").scores()
    assert [(score.score, score.n) for score in scores] == [(75.0, 40)]


def test_faults_are_retried_and_every_row_arrives(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 200)
    rates = ("429=0.1", "500=0.05", "529=0.05", "reset=0.05", "half=0.03", "malformed=0.03", "html=0.02",
             "no_choices=0.02", "no_usage=0.05", "trickle=0.02")  # fmt: skip
    arguments = [word for rate in rates for word in ("--rate", rate)]
    with fault_server(*arguments, "--seed", "3") as server:
        (result,) = evaluate(
            server.address, items=file, scorer="numeric", weights="closed", store=tmp_path / "st", policy=QUICK
        )
        stats = server.stats()
    assert result.receipt.counts["answered"] == 200
    assert result.exit_code == 0
    assert sum(stats["faults"].values()) > 20
    rows = frame([result.run], ("item_id", "attempts", "status"))
    assert rows["item_id"].nunique() == len(rows) == 200
    assert rows["attempts"].max() > 1


def test_what_stays_unanswered_is_a_row_and_an_exit_code(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 50)
    with fault_server("--rate", "malformed=0.9", "--seed", "1") as server:
        policy = RetryPolicy(attempts=2, first_wait_s=0.0)
        (result,) = evaluate(
            server.address, items=file, scorer="numeric", weights="closed", store=tmp_path / "st", policy=policy
        )
    counts = result.receipt.counts
    assert counts["answered"] + counts["unanswered"] == 50
    assert counts["unanswered"] > 10
    assert result.exit_code == 1
    rows = frame([result.run], ("status", "score", "error"), "status = 'unanswered'")
    assert rows["score"].isna().all()
    assert rows["error"].str.contains("MalformedReply").all()


def test_a_run_that_the_endpoint_rejects_as_a_whole_stops_early(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 300)
    shared = {"items": file, "scorer": "numeric", "weights": "closed", "store": tmp_path / "st", "concurrency": 4}
    with fault_server("--rate", "400=1") as server:
        with pytest.raises(RunFailed, match=r"first 20 requests were all rejected.*more than this model allows"):
            evaluate(server.address, **shared)  # type: ignore[arg-type]
        assert server.stats()["requests"] < 30
    (run,) = list_runs(tmp_path / "st")
    assert not run.sealed, "the same command goes on"
    with fault_server("--rate", "400=0.5", "--seed", "4") as server:
        (result,) = evaluate(server.address, **shared)  # type: ignore[arg-type]
    assert 100 < result.receipt.counts["unanswered"] < 200, "some rejected items are rows, not the end"


def test_refusals_and_empty_answers_are_told_apart(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 30)
    with fault_server("--rate", "refusal=0.5", "--seed", "2", "--answer", " ") as server:
        (result,) = evaluate(server.address, items=file, scorer="numeric", weights="closed", store=tmp_path / "st")
    counts = result.receipt.counts
    assert counts["status_refused"] + counts["status_empty"] == 30
    assert min(counts["status_refused"], counts["status_empty"]) > 3


@pytest.mark.parametrize(
    ("argument", "error", "says"),
    [("--refuse-key", KeyRefused, "OPENGAP_SERVER_KEY"), ("--missing-model", ModelMissing, "fault-1")],
)
def test_permanent_errors_stop_at_once(tmp_path: Path, argument: str, error: type[Exception], says: str) -> None:
    file = items(tmp_path / "mine.jsonl", 200)
    with fault_server(argument) as server:
        with pytest.raises(error, match=says):
            evaluate(
                server.address, items=file, scorer="numeric", weights="closed", store=tmp_path / "st", concurrency=4
            )
        assert server.stats()["requests"] <= 8


def test_what_does_not_fit_makes_the_task_not_applicable(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 10)
    with fault_server("--context", "10") as server:
        (result,) = evaluate(server.address, items=file, scorer="numeric", weights="closed", store=tmp_path / "st")
        assert server.stats()["requests"] == 10
    assert "context window" in result.receipt.not_applicable["mine"]
    assert list(Store(tmp_path / "st").scores()) == []


def start(server_address: str, file: Path, store: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "harness", "eval", server_address, "--items", str(file), "--scorer", "numeric",
               "--weights", "closed", "--store", str(store), "--concurrency", "8", *more]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for_answers(process: subprocess.Popen[bytes], store: Path, n: int, within_s: float = 60) -> None:
    """Until the journal holds n answers."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline and process.poll() is None:
        runs = list_runs(store)
        if runs and len(read_journal(runs[0].journal).answered) >= n:
            return
        time.sleep(0.02)
    raise AssertionError(f"no {n} answers in time: {process.communicate()[1].decode()}")


def test_kill_and_resume_asks_nothing_finished_a_second_time(tmp_path: Path) -> None:
    file, store = items(tmp_path / "mine.jsonl", 120), tmp_path / "st"
    with fault_server("--latency", "0.1") as server:
        for kill_at in (20, 60):
            process = start(server.address, file, store)
            wait_for_answers(process, store, kill_at)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        process = start(server.address, file, store)
        out, err = process.communicate(timeout=120)
        stats = server.stats()
    assert process.returncode == 0, err.decode()
    assert b"resuming run" in err
    assert b"120" in out
    again = sum(count - 1 for count in stats["asked"].values())
    assert again <= 2 * 8  # two kills, eight in flight each
    assert len(stats["asked"]) == 120
    assert len(list_runs(store)) == 1


def test_interrupting_keeps_the_journal_and_says_how_to_go_on(tmp_path: Path) -> None:
    file, store = items(tmp_path / "mine.jsonl", 100), tmp_path / "st"
    with fault_server("--latency", "0.1") as server:
        process = start(server.address, file, store)
        wait_for_answers(process, store, 10)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err.decode()
        assert b"opengap eval server:fault-1@" in err
        assert b"Traceback" not in err
        assert not list_runs(store)[0].sealed
        assert len(read_journal(list_runs(store)[0].journal).answered) >= 10


def test_a_second_process_on_the_same_run_is_refused(tmp_path: Path) -> None:
    file, store = items(tmp_path / "mine.jsonl", 60), tmp_path / "st"
    with fault_server("--latency", "0.2") as server:
        first = start(server.address, file, store)
        wait_for_answers(first, store, 1)
        second = start(server.address, file, store)
        _, err = second.communicate(timeout=60)
        first.kill()
        first.communicate()
    assert second.returncode == 4
    assert b"another process is at work" in err


def test_a_notebook_with_a_running_loop_can_evaluate(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    address = answers(tmp_path / "a.jsonl", {"0": "5", "1": "4", "2": "3"})

    async def cell() -> list[object]:
        return list(harness.evaluate(address, items=file, scorer="numeric", weights="open", store=tmp_path / "st"))

    assert len(asyncio.run(cell())) == 1
    assert [(score.n, round(score.score)) for score in harness.Store(tmp_path / "st").scores()] == [(3, 67)]


def test_preflight_lists_everything_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(Preflight) as caught:
        evaluate(
            ["openai:gpt-4o", "anthropic:claude-opus-4-8"],
            tasks=["gpqa_diamond", "humaneval"],
            store=tmp_path / "st",
            allow_code_execution=True,
        )
    text = str(caught.value)
    for part in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "gpqa_diamond", "humaneval", "HF_TOKEN", "--data"):
        assert part in text
    assert not (tmp_path / "st").exists()


def test_a_parameter_that_cannot_be_sent_is_an_error_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    file = items(tmp_path / "mine.jsonl", 3)
    with pytest.raises(Preflight, match=r"gpt-5.2 does not accept temperature.*as-recommended"):
        evaluate("openai:gpt-5.2", items=file, scorer="numeric", store=tmp_path / "st")


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"model": "gpt-5.3"}, UnknownName, "gpt-5.2"),
        ({"model": "opnai:gpt-5"}, UnknownName, "openai"),
        ({"model": "demo-open", "suite": "demoo"}, UnknownName, "demo"),
        ({"model": "demo-open", "tasks": ["demo_resoning"]}, UnknownName, "demo_reasoning"),
        ({"model": "demo-open", "protocol": "machted"}, UnknownName, "matched"),
        ({"model": ["demo-open", "file:x.jsonl"], "weights": "open"}, UsageError, "cannot share a run"),
        ({"model": "file:x.jsonl"}, UsageError, "--weights open or --weights closed"),
        ({"model": "server:x"}, UsageError, "server:NAME@URL"),
        ({"model": "demo-open", "limit": 0}, UsageError, "at least 1"),
        ({"model": "demo-open", "tasks": ["gsm8k"], "suite": "core"}, UsageError, "exclude each other"),
        ({"model": "vllm:demo-open,dtyp=float32"}, UnknownName, "dtype"),
        ({"model": "openai:gpt-4o,efort=high"}, UnknownName, "effort"),
        ({"model": "openai:gpt-4o,effort="}, UsageError, "empty"),
        ({"model": "openai:gpt-4o@2025-01-01"}, UsageError, "no @revision"),
        ({"model": "demo-open", "budget": float("nan")}, UsageError, "--budget"),
        ({"model": "demo-open", "policy": RetryPolicy(attempts=0)}, UsageError, "--attempts"),
        ({"model": "demo-open", "scorer": "nosuch"}, UsageError, "--scorer belongs to --items"),
        ({"model": "qwen3-8b", "weights": "closed"}, UsageError, "contradicts the catalogue"),
    ],
)
def test_wrong_usage_starts_nothing(
    arguments: dict[str, object], error: type[Exception], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        evaluate(store=None if "demo-open" in str(arguments) else tmp_path / "st", **arguments)  # type: ignore[arg-type]
    assert not os.listdir(".")


def test_a_wrong_key_in_a_settings_file_names_the_nearest(tmp_path: Path) -> None:
    Path("configs").mkdir()
    Path("configs/suites.yaml").write_text("mine@1:\n  taks: [gsm8k]\n")
    with pytest.raises(UnknownName, match=r"'taks'.*tasks.*suites.yaml"):
        evaluate("demo-open", suite="mine")


def test_errors_of_a_run_can_be_looked_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = items(tmp_path / "mine.jsonl", 4)
    address = answers(tmp_path / "a.jsonl", {"0": "5"})
    store = str(tmp_path / "st")
    assert (
        main(["eval", address, "--items", str(file), "--scorer", "numeric", "--weights", "open", "--store", store]) == 1
    )
    run = list_runs(tmp_path / "st")[0].run_id
    assert main(["runs", "--errors", run, "--store", store]) == 0
    assert "no line for this item" in capsys.readouterr().out
    assert main(["runs", "--json", "--store", store]) == 0
    facts = json.loads(capsys.readouterr().out)[0]
    assert (facts["planned"], facts["answered"], facts["unanswered"], facts["sealed"]) == (4, 1, 3, True)
    assert main(["runs", "--errors", "nope", "--store", store]) == 2


def test_openness_is_given_once_or_once_for_each(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    pair = [answers(tmp_path / name, {}) for name in ("a.jsonl", "b.jsonl")]
    results = evaluate(pair, items=file, scorer="numeric", weights=["closed", "open"], store=tmp_path / "st")
    assert [result.receipt.system.weights for result in results] == ["closed", "open_weights"]
    with pytest.raises(UsageError, match="given 3 times for 2 models"):
        evaluate(pair, items=file, scorer="numeric", weights=["open"] * 3, store=tmp_path / "st")


def test_until_decided_stops_early_and_refuses_batches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = items(tmp_path / "mine.jsonl", 400)
    right = {str(i): "4" if i % 4 else "5" for i in range(400)}
    pair = [answers(tmp_path / "c.jsonl", right), answers(tmp_path / "o.jsonl", dict.fromkeys(right, "1"))]
    command = ["eval", *pair, "--items", str(file), "--scorer", "numeric", "--weights", "closed", "--weights", "open",
               "--store", str(tmp_path / "st"), "--until-decided"]  # fmt: skip
    assert main([*command, "--json"]) == 0
    decision = json.loads(capsys.readouterr().out)
    assert decision["verdict"] == "closed leads"
    assert decision["asked"] < 200
    assert main([*command, "--batch"]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_a_run_without_any_answer_is_sealed_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    store = ["--store", str(tmp_path / "st")]
    assert main(["eval", answers(tmp_path / "a.jsonl", {}), "--items", str(file), "--weights", "open", *store]) == 1
    assert "0 " not in capsys.readouterr().err.split("unanswered;")[0][-3:]
    assert main(["runs", "--json", *store]) == 0
    facts = json.loads(capsys.readouterr().out)[0]
    assert (facts["answered"], facts["unanswered"]) == (0, 3)


def test_a_damaged_run_is_named_and_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    evaluate(answers(tmp_path / "a.jsonl", {"0": "5"}), items=file, weights="open", store=tmp_path / "st")
    broken = tmp_path / "st/runs/20260101T000000Z-broken"
    broken.mkdir()
    (broken / "plan.json").write_text("{")
    assert main(["runs", "--store", str(tmp_path / "st")]) == 0
    said = capsys.readouterr()
    assert "passed over 20260101T000000Z-broken" in said.err
    assert "sealed" in said.out


def test_a_system_that_cannot_start_leaves_no_run_behind(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    with pytest.raises(Preflight, match="there is no file"):
        evaluate(f"file:{tmp_path}/none.jsonl", items=file, weights="open", store=tmp_path / "st")
    (tmp_path / "bad.jsonl").write_text('{"text": "no id"}\n')
    with pytest.raises(UsageError, match="line 1"):
        evaluate(f"file:{tmp_path}/bad.jsonl", items=file, weights="open", store=tmp_path / "st")
    assert list_runs(tmp_path / "st") == []


def test_a_scorer_that_fails_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "odd.py"
    path.write_text(
        "from harness import Text, task\n"
        "@task(dimension='odd', version=1, source='bundled:odd', item=Text, redistributable=True)\n"
        "def odd(rows):\n    'Odd.'\n    yield Text(id='0', question='?', target=None)\n"
        "    yield Text(id='1', question='?', target='x')\n"
    )
    address = answers(tmp_path / "a.jsonl", {"0": "x", "1": "x"})
    (result,) = evaluate(address, tasks=[str(path)], weights="open", store=tmp_path / "st")
    rows = frame([result.run], ("item_id", "score_status", "score")).set_index("item_id")
    assert list(rows["score_status"].sort_index()) == ["scorer_error", "scored"]
    assert rows["score"].isna().sum() == 1


def test_a_file_that_merely_sounds_like_the_demo_is_not(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    (result,) = evaluate(answers(Path("demo-x.jsonl"), {"0": "5"}), items=file, weights="open")
    assert result.run.path.parts[:2] == ("results", "runs")


def test_a_crash_is_never_mistaken_for_unanswered_items(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.csv").write_text("input,target\n1,2,3,4\n")
    shared = ["--weights", "open", "--store", str(tmp_path / "st")]
    assert main(["eval", answers(tmp_path / "a.jsonl", {}), "--items", str(tmp_path / "mine.csv"), *shared]) == 2
    assert "more cells than the header" in capsys.readouterr().err
    (tmp_path / "deep.jsonl").write_text("[" * 100_000)
    assert main(["eval", answers(tmp_path / "a.jsonl", {}), "--items", str(tmp_path / "deep.jsonl"), *shared]) == 2
