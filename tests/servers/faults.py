"""A server of the hosted protocols (two of OpenAI, one of Anthropic) that misbehaves on purpose, to try what a client bears.

    python -m tests.servers.faults --latency 0.2 --rate 429=0.1 --rate 500=0.05 --seed 1

It listens on a free loopback port, prints one line of JSON with its ``url``, counts what it was asked (``GET /_stats``)
and ends when its standard input closes. Faults by name: ``400``, ``429`` (with Retry-After), ``500``, ``502``, ``529``, ``reset`` (the
connection drops), ``half`` (half a body, then a reset), ``malformed`` (not JSON), ``hang`` (no answer until the client
gives up), ``trickle`` (the body in small pieces), ``html`` (wrong content type), ``no_usage``, ``no_choices``,
``refusal``. Permanent ones by option: ``--refuse-key``, ``--missing-model``, ``--context`` (in characters).
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.servers.batches import BatchBook

FAULTS = (
    "400", "429", "500", "502", "529", "reset", "half", "malformed", "hang", "trickle", "html", "no_usage", "no_choices", "refusal",
)  # fmt: skip


@dataclass(slots=True)
class Behaviour:
    """How the server answers. Durations in seconds; rates are probabilities per request."""

    latency_s: float = 0.0
    rates: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    answer: str = "Answer: 4"
    answer_bytes: int = 0
    """Pad answers to this size."""
    retry_after_s: float = 0.2
    hang_s: float = 3600.0
    refuse_key: bool = False
    missing_model: bool = False
    context: int | None = None
    requests_per_minute: int | None = None
    """A real limit: above it every request is answered 429 until the minute's window has room."""
    faults_first: int | None = None
    """Only this many requests may fail; None: no such bound."""


@dataclass(slots=True)
class Stats:
    """What was asked and answered, by a hash of the conversation."""

    requests: int = 0
    first_at: float | None = None
    """Unix time of the first request."""
    in_flight: int = 0
    most_in_flight: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)
    images: Counter[str] = field(default_factory=Counter)
    """By SHA-256 of what was decoded."""


