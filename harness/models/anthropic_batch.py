"""Anthropic's Message Batches API: requests go up in one call, replies come down as JSON lines."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from harness.errors import MalformedReply, ModelMissing, OpenGapError, RunFailed, UsageError
from harness.models.base import BatchState
from harness.models.hosted import HostedModel, decode

PATH = "/v1/messages/batches"
CLOCKS_APART = dt.timedelta(minutes=10)
"""How far the provider's clock may be from ours."""


class _Counts(msgspec.Struct):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0

    @property
    def total(self) -> int:
        return self.processing + self.succeeded + self.errored + self.canceled + self.expired


class _Batch(msgspec.Struct):
    id: str
    processing_status: str
    request_counts: _Counts = msgspec.field(default_factory=_Counts)
    created_at: dt.datetime | None = None


class _Batches(msgspec.Struct):
    data: list[_Batch]


class _Result(msgspec.Struct):
    type: str
    message: msgspec.Raw = msgspec.Raw(b"null")
    error: Any = None


class _Line(msgspec.Struct):
    custom_id: str
    result: _Result


_STATUS = {
    "invalid_request_error": 400, "authentication_error": 401, "permission_error": 403, "not_found_error": 404,
    "request_too_large": 413, "rate_limit_error": 429, "overloaded_error": 529,
}  # fmt: skip


class AnthropicBatch:
    """The batches of one model behind ``/v1/messages``."""

    def __init__(self, model: HostedModel) -> None:
        self._model = model

    async def submit(self, rows: Sequence[tuple[str, bytes]], token: str) -> str:
        body = {"requests": [{"custom_id": row, "params": msgspec.Raw(params)} for row, params in rows]}
        try:
            return (await self._model.endpoint.post(PATH, body, _Batch)).id
        except ModelMissing as error:
            raise UsageError(f"{self._model.system.name} has no batch API ({error}): leave --batch out") from None

    async def find(self, token: str, rows: int, since: str, known: Collection[str], mark: str) -> str | None:
        """These batches carry no mark of ours but in their rows' ids, which can be read once they have ended: among those of
        this size that is the one; else the only one that has not ended is taken, and its rows' ids prove it later.
        """
        listed = decode(await self._model.endpoint.get(f"{PATH}?limit=100"), _Batches).data
        earliest = dt.datetime.fromisoformat(since) - CLOCKS_APART
        fitting = [
            one
            for one in listed
            if one.id not in known
            and one.request_counts.total == rows
            and one.created_at
            and one.created_at >= earliest
        ]
        for one in fitting:
            if one.processing_status == "ended" and any(row.endswith(mark) for row, _ in await self.collect(one.id)):
                return one.id
        open_ = [one.id for one in fitting if one.processing_status != "ended"]
        if len(open_) > 1:
            raise RunFailed(
                f"a batch was handed over, its id never arrived, and {len(open_)} of its size are under way ({', '.join(open_)}): which "
                "one it is can be told when they have ended. Give the same command again then"
            )
        return open_[0] if open_ else None

    async def poll(self, batch: str) -> BatchState:
        try:
            state = decode(await self._model.endpoint.get(f"{PATH}/{batch}"), _Batch)
        except ModelMissing:
            return BatchState("unknown", "")
        counts = state.request_counts
        detail = f"{state.processing_status}, {counts.total - counts.processing} of {counts.total}"
        return BatchState("ended" if state.processing_status == "ended" else "waiting", detail)

    async def collect(self, batch: str) -> Iterable[tuple[str, bytes | OpenGapError]]:
        try:
            return self._rows(await self._model.endpoint.get(f"{PATH}/{batch}/results"))
        except ModelMissing:
            return ()

    def _rows(self, content: bytes) -> Iterator[tuple[str, bytes | OpenGapError]]:
        for line in io.BytesIO(content):
            try:
                row = decode(line, _Line)
            except MalformedReply:
                continue  # a line that cannot be read names no row: that row is owed
            if row.result.type == "succeeded":
                yield row.custom_id, bytes(row.result.message)
            else:
                error = row.result.error if isinstance(row.result.error, dict) else {"message": row.result.type}
                inner = error.get("error", error)
                kind = inner.get("type") if isinstance(inner, dict) else None
                yield row.custom_id, self._model.endpoint.failure(_STATUS.get(str(kind), 500), error, {})
