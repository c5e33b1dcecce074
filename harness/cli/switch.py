"""``opengap switch``: the buyer's decision in one command."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options, outcome
from harness.cli.tables import table, wrapped
from harness.text import inert, points, shortened, span, usd
from harness.types import OpenFrom

SHOWN = 20


@click.command("switch")
@click.option("--from", "before", required=True, metavar="MODEL", help="The system in use.")
@click.option("--to", "after", required=True, metavar="MODEL", help="The system that may replace it.")
@click.option(
    "--items", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Own questions: input, target, …"
)
@click.option("--margin", type=float, default=2.0, show_default=True, help="Points that may be lost.")
@click.option("--scorer", default="exact", show_default=True, metavar="exact|contains|choice|numeric", help="How answers are scored.")  # fmt: skip
@click.option("--protocol", default="matched", show_default=True, help="How it is asked: matched, as-recommended.")
@click.option("--limit", type=int, help="Ask this many items, always the same ones.")
@click.option("--repeats", type=int, default=1, show_default=True, help="Ask every item this often.")
@click.option("--weights", multiple=True, metavar="open|closed", help="Openness of models that the catalogue does not know: once for both, or --from's and then --to's.")  # fmt: skip
@click.option("--concurrency", type=int, help="Requests in flight (default: by adapter).")
@click.option("--budget", type=float, metavar="DOLLARS", help="Stop before the two runs cost more together.")
@click.option("--again", is_flag=True, help="Ask anew although the same plan is done.")
@options.open_from
@outcome.fail_on("worse by more than the margin", "not worse by the margin", "undecided")
@options.store
@options.as_json
def command(
    before: str,
    after: str,
    items: Path,
    margin: float,
    scorer: str,
    protocol: str,
    limit: int | None,
    repeats: int,
    weights: tuple[str, ...],
    concurrency: int | None,
    budget: float | None,
    again: bool,
    open_from: OpenFrom,
    fail_on: tuple[str, ...],
    allow_undecided: bool,
    store: str | None,
    as_json: bool,
) -> int:
    """Whether to go from one model to another, on your own items.

    Is the new one worse by more than --margin? Asks both the same items (or reads what was asked before), and shows the
    verdict, what each costs, and the items that would get worse.
    """
    from harness import catalogue
    from harness.studies.switch import switch

    judged = outcome.asked(fail_on, allow_undecided)
    found = switch(
        before, after, items, margin=margin, scorer=scorer, protocol=protocol, limit=limit, repeats=repeats,
        store=store, weights=weights, concurrency=concurrency, budget=budget, again=again, open_from=open_from,
    )  # fmt: skip
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
