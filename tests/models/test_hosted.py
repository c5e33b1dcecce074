"""What can go wrong between a hosted endpoint and us: every error is mapped, every fault is told apart, no key is told."""

from __future__ import annotations

import datetime as dt
import email.utils
import logging
import traceback
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from harness.catalogue import Provider
from harness.errors import (
    AttemptFailed,
    ConnectionFailed,
    ContextTooLong,
    KeyRefused,
    MalformedReply,
    ModelMissing,
    NotReached,
    OpenGapError,
    Overloaded,
    RateLimited,
    RequestRejected,
    RunFailed,
    ServerFailed,
    TimedOut,
    Unavailable,
    UsageError,
)
from harness.models.failures import failure, retry_after, scrub
from harness.models.headroom import Headroom, headroom
from harness.models.hosted import SERVER_KEY, Endpoint, key_for
from harness.types import Completion, Message, Usage
from tests.models.wire import KEY, Wire, ask, listening, question
from tests.servers.faults import FAULTS, Behaviour, FaultServer, start

APIS = ("chat", "responses", "messages")
SDKS = {"openai": (openai, openai.OpenAIError), "anthropic": (anthropic, anthropic.AnthropicError)}

BY_STATUS: dict[int, type[OpenGapError]] = {
    400: RequestRejected, 401: KeyRefused, 402: RunFailed, 403: KeyRefused, 404: ModelMissing, 408: TimedOut,
    409: ServerFailed, 412: RequestRejected, 413: ContextTooLong, 422: RequestRejected, 429: RateLimited,
    431: RequestRejected, 498: Overloaded, 499: ServerFailed, 500: ServerFailed, 501: RequestRejected, 502: Unavailable,
    503: Unavailable, 504: Unavailable, 520: ServerFailed, 529: Overloaded,
}  # fmt: skip
WITHOUT_STATUS: dict[str, type[OpenGapError]] = {
    "APIConnectionError": ConnectionFailed,
    "APITimeoutError": TimedOut,
    "APIResponseValidationError": MalformedReply,
}
NEVER_FROM_A_POST = {
    # Bases, parsing helpers, credentials of other kinds, web sockets and webhooks: mapped all the same, to a rejection.
    "OpenAIError", "AnthropicError", "APIError", "APIStatusError", "LengthFinishReasonError",
    "ContentFilterFinishReasonError", "SubjectTokenProviderError", "WebSocketConnectionClosedError",
    "WebSocketQueueFullError", "APIWebhookValidationError", "RetryableError", "CredentialsError", "IdentityTokenFileError",
    "WorkloadIdentityError",
}  # fmt: skip


def exceptions(sdk: str) -> dict[str, type[Exception]]:
    """The exception classes that an SDK exports."""
    module, base = SDKS[sdk]
    found = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {name: cls for name, cls in found.items() if isinstance(cls, type) and issubclass(cls, base)}


def endpoint(sdk: str) -> Endpoint:
    return Endpoint(SDKS[sdk][0], None, Provider("wire", "openai", key="WIRE_API_KEY"), "model-1", KEY)


async def mapped(sdk: str, error: Exception) -> OpenGapError:
    async def send() -> None:
        raise error

    with pytest.raises(OpenGapError) as caught:
        await endpoint(sdk).call(send)
    return caught.value


