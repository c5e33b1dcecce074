"""How the answers behind a comparison came: the shares unread and cut off, and whether these carry the gap."""

from __future__ import annotations

import math

from harness.types import Comparison
from harness.verdict.policy import LEADS

HALF = 0.5
"""A lead is carried by what makes at least this share of its gap."""
ROOM = (
    "`--protocol as-recommended` allows longer answers, and `opengap samples --truncated` shows those that were cut off"
)
"""How the share cut off is lowered."""


def carried_by(one: Comparison) -> tuple[str, ...]:
    """Which of "unread" and "cut off" make half of a lead or more."""
    if one.verdict not in LEADS:
        return ()
    whole = sum(getattr(one.waterfall, part) for part in one.waterfall.__slots__)
    parts = (("unread", one.waterfall.unparsed), ("cut off", one.waterfall.truncated))
    return tuple(name for name, points in parts if whole and points / whole >= HALF)


def came(one: Comparison) -> str:
    """The shares of answers unread and cut off, of each side, where one is above 0; empty where none is."""
    sides = (
        ("unread", one.unread_closed, one.unread_open),
        ("cut off", one.truncated_closed, one.truncated_open),
    )
    return "; ".join(
        f"{name}: {_share(closed)} closed, {_share(open_)} open"
        for name, closed, open_ in sides
        if closed > 0 or open_ > 0
    )


def cut_off(one: Comparison) -> bool:
    """Whether any answer was cut off."""
    return one.truncated_closed > 0 or one.truncated_open > 0


def _share(percent: float) -> str:
    return "unknown" if math.isnan(percent) else f"{percent:.1f} %"
