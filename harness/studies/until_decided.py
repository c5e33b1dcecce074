"""Ask both systems the same items in the same random order, and stop as soon as the gap is decided (E7).

The rule is part of both plans: a confidence sequence that holds at all times together. Such a run never gets a
fixed-n interval: stopping when it looks good would make that one too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness import catalogue
from harness.asking import Asked, Execution, Job, plan_jobs, run_async
from harness.asking.sequential import Stopped, StoppingRule, ask_until
from harness.errors import UsageError
from harness.evidence.alignment import codes_of
from harness.stats.sequential import random_order, sequential
from harness.text import points, span
from harness.types import OpenFrom, Reason, Verdict
from harness.verdict.judge import Bounds, judge, too_much_missing
from harness.verdict.pair import says
from harness.verdict.policy import LEVEL, verdict

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


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
    reasons: tuple[Reason, ...] = ()
    """What overrules the sequence."""
    openness: str = ""
    """What counted as open, and whether stricter rules would leave the open one."""
    open_from: OpenFrom = catalogue.OPEN_FROM


def until_decided(
    asked: Asked, execution: Execution | None = None, *, margin: float = 3.0, open_from: OpenFrom = catalogue.OPEN_FROM
) -> Decision:
    """Ask one closed and one open system until the confidence sequence decides, or the items are used up.

    The same call again resumes unsealed runs, and repeats the decision of sealed ones. Raises: UsageError (not one
    closed and one open system, not one task), and whatever asking raises, with everything answered in the journals.
    """
    execution = execution or Execution()
    if len(asked.models) != 2 or not (margin > 0 and math.isfinite(margin)):
        raise UsageError("--until-decided asks two models, one closed and one open, with a --margin above 0 points")
    systems = asked.systems()
    systems.sort(key=lambda system: system.weights != "closed")
    closed, open_ = (system.weights for system in systems)
    if closed != "closed" or not catalogue.is_open(open_, open_from):
        raise UsageError(
            f"--until-decided needs one closed and one open model ({catalogue.OPEN_RULES[open_from]}); these are "
            f"{', '.join(f'{s.name} ({s.weights})' for s in systems)}"
        )
    if asked.repeats != 1:
        raise UsageError("--until-decided asks every item once: looks are taken as single answers arrive")
    jobs = plan_jobs(asked, execution, systems)
    if len(jobs[0].tasks) != 1:
        tasks = ", ".join(task.name for task in jobs[0].tasks)
        raise UsageError(
            f"--until-decided decides one task at a time: give one --task, or --items ({tasks} are several)"
        )
    name = f"until-decided: E7, level {LEVEL:g}, margin {margin:g}, seed {asked.seed}"
    jobs = [replace(job, plan=replace(job.plan, suite=name)) for job in jobs]
    names = [job.plan.system.name for job in jobs]
    ordered, clusters = _order(jobs[0], asked.seed)
    rule = StoppingRule(
        order=ordered,
        end_of=lambda wanted: _block_end(wanted, clusters, len(ordered)),
        decided=lambda scores: _is_decided(names, np.array(scores), clusters, margin),
    )
    stopped = run_async(ask_until(jobs, execution.folder(systems), execution, rule))
    decision = _decision(jobs, stopped, len(ordered), clusters, margin)
    return replace(decision, openness=catalogue.openness_rule([open_], open_from), open_from=open_from)


def _order(job: Job, seed: int) -> tuple[list[str], Codes | None]:
    """Items in the order in which they are asked, and the cluster of each; None: there are no clusters."""
    items = {str(owed.item.id): owed.item for owed in job.owed}
    ids = sorted(items)
    labels = codes_of([items[name].cluster for name in ids])
    order = random_order(len(ids), labels, seed=seed)
    return [ids[i] for i in order], None if labels is None else labels[order]


def _is_decided(names: Sequence[str], scores: Floats, clusters: Codes | None, margin: float) -> bool:
    """Whether nothing more needs to be asked."""
    if _missing(names, scores):
        return False
    return stop_at(scores, _upto(clusters, scores.shape[1]), margin)[0] != "undecided"


def _missing(names: Sequence[str], scores: Floats) -> list[Reason]:
    """Sides that lack so many answers that nothing may be decided; asking on may still bring them below."""
    return too_much_missing(
        [({"system": name}, float(np.isnan(side).mean())) for name, side in zip(names, scores, strict=True)]
    )


def _upto(clusters: Codes | None, end: int) -> Codes | None:
    return None if clusters is None else clusters[:end]


def _block_end(wanted: int, clusters: Codes | None, n: int) -> int:
    """Blocks end with a cluster: bets are on whole ones."""
    end = min(wanted, n)
    while clusters is not None and end < n and clusters[end] == clusters[end - 1]:
        end += 1
    return end


def stop_at(
    scores: Sequence[Floats] | Floats, clusters: Codes | None, margin: float
) -> tuple[Verdict, int, float, float]:
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
    return verdict(float(low[at]), float(high[at]), margin), at + 1, float(low[at]), float(high[at])


def _decision(jobs: Sequence[Job], stopped: Stopped, planned: int, clusters: Codes | None, margin: float) -> Decision:
    scores, asked, groups = np.array(stopped.scores), stopped.asked, _upto(clusters, stopped.asked)
    _, _, low, high = stop_at(scores, groups, margin)
    d = scores[0] - scores[1]
    missing = int(np.isnan(d).sum())
    names = [job.plan.system.name for job in jobs]
    # The sequence has the missing answers at their worst already, and holds at every look: nothing else doubts it.
    judged = judge(Bounds(math.nan, low, high), says(margin), lambda said: (), missing=_missing(names, scores))
    there = ~np.isnan(d)
    mean = math.nan
    if there.any():
        mean = (
            float(d[there].mean())
            if groups is None
            else float(np.mean([d[there & (groups == g)].mean() for g in np.unique(groups[there])]))
        )
    tokens = stopped.tokens
    return Decision(
        task=jobs[0].tasks[0].name, closed=names[0], open=names[1], verdict=judged.verdict,
        gap=100 * mean, low=low, high=high, unit="item" if groups is None else "cluster", asked=asked,
        planned=planned, missing=missing, margin=margin, level=LEVEL, tokens=tokens,
        tokens_saved=None if tokens is None else round(tokens / asked * (planned - asked)),
        runs=(stopped.runs[0].run_id, stopped.runs[1].run_id), exit_code=int(missing > 0), reasons=judged.reasons,
    )  # fmt: skip


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
        f"{mean} {points(one.gap, sign=True)} points{early}; it lies in {span(one.low, one.high)}, "
        f"a {100 * one.level:g} % confidence sequence by {one.unit}, margin {one.margin:g} points",
    ]
    if one.missing:
        lines.append(
            f"{one.missing} items were not answered by both; they count at their worst, and with more than 2 % of a side "
            "nothing is decided"
        )
    return [*lines, one.openness, "no fixed-n interval belongs to these runs: `opengap gap` leaves them out"]
