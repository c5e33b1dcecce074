"""What a plan will cost before anything is sent: the same plan that would be carried out, priced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import catalogue, models
from harness.asking.execution import Execution
from harness.asking.plan import Job, limit_of
from harness.asking.pricing import cost_usd, price_of
from harness.asking.prompt_tokens import expected_tokens
from harness.store import current_runs, frame, read_receipts
from harness.types import Usage


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cost and time of one plan, in dollars. None where no price is known; the expectation is None without history."""

    system: str
    requests: int
    input_tokens: int
    """From the bytes of the real prompts, four a token, and the sizes of the images; see ``prompt_tokens``."""
    output_tokens: int | None
    """From the mean output of this system's earlier runs of the same tasks in this store, else of other systems'; None if
    a task was never run."""
    most_output_tokens: int
    """Every answer as long as its limit."""
    least_usd: float | None
    """The prompts alone."""
    list_usd: float | None
    """Prompts (the share that was cached before at the price of cached tokens) and expected answers."""
    batch_usd: float | None
    most_usd: float | None
    batch_discount: float | None
    minutes: float | None
    """From the mean latency of this system's earlier runs in the store, at the concurrency asked for."""
    price: str
    local: bool
    """Nothing leaves this machine."""
    by_the_hour: bool
    """Not tokens are paid but accelerator hours: an engine in this process."""


def estimate(job: Job, store: Path, execution: Execution) -> Estimate:
    """Price one plan. Nothing is sent and nothing is loaded."""
    system = job.plan.system
    count_by_task = [0] * len(job.tasks)
    for owed in job.owed:
        count_by_task[owed.task] += 1
    input_tokens = round(sum(expected_tokens(job.request(owed), system.provider) for owed in job.owed))
    most = sum(n * limit_of(task, job.plan.protocol) for n, task in zip(count_by_task, job.tasks, strict=True))
    past = _history(store, [task.name for task in job.tasks], system.name)
    asked = [(n, task.name) for n, task in zip(count_by_task, job.tasks, strict=True) if n]
    expected = None
    if all(name in past.output for _, name in asked):
        expected = round(sum(n * past.output[name] for n, name in asked))
    price = price_of(system, execution.price_in, execution.price_out)
    cached = round(past.cached * input_tokens)
    listed = None if expected is None else cost_usd(price, Usage(input_tokens, cached, expected))
    discount = price.batch_discount if price is not None else None
    in_flight = execution.concurrency or models.open_model(system).default_concurrency
    shown = "unknown"
    if price is not None:
        shown = f"${price.input:g} in, ${price.output:g} out per million tokens" + (
            f", since {price.since}" if price.since else ""
        )
    return Estimate(
        system=system.name,
        requests=len(job.owed),
        input_tokens=input_tokens,
        output_tokens=expected,
        most_output_tokens=most,
        least_usd=cost_usd(price, Usage(input_tokens, cached, 0)),
        list_usd=listed,
        batch_usd=None if listed is None or discount is None else listed * (1 - discount),
        most_usd=cost_usd(price, Usage(input_tokens, None, most)),
        batch_discount=discount,
        minutes=None if past.latency_s is None else len(job.owed) * past.latency_s / in_flight / 60,
        price=shown,
        local=not models.leaves_machine(system),
        by_the_hour=catalogue.adapter_of(system.provider).in_process,
    )


@dataclass(frozen=True, slots=True)
class _Past:
    output: Mapping[str, float]
    """Mean output tokens by task."""
    cached: float
    """Share of this system's prompt tokens that its cache served."""
    latency_s: float | None


def _history(store: Path, tasks: Sequence[str], system: str) -> _Past:
    receipts, _ = read_receipts(store)
    runs = list(dict.fromkeys(run for run, _, _ in current_runs(receipts).values()))
    if not runs:
        return _Past({}, 0.0, None)
    columns = ("system", "task", "input_tokens", "cached_tokens", "output_tokens", "latency_s")
    rows = frame(runs, columns, "status <> 'unanswered'")
    rows = rows[rows["task"].isin(tasks)]
    own = rows[rows["system"] == system]
    means = {
        str(task): float(value)
        for part in (rows, own)  # reasoning models write many times what others do
        for task, value in part.groupby("task")["output_tokens"].mean().dropna().items()
    }
    sent = float(own["input_tokens"].sum())
    latency = own["latency_s"].dropna()
    return _Past(
        means,
        float(own["cached_tokens"].sum()) / sent if sent else 0.0,
        float(latency.mean()) if len(latency) else None,
    )
