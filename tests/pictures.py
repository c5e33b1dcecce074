"""Small pictures with real contents, in every format that is taken."""

from __future__ import annotations

import random
from pathlib import Path

import PIL.Image

FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}


def picture(seed: int = 0, size: tuple[int, int] = (40, 30)) -> PIL.Image.Image:
    """Noise, so that no two seeds give the same file and no format makes it tiny."""
    return PIL.Image.frombytes("RGB", size, random.Random(seed).randbytes(3 * size[0] * size[1]))


def write_picture(path: Path, seed: int = 0, size: tuple[int, int] = (40, 30)) -> Path:
    """A picture in the format of the path's ending (``.img``: PNG)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = path.suffix.removeprefix(".")
    picture(seed, size).save(path, kind if kind in FORMATS else "png")
    return path
