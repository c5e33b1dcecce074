"""Answers that already exist, from a JSON Lines file: ``item_id`` (or ``id``), ``text``; optional ``task``, ``repeat``,
``status``, ``reasoning``, ``prompt`` (what was asked: text, or a list of messages).

An item without a line is unanswered; an empty text is an empty answer, which is something else. Letters in an answer mean
the options in the order of the items' ``choices``, unless the prompt shows another order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from harness.errors import NotInFile, UsageError
from harness.models.base import classify
from harness.rows import read_rows
from harness.thoughts import split_thoughts
from harness.types import Completion, CompletionStatus, Request, RequestKind, System

FIELDS = ("item_id", "id", "task", "repeat", "text", "status", "reasoning", "prompt")


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
    thought, answer, cut_off = split_thoughts(text)
    status = row.get("status") or classify(answer, finished_by_limit=cut_off, refused=False)
    if status not in get_args(CompletionStatus):
        raise UsageError(f"{where}: status {status!r} is not one of {', '.join(get_args(CompletionStatus))}")
    reasoning = "\n".join(filter(None, (str(row.get("reasoning") or ""), thought)))
    return Completion(status=status, text=answer, reasoning=reasoning, prompt=_prompt(row.get("prompt")))


def _prompt(given: Any) -> str:
    """Text of a prompt that is a string, or messages with a ``content``."""
    if isinstance(given, list):
        return "\n".join(_prompt(one.get("content") if isinstance(one, dict) else one) for one in given)
    return "" if given is None else str(given.get("text") or "") if isinstance(given, dict) else str(given)
