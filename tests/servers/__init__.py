"""Real servers for tests: started on loopback as processes of their own, ended by closing their standard input."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


class Server:
    """A running fault server."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url = url
        self._process = process

    @property
    def port(self) -> str:
        """Where another one can take its place."""
        return self.url.rpartition(":")[2]

    def kill(self) -> None:
        """End it as a crash does: what is in flight is lost."""
        self._process.kill()
        self._process.wait()

    @property
    def address(self) -> str:
        """The address by which `opengap eval` reaches it over the OpenAI protocol."""
        return f"server:fault-1@{self.url}/v1"

    def stats(self, path: str = "/_stats") -> dict[str, Any]:
        with urllib.request.urlopen(self.url + path, timeout=30) as response:
            return dict(json.load(response))


@contextlib.contextmanager
def fault_server(*arguments: str) -> Iterator[Server]:
    """``python -m tests.servers.faults`` with these arguments."""
    command = [sys.executable, "-m", "tests.servers.faults", *arguments]
    # Tests run in folders of their own, from which the package `tests` is not found.
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=surroundings
    ) as process:
        assert process.stdout is not None
        yield Server(json.loads(process.stdout.readline())["url"], process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)
