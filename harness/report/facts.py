"""Everything that a report is made of, read from the store once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness import catalogue
from harness.gap import Gaps, Store
from harness.store import RunFolder, current_runs, read_receipts
from harness.types import Comparison, Receipt


@dataclass(frozen=True, slots=True)
class Facts:
    """What charts and pages read; nothing in it depends on the clock or on the machine."""

    gaps: Gaps
    receipts: tuple[tuple[RunFolder, Receipt], ...]
    """The sealed runs that count, oldest first."""
    date: str
    """ISO date of the newest run."""
    demo: bool
    """Whether a demo model stands behind any gap; its figures say nothing about real models."""

    @property
    def rows(self) -> tuple[Comparison, ...]:
        return self.gaps.comparisons

    @property
    def source(self) -> str:
        """Where the figures come from, in one line."""
        runs = {run for one in self.rows for run in one.runs}
        return f"OpenGap, {len(runs)} sealed runs, the newest of {self.date}"


def gather(store: Path) -> Facts:
    """Read a store. StoreError if there is none."""
    gaps = Store(store).gap()
    receipts, _ = read_receipts(store)
    current = dict.fromkeys(run for run, _, _ in current_runs(receipts).values())
    counting = tuple((run, receipt) for run, receipt in receipts if run in current)
    date = max((receipt.started[:10] for _, receipt in counting), default="")
    return Facts(gaps, counting, date, _demo(gaps, counting))


def _demo(gaps: Gaps, receipts: tuple[tuple[RunFolder, Receipt], ...]) -> bool:
    compared = {run for one in gaps for run in one.runs}
    cards = catalogue.cards()
    systems = [receipt.system for _, receipt in receipts if receipt.run_id in compared]
    return any(system.card in cards and cards[system.card].family == "demo" for system in systems)
