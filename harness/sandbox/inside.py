"""What runs in the confined processes: the candidate's module or program, and the test that judges it.

Each function here runs in a child of the zygote, after :func:`harness.sandbox.zygote.confine`, and never returns to it.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import importlib
import json
import os
import sys
import threading
import traceback
import types
from typing import Any

from harness.sandbox.channel import CandidateEnd, Fault, Pipe, RemoteFunction, TrustedEnd
from harness.sandbox.values import CannotCarry

REASON = 300


def module(name: str, source: bytes, file: str) -> tuple[types.ModuleType, Any]:
    """A fresh module under a name, and the compiled source that is to fill it."""
    made = types.ModuleType(name)
    sys.modules[name] = made
    return made, compile(source.decode("utf-8", "surrogatepass"), file, "exec", dont_inherit=True)


def program(source: bytes) -> int:
    """Run a whole program as ``__main__``; its exit code, as Python itself would give it."""
    sys.argv = ["main.py"]
    code = 0
    try:
        main, compiled = module("__main__", source, "main.py")
        exec(compiled, main.__dict__)
    except SystemExit as error:
        code = _exit_code(error)
    except BaseException as error:
        _print_error(error)
        code = 1
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    return code


def _exit_code(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return int(error.code or 0) & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def _print_error(error: BaseException) -> None:
    """The traceback from the program's own first frame on."""
    with contextlib.suppress(BaseException):
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        traceback.print_exception(type(error), error, trace, file=sys.stderr)


def candidate(source: bytes, pipe: int) -> None:
    """Run the candidate's module, then answer calls to it until the other end is gone."""
    end = CandidateEnd(Pipe(pipe), {})
    try:
        made, compiled = module("candidate", source, "<candidate>")
        exec(compiled, made.__dict__)
        end.space = made.__dict__
    except BaseException as error:  # the program's own; the test's side has to hear of it
        end.started(error)
        return
    end.started()
    end.serve()


class Names(dict[str, Any]):
    """Globals of a test: its own names, then modules of the standard library, then what the candidate's module defines.

    In this order, because a test's helper that came from the candidate could say yes to everything.
    """

    def __init__(self, end: TrustedEnd) -> None:
        super().__init__({"__name__": "test", "__builtins__": builtins})
        self._end = end

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name) or name.startswith("__"):
            raise KeyError(name)
        if name in sys.stdlib_module_names:
            return importlib.import_module(name)
        try:
            return self._end.name(name)
        except NameError:
            raise KeyError(name) from None


def judge(setup: str, test: str, entry_point: str, pipe: int, write_back: bool) -> dict[str, Any]:
    """Run ``check`` of ``test`` on the candidate's function, here, where the candidate is not. The verdict as a dict."""
    end = TrustedEnd(Pipe(pipe))
    end.write_back = write_back
    names = Names(end)
    passed, reason = False, ""
    sys.modules["test"] = types.ModuleType("test")
    try:
        end.start()
        exec(compile(setup, "<setup>", "exec", dont_inherit=True), names)
        end.shared = {name: one for name, one in names.items() if isinstance(one, type) and one.__module__ == "test"}
        names.pop(entry_point, None)
        if end.shared:
            end.ask("share", list(end.shared))
        exec(compile(test, "<test>", "exec", dont_inherit=True), names)
        found = end.name(entry_point)
        if getattr(found, "_kind", "class") not in ("class", "function"):
            found = RemoteFunction(end, found._id, "function", entry_point)
        run = names["check"]
        names[entry_point] = found  # which may be called check too
        run(found)
        passed = end.fault is None
    except Fault as error:
        reason = str(error)
    except CannotCarry as error:
        reason = f"an argument cannot be carried: {error}"
    except BaseException as error:  # a failing test, in whatever way
        reason = describe(error)
    return {"passed": passed, "reason": (end.fault or reason)[:REASON], "wrote_back": end.wrote_back}


def judge_whole(source: bytes, setup: str, test: str, entry_point: str) -> dict[str, Any]:
    """The same in one process with the candidate: for tests whose values cannot cross. The program could forge this."""
    try:
        made, compiled = module("candidate", source, "<candidate>")
        exec(compiled, made.__dict__)
        exec(compile(test, "<test>", "exec", dont_inherit=True), made.__dict__)
        run = made.__dict__["check"]
        run(made.__dict__[entry_point])
    except BaseException as error:  # a failing test, or a program's own way out
        return {"passed": False, "reason": describe(error)[:REASON], "wrote_back": False}
    return {"passed": True, "reason": "", "wrote_back": False}


def describe(error: BaseException) -> str:
    """``Type: message`` of an error, whatever the program's own exception classes do when asked."""
    try:
        text = str(error)
    except BaseException:
        text = ""
    first = text.strip().splitlines()[0] if text.strip() else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def report(descriptor: int, verdict: dict[str, Any]) -> None:
    """Hand a verdict to the process that asked for it."""
    os.write(descriptor, json.dumps(verdict).encode("ascii"))
