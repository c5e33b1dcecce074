"""What is asked, as one object: the command line, Python and studies build it and pass it on whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness import address
from harness.errors import UsageError
from harness.types import System


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which systems are asked what, in which words, how often. Everything here is part of the plans.

    Raises: UsageError for numbers that make no sense, or more than one of suite, tasks and items.
    """

    models: tuple[str, ...]
    """Addresses, in the user's order."""
    weights: tuple[str, ...] = ()
    """Openness of models that the catalogue does not know: once for all, or once for each."""
    suite: str | None = None
    tasks: tuple[str, ...] = ()
    items: Path | None = None
    """A file of own questions."""
    scorer: str = "exact"
    """How own questions are scored."""
    protocol: str = "matched"
    limit: int | None = None
    """Items of each task, always the same ones."""
    repeats: int = 1
    seed: int = 0
    """Of the order in which items are asked."""
    data: str | None = None
    """Folder with local copies of the tasks' data."""

    def __post_init__(self) -> None:
        if self.repeats < 1 or (self.limit is not None and self.limit < 1):
            raise UsageError("--repeats and --limit must be at least 1")
        named = (("--suite", self.suite), ("--task", self.tasks), ("--items", self.items))
        given = [name for name, value in named if value]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} exclude each other")
        if self.items is None and self.scorer != "exact":
            raise UsageError("--scorer belongs to --items; a task brings its own")

    def systems(self) -> list[System]:
        """The systems behind the addresses. UnknownName, UsageError."""
        return address.resolve_all(self.models, self.weights)
