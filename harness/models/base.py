"""What every adapter is, and the few rules that all of them share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from harness.errors import OpenGapError, UsageError
from harness.types import Completion, CompletionStatus, Request, RequestKind, Sampling, System


class Model(Protocol):
    """One system, ready to answer. Adapters send, map errors and report; they do not retry."""

    system: System
    kinds: frozenset[RequestKind]
    default_concurrency: int

    async def start(self) -> None:
        """Load or connect. Raises RunFailed or UsageError with what to do."""

    async def generate(self, request: Request) -> Completion:
        """One answer. Raises AttemptFailed (one attempt failed) or RunFailed (no attempt can succeed)."""

    async def close(self) -> None:
        """Free what :meth:`start` took; safe to call twice."""

    def describe(self) -> dict[str, Any]:
        """Facts for the receipt, once started: engine, flags, chat template hash."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """Where a batch stands at its provider."""

    status: Literal["waiting", "ended", "failed", "unknown"]
    """``ended``: there may be results, whole or in part. ``failed``: there are none and there will be none. ``unknown``: the
    provider shows no such batch.
    """
    detail: str = ""


class BatchSide(Protocol):
    """The batch API of one system: many requests handed over at once, answered within a day, at a lower price."""

    async def submit(self, rows: Sequence[tuple[str, bytes]], token: str) -> str:
        """Hand over rows of (row id, encoded body); returns the batch's id. ``token`` lets :meth:`find` know it again.

        Raises: UsageError (no such API), RunFailed, AttemptFailed.
        """

    async def find(self, token: str, rows: int, since: str, known: Collection[str], mark: str) -> str | None:
        """The id of a batch that was submitted but whose id never arrived: this token, row count, time, not ``known``.

        ``mark`` is the end of its rows' ids, and of no other's. RunFailed if one cannot tell yet.
        """

    async def poll(self, batch: str) -> BatchState:
        """Where the batch stands. Raises AttemptFailed, RunFailed."""

    async def collect(self, batch: str) -> Iterable[tuple[str, bytes | OpenGapError]]:
        """(row id, body of the reply or the row's error) of the rows that came back, in any order."""


def classify(text: str, *, finished_by_limit: bool, refused: bool) -> CompletionStatus:
    """Status of an answer that arrived; cut off comes before empty, since a limit explains the emptiness."""
    if refused:
        return "refused"
    if finished_by_limit:
        return "truncated"
    return "ok" if text.strip() else "empty"


def mean(values: Sequence[float]) -> float | None:
    """Arithmetic mean; None of nothing."""
    return sum(values) / len(values) if values else None


def acceptable(sampling: Sampling, rejects: Iterable[str], who: str) -> tuple[Sampling, tuple[str, ...]]:
    """The parameters that a system takes, and the names of those left out.

    Left out and recorded is only what cannot change the meaning: a seed; ``top_p`` at 1 or under greedy decoding.
    UsageError for anything else that is rejected.
    """
    dropped: list[str] = []
    for name in rejects:
        value = getattr(sampling, name, None)
        if value is None:
            continue
        if name == "seed" or (name in ("top_p", "top_k") and (sampling.temperature == 0.0 or value == 1.0)):
            dropped.append(name)
            sampling = replace(sampling, **{name: None})
        else:
            raise UsageError(
                f"{who} does not accept {name}={value}, which the protocol asks for; "
                "use --protocol as-recommended, which asks every model as its developer advises"
            )
    return sampling, tuple(dropped)
