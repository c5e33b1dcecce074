"""Answers that already exist, from a JSON Lines file: ``item_id`` (or ``id``), ``text``; optional ``task``, ``repeat``,
``status``, ``reasoning``.

An item without a line is unanswered; an empty text is an empty answer, which is something else.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from harness.errors import NotInFile, UsageError
from harness.models.base import classify
from harness.rows import read_rows
from harness.types import Completion, CompletionStatus, Request, RequestKind, System

FIELDS = ("item_id", "id", "task", "repeat", "text", "status", "reasoning")


def problems(system: System) -> list[str]:
    """What is missing before a run."""
    return [] if Path(system.api_name).is_file() else [f"{system.name}: there is no file {system.api_name!r}"]


def identify(system: System) -> System:
    """The same system with the hash of its file, where there is one."""
    path = Path(system.api_name)
    return replace(system, weights_sha256=hashlib.sha256(path.read_bytes()).hexdigest()) if path.is_file() else system


class AnswersFile:
    """Looks every request up by task (where given), item and repeat."""

    kinds: frozenset[RequestKind] = frozenset({"generate"})
    default_concurrency = 64

    def __init__(self, system: System) -> None:
        self.system = system
        self._answers: dict[tuple[str | None, str, int], Completion] = {}

    async def start(self) -> None:
        path = Path(self.system.api_name)
        if not path.is_file():
            raise UsageError(f"answers file {str(path)!r} does not exist")
        for number, row in enumerate(read_rows(path), start=1):
            where = f"{path}, line {number}"
            if not isinstance(row, dict) or not ({"item_id", "id"} & set(row)) or "text" not in row:
                raise UsageError(f"{where}: needs 'item_id' and 'text'; known fields: {', '.join(FIELDS)}")
            key = (row.get("task"), str(row.get("item_id", row.get("id"))), int(row.get("repeat", 0)))
            if key in self._answers:
                raise UsageError(f"{where}: a second answer for item {key[1]!r}, repeat {key[2]}")
            self._answers[key] = _completion(row, where)

    async def generate(self, request: Request) -> Completion:
        for task in (request.task, None):
            found = self._answers.get((task, request.item_id, request.repeat))
            if found is not None:
                return found
        raise NotInFile("the answers file has no line for this item")

    async def close(self) -> None:
        pass

    def describe(self) -> dict[str, Any]:
        return {"adapter": "file", "answers": len(self._answers)}


def _completion(row: dict[str, Any], where: str) -> Completion:
    text = "" if row["text"] is None else str(row["text"])
    status = row.get("status") or classify(text, finished_by_limit=False, refused=False)
    if status not in get_args(CompletionStatus):
        raise UsageError(f"{where}: status {status!r} is not one of {', '.join(get_args(CompletionStatus))}")
    return Completion(status=status, text=text, reasoning=str(row.get("reasoning") or ""))
