"""Calls across the pipe between the trusted process and the candidate's: one message at a time, each answered.

The two ends are not alike. The candidate's end does what it is asked. The trusted end answers one request only, to call a
function that the test itself passed as an argument; whatever else arrives, unasked or out of turn, is a fault that no
``except`` in a test can swallow.
"""

from __future__ import annotations

import builtins
import functools
import json
import os
import secrets
import types
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from harness.sandbox.values import MESSAGE_BYTES, CannotCarry, Reader, Writer, dumps, replace_contents

_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, functools.partial)
_SCALARS = (type(None), bool, int, float, str, bytes)
BATCH = 512
"""Most items of an iterator that one message asks for."""


class CandidateFailed(Exception):
    """The candidate raised something that has no counterpart here."""


class Fault(BaseException):
    """The candidate's process ended, or answered what nobody asked. The verdict is settled."""


class Pipe:
    """Length-prefixed messages over one descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting = bytearray()

    def send(self, message: Any) -> None:
        """Raises CannotCarry (too large), Fault (nobody reads)."""
        data = dumps(message)
        view = memoryview(len(data).to_bytes(4, "little") + data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            raise Fault("the program ended") from None

    def receive(self) -> list[Any]:
        """Raises Fault: the other end is gone, or sent what is no message."""
        size = int.from_bytes(self._exactly(4), "little")
        if size > MESSAGE_BYTES:
            raise Fault(f"the result is larger than {MESSAGE_BYTES >> 20} MB")
        try:
            message = json.loads(self._exactly(size))
        except (ValueError, RecursionError):
            raise Fault("the program wrote into the pipe of its answers") from None
        if not isinstance(message, list) or not message:
            raise Fault("the program wrote into the pipe of its answers")
        return message

    def _exactly(self, size: int) -> bytes:
        """The next bytes. What one read brings beyond them is kept: a message mostly comes in a single read."""
        while len(self._waiting) < size:
            try:
                part = os.read(self._descriptor, max(1 << 16, min(size - len(self._waiting), 1 << 20)))
            except OSError:
                part = b""
            if not part:
                raise Fault("the program ended")
            self._waiting += part
        taken = bytes(self._waiting[:size])
        del self._waiting[:size]
        return taken


class TrustedEnd:
    """The end that knows what is right: asks, and compares what comes back."""

    def __init__(self, pipe: Pipe, shared: Mapping[str, type] | None = None) -> None:
        self._pipe = pipe
        self.shared: Mapping[str, type] = shared or {}
        self.opened: set[str] = set()
        """Names of the candidate's classes that the test itself uses: their instances may be looked into."""
        self.fault: str | None = None
        self.wrote_back = False
        """Whether an argument was changed by the candidate, and the change was taken over."""
        self.write_back = True
        self._lent: dict[int, Any] = {}
        self._remotes: dict[int, Remote] = {}

    def start(self) -> None:
        """Wait until the candidate's module was run. Raises what it raised, or Fault."""
        self._answer("start")

    def name(self, name: str) -> Any:
        """What the candidate's module calls so; NameError if nothing."""
        found = self.ask("name", name)
        if isinstance(found, Remote) and found._kind == "class":
            self.opened.add(name)
            found = RemoteObject(self, found._id, "class", name)
            self._remotes[found._id] = found
        return found

    def ask(self, operation: str, *values: Any) -> Any:
        """One request and its answer. Raises what the candidate raised, or Fault."""
        if self.fault is not None:
            raise Fault(self.fault)
        ticket = secrets.randbits(48)
        data = [Writer(self).write(value) for value in values]
        try:
            self._pipe.send([operation, ticket, data])
        except Fault as fault:
            self._fail(str(fault))
        return self._answer(ticket, values)

    def _answer(self, ticket: int | str, values: tuple[Any, ...] = ()) -> Any:
        try:
            while (message := self._pipe.receive())[0] == "callback" and ticket != "start":
                self._call_back(message)
            kind, given, *rest = message
            if given != ticket:
                raise Fault("the program answered before it was asked")
            if kind == "ok":
                value, changed = rest
                result = Reader(self).read(value)
                if changed is not None and self.write_back:
                    self._take_over(values, Reader(self).read(changed))
                return result
            if kind == "raised":
                name, bases, text, arguments = rest
                raised = self._error(str(name), list(map(str, bases)), str(text), arguments)
            elif kind == "uncarried":
                raise Fault(f"the result cannot be carried: {str(rest[0])[:120]}")
            else:
                raise Fault("the program wrote into the pipe of its answers")
        except Fault as fault:
            self._fail(str(fault))
        except CannotCarry as error:
            self._fail(f"the result cannot be carried: {error}")
        except (ValueError, TypeError, KeyError, IndexError, RecursionError, MemoryError) as error:
            self._fail(f"the result cannot be carried: {type(error).__name__}")
        raise raised

    def _fail(self, why: str) -> NoReturn:
        self.fault = self.fault or why
        raise Fault(self.fault) from None

    def _take_over(self, values: tuple[Any, ...], changed: Any) -> None:
        new = tuple(changed)
        if len(new) != len(values):
            raise CannotCarry("malformed")
        before = [Writer(self).write(one) for one in values]
        if before != [Writer(self).write(one) for one in new]:
            self.wrote_back = True
            for old, one in zip(values, new, strict=True):
                replace_contents(old, one)

    def _error(self, name: str, bases: list[str], text: str, arguments: Any) -> Exception:
        for one in (name, *bases):
            known = self.shared.get(one) or getattr(builtins, one, None)
            if isinstance(known, type) and issubclass(known, Exception) and known is not Exception:
                try:
                    return known(*Reader(self).many(arguments))
                except Exception:  # an exception class may want any arguments
                    break
        return CandidateFailed(f"{name}: {text[:300]}")

    def _call_back(self, message: list[Any]) -> None:
        """The candidate calls a function that the test passed to it."""
        _, number, data = message
        try:
            if not isinstance(number, int) or number not in self._lent:
                raise Fault("the program called what it was not given")
            positional, named = Reader(self).read(data)
            answer: list[Any] = ["ok", Writer(self).write(self._lent[number](*positional, **named))]
        except Fault:
            raise
        except Exception as error:  # goes to whoever called, as in any call
            answer = ["raised", type(error).__name__, str(error)[:300]]
        self._pipe.send(answer)

    def lend(self, value: Any) -> list[Any]:
        if isinstance(value, Remote):
            return ["yours", value._id]
        if not callable(value):
            raise CannotCarry(f"an argument of type {type(value).__name__}")
        self._lent[id(value)] = value
        return ["mine", id(value)]

    def borrow(self, handle: list[Any]) -> Any:
        owner, number, *about = handle
        if not isinstance(number, int):
            raise CannotCarry("malformed")
        if owner == "yours":
            return self._lent[number]
        if number not in self._remotes:
            kind, name = map(str, about)
            made = _KINDS.get(kind, RemoteObject if name in self.opened else Remote)
            self._remotes[number] = made(self, number, kind, name)
        return self._remotes[number]


