"""Reading sealed runs: receipts as objects, rows through DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from harness.errors import StoreError
from harness.store.damage import misplaced
from harness.store.hashes import with_protocol
from harness.store.layout import RunFolder, list_runs
from harness.types import Plan, Protocol, Receipt

T = TypeVar("T")

if TYPE_CHECKING:
    import pandas as pd


def read_plan(run: RunFolder) -> Plan:
    """StoreError if the plan is not readable."""
    return decoded(run.plan, Plan)


def read_receipt(run: RunFolder) -> Receipt:
    """StoreError if the run is not sealed or its receipt is not readable."""
    return completed(run, decoded(run.receipt, Receipt))


class _Asked(msgspec.Struct):
    protocol: Protocol


def completed(run: RunFolder, receipt: Receipt) -> Receipt:
    """A receipt whose tasks have the hash of how they were asked; one of before gets it from its run's plan."""
    if all(task.protocol_sha256 for task in receipt.tasks):
        return receipt
    try:
        protocol = decoded(run.plan, _Asked).protocol
    except StoreError:
        protocol = None
    return replace(receipt, tasks=with_protocol(receipt.tasks, protocol, receipt.protocol_sha256))


def decoded(path: Path, kind: type[T]) -> T:
    """A file of a run as an object. StoreError if it is not readable."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise StoreError(f"cannot read {path.parent.name}/{path.name}: {why(error)}") from error


def why(error: Exception) -> str:
    """What went wrong, in a line that tells no path of this machine."""
    return error.strerror or "unreadable" if isinstance(error, OSError) else str(error).splitlines()[0]


def read_receipts(
    store: Path, read: Callable[[RunFolder], Receipt] = read_receipt
) -> tuple[list[tuple[RunFolder, Receipt]], list[str]]:
    """All sealed runs, oldest first, and a line about each whose receipt ``read`` cannot read, or is another run's."""
    found: list[tuple[RunFolder, Receipt]] = []
    problems: list[str] = []
    for run in list_runs(store):
        if not run.sealed:
            continue
        try:
            receipt = read(run)
        except StoreError as error:
            problems.append(str(error))
            continue
        if line := misplaced(run, receipt):
            problems.append(line)
        else:
            found.append((run, receipt))
    return found, problems


def frame(runs: Sequence[RunFolder], columns: Sequence[str], where: str = "", file: str = "scores") -> pd.DataFrame:
    """Columns of ``scores`` (or ``text``) of sealed runs as a pandas frame; ``where`` is a DuckDB condition."""
    import duckdb

    paths = [str(run.scores if file == "scores" else run.text) for run in runs]
    condition = f" WHERE {where}" if where else ""
    selected = ", ".join(f'"{column}"' for column in columns)
    with duckdb.connect() as connection:
        try:
            query = f"SELECT {selected} FROM read_parquet($paths, union_by_name=true){condition}"
            return connection.execute(query, {"paths": paths}).df()
        except duckdb.Error as error:
            raise StoreError(f"cannot read the sealed rows: {str(error).splitlines()[0]}") from error
