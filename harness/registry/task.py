"""What a task is: a card, and a function from the source's rows to items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError
from harness.questions import Form, form_of
from harness.types import Item, TaskCard

Row = Mapping[str, Any]
RowsToItems = Callable[[Iterable[Row]], Iterable[Item]]


@dataclass(frozen=True, slots=True)
class Task:
    """A suite member. ``make_items`` maps rows of the source to items of one form."""

    card: TaskCard
    form: Form[Any]
    make_items: RowsToItems
    example: Row | None = None
    """An invented row in the source's schema, with which the task proves itself where its data may not be shown."""


def task(
    *,
    dimension: str,
    version: int,
    source: str,
    redistributable: bool,
    item: type[Item],
    split: str = "test",
    n: int | None = None,
    licence: str | None = None,
    max_tokens: int | None = None,
    gated: bool = False,
    form: Form[Any] | None = None,
    example: Row | None = None,
) -> Callable[[RowsToItems], Task]:
    """Declare a task; decorates the function that turns rows into items, whose name is the task's name.

    ``source`` is ``hf:org/name[/config][@revision]`` or ``bundled:…``. ``item`` chooses the form; ``form`` replaces it
    where a task asks, reads or scores in its own way. ``max_tokens`` replaces the protocol's limit for the form.
    """

    def declare(make_items: RowsToItems) -> Task:
        chosen = form or form_of(item)
        if chosen is None:
            raise UsageError(f"task {make_items.__name__}: no form asks {item.__name__} items; give form=")
        card = TaskCard(
            name=make_items.__name__,
            version=version,
            dimension=dimension,
            source=source,
            form=chosen.name,
            headline=chosen.headline,
            redistributable=redistributable,
            licence=licence,
            split=split,
            max_tokens=max_tokens,
            n=n,
            runs_code=chosen.runs_code,
            gated=gated,
            description=(make_items.__doc__ or "").strip().split("\n")[0],
        )
        return Task(card, chosen, make_items, example)

    return declare
