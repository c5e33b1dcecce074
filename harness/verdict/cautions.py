"""What a reader of a gap has to be told, as far as the data carry it: the code raises it, not the reader."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from harness import answered, catalogue
from harness.evidence.comparable import unknown
from harness.evidence.gather import PARTS, Evidence
from harness.stats.dimension import at_ceiling
from harness.types import Reason

if TYPE_CHECKING:
    from harness.evidence.alignment import PairedTask

STATUS_POINTS = 5.0
"""A part of the gap, in points, that is due to how answers came rather than what they said."""


def cautions(pairs: Sequence[PairedTask]) -> list[Reason]:
    """What stands beside one row: unknown origin, ceiling, plumbing, repeats, openness, age of the items."""
    found: list[Reason] = []
    for pair in pairs:
        found += unknown(pair.closed_side, pair.open_side)
        means = float(pair.closed.mean()), float(pair.open_.mean())
        if at_ceiling(*means):
            found.append(Reason("ceiling", facts={"of": pair.name}))
        if at_ceiling(*(1 - mean for mean in means)):
            found.append(Reason("floor", facts={"of": pair.name}))
        for part, points in zip(PARTS[:4], pair.waterfall[:4].tolist(), strict=True):
            if abs(points) > STATUS_POINTS:
                found.append(Reason("plumbing", facts={"task": pair.name, "part": part, "points": points}))
        if abs(pair.missing_closed - pair.missing_open) > 0.02 * pair.planned:
            lacking = {"closed": pair.missing_closed, "open": pair.missing_open}
            found.append(Reason("missing_unequally", facts={"task": pair.name, **lacking}))
        found += [side.hides for side in (pair.closed_side, pair.open_side) if side.hides]
        found += _age(pair)
    found += _shared(pairs)
    for side in (pairs[0].closed_side, pairs[0].open_side):
        found += openness(side)
    receipts = {side.run: side.receipt for pair in pairs for side in (pair.closed_side, pair.open_side)}
    for receipt in receipts.values():
        asked = {"system": receipt.system.name, "asked": receipt.system.api_name}
        found += [Reason(one.kind, facts={**asked, "rows": one.rows}) for one in answered.doubts(receipt)]
    return found


def _shared(pairs: Sequence[PairedTask]) -> list[Reason]:
    """Imported tasks of one row that share ids: if these are the same items, the row's interval is too narrow."""
    found = []
    for first, second in itertools.combinations(pairs, 2):
        common = len(set(first.ids) & set(second.ids))
        if common and not (first.closed_side.known or second.closed_side.known):
            facts = {"first": first.name, "second": second.name, "items": common}
            found.append(Reason("shared_items", facts=facts))
    return found


def openness(one: Evidence) -> list[Reason]:
    """A level that the catalogue no longer gives."""
    system = one.receipt.system
    card = catalogue.cards().get(system.card)
    today = catalogue.weights_at(card) if card and card.weights else system.weights
    if today != system.weights:
        facts = {"system": system.name, "level": system.weights, "today": today}
        return [Reason("level_changed", facts=facts)]
    return []


def variants(members: Iterable[Evidence]) -> list[Reason]:
    """Candidates of one side that are one model with other options: the best of them is chosen more often by luck.

    Of imported models only the names are known: alike up to a bracket or a word of effort, they may be variants.
    """
    by_model: dict[tuple[bool, str], list[str]] = {}
    for one in members:
        card = one.receipt.system.card
        known = one.known or card != one.name
        names = by_model.setdefault((not known, card if known else _family(card)), [])
        if one.name not in names:
            names.append(one.name)
    return [
        Reason("variants", facts={"model": model, "systems": names, "by_name": by_name})
        for (by_name, model), names in sorted(by_model.items())
        if len(names) > 1
    ]


def _family(name: str) -> str:
    """A model's name without what stands in brackets, and without words of effort."""
    plain = re.sub(r"\s*[(\[].*", "", name).strip() or name
    return re.sub(r"[\s:_-]+(minimal|low|medium|high|xhigh|max|thinking|reasoning)$", "", plain, flags=re.IGNORECASE)


def _age(pair: PairedTask) -> list[Reason]:
    """Items that were public before a model's training data ended: it may have seen them."""
    found = []
    for side in (pair.closed_side, pair.open_side):
        card = catalogue.cards().get(side.receipt.system.card)
        dates = [date for date in side.data.published_on if date is not None]
        if card is None or card.cutoff is None or not dates:
            continue
        older = sum(str(date)[: len(card.cutoff)] <= card.cutoff for date in dates)
        if older:
            facts = {
                "task": pair.name, "older": older, "of": len(side.data.ids), "system": side.name, "cutoff": card.cutoff,
            }  # fmt: skip
            found.append(Reason("older_than_cutoff", facts=facts))
    return found
