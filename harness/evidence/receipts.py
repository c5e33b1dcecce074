"""Receipts without the ids of their items: which run counts is decided before anything large is read.

A store of 200 runs with 50,000 items each holds 200 MB of ids in its receipts; they are skipped here, and read for the
few runs that are compared.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import msgspec

from harness.errors import StoreError
from harness.store import RunFolder, strangers
from harness.store.read import completed, decoded, read_receipts
from harness.types import PlannedTask, Receipt, TaskCard


@dataclass(frozen=True, slots=True)
class _Planned(PlannedTask):
    item_ids: ClassVar[tuple[str, ...]] = ()  # type: ignore[misc]  # no field, so that a reader passes over it


@dataclass(frozen=True, slots=True)
class _Light(Receipt):
    tasks: tuple[_Planned, ...]


class _Task(msgspec.Struct):
    card: TaskCard
    item_ids: tuple[str, ...]


class _Tasks(msgspec.Struct):
    tasks: tuple[_Task, ...]


@functools.lru_cache(maxsize=100_000)
def _read(path: Path, _changed_ns: int, _size: int) -> Receipt:
    """Sealed receipts never change, so one that was read once is not read again."""
    return completed(RunFolder(path.parent), decoded(path, _Light))


def _light(run: RunFolder) -> Receipt:
    try:
        facts = run.receipt.stat()
    except OSError as error:
        raise StoreError(f"cannot read {run.run_id}/receipt.json: {error.strerror}") from error
    return _read(run.receipt, facts.st_mtime_ns, facts.st_size)


def light_receipts(store: Path) -> tuple[list[tuple[RunFolder, Receipt]], list[str]]:
    """All sealed runs with receipts whose tasks have no ``item_ids``, and a line about each that is damaged or none."""
    found, problems = read_receipts(store, _light)
    return found, problems + strangers(store)


def planned_ids(run: RunFolder) -> dict[str, tuple[str, ...]]:
    """Ids of the planned items by task. StoreError if the receipt is not readable."""
    return {task.card.name: task.item_ids for task in decoded(run.receipt, _Tasks).tasks}
