"""The numbers as files: CSV for spreadsheets, JSON for programs and for the next report."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.report.facts import Facts
from harness.report.text import inert
from harness.types import Comparison

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:
    """A value that a spreadsheet shows and never computes: text from outside that looks like a formula is quoted."""
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(round(value, 6))
    if isinstance(value, int):
        return value
    text = inert(value if isinstance(value, str) else msgspec.json.encode(value).decode())
    return f"'{text}" if text.startswith(FORMULA) else text


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8", "replace")


def tables(facts: Facts) -> dict[str, bytes]:
    """File name -> content: gaps by dimension and by task, scores, and the items behind them (no text)."""
    names = [field.name for field in dataclasses.fields(Comparison)]
    files = {}
    for file, gaps in (("gaps.csv", facts.gaps), ("gaps_by_task.csv", facts.tasks)):
        files[file] = table(names, ([getattr(one, name) for name in names] for one in gaps))
    fields = [field.name for field in dataclasses.fields(facts.scores[0])]
    files["scores.csv"] = table(fields, ([getattr(one, name) for name in fields] for one in facts.scores))
    columns = ["run_id", "system", "task", "item_id", "repeat", "status", "score_status", "score", "cost_usd"]
    rows = facts.answers.sort_values(columns[:5], kind="stable")[columns]
    files["items.csv"] = table(columns, rows.astype(object).where(rows.notna(), None).itertuples(index=False, name=None))
    return files


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """What a later report remembers of a gap."""

    dimension: str
    closed: str
    open: str
    gap: float | None
    low: float | None
    high: float | None
    verdict: str
    runs: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """The gaps of a report, and those of the one before it."""

    rows: tuple[Row, ...]
    before: tuple[Row, ...] = ()


def remember(facts: Facts, path: Path) -> Memory:
    """This report's gaps with those of the last different report in the same folder, which is read from ``path``.

    A report that is made again of the same runs keeps its predecessor, so that it comes out the same.
    """
    rows = tuple(
        Row(
            one.dimension, one.closed, one.open, _known(one.gap), _known(one.ci_simultaneous[0]),
            _known(one.ci_simultaneous[1]), one.verdict, one.runs,
        )
        for one in facts.rows
    )  # fmt: skip
    try:
        last = msgspec.json.decode(path.read_bytes(), type=Memory)
    except (OSError, msgspec.DecodeError):
        return Memory(rows)
    same = [(one.dimension, one.runs) for one in last.rows] == [(one.dimension, one.runs) for one in rows]
    return Memory(rows, last.before if same else last.rows)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
