"""How plans are carried out, as one object."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import catalogue, settings
from harness.asking.pricing import price_of
from harness.asking.reach import PATIENCE_S
from harness.asking.retry import RetryPolicy
from harness.errors import UsageError
from harness.sealing.grader import Grader
from harness.types import System

Say = Callable[[str], None]


def to_stderr(line: str) -> None:
    """Where a run says what it does. That nobody can read it is no reason to stop asking."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How plans are carried out; nothing here changes what is asked, so none of it is part of a plan."""

    store: str | Path | None = None
    """Folder of the results; None: the usual one."""
    concurrency: int | None = None
    again: bool = False
    """Ask anew although the same plan is done."""
    again_since: dt.datetime | None = None
    """Ask anew what was asked before this time, with its zone: a scheduled job that is started twice asks once."""
    budget_usd: float | None = None
    """For all runs together, what was answered before included."""
    price_in: float | None = None
    price_out: float | None = None
    batch: bool = False
    """Hand requests to the provider's batch API first; what it does not bring is asked directly."""
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    patience_s: float = PATIENCE_S
    """How long a server that has replied before may be away."""
    grader: Grader | None = None
    """How answers are scored; None: by the forms of their tasks."""
    say: Say = to_stderr

    def __post_init__(self) -> None:
        """UsageError if a number makes no sense."""
        if self.concurrency is not None and self.concurrency < 1:
            raise UsageError("--concurrency must be at least 1")
        for flag, dollars in (
            ("--budget", self.budget_usd),
            ("--price-in", self.price_in),
            ("--price-out", self.price_out),
        ):
            if dollars is not None and not (math.isfinite(dollars) and dollars >= 0):
                raise UsageError(f"{flag} must be a number of dollars of at least 0, not {dollars}")
        if not self.patience_s >= 0:
            raise UsageError(f"--patience must be at least 0 seconds, not {self.patience_s}")
        if self.policy.attempts < 1:
            raise UsageError("--attempts must be at least 1")
        if not self.policy.attempt_s > 0:
            raise UsageError(f"--attempt-timeout must be above 0 seconds, not {self.policy.attempt_s}")

    def anew(self, started: str) -> bool:
        """Whether a plan is asked again although a run of it, of this start, is done."""
        return self.again or (self.again_since is not None and dt.datetime.fromisoformat(started) < self.again_since)

    def unpriced(self, systems: Sequence[System]) -> list[System]:
        """The systems whose price a budget would need and nobody knows."""
        if self.budget_usd is None:
            return []
        return [system for system in systems if price_of(system, self.price_in, self.price_out) is None]

    def folder(self, systems: Sequence[System]) -> Path:
        """The store of the runs of these systems. Demo systems keep to one of their own and never mix with real ones."""
        demo = {is_demo(system) for system in systems}
        if demo == {True, False}:
            raise UsageError("demo models and real ones cannot share a run: their gap would say nothing")
        if demo == {True} and self.store is None:
            return settings.store_folder() / "demo"
        return settings.store_folder(None if self.store is None else str(self.store))


def is_demo(system: System) -> bool:
    """Whether a system is one of the two bundled models."""
    card = catalogue.cards().get(system.card)
    return card is not None and card.family == "demo"
