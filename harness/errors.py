"""Everything that OpenGap raises on purpose, as one tree.

    OpenGapError
    ├── UsageError            wrong usage: exit code 2, nothing was started
    │   ├── UnknownName       a model, task, suite or key that does not exist; names the nearest valid one
    │   ├── Preflight         several things missing at once, listed together
    │   └── DataUnavailable   a task's items cannot be loaded
    ├── Refused               a comparison that would not be one: exit code 4
    ├── StoreError            the store cannot be read or written: exit code 4
    ├── OutputFailed          standard output cannot be written: exit code 4
    ├── RunFailed             the run cannot go on: exit code 4
    │   ├── KeyRefused        401 or 403
    │   ├── ModelMissing      the endpoint does not know the model
    │   └── ServerGone        nobody is there to ask, and was not for as long as the run waits; the same command goes on
    ├── BudgetReached         the next request could pass the budget: exit code 3
    ├── SandboxError          the sandbox itself failed: the row becomes ``scorer_error``
    └── AttemptFailed         one attempt at one request failed; carries what retrying needs
        ├── RateLimited · Overloaded · ServerFailed · ConnectionFailed · TimedOut · MalformedReply   (retried)
        │   Unavailable (502, 503, 504) is an Overloaded, NotReached (no connection at all) a ConnectionFailed
        └── RequestRejected · ContextTooLong · NotInFile                                            (final)

A message says what happened, where, and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class OpenGapError(Exception):
    """Base of the tree; ``exit_code`` is what the command line ends with."""

    exit_code = 4


class UsageError(OpenGapError):
    exit_code = 2


class UnknownName(UsageError):
    """A name that does not exist; the message offers the nearest ones that do."""

    def __init__(self, kind: str, name: str, valid: Iterable[str], hint: str = "") -> None:
        candidates = sorted(set(valid))
        longer = [one for one in candidates if one.lower().startswith(name.lower())] if name else []
        near = list(dict.fromkeys([*difflib.get_close_matches(name, candidates, n=3, cutoff=0.5), *longer]))[:8]
        if near:
            advice = f"did you mean {' or '.join(near)}?"
        elif candidates:
            shown = ", ".join(candidates[:12]) + (", …" if len(candidates) > 12 else "")
            advice = f"known: {shown}"
        else:
            advice = "there are none here"
        super().__init__(f"unknown {kind} {name!r}: {advice}" + (f" {hint}" if hint else ""))


class Preflight(UsageError):
    """Everything that is missing before a run can start, in one message."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("cannot start; nothing was sent:\n" + "\n".join(f"  - {p}" for p in self.problems))


class DataUnavailable(UsageError):
    pass


class Refused(OpenGapError):
    pass


class StoreError(OpenGapError):
    pass


class OutputFailed(OpenGapError):
    pass


class RunFailed(OpenGapError):
    pass


class KeyRefused(RunFailed):
    pass


class ModelMissing(RunFailed):
    pass


class ServerGone(RunFailed):
    pass


class BudgetReached(OpenGapError):
    exit_code = 3


class SandboxError(OpenGapError):
    pass


class AttemptFailed(OpenGapError):
    """One attempt failed. ``retry_after_s`` is what the server asked for, if it did."""

    retryable = False

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimited(AttemptFailed):
    retryable = True


class Overloaded(AttemptFailed):
    retryable = True


class Unavailable(Overloaded):
    """502, 503 or 504: the server is too busy, or what stands before it found none."""


class ServerFailed(AttemptFailed):
    retryable = True


class ConnectionFailed(AttemptFailed):
    retryable = True


class NotReached(ConnectionFailed):
    """Refused, no such host, or no connection in time: nothing was sent."""


class TimedOut(AttemptFailed):
    retryable = True


class MalformedReply(AttemptFailed):
    retryable = True


class RequestRejected(AttemptFailed):
    pass


class ContextTooLong(AttemptFailed):
    pass


class NotInFile(AttemptFailed):
    pass
