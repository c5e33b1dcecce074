"""What leaves the store as a table: comparisons and rows as CSV, Parquet and Markdown."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import StoreError
from harness.types import Comparison
from harness.verdict.pairs import PairRow
from harness.verdict.policy import row_scores

if TYPE_CHECKING:
    from harness.verdict.store import Store

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters at which a spreadsheet takes a text for a formula."""
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Control characters and bidirectional overrides, which forge what a reader sees."""
TIDY = (
    "s.system AS model, r.weights <> 'closed' AS open_weights, r.weights AS weights, "
    "s.task AS benchmark, s.task_version, s.dimension, s.item_id, s.cluster AS cluster_id, s.repeat, s.score, "
    "s.status, s.score_status, s.cost_usd, s.input_tokens, s.output_tokens, s.latency_s, s.published_on AS date, "
    "s.run_id, r.protocol AS protocol, r.provenance AS provenance"
)
TEXTS = ("model", "benchmark", "dimension", "item_id", "cluster_id", "date", "protocol")


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


def export_rows(store: Store, path: Path) -> int:
    """All rows that count, one an item and repeat, as tidy CSV or Parquet by the file's ending; returns how many.

    ``opengap import items`` reads them back. In CSV a text that a spreadsheet would run as a formula gets a leading
    apostrophe. StoreError if nothing can be read or written.
    """
    import duckdb

    evidence, _ = store.evidence()
    runs = {one.run: one.receipt for one in evidence}
    if not runs:
        raise StoreError(f"the store {store.path} has no sealed runs to export")
    facts = [(run.run_id, r.system.weights, r.protocol, r.provenance) for run, r in runs.items()]
    wanted = [(one.run.run_id, one.task) for one in evidence]
    is_csv = path.suffix == ".csv"
    hidden = "[\\x00-\\x1f\\x7f-\\x{9f}\\x{200b}-\\x{200f}\\x{202a}-\\x{202e}\\x{2060}-\\x{206f}\\x{feff}]"
    clean = {name: f"regexp_replace({name}, '{hidden}', ' ', 'g')" for name in TEXTS}
    safe = [
        f"CASE WHEN regexp_matches({text}, '^[=+@-]') THEN '''' || {text} ELSE {text} END AS {name}"
        for name, text in clean.items()
    ]
    outer = f"* REPLACE ({', '.join(safe)})" if is_csv else "*"
    with duckdb.connect() as connection:
        try:
            connection.execute("CREATE TABLE r (run_id TEXT, weights TEXT, protocol TEXT, provenance TEXT)")
            connection.executemany("INSERT INTO r VALUES (?, ?, ?, ?)", facts)
            connection.execute("CREATE TABLE w (run_id TEXT, task TEXT)")
            connection.executemany("INSERT INTO w VALUES (?, ?)", wanted)
            connection.execute("SET threads = 2")
            query = (
                f"SELECT {outer} FROM (SELECT {TIDY} FROM read_parquet($paths, union_by_name=true) s "
                "JOIN r USING (run_id) JOIN w USING (run_id, task) ORDER BY benchmark, model, item_id, repeat)"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            form = "FORMAT csv, HEADER" if is_csv else "FORMAT parquet, COMPRESSION zstd"
            target = str(path).replace("'", "''")
            paths = [str(run.scores) for run in runs]
            row = connection.execute(f"COPY ({query}) TO '{target}' ({form})", {"paths": paths}).fetchone()
        except (duckdb.Error, OSError) as error:
            raise StoreError(f"cannot export to {path}: {str(error).splitlines()[0]}") from error
    return int(row[0]) if row else 0


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
        [s.system, s.weights, s.task, s.metric, _one(s.score), f"[{_one(s.low)}, {_one(s.high)}]", str(s.n), str(s.missing)]
        for s in store.scores()
    ]  # fmt: skip
    lines += [
        "",
        *_markdown_table(["system", "weights", "task", "metric", "score", "95 % interval", "n", "missing"], table),
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
