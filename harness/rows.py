"""Rows of a table file, whatever its format."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable

ENDINGS = (".jsonl", ".jsonl.gz", ".json", ".csv", ".parquet")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a JSON Lines (optionally gzipped), JSON, CSV or Parquet file. DataUnavailable names the broken line."""
    try:
        return _read(path)
    except DataUnavailable:
        raise
    except (ValueError, RecursionError, EOFError, OSError, csv.Error) as error:  # Arrow's errors are ValueErrors
        raise DataUnavailable(f"{path} cannot be read: {type(error).__name__}: {error}") from error


def _read(path: Path) -> list[dict[str, Any]]:
    if path.name.endswith(".parquet"):
        import pyarrow.parquet as pq

        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    raw = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataUnavailable(f"{path} is not UTF-8: {error}") from error
    if path.suffix == ".csv":
        csv.field_size_limit(1 << 30)
        return list(csv.DictReader(io.StringIO(text)))
    if path.suffix == ".json":
        loaded = _parse(text, path, 1)
        if isinstance(loaded, dict):
            loaded = loaded.get("data") or loaded.get("rows") or loaded.get("examples")
        if not isinstance(loaded, list):
            raise DataUnavailable(f"{path}: expected a list of rows")
        return loaded
    lines = enumerate(text.split("\n"), start=1)
    return [_parse(line, path, number) for number, line in lines if line.strip()]


def _parse(text: str, path: Path, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataUnavailable(f"{path}, line {line}: not valid JSON ({error.msg} at column {error.colno})") from error
