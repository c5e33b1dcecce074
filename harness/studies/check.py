"""Is a run worse than the one before it? The newest run of a system, task by task, against its last comparable one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import Refused, StoreError, UnknownName, UsageError
from harness.evidence.alignment import PairedTask, align
from harness.evidence.comparable import differences
from harness.evidence.gather import Evidence, evidence_of
from harness.evidence.receipts import light_receipts
from harness.store import RunFolder, damage, named_run
from harness.studies.switch import Answer, compare_change
from harness.types import Comparison, Receipt, Verdict
from harness.verdict import Store
from harness.verdict.pair import compare

LATEST = "latest"
Sealed = tuple[RunFolder, Receipt]


@dataclass(frozen=True, slots=True)
class Change:
    """One system on one task, a run against the run before it; points, positive: the newer run is better."""

    system: str
    task: str
    dimension: str
    protocol: str
    run: str
    before: str
    """The run that it is held against."""
    verdict: Answer
    """Non-inferiority by the margin."""
    moved: Verdict
    """The two-sided verdict of the same two runs: ``closed leads`` where the newer run is ahead beyond noise,
    ``open leads`` where the older one is."""
    change: float
    low: float
    high: float
    method: str
    score_before: float
    score_now: float
    n: int
    missing_before: int
    missing_now: int
    margin: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alone:
    """One system on one task whose run has nothing before it that compares."""

    system: str
    task: str
    run: str
    why: tuple[str, ...]
    """What makes the run before it incomparable; empty: there is none."""
    undecided: bool = False
    """The run before it compares, but no item was answered in both."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a scheduled job says of its newest runs."""

    changes: tuple[Change, ...]
    alone: tuple[Alone, ...]
    gaps: tuple[Comparison, ...]
    """The rows of ``opengap gap``; empty where a side is not in the store."""
    costs_usd: dict[str, float | None]
    """Of each run that was checked; None: not known."""
    unanswered: int
    """Of the runs that were checked."""
    notes: tuple[str, ...]

    @property
    def verdicts(self) -> tuple[Answer, ...]:
        """What the exit code follows from; nothing where no run has one before it."""
        lost: list[Answer] = ["undecided" for one in self.alone if one.undecided]
        return (*(one.verdict for one in self.changes), *lost)


def check(
    store: Path, runs: Sequence[str] = (LATEST,), *, since: dt.datetime | None = None, against: str | None = None,
    margin: float = 3.0,
) -> Check:  # fmt: skip
    """Hold runs against the newest earlier one of the same system, task and protocol that compares with them.

    ``runs`` are ids, unique beginnings of one, or ``latest``: the newest sealed run; with ``since`` all that
    started at that time or later. ``against`` names the earlier run.
    The intervals hold together over all rows (Bonferroni). A new scoring of the same answers is no earlier run.

    Raises: StoreError (also where ``since`` leaves no run), UnknownName, UsageError; Refused if ``against`` does not compare.
    """
    if not margin > 0:
        raise UsageError("--margin must be above 0 points")
    found, notes = _sealed(store)
    if since is None:
        wanted = [_named(store, name, found) for name in dict.fromkeys(runs)]
    else:
        wanted = [pair for pair in found if dt.datetime.fromisoformat(pair[1].started) >= since]
        if not wanted:
            raise StoreError(f"no run in {store} started since {since.isoformat()} and was sealed")
    earlier = [_named(store, against, found)] if against else found
    pairs: list[PairedTask] = []
    alone: list[Alone] = []
    for one in evidence_of(wanted):
        before, why = _before(one, earlier)
        if before is not None:
            pair = align(one, before)
            if pair.closed.size:
                pairs.append(pair)
            else:
                nothing = f"no item was answered both there and in {before.run.run_id}"
                alone.append(Alone(one.name, one.task, one.run.run_id, (nothing,), undecided=True))
        elif against:
            raise Refused(f"{one.task}: {one.run.run_id} and {against} do not compare: {'; '.join(why) or 'not in it'}")
        else:
            alone.append(Alone(one.name, one.task, one.run.run_id, tuple(why)))
    gaps = Store(store).gap()
    return Check(
        tuple(_change(pair, margin, len(pairs)) for pair in pairs), tuple(alone), gaps.comparisons,
        {run.run_id: receipt.cost_usd for run, receipt in wanted},
        sum(receipt.counts["planned"] - receipt.counts["answered"] for _, receipt in wanted), tuple(notes),
    )  # fmt: skip


def _sealed(store: Path) -> tuple[list[Sealed], list[str]]:
    """All sound sealed runs, newest first, and a line about each that was passed over."""
    Store(store)
    receipts, notes = light_receipts(store)
    broken = {run: line for run, receipt in receipts if (line := damage(run, receipt))}
    kept = [pair for pair in receipts if pair[0] not in broken]
    newest = sorted(kept, key=lambda pair: (pair[1].started, pair[1].sealed, pair[0].run_id), reverse=True)
    return newest, [*notes, *broken.values()]


def _named(store: Path, name: str, found: Sequence[Sealed]) -> Sealed:
    if name == LATEST:
        if not found:
            raise UnknownName("sealed run", name, [], hint="(`opengap eval` makes one)")
        return found[0]
    run = named_run(store, name)
    sound = dict(found)
    if run not in sound:
        raise Refused(f"{run.run_id} is damaged or not in its place, and is not compared (`opengap gap` says why)")
    return run, sound[run]


def _before(one: Evidence, earlier: Sequence[Sealed]) -> tuple[Evidence | None, list[str]]:
    """The newest earlier result that compares; without one, what is different about the newest that does not."""
    why: list[str] = []
    for run, receipt in earlier:
        if receipt.started >= one.receipt.started or receipt.system.name != one.name:
            continue
        for other in evidence_of([(run, receipt)]):
            if other.task == one.task and other.planned.protocol_sha256 == one.planned.protocol_sha256:
                found = differences(one, other)
                if not found:
                    return other, []
                why = why or found
    return None, why


def _change(pair: PairedTask, margin: float, rows: int) -> Change:
    """The newer run stands on the first side, the older on the second."""
    new, old = pair.closed_side, pair.open_side
    switched = compare_change([pair], margin, rows=rows)
    both = compare([pair], chosen_by="named runs", margin=margin, rows=rows)
    return Change(
        system=new.name, task=new.task, dimension=new.dimension, protocol=new.receipt.protocol, run=new.run.run_id,
        before=old.run.run_id, verdict=switched.verdict, moved=both.verdict, change=switched.change, low=switched.low,
        high=switched.high, method=switched.method, score_before=switched.score_before, score_now=switched.score_after,
        n=switched.n, missing_before=switched.missing_before, missing_now=switched.missing_after, margin=margin,
        warnings=switched.warnings,
    )  # fmt: skip
