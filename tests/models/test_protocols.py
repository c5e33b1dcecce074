"""What each protocol sends for an option, and what it makes of a reply, in the forms that hosts really use."""

from __future__ import annotations

import base64
import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from harness import catalogue, models
from harness.asking.plan import find_protocol
from harness.catalogue import Provider
from harness.errors import RunFailed, UsageError
from harness.models.hosted import HostedModel
from harness.questions.images import load_images
from harness.types import Message, Sampling, System, Usage
from tests.models.wire import CHAT, MESSAGES, RESPONSES, Wire, ask, question
from tests.pictures import write_picture


def chat(message: Any, finish: str = "stop", **more: Any) -> dict[str, Any]:
    return {**CHAT, "choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}


def anthropic(*blocks: dict[str, Any], stop: str = "end_turn", **usage: Any) -> dict[str, Any]:
    return {
        **MESSAGES,
        "content": list(blocks),
        "stop_reason": stop,
        "usage": {"input_tokens": 10, "output_tokens": 5, **usage},
    }


def responses(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**RESPONSES, "output": list(output), **more}


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": text, **more}]}


TEXT = {"type": "text", "text": "Answer: 4"}
THINKING = {"type": "thinking", "thinking": "two and two", "signature": "s"}


@pytest.mark.parametrize(
    ("api", "reply", "expected"),
    [
        # (status, text, reasoning) of chat completions
        ("chat", chat({"content": "Answer: 4"}), ("ok", "Answer: 4", "")),
        ("chat", chat({"content": "  "}), ("empty", "  ", "")),
        ("chat", chat({"content": None}), ("empty", "", "")),
        ("chat", chat({"content": "Ans"}, "length"), ("truncated", "Ans", "")),
        ("chat", chat({"content": None}, "length"), ("truncated", "", "")),
        ("chat", chat({"content": "Ans"}, "model_length"), ("truncated", "Ans", "")),
        ("chat", chat({"content": None, "refusal": "I cannot."}), ("refused", "I cannot.", "")),
        ("chat", chat({"content": "Ans"}, "content_filter"), ("refused", "Ans", "")),
        ("chat", chat({"content": None}, "content_filter: SAFETY"), ("refused", "", "")),
        ("chat", chat({"content": "Answer: 4", "reasoning_content": "hm"}), ("ok", "Answer: 4", "hm")),
        ("chat", chat({"content": "Answer: 4", "reasoning": "hm"}), ("ok", "Answer: 4", "hm")),
        ("chat", chat({"content": "<think>hm</think>\nAnswer: 4"}), ("ok", "Answer: 4", "hm")),
        ("chat", chat({"content": "<think>hm and"}, "length"), ("truncated", "", "hm and")),
        (
            "chat",
            chat({"content": [{"type": "text", "text": "Answer"}, {"type": "text", "text": ": 4"}]}),
            ("ok", "Answer: 4", ""),
        ),
        (
            "chat",
            chat({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, TEXT]}),
            ("ok", "Answer: 4", "hm"),
        ),
        ("chat", chat({"content": [{"type": "refusal", "refusal": "I cannot."}]}), ("refused", "I cannot.", "")),
        # responses
        ("responses", responses(said("Answer: 4")), ("ok", "Answer: 4", "")),
        ("responses", responses(said("Answer"), said(": 4")), ("ok", "Answer: 4", "")),
        (
            "responses",
            responses({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, said("Answer: 4")),
            ("ok", "Answer: 4", "hm"),
        ),
        (
            "responses",
            responses(
                {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}, said("A")
            ),
            ("ok", "A", "hm"),
        ),
        (
            "responses",
            responses({"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}),
            ("refused", "No.", ""),
        ),
        (
            "responses",
            responses(said("Ans"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            ("truncated", "Ans", ""),
        ),
        (
            "responses",
            responses(status="incomplete", incomplete_details={"reason": "content_filter"}),
            ("refused", "", ""),
        ),
        ("responses", responses(), ("empty", "", "")),
        # messages
        ("messages", anthropic(TEXT), ("ok", "Answer: 4", "")),
        (
            "messages",
            anthropic({"type": "text", "text": "Answer"}, {"type": "text", "text": ": 4"}),
            ("ok", "Answer: 4", ""),
        ),
        ("messages", anthropic(THINKING, TEXT), ("ok", "Answer: 4", "two and two")),
        ("messages", anthropic({"type": "redacted_thinking", "data": "x"}, TEXT), ("ok", "Answer: 4", "")),
        ("messages", anthropic(THINKING, stop="max_tokens"), ("truncated", "", "two and two")),
        ("messages", anthropic(TEXT, stop="model_context_window_exceeded"), ("truncated", "Answer: 4", "")),
        ("messages", anthropic(TEXT, stop="stop_sequence"), ("ok", "Answer: 4", "")),
        ("messages", anthropic(stop="refusal"), ("refused", "", "")),
        ("messages", anthropic(), ("empty", "", "")),
    ],
)
async def test_what_a_reply_means(wire: Wire, api: str, reply: Any, expected: tuple[str, str, str]) -> None:
    wire.reply = reply
    done = await ask(wire, api)
    assert (done.status, done.text, done.reasoning) == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, Usage()),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, Usage(10, None, 5)),
        # OpenAI: reasoning is a part of the completion.
        (
            {"prompt_tokens": 10, "completion_tokens": 300, "total_tokens": 310,
             "prompt_tokens_details": {"cached_tokens": 8}, "completion_tokens_details": {"reasoning_tokens": 290}},
            Usage(10, 8, 300, 290),
        ),
        # xAI: it stands beside it (the figures of github.com/vercel/ai/pull/12425).
        (
            {"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 399,
             "completion_tokens_details": {"reasoning_tokens": 386}},
            Usage(12, None, 387, 386),
        ),
        # OpenRouter's example (openrouter.ai/docs, Usage Accounting); OpenAI's from GPT-5.6 on.
        (
            {"prompt_tokens": 194, "completion_tokens": 2, "total_tokens": 196,
             "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 100}},
            Usage(194, 0, 2, None, 100),
        ),
        # DeepSeek and Moonshot have words of their own for cached tokens.
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 6}, Usage(10, 6, 5)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 7}, Usage(10, 7, 5)),
    ],
)  # fmt: skip
async def test_tokens_of_chat_completions(wire: Wire, usage: Any, expected: Usage) -> None:
    wire.reply = {**CHAT, "usage": usage}
    assert (await ask(wire, "chat")).usage == expected


