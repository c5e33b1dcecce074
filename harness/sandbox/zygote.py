"""The warm process: started once by exec with an empty environment, it forks a child for each program and watches it.

It holds no keys, no tests and no program: those come in descriptors that only the child meant for them reads, so that
nothing of one program is in the memory of the next. One program at a time; who wants more starts more of these.
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from harness.sandbox import inside, kernel, syscalls

TICK_S = 0.02
HEADER_BYTES = 1 << 16
JUDGE_MORE_S = 5.0
"""CPU seconds of a test beyond the candidate's: comparing takes time too."""

WARM = ("abc", "array", "bisect", "cmath", "collections.abc", "copy", "dataclasses", "decimal", "enum", "fractions",
        "functools", "hashlib", "heapq", "io", "itertools", "json", "math", "numbers", "operator", "queue", "random", "re",
        "statistics", "string", "struct", "textwrap", "time", "typing", "unicodedata", "uuid")  # fmt: skip
"""What programs import most: imported once here instead of in each of them."""


@dataclass(frozen=True, slots=True)
class Cage:
    """How children are confined: rulesets and filter; None where the user asked for none by name."""

    with_scratch: int
    without: int
    filter: bytes


@dataclass(frozen=True, slots=True)
class Settings:
    """What the zygote is started with."""

    readable: list[str]
    packages: list[str]
    scratch: str
    confined: bool


def main(control: int, settings: Settings) -> None:
    """Serve jobs from the control socket until it is closed, then take the scratch folder away."""
    # Children arrange their descriptors from 0 on; nothing that they still need may lie there.
    channel = socket.socket(fileno=fcntl.fcntl(control, fcntl.F_DUPFD_CLOEXEC, 32))
    for number in range(3, 16):
        os.dup2(0, number)
    try:
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        cage = _cage(settings) if settings.confined else None
    except OSError as error:
        channel.send(json.dumps({"unavailable": error.strerror or str(error)}).encode())
        return
    with contextlib.suppress(OSError, AttributeError):
        kernel.prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: what a child leaves behind becomes ours to end
    kernel.one_arena()
    os.environ.clear()  # Python itself has set LC_CTYPE
    for name in WARM:
        __import__(name)
    sys.path[:] = [*sys.path, *settings.packages]
    os.chdir(settings.scratch)
    gc.collect()
    gc.freeze()
    channel.send(json.dumps({"level": "landlock+seccomp" if cage else "none"}).encode())
    try:
        _serve(channel, cage, settings.scratch)
    finally:
        empty(settings.scratch)
        with contextlib.suppress(OSError):
            os.rmdir(settings.scratch)


def _cage(settings: Settings) -> Cage:
    return Cage(
        kernel.landlock_ruleset(settings.readable, settings.scratch),
        kernel.landlock_ruleset(settings.readable, None),
        kernel.seccomp_filter(),
    )


def _serve(channel: socket.socket, cage: Cage | None, scratch: str) -> None:
    while True:
        data, descriptors, _, _ = socket.recv_fds(channel, HEADER_BYTES, 8)
        if not data:
            return
        try:
            answer = Job(json.loads(data), descriptors, cage, scratch, channel).run()
        finally:
            for one in descriptors:
                os.close(one)
        if answer is None:
            return
        channel.send(json.dumps(answer).encode())


