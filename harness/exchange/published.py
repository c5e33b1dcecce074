"""Tables of published scores: tidy CSV, and the downloads of Epoch AI's benchmarking hub."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, StoreError, UnknownName, UsageError
from harness.exchange import numbers
from harness.exchange.documents import existing
from harness.exchange.openness import WORDS, level_of
from harness.rows import read_table
from harness.types import PublishedScore, WeightsLevel

NAMES: Mapping[str, tuple[str, ...]] = {
    "series": ("series", "benchmark"),
    "model": ("model", "Model version", "Model"),
    "value": ("value", "score", "mean_score", "Best score (across scorers)"),
    "unit": ("unit", "score_unit"),
    "date": ("release_date", "Release date", "date"),
    "n": ("n", "n_items"),
    "weights": ("weights", "open_weights", "Model accessibility"),
    "source": ("source", "source_repo", "Source link", "Source"),
    "developer": ("developer", "Organization"),
    "se": ("se", "stderr"),
    "low": ("low", "score_lo"),
    "high": ("high", "score_hi"),
    "higher_is_better": ("higher_is_better",),
    "source_date": ("source_date", "source_commit_date"),
}
"""Our name of a column, and what files call it, in order of preference."""
Z_95 = 1.959964
ACCESS: Mapping[str, WeightsLevel] = {
    "open weights (unrestricted)": "open_weights",
    "open weights (restricted use)": "restricted",
    "open weights (non-commercial)": "restricted",
    "api access": "closed",
    "hosted access (no api)": "closed",
    "unreleased": "closed",
}
"""Epoch's words. An unreleased model has no weights that anybody could get."""


def read_published_table(
    path: Path, *, series: str | None, unit: str | None, source: str | None, columns: Mapping[str, str]
) -> tuple[list[PublishedScore], list[str]]:
    """Published scores, units as they are, and notes. ``date`` is the model's release where the file has one.

    ``series``, ``unit`` and ``source`` stand for columns that the file lacks. Raises UsageError, UnknownName (columns),
    DataUnavailable (a value that is no number).
    """
    table = read_table(existing(path))
    if not table.rows:
        raise DataUnavailable(f"{path.name} holds no rows")
    there = table.columns
    for new, old in columns.items():
        if new not in NAMES:
            raise UnknownName("column to map to", new, NAMES, hint="(--map new=old)")
        if old not in there:
            raise UnknownName("column", old, there, hint=f"(in {path.name})")
    at = {
        new: columns.get(new) or next((name for name in names if name in there), None) for new, names in NAMES.items()
    }
    given = {"series": series, "unit": unit, "source": source}
    absent = [
        name for name in ("series", "model", "value", "unit", "source") if at[name] is None and not given.get(name)
    ]
    if absent:
        told = ", ".join(f"--{name} TEXT" if name in given else f"--map {name}=COLUMN" for name in absent)
        raise UsageError(
            f"{path.name} has no column for {', '.join(absent)} (it has {', '.join(map(str, there))}): give {told}"
        )
    notes = [
        *table.notes,
        *([f"the score is the column {at['value']!r}"] if at["value"] == "Best score (across scorers)" else []),
    ]
    cells = [{name: _text(row.get(column)) if column else "" for name, column in at.items()} for row in table.rows]
    kept = [number for number, cell in enumerate(cells) if cell["value"] and cell["model"]]
    read = {
        name: _numbers([cells[n][name] for n in kept], lambda i: table.place(kept[i]), word) for name, word in NUMBERS
    }
    found = [
        _score(cells[n], {name: read[name][i] for name, _ in NUMBERS}, given, table.place(n))
        for i, n in enumerate(kept)
    ]
    if at["se"] is None and at["low"] and at["high"]:
        notes.append(f"{at['low']!r} and {at['high']!r} are read as the ends of a 95 % interval")
    if len(kept) < len(cells):
        notes.append(f"{len(cells) - len(kept)} rows without a model or a score were skipped")
    notes += _units(found) + _beyond(found, read)
    found, by_catalogue = _sides(found)
    if by_catalogue:
        notes.append(
            f"{by_catalogue} scores whose model the table calls neither open nor closed: the catalogue knows it"
        )
    if open_unknown := sum(one.weights is None for one in found):
        notes.append(f"of {open_unknown} scores it is not known whether the model is open; they count on neither side")
    return found, notes


