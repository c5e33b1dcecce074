"""A loopback server in the test's own event loop: it keeps what it was sent and answers what it was told to."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from harness.catalogue import Provider
from harness.models.anthropic_messages import AnthropicMessages
from harness.models.hosted import HostedModel
from harness.models.openai_chat import OpenAIChat
from harness.models.openai_responses import OpenAIResponses
from harness.types import Completion, Message, Request, Sampling, System

KEY = "sk-test-0123456789abcdefghijklmnop"

CHAT = {
    "model": "m-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Answer: 4"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}
MESSAGES = {
    "type": "message",
    "role": "assistant",
    "model": "m-1",
    "content": [{"type": "text", "text": "Answer: 4"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 10, "output_tokens": 5},
}
RESPONSES = {
    "object": "response",
    "model": "m-1",
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "Answer: 4"}]}],
    "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
}
GOOD: Mapping[str, dict[str, Any]] = {"/chat/completions": CHAT, "/messages": MESSAGES, "/responses": RESPONSES}
ADAPTERS: Mapping[str, type[HostedModel]] = {
    "chat": OpenAIChat,
    "responses": OpenAIResponses,
    "messages": AnthropicMessages,
}


@dataclass
class Wire:
    """The server's side: its address, what it answers (None: a good reply), and what it was sent."""

    url: str = ""
    status: int = 200
    reply: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    seen: list[Mapping[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        if request.path.endswith("/models"):
            return web.json_response({"object": "list", "data": [{"id": "model-one"}, {"id": "other"}]})
        with contextlib.suppress(ValueError):  # an upload is no JSON
            self.bodies.append(json.loads(await request.read()))
        self.seen.append(dict(request.headers))
        reply = self.reply
        if reply is None and self.status == 200:
            reply = next(good for path, good in GOOD.items() if request.path.endswith(path))
        if isinstance(reply, str):
            return web.Response(status=self.status, text=reply, content_type="text/html", headers=self.headers)
        return web.json_response(reply, status=self.status, headers=self.headers)

    @contextlib.asynccontextmanager
    async def model(
        self,
        api: str,
        options: Mapping[str, str] | None = None,
        provider: Provider | None = None,
        name: str = "model-1",
    ) -> AsyncIterator[HostedModel]:
        """A started adapter that talks to this server; ``api`` is chat, responses or messages."""
        protocol = "anthropic" if api == "messages" else "openai"
        url = self.url if api == "messages" else f"{self.url}/v1"
        provider = provider or Provider("wire", protocol, key="WIRE_API_KEY")
        system = System("wire:model-1", name, "", "closed", provider.protocol, name, options=options or {})
        model = ADAPTERS[api](system, provider, url=url)
        await model.start()
        try:
            yield model
        finally:
            await model.close()


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[Wire]:
    """A :class:`Wire` on a free loopback port."""
    wire = Wire()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", wire.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    wire.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield wire
    finally:
        await runner.cleanup()


def question(
    *messages: Message, sampling: Sampling | None = None, max_tokens: int = 64, options: Mapping[str, str] | None = None
) -> Request:
    """A request, by default one user turn under greedy decoding."""
    turns = messages or (Message("user", "What is 2 + 2?"),)
    return Request("t", "1", 0, turns, max_tokens, sampling or Sampling(0.0, 1.0), "0" * 64, options or {})


async def ask(
    wire: Wire, api: str, request: Request | None = None, options: Mapping[str, str] | None = None
) -> Completion:
    """One question through a fresh adapter."""
    async with wire.model(api, options) as model:
        return await model.generate(request or question(options=options))
