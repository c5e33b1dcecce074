"""``opengap estimate``: what `eval` with the same options would cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.tables import table, wrapped
from harness.text import shortened, usd

if TYPE_CHECKING:
    from harness.asking import Asked, Execution
    from harness.asking.estimate import Estimate


@click.command("estimate")
@options.what_is_asked
@options.how_it_would_be_asked
@click.option("--budget", type=float, metavar="USD", help="Exit code 3 where this could cost more, or nobody knows; hours of this machine are not counted.")  # fmt: skip
@options.as_json
def command(asked: Asked, execution: Execution, as_json: bool) -> int:
    """What a plan would cost, before anything is sent.

    The options are those of `eval`. Input tokens come from the real prompts at four bytes a token, and from the sizes of
    the images; output tokens from the mean of earlier runs of the same tasks in the store; "most" takes every answer at
    its limit.
    """
    from harness.asking import plan_jobs
    from harness.asking.estimate import estimate

    systems = asked.systems()
    jobs = plan_jobs(asked, execution, systems, keys_needed=False)
    found = [estimate(job, execution.folder(systems), execution) for job in jobs]
    code = 0 if execution.budget_usd is None else _within(execution.budget_usd, found)
    if as_json:
        options.echo_json(found)
        return code
    rows = [
        [
            shortened(one.system, 28), f"{one.requests:,}", f"{one.input_tokens:,}",
            "?" if one.output_tokens is None else f"{one.output_tokens:,}",
            _usd(one, one.list_usd), "–" if one.batch_discount is None else _usd(one, one.batch_usd, 1 - one.batch_discount), _usd(one, one.most_usd),
            "?" if one.minutes is None else f"{one.minutes:.1f}",
        ]
        for one in found
    ]  # fmt: skip
    click.echo(
        table(["system", "requests", "tok in", "tok out", "list", "batch", "most", "minutes"], rows, right=range(1, 8))
    )
    for one in found:
        where = (
            "runs on this machine: accelerator hours, not tokens, are paid" if one.by_the_hour else f"price {one.price}"
        )
        click.echo(f"{one.system}: {where}")
    if any(one.output_tokens is None for one in found):
        click.echo(
            "\n".join(wrapped("? and ≥: no earlier run of these tasks in the store tells how long answers are, so only what the "
                              "prompts cost is known; `--limit 20` of `eval` makes one", ""))
        )  # fmt: skip
    return code


def _within(budget: float, found: Sequence[Estimate]) -> int:
    """3 where every answer at its limit would pass the budget, as `eval` would stop there; else 0."""
    paid = [one for one in found if not one.by_the_hour]
    unknown = [one.system for one in paid if one.most_usd is None]
    most = sum(one.most_usd or 0.0 for one in paid)
    if unknown:
        click.echo(f"no price is known of {', '.join(unknown)}: give --price-in and --price-out", err=True)
    elif most > budget:
        click.echo(f"this can cost {usd(most)}, more than the budget of {usd(budget)}", err=True)
    return 3 if unknown or most > budget else 0


def _usd(one: Estimate, value: float | None, part: float = 1.0) -> str:
    """Dollars, or the least that they can be; ``part`` is what is paid of the list price."""
    if value is not None:
        return usd(value)
    if one.least_usd is None:
        return "unknown"
    return f"≥{usd(one.least_usd * part)}"
