"""Standard streams as they may be found: closed, full, or with nobody left to read. None of this may end a run.

Only the console command does this to its process; whoever calls ``main`` from Python keeps the streams that they have.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from harness.errors import OutputFailed

if TYPE_CHECKING:
    from typing_extensions import Buffer


class _Descriptor(io.RawIOBase):
    """Writes to a file descriptor; once that fails nothing more is written to it.

    For standard error nothing can be said about it. On standard output a reader that is gone (``opengap gap | head``)
    has what it wanted, and everything else raises OutputFailed.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        try:
            return os.write(self._descriptor, data)
        except OSError as error:
            # What waits in buffers goes nowhere, also when Python flushes them at the very end.
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._descriptor)
            if self._descriptor == 1 and not isinstance(error, BrokenPipeError):
                raise OutputFailed(
                    f"cannot write to standard output: {error.strerror}. What was asked is in the store; "
                    "the same command again, with its output elsewhere, shows it"
                ) from error
            return memoryview(data).nbytes


def prepare() -> None:
    """Make the standard streams of this process such that writing to them can be relied on."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is taken, so it is this one; else the next file or socket would become our output.
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 (it is for the whole process)
    sys.stdout = _text(sys.stdout, 1, "strict")
    sys.stderr = _text(sys.stderr, 2, "backslashreplace")


def _text(found: TextIO | None, descriptor: int, errors: str) -> io.TextIOWrapper:
    raw = _Descriptor(descriptor)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=found.encoding if found else "utf-8", errors=(found and found.errors) or errors,
        line_buffering=descriptor == 2 or raw.isatty(),
    )  # fmt: skip
