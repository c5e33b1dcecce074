"""What a reply may hold beside the answer: no header and no count that nobody needs costs an answer that was paid for."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from harness.errors import MalformedReply
from harness.models.anthropic_messages import AnthropicMessages
from harness.models.headroom import headroom
from harness.models.hosted import decode
from harness.models.openai_chat import OpenAIChat
from harness.types import Usage

NAME = "x-ratelimit-reset-requests"


@pytest.mark.parametrize(
    "value",
    [
        "1.2.3s",
        ".s",
        "inf",
        "nan",
        "1e400",
        "-5",
        "9" * 4500,
        "١٢",
        "",
        "12:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_no_header_raises(value: str) -> None:
    for name in (
        NAME,
        "x-ratelimit-remaining-requests",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ):
        found = headroom([(name, value)])
        assert found.requests is None or 0 <= found.requests < 10**16
        for seconds in (found.requests_reset_s, found.tokens_reset_s):
            assert seconds is None or 0 <= seconds < float("inf")


def test_durations_and_times() -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)
    for value, seconds in (
        ("6m0s", 360),
        ("20ms", 0.02),
        ("1.5s", 1.5),
        ("7", 7),
        (soon.isoformat(), 30),
        (str(int(soon.timestamp())), 30),
    ):
        assert headroom([(NAME, value)]).requests_reset_s == pytest.approx(seconds, abs=2)


def reply(**changes: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    return {"choices": [{"message": {"content": "Answer: 4"}, "finish_reason": "stop"}], "usage": usage, **changes}


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        (reply(usage={"prompt_tokens": 10.0, "completion_tokens": "5"}), (10, 5)),
        (reply(usage={"prompt_tokens": 10, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 1.5}}), (10, 5)),
        (reply(usage={"prompt_tokens": [], "completion_tokens": 5}), (None, 5)),
        (reply(usage="none"), None),
        (reply(model=4, system_fingerprint={}), (10, 5)),
        (reply(choices=[{"message": {"content": "Answer: 4"}, "logprobs": {"content": [{"logprob": None}]}}]), (10, 5)),
    ],
)  # fmt: skip
def test_an_answer_is_kept_without_what_does_not_fit(
    body: dict[str, Any], tokens: tuple[int | None, int] | None
) -> None:
    found: Any = decode(json.dumps(body).encode(), OpenAIChat.reply)
    assert found.choices[0].message.content == "Answer: 4"
    assert tokens == (found.usage and (found.usage.prompt_tokens, found.usage.completion_tokens))


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    body = json.dumps(reply()).replace("Answer: 4", "Answer: 4 \\ud83d").encode()
    found: Any = decode(body, OpenAIChat.reply)
    assert found.choices[0].message.content == "Answer: 4 ?"
    block = b'{"content": [{"type": "text", "text": "4 \\udc00"}], "stop_reason": "end_turn", "usage": {"input_tokens": "3"}}'
    found = decode(block, AnthropicMessages.reply)
    assert (found.content[0].text, found.usage.input_tokens) == ("4 ?", 3)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[1]",
        b"{",
        b'{"choices": 5}',
        json.dumps(reply(choices=[{"message": {"content": 4}}])).encode(),
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_stays_malformed(body: bytes) -> None:
    with pytest.raises(MalformedReply):
        decode(body, OpenAIChat.reply)


def test_counts_that_cannot_be_are_unknown() -> None:
    assert Usage(10, 4, 5, 2, 1).sound() == Usage(10, 4, 5, 2, 1)
    assert Usage(None, 4, 5).sound() == Usage(None, 4, 5)
    assert Usage(-1, None, 5).sound() == Usage(None, None, 5)
    assert Usage(2**63, None, 5, -3).sound() == Usage(None, None, 5)
    assert Usage(10, 11, 5).sound() == Usage(10, None, 5), "more from the cache than there was"
    assert Usage(10, 6, 5, None, 6).sound() == Usage(10, None, 5)
