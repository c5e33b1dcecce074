"""Scores that others published: read from the store, never paired with items.

<store>/published/<time>-<hash>.parquet    one file an import; of each series the newest import counts
"""

from __future__ import annotations

from pathlib import Path

from harness.errors import StoreError, UnknownName
from harness.types import PublishedScore, WeightsLevel


def read_published(store: Path, series: str | None = None) -> list[PublishedScore]:
    """Published scores of one series or all, sorted by series, date and model; units as published.

    StoreError if a file cannot be read, UnknownName for a series that the store does not have.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: dict[str, list[dict[str, object]]] = {}
    for path in sorted((store / "published").glob("*.parquet")):
        try:
            loaded = pq.read_table(path).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"cannot read {path}: {str(error).splitlines()[0]}") from error
        fresh: dict[str, list[dict[str, object]]] = {}
        for row in loaded:
            fresh.setdefault(str(row["series"]), []).append(row)
        rows.update(fresh)
    if series is not None:
        if series not in rows:
            raise UnknownName("series", series, rows, hint="(of published scores in this store)")
        rows = {series: rows[series]}
    found = [_score(row) for part in rows.values() for row in part]
    return sorted(found, key=lambda one: (one.series, one.date or "", one.model))


def _score(row: dict[str, object]) -> PublishedScore:
    weights: WeightsLevel | None = row["weights"]  # type: ignore[assignment]
    n, se = row["n"], row.get("se")
    return PublishedScore(
        series=str(row["series"]), model=str(row["model"]), value=float(str(row["value"])), unit=str(row["unit"]),
        source=str(row["source"]), date=None if row["date"] is None else str(row["date"]),
        n=None if n is None else int(str(n)), weights=weights, developer=str(row.get("developer") or ""),
        se=None if se is None else float(str(se)), lower_is_better=bool(row.get("lower_is_better")),
        source_date=None if row.get("source_date") is None else str(row["source_date"]),
    )  # fmt: skip
