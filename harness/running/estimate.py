"""What a plan will cost before anything is sent: the same plan that would be carried out, priced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import models
from harness.running.plan import Job, limit_of
from harness.running.pricing import price_of
from harness.running.prompt_tokens import expected_tokens
from harness.store import current_runs, frame, read_receipts


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cost and time of one plan. Dollars are None where no price is known; the expectation is None without history."""

    system: str
    requests: int
    input_tokens: int
    """From the bytes of the real prompts, four a token, and the sizes of the images; see ``prompt_tokens``."""
    output_tokens: int | None
    """From the mean output of earlier runs of the same tasks in this store; None if a task was never run."""
    most_output_tokens: int
    """Every answer as long as its limit."""
    list_usd: float | None
    most_usd: float | None
    batch_usd: float | None
    minutes: float | None
    """From the mean latency of this system's earlier runs in the store, at the concurrency asked for."""
    price: str
    local: bool


def estimate(
    job: Job, store: Path, *, concurrency: int | None = None, price_in: float | None = None, price_out: float | None = None
) -> Estimate:
    """Price one plan. Nothing is sent and nothing is loaded."""
    system = job.plan.system
    count_by_task = [0] * len(job.tasks)
    for owed in job.owed:
        count_by_task[owed.task] += 1
    input_tokens = round(sum(expected_tokens(job.request(owed), system.provider) for owed in job.owed))
    most = sum(n * limit_of(task, job.plan.protocol) for n, task in zip(count_by_task, job.tasks, strict=True))
    means, latency = _history(store, [task.name for task in job.tasks], system.name)
    expected = None
    asked = [(n, task.name) for n, task in zip(count_by_task, job.tasks, strict=True) if n]
    if all(name in means for _, name in asked):
        expected = round(sum(n * means[name] for n, name in asked))
    price = price_of(system, price_in, price_out)

    def dollars(output: int | None) -> float | None:
        if price is None or price.input is None or price.output is None or output is None:
            return None
        return (input_tokens * price.input + output * price.output) / 1e6

    shown = "unknown"
    if price is not None and price.input is not None and price.output is not None:
        shown = f"${price.input:g} in, ${price.output:g} out per million tokens" + (f", since {price.since}" if price.since else "")
    in_flight = concurrency or models.open_model(system).default_concurrency
    listed = dollars(expected)
    return Estimate(
        system=system.name,
        requests=len(job.owed),
        input_tokens=input_tokens,
        output_tokens=expected,
        most_output_tokens=most,
        list_usd=listed,
        most_usd=dollars(most),
        batch_usd=None if listed is None or price is None or price.batch_discount is None else listed * (1 - price.batch_discount),
        minutes=None if latency is None else len(job.owed) * latency / in_flight / 60,
        price=shown,
        local=not models.leaves_machine(system),
    )


def _history(store: Path, tasks: Sequence[str], system: str) -> tuple[dict[str, float], float | None]:
    """Mean output tokens by task over all systems of the store, and the mean latency of this one."""
    receipts, _ = read_receipts(store)
    runs = list(dict.fromkeys(run for run, _, _ in current_runs(receipts).values()))
    if not runs:
        return {}, None
    rows = frame(runs, ("system", "task", "output_tokens", "latency_s"), "status <> 'unanswered'")
    means = rows[rows["task"].isin(tasks)].groupby("task")["output_tokens"].mean().dropna()
    own = rows[rows["system"] == system]["latency_s"].dropna()
    return {str(task): float(value) for task, value in means.items()}, float(own.mean()) if len(own) else None
