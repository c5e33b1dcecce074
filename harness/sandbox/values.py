"""Values as data: how arguments and results cross between the trusted process and the candidate's.

A value is JSON: null, true, numbers and strings stand for themselves, everything else is ``[tag, …]``. Containers go by
name (list, tuple, set, Counter, defaultdict, deque, namedtuple …). What is no data (functions, instances, iterators) stays
where it lives, and a handle crosses in its place. Reading builds values of exactly these types and never runs code that the
other side chose; a subclass of str or int arrives as plain str or int, so that its ``__eq__`` stays at home.
"""

from __future__ import annotations

import builtins
import collections
import datetime as dt
import decimal
import fractions
import functools
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

MESSAGE_BYTES = 8 << 20
DEPTH = 150


class CannotCarry(Exception):
    """A value that is too large, too deep, cyclic, or of a kind that does not cross."""


class End(Protocol):
    """One end of the pipe, as far as values are concerned."""

    shared: Mapping[str, type]
    """Classes that both sides define: their instances cross by their attributes."""

    def lend(self, value: Any) -> list[Any]:
        """A handle for what is no data; CannotCarry where this end lends nothing of the kind."""

    def borrow(self, handle: list[Any]) -> Any:
        """What stands here for a handle of the other end, or the thing itself if it is this end's own."""


_TYPES: dict[str, type] = {
    one.__name__: one
    for one in (
        int, float, str, bool, complex, bytes, bytearray, list, tuple, dict, set, frozenset, object, type(None), range, slice,
        type, collections.Counter, collections.defaultdict, collections.OrderedDict, collections.deque, decimal.Decimal,
        fractions.Fraction, dt.date, dt.datetime, dt.time, dt.timedelta,
    )
}  # fmt: skip
_TYPES |= {
    name: one for name, one in vars(builtins).items() if isinstance(one, type) and issubclass(one, BaseException)
}
_NAMES = {one: name for name, one in _TYPES.items()}
_VIEWS: dict[type, str] = {type({}.keys()): "keys", type({}.values()): "values", type({}.items()): "items"}
_SEQUENCES: dict[type, str] = {list: "list", tuple: "tuple", set: "set", frozenset: "frozenset", **_VIEWS}
_FACTORIES = (list, dict, set, tuple, int, float, str, bool, bytes, complex, collections.Counter)


class Writer:
    """Turns one message's values into JSON-able data."""

    def __init__(self, end: End) -> None:
        self._end = end
        self._path: set[int] = set()

    def write(self, value: Any) -> Any:
        """Raises CannotCarry."""
        kind = type(value)
        if value is None or kind in (bool, str, float):
            return value
        if kind is int:
            return value if -(2**53) < value < 2**53 else ["int", hex(value)]
        if len(self._path) > DEPTH:
            raise CannotCarry("nested too deeply")
        if id(value) in self._path:
            raise CannotCarry("it contains itself")
        self._path.add(id(value))
        try:
            return self._tagged(value, kind)
        finally:
            self._path.discard(id(value))

    def _tagged(self, value: Any, kind: type) -> list[Any]:
        if kind in _SEQUENCES:
            return [_SEQUENCES[kind], [self.write(one) for one in value]]
        if kind in (dict, collections.OrderedDict, collections.Counter):
            return [kind.__name__, self._pairs(value)]
        if kind is collections.defaultdict:
            made_by = value.default_factory
            return ["defaultdict", made_by.__name__ if made_by in _FACTORIES else None, self._pairs(value)]
        if kind is collections.deque:
            return ["deque", value.maxlen, [self.write(one) for one in value]]
        if kind in _SCALARS:
            return [kind.__name__, *_SCALARS[kind](value)]
        if isinstance(value, type) and _NAMES.get(value) is not None:
            return ["type", _NAMES[value]]
        if kind.__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", None) == 0:
            return self._wrapped(value.item())
        if isinstance(value, tuple) and isinstance(fields := getattr(kind, "_fields", None), tuple):
            return ["namedtuple", kind.__name__, list(fields), [self.write(one) for one in value]]
        if kind in _NAMES and isinstance(value, BaseException):
            return ["exception", _NAMES[kind], [self.write(one) for one in value.args]]
        if self._end.shared.get(kind.__name__) is kind:
            return ["object", kind.__name__, self._pairs(attributes(value))]
        for base, method in _BASES:
            if isinstance(value, base):
                return self._wrapped(method(value))
        return self._end.lend(value)

    def _wrapped(self, value: Any) -> list[Any]:
        return ["plain", self.write(value)]

    def _pairs(self, value: Mapping[Any, Any]) -> list[Any]:
        return [[self.write(key), self.write(one)] for key, one in value.items()]


