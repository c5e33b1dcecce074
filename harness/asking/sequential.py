"""Stopping early: several systems are asked the same items in the same order, until a rule says that it is enough.

The rule is a callable, so that nothing here knows any statistics. It is looked at when a block of items has come to its end;
everything else is a run like any other: the same journal, the same loop, the same sealing.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.asking.budget import Purse
from harness.asking.execute import introduction, sealed_run
from harness.asking.execution import Execution
from harness.asking.opened import OpenRun, open_run
from harness.asking.plan import Job, Owed
from harness.sealing.grader import score_of
from harness.store import RunFolder, read_journal
from harness.types import Entry

LEAST_BLOCK, MOST_BLOCK = 8, 32
"""Items between two looks: as many as are in flight at once, but not so many that most were asked in vain."""


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """When enough was asked. All plans hold one task with the same items, each asked once."""

    order: Sequence[str]
    """Items in the order in which they are asked."""
    end_of: Callable[[int], int]
    """Where a block ends that would end after so many items: whole clusters are asked."""
    decided: Callable[[Sequence[Sequence[float]]], bool]
    """Whether to stop, from the headline scores of each system so far, in this order; NaN: no answer, or no score."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Where asking ended."""

    runs: Sequence[RunFolder]
    asked: int
    """Items that every system was asked."""
    scores: Sequence[Sequence[float]]
    """Of these items, for each system, in the order of the rule."""
    tokens: int | None
    """Sent and received by all; None: an endpoint did not say."""


class _Side:
    """One system's answers as they come; each is scored once, when somebody looks."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.owed = {str(one.item.id): one for one in job.owed}
        self.seen: set[str] = set()
        self.tokens: int | None = 0
        self._scores: dict[str, float] = {}
        self._new: dict[str, Entry] = {}

    def add(self, entry: Entry) -> None:
        self.seen.add(entry.item_id)
        if entry.completion.status == "unanswered" or entry.item_id in self._scores or entry.item_id in self._new:
            return
        self._new[entry.item_id] = entry
        usage = entry.completion.usage
        unknown = self.tokens is None or usage.input is None or usage.output is None
        self.tokens = None if unknown else (self.tokens or 0) + (usage.input or 0) + (usage.output or 0)

    def scores(self, names: Sequence[str]) -> list[float]:
        """Headline scores of these items so far."""
        task = self.job.tasks[0].task
        for name, entry in self._new.items():
            score = score_of(task, self.owed[name].item, entry.completion)
            self._scores[name] = math.nan if score is None else score.values.get(task.card.headline, math.nan)
        self._new.clear()
        return [self._scores.get(name, math.nan) for name in names]

    def of(self, names: Sequence[str]) -> list[Owed]:
        return [self.owed[name] for name in names]


async def ask_until(jobs: Sequence[Job], store: Path, execution: Execution, rule: StoppingRule) -> Stopped:
    """Ask block after block, all systems at once, until the rule is content or the items are used up; then seal.

    Runs that are sealed already are read and not asked, unless ``execution.again``.

    Raises: what asking raises; everything answered is in the journals, and the same call goes on.
    """
    sides = [_Side(job) for job in jobs]
    purse = Purse()
    async with contextlib.AsyncExitStack() as held:
        opened: list[tuple[_Side, OpenRun]] = []
        runs: list[RunFolder] = []
        for side in sides:
            run = sealed_run(side.job, store, execution)
            if run is None:
                execution.say(introduction(side.job, store))
                facts = {"rule": side.job.plan.suite}
                one = await held.enter_async_context(
                    open_run(side.job, store, execution, purse, watching=(side.add,), facts=facts)
                )
                one.say_what_is_there()
                opened.append((side, one))
                run = one.run
            else:
                read_journal(run.journal, side.add)
            runs.append(run)
        if opened:
            asked = await _in_blocks(sides, opened, rule)
            for side, one in opened:
                await one.seal(side.of(rule.order[:asked]))
    seen = set.intersection(*(side.seen for side in sides))
    asked = next((place for place, name in enumerate(rule.order) if name not in seen), len(rule.order))
    tokens = [side.tokens for side in sides]
    return Stopped(
        runs,
        asked,
        [side.scores(rule.order[:asked]) for side in sides],
        None if None in tokens else sum(one for one in tokens if one is not None),
    )


async def _in_blocks(sides: Sequence[_Side], opened: Sequence[tuple[_Side, OpenRun]], rule: StoppingRule) -> int:
    """Ask, and look after each block. Returns how many items were asked."""
    size = min(MOST_BLOCK, max(LEAST_BLOCK, *(one.concurrency for _, one in opened)))
    asked = 0
    while asked < len(rule.order):
        # Scoring may run programs.
        seen = [await asyncio.to_thread(side.scores, rule.order[:asked]) for side in sides]
        if asked and rule.decided(seen):
            break
        end = rule.end_of(min(asked + size, len(rule.order)))
        # All come to their end: what the others have in flight is paid for and kept.
        asking = (one.ask(side.of(rule.order[asked:end])) for side, one in opened)
        for error in filter(None, await asyncio.gather(*asking, return_exceptions=True)):
            raise error
        asked = end
    return asked
