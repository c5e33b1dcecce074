"""Sealing: scores and texts as Parquet, then the receipt, which is the commit point."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import StoreError
from harness.store.layout import RunFolder, write_atomically
from harness.types import Receipt

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
        ("sandbox", pa.string()),
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
        self._rows: list[dict[str, Any]] = []
        self._texts: list[dict[str, Any]] = []

    def __enter__(self) -> RowWriter:
        try:
            self._scores = pq.ParquetWriter(_part(self._run.scores), SCORES, compression="zstd")
            self._text = pq.ParquetWriter(_part(self._run.text), TEXT, compression="zstd")
        except OSError as error:
            raise StoreError(f"cannot seal {self._run.path}: {error}") from error
        return self

    def add(self, row: dict[str, Any], text: dict[str, Any]) -> None:
        """Add one row of each schema, without ``run_id``."""
        self._rows.append(row)
        self._texts.append(text)
        if len(self._rows) >= CHUNK:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            for writer, schema, rows in ((self._scores, SCORES, self._rows), (self._text, TEXT, self._texts)):
                table = pa.Table.from_pylist([{**row, "run_id": self._run.run_id} for row in rows], schema=schema)
                writer.write_table(table)
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


def checksums(run: RunFolder) -> dict[str, str]:
    """SHA-256 of the files that the receipt vouches for."""
    found = {}
    for path in [run.plan, run.scores, run.text, *sorted(run.journal.glob("*.jsonl"))]:
        if path.is_file():
            with open(path, "rb") as handle:
                found[str(path.relative_to(run.path))] = hashlib.file_digest(handle, "sha256").hexdigest()
    return found


def write_receipt(run: RunFolder, receipt: Receipt) -> None:
    """Seal the run."""
    write_atomically(run.receipt, msgspec.json.format(msgspec.json.encode(receipt), indent=1))