class FaultServer:
    """The application with its state; one instance a process or a test."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.stats = Stats()
        self._random = random.Random(behaviour.seed)
        self._window: list[float] = []
        self.book = BatchBook(
            {
                "/v1/chat/completions": self._answer_openai,
                "/v1/responses": lambda body: self._answer_responses({**body, "messages": body["input"]}),
                "/v1/messages": self._answer_anthropic,
            }
        )
        self.app = web.Application(client_max_size=1 << 30)
        self.app.add_routes(
            [
                web.post("/v1/chat/completions", self._chat),
                web.post("/v1/responses", self._responses),
                web.post("/v1/messages", self._messages),
                web.get("/v1/models", self._models),
                web.get("/_stats", self._show),
                *self.book.routes(),
            ]
        )

    # ------------------------------------------------------------------------------------ all protocols

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, self._answer_openai)

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, self._answer_anthropic)

    async def _responses(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, self._answer_responses)

    async def _models(self, request: web.Request) -> web.Response:
        data = [{"id": name, "object": "model"} for name in ("fault-1", "fault-1-mini")]
        return web.json_response({"object": "list", "data": data})

    async def _show(self, request: web.Request) -> web.Response:
        stats = self.stats
        return web.json_response(
            {
                "requests": stats.requests,
                "first_at": stats.first_at,
                "most_in_flight": stats.most_in_flight,
                "asked": stats.asked,
                "answered": stats.answered,
                "faults": stats.faults,
                "keys": sorted(stats.keys),
                "images": stats.images,
            }
        )

    async def _serve(self, request: web.Request, answer: Any) -> web.StreamResponse:
        body = json.loads(await request.read())
        body["messages"] = body.get("messages") or body.get("input")
        stats = self.stats
        stats.requests += 1
        stats.first_at = stats.first_at or time.time()
        stats.in_flight += 1
        stats.most_in_flight = max(stats.most_in_flight, stats.in_flight)
        stats.keys.add(_key(request))
        digest = conversation_hash(body)
        stats.asked[digest] += 1
        try:
            permanent = self._permanent(request, body)
            if permanent is not None:
                return permanent
            if self.behaviour.latency_s:
                await asyncio.sleep(self.behaviour.latency_s)
            return await self._faulty(request, answer(body), digest)
        finally:
            stats.in_flight -= 1

    def _permanent(self, request: web.Request, body: Mapping[str, Any]) -> web.Response | None:
        behaviour = self.behaviour
        try:
            _images(body)
        except (ValueError, KeyError, TypeError) as error:
            return _error(400, "invalid_request_error", f"an image cannot be read: {error!r}")
        if behaviour.refuse_key:
            # As OpenAI does it, the message repeats the key: a client has to keep it out of its own messages.
            return _error(401, "authentication_error", f"Incorrect API key provided: {_key(request)}")
        if behaviour.missing_model:
            return _error(404, "not_found_error", f"The model `{body.get('model')}` does not exist")
        size = _length(body)
        if behaviour.context is not None and size > behaviour.context:
            return _error(400, "invalid_request_error", "This model's maximum context length is exceeded")
        if behaviour.requests_per_minute is not None:
            now = time.monotonic()
            self._window = [at for at in self._window if now - at < 60]
            if len(self._window) >= behaviour.requests_per_minute:
                self.stats.faults["429"] += 1
                return self._limited(60 - (now - self._window[0]))
            self._window.append(now)
        return None

    def _limited(self, wait_s: float) -> web.Response:
        response = _error(429, "rate_limit_error", "slow down")
        response.headers["Retry-After"] = f"{wait_s:.2f}"
        return response

    def _draw(self) -> str | None:
        bound = self.behaviour.faults_first
        if bound is not None and self.stats.faults.total() >= bound:
            return None
        point = self._random.random()
        for name, rate in self.behaviour.rates.items():
            point -= rate
            if point < 0:
                return name
        return None

    async def _faulty(self, request: web.Request, reply: dict[str, Any], digest: str) -> web.StreamResponse:
        fault = self._draw()
        if fault is not None:
            self.stats.faults[fault] += 1
        data = json.dumps(reply).encode()
        match fault:
            case "429":
                return self._limited(self.behaviour.retry_after_s)
            case "400":
                return _error(400, "invalid_request_error", "max_tokens=2048 is more than this model allows")
            case "500":
                return _error(500, "api_error", "internal error")
            case "502":
                return web.Response(status=502, text="<html>bad gateway</html>", content_type="text/html")
            case "529":
                return _error(529, "overloaded_error", "overloaded")
            case "reset":
                _drop(request)
                return web.Response(status=500)
            case "half":
                response = web.StreamResponse(
                    headers={"Content-Type": "application/json", "Content-Length": str(len(data))}
                )
                await response.prepare(request)
                await response.write(data[: len(data) // 2])
                _drop(request)
                return response
            case "malformed":
                return web.Response(body=b'{"choices": [{"message": ', content_type="application/json")
            case "html":
                return web.Response(text="<html>504 gateway</html>", content_type="text/html")
            case "hang":
                await asyncio.sleep(self.behaviour.hang_s)
            case "no_usage":
                reply.pop("usage")
            case "no_choices":
                reply["choices"] = reply["content"] = reply["output"] = []
            case "refusal":
                _refuse(reply)
        if fault not in ("hang", "no_choices"):
            self.stats.answered[digest] += 1
        if fault == "trickle":
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            for start in range(0, len(data), 64):
                await response.write(data[start : start + 64])
                await asyncio.sleep(0.005)
            await response.write_eof()
            return response
        return web.json_response(reply, headers={"x-ratelimit-remaining-requests": "1000"})

    # ------------------------------------------------------------------------------------ answers

    @property
    def _length(self) -> int:
        """Tokens that an answer is counted as: 5, or four bytes each where it was made longer."""
        return max(5, self.behaviour.answer_bytes // 4)

    def _text(self) -> str:
        return self.behaviour.answer.rjust(self.behaviour.answer_bytes, ".")

    def _tokens(self, body: Mapping[str, Any]) -> int:
        """Tokens of a prompt that is answered, by whatever way it came; its images are noted."""
        self.stats.images.update(_images(body))
        return _length(body) // 4

    def _answer_openai(self, body: Mapping[str, Any]) -> dict[str, Any]:
        size = self._tokens(body)
        return {
            "id": "chatcmpl-fault",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": self._text()}, "finish_reason": "stop"}
            ],
            "usage": {"prompt_tokens": size, "completion_tokens": self._length, "total_tokens": size + self._length},
        }

    def _answer_responses(self, body: Mapping[str, Any]) -> dict[str, Any]:
        size = self._tokens(body)
        return {
            "id": "resp_fault",
            "object": "response",
            "model": body["model"],
            "status": "completed",
            "output": [
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": self._text()}]}
            ],
            "usage": {"input_tokens": size, "output_tokens": self._length, "total_tokens": size + self._length},
        }

    def _answer_anthropic(self, body: Mapping[str, Any]) -> dict[str, Any]:
        size = self._tokens(body)
        return {
            "id": "msg_fault",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [{"type": "text", "text": self._text()}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": size, "output_tokens": self._length},
        }


def conversation_hash(body: Mapping[str, Any]) -> str:
    """Identity of a conversation, whichever protocol it came by."""
    turns = [[turn["role"], turn["content"]] for turn in body["messages"]]
    return hashlib.sha256(json.dumps(turns, sort_keys=True).encode()).hexdigest()[:16]


def _parts(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All parts of a conversation, whichever protocol it came by; text that stands alone is one."""
    contents = [turn["content"] for turn in body["messages"]]
    return [part for one in contents for part in ([{"text": one}] if isinstance(one, str) else one)]


