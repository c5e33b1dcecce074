"""OpenAI's Responses API through the official SDK: ``openai:NAME,api=responses``, and any server that has the path."""

from __future__ import annotations

from typing import Any

import msgspec

from harness.errors import MalformedReply
from harness.models.base import classify, mean
from harness.models.openai_chat import OpenAIModel
from harness.thoughts import split_thoughts
from harness.types import Completion, Request, Sampling, Usage


class _Token(msgspec.Struct):
    logprob: float


class _Part(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    logprobs: list[_Token] | None = None


class _Item(msgspec.Struct):
    type: str
    content: list[_Part] | None = None
    summary: list[_Part] | None = None


class _Why(msgspec.Struct):
    reason: str | None = None


class _Cached(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _Reasoning(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _Cached | None = None
    output_tokens_details: _Reasoning | None = None


class _Reply(msgspec.Struct):
    output: list[_Item]
    status: str | None = None
    incomplete_details: _Why | None = None
    model: str | None = None
    usage: _Usage | None = None
    error: Any = None


class OpenAIResponses(OpenAIModel):
    """Adapter for one model behind ``/responses``."""

    protocol = "openai responses"
    path = "/responses"
    reply = _Reply
    refuses = ("seed", "top_k")

    def body(self, request: Request, sampling: Sampling) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.system.api_name,
            "input": self.turns(request),
            "max_output_tokens": request.max_tokens,
            # Nothing of an evaluation stays on the server.
            "store": False,
            **self.parameters(sampling, "temperature", "top_p"),
        }
        if "effort" in self.system.options:
            body["reasoning"] = {"effort": self.system.options["effort"]}
        if request.options.get("logprobs") == "true":
            body["include"] = ["message.output_text.logprobs"]
        return body

    def image(self, media_type: str, data: str) -> dict[str, Any]:
        # Unlike in chat completions, the protocol wants the detail to be named; auto is its default.
        return {"type": "input_image", "image_url": f"data:{media_type};base64,{data}", "detail": "auto"}

    def text(self, text: str) -> dict[str, Any]:
        return {"type": "input_text", "text": text}

    def completion(self, reply: _Reply, dropped: tuple[str, ...]) -> Completion:
        if reply.status == "failed" or (reply.error and not reply.output):
            raise self.failed(reply.error)
        if reply.status in ("in_progress", "queued", "cancelled"):
            raise MalformedReply(f"the reply is not finished: status {reply.status}")
        parts = [part for item in reply.output if item.type == "message" for part in item.content or ()]
        thinking = [
            part for item in reply.output if item.type == "reasoning" for part in item.content or item.summary or ()
        ]
        reasoning, text, _ = split_thoughts("".join(part.text or "" for part in parts if part.type == "output_text"))
        refusal = "".join(part.refusal or "" for part in parts if part.type == "refusal")
        why = reply.incomplete_details.reason if reply.incomplete_details else None
        usage = reply.usage or _Usage()
        prompt = usage.input_tokens_details or _Cached()
        return Completion(
            status=classify(
                text, finished_by_limit=why == "max_output_tokens", refused=bool(refusal) or why == "content_filter"
            ),
            text=text or refusal,
            reasoning="\n".join(part.text or "" for part in thinking) or reasoning,
            finish_reason=why or reply.status,
            usage=Usage(
                usage.input_tokens,
                prompt.cached_tokens,
                usage.output_tokens,
                usage.output_tokens_details.reasoning_tokens if usage.output_tokens_details else None,
                prompt.cache_write_tokens,
            ),
            mean_logprob=mean([token.logprob for part in parts for token in part.logprobs or ()]),
            reported_model=reply.model,
            dropped=dropped,
        )
