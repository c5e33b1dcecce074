"""What the adapters' tests share: a scripted loopback server, and one real vLLM server a session."""

from __future__ import annotations

import contextlib
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
IMAGE_TOKENS = 4
"""What an image counts for in the model that takes them."""

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
        pytest.skip("vllm is not installed: make setup")
    return {**os.environ, **ENGINE_ENVIRONMENT}


@pytest.fixture(scope="session")
def vllm_server(engine_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of vLLM's own server over ``demo-open``: software nobody here wrote, which speaks all three protocols."""
    with vllm_serving(WEIGHTS / "demo-open", engine_environment, tmp_path_factory.mktemp("vllm")) as url:
        yield url


@pytest.fixture(scope="session")
def seeing_vllm_server(engine_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same over a model that takes images: BLIP-2, a few hundred kilobytes of random weights."""
    folder = tmp_path_factory.mktemp("seeing")
    make_seeing_model(folder / "demo-seeing")
    with vllm_serving(folder / "demo-seeing", engine_environment, folder) as url:
        yield url


@contextlib.contextmanager
def vllm_serving(model: Path, environment: dict[str, str], folder: Path) -> Iterator[str]:
    """vLLM's server over one model, under the name of its folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model), "--served-model-name", model.name,
        "--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--enforce-eager", "--max-num-seqs", "32",
    ]  # fmt: skip
    log = folder / "server.log"
    with open(log, "w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
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


def make_seeing_model(folder: Path) -> None:
    """Random weights over the tokenizer of ``demo-open``. BLIP-2, since vLLM's code for it is the one that needs no
    torchvision, whose builds for the CPU are not at hand.
    """
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(WEIGHTS / "demo-open")
    processor = transformers.Blip2Processor(
        image_processor=transformers.BlipImageProcessorPil(size={"height": 28, "width": 28}), tokenizer=tokenizer,
        num_query_tokens=IMAGE_TOKENS, chat_template=tokenizer.chat_template,
    )  # fmt: skip
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    special = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = transformers.Blip2Config(
        vision_config={**small, "image_size": 28, "patch_size": 14},
        qformer_config={**small, "encoder_hidden_size": 32, "cross_attention_frequency": 1},
        text_config={
            "model_type": "opt", "vocab_size": len(tokenizer), "hidden_size": 64, "word_embed_proj_dim": 64, "ffn_dim": 128,
            "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 2048, **special,
        },
        num_query_tokens=IMAGE_TOKENS,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.Blip2ForConditionalGeneration(config).float().save_pretrained(folder)
    processor.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(
        "vLLM's server did not start; its last lines:\n" + "\n".join(log.read_text().splitlines()[-20:])
    )
