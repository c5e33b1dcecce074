"""``opengap switch``: the buyer's decision in one command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli import options, outcome
from harness.cli.tables import table, wrapped
from harness.text import inert, points, shortened, span, usd
from harness.types import OpenFrom

if TYPE_CHECKING:
    from harness.asking import Asked, Execution

SHOWN = 20


@click.command("switch")
@options.from_one_to_another
@click.option("--margin", type=float, default=2.0, show_default=True, help="Points that may be lost.")
@options.how_both_are_asked
@options.open_from
@outcome.fail_on("worse by more than the margin", "not worse by the margin", "undecided")
@options.as_json
def command(
    asked: Asked, execution: Execution, margin: float, open_from: OpenFrom, fail_on: tuple[str, ...], allow_undecided: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Whether to go from one model to another, on your own items.

    Is the new one worse by more than --margin? Asks both the same items (or reads what was asked before), and shows the
    verdict, what each costs, and the items that would get worse.
    """
    from harness import catalogue
    from harness.studies.switch import switch

    judged = outcome.asked(fail_on, allow_undecided)
    found = switch(asked, execution, margin=margin, open_from=open_from)
    verdicts = [found.verdict] if judged else []
    code = outcome.exit_code(verdicts, fail_on, allow_undecided=allow_undecided, otherwise=found.exit_code)
    if as_json:
        options.echo_json(found)
        return code
    sides = (
        ("from", found.before, found.score_before, found.ci_before, found.cost_before_usd, found.missing_before),
        ("to", found.after, found.score_after, found.ci_after, found.cost_after_usd, found.missing_after),
    )
    rows = [
        [word, shortened(name, 32), points(score), span(*ci), str(found.n), usd(cost), str(missing or "")]
        for word, name, score, ci, cost, missing in sides
    ]
    click.echo(table(["", "system", "score", "95 %", "n", "an item", "missing"], rows, right=[2, 3, 4, 5, 6]))
    click.echo(
        f"\nchange {points(found.change, sign=True)} points, 95 % {span(found.low, found.high)} ({found.method}, "
        f"n {found.n}, margin {found.margin:g}): {found.verdict}"
    )
    if found.verdict == "undecided" and found.n_needed is not None:
        click.echo(f"about {found.n_needed:,} items would show a change of {found.margin:g} points")
    for warning in found.warnings:
        click.echo(inert(f"note: {warning}"))
    levels = (found.weights_before, found.weights_after)
    before, after = (catalogue.side_of(level, open_from) for level in levels)
    rule = catalogue.openness_rule(levels, open_from)
    click.echo("\n".join(wrapped(f"from {before} to {after}; {rule}", "")))
    click.echo(f"\n{len(found.worse)} items get worse, {found.better} better")
    if found.worse:
        lost = [
            [one.task, shortened(one.item_id, 40), f"{one.before:g}", f"{one.after:g}"] for one in found.worse[:SHOWN]
        ]
        click.echo(table(["task", "item", "from", "to"], lost, right=[2, 3]))
    if len(found.worse) > SHOWN:
        click.echo(f"… and {len(found.worse) - SHOWN} more (--json lists all)")
    return code
