"""A server that is not there, goes away, comes back or does not: nothing is given up for it, and the command goes on."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.asking import RetryPolicy, evaluate
from harness.cli.main import main
from harness.errors import RunFailed, ServerGone
from harness.store import frame, list_runs, read_journal
from tests.asking.test_evaluate import answers, items, start, wait_for_answers
from tests.conftest import ROOT
from tests.servers import fault_server

QUICK = RetryPolicy(attempts=3, first_wait_s=0.01, longest_wait_s=0.05)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def hanging_up(port: int) -> Iterator[list[int]]:
    """Takes every connection and closes it without a word; yields one element for each."""
    seen: list[int] = []
    with socket.create_server(("127.0.0.1", port)) as listener:

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()
                    seen.append(1)

        thread = threading.Thread(target=take)
        thread.start()
        yield seen
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextlib.contextmanager
def gateway_without_a_server() -> Iterator[str]:
    """A proxy that answers 502 to everything, as nginx does while the server behind it is away."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(502)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"server:fault-1@http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def command(address: str, file: Path, store: Path, *more: str) -> list[str]:
    return ["eval", *address.split(), "--items", str(file), "--scorer", "numeric", "--weights", "closed",
            "--store", str(store), *more]  # fmt: skip


@pytest.mark.parametrize("more", [(), ("--batch",)])
def test_a_server_that_is_never_there_ends_the_run_unsealed(
    more: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, store = items(tmp_path / "mine.jsonl"), tmp_path / "st"
    words = command(f"server:fault-1@http://127.0.0.1:{free_port()}/v1", file, store, "--patience", "1s", *more)
    assert main(words) == 4
    said = capsys.readouterr().err
    assert "cannot be reached: connection failed: ConnectionRefusedError" in said
    assert f"The same command again goes on from there:\n  opengap {' '.join(words)}" in said
    assert "no server: connection failed" in said.partition("opengap: ")[0], "the progress line gives the reason"
    (run,) = list_runs(store)
    assert not run.sealed
    assert not read_journal(run.journal).unanswered


def test_a_server_that_comes_back_costs_no_item_an_attempt(tmp_path: Path) -> None:
    file, store = items(tmp_path / "mine.jsonl", 120), tmp_path / "st"
    with fault_server("--latency", "0.1") as first:
        # Two attempts are used up within half a second.
        process = start(first.address, file, store, "--attempts", "2")
        wait_for_answers(process, store, 20)
        first.kill()
        with hanging_up(int(first.port)) as connections:
            while len(connections) < 12 and process.poll() is None:
                time.sleep(0.02)
        with fault_server("--port", first.port) as second:
            _, err = process.communicate(timeout=120)
            assert second.stats()["most_in_flight"] <= 8
    assert process.returncode == 0, err.decode()
    (run,) = list_runs(store)
    rows = frame([run], ("item_id", "attempts", "status"))
    assert (len(rows), set(rows["status"])) == (120, {"ok"})
    assert rows["attempts"].max() <= 2
    assert (rows["attempts"] == 2).sum() <= 8, "only what was in flight when it died was sent twice"


def test_a_server_that_does_not_come_back_ends_the_run_unsealed_and_the_command_goes_on(tmp_path: Path) -> None:
    file, store = items(tmp_path / "mine.jsonl", 120), tmp_path / "st"
    with fault_server("--latency", "0.1") as first:
        process = start(first.address, file, store, "--patience", "2")
        wait_for_answers(process, store, 20)
        first.kill()
        with hanging_up(int(first.port)) as connections:
            _, err = process.communicate(timeout=60)
        assert len(connections) < 8 + 12, "one probe at a time, with growing pauses"
    assert process.returncode == 4, err.decode()
    assert b"is gone, and did not come back within 2 s (--patience)" in err
    assert b"goes on from there:\n  opengap eval server:fault-1@" in err
    assert b"Traceback" not in err
    (run,) = list_runs(store)
    state = read_journal(run.journal)
    before = len(state.answered)
    assert (run.sealed, len(state.unanswered)) == (False, 0)
    assert 20 <= before < 120
    with fault_server("--port", first.port) as second:
        process = start(second.address, file, store, "--patience", "2")
        _, err = process.communicate(timeout=60)
        assert second.stats()["requests"] == 120 - before
    assert process.returncode == 0, err.decode()
    assert [run.sealed for run in list_runs(store)] == [True]


@pytest.mark.parametrize("path", ["", "/", "/v1/chat/completions"])
def test_an_address_without_its_version_is_recognised(path: str, tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    with fault_server() as server:
        with pytest.raises(RunFailed, match=f"but there are some at {server.url}/v1: write that address"):
            evaluate(f"server:fault-1@{server.url}{path}", items=file, weights="closed", store=tmp_path / "st")
        assert server.stats()["requests"] == 0


def test_the_second_of_two_systems_is_gone_and_the_first_is_kept(tmp_path: Path) -> None:
    file, store, port = items(tmp_path / "mine.jsonl", 10), tmp_path / "st", free_port()
    with fault_server() as here:
        words = command(f"{here.address} server:fault-1@http://127.0.0.1:{port}/v1", file, store, "--patience", "1")
        assert main(words) == 4
        assert sorted(run.sealed for run in list_runs(store)) == [False, True]
        with fault_server("--port", str(port)) as other:
            assert main(words) == 0
            assert other.stats()["requests"] == here.stats()["requests"] == 10
    assert [run.sealed for run in list_runs(store)] == [True, True]


def test_a_gateway_with_nothing_behind_it_is_no_server(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    with (
        gateway_without_a_server() as address,
        pytest.raises(ServerGone, match="cannot be reached: server answered 502"),
    ):
        evaluate(address, items=file, weights="closed", store=tmp_path / "st", patience_s=1)
    assert not list_runs(tmp_path / "st")[0].sealed


def test_a_gateway_that_fails_some_items_holds_up_nothing(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 60)
    with fault_server("--rate", "502=0.4", "--seed", "1") as server:
        (result,) = evaluate(
            server.address, items=file, weights="closed", store=tmp_path / "st", policy=QUICK, patience_s=0
        )
    counts = result.receipt.counts
    assert counts["answered"] + counts["unanswered"] == 60
    assert counts["unanswered"] > 0, "three attempts that failed are an unanswered row, since others were answered"
    assert frame([result.run], ("attempts",))["attempts"].max() == 3


def test_a_server_that_brings_nothing_at_all_is_not_sealed(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 5)
    with fault_server("--rate", "reset=1") as server, pytest.raises(ServerGone, match="5 items in a row were given up"):
        evaluate(server.address, items=file, weights="closed", store=tmp_path / "st", policy=QUICK)
    assert not list_runs(tmp_path / "st")[0].sealed


def test_what_is_left_of_a_resumed_run_may_stay_unanswered(tmp_path: Path) -> None:
    """An item that no attempt can bring must not keep a run open for ever."""
    file, store = items(tmp_path / "mine.jsonl", 60), tmp_path / "st"
    with fault_server("--latency", "0.05") as first:
        process = start(first.address, file, store)
        wait_for_answers(process, store, 10)
        process.kill()
        process.communicate()
        first.kill()
        with fault_server("--port", first.port, "--rate", "500=1") as second:
            (result,) = evaluate(
                second.address, items=file, scorer="numeric", weights="closed", store=store, policy=QUICK
            )
    assert result.exit_code == 1
    assert result.receipt.counts["unanswered"] > 0


def test_until_decided_stops_with_its_server_and_keeps_both_sides(tmp_path: Path) -> None:
    file, store = items(tmp_path / "mine.jsonl", 60), tmp_path / "st"
    open_side = answers(tmp_path / "o.jsonl", {str(i): "4" for i in range(60)})
    words = command(f"server:fault-1@http://127.0.0.1:{free_port()}/v1 {open_side}", file, store, "--until-decided",
                    "--weights", "open", "--patience", "1")  # fmt: skip
    assert main(words) == 4
    assert [run.sealed for run in list_runs(store)] == [False, False]


@pytest.mark.parametrize(("given", "code"), [("90s", 4), ("10m", 4), ("soon", 2), ("-1", 2), ("nan", 2)])
def test_patience_is_a_number_of_seconds_or_has_a_unit(given: str, code: int, tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    with fault_server("--refuse-key") as server:
        assert main(command(server.address, file, tmp_path / "st", "--patience", given)) == code


@pytest.mark.slow
def test_an_engine_that_dies_ends_the_run_unsealed(tmp_path: Path) -> None:
    pytest.importorskip("vllm")
    store = tmp_path / "st"
    words = ["eval", "vllm:demo-open", "--task", "demo_reasoning", "--concurrency", "1", "--store", str(store)]
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    wait_for_answers(process, store, 3, within_s=240)
    children = [
        int(one) for path in Path(f"/proc/{process.pid}/task").glob("*/children") for one in path.read_text().split()
    ]
    (engine,) = [one for one in children if "EngineCor" in Path(f"/proc/{one}/comm").read_text()]
    os.kill(engine, signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 4, err.decode()
    assert b"vLLM's engine has died under vllm:demo-open" in err
    assert f"goes on from there:\n  opengap {' '.join(words)}".encode() in err
    (run,) = list_runs(store)
    state = read_journal(run.journal)
    assert (run.sealed, len(state.unanswered)) == (False, 0)
