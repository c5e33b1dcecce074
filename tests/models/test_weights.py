"""Weights that cannot be had or do not fit, and data behind a gate: one line that says what to do, and nothing is fetched.

The hub is a server on loopback that speaks its API; what asks it is the real client, in a process of its own.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import address
from harness.errors import UsageError
from harness.models.fit import weights_size
from harness.models.local import check_memory, preflight
from tests.asking.test_evaluate import items

TERABYTE = 10**12


@contextlib.contextmanager
def hub(status: int, code: str = "", body: object = None) -> Iterator[tuple[str, list[str]]]:
    """Answers every request alike; yields its URL and the paths it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(self.path)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if code:
                self.send_header("X-Error-Code", code)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        do_GET = do_HEAD = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def refused(url: str, folder: Path, *words: str) -> str:
    """What `opengap eval` says of these words with this hub, on one line."""
    environment = {key: value for key, value in os.environ.items() if key not in ("HF_HUB_OFFLINE", "HF_TOKEN")}
    done = subprocess.run(
        [sys.executable, "-m", "harness", "eval", *words, "--weights", "open", "--store", str(folder / "st")],
        env={**environment, "HF_ENDPOINT": url, "HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_TELEMETRY": "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert not (folder / "st").exists()
    head, line = done.stderr.splitlines()
    assert head.endswith("nothing was sent:")
    return line


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (403, "GatedRepo", "it is gated: ask its owner for access at huggingface.co/some/model and set HF_TOKEN"),
        (404, "RepoNotFound", "huggingface.co/some/model does not exist, or not for you: check the name"),
        (404, "RevisionNotFound", "huggingface.co/some/model has no revision 'v9': give one that is listed there"),
    ],
)
def test_weights_that_the_hub_does_not_give(status: int, code: str, says: str, tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    with hub(status, code, {"error": "no"}) as (url, _):
        line = refused(url, tmp_path, "transformers:some/model@v9", "--items", str(file))
    assert says in line
    assert "or give the folder of a local copy: transformers:/path/to/model" in line


def test_weights_on_the_hub_that_do_not_fit_are_not_fetched(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    parts = [{"rfilename": f"model-0000{i}-of-00002.safetensors", "size": 500 * TERABYTE} for i in (1, 2)]
    body = {"id": "some/model", "sha": "0" * 40, "siblings": [{"rfilename": "config.json", "size": 9}, *parts]}
    with hub(200, body=body) as (url, asked):
        line = refused(url, tmp_path, "transformers:some/model", "--items", str(file))
        assert [path for path in asked if "/resolve/" in path] == []
    assert "its weights take 1000000.0 GB" in line
    assert "choose a smaller or quantised model" in line


def test_a_hub_that_is_not_there(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    with hub(200) as (url, _):
        pass
    line = refused(url, tmp_path, "transformers:some/model", "--items", str(file))
    assert "the hub cannot be reached, and it was not fetched before: check the network" in line


def test_a_gated_data_set_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    with hub(403, "GatedRepo", {"error": "no"}) as (url, _):
        line = refused(url, tmp_path, f"file:{tmp_path}/a.jsonl", "--task", "gsm8k")
    assert "gsm8k: cannot load openai/gsm8k: it is gated: ask its owner for access at huggingface.co/datasets/" in line
    assert "--data DIR" in line


def model_folder(folder: Path, size: int) -> Path:
    """Weights of a size that the file system only pretends to hold."""
    folder.mkdir()
    (folder / "config.json").write_text('{"dtype": "bfloat16"}')
    with open(folder / "model.safetensors", "wb") as weights:
        weights.truncate(size)
    return folder


def test_weights_in_a_folder_that_do_not_fit_are_not_even_read(tmp_path: Path) -> None:
    system = address.resolve(f"transformers:{model_folder(tmp_path / 'large', 8 * TERABYTE)}", "open")
    for check in (preflight, lambda one: check_memory(one, tmp_path / "large")):
        with pytest.raises(UsageError, match=r"its weights take 8000\.0 GB and"):
            check(system)


def test_a_wider_dtype_takes_more_and_a_quantised_model_is_not_judged(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "large", 8 * TERABYTE)
    wide = address.resolve(f"vllm:{folder},dtype=float32", "open")
    with pytest.raises(UsageError, match=r"its weights take 16000\.0 GB"):
        preflight(wide)
    preflight(address.resolve(f"vllm:{folder},quantization=fp8", "open"))
    preflight(address.resolve(f"vllm:{model_folder(tmp_path / 'small', 10**6)}", "open"))


def test_of_two_formats_only_one_is_counted() -> None:
    assert weights_size({"a.safetensors": 3, "b.safetensors": 4, "pytorch_model.bin": 7, "config.json": 1}) == 7
    assert weights_size({"pytorch_model.bin": 5}) == 5


@pytest.mark.slow
def test_a_vllm_for_gpus_without_one_is_said_before_anything_else(tmp_path: Path) -> None:
    """The real engine looks for its device; only the name of its build is another one's."""
    pytest.importorskip("vllm")
    built = tmp_path / "site" / "vllm-0.99.0.dist-info"
    built.mkdir(parents=True)
    (built / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 0.99.0\n")
    program = "from harness import address; from harness.models.vllm_engine import problems; print(problems(address.resolve('vllm:demo-open')))"
    root = Path(__file__).resolve().parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{built.parent}:{root}", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert "this vLLM is built for GPUs and sees none: check `nvidia-smi`" in done.stdout, done.stderr
