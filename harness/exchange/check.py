"""Do imported rows agree with the mean that was published for the same model?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from harness.errors import DataUnavailable, UnknownName, UsageError
from harness.exchange.sealing import Imported, mean_score
from harness.rows import read_rows

TOLERANCE_POINTS = 0.5


def published_means(path: Path, series: str | None) -> dict[str, set[float]]:
    """Published means by exact model name, in points. UsageError, UnknownName where file, series or unit do not fit."""
    if not path.is_file():
        raise UsageError(f"the file {str(path)!r} (--published) does not exist")
    rows = read_rows(path)
    named = [(str(row.get("benchmark") or row.get("series") or ""), row) for row in rows]
    known = {name for name, _ in named if name}
    if not known:
        raise DataUnavailable(f"{path.name} has no column benchmark or series")
    if series is None:
        raise UsageError("--published needs --series, the name of the series in that file that the rows belong to")
    if series not in known:
        raise UnknownName("series", series, known, hint=f"(in {path.name})")
    found: dict[str, set[float]] = defaultdict(set)
    for name, row in named:
        if name == series:
            unit = str(row.get("score_unit") or row.get("unit") or "")
            value = row.get("score") if row.get("score") not in (None, "") else row.get("value")
            found[str(row["model"])].add(_points(value, unit, series))
    return dict(found)


def _points(value: object, unit: str, series: str) -> float:
    word = unit.lower()
    if "lower" in word or not (word.startswith("percent") or word == "fraction"):
        raise UsageError(
            f"the series {series!r} is published in {unit!r}, which cannot be held against scores in [0, 1]"
        )
    try:
        number = float(str(value))
    except ValueError as error:
        raise DataUnavailable(f"the series {series!r} has the score {value!r}, which is no number") from error
    return 100 * number if word == "fraction" else number


def against_published(
    found: Sequence[Imported], means: dict[str, set[float]]
) -> tuple[list[Imported], list[str], list[str]]:
    """What agrees within half a point; a line about each model that is left out; notes on smaller differences."""
    kept: list[Imported] = []
    left_out: list[str] = []
    notes: list[str] = []
    for one in found:
        published = means.get(one.system)
        if published is None:
            notes.append(f"{one.system}: not in the published series, so its rows were not checked")
            kept.append(one)
            continue
        mean = 100 * mean_score(one.answers)
        nearest = min(published, key=lambda value: abs(value - mean))
        difference = round(abs(mean - nearest), 9)
        text = f"{one.system}: its rows have the mean {mean:.2f}, published is {nearest:.2f}"
        if not difference <= TOLERANCE_POINTS:
            left_out.append(f"{text}: left out, since they differ by more than {TOLERANCE_POINTS} points")
            continue
        if difference > 0:
            notes.append(f"{text} (within {TOLERANCE_POINTS} points)")
        kept.append(one)
    return kept, left_out, notes
