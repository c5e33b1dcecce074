"""Dollars of one answer, from the usage that came back and the price in force; unknown stays unknown, never $0."""

from __future__ import annotations

import functools

from harness import catalogue
from harness.running.live import Pricing
from harness.types import Price, System, Usage


def pricing_for(system: System) -> Pricing:
    """The price of a hosted system on the day of the run; for anything without a list price always None."""
    card = catalogue.cards().get(system.card)
    price = catalogue.price_at(card, system.provider) if card else None
    return functools.partial(cost_usd, price)


def cost_usd(price: Price | None, usage: Usage) -> float | None:
    """input x p_in + cached x p_cached + output x p_out, prices per million tokens; None if a part is unknown."""
    if price is None or price.input is None or price.output is None or usage.input is None or usage.output is None:
        return None
    cached = usage.cached or 0
    cached_price = price.input if price.cached is None else price.cached
    return ((usage.input - cached) * price.input + cached * cached_price + usage.output * price.output) / 1e6
