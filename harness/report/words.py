"""Sentences computed from Comparisons: headlines, subtitles and alternative texts are never written by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.gap.policy import unseen_below
from harness.gap.standing import Entrant, Standing
from harness.report.text import MINUS, counted, inert, label, listed, points, span
from harness.types import Comparison, Verdict

if TYPE_CHECKING:
    from harness.report.facts import Facts

DEMO = "Demo models, trained on a made-up world: the gap between them says nothing about real models."
LAG_DEFINITIONS = (
    "Backward: median over open records of the months since closed first had that score; forward: median over closed records of "
    "the months until open reached it (Kaplan–Meier); age: months since closed first had the best open score of the day. Equal is "
    "reached (tolerance 0); only models with a release date count. Three quantities, none with a 95 % interval. Score noise: the "
    "middle 95 of 100 redraws of all scores, releases fixed. One lab less: the range without each developer in turn. ∞: not "
    "reached, or longer ago than the series tells; –: not known."
)
PUBLISHED = (
    "These scores were published by others, each in its own unit, and are not measured here. They have no items: there is no "
    "paired gap, no verdict and no price. Difference: best closed minus best open, positive where closed is ahead; of many "
    "scores the highest, so chance has a part in it."
)
BIAS = "Bias: what choosing the highest adds to the difference on average, with errors independent and correlated by 0.5."
NAMED_ROWS = 3
"""Up to this many rows a headline names each one; beyond, it counts."""


def answer(facts: Facts) -> str:
    """What the report says first: the gaps, or of published scores alone on which side the best score is."""
    if facts.rows:
        found = headline(facts.rows)
        return f"Demo models: {found[0].lower()}{found[1:]}" if facts.demo else found
    gaps = [one.gap for one in facts.published]
    level = sum(gap == 0 for gap in gaps)
    return (
        f"Published scores: the best closed model is ahead in {sum(gap > 0 for gap in gaps)} of {len(gaps)} series, the best "
        f"open one in {sum(gap < 0 for gap in gaps)}" + (f", level in {level}" if level else "")
    )


def headline(rows: Sequence[Comparison]) -> str:
    """The answer in one sentence."""
    return _named(rows) if len(rows) <= NAMED_ROWS else _counted(rows)


def _named(rows: Sequence[Comparison]) -> str:
    parts = []
    for side in ("closed", "open"):
        leading = _having(rows, f"{side} leads")
        if leading:
            amounts = listed(f"{label(one)} by {_lead(one)}" for one in leading)
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
            parts.append(f"{side} leads in {len(leading)} of {len(rows)}{' dimensions' * (not parts)}, most in {label(most)} (by {_lead(most)} points)")
    for verdict, word in (("equivalent", "equivalent"), ("undecided", "undecided")):
        found = _having(rows, verdict)
        if found:
            parts.append(f"{len(found)} {word}")
    return _sentence("; ".join(parts))


def _lead(one: Comparison) -> str:
    """By how much the leading side is ahead, with the interval from that side's view."""
    low, high = one.ci_simultaneous
    return f"{points(one.gap)} {span(low, high)}" if one.gap > 0 else f"{points(-one.gap)} {span(-high, -low)}"


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
    gap = f"gap {points(one.gap, sign=True)} points {span(*one.ci_simultaneous)}, n {one.n:,}."
    two = f"{inert(one.closed)} {points(one.score_closed)}, {inert(one.open)} {points(one.score_open)}"
    text = f"{_sentence(label(one))}: {one.verdict}. "
    text += f"{two}, {gap}" if one.plug_in is None else f"Best against best, cross-fitted: {gap} The best on all items: {two}."
    if not math.isnan(unseen_below(one)):
        text += f" A gap under {points(unseen_below(one))} points could not be seen."
    return text


def months(value: float) -> str:
    """Months with one decimal; infinite where a median was not reached."""
    if value in (float("inf"), float("-inf")):
        return "∞" if value > 0 else f"{MINUS}∞"
    return points(value)


