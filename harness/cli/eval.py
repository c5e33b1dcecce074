"""``opengap eval``: carry out a plan for each model named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.tables import wrapped
from harness.errors import BudgetReached
from harness.types import OpenFrom

if TYPE_CHECKING:
    from harness.asking import Asked, Execution, RunResult


@click.command("eval")
@options.what_is_asked
@click.option(
    "--until-decided",
    is_flag=True,
    help="Ask two models, one closed and one open, item by item until the gap is decided.",
)
@click.option("--margin", type=float, default=3.0, show_default=True, help="Points within which --until-decided calls them equivalent.")  # fmt: skip
@options.open_from
@click.option("--report", "and_report", is_flag=True, help="Then show the gap, where both sides are there, and write the report of the store.")  # fmt: skip
@click.option("--check", "names_only", is_flag=True, help="Check the names alone: no engine is needed, nothing is loaded or asked.")  # fmt: skip
@options.how_it_is_asked
@options.as_json
def command(
    asked: Asked, execution: Execution, until_decided: bool, margin: float, open_from: OpenFrom, and_report: bool,
    names_only: bool, as_json: bool,
) -> int:  # fmt: skip
    """Ask one or more models the same items the same way.

    MODEL is a catalogue name (`opengap models`) or an address: [provider:]name[@revision][,key=value…], as in
    qwen3-8b, openai:gpt-5.2,effort=high, vllm:org/name, server:NAME@URL, file:answers.jsonl. A bare open model runs on
    this machine. The same command again resumes a run that was stopped, and shows the results of one that is done.
    """
    from harness.asking import carry_out, check

    if names_only:
        check(asked)
        return 0
    if until_decided:
        refuse_with(
            "--until-decided", {"--batch": execution.batch, "--repeats": asked.repeats > 1, "--report": and_report}
        )
        return _until_decided(asked, execution, margin, open_from, as_json)
    try:
        results = carry_out(asked, execution)
    except BudgetReached as error:
        if not and_report:
            raise
        click.echo(f"opengap: {error}", err=True)
        code = error.exit_code
    else:
        _show(results, as_json)
        code = max(result.exit_code for result in results)
    if and_report:
        from harness.cli.following import follow

        follow(execution.folder(asked.systems()), open_from, quiet=as_json)
    return code


def _show(results: Sequence[RunResult], as_json: bool) -> None:
    """What the runs brought; a program gets JSON. What stayed unanswered is said on standard error."""
    if as_json:
        from harness.evidence.gather import evidence_of
        from harness.verdict.scores import scores

        options.echo_json(
            [
                {
                    "run": result.run.run_id,
                    "folder": str(result.run.path),
                    "system": result.receipt.system.name,
                    "cost_usd": result.receipt.cost_usd,
                    **result.receipt.counts,
                    "reported_models": result.receipt.reported_models,
                    "fingerprints": result.receipt.fingerprints,
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


def _until_decided(asked: Asked, execution: Execution, margin: float, open_from: OpenFrom, as_json: bool) -> int:
    from harness.studies.until_decided import describe, until_decided

    decision = until_decided(asked, execution, margin=margin, open_from=open_from)
    if as_json:
        options.echo_json(decision)
    else:
        head, *more = describe(decision)
        click.echo("\n".join([*wrapped(head, ""), *(line for one in more for line in wrapped(one))]))
    return decision.exit_code
