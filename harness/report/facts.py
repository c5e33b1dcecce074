"""Everything that a report is made of, read from the store once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness import catalogue
from harness.gap import Gaps, Store
from harness.gap.evidence import Evidence
from harness.gap.scores import SystemScore, scores
from harness.gap.standing import Entrant, Standing, iso_day, stand, standings
from harness.report.text import counted, listed, short_names
from harness.store import RunFolder, frame, list_runs
from harness.types import Comparison, PublishedScore, Receipt

ANSWERS = ("run_id", "task", "item_id", "repeat", "status", "score_status", "score", "cost_usd", "cluster")


UNPAIRED = "it needs answers to the same items from an open and a closed system, and this store has none"
IMPORTED = "imported results do not tell refused, cut off and unreadable answers from wrong ones"


@dataclass(frozen=True, slots=True)
class About:
    """When a system was released, and by whom; None and empty where one does not know."""

    released: str | None
    matched: bool
    """The date is that of the published scores of the same name, since the import had none."""
    developer: str


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
    standings: tuple[Standing, ...]
    """Best against best and the lag: of each dimension the task with the most dated systems, then published series."""
    unsealed: tuple[str, ...]
    """Runs that are not finished and therefore in nothing else here."""
    date: str
    """ISO date of the newest run asked here; where there is none, of the newest import."""
    names: Mapping[str, str]
    """Short name by system."""
    about: Mapping[str, About]
    """What is known of a system beside its answers."""
    demo: bool
    """Whether a demo model stands behind any gap; its figures say nothing about real models."""

    @property
    def rows(self) -> tuple[Comparison, ...]:
        return self.gaps.comparisons

    @property
    def anything(self) -> bool:
        """Whether there is something to report."""
        return bool(self.rows or self.published)

    @property
    def runs(self) -> list[tuple[RunFolder, Receipt]]:
        """The sealed runs that count, oldest first."""
        found = {one.run: one.receipt for one in self.evidence}
        return sorted(found.items(), key=lambda pair: (pair[1].started, pair[0].run_id))

    def name(self, system: str) -> str:
        """A system's short name."""
        return self.names.get(system, system)

    @property
    def published(self) -> list[Standing]:
        """Series of scores that others published; no paired gap is computed of them."""
        return [one for one in self.standings if not one.measured]

    def varied(self, most: int) -> list[Standing]:
        """The first published series of each source, which do not share their answers."""
        first = {one.sources: one for one in reversed(self.published)}
        return [one for one in self.published if first[one.sources] is one][:most]

    @property
    def source(self) -> str:
        """Where the figures come from, in one line."""
        used = {run for one in self.rows for run in one.runs}
        behind = list({one.run: one for one in self.evidence if one.run.run_id in used}.values())
        imported = [one for one in behind if not one.known]
        parts = [f"{counted(len(behind) - len(imported), 'sealed run')}, the newest of {self.date}"] if len(behind) > len(imported) else []
        if imported:
            files = listed(dict.fromkeys(one.planned.card.source.removeprefix("file:") for one in imported))
            parts.append(f"{counted(len(imported), 'result')} imported from {files} on {max(one.receipt.started[:10] for one in imported)}")
        if not behind:
            parts.append(f"scores that others published, {len(self.published)} series")
        return f"OpenGap, {'; '.join(parts)}"

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
    gaps, published, own = store.gap(), store.published(), scores(evidence)
    here = [one.receipt.started[:10] for one in evidence if one.known]
    date = max(here or [one.receipt.started[:10] for one in evidence], default="")
    unsealed = tuple(run.run_id for run in list_runs(folder) if not run.sealed)
    names, about = short_names(one.name for one in evidence), _about(evidence, published)
    return Facts(
        folder, gaps, _by_task(store, gaps), tuple(evidence), tuple(own), _answers(evidence),
        (*_measured(evidence, own, names, about, date), *standings(published)), unsealed, date, names, about, _demo(gaps, evidence),
    )  # fmt: skip


def _about(evidence: list[Evidence], published: list[PublishedScore]) -> dict[str, About]:
    """An imported system is the published model of exactly the same name, where all that is published of it agrees."""
    days: dict[str, set[str]] = defaultdict(set)
    developers: dict[str, set[str]] = defaultdict(set)
    for row in published:
        days[row.model] |= {day for day in [iso_day(row.date)] if day}
        developers[row.model] |= {row.developer} - {""}
    found = {}
    for one in evidence:
        system, told, labs = one.receipt.system, days.get(one.name, set()), developers.get(one.name, set())
        own = iso_day(system.released)
        matched = own is None and len(told) == 1 and not one.known
        found[one.name] = About(
            min(told) if matched else own, matched, system.developer or (min(labs) if len(labs) == 1 and not one.known else "")
        )
    return found


def _measured(
    evidence: list[Evidence], own: list[SystemScore], names: Mapping[str, str], about: Mapping[str, About], date: str
) -> list[Standing]:  # fmt: skip
    """Of each dimension the task with the most dated systems on the smaller side."""
    tasks: dict[tuple[str, str], tuple[list[Entrant], list[Entrant]]] = defaultdict(lambda: ([], []))
    for one in own:
        known = about[one.system]
        if math.isfinite(one.score):
            se = (one.high - one.low) / (2 * 1.96)
            entrant = Entrant(names[one.system], one.score, se if se > 0 else None, known.released, known.developer, one.n)
            tasks[one.dimension, one.task][one.open].append(entrant)
    chosen: dict[str, tuple[int, str]] = {}
    for (dimension, task), sides in sorted(tasks.items()):
        dated = min(sum(e.released is not None for e in side) for side in sides)
        if all(sides) and dated > chosen.get(dimension, (-1, ""))[0]:
            chosen[dimension] = dated, task
    # Imported results end when they were made, not when they were read.
    here = {one.task for one in evidence if one.known}
    return [
        stand(task, "points", *tasks[dimension, task], as_of=date if task in here else "", measured=True)
        for dimension, (_, task) in chosen.items()
    ]


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
