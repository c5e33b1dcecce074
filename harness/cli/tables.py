"""Plain-text tables and paragraphs for a terminal. Whatever came from outside is made inert first."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from harness.text import inert

WIDTH = 80


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Columns two spaces apart; those whose index is in ``right`` are set right. Cells are made inert."""
    cells = [[inert(str(cell)) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = []
    for row in cells:
        parts = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def wrapped(line: str, indent: str = "  ") -> list[str]:
    """A line as lines of at most 80 columns, made inert; those that go on stand two columns further right."""
    return textwrap.wrap(
        inert(line), WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )
