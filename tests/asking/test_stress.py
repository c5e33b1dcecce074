"""The promises of the run engine under everything at once: nothing lost, nothing paid twice beyond what was in flight."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness.asking import RetryPolicy, evaluate
from harness.store import frame, list_runs, read_journal
from tests.asking.test_evaluate import items, start
from tests.servers import fault_server

RATES = ("429=0.10", "500=0.05", "reset=0.02", "malformed=0.01", "hang=0.01")
POLICY = RetryPolicy(attempts=8, attempts_timed_out=3, attempt_s=3.0, first_wait_s=0.05, longest_wait_s=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_every_row_arrives_whatever_the_server_does(
    seed: int, protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = items(tmp_path / "mine.jsonl", 500)
    arguments = [word for rate in RATES for word in ("--rate", rate)]
    with fault_server(*arguments, "--seed", str(seed), "--latency", "0.01") as server:
        address = server.address
        if protocol == "anthropic":
            Path("configs").mkdir()
            Path("configs/providers.yaml").write_text(
                f"peer: {{protocol: anthropic, url: '{server.url}', rejects: [seed], source: a test}}\n"
            )
            address = "peer:fault-1"
        (result,) = evaluate(
            address,
            items=file,
            scorer="numeric",
            weights="closed",
            store=tmp_path / "st",
            concurrency=32,
            policy=POLICY,
        )
        stats = server.stats()
    rows = frame([result.run], ("item_id", "status"))
    assert len(rows) == rows["item_id"].nunique() == 500
    assert (rows["status"] == "unanswered").sum() == result.receipt.counts.get("unanswered", 0)
    assert result.exit_code == int(result.receipt.counts.get("unanswered", 0) > 0)
    # With eight attempts at a fault rate of 19 % hardly any item stays unanswered (0.19 ** 8 is one in 600,000).
    assert result.receipt.counts["answered"] >= 499
    assert set(stats["faults"]) == {rate.partition("=")[0] for rate in RATES}
    assert stats["most_in_flight"] <= 32


@pytest.mark.slow
def test_twenty_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    file, store = items(tmp_path / "mine.jsonl", 1500), tmp_path / "st"
    chance = random.Random(7)
    kills = 0
    with fault_server("--latency", "0.15") as server:
        for _ in range(60):
            process = start(server.address, file, store)
            deadline = time.monotonic() + 1.2 + chance.random() * 0.8
            while time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.01)
            if process.poll() is not None:
                break
            before = _answered(store)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
            assert _answered(store) >= before
            if kills == 22:
                process = start(server.address, file, store)
                break
        _finish(process)
        stats = server.stats()
    assert kills >= 20
    (run,) = list_runs(store)
    assert run.sealed
    rows = frame([run], ("item_id", "status"))
    assert len(rows) == rows["item_id"].nunique() == 1500
    assert (rows["status"] == "ok").all()
    paid_again = sum(count - 1 for count in stats["answered"].values())
    assert paid_again <= kills * 8
    assert len(stats["answered"]) == 1500


def _answered(store: Path) -> int:
    runs = list_runs(store)
    return len(read_journal(runs[0].journal).answered) if runs else 0


def _finish(process: subprocess.Popen[bytes]) -> None:
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said.decode()
