"""Batch endpoints of both protocols for the fault server: files and batches at OpenAI's paths, message batches at
Anthropic's. A batch is answered when it is polled for the second time; some rows can be made to fail or go missing.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(slots=True)
class _Batch:
    rows: list[dict[str, Any]]
    polls: int = 0


@dataclass(slots=True)
class BatchBook:
    """All batches of one server. Every ``lose_every``-th row is missing from the results, the next one errored."""

    openai: Answer
    anthropic: Answer
    lose_every: int = 7
    polls_needed: int = 2
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, _Batch] = field(default_factory=dict)
    submitted: int = 0
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/files", self._upload),
            web.get("/v1/files/{id}/content", self._content),
            web.post("/v1/batches", self._create),
            web.get("/v1/batches/{id}", self._poll),
            web.post("/v1/messages/batches", self._create_anthropic),
            web.get("/v1/messages/batches/{id}", self._poll_anthropic),
            web.get("/v1/messages/batches/{id}/results", self._results_anthropic),
            web.get("/_batches", self._show),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response({"submitted": self.submitted, "rows": sum(len(b.rows) for b in self.batches.values())})

    def _name(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers):06d}"

    def _done(self, name: str) -> bool:
        batch = self._batch(name)
        batch.polls += 1
        return batch.polls >= self.polls_needed

    def _batch(self, name: str) -> _Batch:
        if name not in self.batches:
            raise web.HTTPNotFound(text=json.dumps({"error": {"message": f"no batch {name}"}}), content_type="application/json")
        return self.batches[name]

    def _fate(self, index: int) -> str:
        if index % self.lose_every == self.lose_every - 1:
            return "missing"
        return "errored" if index % self.lose_every == self.lose_every - 2 else "answered"

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
        return web.Response(body=self.files[request.match_info["id"]], content_type="application/jsonl")

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        rows = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines() if line.strip()]
        name = self._name("batch")
        self.batches[name] = _Batch(rows)
        self.submitted += 1
        return web.json_response(self._state(name, body["input_file_id"], "validating"))

    async def _poll(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if not self._done(name):
            return web.json_response(self._state(name, "", "in_progress"))
        batch = self._batch(name)
        output, errors = [], []
        for index, row in enumerate(batch.rows):
            fate = self._fate(index)
            if fate == "answered":
                response = {"status_code": 200, "request_id": "r", "body": self.openai(row["body"])}
                output.append({"id": "x", "custom_id": row["custom_id"], "response": response, "error": None})
            elif fate == "errored":
                response = {"status_code": 500, "request_id": "r", "body": {"error": {"message": "internal error"}}}
                errors.append({"id": "x", "custom_id": row["custom_id"], "response": response, "error": None})
        state = self._state(name, "", "completed")
        for key, lines in (("output_file_id", output), ("error_file_id", errors)):
            state[key] = f"{name}-{key}"
            self.files[state[key]] = "".join(json.dumps(line) + "\n" for line in lines).encode()
        return web.json_response(state)

    def _state(self, name: str, source: str, status: str) -> dict[str, Any]:
        return {"id": name, "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": source,
                "completion_window": "24h", "status": status, "created_at": 0}  # fmt: skip

    # ---------------------------------------------------------------------------------------- Anthropic

    async def _create_anthropic(self, request: web.Request) -> web.Response:
        name = self._name("msgbatch")
        self.batches[name] = _Batch((await request.json())["requests"])
        self.submitted += 1
        return web.json_response(self._state_anthropic(name, "in_progress", request))

    async def _poll_anthropic(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        return web.json_response(self._state_anthropic(name, "ended" if self._done(name) else "in_progress", request))

    async def _results_anthropic(self, request: web.Request) -> web.Response:
        lines = []
        for index, row in enumerate(self._batch(request.match_info["id"]).rows):
            fate = self._fate(index)
            if fate == "answered":
                result = {"type": "succeeded", "message": self.anthropic(row["params"])}
            elif fate == "errored":
                inner = {"type": "error", "error": {"type": "api_error", "message": "internal error"}}
                result = {"type": "errored", "error": inner}
            else:
                continue
            lines.append(json.dumps({"custom_id": row["custom_id"], "result": result}) + "\n")
        return web.Response(text="".join(lines), content_type="application/x-jsonl")

    def _state_anthropic(self, name: str, status: str, request: web.Request) -> dict[str, Any]:
        rows = len(self._batch(name).rows)
        ended = status == "ended"
        counts = {"processing": 0 if ended else rows, "succeeded": rows if ended else 0, "errored": 0, "canceled": 0, "expired": 0}
        results = f"{request.url.origin()}/v1/messages/batches/{name}/results" if ended else None
        return {"id": name, "type": "message_batch", "processing_status": status, "request_counts": counts,
                "created_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-02T00:00:00Z", "ended_at": None,
                "cancel_initiated_at": None, "archived_at": None, "results_url": results}  # fmt: skip
