"""OpenAI's Batch API: a file of requests goes up, a file of replies comes down. Azure and Groq have the same one."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from harness.errors import MalformedReply, ModelMissing, OpenGapError, UsageError
from harness.models.base import BatchState
from harness.models.hosted import HostedModel, decode, encode

WINDOW = "24h"
TOKEN = "opengap"
"""Name of the metadata by which a batch is known again."""


class _File(msgspec.Struct):
    id: str


class _Problem(msgspec.Struct):
    message: str | None = None


class _Problems(msgspec.Struct):
    data: list[_Problem] | None = None


class _Counts(msgspec.Struct):
    total: int = 0
    completed: int = 0
    failed: int = 0


class _Batch(msgspec.Struct):
    id: str
    status: str
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: _Problems | None = None
    metadata: dict[str, str] | None = None
    request_counts: _Counts | None = None


class _Batches(msgspec.Struct):
    data: list[_Batch]


class _Reply(msgspec.Struct):
    status_code: int
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Line(msgspec.Struct):
    custom_id: str
    response: _Reply | None = None
    error: Any = None


class OpenAIBatch:
    """The batches of one model behind ``/chat/completions`` or ``/responses``."""

    def __init__(self, model: HostedModel) -> None:
        self._model = model

    async def submit(self, rows: Sequence[tuple[str, bytes]], token: str) -> str:
        endpoint, url = self._model.endpoint, f"/v1{self._model.path}"
        lines = io.BytesIO()
        for row, body in rows:
            lines.write(encode({"custom_id": row, "method": "POST", "url": url, "body": msgspec.Raw(body)}) + b"\n")
        upload = ("batch.jsonl", lines.getvalue())
        files = endpoint.client.files.with_raw_response
        try:
            raw = await endpoint.call(lambda: files.create(file=upload, purpose="batch"))
            file = decode(raw.http_response.content, _File)
            order = {"input_file_id": file.id, "endpoint": url, "completion_window": WINDOW, "metadata": {TOKEN: token}}
            return (await endpoint.post("/batches", order, _Batch)).id
        except ModelMissing as error:
            raise UsageError(f"{self._model.system.name} has no batch API ({error}): leave --batch out") from None

    async def find(self, token: str, rows: int, since: str, known: Collection[str], mark: str) -> str | None:
        listed = decode(await self._model.endpoint.get("/batches?limit=100"), _Batches).data
        return next((one.id for one in listed if (one.metadata or {}).get(TOKEN) == token), None)

    async def poll(self, batch: str) -> BatchState:
        state = await self._state(batch)
        if state is None:
            return BatchState("unknown", "")
        counts = state.request_counts
        detail = f"{state.status}, {counts.completed} of {counts.total}" if counts and counts.total else state.status
        if state.status in ("completed", "expired", "cancelled"):
            return BatchState("ended", detail)
        if state.status == "failed":
            problems = [one.message or "" for one in (state.errors.data if state.errors else None) or ()]
            return BatchState("failed", "; ".join(problems)[:300] or "the provider gives no reason")
        return BatchState("waiting", detail)

    async def collect(self, batch: str) -> Iterable[tuple[str, bytes | OpenGapError]]:
        state = await self._state(batch)
        files = [state.output_file_id, state.error_file_id] if state else []
        contents = [await self._file(file) for file in files if file]
        return self._rows(contents)

    async def _file(self, file: str) -> bytes:
        """A file of results; of one that is gone nothing came back."""
        try:
            return await self._model.endpoint.get(f"/files/{file}/content")
        except ModelMissing:
            return b""

    async def _state(self, batch: str) -> _Batch | None:
        try:
            return decode(await self._model.endpoint.get(f"/batches/{batch}"), _Batch)
        except ModelMissing:
            return None

    def _rows(self, contents: Sequence[bytes]) -> Iterator[tuple[str, bytes | OpenGapError]]:
        for line in (line for content in contents for line in io.BytesIO(content) if line.strip()):
            try:
                row = decode(line, _Line)
            except MalformedReply:
                continue  # a line that cannot be read names no row: that row is owed
            if row.response is None:
                yield row.custom_id, self._model.endpoint.failure(500, {"error": row.error}, {})
            elif row.response.status_code >= 400:
                body = msgspec.json.decode(row.response.body)
                yield row.custom_id, self._model.endpoint.failure(row.response.status_code, body, {})
            else:
                yield row.custom_id, bytes(row.response.body)
