"""What of a store may leave this machine: sealed runs without their journals, and without the text of private tasks.

A published run is a run of a store like any other: it is compared, checked and reported the same way. It cannot be
rescored, since the answers stay where they were given.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import StoreError, UsageError
from harness.store.damage import damage, damaged_text
from harness.store.layout import RunFolder, list_runs
from harness.store.read import read_receipts
from harness.store.rows import CHUNK, SCORES, TEXT
from harness.store.seal import checksums, write_receipt
from harness.types import Receipt, TaskCard

if TYPE_CHECKING:
    import pyarrow as pa

SPOKEN = ("answer", "reason", "error")
"""Columns of the scores that may quote a question or an answer."""
ORIGINAL = "sealed/"
"""In a published receipt the checksum of a file as it was sealed stands under its name behind this."""


def is_private(card: TaskCard) -> bool:
    """Whether the text of a task's items has to stay here: not redistributable, gated, or of somebody's own file."""
    return not card.redistributable or card.gated or card.source.startswith("file:")


def publish(store: Path, out: Path) -> tuple[list[str], list[str]]:
    """Copy what may be published into ``out``, itself a store; a run that is there already stays as it is.

    Returns the ids of the runs that were added, and a line about each that was passed over. Item ids and cluster labels
    are published. Raises: UsageError if ``out`` holds journals, StoreError if anything cannot be read or written.
    """
    _not_private(store, out)
    receipts, notes = read_receipts(store)
    there = {run.run_id for run in list_runs(out) if run.sealed}
    added = []
    try:
        for run, receipt in receipts:
            if line := damage(run, receipt):
                notes.append(line)
            elif run.run_id not in there:
                _publish_run(run, receipt, RunFolder(out / "runs" / run.run_id))
                added.append(run.run_id)
        for table in sorted((store / "published").glob("*.parquet")):
            (out / "published").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(table, out / "published" / table.name)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot publish to {out}: {error.strerror}; give a writable folder") from error
    return added, notes


def _not_private(store: Path, out: Path) -> None:
    """UsageError if ``out`` is a store of whole runs: everything in it will be taken for publishable."""
    if out.resolve() == store.resolve():
        raise UsageError("the published copy needs a folder of its own, not that of the store")
    whole = [run.run_id for run in list_runs(out) if run.journal.exists() or not run.sealed]
    if whole:
        raise UsageError(
            f"{out} holds runs that were not made for publishing ({', '.join(whole[:3])}); give another folder"
        )


def _publish_run(run: RunFolder, receipt: Receipt, copy: RunFolder) -> None:
    shutil.rmtree(copy.path, ignore_errors=True)
    copy.path.mkdir(parents=True)
    shutil.copyfile(run.plan, copy.plan)
    open_tasks = {task.card.name for task in receipt.tasks if not is_private(task.card)}
    _write(run.scores, copy.scores, SCORES, lambda batch: _speechless(batch, open_tasks))
    if damaged_text(run, receipt) is None:
        _write(run.text, copy.text, TEXT, lambda batch: _only(batch, open_tasks))
    originals = {
        name.removeprefix(ORIGINAL): digest
        for name, digest in sorted(receipt.checksums.items(), key=lambda pair: pair[0].startswith(ORIGINAL))
    }
    journal = {name: digest for name, digest in originals.items() if name.startswith("journal/")}
    now = checksums(copy)
    kept = {f"{ORIGINAL}{name}": originals[name] for name in now if name in originals}
    write_receipt(copy, dataclasses.replace(receipt, checksums={**now, **journal, **kept}))


def _write(source: Path, target: Path, schema: pa.Schema, change: Callable[[pa.RecordBatch], pa.RecordBatch]) -> None:
    """Copy a Parquet file a chunk at a time; columns that an older run lacks are empty in the copy."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source) as rows, pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for batch in rows.iter_batches(CHUNK):
                known = [
                    batch[name].cast(kind) if name in batch.schema.names else pa.nulls(batch.num_rows, kind)
                    for name, kind in zip(schema.names, schema.types, strict=True)
                ]
                writer.write_batch(change(pa.RecordBatch.from_arrays(known, schema=schema)))
    except pa.ArrowException as error:
        raise StoreError(f"cannot read {source}: {error}") from error


def _speechless(batch: pa.RecordBatch, open_tasks: Collection[str]) -> pa.RecordBatch:
    """The scores; what quotes a private task is left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    shown = pc.is_in(batch["task"], value_set=pa.array(sorted(open_tasks), pa.string()))
    for name in SPOKEN:
        place = batch.schema.get_field_index(name)
        batch = batch.set_column(place, batch.schema.field(name), pc.if_else(shown, batch[name], None))
    return batch


def _only(batch: pa.RecordBatch, open_tasks: Collection[str]) -> pa.RecordBatch:
    """The texts of tasks whose text may be passed on."""
    import pyarrow as pa
    import pyarrow.compute as pc

    shown = pc.is_in(batch["task"], value_set=pa.array(sorted(open_tasks), pa.string()))
    return batch.filter(pc.and_(shown, pc.fill_null(batch["redistributable"], False)))
