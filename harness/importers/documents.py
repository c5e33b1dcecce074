"""JSON files of other harnesses, read with an error that names file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UsageError


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. UsageError if there is no such file, DataUnavailable if it is something else."""
    if not path.is_file():
        raise UsageError(f"the file {str(path)!r} does not exist")
    return parse(path.read_bytes(), path.name)


def parse(raw: bytes, where: str) -> dict[str, Any]:
    try:
        loaded = json.loads(raw)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataUnavailable(f"{where} is not valid JSON: {error}") from error
    if not isinstance(loaded, dict):
        raise DataUnavailable(f"{where}: expected an object")
    return loaded


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Objects of a JSON Lines file. Raises as :func:`read_json`."""
    if not path.is_file():
        raise UsageError(f"the file {str(path)!r} does not exist")
    lines = path.read_bytes().split(b"\n")
    return [parse(line, f"{path.name}, line {number}") for number, line in enumerate(lines, start=1) if line.strip()]


def unit_score(value: Any, where: str) -> float:
    """A score in [0, 1]. DataUnavailable otherwise."""
    number = float(value) if isinstance(value, bool | int | float) else float("nan")
    if not 0 <= number <= 1:
        raise DataUnavailable(
            f"{where}: the score {value!r} is no number in [0, 1]; only such metrics are compared by item"
        )
    return number
