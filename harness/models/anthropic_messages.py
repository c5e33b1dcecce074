"""Anthropic's Messages API through the official SDK."""

from __future__ import annotations

from typing import Any

import msgspec

from harness import catalogue
from harness.catalogue import Provider
from harness.models.base import acceptable, classify, split_reasoning
from harness.models.hosted import ATTEMPT_LIMIT_S, CONNECT_LIMIT_S, Endpoint, base_url, key_for
from harness.types import Completion, Request, RequestKind, System, Usage


class _Block(msgspec.Struct):
    type: str
    text: str | None = None
    thinking: str | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Reply(msgspec.Struct):
    content: list[_Block]
    stop_reason: str | None = None
    model: str | None = None
    usage: _Usage | None = None


class AnthropicMessages:
    """Adapter for one model behind ``/v1/messages``."""

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
        import anthropic

        client = anthropic.AsyncAnthropic(
            api_key=key_for(self._provider),
            base_url=self._url,
            max_retries=0,
            timeout=anthropic.Timeout(ATTEMPT_LIMIT_S, connect=CONNECT_LIMIT_S),
            http_client=anthropic.DefaultAioHttpClient(),
        )
        self._endpoint = Endpoint(anthropic, client, self._provider, self.system.api_name)

    async def generate(self, request: Request) -> Completion:
        assert self._endpoint is not None, "start() comes first"
        sampling, dropped = acceptable(request.sampling, self._rejects, self.system.name)
        body: dict[str, Any] = {
            "model": self.system.api_name,
            "max_tokens": request.max_tokens,
            "messages": [
                {"role": message.role, "content": message.content}
                for message in request.messages
                if message.role != "system"
            ],
        }
        system_prompt = "\n\n".join(message.content for message in request.messages if message.role == "system")
        if system_prompt:
            body["system"] = system_prompt
        for name in ("temperature", "top_p", "top_k"):
            if getattr(sampling, name) is not None:
                body[name] = getattr(sampling, name)
        if "effort" in self.system.options:
            body["output_config"] = {"effort": self.system.options["effort"]}
        return _completion(await self._endpoint.post("/v1/messages", body, _Reply), dropped)

    async def close(self) -> None:
        if self._endpoint is not None:
            await self._endpoint.close()
            self._endpoint = None

    def describe(self) -> dict[str, Any]:
        import anthropic

        return {"adapter": "anthropic messages", "sdk": f"anthropic {anthropic.__version__}", "rejects": list(self._rejects)}


def _completion(reply: _Reply, dropped: tuple[str, ...]) -> Completion:
    written = "".join(block.text or "" for block in reply.content if block.type == "text")
    thought = "\n".join(block.thinking or "" for block in reply.content if block.type == "thinking")
    reasoning, text = split_reasoning(written)
    usage = reply.usage or _Usage()
    # Anthropic counts cached and newly cached prompt tokens apart from the others; `input` is all of them.
    parts = (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens)
    return Completion(
        status=classify(text, finished_by_limit=reply.stop_reason == "max_tokens", refused=reply.stop_reason == "refusal"),
        text=text,
        reasoning=thought or reasoning,
        finish_reason=reply.stop_reason,
        usage=Usage(
            sum(part or 0 for part in parts) if usage.input_tokens is not None else None,
            usage.cache_read_input_tokens,
            usage.output_tokens,
            None,
        ),
        reported_model=reply.model,
        dropped=dropped,
    )
