"""``opengap check``: what a scheduled job asks after its run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli import options, outcome
from harness.cli.tables import table, wrapped
from harness.text import code, inert, points, shortened, span, usd

if TYPE_CHECKING:
    from harness.studies.check import Alone, Check

SHORT = {"not worse by the margin": "not worse", "worse by more than the margin": "worse", "undecided": "undecided"}
MOVED = {"closed leads": "better", "open leads": "worse", "equivalent": "within the margin", "undecided": "not shown"}
"""The two-sided verdict in words: the newer run stands on the closed side."""


@click.command("check")
@click.argument("runs", nargs=-1, metavar="[RUN]…")
@click.option("--since", metavar="TIME", help="All runs that started at this time (ISO, UTC) or later, instead of RUN.")
@click.option("--against", metavar="RUN", help="The earlier run (default: the newest one that compares).")
@click.option("--margin", type=float, default=3.0, show_default=True, help="Points that may be lost.")
@outcome.allow_undecided
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, for $GITHUB_STEP_SUMMARY.")
@options.store
@options.as_json
def command(
    runs: tuple[str, ...],
    since: str | None,
    against: str | None,
    margin: float,
    allow_undecided: bool,
    as_markdown: bool,
    store: str | None,
    as_json: bool,
) -> int:
    """Whether the newest run is worse than the one before it.

    RUN is a run's id, a unique beginning of one, or `latest` (the default). Each of its tasks is held against the newest
    earlier run of the same system, task and protocol. Exit code 0: not worse by the margin, or there is no earlier run;
    5: worse by more than the margin; 6: undecided; 1: items are unanswered, and none of these.
    """
    from harness import settings
    from harness.errors import UsageError
    from harness.studies.check import LATEST, check

    if as_json and as_markdown:
        raise UsageError("--json and --markdown exclude each other")
    if since and runs:
        raise UsageError("--since and RUN exclude each other")
    start = options.moment("--since", since)
    found = check(settings.store_folder(store), runs or (LATEST,), since=start, against=against, margin=margin)
    code = outcome.exit_code(
        found.verdicts, ("worse by more than the margin",), allow_undecided=allow_undecided,
        otherwise=int(found.unanswered > 0),
    )  # fmt: skip
    if as_json:
        import dataclasses

        options.echo_json({**dataclasses.asdict(found), "exit_code": code})
    elif as_markdown:
        click.echo(markdown(found))
    else:
        click.echo(text(found))
    for note in found.notes:
        click.echo(inert(f"note: {note}"), err=True)
    return code


def text(found: Check) -> str:
    """The changes as a table, then what has no run before it, the gaps, and the cost."""
    lines: list[str] = []
    if found.changes:
        rows = [
            [
                shortened(one.system, 20), shortened(one.task, 14), points(one.score_before), points(one.score_now),
                points(one.change, sign=True), span(one.low, one.high), str(one.n), SHORT[one.verdict],
            ]
            for one in found.changes
        ]  # fmt: skip
        head = ["system", "task", "before", "now", "change", "interval", "n", "verdict"]
        lines += [table(head, rows, right=[2, 3, 4, 5, 6]), ""]
    for one in found.changes:
        facts = f"run {one.run} against {one.before}; {one.method}; margin {one.margin:g} points"
        lines += wrapped(f"{one.system}, {one.task}: {facts}; change beyond noise: {MOVED[one.moved]}", "")
        lines += [line for warning in one.warnings for line in wrapped(f"note: {warning}")]
    for alone in found.alone:
        lines += wrapped(f"{alone.system}, {alone.task}: {lonely(alone)}", "")
    for gap in found.gaps:
        facts = f"{points(gap.gap, sign=True)} points {span(*gap.ci_simultaneous)}: {gap.verdict}"
        lines += wrapped(f"gap in {gap.dimension}, {gap.closed} − {gap.open}: {facts}", "")
    lines += [f"run {run}: cost {usd(cost)}" for run, cost in found.costs_usd.items()]
    if found.unanswered:
        lines.append(f"{found.unanswered} answers are missing; `opengap runs --errors RUN` says why")
    return "\n".join(lines)


def markdown(found: Check) -> str:
    """The same for a job's summary page; whatever came from outside stands in code spans."""
    lines = ["### Since the last run", ""]
    if found.changes:
        lines += ["| system | task | before | now | change | interval | n | beyond noise | verdict |",
                  "|---|---|--:|--:|--:|:-:|--:|---|---|"]  # fmt: skip
    for one in found.changes:
        cells = (
            points(one.score_before),
            points(one.score_now),
            points(one.change, sign=True),
            span(one.low, one.high),
        )
        lines.append(
            f"| {code(one.system)} | {code(one.task)} | {' | '.join(cells)} | {one.n:,} | {MOVED[one.moved]} | {one.verdict} |"
        )
    notes = dict.fromkeys(warning for one in found.changes for warning in one.warnings)
    alone = [f"- {code(one.system)}, {code(one.task)}: {code(lonely(one))}" for one in found.alone]
    lines += ["", *alone, *(f"- note: {code(note)}" for note in notes), "", "### Gap", ""]
    if found.gaps:
        lines += ["| dimension | closed | open | gap | interval | n | verdict |", "|---|---|---|--:|:-:|--:|---|"]
    else:
        lines += ["No open and closed system in the store answered the same items."]
    for gap in found.gaps:
        lines.append(
            f"| {code(gap.dimension)} | {code(gap.closed)} | {code(gap.open)} | {points(gap.gap, sign=True)} "
            f"| {span(*gap.ci_simultaneous)} | {gap.n:,} | {gap.verdict} |"
        )
    lines += ["", "### Cost", "", *(f"- {code(run)}: cost {usd(cost)}" for run, cost in found.costs_usd.items())]
    if found.unanswered:
        lines += ["", f"{found.unanswered:,} answers are missing; `opengap runs --errors RUN` says why."]
    return "\n".join(lines)


def lonely(one: Alone) -> str:
    """Why a run is held against none."""
    if one.undecided:
        return f"undecided: {'; '.join(one.why)}"
    if one.why:
        return f"the run before it does not compare: {'; '.join(one.why)}"
    return "no earlier run, so there is nothing to check"
