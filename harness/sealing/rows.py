"""The rows of a sealed run: scores and texts, as Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import StoreError
from harness.store import RunFolder

SCORES = pa.schema(
    [
        ("run_id", pa.string()), ("system", pa.string()), ("task", pa.string()), ("task_version", pa.int32()),
        ("dimension", pa.string()), ("item_id", pa.string()), ("cluster", pa.string()), ("published_on", pa.string()),
        ("repeat", pa.int32()), ("prompt_hash", pa.string()), ("status", pa.string()), ("score_status", pa.string()),
        ("score", pa.float64()), ("values", pa.map_(pa.string(), pa.float64())), ("answer", pa.string()),
        ("reason", pa.string()), ("finish_reason", pa.string()), ("error", pa.string()),
        ("input_tokens", pa.int64()), ("cached_tokens", pa.int64()), ("output_tokens", pa.int64()),
        ("reasoning_tokens", pa.int64()), ("cache_written_tokens", pa.int64()), ("latency_s", pa.float64()), ("first_token_s", pa.float64()),
        ("mean_logprob", pa.float64()), ("attempts", pa.int32()), ("cost_usd", pa.float64()), ("at", pa.string()),
    ]
)  # fmt: skip
"""One row per item and repeat. ``score`` is the headline value, null where nothing was answered or scoring failed."""

TEXT = pa.schema(
    [
        ("run_id", pa.string()), ("task", pa.string()), ("item_id", pa.string()), ("repeat", pa.int32()),
        ("redistributable", pa.bool_()), ("messages", pa.string()), ("text", pa.string()), ("reasoning", pa.string()),
        ("target", pa.string()),
    ]
)  # fmt: skip
"""What was asked (JSON) and answered. Rows that are not redistributable stay on this machine."""

CHUNK = 1000
"""Rows a row group: bounds the memory of sealing, whatever the run's size."""


class RowWriter:
    """Writes both Parquet files in chunks; use as a context manager."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._rows: list[Mapping[str, Any]] = []
        self._texts: list[Mapping[str, Any]] = []

    def __enter__(self) -> RowWriter:
        try:
            self._scores = pq.ParquetWriter(_part(self._run.scores), SCORES, compression="zstd")
            self._text = pq.ParquetWriter(_part(self._run.text), TEXT, compression="zstd")
        except OSError as error:
            raise StoreError(f"cannot seal {self._run.path}: {error}") from error
        return self

    def add(self, row: Mapping[str, Any], text: Mapping[str, Any] | None) -> None:
        """Add one row of each schema, without ``run_id``. StoreError if it cannot be written."""
        self._rows.append(row)
        if text is not None:
            self._texts.append(text)
        if len(self._rows) >= CHUNK:
            self._flush()

    def _flush(self) -> None:
        try:
            for writer, schema, rows in ((self._scores, SCORES, self._rows), (self._text, TEXT, self._texts)):
                if rows:
                    table = pa.Table.from_pylist([{**row, "run_id": self._run.run_id} for row in rows], schema=schema)
                    writer.write_table(table)
        except OSError as error:
            raise StoreError(f"cannot seal {self._run.path}: {error}") from error
        self._rows, self._texts = [], []

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        self._scores.close()
        self._text.close()
        if kind is None:
            _part(self._run.scores).replace(self._run.scores)
            _part(self._run.text).replace(self._run.text)


def _part(path: Path) -> Path:
    return path.with_suffix(".part")
