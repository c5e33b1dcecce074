"""Everything that a report is made of, read from the store once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from harness import catalogue
from harness.evidence.alignment import PairedTask, align
from harness.evidence.gather import Evidence, open_levels, sided
from harness.evidence.select import groups
from harness.history.standing import Entrant, Standing, iso_day, named_day, stand, standings
from harness.stats.estimate import t_quantile
from harness.store import RunFolder, frame, list_runs
from harness.store.damage import damaged_text
from harness.text import counted, distinct, labels, listed, short_names
from harness.types import Comparison, OpenFrom, PublishedScore, Reason, Receipt, WeightsLevel
from harness.verdict import Gaps, Store
from harness.verdict.pair import compare
from harness.verdict.scores import SystemScore, scores

ANSWERS = ("run_id", "task", "item_id", "repeat", "status", "score_status", "score", "cost_usd", "cluster")


UNPAIRED = "it needs answers to the same items from an open and a closed system, and this store has none that compare"
IMPORTED = "imported results do not tell refused, cut off and unreadable answers from wrong ones"
BY_TASK = "the pair of the dimension"


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
class Part:
    """All results of one task under one protocol; imported ones, whose protocol is unknown, belong to each."""

    name: str
    """The task's, longer where several parts have it."""
    dimension: str
    task: str
    members: tuple[Evidence, ...]
    """One a system."""


@dataclass(frozen=True, slots=True, eq=False)
class TaskGap:
    """The two systems of a row on one of its tasks."""

    row: Comparison
    part: Part
    pair: PairedTask
    gap: Comparison
    """Of these two alone, simultaneous over the tasks of all rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What charts and pages read; nothing in it depends on the clock or on the machine."""

    store: Path
    gaps: Gaps
    """One row a dimension: the headline."""
    tasks: tuple[TaskGap, ...]
    """The two systems of each row, one task after another."""
    parts: tuple[Part, ...]
    evidence: tuple[Evidence, ...]
    scores: tuple[SystemScore, ...]
    answers: pd.DataFrame
    """One row an answer that counts, with ``ANSWERS``, its ``system``, ``open`` and ``protocol``; no text."""
    standings: tuple[Standing, ...]
    """Best against best and the lag: of each row, then of published series."""
    texts: frozenset[RunFolder]
    """Runs whose texts are what was sealed."""
    notes: tuple[str, ...]
    """What is in no comparison, or not shown, and why."""
    date: str
    """ISO date of the newest run asked here; where there is none, of the newest import."""
    names: Mapping[str, str]
    """Short name by system."""
    about: Mapping[str, About]
    """What is known of a system beside its answers."""
    demo: bool
    """Whether a demo model stands behind any gap; its figures say nothing about real models."""
    open_levels: tuple[WeightsLevel, ...] = ()
    """How open each open system is that was measured here."""
    published_levels: tuple[WeightsLevel, ...] = ()
    """How open each open model of the published series is."""

    @property
    def openness(self) -> str:
        """What counts as open here, and how many systems stricter rules would leave; of published models where nothing
        was measured."""
        return catalogue.openness_rule(self.open_levels or self.published_levels, self.gaps.open_from)

    @property
    def openness_published(self) -> str:
        """The same of the published series."""
        return catalogue.openness_rule(self.published_levels, self.gaps.open_from)

    @property
    def rows(self) -> tuple[Comparison, ...]:
        return self.gaps.comparisons

    @property
    def anything(self) -> bool:
        """Whether something stands against something else."""
        return bool(self.rows or self.published)

    @property
    def runs(self) -> list[tuple[RunFolder, Receipt]]:
        """The sealed runs that count, oldest first."""
        found = {one.run: one.receipt for one in self.evidence}
        return sorted(found.items(), key=lambda pair: (pair[1].started, pair[0].run_id))

    def name(self, system: str) -> str:
        """A system's short name."""
        return self.names.get(system, system)

    def label(self, row: Comparison) -> str:
        """What a row is called."""
        return next(name for name, one in zip(labels(self.rows), self.rows, strict=True) if one is row)

    @property
    def published(self) -> list[Standing]:
        """Series of scores that others published; no paired gap is computed of them."""
        return [one for one in self.standings if not one.measured]

    @property
    def varied(self) -> list[Standing]:
        """The first published series of each source, of those that are current; series of one source share models and answers."""
        first = {one.sources: one for one in reversed(self.published)}
        return [
            one
            for one in self.published
            if first[one.sources] is one and (one.current or not self.published[0].current)
        ]

    @property
    def source(self) -> str:
        """Where the figures come from, in one line."""
        used = {run for one in self.rows for run in one.runs}
        behind = list({one.run: one for one in self.evidence if one.run.run_id in used}.values())
        imported = [one for one in behind if not one.known]
        parts = (
            [f"{counted(len(behind) - len(imported), 'sealed run')}, the newest of {self.date}"]
            if len(behind) > len(imported)
            else []
        )
        if imported:
            files = listed(dict.fromkeys(one.planned.card.source.removeprefix("file:") for one in imported))
            parts.append(
                f"{counted(len(imported), 'result')} imported from {files} on {max(one.receipt.started[:10] for one in imported)}"
            )
        if self.published and not behind:
            parts.append(f"scores that others published, {len(self.published)} series")
        return f"OpenGap, {'; '.join(parts) or 'a store without a comparison'}"

    def asked(self, *systems: str) -> bool:
        """Whether all these systems were asked here; of imported answers one does not know how they came."""
        return all(one.known for one in self.evidence if one.name in systems)

    def behind(self, row: Comparison) -> list[Evidence]:
        """Everything that was measured of the systems of a row, on its tasks."""
        return [one for one in self.evidence if one.run.run_id in row.runs and one.task in row.tasks]

    def own(self, one: Evidence) -> SystemScore:
        """A system's score by itself."""
        return next(own for own in self.scores if (own.run, own.task) == (one.run.run_id, one.task))