class Job:
    """One program: its children, its limits, and how it ended."""

    def __init__(
        self, header: dict[str, Any], descriptors: list[int], cage: Cage | None, scratch: str, control: socket.socket
    ) -> None:
        self._header = header
        self._limits: dict[str, Any] = header["limits"]
        self._files = descriptors
        self._cage = cage
        self._scratch = scratch
        self._control = control
        self._say = -1
        """Where a child says that it is confined, or why it could not be."""
        self._watched = bool(header.get("watched")) and cage is not None
        self._refused: collections.Counter[str] = collections.Counter()

    def run(self) -> dict[str, Any] | None:
        """How the program ended; None if whoever asked is gone."""
        start, end = (one.detach() for one in socket.socketpair()) if self._watched else os.pipe()
        null = os.open(os.devnull, os.O_RDWR)
        begun = time.monotonic()
        children: dict[int, int] = {}
        try:
            for body in self._bodies(null):
                pid = os.fork()
                if pid == 0:
                    self._child(body, end)
                children[pid] = os.pidfd_open(pid)
            os.close(end)
            end = -1
            self._let_go()
            return self._watch(children, start, begun)
        finally:
            for one in (start, end, null, *children.values()):
                if one >= 0:
                    os.close(one)
            self._let_go()
            _end_strays()
            empty(self._scratch)

    def _bodies(self, null: int) -> list[Callable[[int], NoReturn]]:
        """What each child does, the candidate's first."""
        header, files, cpu_s = self._header, self._files, float(self._limits["cpu_s"])
        self._ours: list[int] = []

        def program(started: int) -> NoReturn:
            source, stdin, stdout, stderr = files
            code = _read(source)
            self._confine([stdin, stdout, stderr], started, scratch=True, cpu_s=cpu_s)
            os._exit(inside.program(code))

        def candidate(started: int) -> NoReturn:
            code = _read(files[0])
            self._confine([null, null, null, theirs], started, scratch=True, cpu_s=cpu_s)
            inside.candidate(code, 3)
            os._exit(0)

        def judge(started: int) -> NoReturn:
            setup, test = json.loads(_read(files[1]))
            self._confine([null, null, null, ours, files[2]], started, scratch=False, cpu_s=cpu_s + JUDGE_MORE_S)
            verdict = inside.judge(setup, test, header["entry_point"], 3, header["write_back"])
            inside.report(4, verdict)
            os._exit(0)

        def whole(started: int) -> NoReturn:
            code = _read(files[0])
            setup, test = json.loads(_read(files[1]))
            self._confine([null, null, null, files[2]], started, scratch=True, cpu_s=cpu_s)
            inside.report(3, inside.judge_whole(code, setup, test, header["entry_point"]))
            os._exit(0)

        match header["kind"]:
            case "run":
                return [program]
            case "whole":
                return [whole]
            case "call":
                theirs = files[1]
                return [candidate]
        pair = socket.socketpair()
        theirs, ours = (one.detach() for one in pair)
        self._ours = [theirs, ours]
        return [candidate, judge]

    def _let_go(self) -> None:
        """Close what only the children are to hold, so that each sees the other's end."""
        for one in self._ours:
            os.close(one)
        self._ours = []
        if self._header["kind"] != "run":
            while len(self._files) > 1:
                os.close(self._files.pop())

    def _child(self, body: Callable[[int], NoReturn], started: int) -> NoReturn:
        self._say = started
        try:
            body(started)
        except BaseException as error:  # nothing may unwind into the zygote's own frames
            with contextlib.suppress(BaseException):
                os.write(self._say, f"!{type(error).__name__}: {error}\n".encode("utf-8", "replace"))
        finally:
            os._exit(125)

    def _confine(self, wanted: list[int], started: int, *, scratch: bool, cpu_s: float) -> None:
        """Keep the wanted descriptors as 0, 1, 2 … and no others, lock this process in, and say so on ``started``."""
        os.setsid()
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        for number, one in enumerate([*wanted, started]):
            os.dup2(one, number)
        self._say = last = len(wanted)
        limits = self._limits
        for name, amount, beyond in (
            (resource.RLIMIT_CPU, int(cpu_s) + 1, 1), (resource.RLIMIT_AS, int(limits["memory_mb"]) << 20, 0),
            (resource.RLIMIT_FSIZE, int(limits["file_mb"]) << 20, 0), (resource.RLIMIT_NOFILE, 64, 0),
            (resource.RLIMIT_CORE, 0, 0),
        ):  # fmt: skip
            hard = resource.getrlimit(name)[1]
            hard = amount + beyond if hard == resource.RLIM_INFINITY else min(amount + beyond, hard)
            resource.setrlimit(name, (min(amount, hard), hard))
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        if self._cage is not None:
            kernel.drop_capabilities()
            kernel.landlock_restrict(self._cage.with_scratch if scratch else self._cage.without)
        kernel.close_from(last + 1)
        if self._watched:
            with socket.socket(fileno=last) as way:
                kernel.seccomp_watched(lambda listener: socket.send_fds(way, [b"+"], [listener]))
            self._say = -1
            return
        if self._cage is not None:
            kernel.seccomp_install(self._cage.filter)
        os.write(last, b"+")
        os.close(last)
        self._say = -1

    def _watch(self, children: dict[int, int], start: int, begun: float) -> dict[str, Any] | None:
        """Wait for the last of the children, the one whose ending counts, and end the others."""
        poll = select.poll()
        poll.register(self._control, select.POLLHUP | select.POLLRDHUP)
        judge = list(children)[-1]
        first = next(iter(children))
        poll.register(children[judge], select.POLLIN)
        if self._watched:
            poll.register(start, select.POLLIN)
        ending: str | None = None
        listeners: list[int] = []
        confined = b""
        looked = time.monotonic()
        while ending is None:
            ready = {descriptor for descriptor, _ in poll.poll(TICK_S * 1000)}
            if self._control.fileno() in ready:
                self._end(children)
                return None
            if children[judge] in ready:
                break
            if start in ready:
                poll.unregister(start)
                confined, listeners = self._listener(start)
                for one in listeners:
                    poll.register(one, select.POLLIN)
            for one in listeners:
                if one in ready and (number := kernel.refuse_next(one)) is not None:
                    self._refused[syscalls.name_of(number, kernel.MACHINE)] += 1
            if not ready or time.monotonic() - looked > TICK_S:
                ending, looked = self._over(children, begun), time.monotonic()
        self._end({pid: one for pid, one in children.items() if ending is not None or pid != judge})
        results = {pid: os.wait4(pid, 0) for pid in children}
        _, status, usage = results[first]
        confined = confined or os.read(start, 1000)
        for one in listeners:
            os.close(one)
        answer: dict[str, Any] = {
            "ending": ending or ("signal" if os.WIFSIGNALED(status) else "exited"),
            "code": os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status),
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "wall_s": time.monotonic() - begun,
            "memory_mb": usage.ru_maxrss / 1024,
            "refused": dict(self._refused),
        }
        if confined != b"+" * len(children):
            answer["failed"] = confined.decode("utf-8", "replace").strip("+!\n") or "the process could not be confined"
        elif ending is None and answer["ending"] == "signal" and answer["code"] in (signal.SIGXCPU, signal.SIGKILL):
            spent = answer["cpu_s"] >= float(self._limits["cpu_s"])
            answer["ending"] = "cpu" if spent else "signal"
        return answer

    def _listener(self, start: int) -> tuple[bytes, list[int]]:
        """What a watched child sends when it is confined: the descriptor on which its refused calls are heard of."""
        with socket.socket(fileno=os.dup(start)) as way:
            said, descriptors, _, _ = socket.recv_fds(way, 1000, 1)
        return said, descriptors

    def _over(self, children: dict[int, int], begun: float) -> str | None:
        """The limit that a running child has passed, if any."""
        for number, pid in enumerate(children):
            allowed = float(self._limits["cpu_s"]) + (JUDGE_MORE_S if number else 0.0)
            with contextlib.suppress(OSError):  # it may have ended meanwhile
                # The clock of another process, as clock_getcpuclockid(3) makes it.
                if time.clock_gettime(~pid << 3 | 2) > allowed:
                    return "cpu"
                if _threads(pid) > self._limits["threads"]:
                    return "threads"
        if time.monotonic() - begun > self._limits["wall_s"]:
            return "wall"
        return "disk" if _too_much(self._scratch, self._limits) else None

    def _end(self, children: dict[int, int]) -> None:
        for descriptor in children.values():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)


