"""From a store to the files of its report."""

from __future__ import annotations

from pathlib import Path

from harness.errors import StoreError
from harness.report.facts import Facts


def make(facts: Facts, out: Path) -> list[Path]:
    """Write the report of a store that has at least one gap; returns the files. StoreError if ``out`` is not writable."""
    from harness.report.charts.forest import forest
    from harness.report.style import LIGHT, save, settings

    try:
        out.mkdir(parents=True, exist_ok=True)
        with settings(LIGHT):
            return save(forest(facts, LIGHT), out, "gap", LIGHT)
    except OSError as error:
        raise StoreError(f"cannot write the report to {out}: {error.strerror}; give --out a writable folder") from error
