"""What bare ``opengap gap`` compares: VERDICT (c)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.errors import Refused
from harness.gap.comparable import differences
from harness.gap.evidence import Evidence, find_system

ONLY_ONES = "only ones run"
BEST = "best against best, cross-fitted"
NAMED = "named"


@dataclass(frozen=True, slots=True)
class Selection:
    """The evidence of one row: by system name, the evidence of each task; several systems a side: best of them."""

    dimension: str
    tasks: tuple[str, ...]
    closed: dict[str, dict[str, Evidence]]
    open_: dict[str, dict[str, Evidence]]
    chosen_by: str
    notes: list[str] = field(default_factory=list)


def select(
    evidence: Sequence[Evidence],
    *,
    closed: str | None = None,
    open_: str | None = None,
    dimension: str | None = None,
    task: str | None = None,
    by_task: bool = False,
    force: bool = False,
) -> tuple[list[Selection], list[str]]:
    """Rows to compare, and a line about everything that could not be compared.

    Raises: UnknownName, UsageError (ambiguous name, wrong side), Refused (a named pair that is not comparable; the
    message lists the differences).
    """
    chosen_closed = find_system(evidence, closed, open_side=False) if closed else None
    chosen_open = find_system(evidence, open_, open_side=True) if open_ else None
    wanted = [
        one
        for one in evidence
        if (dimension is None or one.planned.card.dimension == dimension)
        and (task is None or one.planned.card.name == task)
        and (one.name == chosen_open if one.open and chosen_open else True)
        and (one.name == chosen_closed if not one.open and chosen_closed else True)
    ]
    groups: dict[tuple[str, str, str], list[Evidence]] = defaultdict(list)
    for one in wanted:
        card = one.planned.card
        groups[card.dimension, card.name if by_task else "", "" if force else one.receipt.protocol_sha256].append(one)
    rows: list[Selection] = []
    notes: list[str] = []
    named = chosen_closed is not None and chosen_open is not None
    for (name, _, _), members in sorted(groups.items()):
        row, said = _row(name, members, named=named, force=force)
        notes += said
        if row is not None:
            rows.append(row)
    if named and not rows:
        raise Refused("; ".join(notes) or f"{chosen_closed} and {chosen_open} have no task and protocol in common")
    return rows, notes


def _row(name: str, members: Sequence[Evidence], *, named: bool, force: bool) -> tuple[Selection | None, list[str]]:
    by_task: dict[str, list[Evidence]] = defaultdict(list)
    for one in members:
        by_task[one.planned.card.name].append(one)
    notes: list[str] = []
    usable: dict[str, list[Evidence]] = {}
    for task, candidates in sorted(by_task.items()):
        agreeing, said = _agreeing(task, candidates, named=named, force=force)
        notes += said
        if agreeing:
            usable[task] = agreeing
    if not usable:
        return None, notes
    # Systems that answered all tasks of the row; a task that would leave one side empty is compared by itself.
    tasks = tuple(sorted(usable))
    sides = _complete(usable, tasks)
    if not all(sides):
        widest = max(sorted(usable), key=lambda task: len(usable[task]))
        notes.append(f"{name}: no two systems share all of {', '.join(tasks)}; only {widest} is compared")
        tasks = (widest,)
        sides = _complete(usable, tasks)
    closed, open_ = sides
    several = len(closed) > 1 or len(open_) > 1
    chosen_by = BEST if several else NAMED if named else ONLY_ONES
    return Selection(name, tasks, closed, open_, chosen_by, notes), notes


def _complete(
    usable: dict[str, list[Evidence]], tasks: Sequence[str]
) -> tuple[dict[str, dict[str, Evidence]], dict[str, dict[str, Evidence]]]:
    table: dict[str, dict[str, Evidence]] = defaultdict(dict)
    for task in tasks:
        for one in usable[task]:
            table[one.name][task] = one
    whole = {name: parts for name, parts in sorted(table.items()) if len(parts) == len(tasks)}
    is_open = {name: next(iter(parts.values())).open for name, parts in whole.items()}
    return (
        {name: parts for name, parts in whole.items() if not is_open[name]},
        {name: parts for name, parts in whole.items() if is_open[name]},
    )


def _agreeing(
    task: str, candidates: Sequence[Evidence], *, named: bool, force: bool
) -> tuple[list[Evidence], list[str]]:
    """The largest set of mutually comparable results that has both sides; the others are named."""
    if {one.open for one in candidates} != {True, False}:
        side = "open" if candidates[0].open else "closed"
        names = ", ".join(one.name for one in candidates)
        return [], [f"{task}: only the {side} side has results under one protocol ({names}); nothing to compare with"]
    if force:
        notes = [f"FORCED {line}" for one in candidates[1:] for line in differences(candidates[0], one)]
        return list(candidates), notes
    kinds: dict[int, int] = {}
    for i, one in enumerate(candidates):
        kinds[i] = next((kinds[j] for j in range(i) if not differences(candidates[j], one)), i)
    both = [k for k in set(kinds.values()) if len({candidates[i].open for i in kinds if kinds[i] == k}) == 2]
    if not both:
        lines = [
            line
            for a in candidates
            for b in candidates
            if not a.open and b.open
            for line in differences(a, b)
        ]
        text = f"{task}: not comparable: " + "; ".join(dict.fromkeys(lines))
        if named:
            raise Refused(text + ". Run both alike, or give --force to print the differences beside the number")
        return [], [text]
    sizes = Counter(kinds.values())
    best = max(both, key=lambda k: (sizes[k], max(candidates[i].receipt.started for i in kinds if kinds[i] == k)))
    left = [candidates[i].name for i in kinds if kinds[i] != best]
    notes = [f"{task}: left out, since version or items differ: {', '.join(left)}"] if left else []
    return [candidates[i] for i in kinds if kinds[i] == best], notes