@pytest.mark.parametrize("sdk", SDKS)
async def test_every_exception_of_the_sdk_is_mapped(sdk: str) -> None:
    """A class that a new version of an SDK adds fails here until somebody has decided what it means."""
    request = httpx2.Request("POST", "http://127.0.0.1/v1")
    known = exceptions(sdk)
    assert len(known) > 15
    for name, cls in known.items():
        base = SDKS[sdk][0].APIStatusError
        if issubclass(cls, base) and cls is not base:
            status = getattr(cls, "status_code", 500)
            assert status in BY_STATUS, f"{sdk}.{name} has a status that nobody has mapped: {status}"
            body = {"error": {"type": "x", "message": "no"}}
            assert type(endpoint(sdk).failure(status, body, {})) is BY_STATUS[status], name
        elif name in WITHOUT_STATUS:
            response = httpx2.Response(200, request=request)
            arguments: dict[str, Any] = (
                {"response": response, "body": None} if "Validation" in name else {"request": request}
            )
            assert type(await mapped(sdk, cls(**arguments))) is WITHOUT_STATUS[name]
        else:
            assert name in NEVER_FROM_A_POST, f"{sdk}.{name} is new: say in this test what it means"
            if cls is not base:
                assert type(await mapped(sdk, cls.__new__(cls, "what it says"))) is RequestRejected


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("status", BY_STATUS)
async def test_every_status_over_the_wire(wire: Wire, api: str, status: int) -> None:
    wire.status, wire.reply = status, {"type": "error", "error": {"type": "x", "message": "what it says"}}
    with pytest.raises(OpenGapError, match="what it says") as caught:
        await ask(wire, api)
    assert type(caught.value) is BY_STATUS[status]
    assert len(wire.bodies) == 1, "adapters do not retry"


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"code": "context_length_exceeded", "message": "too many"}, ContextTooLong),
        (400, {"message": "This model's maximum context length is 8192 tokens. However, you requested 9000"}, ContextTooLong),
        (400, {"message": "prompt is too long: 210000 tokens > 200000 maximum"}, ContextTooLong),
        (400, {"message": "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"}, ContextTooLong),
        (400, {"message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."}, ContextTooLong),
        (400, {"message": "This model's maximum prompt length is 131072 but the request contains 140000"}, ContextTooLong),
        (400, {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"}, ContextTooLong),
        (400, {"message": "The decoder prompt (length 600) is longer than the maximum model length of 512"}, ContextTooLong),
        (400, {"message": "Please reduce the length of the messages or completion."}, ContextTooLong),
        (400, {"message": "temperature is too long a word"}, RequestRejected),
        (413, {"message": "Request too large for model on tokens per minute (TPM): Limit 6000, Requested 7000",
               "code": "rate_limit_exceeded"}, RequestRejected),
        (413, {"type": "request_too_large", "message": "Request exceeds the maximum size"}, ContextTooLong),
        (429, {"code": "insufficient_quota", "message": "You exceeded your current quota"}, RunFailed),
        (429, {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota"}, RateLimited),
        (429, {"type": "rate_limit_error", "message": "m", "details": {"error_code": "enforced_spend_limit_reached"}}, RunFailed),
        (403, {"code": 403, "message": "Insufficient permissions"}, KeyRefused),
    ],
)  # fmt: skip
async def test_what_an_error_body_says_decides(
    status: int, error: dict[str, Any], expected: type[OpenGapError]
) -> None:
    """Bodies as OpenAI, Anthropic, Google, xAI, Mistral, vLLM and Groq send them."""
    assert type(endpoint("openai").failure(status, {"error": error}, {})) is expected
    if status == 400:
        assert type(endpoint("openai").failure(status, {"error": error}, {})) is not RateLimited


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (
            400,
            {"code": "content_filter", "message": "The response was filtered", "innererror": {"code": "Responsible"}},
        ),
        (
            400,
            {"code": "invalid_prompt", "message": "Your prompt was flagged as potentially violating our usage policy"},
        ),
        (403, {"code": 403, "message": "meta/llama requires moderation. Your input was flagged"}),
    ],
)
async def test_a_filtered_question_is_a_refusal_not_a_failure(wire: Wire, api: str, status: int, error: Any) -> None:
    wire.status, wire.reply = status, {"error": error}
    done = await ask(wire, api)
    assert done.status == "refused"
    assert done.finish_reason in ("content_filter", "invalid_prompt", "flagged")


async def test_an_error_in_a_good_reply_is_mapped_by_its_own_code(wire: Wire) -> None:
    """Gateways answer 200 and put the failure of the host behind them into the body."""
    wire.reply = {"error": {"code": 429, "message": "host is busy"}}
    with pytest.raises(RateLimited, match="host is busy"):
        await ask(wire, "chat")
    wire.reply = {"error": {"message": "host is gone"}}
    with pytest.raises(ServerFailed, match="host is gone"):
        await ask(wire, "chat")
    broken = {"index": 0, "message": {"content": "half an ans"}, "finish_reason": "error"}
    wire.reply = {"choices": [broken], "usage": {"prompt_tokens": None, "completion_tokens": None, "total_tokens": 0}}
    with pytest.raises(ServerFailed, match="finish reason error"):
        await ask(wire, "chat")
    wire.reply = {"status": "failed", "output": [], "error": {"code": "server_error", "message": "sorry"}}
    with pytest.raises(ServerFailed, match="sorry"):
        await ask(wire, "responses")


