"""One fresh Python process per program, under resource limits."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import IO

from harness.errors import SandboxError

LEVEL = "process"
MEMORY_BYTES = 1 << 30
FILE_BYTES = 16 << 20
WALL_FACTOR = 6.0
"""Wall-clock backstop as a multiple of the CPU limit: lax, so that a busy machine does not change a score."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the tests passed; ``reason`` is the last line of the error otherwise."""

    passed: bool
    reason: str = ""


# The driver limits itself before it looks at the candidate (a hook between fork and exec may deadlock in a parent
# with threads). Candidate and test come by standard input, so that neither stands in the process list. The token is
# printed only after the test has returned: leaving early with exit code 0 is not a pass.
_DRIVER = """
import json, resource, sys
job = json.load(sys.stdin)
for name, soft, hard in job["limits"]:
    resource.setrlimit(getattr(resource, name), (soft, hard))
space = {"__name__": "candidate"}
exec(compile(job["candidate"], "<candidate>", "exec"), space)
exec(compile(job["test"], "<test>", "exec"), space)
space["check"](space[job["entry_point"]])
sys.__stdout__.write("\\n" + job["token"])
"""


def check(*, candidate: str, test: str, entry_point: str, cpu_limit_s: float) -> Verdict:
    """Run ``test``'s ``check`` on the candidate's ``entry_point``.

    ``cpu_limit_s`` bounds CPU seconds, not wall-clock seconds. A failing, crashing, endless or oversized candidate
    is a verdict. Raises SandboxError only if the process could not be run at all.
    """
    token = secrets.token_hex(16)
    seconds = max(1, round(cpu_limit_s))
    limits = [
        ("RLIMIT_CPU", seconds, seconds + 1),
        ("RLIMIT_AS", MEMORY_BYTES, MEMORY_BYTES),
        ("RLIMIT_FSIZE", FILE_BYTES, FILE_BYTES),
        ("RLIMIT_NOFILE", 64, 64),
        ("RLIMIT_CORE", 0, 0),
    ]
    job = {"candidate": candidate, "test": test, "entry_point": entry_point, "token": token, "limits": limits}
    payload = json.dumps(job).encode("ascii")
    # Output goes to files, whose size the limits bound, instead of pipes into our memory.
    with (
        tempfile.TemporaryDirectory(prefix="opengap-", ignore_cleanup_errors=True) as folder,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-c", _DRIVER],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                cwd=folder,
                env={},
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(f"cannot start a sandbox process: {error}") from error
        try:
            process.communicate(payload, timeout=cpu_limit_s * WALL_FACTOR)
        except subprocess.TimeoutExpired:
            return Verdict(False, "wall-clock limit")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode == 0 and _tail(out).endswith("\n" + token):
            return Verdict(True)
        if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
            return Verdict(False, "CPU limit")
        lines = _tail(err).strip().splitlines()
        return Verdict(False, lines[-1][:200] if lines else f"exit code {process.returncode}")


def _tail(file: IO[bytes], limit: int = 4096) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - limit))
    return file.read().decode("utf-8", "replace")
