"""``opengap report``: what people read."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options
from harness.cli.tables import inert


@click.command("report")
@click.option("--out", metavar="DIR", type=click.Path(file_okay=False), help="Folder to write to (default: report/ of the store).")  # fmt: skip
@options.store
def command(out: str | None, store: str | None) -> int:
    """Draw the gap chart.

    Writes gap.png and gap.svg: for each dimension both scores, the gap with its interval, n and the verdict, as
    `opengap gap` prints them. The same store gives the same bytes.
    """
    from harness import settings
    from harness.report.facts import gather
    from harness.report.make import make

    folder = settings.store_folder(store)
    facts = gather(folder)
    for note in facts.gaps.notes:
        click.echo(f"note: {inert(note)}", err=True)
    if not facts.rows:
        click.echo("nothing to draw yet: a gap needs an open and a closed system on the same task; no file was written", err=True)
        return 0
    for path in make(facts, Path(out) if out else folder / "report"):
        click.echo(str(path))
    return 0
