"""``opengap export``: the store's results for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options
from harness.errors import UsageError


@click.command("export")
@click.argument(
    "form", metavar="csv|parquet|markdown|lm-eval", type=click.Choice(["csv", "parquet", "markdown", "lm-eval"])
)
@click.option("--out", metavar="PATH", type=click.Path(path_type=Path), help="File to write (lm-eval: folder).")
@options.store
def command(form: str, out: Path | None, store: str | None) -> int:
    """Write what counts in a store for other programs.

    csv, parquet: one row an item and repeat, which `opengap import items` reads back. markdown: the gap and every
    score as tables. lm-eval: results_*.json and samples_*.jsonl, one folder a run.
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
    if form == "lm-eval":
        from harness.verdict.export_lm_eval import export_lm_eval

        for path in export_lm_eval(opened, out):
            click.echo(str(path))
        return 0
    from harness.verdict.export import export_rows

    if out.suffix != f".{form}":
        raise UsageError(f"export {form} writes a .{form} file, not {out.name!r}")
    rows = export_rows(opened, out)
    click.echo(f"{out}: {rows} rows")
    return 0


def _write(path: Path, text: str) -> None:
    from harness.errors import StoreError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}; give --out another place") from error
