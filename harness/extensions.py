"""What other distributions bring: objects behind Python's entry points, found by group and name, loaded when one is wanted.

[project.entry-points."opengap.models"]
parrot = "opengap_parrot:ADAPTER"
"""

from __future__ import annotations

import functools
import importlib
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from harness.errors import UsageError

T = TypeVar("T")


@functools.cache
def _entries(group: str) -> dict[str, EntryPoint]:
    return {one.name: one for one in entry_points(group=group)}


def names(group: str) -> list[str]:
    """Names that installed distributions have in a group. Looks through all of them, so it is asked last."""
    return sorted(_entries(group))


def load(group: str, name: str, kind: type[T]) -> T:
    """The object behind a name of :func:`names`. UsageError names the distribution whose code fails, or is of another kind."""
    entry = _entries(group)[name]
    origin = f"{name!r} in the group {group}, from {entry.dist.name if entry.dist else 'an unknown distribution'}"
    try:
        found = entry.load()
    except Exception as error:  # somebody else's program, which may fail in any way
        raise UsageError(f"{origin}: cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(found, kind):
        raise UsageError(f"{origin}: {entry.value} is a {type(found).__name__}, and has to be a {kind.__name__}")
    return found


def resolve(reference: str) -> Any:
    """The object that ``module:name`` means, its module imported now."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
