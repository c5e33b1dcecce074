"""What a comparison is made of: one system's answers to one task, one row an item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.catalogue import is_open
from harness.errors import UnknownName, UsageError
from harness.store import RunFolder, current_runs, frame, read_receipts
from harness.types import PlannedTask, Receipt

PARTS = ("empty", "refused", "truncated", "unparsed", "wrong")
"""The waterfall's parts, in the order in which a row is assigned to one."""

COLUMNS = ("run_id", "task", "item_id", "cluster", "repeat", "status", "score_status", "score")


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One system on one task. ``items`` is indexed by item id, sorted, one row for every planned item:

    ``score`` (mean over answered repeats, NaN: missing), ``answers`` (repeats that count), ``cluster``, and
    ``short_<part>``: how much of what is missing to a full score is due to each part.
    """

    run: RunFolder
    receipt: Receipt
    planned: PlannedTask
    items: pd.DataFrame

    @property
    def name(self) -> str:
        return self.receipt.system.name

    @property
    def open(self) -> bool:
        return is_open(self.receipt.system.weights)

    @property
    def repeats(self) -> int:
        return self.receipt.repeats


def gather(store: Path) -> tuple[list[Evidence], list[str]]:
    """Evidence of all current runs of a store, and a line about each damaged run that was passed over."""
    receipts, problems = read_receipts(store)
    return evidence_of(receipts), problems


def evidence_of(receipts: Sequence[tuple[RunFolder, Receipt]]) -> list[Evidence]:
    """Evidence of the current ones among some sealed runs.

    They are chosen by their receipts first, so that rows of superseded runs are never read.
    """
    current = current_runs(receipts)
    if not current:
        return []
    runs = list(dict.fromkeys(run for run, _, _ in current.values()))
    rows = frame(runs, COLUMNS)
    tables = dict(iter(rows.groupby(["run_id", "task"], sort=False)))
    found = []
    for (_, task, _), (run, receipt, planned) in sorted(current.items()):
        if task in receipt.not_applicable:
            continue
        part = tables.get((run.run_id, task), rows.iloc[:0])
        found.append(Evidence(run, receipt, planned, _per_item(part, planned.item_ids)))
    return found


def not_applicable(store: Path) -> dict[tuple[str, str], str]:
    """Reason by (system, task) for tasks that a system cannot take."""
    receipts, _ = read_receipts(store)
    return {
        (system, task): receipt.not_applicable[task]
        for (system, task, _), (_, receipt, _) in current_runs(receipts).items()
        if task in receipt.not_applicable
    }


def _per_item(rows: pd.DataFrame, item_ids: Sequence[str]) -> pd.DataFrame:
    """Reduce repeats at read time; keep every planned item, answered or not."""
    rows = rows.sort_values(["item_id", "repeat"], kind="stable")
    answered = rows[rows["score"].notna()].copy()
    part = np.select(
        [
            answered["status"] == "empty",
            answered["status"] == "refused",
            answered["status"] == "truncated",
            answered["score_status"] == "unparsed",
        ],
        list(PARTS[:4]),
        default="wrong",
    )
    for name in PARTS:
        answered[f"short_{name}"] = np.where(part == name, 1.0 - answered["score"], 0.0)
    measures = ["score", *(f"short_{name}" for name in PARTS)]
    grouped = answered.groupby("item_id", sort=True)
    table = grouped[measures].mean()
    table["answers"] = grouped.size()
    index = pd.Index(sorted(item_ids), name="item_id")
    table = table.reindex(index)
    table["answers"] = table["answers"].fillna(0).astype(int)
    table["cluster"] = rows.groupby("item_id", sort=True)["cluster"].first().reindex(index)
    return table


def status_rates(store: Path) -> pd.DataFrame:
    """Share of each status by (system, task), for reports: columns system, task, status, share, rows."""
    receipts, _ = read_receipts(store)
    runs = list(dict.fromkeys(run for run, _, _ in current_runs(receipts).values()))
    if not runs:
        return pd.DataFrame(columns=["system", "task", "status", "share", "rows"])
    rows = frame(runs, ("system", "task", "status", "score_status"))
    counts = rows.groupby(["system", "task", "status"], sort=True).size().rename("rows").reset_index()
    counts["share"] = counts["rows"] / counts.groupby(["system", "task"])["rows"].transform("sum")
    return counts


def find_system(evidence: Sequence[Evidence], wanted: str, *, open_side: bool) -> str:
    """A stored name by exact name, else by unique prefix, else by address. UnknownName or UsageError otherwise."""
    sides = {one.name: one.open for one in evidence}
    found = wanted if wanted in sides else None
    if found is None:
        starting = [name for name in sides if name.startswith(wanted) or name.partition(":")[2].startswith(wanted)]
        cards = {one.name for one in evidence if one.receipt.system.card == wanted}
        if len(cards) == 1:
            starting = list(cards)
        if len(starting) > 1:
            raise UsageError(f"{wanted!r} is ambiguous: {', '.join(sorted(starting))}")
        found = starting[0] if starting else _by_address(wanted, sides)
    if sides[found] != open_side:
        side = "open" if sides[found] else "closed"
        raise UsageError(f"{found} counts as {side} here: give it with --{side}")
    return found


def _by_address(wanted: str, sides: dict[str, bool]) -> str:
    from harness import address

    try:
        name = address.resolve(wanted).name
    except UsageError:
        name = wanted
    if name not in sides:
        raise UnknownName("system", wanted, sides, hint="(`opengap runs` lists what was run)")
    return name