def gather(folder: Path, open_from: OpenFrom = catalogue.OPEN_FROM) -> Facts:
    """Read a store. StoreError if there is none, or if its sealed rows cannot be read."""
    store = Store(folder)
    facts = compared(store, store.gap(open_from=open_from))
    published, evidence = store.published(), facts.evidence
    series = standings(published, open_from)
    wordless = {one.run: line for one in evidence if (line := damaged_text(one.run, one.receipt))}
    facts = replace(
        facts, parts=_parts(evidence), scores=tuple(scores(evidence)), answers=_answers(evidence),
        texts=frozenset(one.run for one in evidence if one.run not in wordless), about=_about(evidence, published),
        notes=(*facts.notes, *_unsealed(folder), *wordless.values(), *_one_sided(published, series)),
        published_levels=_published_levels(published),
    )  # fmt: skip
    return replace(facts, tasks=tuple(_by_task(facts)), standings=(*_measured(facts), *series))


def compared(store: Store, gaps: Gaps) -> Facts:
    """What is known of some gaps of a store without a look at answers or published scores: enough for their forest plot."""
    evidence, _ = sided(store.evidence()[0], gaps.open_from)
    here = [one.receipt.started[:10] for one in evidence if one.known]
    date = max(here or [one.receipt.started[:10] for one in evidence], default="")
    return Facts(
        store.path, gaps, (), (), tuple(evidence), (), _answers([]), (), frozenset(), gaps.notes, date,
        short_names(one.name for one in evidence), {}, _demo(gaps, evidence),
        open_levels(evidence), (),
    )  # fmt: skip


def _published_levels(published: Iterable[PublishedScore]) -> tuple[WeightsLevel, ...]:
    levels = {one.model: one.weights for one in published if one.weights}
    return tuple(level for level in levels.values() if catalogue.is_open(level))


def _unsealed(folder: Path) -> list[str]:
    return [f"{run.run_id}: not finished, so nothing of it counts" for run in list_runs(folder) if not run.sealed]


def _one_sided(published: Iterable[PublishedScore], series: Sequence[Standing]) -> list[str]:
    """A line about published series in which nothing stands against anything."""
    there = {(one.name, one.unit, one.lower_is_better) for one in series}
    lost = sorted(
        {
            f"{one.series}{f', {one.unit}' if one.unit else ''}"
            for one in published
            if (one.series, one.unit, one.lower_is_better) not in there
        }
    )
    return (
        [
            f"{counted(len(lost), 'published table')} without a model known to be open or without one known to be closed: {listed(lost)}"
        ]
        if lost
        else []
    )


