"""What `eval --report` does once the runs have ended: the gap where both sides are there, and the report."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from harness.cli.tables import wrapped
from harness.errors import OpenGapError
from harness.text import inert
from harness.types import OpenFrom

SHOWN = ("index.html", "gap.png", "summary.md")
"""The files of a report whose paths are printed; the others lie beside them."""


def follow(store: Path, open_from: OpenFrom, *, quiet: bool) -> None:
    """Print the gap table of a store and write its report. What fails here is said and changes no exit code.

    ``quiet``: standard output belongs to a program, so everything goes to standard error.
    """
    from harness.cli.gap import text
    from harness.report.counterpart import counterpart
    from harness.report.facts import gather
    from harness.report.make import folder_for, make
    from harness.report.words import brings_the_gap

    try:
        facts = gather(store, open_from)
        click.echo(err=quiet)
        if facts.rows:
            click.echo(text(facts.gaps, by_task=False), err=quiet)
        for note in facts.notes:
            click.echo(inert(f"note: {note}"), err=True)
        lacking = counterpart(facts)
        if lacking is not None:
            click.echo(
                "\n".join(
                    [*wrapped(brings_the_gap(lacking), ""), f"  {lacking.command} --store {shlex.quote(str(store))}"]
                ),
                err=quiet,
            )
        for path in make(facts, folder_for(store, None)):
            if path.name in SHOWN:
                click.echo(str(path), err=quiet)
    except OpenGapError as error:
        click.echo(f"no report: {error}", err=True)
