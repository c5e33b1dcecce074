"""Receipts without the ids of their items: which run counts is decided before anything large is read.

A store of 200 runs with 50,000 items each holds 200 MB of ids in its receipts; they are skipped here, and read for the
few runs that are compared.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import StoreError
from harness.store import RunFolder, list_runs, misplaced, strangers
from harness.store.read import completed, why
from harness.types import PlannedTask, Receipt, TaskCard


class _Planned(msgspec.Struct):
    card: TaskCard
    items_sha256: str
    prompts_sha256: str
    revision: str | None = None
    protocol_sha256: str = ""


class _Task(msgspec.Struct):
    card: TaskCard
    item_ids: tuple[str, ...]


class _Tasks(msgspec.Struct):
    tasks: tuple[_Task, ...]


@functools.cache
def _light() -> msgspec.json.Decoder[Any]:
    """A decoder of everything that a receipt holds, but for the ids."""
    hints = typing.get_type_hints(Receipt)
    fields: list[Any] = []
    for field in dataclasses.fields(Receipt):
        kind = tuple[_Planned, ...] if field.name == "tasks" else hints[field.name]
        if field.default is not dataclasses.MISSING:
            fields.append((field.name, kind, field.default))
        elif field.default_factory is not dataclasses.MISSING:
            fields.append((field.name, kind, msgspec.field(default_factory=field.default_factory)))
        else:
            fields.append((field.name, kind))
    return msgspec.json.Decoder(msgspec.defstruct("LightReceipt", fields))


@functools.lru_cache(maxsize=100_000)
def _read(path: Path, _changed_ns: int, _size: int) -> Receipt:
    """Sealed receipts never change, so one that was read once is not read again."""
    try:
        light = _light().decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise StoreError(f"cannot read {path.parent.name}/{path.name}: {why(error)}") from error
    values = {name: getattr(light, name) for name in light.__struct_fields__}
    tasks = tuple(
        PlannedTask(t.card, (), t.items_sha256, t.prompts_sha256, t.revision, t.protocol_sha256)
        for t in values.pop("tasks")
    )
    return completed(RunFolder(path.parent), Receipt(**values, tasks=tasks))


def light_receipts(store: Path) -> tuple[list[tuple[RunFolder, Receipt]], list[str]]:
    """All sealed runs with receipts whose tasks have no ``item_ids``, and a line about each that is damaged or none."""
    found: list[tuple[RunFolder, Receipt]] = []
    problems: list[str] = []
    for run in list_runs(store):
        try:
            facts = run.receipt.stat()
        except OSError:
            continue
        try:
            receipt = _read(run.receipt, facts.st_mtime_ns, facts.st_size)
        except StoreError as error:
            problems.append(str(error))
            continue
        if line := misplaced(run, receipt):
            problems.append(line)
        else:
            found.append((run, receipt))
    return found, problems + strangers(store)


def planned_ids(run: RunFolder) -> dict[str, tuple[str, ...]]:
    """Ids of the planned items by task. StoreError if the receipt is not readable."""
    try:
        tasks = msgspec.json.decode(run.receipt.read_bytes(), type=_Tasks).tasks
    except (OSError, msgspec.DecodeError) as error:
        raise StoreError(f"cannot read {run.run_id}/receipt.json: {why(error)}") from error
    return {task.card.name: task.item_ids for task in tasks}
