"""What a local run took and cost: accelerator hours from the journal, dollars from ``hardware.yaml``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from harness import catalogue, settings
from harness.store.journal import Place
from harness.types import System


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One entry of ``hardware.yaml``."""

    usd_per_hour: float | None = None
    source: str = ""


def busy_hours(places: Iterable[Place], system: System) -> float:
    """Hours in which at least one request was being answered, times the accelerators of the system.

    The union of the intervals [arrival - latency, arrival]: pauses between sessions and loading do not count.
    """
    spans = []
    for place in places:
        end = dt.datetime.fromisoformat(place.at).timestamp()
        spans.append((end - (place.latency_s or 0.0), end))
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total / 3600 * int(system.options.get("tensor_parallel_size", 1))


def check() -> None:
    """UsageError if ``hardware.yaml`` has a mistake: found before anything is asked."""
    for device in settings.load("hardware"):
        usd_per_hour(device)


def usd_per_hour(device: str | None) -> float | None:
    """Price of one accelerator hour, None if nobody said."""
    found = settings.load("hardware").get(device or "")
    if found is None:
        return None
    where = f"{found[1]}: {device}"
    return catalogue.in_range(settings.build(Accelerator, found[0], where), where).usd_per_hour