def attributes(value: Any) -> dict[str, Any]:
    """What an instance holds, in ``__dict__`` and in slots."""
    held = dict(getattr(value, "__dict__", {}))
    for one in type(value).__mro__:
        slots = one.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                held[name] = getattr(value, name)
    return held


_SCALARS: dict[type, Callable[[Any], list[Any]]] = {
    bytes: lambda value: [value.hex()],
    bytearray: lambda value: [value.hex()],
    complex: lambda value: [value.real, value.imag],
    range: lambda value: [hex(value.start), hex(value.stop), hex(value.step)],
    decimal.Decimal: lambda value: [str(value)],
    fractions.Fraction: lambda value: [hex(value.numerator), hex(value.denominator)],
    dt.timedelta: lambda value: [value.days, value.seconds, value.microseconds],
    dt.date: lambda value: [value.isoformat()],
    dt.time: lambda value: [value.isoformat()],
    dt.datetime: lambda value: [value.isoformat()],
}
# Methods of the base class itself: what a subclass makes of them does not count.
_BASES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (bytes, lambda value: bytes(memoryview(value))),
)


class Reader:
    """Turns data from the other side into values. Raises CannotCarry for what no writer of ours would have written."""

    def __init__(self, end: End) -> None:
        self._end = end
        self._depth = 0

    def read(self, data: Any) -> Any:
        if not isinstance(data, list):
            if isinstance(data, dict):
                raise CannotCarry("malformed")
            return data
        self._depth += 1
        if self._depth > DEPTH + 10:
            raise CannotCarry("nested too deeply")
        try:
            return _READERS[data[0]](self, *data[1:])
        except CannotCarry:
            raise
        except Exception as error:  # whatever is wrong with it, it is the other side's malformed data
            raise CannotCarry(f"malformed ({type(error).__name__})") from None
        finally:
            self._depth -= 1

    def many(self, data: list[Any]) -> list[Any]:
        if not isinstance(data, list):
            raise CannotCarry("malformed")
        return [self.read(one) for one in data]

    def pairs(self, data: list[Any]) -> dict[Any, Any]:
        return {self.read(key): self.read(value) for key, value in data}

    def default(self, factory: str | None, data: list[Any]) -> Any:
        made_by = next((one for one in _FACTORIES if one.__name__ == factory), None)
        return collections.defaultdict(made_by, self.pairs(data))

    def named(self, name: str, fields: list[str], data: list[Any]) -> Any:
        return _named_tuple(name, tuple(fields))(*self.many(data))

    def exception(self, name: str, data: list[Any]) -> BaseException:
        found = _TYPES[name]
        if not issubclass(found, BaseException):
            raise CannotCarry("malformed")
        return found(*self.many(data))

    def instance(self, name: str, data: list[Any]) -> Any:
        """An instance of a class that is defined here too. Attributes only: what the class defines stays as it is."""
        known: Any = self._end.shared[name]
        made = known.__new__(known)
        for key, value in self.pairs(data).items():
            if callable(getattr(known, key, None)) or str(key).startswith("__"):
                raise CannotCarry(f"an instance of {name} whose {key} is not the class's own")
            object.__setattr__(made, key, value)
        return made

    def handle(self, *data: Any) -> Any:
        return self._end.borrow(list(data))


