"""``opengap gap``: the table that this project exists for."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from harness.cli import options, outcome
from harness.cli.tables import table, wrapped
from harness.text import distinct, inert, percent, points, shortened, span
from harness.types import Comparison, OpenFrom

if TYPE_CHECKING:
    from harness.verdict import Gaps


@click.command("gap")
@click.option("--closed", metavar="NAME", help="Closed system: stored name, unique prefix or address.")
@click.option("--open", "open_", metavar="NAME", help="Open system, likewise.")
@click.option("--dimension", help="This dimension alone.")
@click.option("--task", help="This task alone.")
@click.option("--by-task", is_flag=True, help="One row a task instead of one a dimension.")
@click.option("--at-cost", type=float, metavar="DOLLARS", help="Only systems whose measured cost an item is at most this.")  # fmt: skip
@click.option("--margin", type=float, default=3.0, show_default=True, help="Points within which two systems count as equivalent.")  # fmt: skip
@click.option("--force", is_flag=True, help="Compare what is not comparable; the differences are printed beside it.")
@click.option("--all-pairs", is_flag=True, help="Every pair of systems of --task, p values adjusted for their number.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV for a spreadsheet instead of a table.")
@options.open_from
@outcome.fail_on("closed leads", "open leads", "equivalent", "undecided")
@options.store
@options.as_json
def command(
    closed: str | None,
    open_: str | None,
    dimension: str | None,
    task: str | None,
    by_task: bool,
    at_cost: float | None,
    margin: float,
    force: bool,
    all_pairs: bool,
    as_csv: bool,
    open_from: OpenFrom,
    fail_on: tuple[str, ...],
    allow_undecided: bool,
    store: str | None,
    as_json: bool,
) -> int:
    """How far apart open and closed models are, and how sure that is.

    Closed minus open on the same items, in points; positive: closed ahead. With one open and one closed system that
    pair, with more the best against the best of each dimension, cross-fitted. The intervals hold together for all rows
    (95 %, Bonferroni), and the verdict follows from them: a side leads, the two are equivalent within --margin, or it
    is undecided, with the smallest gap that could have been seen. Exit code 4: nothing could be compared.
    """
    from harness import settings
    from harness.errors import UsageError
    from harness.verdict import Store

    if as_csv and as_json:
        raise UsageError("--csv and --json exclude each other")
    judged = outcome.asked(fail_on, allow_undecided)
    opened = Store(settings.store_folder(store))
    if all_pairs:
        if (
            task is None
            or closed
            or open_
            or at_cost is not None
            or force
            or by_task
            or judged
            or open_from != "restricted"
        ):
            raise UsageError("--all-pairs goes with --task NAME alone")
        _show_pairs(opened, task, as_json=as_json, as_csv=as_csv)
        return 0
    gaps = opened.gap(
        closed, open_, dimension=dimension, task=task, by_task=by_task, margin=margin, at_cost=at_cost, force=force,
        open_from=open_from,
    )  # fmt: skip
    if as_json:
        options.echo_json(list(gaps))
    elif as_csv:
        from harness.verdict.export import comparisons_csv

        click.echo(comparisons_csv(list(gaps)), nl=False)
    elif len(gaps):
        click.echo(text(gaps, by_task))
    for note in gaps.notes:
        click.echo(inert(f"note: {note}"), err=True)
    if not len(gaps):
        click.echo(
            "nothing to compare: a gap needs an open and a closed system that answered some of the same items", err=True
        )
        return 4
    verdicts = [one.verdict for one in gaps] if judged else []
    return outcome.exit_code(verdicts, fail_on, allow_undecided=allow_undecided)


def text(gaps: Gaps, by_task: bool = False) -> str:
    """The table at 80 columns, with the names, the rule and every warning below it."""
    from harness.verdict.came import carried_by
    from harness.verdict.policy import row_scores

    names = _labels(gaps, by_task)
    rows = [
        [
            shortened(name, 20), *map(points, row_scores(one)), points(one.gap, sign=True), span(*one.ci_simultaneous),
            str(one.n), one.verdict + "".join(f" ({part})" for part in carried_by(one)),
        ]
        for name, one in zip(names, gaps, strict=True)
    ]  # fmt: skip
    head = ["task" if by_task else "dimension", "closed", "open", "gap", "interval", "n", "verdict"]
    lines = [table(head, rows, right=[1, 2, 3, 4, 5]), ""]
    for name, one in zip(names, gaps, strict=True):
        lines += _below(one, name)
    level = "95 % intervals" if len(gaps) == 1 else f"simultaneous 95 % intervals (Bonferroni over {len(gaps)} rows)"
    lines += [
        "",
        *wrapped(f"Gap = closed − open, points; {level}; margin {points(gaps[0].margin)} points; {gaps.openness}.", ""),
    ]
    return "\n".join(lines)


def _labels(gaps: Sequence[Comparison], by_task: bool) -> list[str]:
    """What each row is called: its dimension or task, and more where that alone names several rows."""
    tasks, dimensions = [one.task for one in gaps], [one.dimension for one in gaps]
    return distinct(tasks if by_task else dimensions, tasks, [one.protocol for one in gaps])


def _below(one: Comparison, where: str) -> list[str]:
    """Everything that belongs to a row and does not fit into it."""
    from harness.verdict.came import ROOM, came, cut_off
    from harness.verdict.policy import unseen_below

    lines = wrapped(f"{where}: {one.closed} − {one.open}", "")
    facts = [f"chosen by: {one.chosen_by}", f"protocol {one.protocol}", f"interval: {one.ci_method}"]
    if not by_itself(one):
        facts.append(f"tasks, equally weighted: {', '.join(one.tasks)}")
    if one.missing_closed + one.missing_open:
        facts.append(f"missing: {one.missing_closed} closed, {one.missing_open} open")
    lines += wrapped("; ".join(facts))
    if how := came(one):
        lines += wrapped(how + (f" ({ROOM})" if cut_off(one) else ""))
    if not math.isnan(one.g_eff) and one.plug_in is None:
        known = "" if math.isnan(one.p_wild) else f"; wild-cluster p {one.p_wild:.4f}"
        lines += wrapped(f"{one.clusters} clusters, {one.g_eff:.1f} effective{known}")
    if one.plug_in is not None:
        lines += wrapped(
            f"the two named are the best on all {one.n:,} items: {points(one.score_closed)} and {points(one.score_open)} there, "
            f"{points(one.plug_in, sign=True)} apart, with the luck of the best in it; the table has what was chosen on "
            f"one half and scored on the other: {_choices(one)}"
        )
    least = unseen_below(one)
    if not math.isnan(least):
        seen = "no gap can" if least == 100 else f"a gap under {points(least)} points cannot"
        lines += wrapped(f"undecided: {seen} be seen here (80 % power)")
    parts = {name: getattr(one.waterfall, name) for name in ("wrong", "unparsed", "truncated", "empty", "refused")}
    if any(abs(value) >= 0.05 for name, value in parts.items() if name != "wrong"):
        whole = points(one.gap if one.plug_in is None else one.plug_in, sign=True)
        lines += wrapped(
            f"{whole} = " + ", ".join(f"{name} {points(value, sign=True)}" for name, value in parts.items())
        )
    for warning in one.warnings:
        lines += wrapped(f"note: {warning}")
    return lines


def by_itself(one: Comparison) -> bool:
    """Whether the row is one task."""
    return len(one.tasks) == 1


def _choices(one: Comparison) -> str:
    """The candidates that halves picked most often."""
    told = []
    for side, shares in (one.candidates or {}).items():
        picked = [f"{name} {percent(share, 0)}" for name, share in list(shares.items())[:3] if share >= 0.005]
        told.append(f"{side} {', '.join(picked)}")
    return "; ".join(told)


def _show_pairs(store: object, task: str, *, as_json: bool, as_csv: bool) -> None:
    from harness.verdict import Store

    assert isinstance(store, Store)
    rows = store.pairs(task)
    if as_json:
        options.echo_json(rows)
        return
    if as_csv:
        from harness.verdict.export import pairs_csv

        click.echo(pairs_csv(rows), nl=False)
        return
    cells = [
        [
            shortened(one.first, 17), shortened(one.second, 17), points(one.gap, sign=True), span(one.low, one.high),
            "–" if math.isnan(one.p) else f"{one.p:.4f}", f"{one.p_adjusted:.4f}",
        ]
        for one in rows
    ]  # fmt: skip
    click.echo(table(["first", "second", "gap", "95 % each", "p", "adjusted"], cells, right=[2, 3, 4, 5]))
    click.echo(f"\n{len(rows)} pairs on {inert(task)}, first − second in points; adjusted p by Benjamini–Yekutieli.")
    missing: collections.Counter[str] = collections.Counter()
    for one in rows:
        missing |= collections.Counter({one.first: one.missing_first, one.second: one.missing_second})
    lacking = [f"{name} {count}" for name, count in sorted(missing.items()) if count]
    counts = collections.Counter(warning for one in rows for warning in one.warnings)
    notes = [f"missing answers: {', '.join(lacking)}"] if lacking else []
    notes += [
        warning if count == len(rows) else f"{warning} ({count} of {len(rows)} pairs)"
        for warning, count in counts.items()
    ]
    for note in notes:
        click.echo("\n".join(wrapped(f"note: {note}")))