def lag(one: Standing, name: str) -> str:
    """One definition of the lag; behind ``>`` where it is a lower bound, an en dash where there is none."""
    if one.lag is None:
        return "–"
    return (">" if name == "age" and one.at_least else "") + months(getattr(one.lag, name))


def month_range(ends: tuple[float, float]) -> str:
    """A range of months."""
    return f"[{months(ends[0])}, {months(ends[1])}]"


def amount(one: Standing, value: float, sign: bool = False) -> str:
    """A score or a difference in the unit of a series, with decimals that its scale asks for."""
    return points(value, sign, one.decimals)


def series_name(one: Standing) -> str:
    """What a series is called, and that others published it."""
    return inert(one.name) + ("" if one.measured else ", as published")


def lag_headline(one: Standing) -> str:
    """Since when closed has had what is now the best open score, or open has led."""
    assert one.lag is not None
    noise = f" ({months(one.noise.age[0])} to {months(one.noise.age[1])} with score noise)" if one.noise else ""
    best = f"best open score of {one.as_of}" + (" among dated models" if one.undated_best else "")
    if one.lag.age < 0:
        ends = one.noise and f" ({months(-one.noise.age[1])} to {months(-one.noise.age[0])} with score noise)"
        return f"{series_name(one)}: no closed model has the {best}; open has been ahead for {months(-one.lag.age)} months{ends or ''}"
    least = "at least " if one.at_least else ""
    return f"{series_name(one)}: closed had the {best} {least}{months(one.lag.age)} months earlier{noise}"


def standing(one: Standing) -> str:
    """A series in words: the lag in three definitions, with its ranges, and who is best."""
    told = [f"{series_name(one)}:"]
    if one.lag is not None:
        parts = []
        for name in ("backward", "forward", "age"):
            noise = f" {month_range(getattr(one.noise, name))}" if one.noise else ""
            parts.append(f"{name} {lag(one, name)}{noise}")
        told.append(f"months that open is behind closed on {one.as_of}: {', '.join(parts)}{', in brackets the score noise' * bool(one.noise)}.")
    return " ".join([*told, *(f"{line}." for line in standing_details(one))])


def standing_details(one: Standing) -> list[str]:
    """What stands behind the figures of a series: models, records and what is censored, best against best."""
    sides = " and ".join(
        f"{len(dated)} of {len(side)} {word}" for dated, side, word in zip(one.dated, (one.closed, one.open_), ("closed", "open"), strict=True)
    )
    told = [f"{sides} models dated{f', {one.aside} on neither side' if one.aside else ''}{_items(one)}"]
    if (found := one.lag) is not None:
        told.append(
            f"Of {counted(found.forward_months.size, 'closed record')} open never reached {found.forward_at_least} and had "
            f"{found.forward_at_most} with its first model; of {counted(found.backward_months.size, 'open record')} closed never "
            f"reached {found.backward_at_most} and had {found.backward_at_least} with its first model"
        )
    if not one.measured:
        told.append(
            f"Best closed {_scored(one, one.best_closed)}, open {_scored(one, one.best_open)}: {amount(one, one.gap, sign=True)} {inert(one.unit)}, bias {bias(one)}"
        )
    if one.lag is not None and one.noise is None:
        errors = [e.se for side in one.dated for e in side]
        told.append(f"Score noise unknown: {errors.count(None)} of {len(errors)} scores have no standard error")
    return told


def _scored(one: Standing, entrant: Entrant) -> str:
    return f"{inert(entrant.model)} {amount(one, entrant.score)}{'' if entrant.released else ' (undated)'}"


def _items(one: Standing) -> str:
    sizes = [e.n for side in (one.closed, one.open_) for e in side if e.n]
    return f"; n up to {max(sizes):,}" if sizes else "; n not published"


def bias(one: Standing) -> str:
    """How much of a difference between two bests is due to choosing them, by the correlation of their errors."""
    if one.bias is None:
        return "unknown"
    return " to ".join(amount(one, value, sign=True) for value in (one.bias.bias_uncorrelated, one.bias.bias_half_correlated))
