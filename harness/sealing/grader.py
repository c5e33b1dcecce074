"""How answers become scores: what every grader offers, and the one that needs no model."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol

from harness.questions import grade
from harness.registry import LoadedTask, Task
from harness.store import JournalState, RunFolder
from harness.store.journal import Key, key_of, read_entries
from harness.types import Completion, Entry, Item, Plan, Score

CHUNK = 256
CONTEXT_FINISH = "context_length"
"""Finish reason of an unanswered row whose item does not fit the system's context window."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One entry of the journal with the question that it answers."""

    entry: Entry
    task: LoadedTask
    item: Item


@dataclass(frozen=True, slots=True)
class Graded:
    """An answer and what it is worth; None: never answered."""

    answer: Answer
    score: Score | None


@dataclass(frozen=True, slots=True)
class Answers:
    """The stored answers of one plan. Iterating reads them from the disk, in order of arrival, without keeping them."""

    plan: Plan
    tasks: Sequence[LoadedTask]
    asked: frozenset[Key]
    """Every request of the plan; lines of anything else are no rows of it."""
    source: RunFolder
    """The run whose journal holds the answers."""
    state: JournalState
    """Index of that journal."""
    leaves_machine: bool = False
    """Whether prompts went to another machine."""
    elsewhere: bool = False
    """Whether the answers existed already: each says itself in which words it was asked."""
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    """Tasks that the system cannot take, with the reason."""
    token_usd: float | None = None
    """Dollars of one generated token, where hours are paid and not tokens."""
    digests: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each journal segment; filled in by reading."""

    def __iter__(self) -> Iterator[Answer]:
        tasks = {task.name: task for task in self.tasks}
        items = {task.name: {item.id: item for item in task.items} for task in self.tasks}
        for entry in read_entries(self.source.journal, self.state, self.digests):
            if key_of(entry) in self.asked:
                task, item = tasks[entry.task], items[entry.task][entry.item_id]
                if self.elsewhere:
                    item = task.task.form.as_shown(item, entry.completion.prompt)
                yield Answer(self._as_counted(entry), task, item)

    def _as_counted(self, entry: Entry) -> Entry:
        completion = entry.completion
        if (usage := completion.usage.sound()) is not completion.usage:
            # As adapters read it today; an older journal may hold what no column has room for.
            completion = replace(completion, usage=usage)
        if self.token_usd is not None:
            # A local run's cost is shared out by what was generated, which is what takes the time.
            completion = replace(completion, cost_usd=self.token_usd * ((usage.output or 0) + 1))
        return entry if completion is entry.completion else replace(entry, completion=completion)


class Grader(Protocol):
    """Turns answers into scores. It may ask and spend; what it must not lose it keeps in a folder below the run's."""

    def grade(self, answers: Answers, run: RunFolder) -> AsyncIterator[Sequence[Graded]]:
        """Every answer once, in the order in which ``answers`` gives them, some at a time.

        ``run`` is the run that is being sealed, ``answers`` may be read more than once. Raises whatever stops it; the run
        then stays unsealed, and the same command grades again.
        """
        ...

    def facts(self) -> Mapping[str, Any]:
        """What the receipt says of the grader beside the scorers of the forms; empty: nothing."""
        ...


class ByForm:
    """Scores each answer by the form of its task. Programs run side by side in processes of their own."""

    async def grade(self, answers: Answers, run: RunFolder) -> AsyncIterator[Sequence[Graded]]:
        with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="sandbox") as pool:
            waiting = iter(answers)
            while chunk := await asyncio.to_thread(_some, waiting, pool):
                yield chunk

    def facts(self) -> Mapping[str, Any]:
        return {}


def _some(waiting: Iterator[Answer], pool: ThreadPoolExecutor) -> list[Graded]:
    chunk = list(islice(waiting, CHUNK))
    futures = {id(one): pool.submit(by_form, one) for one in chunk if one.task.task.card.runs_code}
    return [future.result() if (future := futures.get(id(one))) else by_form(one) for one in chunk]


def by_form(answer: Answer) -> Graded:
    """One answer, scored by the form of its task."""
    return Graded(answer, score_of(answer.task.task, answer.item, answer.entry.completion))


def score_of(task: Task, item: Item, completion: Completion) -> Score | None:
    """The score of one completion, ``scorer_error`` where the scorer itself failed; None: never answered."""
    try:
        return grade(task.form, item, completion)
    except Exception as error:  # the one boundary: what a scorer does wrong is a row, not the end of the run
        return Score("scorer_error", reason=f"{type(error).__name__}: {error}"[:200])
