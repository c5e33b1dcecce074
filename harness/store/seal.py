"""The end of a sealed run: what it vouches for, and the receipt, which is the commit point."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from harness.store.layout import RunFolder, write_atomically
from harness.types import Receipt


def checksums(run: RunFolder, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """SHA-256 of the files that the receipt vouches for; ``known``: those of journal segments that were just read."""
    found = {}
    inner = run.path.glob("grading/*/journal/*.jsonl")
    for path in [run.plan, run.scores, run.text, *sorted(run.journal.glob("*.jsonl")), *sorted(inner)]:
        if not path.is_file():
            continue
        name = str(path.relative_to(run.path))
        if path.parent == run.journal and known and path.name in known:
            found[name] = known[path.name]
            continue
        with open(path, "rb") as handle:
            found[name] = hashlib.file_digest(handle, "sha256").hexdigest()
    return found


def write_receipt(run: RunFolder, receipt: Receipt) -> None:
    """Seal the run."""
    write_atomically(run.receipt, msgspec.json.format(msgspec.json.encode(receipt), indent=1))