async def test_tokens_of_the_other_protocols(wire: Wire) -> None:
    wire.reply = anthropic(
        TEXT, cache_read_input_tokens=100, cache_creation_input_tokens=20, output_tokens_details={"thinking_tokens": 3}
    )
    assert (await ask(wire, "messages")).usage == Usage(130, 100, 5, 3, 20)
    details = {
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 6}, "output_tokens_details": {"reasoning_tokens": 2},
    }  # fmt: skip
    wire.reply = responses(said("A"), usage={"input_tokens": 10, "output_tokens": 5, "total_tokens": 15, **details})
    assert (await ask(wire, "responses")).usage == Usage(10, 4, 5, 2, 6)


async def test_effort(wire: Wire) -> None:
    free = question(sampling=Sampling())
    for api in ("chat", "responses", "messages"):
        await ask(wire, api, free, {"effort": "high"})
    chat_body, responses_body, messages_body = wire.bodies
    assert chat_body["reasoning_effort"] == "high"
    assert responses_body["reasoning"] == {"effort": "high"}
    assert messages_body["output_config"] == {"effort": "high"}
    assert messages_body["thinking"] == {"type": "adaptive", "display": "summarized"}


async def test_nothing_of_thinking_is_sent_unasked(wire: Wire) -> None:
    for api in ("chat", "responses", "messages"):
        await ask(wire, api)
    assert not {"reasoning_effort", "reasoning", "thinking", "output_config", "logprobs", "include"} & set().union(
        *wire.bodies
    )


async def test_a_budget_of_thinking(wire: Wire) -> None:
    free = question(sampling=Sampling(), max_tokens=4096)
    await ask(wire, "messages", free, {"budget": "2000"})
    assert wire.bodies[0]["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert "output_config" not in wire.bodies[0]
    with pytest.raises(UsageError, match="leaves no room in the 64 tokens that t allows"):
        await ask(wire, "messages", question(sampling=Sampling()), {"budget": "2000"})
    assert len(wire.bodies) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"effort": "extreme"}, "effort is one of low, medium, high, xhigh, max"),
        ({"budget": "many"}, "at least 1024"),
        ({"budget": "100"}, "at least 1024"),
        ({"effort": "high", "budget": "2000"}, "exclude each other"),
        ({"logprobs": "true"}, "no log-probabilities"),
        ({"effort": "high"}, "does not accept temperature=0.0.*as-recommended"),
    ],
)
def test_a_senseless_option_is_an_error_before_the_run(options: dict[str, str], says: str) -> None:
    system = System("anthropic:m", "m", "", "closed", "anthropic", "m", options=options)
    [ready] = models.ready([system], find_protocol("matched"), check=False)
    [problem] = ready.problems
    assert re.search(says, problem)


def test_which_api_is_an_option() -> None:
    def protocol_of(provider: str, **options: str) -> str:
        model = models.open_model(System("s", "m", "", "closed", provider, "m", options=options))
        assert isinstance(model, HostedModel)
        return model.protocol

    assert protocol_of("openai") == protocol_of("openai", api="chat") == "openai chat completions"
    assert protocol_of("openai", api="responses") == "openai responses"
    assert protocol_of("anthropic") == "anthropic messages"
    with pytest.raises(UsageError, match="api is chat or responses, not 'answers'"):
        protocol_of("openai", api="answers")


