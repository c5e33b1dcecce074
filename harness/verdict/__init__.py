"""The verdict: from aligned scores to an estimate, its reasons and a Comparison; one pipeline for all that is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.verdict.store import Gaps as Gaps
    from harness.verdict.store import Store as Store

__all__ = ["Gaps", "Store"]


def __getattr__(name: str) -> Any:
    # The statistics are imported when a gap is asked for, not with the scores of a run.
    if name in __all__:
        from harness.verdict import store

        return getattr(store, name)
    raise AttributeError(f"module 'harness.verdict' has no attribute {name!r}")
