"""From an interval to a verdict, written once: what it says, what is missing, what doubts it, what is left.

All reasons are collected; any that overrules makes the verdict *undecided*. A pair, a best of several, a change from one
system to another and a run that stopped early go through here; what doubts each of them is for them to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from harness.evidence.alignment import MISSING_LIMIT
from harness.types import Reason

V = TypeVar("V", bound=str)
Says = Callable[[float, float], V]
"""What an interval says, from its ends in points."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A gap with its interval, in points."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Judged(Generic[V]):
    """A verdict with all that speaks against the interval's."""

    verdict: V | Literal["undecided"]
    reasons: tuple[Reason, ...]


def judge(
    used: Bounds, says: Says[V], doubts: Callable[[V], Sequence[Reason]], *, missing: Sequence[Reason] = (),
    worst: Sequence[Bounds] = (),
) -> Judged[V]:  # fmt: skip
    """The verdict that stands. ``doubts`` gets what the interval says, and tells what overrules that; ``worst`` are the
    gaps with everything missing filled in against the first side, then against the second; empty: nothing is missing.
    """
    said = says(used.low, used.high)
    reasons = (*at_worst(worst, says, said), *missing, *doubts(said))
    return Judged("undecided" if any(one.overrules for one in reasons) else said, reasons)


def at_worst(worst: Sequence[Bounds], says: Says[V], said: V) -> list[Reason]:
    """How far the missing answers could move the gap, and whether that would change what the interval says."""
    if not worst:
        return []
    against, in_favour = worst
    changes = {says(one.low, one.high) for one in worst} != {said}
    facts = {
        "gap_low": against.mean, "gap_high": in_favour.mean, "low": against.low, "high": in_favour.high, "changes": changes,
    }  # fmt: skip
    return [Reason("missing_at_worst", changes, facts)]


def too_much_missing(shares: Sequence[tuple[dict[str, str], float]]) -> list[Reason]:
    """A reason for each share of missing answers above 2 %, with the names of whose it is."""
    return [Reason("missing", True, {**whose, "share": share}) for whose, share in shares if share > MISSING_LIMIT]


def distinct(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Each reason once, in order."""
    return tuple(one for place, one in enumerate(reasons) if one not in reasons[:place])
