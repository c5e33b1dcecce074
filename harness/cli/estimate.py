"""``opengap estimate``: what `eval` with the same options would cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.tables import shorten, table, wrapped

if TYPE_CHECKING:
    from harness.running.estimate import Estimate


@click.command("estimate")
@options.what_is_asked
@click.option("--concurrency", type=int, help="Requests in flight (default: by adapter).")
@click.option("--price-in", type=float, metavar="USD", help="Price per million input tokens, where none is known.")
@click.option("--price-out", type=float, metavar="USD", help="Price per million output tokens, likewise.")
@options.store
@options.as_json
def command(
    models: tuple[str, ...],
    suite: str | None,
    tasks: tuple[str, ...],
    items: str | None,
    scorer: str,
    protocol: str,
    limit: int | None,
    repeats: int,
    data: str | None,
    weights: tuple[str, ...],
    concurrency: int | None,
    price_in: float | None,
    price_out: float | None,
    store: str | None,
    as_json: bool,
) -> int:
    """What a plan would cost, before anything is sent.

    The options are those of `eval`. Input tokens come from the real prompts at four bytes a token, and from the sizes of
    the images; output tokens from the mean of earlier runs of the same tasks in the store; "most" takes every answer at
    its limit.
    """
    from harness import address
    from harness.running import plan_jobs, store_for
    from harness.running.estimate import estimate

    systems = address.resolve_all(models, weights)
    folder = store_for(systems, store)
    jobs = plan_jobs(
        systems, folder, suite=suite, tasks=tasks, items=Path(items) if items else None, scorer=scorer,
        protocol=protocol, limit=limit, repeats=repeats, data=data, keys_needed=False,
    )  # fmt: skip
    found = [estimate(job, folder, concurrency=concurrency, price_in=price_in, price_out=price_out) for job in jobs]
    if as_json:
        options.echo_json(found)
        return 0
    rows = [
        [
            shorten(one.system, 28), f"{one.requests:,}", f"{one.input_tokens:,}",
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
    return 0


def _usd(one: Estimate, value: float | None, part: float = 1.0) -> str:
    """Dollars, or the least that they can be; ``part`` is what is paid of the list price."""
    if value is not None:
        return f"${value:,.2f}"
    if one.least_usd is None:
        return "unknown"
    return f"≥${one.least_usd * part:,.2f}"
