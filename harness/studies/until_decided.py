"""Ask both systems the same items in the same random order, and stop as soon as the gap is decided (E7).

The rule is part of both plans: a confidence sequence that holds at all times together. Such a run never gets a
fixed-n interval: stopping when it looks good would make that one too narrow.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness import address, catalogue, models
from harness.errors import UsageError
from harness.gap.alignment import MISSING_LIMIT, codes_of
from harness.gap.evidence import SEQUENTIAL
from harness.gap.policy import LEVEL
from harness.running.budget import Budget, Purse
from harness.running.evaluate import plan_jobs, run_async, store_for
from harness.running.execute import Execution, first_error, spent_usd, start_of
from harness.running.limits import limiter_for
from harness.running.live import Driving, Reception, drive
from harness.running.plan import Job, Owed
from harness.running.pricing import cost_usd, price_of
from harness.running.progress import Progress
from harness.running.reach import Reach
from harness.running.scoring import score_of, seal
from harness.stats.sequential import random_order, sequential
from harness.store import Journal, RunFolder, find_run, new_run, plan_hash, read_journal
from harness.store.journal import read_entries
from harness.store.layout import write_atomically
from harness.types import OpenFrom, Verdict

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
LEAST_BLOCK, MOST_BLOCK = 8, 32
"""Items between two looks: as many as are in flight at once, but not so many that most were asked in vain."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Where it stopped, and what that says; points."""

    task: str
    closed: str
    open: str
    verdict: Verdict
    gap: float
    """Mean difference of the items asked, or of their clusters' means; stopping early biases it away from 0."""
    low: float
    high: float
    """95 % confidence sequence where it stopped, missing answers at their worst."""
    unit: str
    asked: int
    planned: int
    missing: int
    margin: float
    level: float
    tokens: int | None
    """Tokens sent and received by both; None: an endpoint did not say."""
    tokens_saved: int | None
    """What the items not asked would have cost, at the mean of those asked."""
    runs: tuple[str, str]
    exit_code: int
    """0 if every item that was asked was answered by both, else 1."""
    openness: str = ""
    """What counted as open, and whether stricter rules would leave the open one."""
    open_from: OpenFrom = catalogue.OPEN_FROM


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    job: Job
    run: RunFolder
    by_item: Mapping[str, Owed]
    graded: dict[str, float]
    """Scores so far; what was answered is graded once."""


def until_decided(
    pair: Sequence[str], *, margin: float = 3.0, seed: int = 0, suite: str | None = None, tasks: Sequence[str] = (),
    items: Path | None = None, scorer: str = "exact", protocol: str = "matched", limit: int | None = None,
    data: str | None = None, store: str | None = None, weights: str | Sequence[str] | None = None,
    open_from: OpenFrom = catalogue.OPEN_FROM, execution: Execution | None = None,
) -> Decision:  # fmt: skip
    """Ask one closed and one open system until the confidence sequence decides, or the items are used up.

    The same call again resumes unsealed runs, and repeats the decision of sealed ones. Raises: UsageError (not one
    closed and one open system, not one task), and whatever asking raises, with everything answered in the journals.
    """
    if len(pair) != 2 or not (margin > 0 and math.isfinite(margin)):
        raise UsageError("--until-decided asks two models, one closed and one open, with a --margin above 0 points")
    systems = address.resolve_all(pair, weights)
    systems.sort(key=lambda system: system.weights != "closed")
    closed, open_ = (system.weights for system in systems)
    if closed != "closed" or not catalogue.is_open(open_, open_from):
        raise UsageError(
            f"--until-decided needs one closed and one open model ({catalogue.OPEN_RULES[open_from]}); these are "
            f"{', '.join(f'{s.name} ({s.weights})' for s in systems)}"
        )
    folder, asked = store_for(systems, store), execution or Execution()
    jobs = plan_jobs(
        systems, folder, suite=suite, tasks=tasks, items=items, scorer=scorer, protocol=protocol, limit=limit,
        data=data, unpriced=asked.unpriced(systems), say=asked.say,
    )  # fmt: skip
    if len(jobs[0].tasks) != 1:
        names = ", ".join(task.name for task in jobs[0].tasks)
        raise UsageError(
            f"--until-decided decides one task at a time: give one --task, or --items ({names} are several)"
        )
    rule = f"{SEQUENTIAL}: E7, level {LEVEL:g}, margin {margin:g}, seed {seed}"
    jobs = [dataclasses.replace(job, plan=dataclasses.replace(job.plan, suite=rule, order_seed=seed)) for job in jobs]
    decision = run_async(_decide(jobs, folder, margin, seed, asked))
    return dataclasses.replace(decision, openness=catalogue.openness_rule([open_], open_from), open_from=open_from)


