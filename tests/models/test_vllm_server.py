"""vLLM's own server as a real peer of both SDKs: chat completions, responses and Anthropic's messages on one port."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.asking import evaluate
from harness.asking.plan import find_protocol, prepare
from harness.catalogue import Provider
from harness.errors import ContextTooLong, ModelMissing, RequestRejected, UsageError
from harness.models import batch_side, ready
from harness.models.hosted import HostedModel
from harness.questions.images import load_images
from harness.registry import find_task, load_items
from harness.store import read_journal
from harness.store.journal import read_entries
from harness.types import Completion, Message, Request, Sampling, System
from tests.models.conftest import IMAGE_TOKENS
from tests.models.wire import ADAPTERS, question
from tests.pictures import write_picture

APIS = ("chat", "messages", "responses")
TASKS = ("demo_reasoning", "demo_coding", "demo_summarization")
HERE = System("server:x@http://127.0.0.1/v1", "x", "", "open_weights", "server", "x", url="http://127.0.0.1/v1")


@contextlib.asynccontextmanager
async def connected(url: str, api: str, name: str = "demo-open", **options: str) -> AsyncIterator[HostedModel]:
    protocol = "anthropic" if api == "messages" else "openai"
    provider = Provider(protocol, protocol)
    base = url if api == "messages" else f"{url}/v1"
    model = ADAPTERS[api](
        System("s", "x", "", "open_weights", provider.name, name, url=base, options=options), provider
    )
    await model.start()
    try:
        yield model
    finally:
        await model.close()


def demo_requests(n: int) -> list[Request]:
    """The first ``n`` items of each demo task, as a plan asks them."""
    loaded = [load_items(find_task(name), limit=n) for name in TASKS]
    matched = find_protocol("matched")
    job = prepare(ready([HERE], matched, check=False, complete=False)[0], matched, loaded)
    return [job.request(owed) for owed in job.owed]


async def ask_all(url: str, api: str, requests: list[Request]) -> list[Completion]:
    async with connected(url, api) as model:
        return await asyncio.gather(*(model.generate(request) for request in requests))


async def test_three_protocols_bring_the_same_answers(vllm_server: str) -> None:
    requests = demo_requests(10)
    chat = await ask_all(vllm_server, "chat", requests)
    assert len({done.text for done in chat}) > 20
    assert {done.status for done in chat} <= {"ok", "truncated", "empty"}
    for api in APIS[1:]:
        other = await ask_all(vllm_server, api, requests)
        assert [done.text for done in other] == [done.text for done in chat]
        assert [done.status for done in other] == [done.status for done in chat]
        assert [done.usage.input for done in other] == [done.usage.input for done in chat]
        assert [done.usage.output for done in other] == [done.usage.output for done in chat]
    for done, request in zip(chat, requests, strict=True):
        assert done.reported_model == "demo-open"
        assert done.usage.input
        assert done.usage.output
        assert done.usage.output <= request.max_tokens


@pytest.mark.parametrize("api", APIS)
async def test_an_answer_that_the_limit_ends_is_truncated(vllm_server: str, api: str) -> None:
    async with connected(vllm_server, api) as model:
        done = await model.generate(question(Message("user", "Which city does Ada live in?"), max_tokens=3))
    assert (done.status, done.usage.output) == ("truncated", 3)


@pytest.mark.parametrize("api", APIS)
async def test_a_prompt_that_does_not_fit(vllm_server: str, api: str) -> None:
    async with connected(vllm_server, api) as model:
        with pytest.raises(ContextTooLong, match="maximum context length is 512"):
            await model.generate(question(Message("user", "one two three " * 400)))


@pytest.mark.parametrize("api", APIS)
async def test_a_model_that_is_not_served(vllm_server: str, api: str) -> None:
    async with connected(vllm_server, api, name="demo-opne") as model:
        with pytest.raises(ModelMissing, match="lists: demo-open"):
            await model.generate(question())


@pytest.mark.parametrize("api", APIS)
async def test_a_parameter_out_of_range_is_final(vllm_server: str, api: str) -> None:
    async with connected(vllm_server, api) as model:
        with pytest.raises(RequestRejected) as caught:
            await model.generate(question(sampling=Sampling(temperature=-3.0)))
    assert type(caught.value) is RequestRejected
    assert not caught.value.retryable


async def test_seeds_and_log_probabilities_reach_the_engine(vllm_server: str) -> None:
    warm = question(
        Message("user", "Which city does Ada live in?"), sampling=Sampling(1.5, 1.0, seed=11), max_tokens=32
    )
    warm = dataclasses.replace(warm, options={"logprobs": "true"})
    async with connected(vllm_server, "chat") as model:
        first, again = await model.generate(warm), await model.generate(warm)
        other = await model.generate(dataclasses.replace(warm, sampling=Sampling(1.5, 1.0, seed=12)))
    assert first.text == again.text != other.text
    assert first.mean_logprob is not None
    assert first.mean_logprob < 0


@pytest.mark.parametrize("api", APIS)
async def test_a_server_without_batches_says_so(vllm_server: str, api: str) -> None:
    async with connected(vllm_server, api) as model:
        with pytest.raises(UsageError, match=r"has no batch API.*leave --batch out"):
            await batch_side(model).submit([("row-1", b"{}")], "token")


async def test_an_image_reaches_a_real_engine_by_every_protocol(seeing_vllm_server: str, tmp_path: Path) -> None:
    """Its tokens are counted and the answer depends on it; which protocol brought it makes no difference."""
    asked = [
        dataclasses.replace(question(Message("user", "What is it?"), max_tokens=8), images=load_images(list(paths)))
        for paths in (
            (),
            *(
                (write_picture(tmp_path / f"{seed}.{ending}", seed),)
                for seed, ending in enumerate(("png", "jpeg", "gif", "webp"))
            ),
        )
    ]
    answers = {}
    for api in APIS:
        async with connected(seeing_vllm_server, api, name="demo-seeing") as model:
            answers[api] = [await model.generate(request) for request in asked]
    for done in answers.values():
        assert [one.text for one in done] == [one.text for one in answers["chat"]]
        plain, *pictured = [one.usage.input or 0 for one in done]
        assert pictured == [plain + IMAGE_TOKENS] * 4
    assert len({one.text for one in answers["chat"]}) > 2


def test_a_run_with_images_against_a_real_engine(seeing_vllm_server: str, tmp_path: Path) -> None:
    rows = [
        {"input": "What is it?", "target": "x", "images": write_picture(tmp_path / f"{seed}.png", seed).name}
        for seed in range(12)
    ]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    address = f"server:demo-seeing@{seeing_vllm_server}/v1"
    (result,) = evaluate(address, items=tmp_path / "mine.jsonl", weights="open", store=tmp_path / "st")
    assert (result.exit_code, result.receipt.counts["answered"]) == (0, 12)


def test_a_run_against_the_server_as_a_user_starts_it(vllm_server: str, tmp_path: Path) -> None:
    (result,) = evaluate(f"server:demo-open@{vllm_server}/v1", tasks=TASKS[:1], limit=30, store=tmp_path / "st")
    assert result.exit_code == 0
    assert result.receipt.counts["answered"] == 30
    assert result.receipt.bytes_sent == 0  # it is this very machine
    entries = list(read_entries(result.run.journal, read_journal(result.run.journal)))
    assert all(entry.completion.latency_s for entry in entries)
