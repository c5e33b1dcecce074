"""OpenAI's chat completions through the official SDK, for OpenAI and every server that speaks the protocol."""

from __future__ import annotations

from typing import Any

import msgspec

from harness.errors import MalformedReply, Overloaded, ServerFailed
from harness.models.base import classify, mean
from harness.models.hosted import HostedModel
from harness.thoughts import split_thoughts
from harness.types import Completion, Request, Sampling, Usage

KEY = "OPENAI_API_KEY"
CUT_OFF = frozenset({"length", "model_length", "max_tokens", "model_context_window_exceeded"})
"""Finish reasons of an answer that a limit ended; the protocol's own is the first, the others are Mistral's and z.AI's."""
BROKEN = frozenset({"error", "network_error", "insufficient_system_resource"})
"""Finish reasons with which a gateway reports that the generation itself failed, under status 200."""
FILTERED = ("content_filter", "sensitive")
"""Beginnings of finish reasons of a filtered answer; Google adds its cause after a colon."""


class _Part(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    thinking: Any = None


class _Message(msgspec.Struct):
    content: str | list[_Part] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: Any = None


class _Token(msgspec.Struct):
    logprob: float


class _Logprobs(msgspec.Struct):
    content: list[_Token] | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Cached(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    """OpenAI's from GPT-5.6 on, and OpenRouter's."""


class _Reasoning(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _Cached | None = None
    completion_tokens_details: _Reasoning | None = None
    prompt_cache_hit_tokens: int | None = None
    """DeepSeek's word for cached tokens."""
    cached_tokens: int | None = None
    """Moonshot's."""


class _Reply(msgspec.Struct):
    choices: list[_Choice] | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    usage: _Usage | None = None
    error: Any = None


class OpenAIModel(HostedModel):
    """What the two protocols of the ``openai`` package share: its client."""

    def connect(self, key: str) -> tuple[Any, Any]:
        import openai

        client = openai.AsyncOpenAI(**self.settings(openai, key))
        if self.provider.key != KEY:
            # Taken from OPENAI_ORG_ID and OPENAI_PROJECT_ID, which go with that key; nobody else has business with them.
            client.organization = client.project = None
        return openai, client

    def failed(self, error: Any) -> Exception:
        """The failure that a reply with status 200 carries in its body (gateways do this)."""
        code = error.get("code") if isinstance(error, dict) else None
        return self.endpoint.failure(code if isinstance(code, int) and code >= 400 else 500, {"error": error}, {})


class OpenAIChat(OpenAIModel):
    """Adapter for one model behind ``/chat/completions``."""

    protocol = "openai chat completions"
    path = "/chat/completions"
    reply = _Reply

    def body(self, request: Request, sampling: Sampling) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.system.api_name,
            "messages": self.turns(request),
            self.provider.renames.get("max_tokens", "max_tokens"): request.max_tokens,
            **self.parameters(sampling, "temperature", "top_p", "top_k", "seed"),
        }
        if "effort" in self.system.options:
            body["reasoning_effort"] = self.system.options["effort"]
        if request.options.get("logprobs") == "true":
            body["logprobs"] = True
        return body

    def image(self, media_type: str, data: str) -> dict[str, Any]:
        return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}

    def completion(self, reply: _Reply, dropped: tuple[str, ...]) -> Completion:
        if reply.error and not reply.choices:
            raise self.failed(reply.error)
        if not reply.choices:
            raise MalformedReply("the reply has no choices")
        choice = reply.choices[0]
        finish = choice.finish_reason
        if finish in BROKEN:
            error = Overloaded if finish == "insufficient_system_resource" else ServerFailed
            raise error(f"{self.provider.name} broke the answer off: finish reason {finish}")
        message = choice.message
        written, thought, refusal = _parts(message)
        reasoning, text, _ = split_thoughts(written)
        filtered = bool(finish) and str(finish).startswith(FILTERED)
        return Completion(
            status=classify(text, finished_by_limit=finish in CUT_OFF, refused=bool(refusal) or filtered),
            text=text or refusal,
            reasoning=thought or reasoning,
            finish_reason=finish,
            usage=_usage(reply.usage),
            mean_logprob=mean([token.logprob for token in (choice.logprobs and choice.logprobs.content) or ()]),
            reported_model=reply.model,
            fingerprint=reply.system_fingerprint,
            dropped=dropped,
        )


def _parts(message: _Message) -> tuple[str, str, str]:
    """(answer, reasoning, refusal) of a message, in any of the forms that servers of this protocol give them."""
    thought = message.reasoning_content or (message.reasoning if isinstance(message.reasoning, str) else "")
    refusal = message.refusal or ""
    if not isinstance(message.content, list):
        return message.content or "", thought, refusal
    answer = []
    for part in message.content:
        if part.type == "thinking":  # Mistral: a list of text parts
            inner = part.thinking if isinstance(part.thinking, list) else [part.thinking]
            thought += "".join(one.get("text") or "" if isinstance(one, dict) else str(one or "") for one in inner)
        elif part.type == "refusal":
            refusal += part.refusal or ""
        elif part.type in ("text", None):
            answer.append(part.text or "")
    return "".join(answer), thought, refusal


def _usage(usage: _Usage | None) -> Usage:
    if usage is None:
        return Usage()
    prompt = usage.prompt_tokens_details or _Cached()
    cached = prompt.cached_tokens
    if cached is None:
        cached = usage.prompt_cache_hit_tokens if usage.prompt_cache_hit_tokens is not None else usage.cached_tokens
    output = usage.completion_tokens
    if usage.total_tokens is not None and usage.prompt_tokens is not None and output is not None:
        # xAI and Google leave reasoning out of completion_tokens, but not out of the total, and bill it as output
        # (github.com/vercel/ai/pull/12425, github.com/router-for-me/CLIProxyAPI/issues/5733).
        output = max(output, usage.total_tokens - usage.prompt_tokens)
    details = usage.completion_tokens_details
    return Usage(
        usage.prompt_tokens, cached, output, details.reasoning_tokens if details else None, prompt.cache_write_tokens
    )
