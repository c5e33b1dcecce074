"""One line that says how far a run is: rewritten in place on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TextIO

from harness.types import Completion

PLAIN_EVERY_S = 10.0


class Progress:
    """Counts statuses of one run; ``done`` starts at what a resumed run has already."""

    def __init__(self, label: str, total: int, done: int = 0, stream: TextIO | None = None) -> None:
        self.held_up: Callable[[], str] = str
        """Says why nothing goes on; empty: it does."""
        self._label = label
        self._total = total
        self._before = done
        self._counts: Counter[str] = Counter()
        self._cost = 0.0
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._begun = self._shown = time.monotonic()

    def add(self, completion: Completion) -> None:
        self._counts[completion.status] += 1
        self._cost += completion.cost_usd or 0.0

    def line(self) -> str:
        """``label 120/720  14.2/s  ok 118, truncated 2  0:42 left``; of a run that is held up why and for how long."""
        asked = self._counts.total()
        elapsed = max(time.monotonic() - self._begun, 1e-9)
        rate = asked / elapsed
        left = (self._total - self._before - asked) / rate if rate > 0 else None
        statuses = ", ".join(f"{status} {count}" for status, count in self._counts.most_common())
        parts = [f"{self._label}  {self._before + asked}/{self._total}", f"{rate:.1f}/s", statuses or "waiting"]
        if self._cost:
            parts.append(f"${self._cost:.2f}")
        if why := self.held_up():
            parts.append(why)
        elif left is not None:
            parts.append(f"{int(left) // 60}:{int(left) % 60:02d} left")
        return "  ".join(parts)

    def show(self, final: bool = False) -> None:
        """Print the line if it is due. That it cannot be printed is no reason to stop asking."""
        now = time.monotonic()
        if not (final or self._terminal or now - self._shown >= PLAIN_EVERY_S):
            return
        self._shown = now
        with contextlib.suppress(OSError):
            if self._terminal:
                self._stream.write(f"\r\x1b[K{self.line()}" + ("\n" if final else ""))
            else:
                self._stream.write(self.line() + "\n")
            self._stream.flush()
