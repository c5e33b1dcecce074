"""Batch endpoints of all protocols for the fault server: files and batches at OpenAI's paths, message batches at
Anthropic's. A batch is answered when it has been polled often enough; rows can be made to fail or go missing, whole
batches to fail or to expire half done, and the reply to a submission to get lost.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(slots=True)
class _Batch:
    rows: list[dict[str, Any]]
    metadata: dict[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    polls: int = 0


@dataclass(slots=True)
class BatchBook:
    """All batches of one server. Of every ``lose_every`` rows one is missing from the results and one is errored."""

    answers: Mapping[str, Answer]
    """By path of the call that a row stands for."""
    lose_every: int = 7
    polls_needed: int = 2
    ends: Literal["completed", "failed", "expired"] = "completed"
    """``expired``: only the first half of the rows is answered."""
    lose_replies: int = 0
    """So many submissions are taken, but their reply never arrives."""
    lose_files: bool = False
    """Results have been deleted."""
    fail_polls: int = 0
    """So many polls are answered 500."""
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, _Batch] = field(default_factory=dict)
    submitted: int = 0
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/files", self._upload),
            web.get("/v1/files/{id}/content", self._content),
            web.post("/v1/batches", self._create),
            web.get("/v1/batches", self._list),
            web.get("/v1/batches/{id}", self._poll),
            web.post("/v1/messages/batches", self._create_anthropic),
            web.get("/v1/messages/batches", self._list_anthropic),
            web.get("/v1/messages/batches/{id}", self._poll_anthropic),
            web.get("/v1/messages/batches/{id}/results", self._results_anthropic),
            web.get("/_batches", self._show),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "submitted": self.submitted,
                "rows": sum(len(batch.rows) for batch in self.batches.values()),
                "polls": sum(batch.polls for batch in self.batches.values()),
                "calls": sorted(
                    {str(row.get("url", "/v1/messages")) for batch in self.batches.values() for row in batch.rows}
                ),
            }
        )

    def _name(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers):06d}"

    def _done(self, name: str) -> bool:
        batch = self._batch(name)
        batch.polls += 1
        if self.fail_polls:
            self.fail_polls -= 1
            raise web.HTTPInternalServerError(
                text='{"error": {"message": "internal error"}}', content_type="application/json"
            )
        return batch.polls >= self.polls_needed

    def _take(self, request: web.Request, name: str, batch: _Batch) -> None:
        self.batches[name] = batch
        self.submitted += 1
        if self.lose_replies and request.transport is not None:
            self.lose_replies -= 1
            request.transport.abort()

    def _batch(self, name: str) -> _Batch:
        if name not in self.batches:
            raise web.HTTPNotFound(
                text=json.dumps({"error": {"message": f"no batch {name}"}}), content_type="application/json"
            )
        return self.batches[name]

    def _fates(self, batch: _Batch) -> list[tuple[dict[str, Any], str]]:
        """Each row with ``answered``, ``errored``, ``missing`` or ``expired``."""
        fates = []
        for index, row in enumerate(batch.rows):
            place = index % self.lose_every if self.lose_every else 0
            fate = {self.lose_every - 1: "missing", self.lose_every - 2: "errored"}.get(place, "answered")
            if self.ends == "expired" and index >= len(batch.rows) / 2:
                fate = "expired"
            fates.append((row, fate if self.lose_every or fate == "expired" else "answered"))
        return fates

    # ---------------------------------------------------------------------------------------- OpenAI

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        name = self._name("file")
        self.files[name] = upload.file.read()
        return web.json_response({"id": name, "object": "file", "bytes": len(self.files[name]), "purpose": "batch",
                                  "created_at": 0, "filename": "batch.jsonl", "status": "processed"})  # fmt: skip

    async def _content(self, request: web.Request) -> web.Response:
        if self.lose_files:
            raise web.HTTPNotFound(
                text='{"error": {"message": "No such File object"}}', content_type="application/json"
            )
        return web.Response(body=self.files[request.match_info["id"]], content_type="application/jsonl")

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        rows = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines() if line.strip()]
        name = self._name("batch")
        self._take(request, name, _Batch(rows, body.get("metadata") or {}))
        return web.json_response(self._state(name, "validating"))

    async def _list(self, request: web.Request) -> web.Response:
        data = [self._state(name, "in_progress") for name in reversed(self.batches) if name.startswith("batch_")]
        return web.json_response({"object": "list", "data": data, "has_more": False})

    async def _poll(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if not self._done(name):
            return web.json_response(self._state(name, "in_progress"))
        state = self._state(name, self.ends)
        if self.ends == "failed":
            state["errors"] = {
                "object": "list",
                "data": [{"code": "token_limit_exceeded", "message": "too many enqueued"}],
            }
            return web.json_response(state)
        output, errors = [], []
        for row, fate in self._fates(self._batch(name)):
            line = {"id": "x", "custom_id": row["custom_id"], "response": None, "error": None}
            if fate == "answered":
                reply = self.answers[row["url"]](row["body"])
                output.append({**line, "response": {"status_code": 200, "request_id": "r", "body": reply}})
            elif fate == "errored":
                reply = {"error": {"message": "internal error"}}
                errors.append({**line, "response": {"status_code": 500, "request_id": "r", "body": reply}})
            elif fate == "expired":
                errors.append({**line, "error": {"code": "batch_expired", "message": "could not be executed in time"}})
        for key, lines in (("output_file_id", output), ("error_file_id", errors)):
            if lines:
                state[key] = f"{name}-{key}"
                self.files[state[key]] = "".join(json.dumps(line) + "\n" for line in lines).encode()
        return web.json_response(state)

    def _state(self, name: str, status: str) -> dict[str, Any]:
        batch = self._batch(name)
        counts = {"total": len(batch.rows), "completed": len(batch.rows) if status == "completed" else 0, "failed": 0}
        return {"id": name, "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "",
                "completion_window": "24h", "status": status, "created_at": int(batch.created),
                "metadata": batch.metadata, "request_counts": counts}  # fmt: skip

    # ---------------------------------------------------------------------------------------- Anthropic

    async def _create_anthropic(self, request: web.Request) -> web.Response:
        name = self._name("msgbatch")
        self._take(request, name, _Batch((await request.json())["requests"]))
        return web.json_response(self._state_anthropic(name, "in_progress", request))

    async def _list_anthropic(self, request: web.Request) -> web.Response:
        names = [name for name in reversed(self.batches) if name.startswith("msgbatch_")]
        ended = {name: self.batches[name].polls >= self.polls_needed for name in names}
        data = [self._state_anthropic(name, "ended" if ended[name] else "in_progress", request) for name in names]
        return web.json_response({"data": data, "has_more": False, "first_id": None, "last_id": None})

    async def _poll_anthropic(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        return web.json_response(self._state_anthropic(name, "ended" if self._done(name) else "in_progress", request))

    async def _results_anthropic(self, request: web.Request) -> web.Response:
        lines = []
        for row, fate in self._fates(self._batch(request.match_info["id"])):
            result: dict[str, Any] = {"type": "expired"}
            if fate == "missing":
                continue
            if fate == "answered" and self.ends != "failed":
                result = {"type": "succeeded", "message": self.answers["/v1/messages"](row["params"])}
            elif fate == "errored":
                inner = {"type": "error", "error": {"type": "api_error", "message": "internal error"}}
                result = {"type": "errored", "error": inner}
            lines.append(json.dumps({"custom_id": row["custom_id"], "result": result}) + "\n")
        return web.Response(text="".join(lines), content_type="application/x-jsonl")

    def _state_anthropic(self, name: str, status: str, request: web.Request) -> dict[str, Any]:
        batch = self._batch(name)
        created = dt.datetime.fromtimestamp(batch.created, dt.UTC)
        ended = status == "ended"
        counts = {"processing": 0 if ended else len(batch.rows), "succeeded": len(batch.rows) if ended else 0,
                  "errored": 0, "canceled": 0, "expired": 0}  # fmt: skip
        results = f"{request.url.origin()}/v1/messages/batches/{name}/results" if ended else None
        return {"id": name, "type": "message_batch", "processing_status": status, "request_counts": counts,
                "created_at": created.isoformat(), "expires_at": (created + dt.timedelta(days=1)).isoformat(),
                "ended_at": None, "cancel_initiated_at": None, "archived_at": None, "results_url": results}  # fmt: skip