# ---------------------------------------------------------------------------------------- Retry-After and limits


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 -0000"}, 0.0),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_retry_after_as_a_date_to_come() -> None:
    when = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    assert retry_after({"retry-after": email.utils.format_datetime(when, usegmt=True)}) == pytest.approx(90, abs=3)


@pytest.mark.parametrize("api", APIS)
async def test_what_the_server_asks_to_wait_travels_with_the_error(wire: Wire, api: str) -> None:
    wire.status, wire.reply, wire.headers = 429, {"error": {"message": "slow down"}}, {"Retry-After": "12"}
    with pytest.raises(RateLimited) as caught:
        await ask(wire, api)
    assert caught.value.retry_after_s == 12.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Headroom()),
        (
            {"x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1m30s",
             "x-ratelimit-remaining-tokens": "149984", "x-ratelimit-reset-tokens": "6m0s"},
            Headroom(59, 90.0, 149984, 360.0),
        ),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20ms"}, Headroom(0, 0.02)),
        ({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "7.66s"}, Headroom(tokens=5, tokens_reset_s=7.66)),
        ({"x-ratelimit-remaining-requests": "many", "x-ratelimit-reset-requests": "soon"}, Headroom()),
        (
            {"anthropic-ratelimit-requests-remaining": "3", "anthropic-ratelimit-requests-reset": "2020-01-01T00:00:00Z"},
            Headroom(3, 0.0),
        ),
    ],
)  # fmt: skip
def test_limits_in_headers(headers: dict[str, str], expected: Headroom) -> None:
    assert headroom(headers.items()) == expected
    assert headroom((name.title(), value) for name, value in headers.items()) == expected


async def test_the_adapter_reports_the_limits_of_its_latest_reply(wire: Wire) -> None:
    wire.headers = {"x-ratelimit-remaining-requests": "41", "x-ratelimit-reset-requests": "2s"}
    async with wire.model("chat") as model:
        assert model.headroom() == Headroom()
        await model.generate(question())
        assert model.headroom() == Headroom(41, 2.0)


# ---------------------------------------------------------------------------------------- faults

