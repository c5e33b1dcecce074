"""``opengap rescore``: today's scorer on stored answers."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options


@click.command("rescore")
@click.argument("run")
@click.option("--data", metavar="DIR", help="Local copies of the tasks' data (default: OPENGAP_DATA).")
@click.option(
    "--items", type=click.Path(path_type=Path), metavar="FILE", help="Own questions: the file that was asked."
)
@click.option("--scorer", metavar="exact|contains|choice|numeric", help="Own questions: another scorer that asks in the same words.")  # fmt: skip
@options.sandboxed
@options.store
def command(run: str, data: str | None, items: Path | None, scorer: str | None, store: str | None) -> int:
    """Score a run's stored answers anew, into a new run.

    Nothing is asked and nothing is paid. The new run names the run that holds the answers, and replaces it in every
    comparison. RUN is a run's id, or a unique beginning of one.
    """
    from harness import settings
    from harness.asking.rescore import rescore
    from harness.cli.runs import score_table

    result = rescore(
        run, settings.store_folder(store), data=data, items=items, scorer=scorer,
    )  # fmt: skip
    click.echo(score_table([result.run]))
    return 0
