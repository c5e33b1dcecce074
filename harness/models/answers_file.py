"""Answers that already exist, from a JSON Lines file: ``item_id`` (or ``id``), ``text``; optional ``task``, ``repeat``,
``status``, ``reasoning``, ``prompt`` (what was asked: text, or a list of messages).

An item without a line is unanswered; an empty text is an empty answer, which is something else. Letters in an answer mean
the options in the order of the items' ``choices``, unless the prompt shows another order.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from harness.errors import NotInFile, UsageError
from harness.models.base import classify
from harness.rows import read_table, text_of
from harness.thoughts import split_thoughts
from harness.types import Completion, CompletionStatus, Request, RequestKind, System

FIELDS = ("item_id", "id", "task", "repeat", "text", "status", "reasoning", "prompt")


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
        self._used: set[tuple[str | None, str, int]] = set()

    async def start(self) -> None:
        path = Path(self.system.api_name)
        if not path.is_file():
            raise UsageError(f"answers file {str(path)!r} does not exist")
        table = read_table(path)
        for at, given in enumerate(table.rows):
            where = f"{path}, line {table.lines[at] if table.lines else at + 1}"
            row = {"_".join(name.lower().split()): value for name, value in given.items()}
            if not ({"item_id", "id"} & set(row)) or "text" not in row:
                raise UsageError(f"{where}: needs 'item_id' and 'text'; known fields: {', '.join(FIELDS)}")
            if isinstance(row["text"], list | dict):
                row["text"] = text_of(row["text"])
                if row["text"] is None:
                    raise UsageError(f"{where}: 'text' must be text, or a list of parts that are text")
            # An empty cell of a table, and null, is a field that is not there.
            key = (row.get("task") or None, str(row.get("item_id", row.get("id"))), _repeat(row.get("repeat"), where))
            if key in self._answers:
                raise UsageError(f"{where}: a second answer for item {key[1]!r}, repeat {key[2]}")
            self._answers[key] = _completion(row, where)

    async def generate(self, request: Request) -> Completion:
        for task in (request.task, None):
            key = (task, request.item_id, request.repeat)
            if key in self._answers:
                self._used.add(key)
                return self._answers[key]
        raise NotInFile("the answers file has no line for this item")

    def unmatched(self) -> list[str]:
        """A line about the answers that nobody asked for, once everything was asked."""
        others = [item for task, item, repeat in self._answers if (task, item, repeat) not in self._used]
        if not others:
            return []
        shown = ", ".join(others[:5]) + (", …" if len(others) > 5 else "")
        return [
            f"{self.system.name}: {len(others)} of {len(self._answers)} answers match no item that was asked ({shown})"
        ]

    async def close(self) -> None:
        pass

    def describe(self) -> dict[str, Any]:
        return {"adapter": "file", "answers": len(self._answers)}


def _repeat(value: Any, where: str) -> int:
    text = "" if value is None else str(value).strip()
    if text.removesuffix(".0").isdigit():
        return int(text.removesuffix(".0"))
    if text:
        raise UsageError(f"{where}: repeat must be a whole number from 0 on, not {value!r}")
    return 0


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