async def _decide(jobs: Sequence[Job], store: Path, margin: float, seed: int, execution: Execution) -> Decision:
    sides = []
    for job in jobs:
        digest = plan_hash(job.plan)
        run = find_run(store, digest, sealed=False) or (
            None if execution.again else find_run(store, digest, sealed=True)
        )
        by_item = {str(owed.item.id): owed for owed in job.owed}
        sides.append(_Side(job, run or new_run(store, job.plan), by_item, {}))
    ids = sorted(sides[0].by_item)
    labels = codes_of([sides[0].by_item[name].item.cluster for name in ids])
    order = random_order(len(ids), labels, seed=seed)
    ordered = [ids[i] for i in order]
    clusters = None if labels is None else labels[order]
    if not all(side.run.sealed for side in sides):
        with sides[0].run.locked(), sides[1].run.locked():
            await _ask_in_blocks(sides, ordered, clusters, margin, execution)
    scores = [_scores(side, ordered) for side in sides]
    return _decision(sides, scores, ordered, clusters, margin)


async def _ask_in_blocks(
    sides: Sequence[_Side], ordered: Sequence[str], clusters: Codes | None, margin: float, execution: Execution
) -> None:
    """Ask block after block; after each look at every item in it. Seals both runs at the end."""
    opened: list[tuple[_Side, models.Model, Driving, int]] = []
    asked = 0
    try:
        purse = Purse()
        opened += [_open(side, len(ordered), execution, purse) for side in sides]
        for side, model, *_ in opened:
            await model.start()
            facts = {**model.describe(), "rule": side.job.plan.suite}
            write_atomically(side.run.engine, msgspec.json.encode(facts))
        size = min(MOST_BLOCK, max(LEAST_BLOCK, *(concurrency for *_, concurrency in opened)))
        while asked < len(ordered):
            seen = [_scores(side, ordered[:asked]) for side in sides]
            if (
                asked
                and not _too_many_missing(seen)
                and stop_at(seen, _upto(clusters, asked), margin)[0] != "undecided"
            ):
                break
            end = _block_end(asked + size, clusters, len(ordered))
            # Both come to their end: what the other side has in flight is paid for and kept.
            ended = await asyncio.gather(*(_ask(*one, ordered[asked:end]) for one in opened), return_exceptions=True)
            for error in filter(None, ended):
                raise error
            asked = end
    finally:
        for _, model, driving, _ in opened:
            driving.journal.close()
            driving.progress.show(final=True)
            await model.close()
    for side in sides:
        if not side.run.sealed:
            job = dataclasses.replace(side.job, owed=[side.by_item[name] for name in ordered[:asked]])
            await asyncio.to_thread(seal, job, side.run, start_of(side.run))


def _open(side: _Side, planned: int, execution: Execution, purse: Purse) -> tuple[_Side, models.Model, Driving, int]:
    system = side.job.plan.system
    execution.say(f"{system.name} [{system.weights}] · until decided · run {side.run.run_id}")
    model = models.open_model(system)
    concurrency = execution.concurrency or model.default_concurrency
    price = price_of(system, execution.price_in, execution.price_out)
    state = read_journal(side.run.journal)
    # Both sides live on one budget.
    spent = spent_usd(side.job, side.run, price) if execution.budget_usd is not None else 0.0
    return side, model, Driving(
        model=model, journal=Journal(side.run.journal), limiter=limiter_for(system, concurrency),
        budget=Budget(execution.budget_usd, price, spent, system.provider, purse), policy=execution.policy, pricing=partial(cost_usd, price),
        progress=Progress(system.name, planned, len(state.answered)), headroom=getattr(model, "headroom", None),
        reach=Reach(system.name, getattr(model, "probe", None), execution.patience_s),
        reception=Reception(planned, resumed=bool(state.answered)),
    ), concurrency  # fmt: skip


async def _ask(side: _Side, model: models.Model, driving: Driving, concurrency: int, names: Sequence[str]) -> None:
    if side.run.sealed:
        return
    answered = {key[1] for key in read_journal(side.run.journal).answered}
    owed = [side.by_item[name] for name in names if name not in answered]
    if owed:
        try:
            await drive(side.job, owed, driving, concurrency)
        except BaseExceptionGroup as group:
            raise first_error(group) from None


def _too_many_missing(scores: Sequence[Floats]) -> bool:
    """Whether a side lacks so many answers that nothing may be decided; asking on may still bring it below."""
    return any(np.isnan(side).mean() > MISSING_LIMIT for side in scores)


def _upto(clusters: Codes | None, end: int) -> Codes | None:
    return None if clusters is None else clusters[:end]


def _block_end(wanted: int, clusters: Codes | None, n: int) -> int:
    """Blocks end with a cluster: bets are on whole ones."""
    end = min(wanted, n)
    while clusters is not None and end < n and clusters[end] == clusters[end - 1]:
        end += 1
    return end


