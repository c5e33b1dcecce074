"""Every task proves, without any model, that a right answer scores full and an empty or wrong one scores nothing."""

from __future__ import annotations

from collections.abc import Sequence

from harness.questions import grade
from harness.registry.task import Task
from harness.types import Completion, Item


def prove(task: Task, items: Sequence[Item]) -> list[str]:
    """Failures found, one line each; an empty list is the proof. Code tasks run code in the sandbox."""
    failures: list[str] = []
    for item in items:
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