def _read(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    parts: list[bytes] = []
    at = 0
    while at < size and (part := os.pread(descriptor, size - at, at)):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _threads(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("Threads:")), 1)
    except OSError:
        return 1


def _too_much(folder: str, limits: dict[str, Any]) -> bool:
    """Whether a folder holds more files or bytes than it may; looks no further than that."""
    files, size_mb = int(limits["files"]), float(limits["disk_mb"])
    count, size, waiting = 0, 0, [folder]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                count += 1
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                if count > files or size > size_mb * (1 << 20):
                    return True
    return False


def empty(folder: str) -> None:
    """Remove all that is in a folder, however deep: each folder found is first moved up to where paths are short."""
    number = 0
    while True:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            found = list(entries)
            if not found:
                return
            for entry in found:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                    continue
                os.chmod(entry.path, 0o700)
                for inner in list(os.scandir(entry.path)):
                    number += 1
                    os.rename(inner.path, os.path.join(folder, f".{number}.{os.getpid()}"))
                os.rmdir(entry.path)
            continue
        return


def _end_strays() -> None:
    """Kill and reap whatever became a child of ours: only an unconfined program can leave something."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        with contextlib.suppress(OSError), open(f"/proc/self/task/{os.getpid()}/children") as file:
            for pid in file.read().split():
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.001)


if __name__ == "__main__":
    main(int(sys.argv[1]), Settings(**json.loads(sys.argv[2])))
