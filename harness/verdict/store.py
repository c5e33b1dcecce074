"""The results store as a user meets it in Python: ``Store("results").gap(closed=…, open=…)``."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from harness import catalogue
from harness.errors import Refused, StoreError, UsageError
from harness.evidence.alignment import align
from harness.evidence.gather import Evidence, gather, not_applicable, open_levels, sided
from harness.evidence.published import read_published
from harness.evidence.select import Selection, select, within_cost
from harness.types import Comparison, OpenFrom, PublishedScore, WeightsLevel
from harness.verdict.frontier import FULL, Effort, compare_best
from harness.verdict.listing import Listing
from harness.verdict.pair import compare
from harness.verdict.pairs import PairRow, all_pairs
from harness.verdict.scores import SystemScore, scores
from harness.verdict.words import texts

DEFAULT_MARGIN = 3.0


@dataclass(frozen=True, slots=True)
class Gaps(Listing[Comparison]):
    """Comparisons of one table, with everything that could not be compared."""

    OF = Comparison
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]
    open_from: OpenFrom = catalogue.OPEN_FROM
    open_levels: tuple[WeightsLevel, ...] = ()
    """How open each open system is that could stand in the table."""

    @property
    def rows(self) -> tuple[Comparison, ...]:
        return self.comparisons

    @property
    def openness(self) -> str:
        """What counted as open, and how many of the open systems stricter rules would leave."""
        return catalogue.openness_rule(self.open_levels, self.open_from)


@dataclass(frozen=True, slots=True)
class Scores(Listing[SystemScore]):
    """Each system's own score on each task."""

    OF = SystemScore
    scores: tuple[SystemScore, ...]

    @property
    def rows(self) -> tuple[SystemScore, ...]:
        return self.scores


class Store:
    """A folder of runs. Raises StoreError if it does not exist."""

    def __init__(self, path: str | Path = "results") -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise StoreError(f"there is no store at {self.path}: run `opengap eval` first, or give --store")

    def evidence(self) -> tuple[list[Evidence], list[str]]:
        """All current results, and what had to be passed over."""
        return gather(self.path)

    def scores(self) -> Scores:
        """Each system's own scores, sorted by dimension, task and system."""
        return Scores(tuple(scores(self.evidence()[0])))

    def published(self, series: str | None = None, problems: list[str] | None = None) -> list[PublishedScore]:
        """Scores that others published, of one series or all; they never enter a paired gap.

        A file that cannot be read is a line in ``problems``, where that is given, else a StoreError.
        """
        return read_published(self.path, series, problems)

    def pairs(self, task: str) -> list[PairRow]:
        """All pairs of systems on one task. UsageError without it, Refused if no two are comparable."""
        members = [one for one in self.evidence()[0] if one.task == task]
        if not members:
            raise UsageError(f"the store has no results of a task {task!r}")
        return all_pairs(members)

    def gap(
        self, closed: str | None = None, open: str | None = None, *, dimension: str | None = None,
        task: str | None = None, by_task: bool = False, margin: float = DEFAULT_MARGIN, at_cost: float | None = None,
        force: bool = False, open_from: OpenFrom = catalogue.OPEN_FROM,
    ) -> Gaps:  # fmt: skip
        """Closed minus open, in points; one row a dimension, or a task with ``by_task``.

        ``at_cost``: among systems whose measured cost an item is at most that many dollars. ``open_from``: the least
        open level that counts as open; open systems below it are left out. The intervals hold together for all rows.

        Raises: Refused (a named pair that is not comparable, or has no item in common), UnknownName, UsageError.
        """
        if not (margin > 0 and math.isfinite(margin)):
            raise UsageError("the margin must be a number of points above 0")
        if at_cost is not None and not at_cost >= 0:
            raise UsageError("the cost an item must be at least 0 dollars")
        evidence, notes = self.evidence()
        selected, said = select(
            evidence, closed=closed, open_=open, dimension=dimension, task=task, by_task=by_task, force=force,
            open_from=open_from,
        )  # fmt: skip
        notes += [
            f"{task} does not apply to {system}: {why}" for (system, task), why in not_applicable(self.path).items()
        ]
        notes += said
        rows: list[Selection] = []
        for row in selected:
            if at_cost is None:
                rows.append(row)
                continue
            affordable, said = within_cost(row, at_cost)
            notes += said
            if affordable is not None:
                rows.append(affordable)
        found = []
        for row in rows:
            try:
                one = compare_row(row, margin=margin, rows=len(rows))
                found.append(replace(one, open_from=open_from))
            except Refused as error:
                if closed and open:
                    raise
                notes.append(f"{row.dimension}: {error}")
        beside = [reason for one in found for reason in one.reasons]
        notes += texts(one.hides for one in evidence if one.hides and one.hides not in beside)
        there = [
            one
            for one in sided(evidence, open_from)[0]
            if dimension in (None, one.dimension) and task in (None, one.task)
        ]
        return Gaps(tuple(found), tuple(dict.fromkeys(notes)), open_from, open_levels(there))


def compare_row(row: Selection, *, margin: float, rows: int = 1, effort: Effort = FULL) -> Comparison:
    """The Comparison of one row: a pair, or the best of several. Refused if there is nothing to estimate from."""
    if len(row.closed) > 1 or len(row.open_) > 1:
        return compare_best(row, margin=margin, rows=rows, effort=effort)
    (closed,), (open_,) = row.closed.values(), row.open_.values()
    pairs = [align(closed[name], open_[name]) for name in row.tasks]
    return compare(pairs, chosen_by=row.chosen_by, margin=margin, rows=rows, extra=row.notes)
