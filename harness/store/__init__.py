"""The results store: one immutable folder a run, so that two machines never write one file."""

from __future__ import annotations

from harness.store.current import current_runs
from harness.store.damage import damage, misplaced, strangers
from harness.store.hashes import plan_hash
from harness.store.journal import Journal, JournalState, read_journal
from harness.store.layout import RunFolder, find_run, keep_plan, list_runs, named_run, new_run, protocol_label
from harness.store.read import frame, read_plan, read_receipt, read_receipts
from harness.store.seal import write_receipt

__all__ = [
    "Journal",
    "JournalState",
    "RunFolder",
    "current_runs",
    "damage",
    "find_run",
    "frame",
    "keep_plan",
    "list_runs",
    "misplaced",
    "named_run",
    "new_run",
    "plan_hash",
    "protocol_label",
    "read_journal",
    "read_plan",
    "read_receipt",
    "read_receipts",
    "strangers",
    "write_receipt",
]
