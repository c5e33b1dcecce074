"""``opengap export``: the store's results for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.exchange.outgoing import Counting

FORMS = ("csv", "parquet", "markdown", "lm-eval", "every-eval-ever", "eval-results", "model-card")


@click.command("export")
@click.argument("form", metavar="|".join(FORMS), type=click.Choice(FORMS))
@click.option(
    "--out",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="File to write (all but csv, parquet, markdown: folder).",
)
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="TASK=ORG/NAME[:TASK_ID]",
    help="A task's benchmark on the Hugging Face hub, for eval-results and model-card.",
)
@options.store
def command(form: str, out: Path | None, datasets: tuple[str, ...], store: str | None) -> int:
    """Write what counts in a store for other programs.

    csv, parquet: one row an item and repeat, which `opengap import items` reads back. markdown: the gap and every
    score as tables. lm-eval: results_*.json and samples_*.jsonl, one folder a run. every-eval-ever: the schema of the
    EvalEval coalition, one aggregate with its samples a system and task. eval-results: .eval_results/*.yaml for a
    model's repository on the Hugging Face hub; model-card: the same as metadata of its README. Both are results of the
    community, never verified ones.
    """
    from harness import settings
    from harness.verdict import Store

    opened = Store(settings.store_folder(store))
    if form == "markdown":
        from harness.verdict.export import markdown

        text = markdown(opened)
        if out is None:
            click.echo(text, nl=False)
            return 0
        _write(out, text)
        click.echo(str(out))
        return 0
    if out is None:
        raise UsageError(f"export {form} writes files: give --out PATH")
    from harness.exchange.outgoing import Counting, some

    evidence, _ = opened.evidence()
    results = some([Counting(one.run, one.receipt, one.planned) for one in evidence], opened.path)
    if form not in ("csv", "parquet"):
        paths, notes = _folder(form, results, out, datasets)
        for path in paths:
            click.echo(str(path))
        for note in notes:
            click.echo(f"note: {note}", err=True)
        return 0
    from harness.exchange.tidy import export_rows

    if out.suffix != f".{form}":
        raise UsageError(f"export {form} writes a .{form} file, not {out.name!r}")
    rows = export_rows(results, out)
    click.echo(f"{out}: {rows} rows")
    return 0


def _folder(
    form: str, results: Sequence[Counting], out: Path, datasets: tuple[str, ...]
) -> tuple[list[Path], list[str]]:
    """The files of a form that fills a folder, and notes."""
    if form == "lm-eval":
        from harness.exchange.lm_eval_files import export_lm_eval

        return export_lm_eval(results, out), []
    if form == "every-eval-ever":
        from harness.exchange.every_eval_ever import export_every_eval_ever

        return export_every_eval_ever(results, out), []
    from harness.cli.importing import pairs_of
    from harness.exchange.hugging_face import export_card, export_eval_results

    named = pairs_of(datasets, "--dataset")
    return export_eval_results(results, out, named) if form == "eval-results" else export_card(results, out, named)


def _write(path: Path, text: str) -> None:
    from harness.errors import StoreError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}; give --out another place") from error
