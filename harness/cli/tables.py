"""Plain-text tables and numbers for a terminal. Whatever came from outside is made inert first."""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Sequence

WIDTH = 80


def inert(text: str) -> str:
    """``text`` without control characters and bidirectional overrides, which could forge what a terminal shows."""
    return "".join("�" if unicodedata.category(char) in ("Cc", "Cf", "Cs") else char for char in text)


def shorten(text: str, width: int) -> str:
    """At most ``width`` characters; what is cut is replaced by an ellipsis in the middle, so both ends stay."""
    if len(text) <= width:
        return text
    left = (width - 1) * 2 // 3
    return text[:left] + "…" + text[len(text) - (width - 1 - left) :]


def points(value: float | None, sign: bool = False) -> str:
    """One decimal; ``–`` where there is no number."""
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:+.1f}" if sign else f"{value:.1f}"
    return "0.0" if text == "-0.0" else text


def span(low: float, high: float) -> str:
    """An interval in points; one without a width, or without bounds, tells nothing and is not shown as one."""
    if low == high or math.isnan(low) or math.isnan(high):
        return "–"
    return f"[{points(low)}, {points(high)}]"


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