def _parts(evidence: Sequence[Evidence]) -> tuple[Part, ...]:
    found = []
    for dimension, members in groups(evidence, by_task=True, force=False):
        last = {one.name: one for one in sorted(members, key=lambda one: (one.known, one.receipt.started))}
        asked = next(
            (one.receipt.protocol for one in sorted(last.values(), key=lambda one: -one.protocol_known) if one.known),
            "imported",
        )
        found.append((members[0].task, asked, dimension, tuple(last.values())))
    tasks, protocols, dimensions = ([str(one[of]) for one in found] for of in range(3))
    named = zip(distinct(tasks, protocols, dimensions), found, strict=True)
    return tuple(Part(name, dimension, task, members) for name, (task, _, dimension, members) in named)


def _by_task(facts: Facts) -> Iterator[TaskGap]:
    """The pair of each row by task. That it was chosen on the same items stands beside it."""
    total = sum(len(row.tasks) for row in facts.rows)
    for row in facts.rows:
        luck = [Reason("chosen_on_these_items")] if row.plug_in is not None else []
        # Of a system that was imported and run, what was asked here counts.
        behind = sorted(facts.behind(row), key=lambda one: (one.known, one.receipt.started))
        for task in row.tasks:
            of = {one.name: one for one in behind if one.task == task}
            pair = align(of[row.closed], of[row.open])
            parts = [part for part in facts.parts if (part.dimension, part.task) == (row.dimension, task)]
            part = next(
                (part for part in parts if of[row.closed] in part.members and of[row.open] in part.members), parts[0]
            )
            gap = compare([pair], chosen_by=BY_TASK, margin=row.margin, rows=total, extra=luck)
            yield TaskGap(row, part, pair, replace(gap, open_from=row.open_from))


def _about(evidence: Sequence[Evidence], published: list[PublishedScore]) -> dict[str, About]:
    """An imported system is the published model of exactly the same name, where all that is published of it agrees."""
    days: dict[str, set[str]] = defaultdict(set)
    developers: dict[str, set[str]] = defaultdict(set)
    for row in published:
        days[row.model] |= {day for day in [iso_day(row.date)] if day and day >= named_day(row.model)}
        developers[row.model] |= {row.developer} - {""}
    found = {}
    for one in evidence:
        system, told, labs = one.receipt.system, days.get(one.name, set()), developers.get(one.name, set())
        own = iso_day(system.released)
        matched = own is None and len(told) == 1 and not one.known
        found[one.name] = About(
            min(told) if matched else own,
            matched,
            system.developer or (min(labs) if len(labs) == 1 and not one.known else ""),
        )
    return found


def _measured(facts: Facts) -> Iterator[Standing]:
    """Of each row the systems that stand in it, with the means of their scores on its tasks."""
    for row in facts.rows:
        sides: tuple[list[Entrant], list[Entrant]] = ([], [])
        behind = facts.behind(row)
        for name in sorted({one.name for one in behind}):
            own = [facts.own(one) for one in behind if one.name == name]
            score = sum(one.score for one in own) / len(own)
            if len(own) == len(row.tasks) and math.isfinite(score):
                # As wide as t for its degrees of freedom makes it: few clusters know their spread badly.
                se = math.hypot(*(one.se * t_quantile(0.975, one.df) / 1.96 for one in own)) / len(own)
                about = facts.about[name]
                sides[own[0].open].append(
                    Entrant(
                        facts.name(name),
                        score,
                        se if se > 0 else None,
                        about.released,
                        about.developer,
                        sum(one.n for one in own),
                    )
                )
        # Imported results end when they were made, not when they were read.
        as_of = facts.date if any(one.known for one in behind) else ""
        if all(sides):
            yield stand(
                row.task if len(row.tasks) == 1 and len(facts.rows) == 1 else facts.label(row),
                "points",
                *sides,
                as_of=as_of,
                measured=True,
            )


def _answers(evidence: Sequence[Evidence]) -> pd.DataFrame:
    if not evidence:
        return pd.DataFrame(columns=[*ANSWERS, "system", "open", "protocol"])
    rows = frame(list(dict.fromkeys(one.run for one in evidence)), ANSWERS)
    counting = pd.DataFrame(
        [(one.run.run_id, one.task, one.name, one.open, one.receipt.protocol) for one in evidence],
        columns=["run_id", "task", "system", "open", "protocol"],
    )
    return rows.merge(counting, on=["run_id", "task"], how="inner", validate="many_to_one")


def _demo(gaps: Gaps, evidence: Sequence[Evidence]) -> bool:
    compared = {run for one in gaps for run in one.runs}
    cards = catalogue.cards()
    systems = [one.receipt.system for one in evidence if one.run.run_id in compared]
    return any(system.card in cards and cards[system.card].family == "demo" for system in systems)
