"""``opengap eval``: carry out a plan for each model named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import options
from harness.cli.tables import wrapped
from harness.errors import BudgetReached
from harness.types import OpenFrom

if TYPE_CHECKING:
    from harness.running import RunResult


@click.command("eval")
@options.what_is_asked
@click.option("--concurrency", type=int, help="Requests in flight (default: by adapter).")
@click.option(
    "--budget",
    type=float,
    metavar="USD",
    help="Stop before the runs of this command cost more together, earlier answers included (exit code 3).",
)
@click.option("--price-in", type=float, metavar="USD", help="Price per million input tokens, where none is known.")
@click.option("--price-out", type=float, metavar="USD", help="Price per million output tokens, likewise.")
@click.option(
    "--batch", is_flag=True, help="Use the provider's batch API: slower, cheaper; the rest is asked directly."
)
@click.option(
    "--until-decided",
    is_flag=True,
    help="Ask two models, one closed and one open, item by item until the gap is decided.",
)
@click.option("--margin", type=float, default=3.0, show_default=True, help="Points within which --until-decided calls them equivalent.")  # fmt: skip
@options.open_from
@click.option(
    "--attempts", type=int, default=8, show_default=True, help="Give up an item after this many failed attempts."
)
@click.option("--attempt-timeout", type=float, default=900.0, show_default=True, metavar="S", help="Give up one attempt after this many seconds.")  # fmt: skip
@click.option("--patience", type=options.Duration(), default="10m", show_default=True, metavar="TIME", help="Wait so long for a server that goes away, then stop; the same command goes on.")  # fmt: skip
@click.option("--again", is_flag=True, help="Ask anew although the same plan is done.")
@click.option("--report", "and_report", is_flag=True, help="Then show the gap, where both sides are there, and write the report of the store.")  # fmt: skip
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
    budget: float | None,
    price_in: float | None,
    price_out: float | None,
    batch: bool,
    until_decided: bool,
    margin: float,
    open_from: OpenFrom,
    attempts: int,
    attempt_timeout: float,
    patience: float,
    again: bool,
    and_report: bool,
    store: str | None,
    as_json: bool,
) -> int:
    """Ask one or more models the same items the same way.

    MODEL is a catalogue name (`opengap models`) or an address: [provider:]name[@revision][,key=value…], as in
    qwen3-8b, openai:gpt-5.2,effort=high, vllm:org/name, server:NAME@URL, file:answers.jsonl. A bare open model runs on
    this machine. The same command again resumes a run that was stopped, and shows the results of one that is done.
    """
    from harness.running import Execution, RetryPolicy, evaluate

    policy = RetryPolicy(attempts=attempts, attempt_s=attempt_timeout)
    if until_decided:
        execution = Execution(
            concurrency=concurrency,
            again=again,
            budget_usd=budget,
            price_in=price_in,
            price_out=price_out,
            policy=policy,
            patience_s=patience,
        )
        refuse_with("--until-decided", {"--batch": batch, "--repeats": repeats > 1, "--report": and_report})
        return _until_decided(
            models, as_json, margin=margin, suite=suite, tasks=tasks, items=Path(items) if items else None, scorer=scorer,
            protocol=protocol, limit=limit, data=data, store=store, weights=weights,
            open_from=open_from, execution=execution,
        )  # fmt: skip
    try:
        results = evaluate(
            models,
            suite=suite,
            tasks=tasks,
            items=items,
            scorer=scorer,
            protocol=protocol,
            limit=limit,
            repeats=repeats,
            data=data,
            store=store,
            weights=weights,
            concurrency=concurrency,
            budget=budget,
            price_in=price_in,
            price_out=price_out,
            batch=batch,
            policy=policy,
            patience_s=patience,
            again=again,
        )
    except BudgetReached as error:
        if not and_report:
            raise
        click.echo(f"opengap: {error}", err=True)
        code = error.exit_code
    else:
        _show(results, as_json)
        code = max(result.exit_code for result in results)
    if and_report:
        from harness import address
        from harness.cli.following import follow
        from harness.running import store_for

        follow(store_for(address.resolve_all(models, weights), store), open_from, quiet=as_json)
    return code


def _show(results: Sequence[RunResult], as_json: bool) -> None:
    """What the runs brought; a program gets JSON. What stayed unanswered is said on standard error."""
    if as_json:
        from harness.gap.evidence import evidence_of
        from harness.gap.scores import scores

        options.echo_json(
            [
                {
                    "run": result.run.run_id,
                    "folder": str(result.run.path),
                    "system": result.receipt.system.name,
                    "cost_usd": result.receipt.cost_usd,
                    **result.receipt.counts,
                    "scores": scores(evidence_of([(result.run, result.receipt)])),
                }
                for result in results
            ]
        )
    else:
        from harness.cli.runs import score_table

        click.echo(score_table([result.run for result in results]))
    for result in results:
        unanswered = result.receipt.counts["planned"] - result.receipt.counts["answered"]
        if unanswered:
            click.echo(
                f"{result.receipt.system.name}: {unanswered} of {result.receipt.counts['planned']} unanswered; "
                f"`opengap runs --errors {result.run.run_id}` says why",
                err=True,
            )


def refuse_with(flag: str, others: dict[str, bool]) -> None:
    """UsageError if one of the options that exclude ``flag`` was given."""
    from harness.errors import UsageError

    given = [name for name, on in others.items() if on]
    if given:
        raise UsageError(
            f"{flag} and {' and '.join(given)} exclude each other: looks are taken as single answers arrive"
        )


def _until_decided(models: tuple[str, ...], as_json: bool, **asked: Any) -> int:
    from harness.studies.until_decided import describe, until_decided

    decision = until_decided(models, **asked)
    if as_json:
        options.echo_json(decision)
    else:
        head, *more = describe(decision)
        click.echo("\n".join([*wrapped(head, ""), *(line for one in more for line in wrapped(one))]))
    return decision.exit_code
