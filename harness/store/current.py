"""Which run counts: the one place that decides it, or weekly runs, rescores and imports would be counted twice."""

from __future__ import annotations

from collections.abc import Iterable

from harness.store.layout import RunFolder
from harness.types import PlannedTask, Receipt


def current_runs(
    receipts: Iterable[tuple[RunFolder, Receipt]],
) -> dict[tuple[str, str, str], tuple[RunFolder, Receipt, PlannedTask]]:
    """The latest sealed run by (system name, task name, hash of how the task was asked).

    Latest: by the start of the run that asked, then by the time of sealing, so that a rescored run replaces the run
    whose answers it scores. A run that was not asked a task (not applicable) replaces none that was.
    """
    chosen: dict[tuple[str, str, str], tuple[RunFolder, Receipt, PlannedTask]] = {}
    for run, receipt in sorted(receipts, key=lambda pair: (pair[1].started, pair[1].sealed, pair[0].run_id)):
        for planned in receipt.tasks:
            key = (receipt.system.name, planned.card.name, planned.protocol_sha256)
            if planned.card.name not in receipt.not_applicable or key not in chosen:
                chosen[key] = (run, receipt, planned)
    return chosen
