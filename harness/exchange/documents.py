"""JSON files of other tools, read with an error that names file and line."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UsageError
from harness.exchange import numbers
from harness.rows import read_rows


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. UsageError if there is no such file, DataUnavailable if it is something else."""
    return parse(existing(path).read_bytes(), path.name)


def existing(path: Path) -> Path:
    """The same path. UsageError if there is no file."""
    if not path.is_file():
        raise UsageError(f"the file {str(path)!r} does not exist")
    return path


def parse(raw: bytes, where: str) -> dict[str, Any]:
    try:
        loaded = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DataUnavailable(f"{where} is not valid JSON: {error}") from error
    if not isinstance(loaded, dict):
        raise DataUnavailable(f"{where}: expected an object")
    return loaded


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Objects of a JSON Lines file, or of one JSON list. Raises as :func:`read_json`."""
    return read_rows(existing(path))


def section(value: Any, where: str, kind: type = dict) -> Any:
    """A part of a document that is missing or of that type. DataUnavailable if it is something else."""
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise DataUnavailable(f"{where}: expected {'an object' if kind is dict else 'a list'}, not {str(value)[:60]!r}")
    return value


def unit_score(value: Any, where: str) -> float | None:
    """A score in [0, 1], a word for right or wrong as 1 or 0; None for NaN, null and the like, which mean that nothing was
    scored. DataUnavailable otherwise.
    """
    if numbers.empty(value):
        return None
    number = math.inf
    if isinstance(value, str):
        word = value.strip().lower()
        number = float(word in numbers.RIGHT) if word in numbers.RIGHT | numbers.WRONG else math.inf
        with contextlib.suppress(ValueError):
            number = float(word)
    elif isinstance(value, bool | int | float):
        number = float(value)
    if not 0 <= number <= 1:
        raise DataUnavailable(
            f"{where}: the score {repr(value)[:80]} is no number in [0, 1]; only such metrics are compared by item "
            "(--metric names another one)"
        )
    return number
