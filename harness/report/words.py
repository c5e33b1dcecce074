"""Sentences computed from Comparisons: headlines, subtitles and alternative texts are never written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.text import inert, label, listed, points, span
from harness.types import Comparison, Verdict

if TYPE_CHECKING:
    from harness.report.facts import Facts

DEMO = "Demo models, trained on a made-up world: the gap between them says nothing about real models."
NAMED_ROWS = 3
"""Up to this many rows a headline names each one; beyond, it counts."""


def headline(rows: Sequence[Comparison]) -> str:
    """The answer in one sentence."""
    return _named(rows) if len(rows) <= NAMED_ROWS else _counted(rows)


def _named(rows: Sequence[Comparison]) -> str:
    parts = []
    for side in ("closed", "open"):
        leading = _having(rows, f"{side} leads")
        if leading:
            amounts = listed(f"{label(one)} by {points(abs(one.gap))}" for one in leading)
            parts.append(f"{side} leads in {amounts} points")
    for verdict in ("equivalent", "undecided"):
        found = sorted(label(one) for one in _having(rows, verdict))
        if found:
            parts.append(f"{listed(found)} {verdict}")
    return _sentence("; ".join(parts))


def _counted(rows: Sequence[Comparison]) -> str:
    parts: list[str] = []
    for side in ("closed", "open"):
        leading = _having(rows, f"{side} leads")
        if leading:
            most = leading[0]
            parts.append(f"{side} leads in {len(leading)} of {len(rows)}{' dimensions' * (not parts)}, most in {label(most)} (by {points(abs(most.gap))} points)")
    for verdict, word in (("equivalent", "equivalent"), ("undecided", "undecided")):
        found = _having(rows, verdict)
        if found:
            parts.append(f"{len(found)} {word}")
    return _sentence("; ".join(parts))


def _having(rows: Sequence[Comparison], verdict: Verdict | str) -> list[Comparison]:
    return sorted((one for one in rows if one.verdict == verdict), key=lambda one: (-abs(one.gap), one.dimension))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def same_pair(rows: Sequence[Comparison]) -> bool:
    """Whether one pair of systems stands behind every row."""
    return len({(one.closed, one.open, one.chosen_by) for one in rows}) == 1


def rule(facts: Facts, rows: Sequence[Comparison]) -> str:
    """Which systems stand against each other, and by which rule they were chosen."""
    first = rows[0]
    chosen = listed(dict.fromkeys(one.chosen_by for one in rows))
    if same_pair(rows):
        return f"{facts.name(first.closed)} (closed) against {facts.name(first.open)} (open weights); chosen by: {chosen}"
    return f"One closed and one open-weight system a row, named below it; chosen by: {chosen}"


def interval_kind(rows: Sequence[Comparison]) -> str:
    """What the intervals are."""
    methods = listed(dict.fromkeys(one.ci_method for one in rows))
    joint = f"simultaneous 95 % intervals (Bonferroni over {len(rows)} rows)" if len(rows) > 1 else "95 % interval"
    return f"{joint}, {methods}"


def sentence(one: Comparison) -> str:
    """One row in words, for whoever cannot see the chart and for summaries."""
    text = (
        f"{_sentence(label(one))}: {one.verdict}. {inert(one.closed)} {points(one.score_closed)}, {inert(one.open)} "
        f"{points(one.score_open)}, gap {points(one.gap, sign=True)} points {span(*one.ci_simultaneous)}, n {one.n:,}."
    )
    if one.verdict == "undecided" and one.detectable == one.detectable:
        text += f" A gap under {points(one.detectable)} points could not be seen."
    return text
