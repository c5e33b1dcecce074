"""The numbers as files: CSV for spreadsheets, JSON for programs and for the next report."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from harness.history.standing import Standing
from harness.report.facts import Facts
from harness.types import Verdict
from harness.verdict.export import comparisons_csv, csv_table
from harness.verdict.scores import SystemScore


def tables(facts: Facts) -> dict[str, bytes]:
    """File name -> content: gaps by dimension and by task, scores, the items behind them (no text), published series."""
    files = {}
    if facts.rows:
        for file, gaps in (("gaps.csv", facts.rows), ("gaps_by_task.csv", [one.gap for one in facts.tasks])):
            files[file] = comparisons_csv(gaps).encode("utf-8", "replace")
    if facts.evidence:
        fields = [field.name for field in dataclasses.fields(SystemScore)]
        protocols = {one.run.run_id: one.receipt.protocol for one in facts.evidence}
        scores = ([getattr(one, name) for name in fields] + [protocols[one.run]] for one in facts.scores)
        files["scores.csv"] = _file([*fields, "protocol"], scores)
        columns = [
            "run_id",
            "system",
            "task",
            "item_id",
            "repeat",
            "protocol",
            "status",
            "score_status",
            "score",
            "cost_usd",
        ]
        rows = facts.answers.sort_values(columns[:5], kind="stable")[columns]
        files["items.csv"] = _file(
            columns, rows.astype(object).where(rows.notna(), None).itertuples(index=False, name=None)
        )
    if facts.published:
        told = [_told(one) for one in facts.published]
        files["published.csv"] = _file(list(told[0]), (list(row.values()) for row in told))
    return files


def _file(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    return csv_table(header, rows).encode("utf-8", "replace")


def _told(one: Standing) -> dict[str, Any]:
    """A published series by column, in its own unit and in months."""
    bias, lag = one.bias, one.lag
    found: dict[str, Any] = {
        "series": one.name, "unit": one.unit, "lower_is_better": one.lower_is_better, "as_of": one.as_of,
        "closed_models": len(one.closed), "open_models": len(one.open_), "best_closed": one.best_closed.model,
        "best_closed_score": one.best_closed.score, "best_open": one.best_open.model, "best_open_score": one.best_open.score,
        "closed_ahead_by": one.gap, "luck_uncorrelated": bias and bias.bias_uncorrelated, "luck_half_correlated": bias and bias.bias_half_correlated,
    }  # fmt: skip
    for name in ("backward", "forward", "age"):
        found[f"{name}_months"] = lag and getattr(lag, name)
        for kind, ends in (("score_noise", one.noise), ("without_one_developer", one.labs)):
            found[f"{name}_{kind}_low"], found[f"{name}_{kind}_high"] = getattr(ends, name) if ends else (None, None)
    for name in ("backward_at_least", "backward_at_most", "forward_at_least", "forward_at_most", "tolerance"):
        found[name] = lag and getattr(lag, name)
    return found | {
        "on_neither_side": one.aside, "scored_several_times": one.repeated, "dated_after_the_source": one.later, "dated_before_the_name": one.misdated,
        "current": one.current, "sources": "; ".join(one.sources),
    }  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """What a later report remembers of a gap."""

    dimension: str
    task: str
    protocol: str
    closed: str
    open: str
    systems: tuple[str, ...]
    """All that the row chose from."""
    gap: float | None
    ci_low: float | None
    ci_high: float | None
    """The interval of this row by itself, however many others its table has."""
    verdict: Verdict | Literal[""]
    """Empty for published scores, which have none."""
    decimals: Annotated[int, msgspec.Meta(ge=0, le=6)] = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """The gaps of a report, and those of the one before it."""

    rows: tuple[Row, ...]
    before: tuple[Row, ...] = ()


def remember(facts: Facts, path: Path) -> Memory:
    """This report's gaps with those of the last different report in the same folder, which is read from ``path``.

    A report that is made again of the same runs keeps its predecessor, so that it comes out the same. A file that no
    report wrote is no memory.
    """
    rows = tuple(
        Row(
            one.dimension, one.task, one.protocol, one.closed, one.open, tuple(sorted({had.name for had in facts.behind(one)})),
            _known(one.gap), _known(one.ci_low), _known(one.ci_high), one.verdict,
        )
        for one in facts.rows
    )  # fmt: skip
    rows += tuple(_published_row(one) for one in facts.published)
    try:
        last = msgspec.json.decode(path.read_bytes() if path.is_file() else b"", type=Memory)
    except (OSError, msgspec.DecodeError):
        return Memory(rows)
    return Memory(rows, last.before if last.rows == rows else last.rows)


def _published_row(one: Standing) -> Row:
    """Best against best, with the noise of these two scores where it is known."""
    half = (
        1.96 * math.hypot(one.best_closed.se, one.best_open.se) if one.best_closed.se and one.best_open.se else math.nan
    )
    two = one.best_closed.model, one.best_open.model
    name = f"{one.name}, {one.unit}" if one.unit else one.name
    return Row(
        name, "", "", *two, two, _known(one.gap), _known(one.gap - half), _known(one.gap + half), "", one.decimals
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
