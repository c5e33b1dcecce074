"""The same requests by the SDK's documented raw call and by bare aiohttp: what our engine is held against.

``python -m tests.perf.clients sdk|aiohttp URL ITEMS IN_FLIGHT`` sends one request an item of a file and keeps nothing.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Ask = Callable[[dict[str, Any]], Awaitable[object]]


def body(line: str) -> dict[str, Any]:
    return {
        "model": "fault-1",
        "messages": [{"role": "user", "content": json.loads(line)["input"]}],
        "temperature": 0.0,
        "max_completion_tokens": 1024,
    }


async def by_sdk(url: str, lines: list[str], in_flight: int) -> None:
    from openai import AsyncOpenAI, DefaultAioHttpClient

    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", http_client=DefaultAioHttpClient()) as client:
        raw = client.chat.completions.with_raw_response

        async def ask(fields: dict[str, Any]) -> object:
            return (await raw.create(**fields)).text

        await all_of(lines, in_flight, ask)


async def by_aiohttp(url: str, lines: list[str], in_flight: int) -> None:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:

        async def ask(fields: dict[str, Any]) -> object:
            async with session.post(f"{url}/v1/chat/completions", json=fields) as reply:
                return await reply.read()

        await all_of(lines, in_flight, ask)


async def all_of(lines: list[str], in_flight: int, ask: Ask) -> None:
    waiting = iter(lines)

    async def work() -> None:
        for line in waiting:
            await ask(body(line))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(in_flight, len(lines))):
            group.create_task(work())


if __name__ == "__main__":
    which, url, items, in_flight = sys.argv[1:]
    run = {"sdk": by_sdk, "aiohttp": by_aiohttp}[which]
    asyncio.run(run(url, Path(items).read_text().splitlines(), int(in_flight)))
