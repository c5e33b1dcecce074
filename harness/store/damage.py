"""What is wrong with a run folder: nobody reads rows that are not those that were sealed."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from harness.store.journal import segments
from harness.store.layout import RunFolder
from harness.types import Receipt


def damage(run: RunFolder, receipt: Receipt) -> str | None:
    """A line if a sealed run's scores are missing or no longer what its receipt vouches for; None: they are sound."""
    fault = _fault(run.scores, receipt)
    return fault and f"{run.run_id} is passed over: {fault}"


def damaged_text(run: RunFolder, receipt: Receipt) -> str | None:
    """A line if what a sealed run was asked and answered is missing or changed; its scores may be sound all the same."""
    fault = _fault(run.text, receipt)
    return fault and f"{run.run_id}: its texts are not shown: {fault}"


def damaged_answers(run: RunFolder, receipt: Receipt) -> str | None:
    """A line if a sealed run's journal is not what its receipt vouches for: a segment is missing, changed or was added."""
    vouched = [name for name in receipt.checksums if name.startswith("journal/") and Path(name).stem.isdigit()]
    if not vouched:
        return None
    for name in vouched:
        if fault := _fault(run.path / name, receipt, name):
            return fault
    added = [path.name for path in segments(run.journal) if f"journal/{path.name}" not in vouched]
    return f"journal/{added[0]} was added after the run was sealed" if added else None


def _fault(path: Path, receipt: Receipt, name: str | None = None) -> str | None:
    """A receipt without a checksum of the file vouches for its presence alone. ``name``: where it has a folder."""
    name = name or path.name
    try:
        facts = path.stat()
        found = _digest(path, facts.st_mtime_ns, facts.st_size)
    except OSError as error:
        return f"{name} cannot be read ({error.strerror})"
    return (
        None if receipt.checksums.get(name, found) == found else f"{name} is not what was sealed (its checksum differs)"
    )


@functools.lru_cache(maxsize=10_000)
def _digest(path: Path, _changed_ns: int, _size: int) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def misplaced(run: RunFolder, receipt: Receipt) -> str | None:
    """A line if a folder does not bear the id of the run that it holds: a copy would count twice."""
    if receipt.run_id == run.run_id:
        return None
    return f"{run.run_id} is passed over: it holds the run {receipt.run_id}; give the folder that name again"


def strangers(store: Path) -> list[str]:
    """A line about each folder among the runs that is none."""
    root = store / "runs"
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    return [
        f"{path.name} is passed over: it is no run (it has no plan.json)"
        for path in folders
        if not (path / "plan.json").is_file()
    ]
