"""Open and closed are asked the same: every task, rendered for every provider, reaches the wire as the same messages and
images."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness import catalogue
from harness.asking.plan import find_protocol, prepare
from harness.errors import UsageError
from harness.models import ready
from harness.models.base import acceptable
from harness.registry import LoadedTask, find_task, find_tasks, load_items, own_tasks
from harness.types import Item, Message, Protocol, Request, Sampling, System
from tests.models.wire import Wire
from tests.pictures import write_picture

PROTOCOLS = ("matched", "as-recommended")
HOSTS = {name: provider for name, provider in catalogue.providers().items() if not provider.launch}
ROUTES = [
    *[(name, "messages" if provider.protocol == "anthropic" else "chat") for name, provider in HOSTS.items()],
    ("openai", "responses"),
    ("server", "chat"),
    ("server", "responses"),
    ("server", "messages"),
]
LIMIT_NAMES = ("max_tokens", "max_completion_tokens", "max_output_tokens")
SYSTEM = System("server:x@http://127.0.0.1/v1", "x", "", "open_weights", "server", "x", url="http://127.0.0.1/v1")


def items_of(name: str, data: Path) -> list[Item]:
    """A few items of a task: real ones where they are at hand, else the task's invented one, else ones of the same form."""
    task = find_task(name)
    if task.card.source.startswith("bundled:"):
        return list(load_items(task, limit=3).items)
    if task.example is not None:
        return list(task.make_items([task.example]))
    if (data / name).is_dir():
        return list(load_items(task, data, limit=3).items)
    return items_of(
        {"summary": "demo_summarization", "code": "demo_coding", "choice": "demo_reasoning"}[task.card.form], data
    )


def with_images(folder: Path) -> list[LoadedTask]:
    """Own questions with one image, with several and with none, of two forms and as a conversation."""
    names = [
        write_picture(folder / f"{seed}.{ending}", seed).name
        for seed, ending in enumerate(("png", "jpeg", "gif", "webp"))
    ]
    turns = [
        {"role": "user", "content": "1?"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "2?"},
    ]
    rows: dict[str, list[dict[str, Any]]] = {
        "choice": [{"input": "Which?", "target": "a", "choices": ["a", "b"], "images": names}],
        "exact": [
            {"input": "What?", "target": "x", "images": names[0]},
            {"input": "", "target": "x", "images": names[3]},
            {"input": "Nothing to see.", "target": "x"},
            {"messages": turns, "target": "x", "images": names[1:3]},
            {"messages": [*turns, {"role": "assistant", "content": "It is"}], "target": "x", "images": names[1:3]},
        ],
    }
    loaded = []
    for scorer, given in rows.items():
        (folder / f"{scorer}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
        loaded += own_tasks(folder / f"{scorer}.jsonl", scorer)
    return loaded


@pytest.fixture(scope="session")
def requests(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Request]:
    """Every shipped task under every protocol, and conversations that no shipped task has yet."""
    rendered: list[Request] = []
    for name in sorted(find_tasks()):
        loaded = LoadedTask(find_task(name), items_of(name, test_data / "suites"), None)
        for protocol in map(find_protocol, PROTOCOLS):
            job = prepare(ready([SYSTEM], protocol, check=False)[0], protocol, [loaded])
            rendered += [job.request(owed) for owed in job.owed]
    for protocol in map(find_protocol, PROTOCOLS):
        job = prepare(
            ready([SYSTEM], protocol, check=False)[0], protocol, with_images(tmp_path_factory.mktemp("pictures"))
        )
        rendered += [job.request(owed) for owed in job.owed]
    shots = (
        Message("system", "Be brief. " * 500),
        Message("user", "1 + 1?"),
        Message("assistant", "2"),
        Message("user", '2 + 2?\n\n  «ünïcode» 你好 \\n "quoted"'),
    )
    rendered += [
        dataclasses.replace(rendered[0], messages=turns) for turns in (shots, shots[1:], (shots[0], shots[-1]))
    ]
    return rendered


def messages_sent(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(role, text) of every turn that a body of any protocol carries."""
    turns = list(body.get("messages") or body["input"])
    if body.get("system"):
        turns.insert(0, {"role": "system", "content": body["system"]})
    return [(turn["role"], _text(turn["content"])) for turn in turns]


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


def images_sent(body: Mapping[str, Any]) -> list[tuple[int, int, str, str]]:
    """(turn, place in it, media type, SHA-256 of what it decodes to) of every image that a body of any protocol carries."""
    found = []
    for number, turn in enumerate(body.get("messages") or body["input"]):
        for place, part in enumerate([] if isinstance(turn["content"], str) else turn["content"]):
            source = part.get("source") or {}
            address = part.get("image_url") or (
                f"data:{source['media_type']};base64,{source['data']}" if source else None
            )
            if address is not None:
                kind, _, data = (address["url"] if isinstance(address, dict) else address).partition(";base64,")
                digest = hashlib.sha256(base64.b64decode(data, validate=True)).hexdigest()
                found.append((number, place, kind.removeprefix("data:"), digest))
    return found


@pytest.mark.parametrize(("name", "api"), ROUTES, ids=str)
async def test_every_task_reaches_every_host_as_the_same_messages(
    name: str, api: str, wire: Wire, requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol = "anthropic" if api == "messages" else "openai"
    provider = HOSTS.get(name) or catalogue.Provider("server", protocol)
    if provider.key:
        monkeypatch.setenv(provider.key, "sk-test-of-this-host")
    async with wire.model(api, provider=provider) as model:
        for planned in requests:
            request = planned
            try:
                model.check(planned.sampling)
            except UsageError:
                # This host cannot take what `matched` asks for; the run would not start. Its own defaults it can.
                request = dataclasses.replace(planned, sampling=Sampling())
            done = await model.generate(request)
            body = wire.bodies[-1]
            assert messages_sent(body) == [(message.role, message.content) for message in request.messages]
            turns = [message.role for message in request.messages if message.role != "system" or not body.get("system")]
            last = max(at for at, role in enumerate(turns) if role == "user")
            expected = [(last, at, one.media_type, one.sha256) for at, one in enumerate(request.images)]
            assert images_sent(body) == expected
            assert [body[limit] for limit in LIMIT_NAMES if limit in body] == [request.max_tokens]
            for parameter in ("temperature", "top_p", "top_k", "seed"):
                wanted = getattr(request.sampling, parameter)
                assert body.get(provider.renames.get(parameter, parameter)) == (
                    None if parameter in done.dropped else wanted
                )
    assert len(requests) > 2 * len(find_tasks())
    assert sum(len(request.images) for request in requests) == 2 * (4 + 1 + 1 + 2 + 2)


def test_every_task_was_rendered(requests: list[Request]) -> None:
    assert {request.task for request in requests} == {*find_tasks(), "choice", "exact"}


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_what_a_host_refuses_is_left_out_only_where_it_means_nothing(name: str) -> None:
    matched: Protocol = find_protocol("matched")
    rejects = HOSTS[name].rejects
    if "temperature" in rejects:
        with pytest.raises(UsageError, match="as-recommended"):
            acceptable(matched.sampling, rejects, name)
    else:
        kept, dropped = acceptable(matched.sampling, rejects, name)
        assert kept.temperature == matched.sampling.temperature
        assert set(dropped) <= {"seed", "top_p"}
