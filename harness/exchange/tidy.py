"""Our own rows as a table: tidy CSV or Parquet, which :mod:`harness.exchange.tables` reads back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import StoreError
from harness.exchange.outgoing import Counting
from harness.text import HIDDEN_RE2, REPLACED

TIDY = (
    "s.system AS model, r.weights <> 'closed' AS open_weights, r.weights AS weights, "
    "s.task AS benchmark, s.task_version, s.dimension, s.item_id, s.cluster AS cluster_id, s.repeat, s.score, "
    "s.status, s.score_status, s.cost_usd, s.input_tokens, s.output_tokens, s.latency_s, s.published_on AS date, "
    "s.run_id, r.protocol AS protocol, r.provenance AS provenance"
)
TEXTS = ("model", "benchmark", "dimension", "item_id", "cluster_id", "date", "protocol")


def export_rows(results: Sequence[Counting], path: Path) -> int:
    """All rows that count, one an item and repeat, as tidy CSV or Parquet by the file's ending; returns how many.

    ``opengap import items`` reads them back. In CSV a text that a spreadsheet would run as a formula gets a leading
    apostrophe. StoreError if nothing can be read or written.
    """
    import duckdb

    runs = {one.run: one.receipt for one in results}
    facts = [(run.run_id, r.system.weights, r.protocol, r.provenance) for run, r in runs.items()]
    wanted = [(one.run.run_id, one.task) for one in results]
    is_csv = path.suffix == ".csv"
    clean = {
        name: f"regexp_replace(regexp_replace({name}, '\\s', ' ', 'g'), '{HIDDEN_RE2}', '{REPLACED}', 'g')"
        for name in TEXTS
    }
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