NUMBERS = (("value", "score"), ("n", "n"), ("se", "standard error"), ("low", "lower end"), ("high", "upper end"))


def _text(value: Any) -> str:
    return "" if numbers.empty(value) else str(value).strip()


def _numbers(cells: list[str], place: Callable[[int], str], word: str) -> list[float | None]:
    """Finite numbers in the unit of the table: a percent sign says nothing that the unit does not."""
    found, signed = numbers.column(cells, place, f"the {word}")
    return [None if one is None else 100 * one for one in found] if signed else found


def _score(
    cell: Mapping[str, str], number: Mapping[str, float | None], given: Mapping[str, str | None], place: str
) -> PublishedScore:
    se, low, high, n = (number[name] for name in ("se", "low", "high", "n"))
    if se is None and low is not None and high is not None:
        se = (high - low) / (2 * Z_95)
    if se is not None and se < 0:
        raise DataUnavailable(f"{place}: a standard error of {se} (or an interval that ends below its start)")
    value = number["value"]
    if value is None:
        raise DataUnavailable(f"{place}: the score {cell['value']!r} is no number")
    return PublishedScore(
        series=given["series"] or cell["series"], model=cell["model"], value=value, unit=given["unit"] or cell["unit"],
        source=given["source"] or cell["source"], date=cell["date"] or None, weights=_level(cell["weights"]),
        n=None if n is None else int(n), developer=cell["developer"], se=se,
        lower_is_better=cell["higher_is_better"].lower() in ("false", "0", "no"), source_date=cell["source_date"] or None,
    )  # fmt: skip


def _beyond(found: list[PublishedScore], read: Mapping[str, list[float | None]]) -> list[str]:
    """A line where a score or its interval leaves the range of its unit."""
    wrong = []
    for one, low, high in zip(found, read["low"], read["high"], strict=True):
        most = 100 if one.unit.lower().startswith("percent") else 1 if one.unit.lower() == "fraction" else None
        numbers_ = [number for number in (low, one.value, high) if number is not None]
        if most is not None and (min(numbers_) < 0 or max(numbers_) > most):
            wrong.append(f"{one.model} in {one.series} ({min(numbers_):g} to {max(numbers_):g}, beyond 0 to {most})")
    return (
        [f"{len(wrong)} scores or their intervals lie outside of what the unit allows, as {wrong[0]}"] if wrong else []
    )


def _sides(found: list[PublishedScore]) -> tuple[list[PublishedScore], int]:
    """The catalogue's word where the table has none, and for how many scores it was taken."""
    known = {
        key: level_of(*key) for key in dict.fromkeys((one.model, one.developer) for one in found if one.weights is None)
    }
    taken = [
        dataclasses.replace(one, weights=known[one.model, one.developer]) if one.weights is None else one
        for one in found
    ]
    return taken, sum(new.weights != old.weights for new, old in zip(taken, found, strict=True))


def _units(found: list[PublishedScore]) -> list[str]:
    """Series that hold more than one unit, which are kept apart."""
    units: dict[str, Counter[str]] = {}
    for one in found:
        units.setdefault(one.series, Counter())[one.unit] += 1
    return [
        f"{name}: several units, never mixed: {', '.join(map(repr, counts))}"
        for name, counts in units.items()
        if len(counts) > 1
    ]


def _level(text: str) -> WeightsLevel | None:
    return ACCESS.get(text.lower()) or WORDS.get(text.lower())


def write_published(store: Path, scores: list[PublishedScore]) -> tuple[Path, bool]:
    """Write them as one immutable file, and say whether it is new. StoreError if the store cannot be written."""
    import msgspec
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [
            (name, pa.string())
            for name in ("series", "model", "unit", "source", "date", "weights", "developer", "source_date")
        ]
        + [("value", pa.float64()), ("se", pa.float64()), ("n", pa.int64()), ("lower_is_better", pa.bool_())]
    )
    rows: list[dict[str, Any]] = [msgspec.to_builtins(one) for one in scores]
    digest = hashlib.sha256(msgspec.json.encode(scores)).hexdigest()[:12]
    folder = store / "published"
    newest = sorted(folder.glob("*.parquet"))
    if newest and newest[-1].stem.endswith(digest):
        return newest[-1], False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%fZ}-{digest}.parquet"
        part = path.with_suffix(".part")
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), part, compression="zstd")
        part.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {folder}: {error}") from error
    return path, True
