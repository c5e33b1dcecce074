"""What makes two plans the same, and two results comparable: a hash of what was used, and of nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from harness.types import Plan, PlannedTask, Protocol, TaskCard


def plan_hash(plan: Plan) -> str:
    """SHA-256 of everything that changes what is asked, of whom, or how it is scored.

    The protocol counts as far as the tasks use it, so that a wording for another form leaves a plan what it is. Its
    hashes are left out, since they follow from the rest.
    """
    said: dict[str, Any] = msgspec.to_builtins(plan)
    for task in said["tasks"]:
        del task["protocol_sha256"]
    if plan.protocol.wording:  # an import has none: nobody here knows how it was asked
        used = used_by(plan.protocol, [task.card for task in plan.tasks])
        said["protocol"] = msgspec.to_builtins(replace(used, purpose=""))
        del said["protocol_sha256"]
    return _sha256(said)


def used_by(protocol: Protocol, cards: Sequence[TaskCard]) -> Protocol:
    """The protocol without the wording of forms that these tasks do not have, and without limits that they do not take."""
    forms, limited = {card.form for card in cards}, {card.form for card in cards if not card.max_tokens}
    return replace(
        protocol,
        wording={form: text for form, text in protocol.wording.items() if form in forms},
        max_tokens={form: limit for form, limit in protocol.max_tokens.items() if form in limited},
    )


def protocol_hash(protocol: Protocol) -> str:
    """SHA-256 of a whole protocol as it is named; the purpose is a comment."""
    return _sha256(replace(protocol, purpose=""))


def task_protocol_hash(protocol: Protocol, card: TaskCard) -> str | None:
    """SHA-256 of how one task is asked: wording and limit of its form, and what all forms share. Results of a task are
    compared by it. None where the protocol has no wording for the form. The protocol's name asks nothing.
    """
    if card.form not in protocol.wording:
        return None
    return _sha256(replace(used_by(protocol, [card]), name="", version=0, purpose="", max_tokens={
        card.form: card.max_tokens or protocol.max_tokens.get(card.form, 0)
    }))  # fmt: skip


def with_protocol(tasks: Sequence[PlannedTask], protocol: Protocol | None, whole: str) -> tuple[PlannedTask, ...]:
    """The tasks of a receipt of before, each with the hash of how it was asked; ``whole`` where nobody knows the form's wording."""
    return tuple(
        replace(task, protocol_sha256=(protocol and task_protocol_hash(protocol, task.card)) or whole) for task in tasks
    )


def _sha256(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()
