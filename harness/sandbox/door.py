"""The one door: run a program, call a function, or judge a candidate by its test, each in a confined process."""

from __future__ import annotations

import atexit
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from harness.errors import SandboxError
from harness.sandbox.channel import Fault, Pipe, TrustedEnd
from harness.sandbox.limits import Limits, Outcome, Verdict
from harness.sandbox.pool import Pool, anonymous, as_bytes

Kind = Literal["auto", "none"]
"""How programs are held: as well as this machine can, or (by name only) not at all."""
KINDS: tuple[Kind, ...] = get_args(Kind)

_ENDINGS = {
    "cpu": "CPU limit", "wall": "wall-clock limit", "disk": "too many or too large files", "threads": "too many threads",
}  # fmt: skip
_POOL = Pool()
atexit.register(_POOL.close)
_chosen: list[Kind] = ["auto"]


@dataclass(frozen=True, slots=True)
class Level:
    """What holds programs here. ``name`` is stored with every score; None: nothing may run, for the reason given."""

    name: str | None
    reason: str = ""


def choose(kind: Kind) -> None:
    """Hold the programs of this process in another way. ``none`` confines nothing, and is for those who ask by name."""
    _chosen[0] = kind


def level() -> Level:
    """What holds programs here and now, found by trying."""
    try:
        with _POOL.one(_confined()) as zygote:
            return Level(zygote.level)
    except SandboxError as error:
        return Level(None, f"programs cannot be confined here: {error}")


def _confined() -> bool:
    return _chosen[0] != "none"


def run(
    program: str | bytes, *, stdin: str | bytes = b"", limits: Limits | None = None, watched: bool = False
) -> Outcome:
    """Run a whole program as ``__main__``. What it printed is compared by the caller, who is not in its process.

    ``watched``: say which system calls it was refused, too; each such call then takes longer.

    Raises SandboxError: nothing was run, or the sandbox failed.
    """
    with _POOL.one(_confined()) as zygote:
        return zygote.program(program, stdin, limits or Limits(), watched)


def call(
    candidate: str | bytes, function: str, arguments: Sequence[Any] = (), named: Mapping[str, Any] | None = None,
    *, limits: Limits | None = None,
) -> Any:  # fmt: skip
    """What a function of the candidate's module returns, as data.

    The module runs confined; its result crosses as a value of a known type, so that comparing it here is safe. Raises what
    the function raised (CandidateFailed where that is no builtin exception), SandboxError, and Fault (no Exception) where
    the program ended, passed a limit, or returned what cannot be carried.
    """
    bounds = limits or Limits()
    with _POOL.one(_confined()) as zygote, anonymous(as_bytes(candidate)) as files:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                zygote.ask({"kind": "call", "limits": bounds.as_dict()}, [*files, theirs.fileno()])
            end = TrustedEnd(Pipe(ours.fileno()))
            outcome, error = None, None
            try:
                end.start()
                outcome = end.name(function)(*arguments, **(named or {}))
            except (Exception, Fault) as raised:
                error = raised
        answer = zygote.answer(bounds.wall_s)
    if isinstance(error, Fault):
        raise Fault(_ENDINGS.get(answer["ending"], str(error)))
    if error is not None:
        raise error
    return outcome


def check(
    *, candidate: str | bytes, test: str, entry_point: str, setup: str = "", split: bool = True, write_back: bool = True,
    limits: Limits | None = None,
) -> Verdict:  # fmt: skip
    """Run ``test``'s ``check`` on the candidate's ``entry_point``, in HumanEval's convention.

    ``split``: test and candidate run in two processes, and only arguments and results cross. ``setup`` is code of the
    task's own (helpers, classes) that the test's side needs. ``write_back``: what the candidate does to its arguments is
    seen by the test. A failing, crashing, endless or oversized candidate is a verdict. Raises SandboxError: nothing was
    run, or the sandbox failed.
    """
    bounds = limits or Limits()
    header = {
        "kind": "check" if split else "whole", "limits": bounds.as_dict(), "entry_point": entry_point,
        "write_back": write_back,
    }  # fmt: skip
    tests = json.dumps([setup, test]).encode("ascii")
    with _POOL.one(_confined()) as zygote, anonymous(as_bytes(candidate), tests) as files:
        reading, writing = os.pipe()
        with open(reading, "rb") as verdicts:
            try:
                zygote.ask(header, [*files, writing])
            finally:
                os.close(writing)
            answer = zygote.answer(bounds.wall_s)
            said = verdicts.read()
    if answer["ending"] in _ENDINGS:
        return Verdict(False, _ENDINGS[answer["ending"]], zygote.level)
    if not said:
        return Verdict(False, "the test did not come to its end", zygote.level)
    found = json.loads(said)
    return Verdict(found["passed"] is True, found["reason"], zygote.level, found["wrote_back"])
