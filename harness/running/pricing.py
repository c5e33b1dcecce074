"""Dollars of one answer, from the usage that came back and the price in force; unknown stays unknown, never $0."""

from __future__ import annotations

from dataclasses import replace

from harness import catalogue
from harness.types import Price, System, Usage


def price_of(system: System, price_in: float | None = None, price_out: float | None = None) -> Price | None:
    """The price of a hosted system on the day of the run, per million tokens; what the user states wins.

    None where no price is known, which local systems and files never have.
    """
    card = catalogue.cards().get(system.card)
    known = catalogue.price_at(card, system.provider) if card else None
    provider = catalogue.providers().get(system.provider)
    known = known or Price(since="")
    if known.batch_discount is None and provider is not None:
        known = replace(known, batch_discount=provider.batch_discount)
    if price_in is not None:
        known = replace(known, since="", input=price_in, cached=None, source="--price-in")
    if price_out is not None:
        known = replace(known, since="", output=price_out, source="--price-out")
    return known if is_known(known) else None


def is_known(price: Price | None) -> bool:
    """Whether both sides of a price are known."""
    return price is not None and price.input is not None and price.output is not None


def cost_usd(price: Price | None, usage: Usage) -> float | None:
    """input x p_in + cached x p_cached + output x p_out, prices per million tokens; None if a part is unknown."""
    if price is None or price.input is None or price.output is None or usage.input is None or usage.output is None:
        return None
    cached = usage.cached or 0
    cached_price = price.input if price.cached is None else price.cached
    return ((usage.input - cached) * price.input + cached * cached_price + usage.output * price.output) / 1e6
