"""What the adapters' tests share: a scripted loopback server, and one real vLLM server a session."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.models.wire import KEY, Wire, listening


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    monkeypatch.setenv("WIRE_API_KEY", KEY)
    async with listening() as server:
        yield server
