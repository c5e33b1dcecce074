"""``opengap publish``: what may leave this machine."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options
from harness.text import inert


@click.command("publish")
@click.argument("out", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--no-report", is_flag=True, help="Leave the report to whoever adds this to what was published before.")
@options.store
def command(out: Path, no_report: bool, store: str | None) -> int:
    """Copy what may leave this machine: receipts, scores, the report.

    DIR becomes a store of its own, or grows by the runs that it lacks, with the report of all that it holds in
    DIR/report. Journals stay here, and so does every text of tasks that are gated, not redistributable, or own
    questions: what was asked and answered, what a scorer read, and why an item failed. Item ids and cluster labels are
    published. Prints the ids of the runs that were added.
    """
    from harness import settings
    from harness.errors import StoreError
    from harness.report.facts import gather
    from harness.report.make import folder_for, make
    from harness.store.publish import publish

    folder = settings.store_folder(store)
    if not folder.is_dir():
        raise StoreError(f"there is no store at {folder}: run `opengap eval` first, or give --store")
    added, notes = publish(folder, out)
    if not no_report:
        # Made of the copy alone, so that it can show nothing that is not in it.
        facts = gather(out)
        make(facts, folder_for(out, None))
        notes += facts.notes
    for note in dict.fromkeys(notes):
        click.echo(inert(f"note: {note}"), err=True)
    for run_id in added:
        click.echo(run_id)
    return 0
