"""What a store of one side still needs: the command that asks the other side the same items, and its list price."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from harness import catalogue
from harness.errors import StoreError
from harness.store import read_plan
from harness.types import UNKNOWN, ModelCard, Protocol, Receipt

if TYPE_CHECKING:
    from harness.evidence.gather import Evidence
    from harness.report.facts import Facts

DEFAULT_PROTOCOL = "matched"
DEMO_FAMILY = "demo"
OWN_FILE = "file:"
"""How the source of own questions begins."""
SCORER_OF = {"exact_match": "exact", "contains": "contains"}
"""The scorer of own questions by headline metric, where the form's name is not the scorer's."""


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The side that is missing and what would bring it."""

    lacking: Literal["closed", "open"]
    command: str
    """An ``opengap eval`` of one model of that side with the items of the newest run; the store is not in it."""
    usd: float | None
    """List price of as many tokens as the newest run took; None: tokens are not paid, or nobody counted them."""
    paid: bool
    """False: the model runs on this machine, which costs accelerator hours."""


def counterpart(facts: Facts) -> Counterpart | None:
    """What brings a gap to a store that has results of one side alone; None for any other store."""
    sides = {one.open for one in facts.evidence}
    asked = [receipt for _, receipt in facts.runs if receipt.provenance == "run"]
    if len(sides) != 1 or not asked:
        return None
    newest = asked[-1]
    members = [one for one in facts.evidence if one.run.run_id == newest.run_id]
    lacking: Literal["closed", "open"] = "closed" if sides == {True} else "open"
    own = catalogue.cards().get(newest.system.card)
    if own is not None and own.family == DEMO_FAMILY:
        return Counterpart(lacking, _command(f"demo-{lacking}", newest, members), None, False)
    try:
        protocol = read_plan(members[0].run).protocol
    except (
        StoreError
    ):  # the report lives on what is sealed; without the plan nobody knows what a model would have to take
        return None
    card = next(_candidates(lacking, protocol, facts.date), None)
    if card is None:
        return None
    if lacking == "open":
        return Counterpart(lacking, _command(card.id, newest, members), None, False)
    endpoint = card.endpoints[0]
    address = f"{endpoint.provider}:{endpoint.name}"
    return Counterpart(lacking, _command(address, newest, members), _usd(card, newest, facts.date), True)


def _candidates(lacking: str, protocol: Protocol, date: str) -> Iterator[ModelCard]:
    """Of the closed ones those with a price that take the protocol's parameters, newest first; of the open ones the
    smallest first, since it has to fit a machine that nobody described."""
    cards = [card for card in catalogue.cards().values() if card.weights and card.family != DEMO_FAMILY]
    if lacking == "open":
        sized = [
            card
            for card in cards
            if card.repository and card.parameters_b and catalogue.weights_at(card, date) != "closed"
        ]
        return iter(sorted(sized, key=lambda card: (card.parameters_b or 0, card.id)))
    sent = {field.name for field in fields(protocol.sampling) if getattr(protocol.sampling, field.name) is not None}
    usable = [
        card
        for card in cards
        if catalogue.weights_at(card, date) == "closed"
        and card.endpoints
        and catalogue.price_at(card, card.endpoints[0].provider)
        and not (protocol.sampling_source == "protocol" and sent & set(card.rejects))
        and not (card.retires and card.retires <= date)
    ]
    return iter(sorted(usable, key=lambda card: (card.released or "", card.id), reverse=True))


def _usd(card: ModelCard, receipt: Receipt, date: str) -> float | None:
    """Dollars of the newest run's tokens at list price; another tokenizer counts a little differently."""
    provider, usage = card.endpoints[0].provider, receipt.usage
    # A price seen after the newest run is still the price of asking now.
    price = catalogue.price_at(card, provider, date) or catalogue.price_at(card, provider)
    if price is None or None in (price.input, price.output, usage.input, usage.output):
        return None
    return (usage.input * price.input + usage.output * price.output) / 1e6  # type: ignore[operator]


def _command(address: str, receipt: Receipt, members: Sequence[Evidence]) -> str:
    words = ["opengap", "eval", address, *_what(receipt, members)]
    if receipt.protocol != UNKNOWN and receipt.protocol.partition("@")[0] != DEFAULT_PROTOCOL:
        words += ["--protocol", receipt.protocol]
    if receipt.repeats > 1:
        words += ["--repeats", str(receipt.repeats)]
    return shlex.join(words)


def _what(receipt: Receipt, members: Sequence[Evidence]) -> list[str]:
    """The options that ask the same tasks, and as many items of them."""
    cards = [one.planned.card for one in members]
    limits = [
        len(one.item_ids)
        for one, card in zip(members, cards, strict=True)
        if card.n is not None and len(one.item_ids) < card.n
    ]
    limit = ["--limit", str(max(limits))] if limits else []
    own = next((card for card in cards if card.source.startswith(OWN_FILE)), None)
    if own is not None:
        scorer = SCORER_OF.get(own.headline, own.form)
        return ["--items", own.source.removeprefix(OWN_FILE), "--scorer", scorer, *limit]
    if receipt.suite and not receipt.not_applicable:
        return ["--suite", receipt.suite, *limit]
    return [word for card in cards for word in ("--task", card.name)] + limit
