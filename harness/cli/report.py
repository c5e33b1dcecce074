"""``opengap report``: what people read."""

from __future__ import annotations

import click

from harness.cli import options, outcome
from harness.text import inert
from harness.types import OpenFrom


@click.command("report")
@click.option("--out", metavar="DIR", type=click.Path(file_okay=False), help="Folder to write to (default: report/ of the store).")  # fmt: skip
@options.open_from
@options.own_text
@outcome.fail_on("closed leads", "open leads", "equivalent", "undecided")
@options.store
def command(
    out: str | None,
    open_from: OpenFrom,
    own_text: bool,
    fail_on: tuple[str, ...],
    allow_undecided: bool,
    store: str | None,
) -> int:
    """Write what people read: a page, charts and tables.

    index.html stands alone, works from a folder and asks the network for nothing: the gap of each dimension, how sure
    it is and at what price, every chart that the data suffice for, and all samples side by side. Beside it lie the
    charts (gap.png, gap.svg, …, light and dark), the numbers as CSV, and summary.md with what changed since the last
    report. Scores that others published stand apart: best against best and months behind, never a paired gap. The
    texts of own questions stay out of it, so that it can be passed on, unless --own-text asks for them. The same store
    gives the same bytes.
    """
    from harness import settings
    from harness.report.facts import gather
    from harness.report.make import folder_for, make

    judged = outcome.asked(fail_on, allow_undecided)
    folder = settings.store_folder(store)
    facts = gather(folder, open_from)
    for note in facts.notes:
        click.echo(f"note: {inert(note)}", err=True)
    if not facts.anything:
        click.echo(
            "nothing to compare yet: a gap needs an open and a closed system on the same task; the page says what there is",
            err=True,
        )
    for path in make(facts, folder_for(folder, out), own_text=own_text):
        click.echo(str(path))
    verdicts = [one.verdict for one in facts.rows] if judged else []
    return outcome.exit_code(verdicts, fail_on, allow_undecided=allow_undecided)
