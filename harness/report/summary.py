"""The report in Markdown, for pull requests and job summaries: the answer, and what changed since the last report."""

from __future__ import annotations

import math

from harness.report import words
from harness.report.counterpart import counterpart
from harness.report.facts import Facts
from harness.report.tables import Memory, Row
from harness.report.typeset import points, span
from harness.text import code, escaped, true_minus
from harness.verdict.came import ROOM, came, cut_off
from harness.verdict.policy import row_scores

SERIES = 8
"""So many published series are shown; all are in published.csv."""
CHANGES = 10
"""So many changes of published series are told one by one."""


def summary(facts: Facts, memory: Memory, left_out: dict[str, str]) -> str:
    """A page of Markdown, the same whenever it is made of the same store."""
    lines = [f"## {escaped(words.answer(facts))}", ""]
    if facts.demo:
        lines += [f"> **{words.DEMO}**", ""]
    lines += [*(_gaps(facts) or _alone(facts)), *_published(facts)]
    lines += ["", *(f"- note: {code(note)}" for note in facts.notes)] if facts.notes else []
    lines += ["", "### Since the last report", "", *_changes(memory), ""]
    lines += [f"_{escaped(facts.source)}._", ""]
    if left_out:
        lines += ["<details><summary>Charts left out</summary>", ""]
        lines += [
            f"- {escaped(questions)} {escaped(reason)}" for reason, questions in words.by_reason(left_out).items()
        ]
        lines += ["", "</details>", ""]
    return "\n".join(lines)


def _gaps(facts: Facts) -> list[str]:
    if not facts.rows:
        return []
    lines = ["| dimension | closed | open | gap | interval | n | verdict |", "|---|--:|--:|--:|:-:|--:|---|"]
    for one in facts.rows:
        verdict = one.verdict + (f": {code(words.why(one))}" if words.why(one) else "")
        lines.append(
            f"| {code(facts.label(one))} | {' | '.join(map(points, row_scores(one)))} | {points(one.gap, sign=True)} "
            f"| {span(*one.ci_simultaneous)} | {one.n:,} | {verdict} |"
        )
    lines += [
        "",
        "Gap = closed − open in points; "
        + escaped(words.interval_kind(facts.rows))
        + ". "
        + escaped(words.openness(facts.openness))
        + ".",
        "",
    ]
    best = " Scores and gap are cross-fitted: chosen on one half of the items, scored on the other. The best on all of them:"
    for one in facts.rows:
        two = f"{code(one.closed)} {points(one.score_closed)} against {code(one.open)} {points(one.score_open)}"
        lines.append(
            f"- {code(facts.label(one))}, chosen by: {one.chosen_by}.{best if one.plug_in is not None else ''} {two}"
        )
    lines += [f"- {code(facts.label(one))}: {came(one)}" for one in facts.rows if came(one)]
    lines += [f"- {ROOM}"] if any(map(cut_off, facts.rows)) else []
    warnings = dict.fromkeys(warning for one in facts.rows for warning in one.warnings)
    return [*lines, *(f"- note: {code(true_minus(warning))}" for warning in warnings)]


def _alone(facts: Facts) -> list[str]:
    """Each system's own scores, where nothing is compared, and what would bring a gap."""
    if not facts.scores:
        return []
    lines = [
        "| system | task | score | 95 % interval | n | missing | unread % | cut off % |",
        "|---|---|--:|:-:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {code(one.system)} | {code(one.task)} | {points(one.score)} | {span(one.low, one.high)} | {one.n:,} | {one.missing:,} "
        f"| {points(one.unread)} | {points(one.truncated)} |"
        for one in facts.scores
    ]
    lacking = counterpart(facts)
    return [*lines, *(["", escaped(words.brings_the_gap(lacking)), "", code(lacking.command)] if lacking else []), ""]


