"""``opengap import``: results of models that nobody here ran."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import options
from harness.cli.tables import table
from harness.errors import UsageError
from harness.text import inert, points, shortened, span

if TYPE_CHECKING:
    from harness.exchange.assemble import Reading

file = click.argument("file", type=click.Path(path_type=Path))
benchmark = click.option("--benchmark", required=True, metavar="NAME", help="Name of the task that the rows become.")
own_benchmark = click.option("--benchmark", metavar="NAME", help="Name of the task, where the file's own does not do.")
dimension = click.option("--dimension", required=True, metavar="NAME", help="Row of the report it belongs to: reasoning, coding, …")  # fmt: skip
coding = click.option("--dimension", default="coding", show_default=True, metavar="NAME", help="Row of the report.")
weights = click.option("--weights", metavar="open|closed", help="Openness of the models that neither file nor catalogue tells.")  # fmt: skip
model = click.option(
    "--model", metavar="NAME", help="The model's name, where the file has none or its own does not do."
)
named = click.option("--model", required=True, metavar="NAME", help="The model's name; the file does not hold it.")
metric = click.option("--metric", metavar="NAME", help="Which metric or scorer, where there are several.")
where_option = click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Only rows with this value.")
mapped = click.option("--map", "columns", multiple=True, metavar="NEW=OLD", help="Our column's name = the file's.")


@click.group("import")
def command() -> None:
    """Take results made elsewhere into the store.

    They become runs whose protocol is unknown, and are compared as other runs are; what nobody knows of them is
    printed beside every number, and whatever of a file is not read is printed as well.
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


def sealing(kind: str) -> Callable[[Callable[..., Reading]], Callable[..., int]]:
    """Makes a command of a function that reads a file: what it read is sealed and shown."""

    def decorate(read: Callable[..., Reading]) -> Callable[..., int]:
        def run(*, file: Path, store: str | None, as_json: bool, **given: Any) -> int:
            # All rows stay until they are sealed: the collector would walk them again and again, a fifth of the time.
            gc.disable()
            try:
                return finish(read(file, **given), kind=kind, source=file, store=store, as_json=as_json)
            finally:
                gc.enable()

        run.__doc__, run.__click_params__ = read.__doc__, getattr(read, "__click_params__", [])  # type: ignore[attr-defined]
        made: Callable[..., int] = file(options.store(options.as_json(run)))
        return made

    return decorate


@command.command("items")
@sealing("items")
@benchmark
@dimension
@mapped
@where_option
@model
@click.option("--cluster-regex", metavar="REGEX", help="Cluster of an item: the first group found in item_id.")
@click.option("--percent", is_flag=True, help="The scores run from 0 to 100.")
@click.option("--lower-is-better/--higher-is-better", "lower_is_better", default=None, help="Error rates and the like: the score becomes 1 minus what the file has.")  # fmt: skip
@weights
@click.option("--published", type=click.Path(path_type=Path), metavar="FILE", help="Published means to check the rows against.")  # fmt: skip
@click.option("--series", metavar="NAME", help="Which series of that file.")
def items(
    file: Path,
    columns: tuple[str, ...],
    where: tuple[str, ...],
    published: Path | None,
    series: str | None,
    **given: Any,
) -> Reading:
    """A table: CSV (also with tabs or semicolons), JSON Lines, JSON, Parquet or Excel.

    One row a model and item with the columns model, item_id, score in [0, 1] (or words such as pass and fail);
    optional: open_weights, cluster_id (items that are not independent), cost_usd, repeat, date (when the item became
    public). Or a column item_id and one column of scores a model. With --published a model whose rows differ from its
    published mean by more than half a point is left out, and the exit code is 1.
    """
    from harness.exchange.check import against_published, published_means
    from harness.exchange.tables import read_items

    if series is not None and published is None:
        raise UsageError("--series names a series of the file given with --published, which is missing")
    reading = read_items(file, columns=pairs_of(columns, "--map"), where=pairs_of(where, "--where"), **given)
    if published is not None:
        reading.found, left_out, said = against_published(reading.found, published_means(published, series))
        reading.left_out += left_out
        reading.notes += said
    return reading


def finish(reading: Reading, *, kind: str, source: Path, store: str | None, as_json: bool) -> int:
    """Seal what was read and say so. Exit code 1 if something was left out."""
    from harness import settings
    from harness.evidence.gather import evidence_of
    from harness.exchange.sealing import seal_all
    from harness.store import read_receipt
    from harness.verdict.scores import scores

    folder = settings.store_folder(store)
    sealed = seal_all(folder, reading.found, kind=kind, source=source)
    told = {one.run: one for one in scores(evidence_of([(one.run, read_receipt(one.run)) for one in sealed]))}
    fresh = {one.run.run_id: one.fresh for one in sealed}
    if as_json:
        options.echo_json([{**dataclasses.asdict(score), "fresh": fresh[run]} for run, score in told.items()])
    elif told:
        rows = [
            [
                shortened(one.system, 26), one.weights, shortened(one.task, 18), points(one.score),
                span(one.low, one.high), str(one.n), str(one.missing or ""),
            ]
            for one in told.values()
        ]  # fmt: skip
        head = ["system", "weights", "task", "score", "95 %", "n", "missing"]
        click.echo(table(head, rows, right=[3, 4, 5, 6]))
    for note in [*reading.notes, *(one.replaces for one in sealed if one.replaces)]:
        click.echo(f"note: {inert(note)}", err=True)
    for line in reading.left_out:
        click.echo(f"LEFT OUT {inert(line)}", err=True)
    old = sum(not one.fresh for one in sealed)
    if old:
        click.echo(
            f"note: {old} of {len(sealed)} were imported before with the same rows; nothing was written for them",
            err=True,
        )
    click.echo(f"imported {len(sealed) - old} results into {folder}; next: opengap gap --store {folder}", err=True)
    return 1 if reading.left_out else 0