def _scores(side: _Side, names: Sequence[str]) -> Floats:
    """Headline scores in this order, NaN where nothing was answered or scoring failed."""
    task = side.job.tasks[0].task
    for entry in read_entries(side.run.journal, read_journal(side.run.journal)):
        if entry.item_id in side.graded or entry.completion.status == "unanswered":
            continue
        score = score_of(task, side.by_item[entry.item_id].item, entry.completion)
        side.graded[entry.item_id] = math.nan if score is None else score.values.get(task.card.headline, math.nan)
    return np.array([side.graded.get(name, math.nan) for name in names])


def stop_at(scores: Sequence[Floats], clusters: Codes | None, margin: float) -> tuple[Verdict, int, float, float]:
    """Verdict, units seen, low and high (points) at the first look that decides; else those of the last look.

    ``scores`` are closed and open, shape (T,) each, in the order asked. What is missing on either side counts at its
    worst in each bound. UsageError if the scores lie outside [0, 1].
    """
    d = scores[0] - scores[1]
    try:
        low = 100 * sequential(np.where(np.isnan(d), -1.0, d), clusters, level=LEVEL).low
        high = 100 * sequential(np.where(np.isnan(d), 1.0, d), clusters, level=LEVEL).high
    except ValueError as error:
        raise UsageError(f"this task cannot be asked until it is decided: {error}") from error
    inside = (low > -margin) & (high < margin)
    decided = np.flatnonzero(inside | (low > 0) | (high < 0))
    at = int(decided[0]) if decided.size else low.size - 1
    verdict: Verdict = "undecided"
    if decided.size:
        verdict = "equivalent" if inside[at] else "closed leads" if low[at] > 0 else "open leads"
    return verdict, at + 1, float(low[at]), float(high[at])


def _decision(
    sides: Sequence[_Side], scores: Sequence[Floats], ordered: Sequence[str], clusters: Codes | None, margin: float
) -> Decision:
    states = [read_journal(side.run.journal) for side in sides]
    seen = [{key[1] for key in (*state.answered, *state.unanswered)} for state in states]
    asked = next((i for i, name in enumerate(ordered) if name not in seen[0] or name not in seen[1]), len(ordered))
    part, groups = [one[:asked] for one in scores], _upto(clusters, asked)
    verdict, _, low, high = stop_at(part, groups, margin)
    d = part[0] - part[1]
    missing = int(np.isnan(d).sum())
    if _too_many_missing(part):
        verdict = "undecided"
    there = ~np.isnan(d)
    mean = math.nan
    if there.any():
        mean = (
            float(d[there].mean())
            if groups is None
            else float(np.mean([d[there & (groups == g)].mean() for g in np.unique(groups[there])]))
        )
    tokens = _tokens(sides)
    card = sides[0].job.tasks[0]
    return Decision(
        task=card.name, closed=sides[0].job.plan.system.name, open=sides[1].job.plan.system.name, verdict=verdict,
        gap=100 * mean, low=low, high=high, unit="item" if groups is None else "cluster", asked=asked,
        planned=len(ordered), missing=missing, margin=margin, level=LEVEL, tokens=tokens,
        tokens_saved=None if tokens is None else round(tokens / asked * (len(ordered) - asked)),
        runs=(sides[0].run.run_id, sides[1].run.run_id), exit_code=int(missing > 0),
    )  # fmt: skip


def _tokens(sides: Sequence[_Side]) -> int | None:
    total = 0
    for side in sides:
        for entry in read_entries(side.run.journal, read_journal(side.run.journal)):
            usage: Any = entry.completion.usage
            if entry.completion.status == "unanswered":
                continue
            if usage.input is None or usage.output is None:
                return None
            total += usage.input + usage.output
    return total


def describe(one: Decision) -> list[str]:
    """The decision in a few sentences."""
    saved = (
        "an endpoint did not count its tokens"
        if one.tokens is None
        else f"{one.tokens:,} tokens, about {one.tokens_saved:,} saved"
    )
    mean = "gap" if one.unit == "item" else "mean gap of clusters, each counting once whatever its size,"
    early = " so far (stopping early exaggerates it)" if one.asked < one.planned else ""
    lines = [
        f"{one.task}: {one.closed} − {one.open}: {one.verdict} after {one.asked} of {one.planned} items ({saved})",
        f"{mean} {one.gap:+.1f} points{early}; it lies in [{one.low:.1f}, {one.high:.1f}], "
        f"a {100 * one.level:g} % confidence sequence by {one.unit}, margin {one.margin:g} points",
    ]
    if one.missing:
        lines.append(
            f"{one.missing} items were not answered by both; they count at their worst, and with more than 2 % of a side "
            "nothing is decided"
        )
    return [*lines, one.openness, "no fixed-n interval belongs to these runs: `opengap gap` leaves them out"]
