"""Warm processes that wait for programs, and the files and sockets by which they are reached."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import SandboxError
from harness.sandbox import selftest
from harness.sandbox.limits import Limits, Outcome

START_S = 60.0


@contextlib.contextmanager
def anonymous(*contents: bytes) -> Iterator[list[int]]:
    """Anonymous files with some contents: they cross to the child, and nowhere else do they have a name."""
    made: list[int] = []
    try:
        for content in contents:
            descriptor = os.memfd_create("opengap")
            made.append(descriptor)
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
            os.lseek(descriptor, 0, os.SEEK_SET)
        yield made
    finally:
        for one in made:
            os.close(one)


def as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


class Zygote:
    """A warm process and the socket to it. One program at a time."""

    def __init__(self, confined: bool) -> None:
        """Raises SandboxError: it cannot be started, or cannot confine; the message is the reason."""
        try:
            self._scratch = tempfile.mkdtemp(prefix="opengap-")
        except OSError as error:
            raise SandboxError(f"no scratch folder for programs can be made: {error.strerror}") from error
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        settings = {
            "readable": _readable(), "packages": _packages(), "scratch": self._scratch, "confined": confined,
        }  # fmt: skip
        root = str(Path(__file__).resolve().parents[2])
        boot = (
            f"import sys; sys.path.insert(0, {root!r}); from harness.sandbox import zygote as z; del sys.path[0]; "
            f"import json; z.main({other.fileno()}, z.Settings(**json.loads(sys.argv[1])))"
        )
        try:
            with other:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-B", "-c", boot, json.dumps(settings)],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env={}, pass_fds=[other.fileno()], start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            self._socket.close()
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise SandboxError(f"cannot start a sandbox process: {error}") from error
        ready = self._receive(START_S)
        if ready is None or "unavailable" in ready:
            self.close()
            raise SandboxError(str(ready["unavailable"]) if ready else "the sandbox process does not start")
        self.level = str(ready["level"])
        if confined:
            try:
                selftest.judge(self.program(selftest.program(), "", selftest.LIMITS))
            except BaseException:
                self.close()
                raise

    def program(self, source: str | bytes, stdin: str | bytes, limits: Limits, watched: bool = False) -> Outcome:
        """Run one whole program. Raises SandboxError."""
        with anonymous(as_bytes(source), as_bytes(stdin), b"", b"") as files:
            self.ask({"kind": "run", "limits": limits.as_dict(), "watched": watched}, files)
            answer = self.answer(limits.wall_s)
            stdout, stderr = (os.pread(one, limits.file_mb << 20, 0) for one in files[2:])
        return Outcome(
            ending=answer["ending"], code=answer["code"], stdout=stdout, stderr=stderr, cpu_s=answer["cpu_s"],
            wall_s=answer["wall_s"], memory_mb=answer["memory_mb"], level=self.level, refused=answer["refused"],
        )  # fmt: skip

    def ask(self, header: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        try:
            socket.send_fds(self._socket, [json.dumps(header).encode()], descriptors)
        except OSError as error:
            raise SandboxError(f"the sandbox process is gone: {error}") from error

    def answer(self, wall_s: float) -> dict[str, Any]:
        """How the program ended. Raises SandboxError where the confinement itself failed."""
        answer = self._receive(wall_s + START_S)
        if answer is None:
            raise SandboxError("the sandbox process ended or does not answer")
        if "failed" in answer:
            raise SandboxError(f"a program could not be confined: {answer['failed']}")
        return answer

    def _receive(self, timeout_s: float) -> dict[str, Any] | None:
        ready = select.poll()
        ready.register(self._socket, select.POLLIN)
        if not ready.poll(timeout_s * 1000):
            return None
        data = self._socket.recv(1 << 16)
        return dict(json.loads(data)) if data else None

    def close(self) -> None:
        """End it; its scratch folder goes with it."""
        self._socket.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._scratch, ignore_errors=True)


def _packages() -> list[str]:
    """Folders of installed packages, which programs may import from; never the folder that we were started in."""
    return [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]


def _readable() -> list[str]:
    """All that a confined program may read: Python, its packages, the system's libraries, time zones."""
    library = str(Path(os.__file__).parent.parent)
    return [
        library, *_packages(), "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo",
        "/dev/null", "/dev/zero", "/dev/urandom",
    ]  # fmt: skip


class Pool:
    """Zygotes that wait for work: as many as there are programs at a time, and no more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[int, bool, Zygote]] = []

    @contextlib.contextmanager
    def one(self, confined: bool) -> Iterator[Zygote]:
        """A zygote for one program; one with which anything went wrong is not used again."""
        me = os.getpid()
        with self._lock:
            found = next((entry for entry in self._idle if entry[:2] == (me, confined)), None)
            if found is not None:
                self._idle.remove(found)
        zygote = found[2] if found else Zygote(confined)
        try:
            yield zygote
        except BaseException:
            zygote.close()
            raise
        with self._lock:
            self._idle.append((me, confined, zygote))

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for pid, _, zygote in idle:
            if pid == os.getpid():
                zygote.close()
