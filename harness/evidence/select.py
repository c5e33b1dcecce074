"""What bare ``opengap gap`` compares."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from harness import catalogue
from harness.errors import Refused, UnknownName, UsageError
from harness.evidence.comparable import differences, kind
from harness.evidence.gather import Evidence, find_system, sided
from harness.text import usd
from harness.types import OpenFrom, Reason

ONLY_ONES = "only ones run"
BEST = "best against best, cross-fitted"
COMPARABLE = ", of those comparable"
NAMED = "named"
MOST_LINES = 12


@dataclass(frozen=True, slots=True)
class Selection:
    """The evidence of one row: by system name, the evidence of each task; several systems a side: best of them."""

    dimension: str
    tasks: tuple[str, ...]
    closed: dict[str, dict[str, Evidence]]
    open_: dict[str, dict[str, Evidence]]
    chosen_by: str
    notes: list[Reason] = field(default_factory=list)
    """What has to stand beside the number."""
    whole: bool = True
    """False: systems were left out, since they were asked other items or not all tasks."""


def select(
    evidence: Sequence[Evidence], *, closed: str | None = None, open_: str | None = None,
    dimension: str | None = None, task: str | None = None, by_task: bool = False, force: bool = False,
    open_from: OpenFrom = catalogue.OPEN_FROM,
) -> tuple[list[Selection], list[str]]:  # fmt: skip
    """Rows to compare, and a line about everything that could not be compared or was named by less than its name.

    Raises: UnknownName, UsageError (ambiguous name, wrong side, left out by the rule of openness), Refused (a named pair
    that is not comparable; the message lists the differences).
    """
    for what, name, there in (
        ("dimension", dimension, {one.dimension for one in evidence}),
        ("task", task, {one.task for one in evidence}),
    ):
        if name is not None and name not in there:
            raise UnknownName(what, name, there, hint="(of this store)")
    chosen_closed = find_system(evidence, closed, side="closed") if closed else None
    chosen_open = find_system(evidence, open_, side="open") if open_ else None
    evidence, left = sided(evidence, open_from)
    sides = {one.name: one.open for one in evidence}
    if chosen_open and chosen_open not in sides:
        raise UsageError(
            f"{chosen_open} is left out by --open-from {open_from}: name another system, or give a wider rule"
        )
    notes = [
        f"{said!r} was taken as {name}"
        for said, name in ((closed, chosen_closed), (open_, chosen_open))
        if said and said != name
    ] + ([] if chosen_closed and chosen_open else left)
    wanted = [
        one
        for one in evidence
        if (dimension is None or one.dimension == dimension)
        and (task is None or one.task == task)
        and one.name in sides
        and one.name == ((chosen_open if sides[one.name] else chosen_closed) or one.name)
    ]
    rows: list[Selection] = []
    for label, members in groups(wanted, by_task=by_task, force=force):
        found, said = _rows(label, members, sides, by_task=by_task, force=force)
        notes += said
        rows += found
    rows = _distinct(rows)
    named = " and ".join(name for name in (chosen_closed, chosen_open) if name)
    if chosen_closed and chosen_open and not rows:
        raise Refused(_why_not(wanted, sides) or f"{named} have no task in common")
    rule = f"{named} named; {BEST}" if named else BEST
    return [replace(r, chosen_by=_rule(r, bool(chosen_closed and chosen_open), rule)) for r in rows], list(
        dict.fromkeys(notes)
    )


def _rule(row: Selection, both_named: bool, rule: str) -> str:
    several = len(row.closed) > 1 or len(row.open_) > 1
    if both_named and not several:
        return NAMED
    left = "" if row.whole else COMPARABLE
    return rule + left if several else ONLY_ONES.replace(" run", "") + left if left else ONLY_ONES


def within_cost(row: Selection, budget_usd: float) -> tuple[Selection | None, list[str]]:
    """E11: the systems whose measured cost an item is at most the budget, and a line about those without a cost.

    A system's cost is the mean of its tasks' mean costs of one answer; it is known only if every answer's is.
    """
    sides: list[dict[str, dict[str, Evidence]]] = []
    unknown: list[str] = []
    notes: list[str] = []
    for word, side in (("closed", row.closed), ("open", row.open_)):
        costs: dict[str, float] = {}
        for name, parts in side.items():
            costs[name] = float(np.mean([one.data.cost_usd[one.data.answers > 0].mean() for one in parts.values()]))
        unknown += [name for name, cost in costs.items() if np.isnan(cost)]
        known = {name: cost for name, cost in costs.items() if not np.isnan(cost)}
        sides.append({name: side[name] for name, cost in known.items() if cost <= budget_usd})
        if not sides[-1]:
            cheapest = min(known.items(), key=lambda pair: pair[1], default=None)
            told = f"; the cheapest is {cheapest[0]} at {usd(cheapest[1])}" if cheapest else "; no cost is known there"
            notes.append(f"{row.dimension}: no {word} system at or below ${budget_usd:g} an item{told}")
    if unknown:
        notes.append(f"{row.dimension}: the cost is not known, so left out: {', '.join(unknown)}")
    closed, open_ = sides
    if not closed or not open_:
        return None, notes
    several = len(closed) > 1 or len(open_) > 1
    rule = f"{BEST if several else 'only ones'}, at ${budget_usd:g} an item or less"
    return replace(row, closed=closed, open_=open_, chosen_by=rule), notes


def groups(wanted: Sequence[Evidence], *, by_task: bool, force: bool) -> Iterable[tuple[str, list[Evidence]]]:
    """Results that could share a row: of one dimension (and task), asked by one protocol.

    Where the protocol is unknown a result joins every protocol's group: unknown is not different.
    """
    parts: dict[tuple[str, str], list[Evidence]] = defaultdict(list)
    for one in wanted:
        parts[one.dimension, one.task if by_task else ""].append(one)
    for (dimension, _), members in sorted(parts.items()):
        protocols = sorted({one.receipt.protocol_sha256 for one in members if one.protocol_known})
        if force or len(protocols) < 2:
            yield dimension, members
            continue
        alike = [_asked_alike(members, protocol) for protocol in protocols]
        for number, places in enumerate(alike):
            if not any(places < other for other in alike) and places not in alike[:number]:
                yield dimension, [members[place] for place in sorted(places)]


def _asked_alike(members: Sequence[Evidence], protocol: str) -> set[int]:
    """Places of what was asked by a protocol, or by another one that asks the same task in the same way."""
    asked = {
        (one.task, one.planned.protocol_sha256)
        for one in members
        if one.protocol_known and one.receipt.protocol_sha256 == protocol
    }
    return {
        at
        for at, one in enumerate(members)
        if not one.protocol_known or (one.task, one.planned.protocol_sha256) in asked
    }


def _rows(
    name: str, members: Sequence[Evidence], sides: dict[str, bool], *, by_task: bool, force: bool
) -> tuple[list[Selection], list[str]]:
    tasks: dict[str, list[Evidence]] = defaultdict(list)
    for one in members:
        tasks[one.task].append(one)
    notes: list[str] = []
    usable: dict[str, list[Evidence]] = {}
    beside: list[Reason] = []
    left = False
    for task, candidates in sorted(tasks.items()):
        agreeing, said, told = _agreeing(task, candidates, sides, force=force)
        notes += said
        beside += told
        if agreeing:
            usable[task] = agreeing
            left = left or len(agreeing) < len({one.name for one in candidates})
    if not usable:
        return [], notes
    whole = _complete(usable, tuple(sorted(usable)), sides)
    if all(whole):
        everyone = {one.name for part in usable.values() for one in part}
        lacking = sorted(everyone - set(whole[0]) - set(whole[1]))
        if lacking:
            facts = {"row": name, "tasks": sorted(usable), "systems": lacking, "by_task": by_task}
            beside = [*beside, Reason("not_all_tasks", facts=facts)]
        return [Selection(name, tuple(sorted(usable)), *whole, "", beside, not left and not lacking)], notes
    # No system of one side has all tasks: tasks that the same systems answered share a row.
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for task, part in sorted(usable.items()):
        groups[tuple(sorted({one.name for one in part}))].append(task)
    notes.append(
        f"{name}: no two systems share all of {', '.join(sorted(usable))}; tasks answered by the same systems share a row"
    )
    return [
        Selection(name, tuple(group), *_complete(usable, group, sides), "", list(beside), not left)
        for group in groups.values()
    ], notes


def _complete(
    usable: dict[str, list[Evidence]], tasks: Sequence[str], sides: dict[str, bool]
) -> tuple[dict[str, dict[str, Evidence]], dict[str, dict[str, Evidence]]]:
    """Closed and open systems that answered all tasks."""
    table: dict[str, dict[str, Evidence]] = defaultdict(dict)
    for task in tasks:
        for one in usable[task]:
            table[one.name][task] = one
    whole = {name: parts for name, parts in sorted(table.items()) if len(parts) == len(tasks)}
    return (
        {name: parts for name, parts in whole.items() if not sides[name]},
        {name: parts for name, parts in whole.items() if sides[name]},
    )


def _agreeing(
    task: str, candidates: Sequence[Evidence], sides: dict[str, bool], *, force: bool
) -> tuple[list[Evidence], list[str], list[Reason]]:
    """The largest set of mutually comparable results that has both sides; why there is none; what stands beside it."""
    if {sides[one.name] for one in candidates} != {True, False}:
        side = "open" if sides[candidates[0].name] else "closed"
        names = ", ".join(sorted({one.name for one in candidates}))
        return (
            [],
            [f"{task}: only the {side} side has results under one protocol ({names}); nothing to compare with"],
            [],
        )
    if force:
        latest = {one.name: one for one in sorted(candidates, key=lambda one: one.receipt.started)}
        first, *others = latest.values()
        return (
            list(latest.values()),
            [],
            [
                Reason("forced", facts={"of": task, "difference": line})
                for one in others
                for line in differences(first, one)
            ],
        )
    # `kind` is equal for results that agree in all that is known; unknown ones agree with several kinds.
    samples = list({kind(one): one for one in candidates}.values())
    sets = [[one for one in candidates if not differences(sample, one)] for sample in samples]
    both = [part for part in sets if {sides[one.name] for one in part} == {True, False}]
    if not both:
        return [], [_incomparable(task, candidates, sides)], []
    best = max(both, key=lambda part: (len(part), max(one.receipt.started for one in part)))
    left = sorted({one.name for one in candidates} - {one.name for one in best})
    own = {one.name: _own(one) for one in sorted(candidates, key=lambda one: one.name) if one.name in left}
    told = [Reason("not_alike", facts={"task": task, "systems": own})]
    # A system that was imported and run: what was asked here counts.
    unique = {one.name: one for one in sorted(best, key=lambda one: (one.known, one.receipt.started))}
    return list(unique.values()), [], told if left else []


def _own(one: Evidence) -> tuple[float, int]:
    """What a system scored on its own items (points, and how many), for a reader who wants to know what was left out."""
    scores = one.data.score[~np.isnan(one.data.score)]
    return 100 * float(scores.mean()) if scores.size else np.nan, scores.size


def _incomparable(task: str, candidates: Sequence[Evidence], sides: dict[str, bool]) -> str:
    lines = Counter(
        line
        for a in candidates
        for b in candidates
        if not sides[a.name] and sides[b.name]
        for line in differences(a, b)
    )
    shown = list(lines)[:MOST_LINES]
    more = f"; and {len(lines) - MOST_LINES} more differences" if len(lines) > MOST_LINES else ""
    return f"{task}: not comparable: " + "; ".join(shown) + more


def _why_not(wanted: Sequence[Evidence], sides: dict[str, bool]) -> str:
    """What differs between a named pair on each task that both have."""
    tasks: dict[str, list[Evidence]] = defaultdict(list)
    for one in wanted:
        tasks[one.task].append(one)
    found = [
        _incomparable(task, part, sides)
        for task, part in sorted(tasks.items())
        if len({sides[one.name] for one in part}) == 2
    ]
    advice = ". Run both alike, or give --force to print the differences beside the number"
    return "; ".join(found) + advice if found else ""


def _distinct(rows: Sequence[Selection]) -> list[Selection]:
    """Rows without those that say the same of the same runs: results of unknown protocol stand in several groups."""
    seen: set[tuple[tuple[str, ...], frozenset[str]]] = set()
    kept = []
    for row in rows:
        runs = frozenset(
            one.run.run_id for side in (row.closed, row.open_) for parts in side.values() for one in parts.values()
        )
        if (row.tasks, runs) not in seen:
            seen.add((row.tasks, runs))
            kept.append(row)
    return kept