@command.command("lm-eval")
@sealing("lm-eval")
@dimension
@model
@metric
@click.option("--filter", "filter_name", metavar="NAME", help="Which of lm-eval's filters, where there are several.")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="Only this task; may be given several times.")
@weights
def lm_eval(file: Path, **given: Any) -> Reading:
    """lm-eval's results file (or its folder), with the samples beside it; every layout since 0.4.0."""
    from harness.exchange.lm_eval import read_lm_eval

    return read_lm_eval(file, **given)


@command.command("inspect")
@sealing("inspect")
@dimension
@own_benchmark
@model
@metric
@weights
def inspect(file: Path, **given: Any) -> Reading:
    """An Inspect log, .eval or .json; epochs become repeats. --metric names a scorer, or a part of its score."""
    from harness.exchange.inspect_logs import read_inspect

    return read_inspect(file, **given)


@command.command("evalplus")
@sealing("evalplus")
@benchmark
@named
@click.option("--tests", type=click.Choice(["base", "plus"]), required=True, help="Base tests, or base and plus.")
@coding
@weights
def evalplus(file: Path, **given: Any) -> Reading:
    """EvalPlus: a file *_eval_results.json; several solutions of a problem become repeats."""
    from harness.exchange.evalplus import read_evalplus

    return read_evalplus(file, **given)


@command.command("bigcodebench")
@sealing("bigcodebench")
@benchmark
@named
@coding
@weights
def bigcodebench(file: Path, **given: Any) -> Reading:
    """BigCodeBench: a file *_eval_results.json; several solutions of a task become repeats."""
    from harness.exchange.evalplus import read_evalplus

    return read_evalplus(file, tests="base", **given)


@command.command("swebench")
@sealing("swebench")
@benchmark
@named
@coding
@weights
def swebench(file: Path, **given: Any) -> Reading:
    """SWE-bench: an evaluation's report, a submission's results.json, or SWE-bench Pro; repositories are the clusters."""
    from harness.exchange.swebench import read_swebench

    return read_swebench(file, **given)


@command.command("helm")
@sealing("helm")
@dimension
@own_benchmark
@model
@metric
@weights
def helm(file: Path, **given: Any) -> Reading:
    """HELM: the folder of one run (per_instance_stats.json, run_spec.json); train trials become repeats."""
    from harness.exchange.helm import read_helm

    return read_helm(file, **given)


@command.command("every-eval-ever")
@sealing("every-eval-ever")
@dimension
@own_benchmark
@model
@metric
@weights
def every_eval_ever(file: Path, **given: Any) -> Reading:
    """Every Eval Ever 0.2 and 0.3: the aggregate .json, with the JSON Lines of its samples beside it."""
    from harness.exchange.every_eval_ever import read_every_eval_ever

    return read_every_eval_ever(file, **given)


RECORDS = {
    "livebench": "LiveBench: ground_truth_judgment.jsonl, which names its models.",
    "livecodebench": "LiveCodeBench: *_eval_all.json; several solutions of a problem become repeats.",
    "mmlu-pro": "MMLU-Pro's own result files (question_id, answer, pred); nothing read counts as not right.",
    "humaneval": "OpenAI's human-eval: *_results.jsonl; several completions of a problem become repeats.",
    "opencompass": "OpenCompass: results/<model>/<dataset>.json with details.",
    "promptfoo": "promptfoo: the JSON file of an evaluation, which names its models.",
}
"""Formats that are lists of records (``harness.exchange.records``) and what their commands say of themselves."""


def _records(name: str, title: str) -> click.Command:
    def read(file: Path, where: tuple[str, ...], **given: Any) -> Reading:
        from harness.exchange.records import read_records

        return read_records(file, name, where=pairs_of(where, "--where"), **given)

    read.__doc__ = title
    own_dimension = click.option("--dimension", metavar="NAME", help="Row of the report, where the format has none.")
    made: click.Command = click.command(name)(
        sealing(name)(own_benchmark(own_dimension(model(where_option(weights(read))))))
    )
    return made


for _name, _title in RECORDS.items():
    command.add_command(_records(_name, _title))


@command.command("published")
@file
@click.option("--series", metavar="NAME", help="Name of the series, where the file has no column for it.")
@click.option("--unit", metavar="TEXT", help="Unit of the scores, likewise: percent, Elo, …")
@click.option("--source", metavar="TEXT", help="Where the numbers come from, likewise.")
@mapped
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
    from harness.exchange.published import read_published_table, write_published

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
