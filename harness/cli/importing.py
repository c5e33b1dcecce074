"""``opengap import``: results of models that nobody here ran."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.tables import inert, points, shorten, table
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.importers.sealing import Imported

file = click.argument("file", type=click.Path(path_type=Path))
benchmark = click.option("--benchmark", required=True, metavar="NAME", help="Name of the task that the rows become.")
dimension = click.option("--dimension", required=True, metavar="NAME", help="Row of the report it belongs to: reasoning, coding, …")  # fmt: skip
weights = click.option("--weights", metavar="open|closed", help="Openness of the models that neither file nor catalogue tells.")  # fmt: skip


@click.group("import")
def command() -> None:
    """Take results made elsewhere into the store, as runs whose protocol is unknown.

    They are compared as other runs are; what nobody knows of them is printed beside every number.
    """


def pairs_of(given: Sequence[str], flag: str) -> dict[str, str]:
    """``left=right`` texts as a mapping. UsageError on another form or a repeated left side."""
    found: dict[str, str] = {}
    for text in given:
        left, equals, right = text.partition("=")
        if not equals or not left or left in found:
            raise UsageError(f"{flag} {text!r}: expected NAME=VALUE, each name once")
        found[left] = right
    return found


@command.command("items")
@file
@benchmark
@dimension
@click.option("--map", "columns", multiple=True, metavar="NEW=OLD", help="Our column's name = the file's.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Only rows with this value.")
@click.option("--cluster-regex", metavar="REGEX", help="Cluster of an item: the first group found in item_id.")
@weights
@click.option("--published", type=click.Path(path_type=Path), metavar="FILE", help="Published means to check the rows against.")  # fmt: skip
@click.option("--series", metavar="NAME", help="Which series of that file.")
@options.store
@options.as_json
def items(
    file: Path,
    benchmark: str,
    dimension: str,
    columns: tuple[str, ...],
    where: tuple[str, ...],
    cluster_regex: str | None,
    weights: str | None,
    published: Path | None,
    series: str | None,
    store: str | None,
    as_json: bool,
) -> int:
    """A table with one row a model and item (CSV, JSON Lines, JSON or Parquet).

    Columns: model, item_id, score in [0, 1]; optional: open_weights, cluster_id (items that are not independent),
    cost_usd, repeat, date (when the item became public). With --published a model whose rows differ from its published
    mean by more than half a point is left out, and the exit code is 1.
    """
    from harness.importers.check import against_published, published_means
    from harness.importers.items import read_items

    if series is not None and published is None:
        raise UsageError("--series names a series of the file given with --published, which is missing")
    found, notes = read_items(
        file,
        benchmark=benchmark,
        dimension=dimension,
        columns=pairs_of(columns, "--map"),
        where=pairs_of(where, "--where"),
        cluster_regex=cluster_regex,
        weights=weights,
    )
    left_out: list[str] = []
    if published is not None:
        found, left_out, said = against_published(found, published_means(published, series))
        notes += said
    return finish(found, notes, left_out, kind="items", source=file, store=store, as_json=as_json)


def finish(
    found: Sequence[Imported],
    notes: Sequence[str],
    left_out: Sequence[str],
    *,
    kind: str,
    source: Path,
    store: str | None,
    as_json: bool,
) -> int:
    """Seal what was read and say so. Exit code 1 if something was left out."""
    from harness import settings
    from harness.importers.sealing import seal_all

    folder = settings.store_folder(store)
    sealed = seal_all(folder, found, kind=kind, source=source)
    if as_json:
        options.echo_json(
            [
                {
                    "run": one.run.run_id, "system": one.imported.system, "weights": one.imported.weights,
                    "task": one.imported.task, "n": len(one.imported.item_ids), "missing": one.missing,
                    "score": 100 * one.mean, "fresh": one.fresh,
                }
                for one in sealed
            ]
        )  # fmt: skip
    else:
        rows = [
            [
                shorten(one.imported.system, 40), one.imported.weights, shorten(one.imported.task, 20),
                points(100 * one.mean), str(len(one.imported.item_ids) - one.missing), str(one.missing or ""),
            ]
            for one in sealed
        ]  # fmt: skip
        if rows:
            click.echo(table(["system", "weights", "task", "score", "n", "missing"], rows, right=[3, 4, 5]))
    for note in notes:
        click.echo(f"note: {inert(note)}", err=True)
    for line in left_out:
        click.echo(f"LEFT OUT {inert(line)}", err=True)
    old = sum(not one.fresh for one in sealed)
    if old:
        click.echo(
            f"note: {old} of {len(sealed)} were imported before with the same rows; nothing was written for them",
            err=True,
        )
    click.echo(f"imported {len(sealed) - old} results into {folder}; next: opengap gap --store {folder}", err=True)
    return 1 if left_out else 0
