"""``opengap gap``: the table that this project exists for."""

from __future__ import annotations

import click

from harness.cli import options
from harness.cli.tables import points, shorten, span, table
from harness.types import Comparison


@click.command("gap")
@click.option("--closed", metavar="NAME", help="Closed system: stored name, unique prefix or address.")
@click.option("--open", "open_", metavar="NAME", help="Open system, likewise.")
@click.option("--dimension", help="This dimension alone.")
@click.option("--task", help="This task alone.")
@click.option("--by-task", is_flag=True, help="One row a task instead of one a dimension.")
@click.option("--margin", type=float, default=3.0, show_default=True, help="Points within which two systems count as equivalent.")  # fmt: skip
@click.option("--force", is_flag=True, help="Compare what is not comparable; the differences are printed beside it.")
@options.store
@options.as_json
def command(
    closed: str | None,
    open_: str | None,
    dimension: str | None,
    task: str | None,
    by_task: bool,
    margin: float,
    force: bool,
    store: str | None,
    as_json: bool,
) -> int:
    """How far apart open and closed models are, and how sure that is.

    Closed minus open on the same items, in points; positive: closed ahead. With one open and one closed system that
    pair, with more the best against the best of each dimension, cross-fitted. The intervals hold together for all rows
    (95 %, Bonferroni), and the verdict follows from them: a side leads, the two are equivalent within --margin, or it
    is undecided, with the smallest gap that could have been seen.
    """
    from harness import settings
    from harness.errors import UsageError
    from harness.gap import Store

    if not margin > 0:
        raise UsageError("--margin must be above 0 points")
    gaps = Store(settings.store_folder(store)).gap(
        closed, open_, dimension=dimension, task=task, by_task=by_task, margin=margin, force=force
    )
    if as_json:
        options.echo_json(list(gaps))
    elif len(gaps):
        click.echo(text(list(gaps), by_task))
    for note in gaps.notes:
        click.echo(f"note: {note}", err=True)
    if not len(gaps) and not as_json:
        click.echo("nothing to compare yet: a gap needs an open and a closed system on the same task", err=True)
    return 0


def text(gaps: list[Comparison], by_task: bool = False) -> str:
    """The table at 80 columns, with the names, the rule and every warning below it."""
    from harness.catalogue import OPENNESS_RULE

    rows = [
        [
            shorten(one.task if by_task else one.dimension, 24), points(one.score_closed), points(one.score_open),
            points(one.gap, sign=True), span(*one.ci_simultaneous), str(one.n), one.verdict,
        ]
        for one in gaps
    ]  # fmt: skip
    head = ["task" if by_task else "dimension", "closed", "open", "gap", "interval", "n", "verdict"]
    lines = [table(head, rows, right=[1, 2, 3, 4, 5]), ""]
    for one in gaps:
        where = one.task if by_task else one.dimension
        missing = f", missing {one.missing_closed} closed, {one.missing_open} open" if one.missing_closed + one.missing_open else ""
        lines.append(f"{where}: {one.closed} against {one.open} ({one.chosen_by}; {one.protocol}; {one.ci_method}{missing})")
        if one.plug_in is not None:
            lines.append(f"  on all items the two named differ by {points(one.plug_in, sign=True)}: the luck of the best is in it")
        if one.verdict == "undecided" and one.detectable == one.detectable:
            lines.append(f"  undecided: a gap under {points(one.detectable)} points cannot be seen here (80 % power)")
        lines += [f"  note: {warning}" for warning in one.warnings]
    level = "95 % intervals" if len(gaps) == 1 else f"simultaneous 95 % intervals (Bonferroni over {len(gaps)} rows)"
    lines.append(f"{level}; margin {points(gaps[0].margin)} points; {OPENNESS_RULE}")
    return "\n".join(lines)


