"""A server that a run starts for itself: on loopback, with its own log, and gone when the run is gone.

The child listens on a port that the kernel chooses, says where on its standard output, and ends when its standard input
closes, which also happens when this process is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
from typing import Any

from harness.catalogue import Provider
from harness.errors import RunFailed, ServerGone
from harness.models.openai_chat import OpenAIChat
from harness.types import Completion, Request, RequestKind, Sampling, System

START_LIMIT_S = 120.0
LOG_LINES = 20


class LaunchedModel:
    """The OpenAI protocol, spoken with a server of our own."""

    kinds: frozenset[RequestKind] = frozenset({"generate"})
    default_concurrency = 192

    def __init__(self, system: System, provider: Provider) -> None:
        self.system = system
        self._provider = provider
        self._process: subprocess.Popen[str] | None = None
        self._client: OpenAIChat | None = None
        self._engine: dict[str, Any] = {}

    def check(self, sampling: Sampling) -> None:
        """UsageError if this system cannot be asked with these parameters."""
        OpenAIChat(self.system, self._provider).check(sampling)

    async def start(self) -> None:
        assert self._provider.launch is not None
        # The log outlives this scope: it is read if the server dies and removed by close().
        self._log = tempfile.TemporaryFile("w+", prefix="opengap-server-", suffix=".log")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._provider.launch, "--model", self.system.api_name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        try:
            line = await asyncio.wait_for(asyncio.to_thread(self._process.stdout.readline), START_LIMIT_S)  # type: ignore[union-attr]
            hello = json.loads(line)
        except (TimeoutError, ValueError):
            log = self._log_tail()
            await self.close()
            raise RunFailed(f"the server {self._provider.launch} did not start; its last lines:\n{log}") from None
        self._engine = hello["engine"]
        self._client = OpenAIChat(self.system, self._provider, url=hello["url"])
        await self._client.start()

    def _log_tail(self) -> str:
        self._log.seek(0)
        return "".join(self._log.readlines()[-LOG_LINES:])

    async def generate(self, request: Request) -> Completion:
        assert self._client is not None and self._process is not None, "start() comes first"
        if self._process.poll() is not None:
            raise ServerGone(f"the server {self._provider.launch} has ended; its last lines:\n{self._log_tail()}")
        return await self._client.generate(request)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None
        if self._process is not None:
            process, self._process = self._process, None
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()
            try:
                await asyncio.to_thread(process.wait, 10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
            self._log.close()

    def describe(self) -> dict[str, Any]:
        client = self._client.describe() if self._client else {}
        return {**client, "server": self._provider.launch, "engine": self._engine}
