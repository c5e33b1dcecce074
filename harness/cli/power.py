"""``opengap power``: how many items or repeats a gap needs."""

from __future__ import annotations

import math

import click

from harness.cli import options
from harness.cli.tables import table, wrapped
from harness.text import inert, points, shortened
from harness.types import OpenFrom


@click.command("power")
@click.option("--closed", metavar="NAME", help="Closed system: stored name, unique prefix or address.")
@click.option("--open", "open_", metavar="NAME", help="Open system, likewise.")
@click.option("--task", help="This task alone.")
@click.option("--gap", "gaps", type=float, multiple=True, default=(3.0, 5.0, 8.0), show_default=True, metavar="POINTS", help="Gap to be seen; may be given several times.")  # fmt: skip
@click.option("--repeats", type=int, default=1, show_default=True, help="Items needed if each were asked this often.")
@options.open_from
@options.store
@options.as_json
def command(
    closed: str | None, open_: str | None, task: str | None, gaps: tuple[float, ...], repeats: int,
    open_from: OpenFrom, store: str | None, as_json: bool,
) -> int:  # fmt: skip
    """How many items or repeats a gap needs.

    With so many, a row of `gap` by itself (95 %, not adjusted for others) says in 80 % of cases that a side leads which
    is ahead by that much. From the variances of the answers that are stored; where few items differ, by the exact rules
    of `gap`; of graded scores fewer than 60, or skewed ones, need more. "items" holds for independent
    items; "clustered" for items that share passages or repositories as those stored do, with how many of these
    "clusters" that takes: more items of the same clusters would not do.
    """
    from harness import catalogue, settings
    from harness.evidence.gather import open_levels
    from harness.studies.power import power
    from harness.verdict import Store

    evidence, notes = Store(settings.store_folder(store)).evidence()
    found = power(
        evidence, gaps, closed=closed, open_=open_, task=task, repeats=repeats, open_from=open_from, notes=notes
    )
    if as_json:
        options.echo_json(found)
        return 0
    rows = [
        [
            shortened(one.task, 24), f"{one.gap:g}", _count(one.n_needed), _count(one.n_needed_clustered),
            _count(one.clusters_needed), _count(one.n_at_repeats), _count(one.repeats_needed),
        ]
        for one in found
    ]  # fmt: skip
    head = ["task", "gap", "items", "clustered", "clusters", f"at {repeats} repeats", "repeats"]
    click.echo(table(head, rows, right=[1, 2, 3, 4, 5, 6]))
    for one in {one.task: one for one in found}.values():
        lines = [
            f"{one.task}: {one.closed} − {one.open}",
            f"stored: {one.n} items, sd of a difference {points(one.sd)} points",
            f"so many independent items would show a gap of {points(one.detectable_iid)} points",
        ]
        if not math.isnan(one.design_effect):
            lines.append(f"clusters bring {one.design_effect:.2f} times the variance")
        sides = (("closed", one.answer_variance_closed), ("open", one.answer_variance_open))
        once = [side for side, variance in sides if math.isnan(variance)]
        if once:
            lines.append(f"{' and '.join(once)} asked once: what repeats would bring is not known")
        click.echo("\n".join(["", *wrapped(lines[0], ""), *(part for line in lines[1:] for part in wrapped(line))]))
    there = {one.task for one in found}
    rule = catalogue.openness_rule(open_levels([one for one in evidence if one.task in there]), open_from)
    click.echo("\n".join(["", *wrapped(f"{rule[:1].upper()}{rule[1:]}.", "")]))
    for note in notes:
        click.echo(inert(f"note: {note}"), err=True)
    return 0


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
