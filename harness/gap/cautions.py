"""What a reader of a gap has to be told, as far as the data carry it: the code raises it, not the reader."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from harness import catalogue
from harness.gap.comparable import unknown
from harness.gap.evidence import PARTS, Evidence
from harness.stats.dimension import at_ceiling

if TYPE_CHECKING:
    from harness.gap.pair import PairedTask

STATUS_POINTS = 5.0
"""A part of the gap, in points, that is due to how answers came rather than what they said."""


def cautions(pairs: Sequence[PairedTask]) -> list[str]:
    """Warnings of one row: unknown origin, ceiling, plumbing, repeats, openness, age of the items."""
    found: list[str] = []
    for pair in pairs:
        found += unknown(pair.closed_side, pair.open_side)
        if at_ceiling(float(pair.closed.mean()), float(pair.open_.mean())):
            found.append(f"{pair.name} is at its ceiling (both above 95 %): it can no longer tell the two apart")
        for part, points in zip(PARTS[:4], pair.waterfall[:4], strict=True):
            if abs(points) > STATUS_POINTS:
                found.append(
                    f"{pair.name}: {points:+.1f} points of the gap come from {part} answers, not from wrong ones"
                )
        if abs(pair.missing_closed - pair.missing_open) > 0.02 * pair.planned:
            found.append(
                f"{pair.name}: {pair.missing_closed} items are missing on the closed side, {pair.missing_open} on the open one"
            )
        for side in (pair.closed_side, pair.open_side):
            answers = side.data.answers
            partly = int(((answers > 0) & (answers < side.repeats)).sum())
            if partly:
                found.append(f"{pair.name}: {partly} items of {side.name} have fewer repeats than planned")
        found += _age(pair)
    for side in (pairs[0].closed_side, pairs[0].open_side):
        found += openness(side)
    return found


def openness(one: Evidence) -> list[str]:
    """Restricted weights, and a level that the catalogue no longer gives."""
    system = one.receipt.system
    if system.weights == "restricted":
        return [
            f"{system.name} has restricted weights (published under a licence that limits use): neither open nor closed"
        ]
    card = catalogue.cards().get(system.card)
    today = catalogue.weights_at(card) if card else system.weights
    if catalogue.is_open(today) != catalogue.is_open(system.weights):
        return [f"{system.name} counts as {system.weights}, as when it was run; the catalogue now says {today}"]
    return []


def variants(members: Iterable[Evidence]) -> list[str]:
    """Candidates of one side that are one model with other options: the best of them is chosen more often by luck."""
    by_card: dict[str, list[str]] = {}
    for one in members:
        names = by_card.setdefault(one.receipt.system.card, [])
        if one.name not in names:
            names.append(one.name)
    return [
        f"{len(names)} candidates are variants of one model ({card}): {_first(names)}"
        for card, names in sorted(by_card.items())
        if len(names) > 1
    ]


def _first(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _age(pair: PairedTask) -> list[str]:
    """Items that were public before a model's training data ended: it may have seen them."""
    found = []
    for side in (pair.closed_side, pair.open_side):
        card = catalogue.cards().get(side.receipt.system.card)
        dates = [date for date in side.data.published_on if date is not None]
        if card is None or card.cutoff is None or not dates:
            continue
        older = sum(str(date)[: len(card.cutoff)] <= card.cutoff for date in dates)
        if older:
            found.append(
                f"{pair.name}: {older} of {len(side.data.ids)} items were public before the cutoff of {side.name} ({card.cutoff})"
            )
    return found
