"""Scores that others published: read from the store, never paired with items.

<store>/published/<time>-<hash>.parquet    one file an import; of each series the newest import counts
"""

from __future__ import annotations

from pathlib import Path

from harness.errors import StoreError, UnknownName
from harness.types import PublishedScore, WeightsLevel


def read_published(store: Path, series: str | None = None, problems: list[str] | None = None) -> list[PublishedScore]:
    """Published scores of one series or all, sorted by series, date and model; units as published.

    A file that cannot be read is a line in ``problems``, where that is given, else a StoreError. UnknownName for a series
    that the store does not have.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    found: dict[str, list[PublishedScore]] = {}
    for path in sorted((store / "published").glob("*.parquet")):
        try:
            scores = [_score(row) for row in pq.read_table(path).to_pylist()]
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
            line = f"published/{path.name} is no table of published scores ({type(error).__name__})"
            if problems is None:
                raise StoreError(f"{line}; move it away") from error
            problems.append(f"{line} and is passed over")
            continue
        fresh: dict[str, list[PublishedScore]] = {}
        for one in scores:
            fresh.setdefault(one.series, []).append(one)
        found.update(fresh)
    if series is not None and series not in found:
        raise UnknownName("series", series, found, hint="(of published scores in this store)")
    chosen = found.values() if series is None else [found[series]]
    return sorted((one for part in chosen for one in part), key=lambda one: (one.series, one.date or "", one.model))


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