def _length(body: Mapping[str, Any]) -> int:
    """Characters of a conversation's texts; an image counts for a thousand."""
    return sum(len(part["text"]) if "text" in part else 1000 for part in _parts(body))


def _images(body: Mapping[str, Any]) -> list[str]:
    """SHA-256 of each image. ValueError, KeyError or TypeError if it is none."""
    found = []
    for part in (part for part in _parts(body) if "text" not in part):
        source = part.get("source") or {}
        address = part.get("image_url") or f"data:{source['media_type']};base64,{source['data']}"
        kind, _, data = (address["url"] if isinstance(address, dict) else address).partition(";base64,")
        if not kind.startswith("data:image/"):
            raise ValueError(kind[:40])
        found.append(hashlib.sha256(base64.b64decode(data, validate=True)).hexdigest())
    return found


def _key(request: web.Request) -> str:
    return request.headers.get("x-api-key") or request.headers.get("Authorization", "").removeprefix("Bearer ")


def _refuse(reply: dict[str, Any]) -> None:
    if "choices" in reply:
        reply["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    elif "output" in reply:
        reply["output"][0]["content"] = [{"type": "refusal", "refusal": "I cannot help with that."}]
    else:
        reply["stop_reason"], reply["content"] = "refusal", []


def _error(status: int, kind: str, message: str) -> web.Response:
    return web.json_response({"type": "error", "error": {"type": kind, "message": message}}, status=status)


def _drop(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def start(server: FaultServer, port: int = 0) -> tuple[web.AppRunner, str]:
    """Listen on loopback; returns the runner (to clean up) and the base URL without ``/v1``."""
    runner = web.AppRunner(server.app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def _serve_until_eof(server: FaultServer, port: int) -> None:
    runner, url = await start(server, port)
    print(json.dumps({"url": url, "engine": {}}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description="serve both hosted protocols on loopback, with faults")
    parser.add_argument("--latency", type=float, default=0.0, metavar="S")
    parser.add_argument("--rate", action="append", default=[], metavar="FAULT=P", help=", ".join(FAULTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--answer", default="Answer: 4")
    parser.add_argument("--answer-bytes", type=int, default=0)
    parser.add_argument("--requests-per-minute", type=int)
    parser.add_argument("--retry-after", type=float, default=0.2, metavar="S", help="what a 429 asks for")
    parser.add_argument("--context", type=int)
    parser.add_argument("--batch-polls", type=int, default=2, metavar="N", help="a batch is answered at its N-th poll")
    parser.add_argument(
        "--batch-loses", type=int, default=7, metavar="N", help="of N rows one goes missing, one fails; 0: none"
    )
    parser.add_argument("--batch-ends", default="completed", choices=("completed", "failed", "expired"))
    parser.add_argument("--batch-replies-lost", type=int, default=0, metavar="N", help="of the first N submissions")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--refuse-key", action="store_true")
    parser.add_argument("--missing-model", action="store_true")
    options = parser.parse_args()
    rates = {name: float(value) for name, _, value in (pair.partition("=") for pair in options.rate)}
    if unknown := set(rates) - set(FAULTS):
        parser.error(f"unknown fault {min(unknown)!r}; known: {', '.join(FAULTS)}")
    behaviour = Behaviour(
        latency_s=options.latency,
        rates=rates,
        seed=options.seed,
        answer=options.answer,
        answer_bytes=options.answer_bytes,
        requests_per_minute=options.requests_per_minute,
        context=options.context,
        retry_after_s=options.retry_after,
        refuse_key=options.refuse_key,
        missing_model=options.missing_model,
    )
    server = FaultServer(behaviour)
    server.book.polls_needed, server.book.lose_every = options.batch_polls, options.batch_loses
    server.book.ends, server.book.lose_replies = options.batch_ends, options.batch_replies_lost
    asyncio.run(_serve_until_eof(server, options.port))


if __name__ == "__main__":
    main()
