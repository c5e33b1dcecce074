"""Whether a model's weights fit into this machine, before they are fetched or loaded."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import UsageError
from harness.types import System

SMALL = 1 << 30
"""Bytes that are not worth asking a GPU about."""
BYTES = {"float32": 4, "float": 4, "bfloat16": 2, "float16": 2, "half": 2}
WEIGHTS = (".safetensors", ".bin", ".gguf")


def weights_size(files: dict[str, int]) -> int:
    """Bytes of a model's weights among its files (name -> bytes); of several formats the first is the one that is loaded."""
    sizes = (sum(size for name, size in files.items() if name.endswith(ending)) for ending in WEIGHTS)
    return next(filter(None, sizes), 0)


def check(system: System, size: int, stored: str | None = None, *, now: bool = True) -> None:
    """UsageError if weights of ``size`` bytes, stored in dtype ``stored``, exceed this machine's memory: what is free of it
    now, or else all that it has.

    Quantised on loading they shrink by what only the engine knows; that is not judged.
    """
    wanted = system.options.get("dtype")
    if "quantization" in system.options or size < SMALL:
        return
    if wanted in BYTES and stored in BYTES:
        size = size * BYTES[wanted] // BYTES[stored]
    room, where = _room(system, now)
    if size > room:
        raise UsageError(
            f"{system.name}: its weights take {size / 1e9:.1f} GB and {where} has {room / 1e9:.1f} GB{' free' if now else ''}: "
            "choose a smaller or quantised model, or a larger machine, or serve it elsewhere and name it server:NAME@URL"
        )


def _room(system: System, now: bool) -> tuple[int, str]:
    """Bytes that weights may take, and the name of the memory."""
    import torch

    if not torch.cuda.is_available():
        return main_memory(now), "this machine's memory"
    many = int(system.options.get("tensor_parallel_size", 1))
    gpus = [torch.cuda.mem_get_info(index)[not now] for index in range(min(many, torch.cuda.device_count()))]
    return sum(gpus), "the GPU" if len(gpus) == 1 else f"the {len(gpus)} GPUs together"


def main_memory(now: bool) -> int:
    """Bytes of main memory that could be had now by the kernel's estimate, or in all; never above a container's limit."""
    room = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    meminfo, limit = Path("/proc/meminfo"), Path("/sys/fs/cgroup/memory.max")
    if now and meminfo.is_file():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        room = 1024 * int(lines["MemAvailable"].split()[0])
    if limit.is_file() and (most := limit.read_text().strip()).isdigit():
        room = min(room, int(most))
    return room
