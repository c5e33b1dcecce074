"""``make bench``: print the benchmark table. Names of parts as arguments; ``--no-peers`` leaves other harnesses out."""

from __future__ import annotations

import importlib
import sys

from harness.cli.tables import table
from tests.perf.measured import Measured

PARTS = ("engine", "gap", "reading", "report", "exchange", "sandbox")


def main(arguments: list[str]) -> None:
    chosen = [name for name in arguments if not name.startswith("-")] or list(PARTS)
    rows: list[Measured] = []
    for name in chosen:
        module = importlib.import_module(f"tests.perf.{name}")
        found = (
            module.measure(peers="--no-peers" not in arguments) if name in ("engine", "sandbox") else module.measure()
        )
        rows += [one if isinstance(one, Measured) else Measured(*one) for one in found]
    print(table(["what", "measured", "unit", "against"], [row.row() for row in rows], right=[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
