"""``opengap rescore``: today's scorer on stored answers."""

from __future__ import annotations

import click

from harness.cli import options


@click.command("rescore")
@click.argument("run")
@click.option("--data", metavar="DIR", help="Local copies of the tasks' data (default: OPENGAP_DATA).")
@click.option("--allow-code-execution", is_flag=True, help="Run code that models wrote, for tasks that need it.")
@options.store
def command(run: str, data: str | None, allow_code_execution: bool, store: str | None) -> int:
    """Score a run's stored answers anew, into a new run.

    Nothing is asked and nothing is paid. The new run names the run that holds the answers, and replaces it in every
    comparison.
    """
    from harness import settings
    from harness.cli.runs import score_table
    from harness.running.rescore import rescore

    result = rescore(run, settings.store_folder(store), data=data, allow_code_execution=allow_code_execution)
    click.echo(score_table([result.run]))
    return 0
