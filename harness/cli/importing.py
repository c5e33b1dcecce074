"""``opengap import``: results of models that nobody here ran."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.tables import inert, points, shorten, span, table
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.importers.sealing import Imported

file = click.argument("file", type=click.Path(path_type=Path))
benchmark = click.option("--benchmark", required=True, metavar="NAME", help="Name of the task that the rows become.")
dimension = click.option("--dimension", required=True, metavar="NAME", help="Row of the report it belongs to: reasoning, coding, …")  # fmt: skip
weights = click.option("--weights", metavar="open|closed", help="Openness of the models that neither file nor catalogue tells.")  # fmt: skip


@click.group("import")
def command() -> None:
    """Take results made elsewhere into the store.

    They become runs whose protocol is unknown, and are compared as other runs are; what nobody knows of them is
    printed beside every number.
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
    from harness.evidence.gather import evidence_of
    from harness.importers.sealing import seal_all
    from harness.store import read_receipt
    from harness.verdict.scores import scores

    folder = settings.store_folder(store)
    sealed = seal_all(folder, found, kind=kind, source=source)
    told = {one.run: one for one in scores(evidence_of([(one.run, read_receipt(one.run)) for one in sealed]))}
    fresh = {one.run.run_id: one.fresh for one in sealed}
    if as_json:
        options.echo_json([{**dataclasses.asdict(score), "fresh": fresh[run]} for run, score in told.items()])
    elif told:
        rows = [
            [
                shorten(one.system, 26), one.weights, shorten(one.task, 18), points(one.score),
                span(one.low, one.high), str(one.n), str(one.missing or ""),
            ]
            for one in told.values()
        ]  # fmt: skip
        head = ["system", "weights", "task", "score", "95 %", "n", "missing"]
        click.echo(table(head, rows, right=[3, 4, 5, 6]))
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


model = click.option("--model", metavar="NAME", help="The model's name, where the file's own does not do.")
metric = click.option("--metric", metavar="NAME", help="Which metric or scorer, where there are several.")


@command.command("lm-eval")
@file
@dimension
@model
@metric
@click.option("--filter", "filter_name", metavar="NAME", help="Which of lm-eval's filters, where there are several.")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="Only this task; may be given several times.")
@weights
@options.store
@options.as_json
def lm_eval(
    file: Path,
    dimension: str,
    model: str | None,
    metric: str | None,
    filter_name: str | None,
    tasks: tuple[str, ...],
    weights: str | None,
    store: str | None,
    as_json: bool,
) -> int:
    """lm-eval's results_*.json (or its folder), with the samples_*.jsonl beside it."""
    from harness.importers.lm_eval import read_lm_eval

    found, left_out, notes = read_lm_eval(
        file, dimension=dimension, model=model, metric=metric, filter_name=filter_name, tasks=tasks, weights=weights
    )
    return finish(found, notes, left_out, kind="lm-eval", source=file, store=store, as_json=as_json)


@command.command("inspect")
@file
@dimension
@click.option("--benchmark", metavar="NAME", help="Name of the task, where the log's own does not do.")
@model
@metric
@weights
@options.store
@options.as_json
def inspect(
    file: Path,
    dimension: str,
    benchmark: str | None,
    model: str | None,
    metric: str | None,
    weights: str | None,
    store: str | None,
    as_json: bool,
) -> int:
    """An Inspect log, .eval or .json; epochs become repeats."""
    from harness.importers.inspect_logs import read_inspect

    found, notes = read_inspect(
        file, dimension=dimension, benchmark=benchmark, model=model, metric=metric, weights=weights
    )
    return finish(found, notes, [], kind="inspect", source=file, store=store, as_json=as_json)


named = click.option("--model", required=True, metavar="NAME", help="The model's name; the file does not hold it.")
coding = click.option("--dimension", default="coding", show_default=True, metavar="NAME", help="Row of the report.")


@command.command("evalplus")
@file
@benchmark
@named
@click.option("--tests", type=click.Choice(["base", "plus"]), required=True, help="Base tests, or base and plus.")
@coding
@weights
@options.store
@options.as_json
def evalplus(
    file: Path,
    benchmark: str,
    model: str,
    tests: str,
    dimension: str,
    weights: str | None,
    store: str | None,
    as_json: bool,
) -> int:
    """EvalPlus: a file *_eval_results.json; several solutions of a problem become repeats."""
    from harness.importers.reports import read_evalplus

    found, notes = read_evalplus(
        file, model=model, benchmark=benchmark, tests=tests, dimension=dimension, weights=weights
    )
    return finish(found, notes, [], kind="evalplus", source=file, store=store, as_json=as_json)


@command.command("swebench")
@file
@benchmark
@named
@coding
@weights
@options.store
@options.as_json
def swebench(
    file: Path, benchmark: str, model: str, dimension: str, weights: str | None, store: str | None, as_json: bool
) -> int:
    """SWE-bench: a report of the evaluation, or a submission's results.json; repositories are the clusters."""
    from harness.importers.reports import read_swebench

    found, notes = read_swebench(file, model=model, benchmark=benchmark, dimension=dimension, weights=weights)
    return finish(found, notes, [], kind="swebench", source=file, store=store, as_json=as_json)


@command.command("published")
@file
@click.option("--series", metavar="NAME", help="Name of the series, where the file has no column for it.")
@click.option("--unit", metavar="TEXT", help="Unit of the scores, likewise: percent, Elo, …")
@click.option("--source", metavar="TEXT", help="Where the numbers come from, likewise.")
@click.option("--map", "columns", multiple=True, metavar="NEW=OLD", help="Our column's name = the file's.")
@options.store
def published(
    file: Path, series: str | None, unit: str | None, source: str | None, columns: tuple[str, ...], store: str | None
) -> int:
    """Scores that others published: a tidy CSV, or a table downloaded from Epoch AI.

    Columns: series (or benchmark), model, value (or score), unit, source; optional: release_date, n, weights,
    developer, se (standard error) or low and high (the ends of a 95 % interval), higher_is_better. They have no items:
    frontier and lag read them, a paired gap never does.
    """
    from harness import settings
    from harness.importers.published import read_published_table, write_published

    scores, notes = read_published_table(
        file, series=series, unit=unit, source=source, columns=pairs_of(columns, "--map")
    )
    path, fresh = write_published(settings.store_folder(store), scores)
    for note in notes:
        click.echo(f"note: {inert(note)}", err=True)
    names = {one.series for one in scores}
    said = "" if fresh else " (the same table was imported before; nothing was written)"
    click.echo(f"{len(scores)} published scores in {len(names)} series: {path}{said}")
    return 0
