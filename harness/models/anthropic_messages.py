"""Anthropic's Messages API through the official SDK.

Thinking is asked for by an option: ``effort=high`` (the model decides how much, in five levels) or ``budget=8000``
(tokens; for the models before Claude 4.6, refused by the newest). Without either, none is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from harness.catalogue import Provider
from harness.errors import UsageError
from harness.models.base import classify
from harness.models.hosted import HostedModel
from harness.thoughts import split_thoughts
from harness.types import Completion, Request, Sampling, System, Usage

EFFORTS = ("low", "medium", "high", "xhigh", "max")
SMALLEST_BUDGET = 1024
CACHE_FROM_CHARACTERS = 4000
"""About the 1,024 tokens below which the API caches nothing; shorter prefixes are not marked."""


class _Block(msgspec.Struct):
    type: str
    text: str | None = None
    thinking: str | None = None


class _Thought(msgspec.Struct):
    thinking_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: _Thought | None = None


class _Reply(msgspec.Struct):
    content: list[_Block]
    stop_reason: str | None = None
    model: str | None = None
    usage: _Usage | None = None


class AnthropicMessages(HostedModel):
    """Adapter for one model behind ``/v1/messages``."""

    protocol = "anthropic messages"
    path = "/v1/messages"
    reply = _Reply
    refuses = ("seed",)

    def __init__(self, system: System, provider: Provider, url: str | None = None) -> None:
        super().__init__(system, provider, url)
        self._thinking = _thinking(system)
        if self._thinking:
            # "Thinking isn't compatible with temperature or top_k modifications" (Claude docs, Extended thinking).
            self._rejects = tuple(dict.fromkeys((*self._rejects, "temperature", "top_k", "top_p")))
        if "logprobs" in system.options:
            raise UsageError(f"{system.name}: this protocol gives no log-probabilities; leave logprobs out")

    def connect(self, key: str) -> tuple[Any, Any]:
        import anthropic

        return anthropic, anthropic.AsyncAnthropic(**self.settings(anthropic, key))

    def body(self, request: Request, sampling: Sampling) -> dict[str, Any]:
        budget = self._thinking.get("budget_tokens", 0)
        if budget >= request.max_tokens:
            raise UsageError(
                f"{self.system.name}: a thinking budget of {budget} leaves no room in the {request.max_tokens} tokens "
                f"that {request.task} allows, thinking included; give a smaller budget or a protocol with more tokens"
            )
        body: dict[str, Any] = {
            "model": self.system.api_name,
            "max_tokens": request.max_tokens,
            **_marked(self.turns(request)),
            **self.parameters(sampling, "temperature", "top_p", "top_k"),
        }
        if self._thinking:
            body["thinking"] = self._thinking
        if "effort" in self.system.options:
            body["output_config"] = {"effort": self.system.options["effort"]}
        return body

    def image(self, media_type: str, data: str) -> dict[str, Any]:
        return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}

    def completion(self, reply: _Reply, dropped: tuple[str, ...]) -> Completion:
        written = "".join(block.text or "" for block in reply.content if block.type == "text")
        thought = "\n".join(block.thinking or "" for block in reply.content if block.type == "thinking")
        reasoning, text, _ = split_thoughts(written)
        usage = reply.usage or _Usage()
        # Anthropic counts cached and newly cached prompt tokens apart from the others; `input` is all of them.
        parts = (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens)
        return Completion(
            status=classify(
                text,
                finished_by_limit=reply.stop_reason in ("max_tokens", "model_context_window_exceeded"),
                refused=reply.stop_reason == "refusal",
            ),
            text=text,
            reasoning=thought or reasoning,
            finish_reason=reply.stop_reason,
            usage=Usage(
                sum(part or 0 for part in parts) if usage.input_tokens is not None else None,
                usage.cache_read_input_tokens,
                usage.output_tokens,
                usage.output_tokens_details.thinking_tokens if usage.output_tokens_details else None,
                usage.cache_creation_input_tokens,
            ),
            reported_model=reply.model,
            dropped=dropped,
        )


def _thinking(system: System) -> dict[str, Any]:
    """The ``thinking`` parameter that a system's options ask for; empty: none. UsageError on a senseless option."""
    effort, budget = system.options.get("effort"), system.options.get("budget")
    if effort is not None and budget is not None:
        raise UsageError(f"{system.name}: effort and budget exclude each other; newer models take effort")
    if effort is not None:
        if effort not in EFFORTS:
            raise UsageError(f"{system.name}: effort is one of {', '.join(EFFORTS)}, not {effort!r}")
        # Newer models leave the thinking out of the reply unless a summary of it is asked for.
        return {"type": "adaptive", "display": "summarized"}
    if budget is None:
        return {}
    if not budget.isdecimal() or int(budget) < SMALLEST_BUDGET:
        raise UsageError(f"{system.name}: budget is a number of tokens, at least {SMALLEST_BUDGET}, not {budget!r}")
    return {"type": "enabled", "budget_tokens": int(budget)}


def _marked(turns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """``system`` and ``messages``; the end of a long prefix that all items share is marked for the provider's cache.

    What is shared is everything before the last turn: the system prompt and the worked examples.
    """
    system: Any = "\n\n".join(turn["content"] for turn in turns if turn["role"] == "system")
    turns = [turn for turn in turns if turn["role"] != "system"]
    # A turn with images has parts; what comes before a prefill is then shared by no two items.
    shared = len(system) + sum(len(turn["content"]) for turn in turns[:-1] if isinstance(turn["content"], str))
    if shared >= CACHE_FROM_CHARACTERS:
        if len(turns) == 1:
            system = [_ends_here(system)]
        elif isinstance(turns[-2]["content"], str):
            turns[-2]["content"] = [_ends_here(turns[-2]["content"])]
    return {"system": system, "messages": turns} if system else {"messages": turns}


def _ends_here(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}
