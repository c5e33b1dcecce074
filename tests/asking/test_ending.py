"""How the command ends when its surroundings fail it: streams that nobody reads, signals, a store that goes away."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.store import RunFolder, list_runs, plan_hash, read_journal, read_plan, read_receipt
from tests.asking.test_evaluate import answers, items, start, wait_for_answers
from tests.servers import fault_server


def by_shell(address: str, file: Path, store: Path, redirections: str) -> subprocess.CompletedProcess[str]:
    """The command in a shell that also closes and redirects; its exit code is the pipeline's first."""
    command = [sys.executable, "-m", "harness", "eval", address, "--items", str(file), "--scorer", "numeric",
               "--weights", "closed", "--store", str(store), "--concurrency", "2"]  # fmt: skip
    script = f"{shlex.join(command)} {redirections}; exit ${{PIPESTATUS[0]}}"
    return subprocess.run(["bash", "-c", script], check=False, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    "redirections", ["2>&1 >/dev/null | head -1", "2>&1 | head -1", "2>&-", ">&-", "<&-", "<&- >&- 2>&-", "2>/dev/full"]
)
def test_a_run_goes_on_whoever_listens(tmp_path: Path, redirections: str) -> None:
    file, store = items(tmp_path / "mine.jsonl", 30), tmp_path / "st"
    with fault_server("--latency", "0.1") as server:
        done = by_shell(server.address, file, store, redirections)
        assert server.stats()["requests"] == 30
    assert done.returncode == 0, done.stderr
    assert list_runs(store)[0].sealed
    assert "Traceback" not in done.stderr


def test_the_exit_code_survives_a_reader_that_is_gone(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 4)
    done = by_shell(answers(tmp_path / "a.jsonl", {"0": "5"}), file, tmp_path / "st", "| head -0")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr


def test_a_full_standard_output_is_said(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 4)
    done = by_shell(answers(tmp_path / "a.jsonl", {"0": "5"}), file, tmp_path / "st", ">/dev/full")
    assert done.returncode == 4
    assert "cannot write to standard output: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert list_runs(tmp_path / "st")[0].sealed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_a_run_as_an_interruption_does(tmp_path: Path, number: signal.Signals) -> None:
    file, store = items(tmp_path / "mine.jsonl", 100), tmp_path / "st"
    with fault_server("--latency", "0.1") as server:
        process = start(server.address, file, store)
        wait_for_answers(process, store, 10)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err.decode()
    assert b"The same command again goes on from there" in err
    assert b"Traceback" not in err
    assert not list_runs(store)[0].sealed


def test_a_store_that_is_deleted_stops_the_run(tmp_path: Path) -> None:
    file, store = items(tmp_path / "mine.jsonl", 400), tmp_path / "st"
    with fault_server("--latency", "0.1") as server:
        process = start(server.address, file, store)
        wait_for_answers(process, store, 10)
        shutil.rmtree(store)
        _, err = process.communicate(timeout=60)
        assert server.stats()["requests"] < 300
    assert process.returncode == 4
    assert b"was deleted while the run went on" in err
    assert b"kept" not in err
    assert b"Traceback" not in err


def killed(address: str, file: Path, store: Path) -> RunFolder:
    """A run that was killed with at least ten answers in its journal."""
    process = start(address, file, store)
    wait_for_answers(process, store, 10)
    process.kill()
    process.communicate()
    (run,) = list_runs(store)
    return run


@pytest.mark.parametrize("harm", ["changed", "unreadable"])
def test_a_resumed_run_is_sealed_with_the_plan_that_ran(tmp_path: Path, harm: str) -> None:
    file, store = items(tmp_path / "mine.jsonl", 60), tmp_path / "st"
    with fault_server("--latency", "0.1") as server:
        run = killed(server.address, file, store)
        text = run.plan.read_text()
        run.plan.write_text(text.replace('"matched"', '"another"') if harm == "changed" else text[:100])
        process = start(server.address, file, store)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    assert b"resuming run" in err
    assert run.plan.read_text() == text
    assert plan_hash(read_plan(run)) == read_receipt(run).plan_sha256


def test_lines_that_the_plan_does_not_ask_count_for_nothing(tmp_path: Path) -> None:
    file, store = items(tmp_path / "mine.jsonl", 60), tmp_path / "st"
    with fault_server("--latency", "0.1") as server:
        run = killed(server.address, file, store)
        segment = run.journal / "0001.jsonl"
        first = segment.read_bytes().splitlines(keepends=True)[0]
        strange = [first.replace(b'"repeat":0', b'"repeat":7'), first.replace(b'"prompt_hash":"', b'"prompt_hash":"f')]
        assert first not in strange
        with open(segment, "ab") as handle:
            handle.write(b"\n" + b"".join(strange))
        process = start(server.address, file, store)
        process.communicate(timeout=120)
    counts = read_receipt(run).counts
    assert (counts["planned"], counts["answered"], counts["unanswered"], counts["status_ok"]) == (60, 60, 0, 60)
    assert len(read_journal(run.journal).answered) == 62


def test_a_done_run_says_each_time_what_stayed_unanswered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = items(tmp_path / "mine.jsonl", 4)
    command = ["eval", answers(tmp_path / "a.jsonl", {"0": "5"}), "--items", str(file), "--scorer", "numeric",
               "--weights", "open", "--store", str(tmp_path / "st")]  # fmt: skip
    for code, said in ((1, "engine file"), (0, "use --again to ask anew")):
        assert main(command) == code
        err = capsys.readouterr().err
        assert said in err
        assert "3 of 4 unanswered" in err
    assert len(list_runs(tmp_path / "st")) == 1
