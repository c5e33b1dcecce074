"""Sentences computed from Comparisons: headlines, subtitles and alternative texts are never written by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.history.standing import Entrant, Standing
from harness.report.counterpart import Counterpart
from harness.report.typeset import points, span
from harness.text import MINUS, counted, inert, labels, listed, true_minus, usd
from harness.types import Comparison, Verdict
from harness.verdict.came import came, carried_by
from harness.verdict.policy import row_scores, unseen_below
from harness.verdict.words import texts

if TYPE_CHECKING:
    from harness.report.facts import Facts

DEMO = "Demo models, trained on a made-up world: the gap between them says nothing about real models."
POWER = "80 % power"
LAG_DEFINITIONS = (
    "Backward: median over open records of the months since closed first had that score; forward: median over closed records of "
    "the months until open reached it (Kaplan–Meier); age: months since closed first had the best open score of the day. Equal is "
    "reached (tolerance 0); only models with a release date count. Three quantities, none with a 95 % interval. Score noise: the "
    "middle 95 of 100 redraws of all scores, releases fixed. One developer less: the range without each developer in turn. "
    "∞: not reached, or longer ago than the series tells; –: not known."
)
PUBLISHED = (
    "These scores were published by others, each in its own unit, and are not measured here. They have no items: there is no "
    "paired gap, no verdict and no price. Closed ahead by: the best closed score against the best open one, below zero where open "
    "is ahead, also where lower is better; of many scores the best, so chance has a part in it."
)
LUCK = "Luck: what choosing the best adds to that on average, with errors independent and correlated by 0.5."
NAMED_ROWS = 3
"""Up to this many rows a headline names each one; beyond, it counts."""


def answer(facts: Facts) -> str:
    """What the report says first: the gaps, or of published scores alone on which side the best score is."""
    if facts.rows:
        found = headline(facts.rows)
        return f"Demo models: {found[0].lower()}{found[1:]}" if facts.demo else found
    gaps = [one.gap for one in facts.varied]
    if not gaps:
        sides = {"open" if one.open else "closed" for one in facts.evidence}
        return (
            f"Nothing to compare yet: only {sides.pop()} models have been asked"
            if len(sides) == 1
            else "Nothing to compare yet"
        )
    level = sum(gap == 0 for gap in gaps)
    of = (
        f"one{' current' * facts.varied[0].current} table of each of {len(gaps)} sources"
        if len(gaps) > 1
        else "one source"
    )
    return (
        f"Published scores, {of}: the best closed model is ahead in {sum(gap > 0 for gap in gaps)}, the best "
        f"open one in {sum(gap < 0 for gap in gaps)}" + (f", level in {level}" if level else "")
    )


def by_reason(left_out: dict[str, str]) -> dict[str, str]:
    """Reason -> the questions that stay open for it, in one line."""
    found: dict[str, list[str]] = {}
    for question, reason in left_out.items():
        found.setdefault(reason, []).append(question)
    return {reason: " ".join(questions) for reason, questions in found.items()}


def brings_the_gap(found: Counterpart) -> str:
    """What a store of one side needs, in one sentence that its command follows."""
    if not found.paid:
        price = "it runs on this machine, so no tokens are paid"
    elif found.usd is None:
        price = "`opengap estimate` with the same options says at what price"
    else:
        price = f"about {usd(found.usd)} at list price, by the tokens of the newest run here"
    return f"For a gap, ask {'a closed' if found.lacking == 'closed' else 'an open'} model the same items ({price}):"


def headline(rows: Sequence[Comparison]) -> str:
    """The answer in one sentence: up to three rows by name; of more, how many a side leads and the one with most items."""
    parts = []
    few = len(rows) <= NAMED_ROWS
    for side in ("closed", "open"):
        leading = _having(rows, f"{side} leads")
        if len(leading) == 1 or (leading and few):
            parts.append(f"{side} leads in {listed(f'{name} by {_lead(one)}' for name, one in leading)} points")
        elif leading:
            # The largest of many gaps is partly luck; the one with most items is known best.
            name, one = max(leading, key=lambda pair: pair[1].n)
            parts.append(
                f"{side} leads in {len(leading)} of {len(rows)} {_noun(rows)}, in {name} by {_lead(one)} points"
            )
    for verdict in ("equivalent", "undecided"):
        if found := _having(rows, verdict):
            count = f"{len(found)} of {len(rows)}" if len(found) < len(rows) else f"all {len(rows)}"
            names = listed(sorted(name for name, _ in found)) if len(found) <= NAMED_ROWS else f"{count} {_noun(rows)}"
            parts.append(f"{names} {verdict}{_unseen([one for _, one in found]) if len(found) == len(rows) else ''}")
    return _sentence("; ".join(parts))


def _noun(rows: Sequence[Comparison]) -> str:
    """What the rows are; a dimension that was asked by two protocols makes two of them."""
    return "dimensions" if len({one.dimension for one in rows}) == len(rows) else "comparisons"


def _unseen(rows: Sequence[Comparison]) -> str:
    """What undecided rows could not have seen, or why they are undecided."""
    least = sorted(unseen_below(one) for one in rows)
    if rows[0].verdict != "undecided":
        return ""
    if overruled := sum(map(math.isnan, least)):
        return (
            (f": {why(rows[0])}" if why(rows[0]) else "")
            if len(rows) == 1
            else f", {overruled} of {len(rows)} for reasons beside the interval"
        )
    if least[-1] >= 100:
        return f" (no gap can be seen in {'it' if len(rows) == 1 else 'some'}, {POWER})"
    ends = " to ".join(dict.fromkeys(map(points, (least[0], least[-1]))))
    return f" (gaps under {ends} points cannot be seen, {POWER})"


def _lead(one: Comparison) -> str:
    """By how much the leading side is ahead, with the interval from that side's view."""
    low, high = one.ci_simultaneous
    return f"{points(one.gap)} {span(low, high)}" if one.gap > 0 else f"{points(-one.gap)} {span(-high, -low)}"


