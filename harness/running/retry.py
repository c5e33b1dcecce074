"""One policy for all adapters: what is tried again, how often, and how long is waited. The SDKs' own retries are off."""

from __future__ import annotations

import random
from dataclasses import dataclass

from harness.errors import AttemptFailed


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds on the attempts at one request; durations in seconds."""

    attempts: int = 8
    total_s: float = 1800.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0

    def wait_s(self, failed: int, error: AttemptFailed, elapsed_s: float) -> float | None:
        """Seconds to wait after the ``failed``-th failure, or None if the request is given up.

        What the server asked for (Retry-After) is honoured in full; otherwise the wait doubles, with full jitter so
        that clients that failed together do not come back together.
        """
        if not error.retryable or failed >= self.attempts:
            return None
        if error.retry_after_s is not None:
            wait = error.retry_after_s
        else:
            wait = random.uniform(0.5, 1.0) * min(self.longest_wait_s, self.first_wait_s * 2 ** (failed - 1))
        return wait if elapsed_s + wait <= self.total_s else None
