"""The gap: what may be compared, with which interval, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.gap.store import Gaps as Gaps
    from harness.gap.store import Store as Store

__all__ = ["Gaps", "Store"]


def __getattr__(name: str) -> Any:
    # The statistics are imported when a gap is asked for, not with the scores of a run.
    if name in __all__:
        from harness.gap import store

        return getattr(store, name)
    raise AttributeError(f"module 'harness.gap' has no attribute {name!r}")