def _having(rows: Sequence[Comparison], verdict: Verdict | str) -> list[tuple[str, Comparison]]:
    named = zip(labels(rows), rows, strict=True)
    return sorted(
        ((name, one) for name, one in named if one.verdict == verdict), key=lambda pair: (-abs(pair[1].gap), pair[0])
    )


def openness(rule: str) -> str:
    """The rule of openness as a sentence without its full stop."""
    return _sentence(rule)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def why(one: Comparison) -> str:
    """Why a row is undecided: what it could not have seen, else the reason that overruled its interval; of a lead that
    unread or cut-off answers carry, their shares; else empty.
    """
    if one.verdict != "undecided":
        return came(one) if carried_by(one) else ""
    least = unseen_below(one)
    if not math.isnan(least):
        return f"no gap{'' if least >= 100 else f' under {points(least)} points'} could be seen ({POWER})"
    overruled = [reason for reason in one.reasons if reason.overrules]
    if not overruled and math.isnan(one.detectable):
        return "no item differs, and the interval allows for more than one verdict"
    return true_minus(next(iter(texts(overruled or one.reasons)), ""))


def same_pair(rows: Sequence[Comparison]) -> bool:
    """Whether one pair of systems stands behind every row."""
    return len({(one.closed, one.open, one.chosen_by) for one in rows}) == 1


def rule(facts: Facts, rows: Sequence[Comparison]) -> str:
    """Which systems stand against each other, and by which rule they were chosen."""
    first = rows[0]
    two = f"{facts.name(first.closed)} (closed) against {facts.name(first.open)} (open weights)"
    named = two if same_pair(rows) else "Each row compares the two systems named below it"
    if any(one.plug_in is not None for one in rows):
        named = f"On all items the best are {named}" if same_pair(rows) else f"{named}, the best on all items"
    told = {
        one.chosen_by: one.chosen_by
        + (" (chosen on one half of the items, scored on the other)" if one.plug_in is not None else "")
        for one in rows
    }
    return f"{named}; chosen by: {listed(told.values())}"


def interval_kind(rows: Sequence[Comparison]) -> str:
    """What the intervals are."""
    methods = listed(dict.fromkeys(one.ci_method for one in rows)).replace(
        "t(G_eff - 1)", "t by the effective number of clusters"
    )
    joint = f"simultaneous 95 % intervals (Bonferroni over {len(rows)} rows)" if len(rows) > 1 else "95 % interval"
    return f"{joint}, {methods}"


