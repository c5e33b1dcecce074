"""Comparisons as CSV, and a store's gaps and scores as Markdown."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.text import cell, escaped, points, span
from harness.types import Comparison
from harness.verdict.pairs import PairRow
from harness.verdict.policy import row_scores

if TYPE_CHECKING:
    from harness.verdict.store import Store


def comparisons_csv(gaps: Sequence[Comparison]) -> str:
    """One line a comparison, nested figures as columns of their own."""
    return _csv([_flat(one) for one in gaps])


def pairs_csv(rows: Sequence[PairRow]) -> str:
    return _csv([dataclasses.asdict(row) | _told(row) for row in rows])


def _told(row: PairRow | Comparison) -> dict[str, str]:
    """Reasons in a cell: their kinds, and their words."""
    return {"reasons": " | ".join(one.kind for one in row.reasons), "warnings": " | ".join(row.warnings)}


def _flat(one: Comparison) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for key, value in (dataclasses.asdict(one) | _told(one)).items():
        if key.startswith("ci_") and isinstance(value, tuple):
            record |= {f"{key}_low": value[0], f"{key}_high": value[1]}
        elif key == "waterfall":
            record |= {f"waterfall_{part}": points for part, points in value.items()}
        elif isinstance(value, tuple):
            record[key] = " | ".join(value)
        else:
            record[key] = json.dumps(value) if isinstance(value, dict) else value
    return record


def csv_table(header: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A CSV file that a spreadsheet shows and never computes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def _csv(records: Sequence[Mapping[str, Any]]) -> str:
    return csv_table(list(records[0]), (record.values() for record in records)) if records else ""


def markdown(store: Store) -> str:
    """The gap by dimension, and each system's score by task, as Markdown tables."""
    gaps = store.gap()
    level = f"simultaneous 95 % intervals over {len(gaps)} rows" if len(gaps) > 1 else "95 % interval"
    head = ["dimension", "closed system", "open system", "closed", "open", "gap", "interval", "n", "verdict"]
    rows = [
        [g.dimension, g.closed, g.open, *map(points, row_scores(g)), points(g.gap, sign=True),
         f"{span(*g.ci_simultaneous)}, {g.ci_method}", str(g.n), g.verdict]
        for g in gaps
    ]  # fmt: skip
    lines = [f"Gap = closed − open, in points; {level}; {gaps.openness}.", "", *_markdown_table(head, rows), ""]
    lines += [f"- {escaped(g.dimension)}: {escaped(warning)}" for g in gaps for warning in g.warnings]
    lines += [f"- {escaped(note)}" for note in gaps.notes]
    table = [
        [s.system, s.weights, s.task, s.metric, points(s.score), span(s.low, s.high), str(s.n), str(s.missing), points(s.unread), points(s.truncated)]
        for s in store.scores()
    ]  # fmt: skip
    lines += [
        "",
        *_markdown_table(
            ["system", "weights", "task", "metric", "score", "95 % interval", "n", "missing", "unread %", "cut off %"],
            table,
        ),
    ]
    return "\n".join(lines) + "\n"


def _markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [[escaped(cell) for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *cells)]
