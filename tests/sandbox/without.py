"""Runs a command on a kernel without Landlock or without seccomp, as far as the command can tell.

``python -m tests.sandbox.without landlock|seccomp COMMAND…``: a seccomp filter of our own answers those system calls as a
kernel does that has not got them, and goes over to everything that the command starts.
"""

from __future__ import annotations

import os
import struct
import sys

from harness.sandbox import kernel, syscalls


def program(name: str) -> bytes:
    """BPF that answers the calls of one kind by ENOSYS and lets everything else through."""
    numbers = syscalls.used_here(kernel.MACHINE)
    instructions = [(0x20, 0, 0, 0)]
    for call, number in numbers.items():
        if call.startswith(name):
            instructions += [(0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | kernel.ENOSYS)]
    instructions.append((0x06, 0, 0, 0x7FFF0000))
    return b"".join(struct.pack("=HBBI", *one) for one in instructions)


if __name__ == "__main__":
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.seccomp_install(program(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