def sentence(one: Comparison, name: str) -> str:
    """One row in words, for whoever cannot see the chart and for summaries."""
    gap = f"gap {points(one.gap, sign=True)} points {span(*one.ci_simultaneous)}, n {one.n:,}."
    two = [
        f"{inert(system)} {points(score)}"
        for system, score in ((one.closed, one.score_closed), (one.open, one.score_open))
    ]
    text = f"{_sentence(name)}: {one.verdict}{f': {why(one)}' if why(one) else ''}. "
    if one.plug_in is None:
        text += f"{', '.join(two)}, {gap}"
    else:
        closed, open_ = map(points, row_scores(one))
        text += f"Best against best, cross-fitted: closed {closed}, open {open_}, {gap} The best on all {one.n:,} items: {', '.join(two)}."
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
    """How many months open is behind, by age: since when closed has had what is now the best open score, or the reverse."""
    assert one.lag is not None
    age, noise = one.lag.age, one.noise.age if one.noise and not one.at_least else None
    if age < 0:
        age, noise = -age, noise and (-noise[1], -noise[0])
    how = (
        f"{'at least ' * one.at_least}{months(age)} months {'behind' if one.lag.age >= 0 else 'ahead'}"
        if age
        else "level"
    )
    return (
        f"{series_name(one)}: open is {how}" + (f" ({months(noise[0])} to {months(noise[1])} with score noise)" if noise else "")
        + f" on {one.as_of}{', of dated models' * one.undated_best}"
    )  # fmt: skip


def standing(one: Standing) -> str:
    """A series in words: the lag in three definitions, with its ranges, and who is best."""
    told = [f"{series_name(one)}:"]
    if one.lag is not None:
        parts = []
        for name in ("backward", "forward", "age"):
            noise = f" {month_range(getattr(one.noise, name))}" if one.noise else ""
            parts.append(f"{name} {lag(one, name)}{noise}")
        told.append(
            f"months that open is behind closed on {one.as_of}: {', '.join(parts)}{', in brackets the score noise' * bool(one.noise)}."
        )
    return " ".join([*told, *(f"{line}." for line in standing_details(one))])


def standing_details(one: Standing) -> list[str]:
    """What stands behind the figures of a series: models, records and what is censored, best against best."""
    sides = " and ".join(
        f"{len(dated)} of {len(side)} {word}"
        for dated, side, word in zip(one.dated, (one.closed, one.open_), ("closed", "open"), strict=True)
    )
    told = [f"{sides} models dated{f', {one.aside} on no side' if one.aside else ''}{_items(one)}"]
    if one.misdated:
        told.append(
            f"{counted(one.misdated, 'model')} undated, since the name holds a date after the release date told"
        )
    if one.later:
        told.append(
            f"{counted(one.later, 'model')} dated after the day of the source itself, which cannot be: no part of the months"
        )
    if (found := one.lag) is not None:
        told.append(
            f"{_records(found.forward_months.size, 'closed', 'open', found.forward_at_least, found.forward_at_most)}; "
            f"{_records(found.backward_months.size, 'open', 'closed', found.backward_at_most, found.backward_at_least)}"
        )
    if not one.measured:
        told.append(
            f"Best closed {_scored(one, one.best_closed)}, open {_scored(one, one.best_open)}: closed ahead by {amount(one, one.gap, sign=True)} {inert(one.unit)}, luck {luck(one)}"
        )
    if one.undated_best:
        told.append(dated_best(one))
    if one.lag is not None and one.noise is None:
        errors = [e.se for side in one.dated for e in side]
        told.append(f"Score noise unknown: {errors.count(None)} of {len(errors)} scores have no standard error")
    return told


def _records(size: int, of: str, other: str, never: int, at_once: int) -> str:
    return (
        f"{counted(size, f'{of} record')}, of which {other} reached all but {never}, and {at_once} with its first model"
    )


def dated_best(one: Standing) -> str:
    """The best of the models that the months are about, where another, undated one is best."""
    closed, open_ = (max(side, key=lambda e: (one.sign * e.score, e.model)) for side in one.dated)
    return f"Months are of dated models alone, of which the best are {_scored(one, closed)} (closed) and {_scored(one, open_)} (open)"


def _scored(one: Standing, entrant: Entrant) -> str:
    return f"{inert(entrant.model)} {amount(one, entrant.score)}{'' if any(entrant in side for side in one.dated) else ' (undated)'}"


def _items(one: Standing) -> str:
    sizes = [e.n for side in (one.closed, one.open_) for e in side if e.n]
    return f"; n up to {max(sizes):,}" if sizes else "; n not published"


def luck(one: Standing) -> str:
    """How much of a difference between two bests is due to choosing them, by the correlation of their errors."""
    if one.bias is None:
        return "unknown"
    return " to ".join(
        amount(one, value, sign=True) for value in (one.bias.bias_uncorrelated, one.bias.bias_half_correlated)
    )
