"""OpenAI's chat completions through the official SDK, for OpenAI and every server that speaks the protocol."""

from __future__ import annotations

from typing import Any

import msgspec

from harness import catalogue
from harness.catalogue import Provider
from harness.errors import MalformedReply
from harness.models.base import acceptable, classify, split_reasoning
from harness.models.hosted import ATTEMPT_LIMIT_S, CONNECT_LIMIT_S, Endpoint, base_url, key_for
from harness.types import Completion, Request, RequestKind, System, Usage


class _Message(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: Any = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Cached(msgspec.Struct):
    cached_tokens: int | None = None


class _Reasoning(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Cached | None = None
    completion_tokens_details: _Reasoning | None = None


class _Reply(msgspec.Struct):
    choices: list[_Choice]
    model: str | None = None
    system_fingerprint: str | None = None
    usage: _Usage | None = None


class OpenAIChat:
    """Adapter for one model behind ``/chat/completions``."""

    kinds: frozenset[RequestKind] = frozenset({"generate"})
    default_concurrency = 32

    def __init__(self, system: System, provider: Provider, url: str | None = None) -> None:
        self.system = system
        self._provider = provider
        self._url = base_url(provider, url or system.url)
        card = catalogue.cards().get(system.card)
        self._rejects = (*provider.rejects, *(card.rejects if card else ()))
        self._endpoint: Endpoint | None = None

    async def start(self) -> None:
        import openai

        client = openai.AsyncOpenAI(
            api_key=key_for(self._provider),
            base_url=self._url,
            max_retries=0,
            timeout=openai.Timeout(ATTEMPT_LIMIT_S, connect=CONNECT_LIMIT_S),
            http_client=openai.DefaultAioHttpClient(),
        )
        self._endpoint = Endpoint(openai, client, self._provider, self.system.api_name)

    async def generate(self, request: Request) -> Completion:
        assert self._endpoint is not None, "start() comes first"
        sampling, dropped = acceptable(request.sampling, self._rejects, self.system.name)
        body: dict[str, Any] = {
            "model": self.system.api_name,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            self._provider.max_tokens_parameter: request.max_tokens,
        }
        for name in ("temperature", "top_p", "top_k", "seed"):
            if getattr(sampling, name) is not None:
                body[name] = getattr(sampling, name)
        if "effort" in self.system.options:
            body["reasoning_effort"] = self.system.options["effort"]
        reply = await self._endpoint.post("/chat/completions", body, _Reply)
        if not reply.choices:
            raise MalformedReply("the reply has no choices")
        return _completion(reply, dropped)

    async def close(self) -> None:
        if self._endpoint is not None:
            await self._endpoint.close()
            self._endpoint = None

    def describe(self) -> dict[str, Any]:
        import openai

        return {"adapter": "openai chat completions", "sdk": f"openai {openai.__version__}", "rejects": list(self._rejects)}


def _completion(reply: _Reply, dropped: tuple[str, ...]) -> Completion:
    choice = reply.choices[0]
    message = choice.message
    content = message.content
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if part.get("type") == "text")
    reasoning, text = split_reasoning(content or "")
    stated = message.reasoning_content or (message.reasoning if isinstance(message.reasoning, str) else "")
    usage = reply.usage or _Usage()
    return Completion(
        status=classify(
            text,
            finished_by_limit=choice.finish_reason == "length",
            refused=bool(message.refusal) or choice.finish_reason == "content_filter",
        ),
        text=text or message.refusal or "",
        reasoning=stated or reasoning,
        finish_reason=choice.finish_reason,
        usage=Usage(
            usage.prompt_tokens,
            usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None,
            usage.completion_tokens,
            usage.completion_tokens_details.reasoning_tokens if usage.completion_tokens_details else None,
        ),
        reported_model=reply.model,
        fingerprint=reply.system_fingerprint,
        dropped=dropped,
    )