class Remote:
    """Something of the candidate's that is no data. It can be handed back to it, and is equal to itself alone."""

    def __init__(self, end: TrustedEnd, number: int, kind: str, name: str) -> None:
        for key, value in (("_end", end), ("_id", number), ("_kind", kind), ("_name", name)):
            object.__setattr__(self, key, value)

    _end: TrustedEnd
    _id: int
    _kind: str
    _name: str

    def __repr__(self) -> str:
        return f"<{self._name[:60]} of the candidate>"


class RemoteFunction(Remote):
    """A function that the candidate returned or defines; its arguments and results cross like any."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if named:
            return self._end.ask("call_named", self, named, *arguments)
        return self._end.ask("call", self, *arguments)


class RemoteIterator(Remote):
    """An iterator of the candidate's: items come in growing batches, so that endless ones work too."""

    def __init__(self, end: TrustedEnd, number: int, kind: str, name: str) -> None:
        super().__init__(end, number, kind, name)
        object.__setattr__(self, "_items", self._batches())

    _items: Iterator[Any]

    def _batches(self) -> Iterator[Any]:
        size = 1
        while True:
            items, ended = self._end.ask("next", self, size)
            yield from items
            if ended:
                return
            size = min(BATCH, size * 2)

    def __iter__(self) -> RemoteIterator:
        return self

    def __next__(self) -> Any:
        return next(self._items)


class RemoteObject(RemoteFunction):
    """A class of the candidate's that the test names, or an instance of one: attributes and methods, and no comparing.

    ``==``, ``<``, ``in`` and arithmetic are never left to the candidate: it would see what is right, and say yes.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._end.ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._end.ask("set", self, name, value)

    def __len__(self) -> int:
        return int(self._end.ask("special", self, "__len__"))

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        found: Iterator[Any] = self._end.ask("special", self, "__iter__")
        return found

    def __getitem__(self, key: Any) -> Any:
        return self._end.ask("special", self, "__getitem__", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._end.ask("special", self, "__setitem__", key, value)

    def __str__(self) -> str:
        return str(self._end.ask("special", self, "__str__"))

    def __repr__(self) -> str:
        return str(self._end.ask("special", self, "__repr__"))

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, Remote) and bool(self._end.ask("isinstance", value, self))


_KINDS: dict[str, type[Remote]] = {"function": RemoteFunction, "iterator": RemoteIterator}


# ---------------------------------------------------------------------------------------- the candidate's end


class Borrowed:
    """A function of the test's: calling it calls back."""

    def __init__(self, end: CandidateEnd, number: int) -> None:
        self._end, self._number = end, number

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._end.call_back(self._number, arguments, named)


