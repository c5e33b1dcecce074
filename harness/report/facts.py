"""Everything that a report is made of, read from the store once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness import catalogue
from harness.gap import Gaps, Store
from harness.gap.evidence import Evidence
from harness.gap.scores import SystemScore, scores
from harness.report.text import short_names
from harness.store import RunFolder, frame, list_runs
from harness.types import Comparison, PublishedScore, Receipt

ANSWERS = ("run_id", "task", "item_id", "repeat", "status", "score_status", "score", "cost_usd", "answer")


IMPORTED = "imported results do not tell refused, cut off and unreadable answers from wrong ones"


class TooLittle(Exception):
    """A chart's data do not suffice; the message says what it would need."""


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What charts and pages read; nothing in it depends on the clock or on the machine."""

    store: Path
    gaps: Gaps
    """One row a dimension: the headline."""
    tasks: Gaps
    """One row a task."""
    evidence: tuple[Evidence, ...]
    scores: tuple[SystemScore, ...]
    answers: pd.DataFrame
    """One row an answer that counts, with ``ANSWERS``, its ``system`` and ``open``; no text."""
    published: tuple[PublishedScore, ...]
    """Scores that others published; no gap is computed of them."""
    unsealed: tuple[str, ...]
    """Runs that are not finished and therefore in nothing else here."""
    date: str
    """ISO date of the newest run."""
    names: Mapping[str, str]
    """Short name by system."""
    demo: bool
    """Whether a demo model stands behind any gap; its figures say nothing about real models."""

    @property
    def rows(self) -> tuple[Comparison, ...]:
        return self.gaps.comparisons

    @property
    def runs(self) -> list[tuple[RunFolder, Receipt]]:
        """The sealed runs that count, oldest first."""
        found = {one.run: one.receipt for one in self.evidence}
        return sorted(found.items(), key=lambda pair: (pair[1].started, pair[0].run_id))

    def name(self, system: str) -> str:
        """A system's short name."""
        return self.names.get(system, system)

    @property
    def source(self) -> str:
        """Where the figures come from, in one line."""
        runs = {run for one in self.rows for run in one.runs}
        return f"OpenGap, {len(runs)} sealed runs, the newest of {self.date}"

    def asked(self, *systems: str) -> bool:
        """Whether all these systems were asked here; of imported answers one does not know how they came."""
        return all(one.known for one in self.evidence if one.name in systems)

    def one(self, system: str, task: str) -> Evidence | None:
        """The evidence of a system on a task, where there is any."""
        return next((e for e in self.evidence if e.name == system and e.task == task), None)


def gather(folder: Path) -> Facts:
    """Read a store. StoreError if there is none, or if its sealed rows cannot be read."""
    store = Store(folder)
    # Restricted weights are neither open nor closed: the notes of the gaps name them, and they stand on no side.
    evidence = [one for one in store.evidence()[0] if one.side != "restricted"]
    gaps = store.gap()
    answers = _answers(evidence)
    date = max((one.receipt.started[:10] for one in evidence), default="")
    unsealed = tuple(run.run_id for run in list_runs(folder) if not run.sealed)
    return Facts(
        folder, gaps, _by_task(store, gaps), tuple(evidence), tuple(scores(evidence)), answers,
        tuple(store.published()), unsealed, date, short_names(one.name for one in evidence), _demo(gaps, evidence),
    )  # fmt: skip


def _by_task(store: Store, gaps: Gaps) -> Gaps:
    """One row a task, which is the same thing where every dimension has one."""
    return store.gap(by_task=True) if any(len(one.tasks) > 1 for one in gaps) else gaps


def _answers(evidence: list[Evidence]) -> pd.DataFrame:
    if not evidence:
        return pd.DataFrame(columns=[*ANSWERS, "system", "open"])
    rows = frame(list(dict.fromkeys(one.run for one in evidence)), ANSWERS)
    counting = pd.DataFrame(
        [(one.run.run_id, one.task, one.name, one.open) for one in evidence],
        columns=["run_id", "task", "system", "open"],
    )
    return rows.merge(counting, on=["run_id", "task"], how="inner", validate="many_to_one")


def _demo(gaps: Gaps, evidence: list[Evidence]) -> bool:
    compared = {run for one in gaps for run in one.runs}
    cards = catalogue.cards()
    systems = [one.receipt.system for one in evidence if one.run.run_id in compared]
    return any(system.card in cards and cards[system.card].family == "demo" for system in systems)
