"""A key is sent to its host and stands nowhere else: no output, no file of the store, no process list."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.asking.test_evaluate import items
from tests.servers import fault_server

KEY = "sk-live-7Qm2vXc9Lr4TzB81nWpK"
FAILURES = [
    (["--refuse-key"], 4),
    (["--missing-model"], 4),
    (["--rate", "500=1"], 4),
    (["--rate", "malformed=1"], 1),
    (["--rate", "reset=1"], 4),
    (["--rate", "html=1"], 1),
    (["--rate", "half=1"], 4),
]


def pieces() -> list[bytes]:
    """Every run of eight characters of the key."""
    return [KEY[start : start + 8].encode() for start in range(len(KEY) - 7)]


def processes_below(pid: int) -> list[bytes]:
    """Command lines of a process and its children, as anybody on the machine can read them."""
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if pid in (int(folder.name), parent):
                lines.append((folder / "cmdline").read_bytes())
        except OSError:
            continue
    return lines


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
@pytest.mark.parametrize(("faults", "code"), FAILURES, ids=[" ".join(faults) for faults, _ in FAILURES])
def test_failing_runs_do_not_tell_the_key(protocol: str, faults: list[str], code: int, tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 4)
    with fault_server(*faults) as server:
        base = server.url if protocol == "anthropic" else f"{server.url}/v1"
        Path("configs").mkdir()
        Path("configs/providers.yaml").write_text(
            f"peer: {{protocol: {protocol}, url: '{base}', key: PEER_API_KEY, serves: closed, rejects: [seed], source: a test}}\n"
        )
        command = [sys.executable, "-X", "dev", "-m", "harness", "eval", "peer:fault-1", "--items", str(file), "--scorer",
                   "numeric", "--store", str(tmp_path / "st"), "--attempts", "2"]  # fmt: skip
        environment = {**os.environ, "PEER_API_KEY": KEY, "OPENAI_LOG": "debug", "ANTHROPIC_LOG": "debug"}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        seen = [line for _ in range(20) for line in processes_below(process.pid)]
        out, err = process.communicate(timeout=120)
        assert server.stats()["keys"] == [KEY], "the key was sent"
    assert process.returncode == code, err.decode()
    written = [path.read_bytes() for path in (tmp_path / "st").rglob("*") if path.is_file()]
    assert seen
    assert written
    for text in (out, err, *seen, *written):
        assert not [piece for piece in pieces() if piece in text]
