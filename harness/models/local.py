"""Weights on this machine: where they lie, what they are (by content hash), and what their configuration says."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import hub
from harness.errors import UsageError
from harness.models import fit
from harness.types import System

NOT_NEEDED = ["original/*", "*.pth", "*.onnx"]
WEIGHT_FILES = ("*.safetensors", "*.bin", "*.gguf")


def locate(system: System) -> Path:
    """The folder of a local system's weights: bundled, a local folder, or a snapshot from the Hugging Face hub.

    Raises: UsageError with what to do if the weights are not to be had.
    """
    return _here(system) or _fetch(system, local_files_only=False)


def _here(system: System) -> Path | None:
    """The folder of weights that need no hub; None: they have to come from there. UsageError if they cannot."""
    bundled = Path(__file__).resolve().parent.parent / system.api_name
    if system.api_name.startswith("demo/weights/"):
        return bundled
    if Path(system.api_name).is_dir():
        return Path(system.api_name).resolve()
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", system.api_name):
        raise UsageError(
            f"{system.name}: {system.api_name!r} is neither a folder nor an org/name of the Hugging Face hub"
        )
    return None


def _fetch(system: System, local_files_only: bool) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                system.api_name, revision=system.revision, ignore_patterns=NOT_NEEDED, local_files_only=local_files_only
            )
        )
    except hub.failures() as error:
        raise _not_there(system, error) from error


def _not_there(system: System, error: BaseException) -> UsageError:
    why = hub.explain(error, system.api_name, system.revision)
    return UsageError(
        f"{system.name}: cannot fetch {system.api_name}: {why}, or give the folder of a local copy: "
        f"{system.provider}:/path/to/model"
    )


def problems(system: System) -> list[str]:
    """What is missing before a run: weights that cannot be had, or do not fit into this machine."""
    try:
        preflight(system)
    except UsageError as error:
        return [str(error)]
    return []


def preflight(system: System) -> None:
    """Ask the hub about weights that are not here yet, before anything large comes.

    Raises: UsageError if they are not to be had, or do not fit into this machine.
    """
    if folder := _here(system):
        return check_memory(system, folder, now=False)
    from huggingface_hub import HfApi

    with contextlib.suppress(UsageError):
        _fetch(system, local_files_only=True)
        return
    try:
        info = HfApi().model_info(system.api_name, revision=system.revision, files_metadata=True)
    except hub.failures() as error:
        raise _not_there(system, error) from error
    files = {one.rfilename: one.size or 0 for one in info.siblings or ()}
    fit.check(system, fit.weights_size({name: size for name, size in files.items() if "/" not in name}), now=False)


def check_memory(system: System, folder: Path, *, now: bool = True) -> None:
    """UsageError if weights in a folder do not fit into what this machine's memory has free now, or has in all."""
    files = {path.name: path.stat().st_size for path in folder.iterdir()}
    fit.check(system, fit.weights_size(files), _dtype(folder), now=now)


def identify(system: System) -> System:
    """The same system with what only its weights know: their hash, their revision, and the dtype they run in."""
    folder = locate(system)
    options = dict(system.options)
    options.setdefault("dtype", _dtype(folder))
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


def _dtype(folder: Path) -> str:
    """What the weights are stored in, by their configuration."""
    config = _config(folder)
    return str(config.get("dtype") or config.get("torch_dtype") or "float32")


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
