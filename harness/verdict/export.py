"""Comparisons as CSV, and a store's gaps and scores as Markdown."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.types import Comparison
from harness.verdict.pairs import PairRow
from harness.verdict.policy import row_scores

if TYPE_CHECKING:
    from harness.verdict.store import Store

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters at which a spreadsheet takes a text for a formula."""
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Control characters and bidirectional overrides, which forge what a reader sees."""


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


def _csv(records: Sequence[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    if records:
        writer = csv.DictWriter(out, list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in record.items()} for record in records)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return ""
    if not isinstance(value, str):
        return value
    line = CONTROLS.sub(" ", value)
    return f"'{line}" if line.startswith(FORMULA) else line


def markdown(store: Store) -> str:
    """The gap by dimension, and each system's score by task, as Markdown tables."""
    gaps = store.gap()
    level = f"simultaneous 95 % intervals over {len(gaps)} rows" if len(gaps) > 1 else "95 % interval"
    head = ["dimension", "closed system", "open system", "closed", "open", "gap", "interval", "n", "verdict"]
    rows = [
        [g.dimension, g.closed, g.open, *map(_one, row_scores(g)), f"{g.gap:+.1f}",
         f"[{_one(g.ci_simultaneous[0])}, {_one(g.ci_simultaneous[1])}], {g.ci_method}", str(g.n), g.verdict]
        for g in gaps
    ]  # fmt: skip
    lines = [f"Gap = closed − open, in points; {level}; {gaps.openness}.", "", *_markdown_table(head, rows), ""]
    lines += [f"- {_plain(g.dimension)}: {_plain(warning)}" for g in gaps for warning in g.warnings]
    lines += [f"- {_plain(note)}" for note in gaps.notes]
    table = [
        [s.system, s.weights, s.task, s.metric, _one(s.score), f"[{_one(s.low)}, {_one(s.high)}]", str(s.n), str(s.missing), _one(s.unread), _one(s.truncated)]
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


def _one(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1f}"


def _markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [[_plain(cell) for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *cells)]


def _plain(text: str) -> str:
    """Text from outside as one line that Markdown shows as it is."""
    line = " ".join(CONTROLS.sub(" ", text).split())
    return re.sub(r"([\\`*_\[\]<>|!#])", r"\\\1", line)
