"""Weights on this machine: where they lie, what they are (by content hash), and what their configuration says."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.types import System

WEIGHT_FILES = ("*.safetensors", "*.bin", "*.gguf")


def locate(system: System) -> Path:
    """The folder of a local system's weights: bundled, a local folder, or a snapshot from the Hugging Face hub.

    Raises: UsageError with what to do if the weights are not to be had.
    """
    bundled = Path(__file__).resolve().parent.parent / system.api_name
    if system.api_name.startswith("demo/weights/"):
        return bundled
    if Path(system.api_name).is_dir():
        return Path(system.api_name).resolve()
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", system.api_name):
        raise UsageError(
            f"{system.name}: {system.api_name!r} is neither a folder nor an org/name of the Hugging Face hub"
        )
    import httpx2
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        return Path(
            snapshot_download(
                system.api_name, revision=system.revision, ignore_patterns=["original/*", "*.pth", "*.onnx"]
            )
        )
    except (OSError, ValueError, HfHubHTTPError, OfflineModeIsEnabled, httpx2.HTTPError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0][:160]
        raise UsageError(
            f"{system.name}: cannot fetch {system.api_name} from the Hugging Face hub ({first}). Check the name and "
            "HF_TOKEN, or give the folder of a local copy: vllm:/path/to/model"
        ) from error


def identify(system: System) -> System:
    """The same system with what only its weights know: their hash, their revision, and the dtype they run in."""
    folder = locate(system)
    options = dict(system.options)
    options.setdefault("dtype", str(_config(folder).get("dtype") or _config(folder).get("torch_dtype") or "float32"))
    # A hub snapshot's folder is named by its commit.
    revision = folder.name if re.fullmatch(r"[0-9a-f]{40}", folder.name) else system.revision
    return replace(system, options=options, revision=revision, weights_sha256=weights_hash(folder))


def weights_hash(folder: Path) -> str:
    """SHA-256 over names and contents of all weight, configuration and tokenizer files.

    Hub snapshots link to blobs that are named by their SHA-256, so nothing large is read twice. UsageError if there
    are no weights.
    """
    weights = sorted({path for pattern in WEIGHT_FILES for path in folder.glob(pattern)})
    if not weights:
        raise UsageError(f"{folder} holds no weights (*.safetensors, *.bin, *.gguf)")
    whole = hashlib.sha256()
    for path in [*weights, *sorted(folder.glob("*.json")), *sorted(folder.glob("*.jinja"))]:
        whole.update(f"{path.name}\0{_file_hash(path)}\n".encode())
    return whole.hexdigest()


def _file_hash(path: Path) -> str:
    blob = path.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", blob):
        return blob
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _config(folder: Path) -> dict[str, Any]:
    try:
        loaded = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} has no readable config.json: {error}") from error
    return dict(loaded)


def context_length(folder: Path) -> int | None:
    """Longest sequence that the model was made for, in tokens."""
    config = _config(folder)
    value = config.get("max_position_embeddings") or config.get("text_config", {}).get("max_position_embeddings")
    return int(value) if value else None
