"""Runs model-written Python where it can do no harm, and judges it where it can forge nothing. Knows nothing of the house.

**How.** A warm Python process, started by exec with an empty environment, forks a child for each program. The child keeps
only the descriptors that it needs, gives up every capability and all hope of new privileges, and is held by resource
limits, by Landlock (it reads Python and the system's libraries, writes into one scratch folder, and opens nothing else)
and by seccomp (an allow-list of system calls: no sockets, no processes, no exec, no signals to others). Tests run in a
second child, which holds what is right; arguments and results cross a pipe as data, and are compared there.

**Doors.** :func:`run` runs a program and returns what it printed, for the caller to compare; :func:`call` returns what one
function returns; :func:`check` runs a test against a candidate. :func:`level` says what holds programs on this machine.

**Covered.** Reading keys from any environment or memory, reading files of the user and of the system, writing or linking
outside the scratch folder, every kind of socket, other processes, exec from disk and from memory, signals to others,
tracing, namespaces, io_uring, bpf, keyrings, devices; CPU time, address space, size and number of files, threads, output;
what is left behind. A verdict cannot be had by exit codes, objects that equal everything, patched builtins or modules,
frames, descriptors, messages nobody asked for, or by results that are huge or cyclic.

**Not covered.** A program may learn that a path outside exists (``stat`` needs no right under Landlock), the time, the
kernel's version and its own user id, and may use its CPU time as it likes. A fault in the kernel itself. Whether a test is
a good one: what a test lets pass passes. A test that runs whole (``split=False``) shares the candidate's process, so that
a program written for it can forge its verdict, and nothing else. At level ``none``, which has to be named, all of the first
list but the limits is open.

The attack suite is ``tests/sandbox/attacks.py``. Linux 5.13 or newer with Landlock and seccomp, on x86_64 or aarch64. Elsewhere :func:`level` says why nothing may run.
"""

from __future__ import annotations

from harness.sandbox.channel import CandidateFailed, Fault
from harness.sandbox.door import KINDS, Kind, Level, call, check, choose, level, run
from harness.sandbox.limits import Limits, Outcome, Verdict

__all__ = [
    "KINDS",
    "CandidateFailed",
    "Fault",
    "Kind",
    "Level",
    "Limits",
    "Outcome",
    "Verdict",
    "call",
    "check",
    "choose",
    "level",
    "run",
]
