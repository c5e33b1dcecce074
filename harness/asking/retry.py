"""One policy for all adapters: what is tried again, how often, and how long is waited. The SDKs' own retries are off."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import AttemptFailed, TimedOut


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds on the attempts at one request; durations in seconds."""

    attempts: int = 8
    attempts_timed_out: int = 2
    """A generation that took too long will most likely take too long again, and may be billed again."""
    attempt_s: float = 900.0
    total_s: float = 3600.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0

    def wait_s(self, failures: Sequence[AttemptFailed], elapsed_s: float) -> float | None:
        """Seconds to wait after these failures of one request, or None if it is given up.

        What the server asked for (Retry-After) is honoured in full; otherwise the wait doubles, with jitter so that
        clients that failed together do not come back together.
        """
        last = failures[-1]
        if not last.retryable or len(failures) >= self.attempts:
            return None
        if sum(isinstance(failure, TimedOut) for failure in failures) >= self.attempts_timed_out:
            return None
        if last.retry_after_s is not None:
            wait = last.retry_after_s + random.uniform(0.0, 0.1)
        else:
            wait = random.uniform(0.5, 1.0) * min(self.longest_wait_s, self.first_wait_s * 2 ** (len(failures) - 1))
        return wait if elapsed_s + wait <= self.total_s else None