class CandidateEnd:
    """The end that does what it is asked, in the process where the candidate may do as it likes."""

    def __init__(self, pipe: Pipe, space: dict[str, Any], shared: Mapping[str, type] | None = None) -> None:
        self._pipe = pipe
        self.space = space
        self.shared: Mapping[str, type] = shared or {}
        self._lent: dict[int, Any] = {}

    def started(self, error: BaseException | None = None) -> None:
        self._pipe.send(["ok", "start", None, None] if error is None else self._raised("start", error))

    def serve(self) -> None:
        """Until the other end closes the pipe."""
        while True:
            try:
                operation, ticket, data = self._pipe.receive()
            except Fault:
                return
            self._pipe.send(self._done(operation, ticket, data))

    def _done(self, operation: str, ticket: int, data: list[Any]) -> list[Any]:
        try:
            values = Reader(self).many(data)
            result = getattr(self, f"_{operation}")(*values)
        except BaseException as error:  # the program's own, whatever it is: the other end has to hear of it
            return self._raised(ticket, error)
        try:
            answer = ["ok", ticket, Writer(self).write(result), self._changed(data, values)]
            dumps(answer)
            return answer
        except (CannotCarry, RecursionError) as error:
            return ["uncarried", ticket, str(error)]
        except BaseException as error:
            return ["uncarried", ticket, type(error).__name__]

    def _changed(self, data: list[Any], values: list[Any]) -> Any:
        if all(isinstance(one, _SCALARS) for one in values[1:]):
            return None
        written = [Writer(self).write(value) for value in values]
        return None if written[1:] == data[1:] else ["tuple", written]

    def _raised(self, ticket: int | str, error: BaseException) -> list[Any]:
        bases = [one.__name__ for one in type(error).__mro__[1:]]
        try:
            text, arguments = str(error)[:1000], [Writer(self).write(one) for one in error.args]
        except BaseException:  # an exception of the program's own making may do anything
            text, arguments = "", []
        return ["raised", ticket, type(error).__name__, bases, text, arguments]

    def _name(self, name: str) -> Any:
        if name not in self.space:
            raise NameError(f"name {name!r} is not defined")
        return self.space[name]

    def _call(self, function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    def _call_named(self, function: Any, named: dict[str, Any], *arguments: Any) -> Any:
        return function(*arguments, **named)

    def _next(self, iterator: Any, size: int) -> tuple[list[Any], bool]:
        items: list[Any] = []
        for item in iterator:
            items.append(item)
            if len(items) >= size:
                return items, False
        return items, True

    def _get(self, value: Any, name: str) -> Any:
        return getattr(value, name)

    def _set(self, value: Any, name: str, new: Any) -> None:
        setattr(value, name, new)

    def _special(self, value: Any, name: str, *arguments: Any) -> Any:
        return getattr(type(value), name)(value, *arguments)

    def _share(self, names: list[str]) -> None:
        found = {name: self.space.get(name) for name in names}
        self.shared = {name: one for name, one in found.items() if isinstance(one, type)}

    def _isinstance(self, value: Any, kind: Any) -> bool:
        return isinstance(value, kind)

    def call_back(self, number: int, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        self._pipe.send(["callback", number, Writer(self).write((arguments, named))])
        while (message := self._pipe.receive())[0] not in ("ok", "raised"):
            self._pipe.send(self._done(*message))
        if message[0] == "ok":
            return Reader(self).read(message[1])
        known = getattr(builtins, message[1], None)
        is_error = isinstance(known, type) and issubclass(known, Exception)
        raise (known if is_error else RuntimeError)(message[2])  # type: ignore[misc]

    def lend(self, value: Any) -> list[Any]:
        if isinstance(value, Borrowed):
            return ["yours", value._number]
        self._lent[id(value)] = value
        kind = (
            "class" if isinstance(value, type)
            else "function" if isinstance(value, _FUNCTIONS)
            else "iterator" if hasattr(value, "__next__")
            else "object"
        )  # fmt: skip
        return ["mine", id(value), kind, getattr(value if kind == "class" else type(value), "__name__", "object")]

    def borrow(self, handle: list[Any]) -> Any:
        return self._lent[handle[1]] if handle[0] == "yours" else Borrowed(self, handle[1])
