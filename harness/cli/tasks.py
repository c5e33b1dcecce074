"""``opengap tasks``: known tasks and suites."""

from __future__ import annotations

from collections.abc import Sequence

import click

from harness.cli import options
from harness.cli.tables import table
from harness.text import shortened
from harness.types import Item


@click.command("tasks")
@click.option("--prove", metavar="NAME", help="Check, without any model, that a task scores right, wrong and empty answers as it should; a code task runs its own solutions.")  # fmt: skip
@click.option("--data", metavar="DIR", help="Local copies of the tasks' data (default: OPENGAP_DATA).")
@options.sandboxed
@options.as_json
def command(prove: str | None, data: str | None, as_json: bool) -> int:
    """Known tasks and suites.

    Tasks are the files tasks/<dimension>/<name>.py, those shipped and those of the current folder.
    """
    from harness import settings
    from harness.registry import find_task, find_tasks
    from harness.registry.find import Suite

    if prove is not None:
        return _prove(prove, data)
    cards = [find_task(name).card for name in find_tasks()]
    suites = {
        name: settings.build(Suite, body, f"{path}: {name}") for name, (body, path) in settings.load("suites").items()
    }
    if as_json:
        options.echo_json({"tasks": cards, "suites": suites})
        return 0
    rows = [
        [
            card.name, card.dimension, str(card.n or "?"), card.headline,
            " ".join(word for word, on in (("gated", card.gated), ("runs-code", card.runs_code)) if on),
            shortened(card.source, 40),
        ]
        for card in sorted(cards, key=lambda card: (card.dimension, card.name))
    ]  # fmt: skip
    click.echo(table(["task", "dimension", "n", "metric", "", "source"], rows, right=[2]))
    click.echo()
    click.echo(table(["suite", "tasks", "purpose"], [[n, ", ".join(s.tasks), s.purpose] for n, s in suites.items()]))
    return 0


def _prove(name: str, data: str | None) -> int:
    from harness import sandbox, settings
    from harness.errors import DataUnavailable
    from harness.questions import Code
    from harness.registry import find_task, load_items, prove

    task = find_task(name)
    items: Sequence[Item] = ()
    try:
        items = load_items(task, settings.data_folder(data)).items
    except DataUnavailable as error:
        if task.example is None:
            raise
        click.echo(f"only its example can be proved: {error}", err=True)
    failures = prove(task, items)
    for failure in failures:
        click.echo(failure)
    beside = " and the example" if task.example is not None else ""
    click.echo(f"{task.card.name}: {len(items)} items{beside}, {len(failures)} failures")
    if code := [item for item in items if isinstance(item, Code)]:
        whole = sum(item.whole for item in code)
        click.echo(
            f"tests: {len(code) - whole} split from the program, {whole} whole, in its process; held by {sandbox.level().name}"
        )
    return 4 if failures else 0