@functools.lru_cache(maxsize=256)
def _named_tuple(name: str, fields: tuple[str, ...]) -> Any:
    if len(fields) > 100:
        raise CannotCarry("a named tuple of more than 100 fields")
    return collections.namedtuple(name, fields)


def _whole(text: str) -> int:
    return int(text, 16)


_READERS: dict[str, Callable[..., Any]] = {
    "int": lambda _, text: _whole(text),
    "plain": lambda reader, data: reader.read(data),
    "list": Reader.many,
    "tuple": lambda reader, data: tuple(reader.many(data)),
    "set": lambda reader, data: set(reader.many(data)),
    "frozenset": lambda reader, data: frozenset(reader.many(data)),
    "keys": lambda reader, data: dict.fromkeys(reader.many(data)).keys(),
    "values": lambda reader, data: dict(enumerate(reader.many(data))).values(),
    "items": lambda reader, data: dict(reader.many(data)).items(),
    "dict": Reader.pairs,
    "OrderedDict": lambda reader, data: collections.OrderedDict(reader.pairs(data)),
    "Counter": lambda reader, data: collections.Counter(reader.pairs(data)),
    "defaultdict": Reader.default,
    "deque": lambda reader, length, data: collections.deque(reader.many(data), length),
    "namedtuple": Reader.named,
    "bytes": lambda _, text: bytes.fromhex(text),
    "bytearray": lambda _, text: bytearray.fromhex(text),
    "complex": lambda _, real, imaginary: complex(float(real), float(imaginary)),
    "range": lambda _, *bounds: range(*map(_whole, bounds)),
    "Decimal": lambda _, text: decimal.Decimal(text),
    "Fraction": lambda _, above, below: fractions.Fraction(_whole(above), _whole(below)),
    "timedelta": lambda _, days, seconds, micros: dt.timedelta(days, seconds, micros),
    "date": lambda _, text: dt.date.fromisoformat(text),
    "time": lambda _, text: dt.time.fromisoformat(text),
    "datetime": lambda _, text: dt.datetime.fromisoformat(text),
    "type": lambda _, name: _TYPES[name],
    "exception": Reader.exception,
    "object": Reader.instance,
    "mine": lambda reader, *data: reader.handle("mine", *data),
    "yours": lambda reader, *data: reader.handle("yours", *data),
}


def dumps(message: Any) -> bytes:
    """A message's bytes; CannotCarry above the size that a pipe takes."""
    text = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(text) > MESSAGE_BYTES:
        raise CannotCarry(f"larger than {MESSAGE_BYTES >> 20} MB")
    return text


def replace_contents(old: Any, new: Any) -> Any:
    """Put ``new``'s contents into the very object ``old`` where their types agree; returns what is to stand there."""
    if type(old) is not type(new) or old is new:
        return new
    if isinstance(old, (list, collections.deque)):
        merged = [replace_contents(*pair) for pair in zip(old, new, strict=False)]
        rest = list(itertools.islice(new, len(merged), None))
        old.clear()
        old.extend([*merged, *rest])
    elif isinstance(old, dict):
        merged_pairs = {key: replace_contents(old[key], value) if key in old else value for key, value in new.items()}
        dict.clear(old)
        dict.update(old, merged_pairs)
    elif isinstance(old, set):
        old.clear()
        old.update(new)
    elif isinstance(old, bytearray):
        old[:] = new
    elif isinstance(old, tuple):
        return tuple(replace_contents(*pair) for pair in zip(old, new, strict=True)) if len(old) == len(new) else new
    elif hasattr(old, "__dict__") and not isinstance(old, type) and not callable(old):
        held = attributes(new)
        for key, value in held.items():
            object.__setattr__(old, key, replace_contents(getattr(old, key, None), value))
    else:
        return new
    return old
