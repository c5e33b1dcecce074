"""The report in Markdown, for pull requests and job summaries: the answer, and what changed since the last report."""

from __future__ import annotations

from harness.report import words
from harness.report.facts import Facts
from harness.report.tables import Memory, Row
from harness.report.text import inert, points, span


def code(text: str) -> str:
    """Text from outside as a code span, where Markdown, HTML, mentions and table bars mean nothing."""
    return "`" + inert(text).replace("`", "'").replace("|", "¦") + "`"


def summary(facts: Facts, memory: Memory, left_out: dict[str, str]) -> str:
    """A page of Markdown, the same whenever it is made of the same store."""
    title = words.headline(facts.rows)
    lines = [f"## {_plain(title)}", ""]
    if facts.demo:
        lines += [f"> **{words.DEMO}**", ""]
    lines += ["| dimension | closed | open | gap | interval | n | verdict |", "|---|--:|--:|--:|:-:|--:|---|"]
    for one in facts.rows:
        verdict: str = one.verdict
        if verdict == "undecided" and one.detectable == one.detectable:
            verdict += f" (sees gaps from {points(one.detectable)})"
        lines.append(
            f"| {code(one.dimension)} | {points(one.score_closed)} | {points(one.score_open)} | {points(one.gap, sign=True)} "
            f"| {span(*one.ci_simultaneous)} | {one.n:,} | {verdict} |"
        )
    lines += ["", "Gap = closed − open in points; " + _plain(words.interval_kind(facts.rows)) + ".", ""]
    pairs = dict.fromkeys((one.closed, one.open, one.chosen_by) for one in facts.rows)
    lines += [f"- {code(closed)} against {code(open_)}, chosen by: {rule}" for closed, open_, rule in pairs]
    warnings = dict.fromkeys(warning for one in facts.rows for warning in one.warnings)
    lines += [f"- note: {code(warning)}" for warning in (*warnings, *facts.gaps.notes)]
    lines += ["", "### Since the last report", "", *_changes(memory), ""]
    lines += [f"_{_plain(facts.source)}._", ""]
    if left_out:
        lines += ["<details><summary>Charts left out</summary>", ""]
        lines += [f"- {_plain(question)} {_plain(reason)}" for question, reason in left_out.items()]
        lines += ["", "</details>", ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """A sentence of ours that may hold names from outside: whatever could be markup is escaped."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|@!~$&" else char for char in inert(text))


def _changes(memory: Memory) -> list[str]:
    if not memory.before:
        return ["There is no earlier report in this folder."]
    before = {one.dimension: one for one in memory.before}
    lines = []
    for now in memory.rows:
        last = before.pop(now.dimension, None)
        if last is None:
            lines.append(f"- {code(now.dimension)}: new, {points(now.gap, sign=True)}, {now.verdict}")
        elif now.runs != last.runs:
            lines.append(_change(now, last))
    lines += [f"- {code(name)}: no longer compared" for name in before]
    return lines or ["Nothing changed."]


def _change(now: Row, last: Row) -> str:
    moved = f"{points(last.gap, sign=True)} → {points(now.gap, sign=True)}"
    inside = _inside(now.gap, last) or _inside(last.gap, now)
    noise = "within noise (one lies in the other's interval)" if inside else "**beyond noise** (neither lies in the other's interval)"
    verdict = f", verdict {last.verdict} → **{now.verdict}**" if now.verdict != last.verdict else f", still {now.verdict}"
    pair = "" if (now.closed, now.open) == (last.closed, last.open) else f"; now {code(now.closed)} against {code(now.open)}"
    return f"- {code(now.dimension)}: {moved}, {noise}{verdict}{pair}"


def _inside(gap: float | None, other: Row) -> bool:
    return gap is not None and other.low is not None and other.high is not None and other.low <= gap <= other.high