async def test_log_probabilities_come_where_they_are_asked_for(wire: Wire) -> None:
    tokens = [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.5}]
    option = {"logprobs": "true"}
    wire.reply = {**CHAT, "choices": [{**CHAT["choices"][0], "logprobs": {"content": tokens}}]}  # type: ignore[index]
    assert (await ask(wire, "chat", options=option)).mean_logprob == -1.0
    wire.reply = responses(said("ab", logprobs=tokens))
    assert (await ask(wire, "responses", options=option)).mean_logprob == -1.0
    assert wire.bodies[0]["logprobs"] is True
    assert wire.bodies[1]["include"] == ["message.output_text.logprobs"]
    wire.reply = None
    assert (await ask(wire, "chat")).mean_logprob is None


async def test_a_long_shared_prefix_is_marked_for_the_cache(wire: Wire) -> None:
    long = Message("system", "Be brief. " * 500)
    shot, reply, last = Message("user", "1 + 1?"), Message("assistant", "2"), Message("user", "2 + 2?")
    for turns in ((Message("system", "Be brief."), last), (long, last), (long, shot, reply, last)):
        await ask(wire, "messages", question(*turns))
    short, system, shots = wire.bodies
    mark = {"cache_control": {"type": "ephemeral"}}
    assert short["system"] == "Be brief."
    assert system["system"] == [{"type": "text", "text": long.content, **mark}]
    assert system["messages"] == [{"role": "user", "content": "2 + 2?"}]
    assert shots["system"] == long.content
    assert shots["messages"][1] == {"role": "assistant", "content": [{"type": "text", "text": "2", **mark}]}
    assert shots["messages"][2] == {"role": "user", "content": "2 + 2?"}


async def test_a_limit_goes_by_the_name_that_the_host_has_for_it(wire: Wire) -> None:
    azure = Provider("azure", "openai", key="WIRE_API_KEY", renames={"max_tokens": "max_completion_tokens"})
    async with wire.model("chat", provider=azure) as model:
        await model.generate(question())
    assert wire.bodies[0]["max_completion_tokens"] == 64
    assert "max_tokens" not in wire.bodies[0]


async def test_a_parameter_goes_by_the_name_that_the_host_has_for_it(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "sk-test-of-this-host")
    mistral = catalogue.providers()["mistral"]
    async with wire.model("chat", provider=mistral) as model:
        done = await model.generate(question(sampling=Sampling(0.0, 1.0, seed=3)))
    assert wire.bodies[0]["random_seed"] == 3
    assert "seed" not in wire.bodies[0]
    assert done.dropped == ()


@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
async def test_the_very_files_arrive_before_the_text(wire: Wire, api: str, tmp_path: Path) -> None:
    paths = [
        write_picture(tmp_path / f"{seed}.{ending}", seed) for seed, ending in enumerate(("png", "jpeg", "gif", "webp"))
    ]
    asked = dataclasses.replace(question(Message("system", "s"), Message("user", "What?")), images=load_images(paths))
    await ask(wire, api, asked)
    (turn,) = [one for one in wire.bodies[0].get("messages") or wire.bodies[0]["input"] if one["role"] == "user"]
    *images, text = turn["content"]
    assert text == {"type": "input_text" if api == "responses" else "text", "text": "What?"}
    for path, part in zip(paths, images, strict=True):
        kind = f"image/{path.suffix[1:]}"
        data = base64.b64encode(path.read_bytes()).decode()
        url = f"data:{kind};base64,{data}"
        assert (
            part
            == {
                "chat": {"type": "image_url", "image_url": {"url": url}},
                "responses": {"type": "input_image", "image_url": url, "detail": "auto"},
                "messages": {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}},
            }[api]
        )


@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
async def test_an_image_that_is_gone_is_never_sent(wire: Wire, api: str, tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png")
    asked = dataclasses.replace(question(), images=load_images(path))
    path.unlink()
    with pytest.raises(RunFailed, match=r"can no longer be read"):
        await ask(wire, api, asked)
    assert wire.bodies == []


async def test_a_prefix_is_marked_for_the_cache_beside_images(wire: Wire, tmp_path: Path) -> None:
    images = load_images(write_picture(tmp_path / "a.png"))
    long, shot, last = Message("user", "1 + 1? " * 800), Message("assistant", "2"), Message("user", "2 + 2?")
    for turns in ((long, shot, last), (long, Message("assistant", "It is"))):
        await ask(wire, "messages", dataclasses.replace(question(*turns), images=images))
    shots, prefilled = (body["messages"] for body in wire.bodies)
    assert shots[1]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert [part["type"] for part in shots[2]["content"]] == ["image", "text"]
    assert "cache_control" not in str(prefilled), "the image makes the prefix one that no other item has"


async def test_responses_are_not_kept_on_the_server(wire: Wire) -> None:
    await ask(wire, "responses")
    assert wire.bodies[0]["store"] is False


async def test_what_the_reply_says_of_itself_is_kept(wire: Wire) -> None:
    wire.reply = {**CHAT, "system_fingerprint": "fp_1"}
    done = await ask(wire, "chat", question(sampling=Sampling(0.0, 1.0, seed=3)))
    assert (done.reported_model, done.fingerprint, done.finish_reason, done.dropped) == ("m-1", "fp_1", "stop", ())
    wire.reply = None
    assert (await ask(wire, "messages", question(sampling=Sampling(0.0, 1.0, seed=3)))).dropped == ("seed",)
