"""What a reader of a gap has to be told, as far as the data carry it: the code raises it, not the reader."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from harness import answered, catalogue
from harness.gap.comparable import unknown
from harness.gap.evidence import PARTS, Evidence
from harness.stats.dimension import at_ceiling

if TYPE_CHECKING:
    from harness.gap.alignment import PairedTask

STATUS_POINTS = 5.0
"""A part of the gap, in points, that is due to how answers came rather than what they said."""


def cautions(pairs: Sequence[PairedTask]) -> list[str]:
    """Warnings of one row: unknown origin, ceiling, plumbing, repeats, openness, age of the items."""
    found: list[str] = []
    for pair in pairs:
        found += unknown(pair.closed_side, pair.open_side)
        means = float(pair.closed.mean()), float(pair.open_.mean())
        if at_ceiling(*means):
            found.append(f"{pair.name} is at its ceiling (both above 95 %): it can hardly tell the two apart any more")
        if at_ceiling(*(1 - mean for mean in means)):
            found.append(f"{pair.name} is at its floor (both below 5 %): it can hardly tell the two apart yet")
        for part, points in zip(PARTS[:4], pair.waterfall[:4], strict=True):
            if abs(points) > STATUS_POINTS:
                found.append(
                    f"{pair.name}: {points:+.1f} points of the gap come from {part} answers, not from wrong ones"
                )
        if abs(pair.missing_closed - pair.missing_open) > 0.02 * pair.planned:
            found.append(
                f"{pair.name}: the sides do not lack alike: {pair.missing_closed} items closed, {pair.missing_open} open"
            )
        found += [side.hides for side in (pair.closed_side, pair.open_side) if side.hides]
        found += _age(pair)
    found += _shared(pairs)
    for side in (pairs[0].closed_side, pairs[0].open_side):
        found += openness(side)
    receipts = {side.run: side.receipt for pair in pairs for side in (pair.closed_side, pair.open_side)}
    found += [line for receipt in receipts.values() for line in answered.lines(receipt)]
    return found


def _shared(pairs: Sequence[PairedTask]) -> list[str]:
    """Imported tasks of one row that share ids: if these are the same items, the row's interval is too narrow."""
    found = []
    for first, second in itertools.combinations(pairs, 2):
        common = len(set(first.ids) & set(second.ids))
        if common and not (first.closed_side.known or second.closed_side.known):
            found.append(
                f"{first.name} and {second.name} share {common} item ids; if these are the same items the interval is too "
                "narrow, since tasks count as independent"
            )
    return found


def openness(one: Evidence) -> list[str]:
    """A level that the catalogue no longer gives."""
    system = one.receipt.system
    card = catalogue.cards().get(system.card)
    today = catalogue.weights_at(card) if card and card.weights else system.weights
    if today != system.weights:
        return [f"{system.name} counts as {system.weights}, as when it was run; the catalogue now says {today}"]
    return []


def variants(members: Iterable[Evidence]) -> list[str]:
    """Candidates of one side that are one model with other options: the best of them is chosen more often by luck.

    Of imported models only the names are known: alike up to a bracket or a word of effort, they may be variants.
    """
    by_model: dict[tuple[str, str], list[str]] = {}
    for one in members:
        card = one.receipt.system.card
        known = one.known or card != one.name
        key = (
            ("are variants of one model", card)
            if known
            else ("may by their names be variants of one model", _family(card))
        )
        names = by_model.setdefault(key, [])
        if one.name not in names:
            names.append(one.name)
    return [
        f"{len(names)} candidates {what} ({model}): {_first(names)}"
        for (what, model), names in sorted(by_model.items())
        if len(names) > 1
    ]


def _family(name: str) -> str:
    """A model's name without what stands in brackets, and without words of effort."""
    plain = re.sub(r"\s*[(\[].*", "", name).strip() or name
    return re.sub(r"[\s:_-]+(minimal|low|medium|high|xhigh|max|thinking|reasoning)$", "", plain, flags=re.IGNORECASE)


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
