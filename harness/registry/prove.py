"""Every task proves, without any model, that a right answer scores full and an empty or wrong one scores nothing."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import UsageError
from harness.questions import grade
from harness.registry.items import identify
from harness.registry.task import Task
from harness.types import Completion, Item


def example_items(task: Task) -> Sequence[Item]:
    """What the task makes of its invented row; nothing where it has none. UsageError if it makes nothing of one."""
    if task.example is None:
        return ()
    items = identify(list(task.make_items([task.example])))
    if not items:
        raise UsageError(
            f"{task.card.name}: its example makes no item, so it proves nothing; mend the row or leave it out"
        )
    return items


def prove(task: Task, items: Sequence[Item]) -> list[str]:
    """Failures found, one line each; an empty list is the proof. Code tasks run code in the sandbox.

    The task's example is proved with the items. UsageError where it makes none.
    """
    failures: list[str] = []
    for item in (*items, *example_items(task)):
        for what, completion, expected in (
            ("gold", Completion("ok", task.form.gold(item)), 1.0),
            ("wrong", Completion("ok", task.form.wrong(item)), 0.0),
            ("empty", Completion("empty"), 0.0),
        ):
            score = grade(task.form, item, completion)
            value = score.values.get(task.card.headline) if score else None
            if value is None or abs(value - expected) > 1e-9:
                failures.append(f"{task.card.name} {item.id}: the {what} answer scored {value}, expected {expected}")
    return failures
