"""A grader that asks a model: a second plan over stored answers, with its own journal, budget and resume.

Everything of it lies in a folder below the run that is being sealed, ``grading/<hash of its plan>/``, and is gone on with
when the same command is given again. It is no run of the store: nothing compares the judge.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from harness import models
from harness.asking.budget import Purse
from harness.asking.execution import Execution
from harness.asking.opened import OpenRun
from harness.asking.plan import Job, prepare
from harness.errors import Preflight, StoreError
from harness.registry import LoadedTask, Task
from harness.sealing.grader import CHUNK, Answer, Answers, Graded, by_form
from harness.store import RunFolder, keep_plan, plan_hash
from harness.store.journal import read_entries
from harness.types import Completion, Item, Protocol, Score, System


@dataclass(frozen=True, slots=True)
class Question:
    """How a model is asked about an answer, and what its reply means."""

    task: Task
    """Whose form asks; its card names the version of the question."""
    about: Callable[[Answer], Item | None]
    """The item that is asked; None: this answer is scored by its own form."""
    verdict: Callable[[Answer, Completion], Score]
    """The score of the answer, from what the model replied."""


class ByAsking:
    """Grades by asking ``judge`` one question about each answer.

    ``execution`` is its own: budget, prices, concurrency, patience. Raises Preflight if the judge cannot be asked at all;
    while grading whatever asking raises, with every reply so far in its journal.
    """

    def __init__(self, judge: System, question: Question, protocol: Protocol, execution: Execution) -> None:
        [self._judge] = models.ready([judge], protocol)
        problems = [
            *self._judge.problems,
            *(
                f"{one.name}: no price is known, and the budget of grading needs one"
                for one in execution.unpriced([judge])
            ),
        ]
        if problems:
            raise Preflight(problems)
        self._question, self._protocol, self._execution = question, protocol, execution
        self._facts: dict[str, Any] = {}

    async def grade(self, answers: Answers, run: RunFolder) -> AsyncIterator[Sequence[Graded]]:
        job = await asyncio.to_thread(self._plan, answers)
        scores = await self._ask(job, run) if job.owed else {}
        waiting = iter(answers)
        while chunk := await asyncio.to_thread(self._some, waiting, scores):
            yield chunk

    def facts(self) -> Mapping[str, Any]:
        return {"grader": self._facts}

    def _plan(self, answers: Answers) -> Job:
        items = [
            replace(item, id=_id(answer))
            for answer in answers
            if answer.entry.completion.status != "unanswered" and (item := self._question.about(answer)) is not None
        ]
        return prepare(self._judge, self._protocol, [LoadedTask(self._question.task, items, None)])

    async def _ask(self, job: Job, run: RunFolder) -> dict[str, Completion]:
        """What the judge replied, by the id of its question."""
        digest = plan_hash(job.plan)
        folder = RunFolder(run.path / "grading" / digest[:12])
        try:
            folder.journal.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot write to the run {run.path}: {error.strerror}") from error
        keep_plan(folder, job.plan)
        model = models.open_model(job.plan.system)
        opened = OpenRun(job, folder, model, self._execution, Purse())
        try:
            self._execution.say(f"grading by {job.plan.system.name}: {len(job.owed)} answers")
            opened.say_what_is_there()
            await opened.ask(job.owed)
        finally:
            opened.close()
            await model.close()
        costs = opened.spent
        self._facts = {
            "system": job.plan.system.name, "plan_sha256": digest, "asked": len(job.owed),
            "unanswered": len(opened.state.unanswered), "cost_usd": costs.usd if costs.known else None,
        }  # fmt: skip
        return {entry.item_id: entry.completion for entry in read_entries(folder.journal, opened.state)}

    def _some(self, waiting: Iterator[Answer], replies: Mapping[str, Completion]) -> list[Graded]:
        return [
            Graded(one, self._score(one, reply)) if (reply := replies.get(_id(one))) else by_form(one)
            for one in islice(waiting, CHUNK)
        ]

    def _score(self, answer: Answer, reply: Completion) -> Score:
        if reply.status == "unanswered":
            return Score("scorer_error", reason=f"the judge did not reply: {reply.error}"[:200])
        try:
            return self._question.verdict(answer, reply)
        except Exception as error:  # the same boundary as for forms: what a scorer does wrong is a row
            return Score("scorer_error", reason=f"{type(error).__name__}: {error}"[:200])


def _id(answer: Answer) -> str:
    entry = answer.entry
    said = "\0".join((entry.task, entry.item_id, str(entry.repeat), entry.prompt_hash))
    return hashlib.sha256(said.encode()).hexdigest()[:32]