OUTCOMES: dict[str, type[Exception] | str] = {
    "400": RequestRejected, "429": RateLimited, "500": ServerFailed, "502": Unavailable, "529": Overloaded, "reset": ConnectionFailed, "half": ConnectionFailed,
    "malformed": MalformedReply, "hang": TimedOut, "trickle": "ok", "html": MalformedReply, "no_usage": "ok",
    "no_choices": MalformedReply, "refusal": "refused",
}  # fmt: skip


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_of_the_fault_server(fault: str, api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRE_API_KEY", KEY)
    server = FaultServer(Behaviour(rates={fault: 1.0}))
    runner, url = await start(server)
    expected = OUTCOMES[fault]
    if fault == "no_choices" and api != "chat":
        expected = "empty"  # in these two protocols a reply may be an empty list: the model said nothing
    try:
        async with Wire(url).model(api) as model:
            if fault == "hang":
                model.attempt_limit_s = 0.2
                await model.close()
                await model.start()
            if isinstance(expected, str):
                done = await model.generate(question())
                assert done.status == expected
                assert (done.usage == Usage()) == (fault == "no_usage")
                assert (done.text == "Answer: 4") == (expected == "ok")
            else:
                with pytest.raises(AttemptFailed) as caught:
                    await model.generate(question())
                assert type(caught.value) is expected
                assert caught.value.retryable == (fault != "400")
                assert caught.value.retry_after_s == (0.2 if fault == "429" else None)
    finally:
        await runner.cleanup()
    assert server.stats.faults[fault] == 1


async def test_a_server_that_is_not_there(wire: Wire) -> None:
    gone = Wire()
    async with listening() as other:
        gone.url = other.url
    for api in APIS:
        with pytest.raises(NotReached, match="connection failed"):
            await ask(gone, api)


@pytest.mark.parametrize("api", APIS)
async def test_an_unknown_model_names_the_near_ones(wire: Wire, api: str) -> None:
    wire.status, wire.reply = 404, {"error": {"message": "The model `model-1` does not exist"}}
    with pytest.raises(ModelMissing, match="nearest names that it lists: model-one"):
        await ask(wire, api)


# ---------------------------------------------------------------------------------------- keys


def test_scrubbing() -> None:
    assert scrub(f"bad key {KEY}!", KEY) == "bad key [key]!"
    assert scrub(f"bad key {KEY[:12]}…{KEY[-9:]}", KEY) == "bad key [key]…[key]"
    assert scrub("Incorrect API key provided: sk-te*****************mnop.", KEY) == "Incorrect API key provided: [key]."
    assert scrub("nothing to hide", KEY) == "nothing to hide"
    assert scrub("k is short", "k") == "k is short"


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_no_message_ever_holds_the_key(
    wire: Wire, api: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for echo in (KEY, KEY[:20], f"{'x' * 290}{KEY}", f"{KEY[:6]}{'*' * 9}{KEY[-4:]}"):
        for reply in (
            {"error": {"message": f"bad: {echo}", "code": echo}},
            {"detail": [echo]},
            f"<p>{echo}</p>",
            echo,
            [echo],
        ):
            wire.status, wire.reply = status, reply
            with pytest.raises(OpenGapError) as caught:
                await ask(wire, api)
            told = "".join(traceback.format_exception(caught.value)) + caplog.text
            assert KEY[:8] not in told
            assert KEY[-8:] not in told
            assert "****" not in told
    assert any(KEY in value for seen in wire.seen for value in seen.values()), "the key was sent"


def test_a_key_is_taken_without_white_space_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, provider in (
        ("WIRE_API_KEY", Provider("wire", "openai", key="WIRE_API_KEY")),
        (SERVER_KEY, Provider("server", "openai")),
    ):
        monkeypatch.setenv(variable, f" {KEY}\r\n")
        assert key_for(provider) == KEY
        for broken in (f"{KEY}\nX-Evil: 1", f"{KEY}é", f"{KEY}\x7f", f"😀{KEY}"):
            monkeypatch.setenv(variable, broken)
            with pytest.raises(UsageError, match=f"the environment variable {variable} holds characters") as caught:
                key_for(provider)
            assert KEY[:8] not in "".join(traceback.format_exception(caught.value))
    monkeypatch.setenv("WIRE_API_KEY", "  ")
    with pytest.raises(UsageError, match="wire needs a key: set the environment variable WIRE_API_KEY"):
        key_for(Provider("wire", "openai", key="WIRE_API_KEY"))


async def test_a_refused_key_names_its_variable(wire: Wire) -> None:
    wire.status, wire.reply = 401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    with pytest.raises(KeyRefused, match=r"Incorrect API key provided: \[key\]. Check the key in WIRE_API_KEY"):
        await ask(wire, "chat")


async def test_other_hosts_get_nothing_that_is_openais(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-house")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-of-another-house")
    for api in APIS:
        await ask(wire, api)
    sent = " ".join(value for seen in wire.seen for value in seen.values())
    assert "secret" not in sent
    assert "another-house" not in sent


async def test_describe_says_how_and_not_with_what(wire: Wire) -> None:
    for api in APIS:
        async with wire.model(api) as model:
            facts = model.describe()
            assert KEY not in str(facts)
            assert facts["sdk"].split()[0] in ("openai", "anthropic")


async def test_text_that_has_no_utf8_is_sent_all_the_same(wire: Wire) -> None:
    done: Completion = await ask(wire, "chat", question(Message("user", "half a pair: \ud83d")))
    assert done.status == "ok"
    assert wire.bodies[0]["messages"][0]["content"] == "half a pair: ?"


def test_the_mapping_needs_no_client() -> None:
    error = failure(500, None, {}, provider="p", model="m", variable="V", key="none")
    assert str(error) == "p answered 500: no message"
