"""The gap: what may be compared, with which interval, and what follows from it."""

from __future__ import annotations

from harness.gap.store import Gaps, Store

__all__ = ["Gaps", "Store"]
