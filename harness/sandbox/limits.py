"""What a program may use, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Ending = Literal["exited", "signal", "cpu", "wall", "disk", "threads"]
"""How a program ended: by itself, by a signal, or at one of its limits."""

WALL_FACTOR, WALL_AT_LEAST_S = 6.0, 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one program. Only CPU time decides a score; wall-clock time is a lax backstop for programs that sleep."""

    cpu_s: float = 10.0
    memory_mb: int = 1024
    """Address space, libraries included."""
    file_mb: int = 16
    """Each file and each of the two outputs."""
    disk_mb: int = 64
    """All files together."""
    files: int = 1000
    threads: int = 64

    @property
    def wall_s(self) -> float:
        return max(WALL_AT_LEAST_S, WALL_FACTOR * self.cpu_s)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "wall_s": self.wall_s}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to a program. ``code`` is its exit code, or the number of the signal that ended it."""

    ending: Ending
    code: int
    stdout: bytes
    stderr: bytes
    cpu_s: float
    wall_s: float
    memory_mb: float
    level: str
    refused: Mapping[str, int] = field(default_factory=dict)
    """System calls that the program was refused, and how often; only of a program that was watched."""

    @property
    def ok(self) -> bool:
        return self.ending == "exited" and self.code == 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the tests passed, why not, and at which level of confinement that was found."""

    passed: bool
    reason: str = ""
    level: str = ""
    wrote_back: bool = False
    """Whether the program changed an argument, and the test went on with the changed one."""
