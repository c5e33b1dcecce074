"""What a confined program must not be able to do, tried by one when a sandbox process starts."""

from __future__ import annotations

import json
import os
from pathlib import Path

from harness.errors import SandboxError
from harness.sandbox.limits import Limits, Outcome

LIMITS = Limits(memory_mb=512)

# Each attempt is harmless where it succeeds. What succeeds is printed.
_ATTEMPTS = """
import ctypes, json, os, socket, sys
done = []
def attempt(name, function):
    try:
        function()
    except BaseException:
        return
    done.append(name)
def environment():
    assert os.environ or open("/proc/self/environ").read()
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    assert libc.syscall(number, *arguments) >= 0
attempt("environment", environment)
attempt("environment of the parent", lambda: open(f"/proc/{os.getppid()}/environ").read())
attempt("files", lambda: open(SECRET).read())
attempt("folders", lambda: os.listdir("/"))
attempt("writing outside", lambda: open(OUTSIDE, "w").close())
for family in ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"):
    attempt(family, lambda: socket.socket(getattr(socket, family)))
attempt("socketpair", socket.socketpair)
attempt("process", lambda: os.fork() or os._exit(0))
attempt("signals to others", lambda: os.kill(os.getppid(), 0))
attempt("exec", lambda: os.execv("/bin/true", ["true"]) if os.path.exists("/bin/true") else 1 / 0)
attempt("ptrace", lambda: call({"x86_64": 101, "aarch64": 117}[os.uname().machine], 0, 0, 0, 0))
attempt("namespaces", lambda: call({"x86_64": 272, "aarch64": 97}[os.uname().machine], 0))
attempt("io_uring", lambda: call(425, 1, ctypes.create_string_buffer(120)))
attempt("memory file", lambda: os.memfd_create("x"))
attempt("changing modes", lambda: os.chmod(SECRET, 0o600))
attempt("memory", lambda: bytearray(1 << 31))
open("here", "w").close()
print(json.dumps(done))
"""


def program() -> str:
    """The program to run: it prints a JSON list of what it reached."""
    secret = str(Path(__file__).resolve())
    outside = os.path.join(os.path.dirname(os.__file__), "opengap-was-here")
    return f"SECRET = {secret!r}\nOUTSIDE = {outside!r}\n{_ATTEMPTS}"


def judge(outcome: Outcome) -> None:
    """Raises SandboxError unless the program came to its end and reached nothing."""
    try:
        reached = json.loads(outcome.stdout)
    except ValueError:
        said = (outcome.stderr.decode("utf-8", "replace").strip().splitlines() or [outcome.ending])[-1]
        raise SandboxError(f"the sandbox's own test did not come to its end: {said[:200]}") from None
    if reached:
        raise SandboxError(f"the sandbox does not hold; its own test reached: {', '.join(map(str, reached))}")
