"""The rows of a sealed run: scores and texts, as Parquet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.json
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
        ("reported_model", pa.string()), ("fingerprint", pa.string()), ("sandbox", pa.string()),
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

PAIRS = pa.list_(pa.struct([("key", pa.string()), ("value", pa.float64())]))
_encoder = msgspec.json.Encoder()

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
                    writer.write_batch(_batch(rows, self._run.run_id, schema))
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


def _batch(rows: Sequence[Mapping[str, Any]], run_id: str, schema: pa.Schema) -> pa.RecordBatch:
    """Rows as a batch, by way of JSON: ``from_pylist`` imports the whole of pandas to look whether it was given any of it."""
    if not all(map(_is_finite, rows)):  # JSON has no infinity
        return pa.RecordBatch.from_pylist([{**row, "run_id": run_id} for row in rows], schema=schema)
    place = schema.get_field_index("values")
    written = schema if place < 0 else schema.set(place, pa.field("values", PAIRS))
    lines = _encoder.encode_lines([_line(row, run_id) for row in rows])
    table = pyarrow.json.read_json(
        pa.BufferReader(lines),
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=written, unexpected_field_behavior="error"),
    )
    columns = [table.column(name).combine_chunks() for name in schema.names]
    if place >= 0:
        pairs = columns[place]
        columns[place] = pa.MapArray.from_arrays(pairs.offsets, pairs.values.field("key"), pairs.values.field("value"))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _is_finite(row: Mapping[str, Any]) -> bool:
    return all(math.isfinite(value) for _, value in row.get("values", ())) and math.isfinite(row.get("score") or 0.0)


def _line(row: Mapping[str, Any], run_id: str) -> dict[str, Any]:
    line = {**row, "run_id": run_id}
    if "values" in row:
        # JSON has lists of pairs, and no map whose order is kept.
        line["values"] = [{"key": key, "value": value} for key, value in row["values"]]
    return line


def _part(path: Path) -> Path:
    return path.with_suffix(".part")