def _published(facts: Facts) -> list[str]:
    """The first series that others published, and where the rest is."""
    shown = facts.varied[:SERIES]
    if not shown:
        return []
    lines = ["", "### Published scores", "", escaped(words.PUBLISHED), ""]
    lines += [
        "| series, unit | best closed | best open | closed ahead by | luck, r = 0 to 0.5 | months behind by age | score noise | as of |",
        "|---|---|---|--:|--:|--:|:-:|---|",
    ]
    for one in shown:
        dated = " (dated models)" if one.undated_best else ""
        noise = words.month_range(one.noise.age) if one.noise else "unknown" if one.lag else "–"
        lines.append(
            f"| {code(one.name)}, {code(one.unit or 'unit not told')} | {code(one.best_closed.model)} {words.amount(one, one.best_closed.score)} "
            f"| {code(one.best_open.model)} {words.amount(one, one.best_open.score)} | {words.amount(one, one.gap, sign=True)} "
            f"| {words.luck(one)} | {words.lag(one, 'age')}{dated} | {noise} | {one.as_of or '–'} |"
        )
    more = f" All {len(facts.published)} series: published.csv." if len(facts.published) > len(shown) else ""
    return [
        *lines,
        "",
        f"{escaped(words.LUCK)} Age: months since closed first had the best open score of the day, of models with a release date. "
        f"{escaped(words.openness(facts.openness_published))}.{more}",
    ]


def _changes(memory: Memory) -> list[str]:
    if not memory.before:
        return ["There is no earlier report of other results in this folder."]
    before = {_key(one): one for one in memory.before}
    lines: list[str] = []
    series: list[str] = []
    fresh = 0
    for now in memory.rows:
        last = before.pop(_key(now), None)
        if last is None and not now.verdict:
            fresh += 1
        elif last is None:
            lines.append(f"- {_called(now)}: new, {_gap(now)}, {now.verdict}")
        elif now != last:
            (lines if now.verdict else series).append(_change(now, last))
    lines += [f"- {_called(one)}: no longer compared" for one in before.values() if one.verdict]
    gone = sum(not one.verdict for one in before.values())
    lines += series[:CHANGES]
    for number, what in ((len(series[CHANGES:]), "more with another best"), (fresh, "new"), (gone, "no longer there")):
        lines += [f"- {number} published series {what}"] if number else []
    return lines or ["Nothing changed."]


def _key(row: Row) -> tuple[str, str, str]:
    return row.dimension, row.task, row.protocol


def _called(row: Row) -> str:
    return code(", ".join(part for part in _key(row) if part))


def _change(now: Row, last: Row) -> str:
    verdict = (
        ""
        if not now.verdict
        else f", verdict {last.verdict} → **{now.verdict}**"
        if now.verdict != last.verdict
        else f", still {now.verdict}"
    )
    if now.systems != last.systems:
        two = f"{code(now.closed)} against {code(now.open)}, before {code(last.closed)} against {code(last.open)}"
        if (now.closed, now.open) == (last.closed, last.open):
            two = f"chosen from {len(now.systems)} systems, before from {len(last.systems)}"
        return f"- {_called(now)}: {_gap(last)} → {_gap(now)}, of other systems, so the two do not compare{verdict}; now {two}"
    if None in (now.gap, last.gap, now.ci_low, now.ci_high, last.ci_low, last.ci_high):
        noise = "noise unknown (no interval)"
    else:
        # As if the two were independent; on the same items they vary less than that.
        half = math.hypot(now.ci_high - now.ci_low, last.ci_high - last.ci_low) / 2  # type: ignore[operator]
        within = abs(now.gap - last.gap) <= half  # type: ignore[operator]
        noise = f"{'within' if within else '**beyond**'} the noise of the two (±{points(half, decimals=now.decimals)}, 95 %)"
    return f"- {_called(now)}: {_gap(last)} → {_gap(now)}, {noise}{verdict}"


def _gap(row: Row) -> str:
    return points(row.gap, sign=True, decimals=row.decimals)
