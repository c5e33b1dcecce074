"""One figure of the benchmark table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure with its unit and what it is held against: a bound, or a peer measured in the same run."""

    what: str
    value: float
    unit: str
    against: str = ""

    def row(self) -> list[str]:
        number = f"{self.value:,.0f}" if abs(self.value) >= 100 else f"{self.value:.2f}"
        return [self.what, number, self.unit, self.against]
