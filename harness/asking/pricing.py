"""Dollars of one answer, from the usage that came back and the price in force; unknown stays unknown, never $0.

    dollars = plain x p_in + cached x p_cached + written x p_write + output x p_out,   prices per token

``input`` counts all prompt tokens; ``cached`` of them were read from the provider's prompt cache, ``written`` were put
into it, and ``plain`` is the rest. p_cached is the catalogue's, else p_in. p_write is the catalogue's ``cache_write``, else
p_in times the provider's ``cache_write_factor``, else p_in: most providers ask nothing extra for writing, so where nobody
says otherwise nothing extra is counted. An answer that came by a batch costs this less the batch discount.
"""

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
        known = replace(known, since="", input=price_in, cached=None, cache_write=None, source="--price-in")
    if price_out is not None:
        known = replace(known, since="", output=price_out, source="--price-out")
    if known.input is not None and known.cache_write is None and provider is not None and provider.cache_write_factor:
        known = replace(known, cache_write=known.input * provider.cache_write_factor)
    return known if is_known(known) else None


def is_known(price: Price | None) -> bool:
    """Whether both sides of a price are known."""
    return price is not None and price.input is not None and price.output is not None


def cost_usd(price: Price | None, usage: Usage) -> float | None:
    """The formula above; None if a part of it is unknown."""
    if price is None or price.input is None or price.output is None or usage.input is None or usage.output is None:
        return None
    cached, written = usage.cached or 0, usage.cache_written or 0
    p_cached = price.input if price.cached is None else price.cached
    p_write = price.input if price.cache_write is None else price.cache_write
    plain = usage.input - cached - written
    return (plain * price.input + cached * p_cached + written * p_write + usage.output * price.output) / 1e6
