"""HELM: one run's folder, with ``per_instance_stats.json`` or ``display_predictions.json``, and ``run_spec.json``."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UsageError
from harness.exchange.assemble import Reading, assemble
from harness.exchange.documents import existing, read_json, read_lines, section, unit_score
from harness.exchange.sealing import Answer

FILES = ("per_instance_stats.json", "display_predictions.json")
COUNTS = ("num_", "prompt_truncated", "inference_", "training_", "batch_size", "max_prob", "logprob", "finish_reason_")
"""How the names begin of what HELM counts besides whether an answer is right."""


def read_helm(
    path: Path, *, dimension: str, benchmark: str | None = None, model: str | None = None, metric: str | None = None,
    weights: str | None = None,
) -> Reading:  # fmt: skip
    """One result; train trials are repeats, perturbed instances are left out and counted.

    Raises UsageError (no such file, several metrics and none chosen, no model), DataUnavailable (another format).
    """
    file = path if path.is_file() else next((path / name for name in FILES if (path / name).is_file()), path / FILES[0])
    records = read_lines(existing(file))
    beside = file.parent / "run_spec.json"
    spec = read_json(beside) if beside.is_file() else {}
    name = model or section(spec.get("adapter_spec"), "adapter_spec").get("model")
    if not name:
        raise UsageError(f"there is no run_spec.json beside {file.name} that names the model: give --model NAME")
    # HELM's run is named after the scenario, its arguments, and the model.
    task = benchmark or re.sub(r"(?:(?<=[:,-])|,)model(_deployment)?=[^,]*", "", str(spec.get("name") or "")).strip(
        ":,-"
    )
    if not task:
        raise UsageError(f"there is no run_spec.json beside {file.name} that names the scenario: give --benchmark NAME")
    plain = [one for one in records if not one.get("perturbation")]
    values = [_stats(one, f"{file.name}, record {at}") for at, one in enumerate(plain)]
    metrics = sorted(
        key for key, count in Counter(k for one in values for k in one).items() if count and not key.startswith(COUNTS)
    )
    chosen = metric or (metrics[0] if len(metrics) == 1 else None)
    if chosen is None or not any(chosen in one for one in values):
        raise UsageError(f"{file.name} has the metrics {', '.join(metrics) or 'none'}: choose one with --metric")
    answers = []
    for at, (one, stats) in enumerate(zip(plain, values, strict=True)):
        item, where = one.get("instance_id"), f"{file.name}, record {at}"
        if item is None:
            raise DataUnavailable(f"{where} has no instance_id: it is no such file of HELM")
        trial, text = one.get("train_trial_index") or 0, one.get("predicted_text")
        if not isinstance(trial, int):
            raise DataUnavailable(f"{where}: the trial {trial!r} is no number")
        answers.append(
            Answer(
                item_id=str(item), repeat=trial, score=unit_score(stats.get(chosen), f"{where}, {chosen}"),
                text=None if text is None else str(text),
            )
        )  # fmt: skip
    reading = assemble({str(name): answers}, task=task, dimension=dimension, weights=weights, metric=chosen)
    if len(plain) < len(records):
        reading.notes.append(f"{len(records) - len(plain)} records of perturbed instances are not read")
    return reading


def _stats(record: dict[str, Any], where: str) -> dict[str, Any]:
    """The numbers of one instance by name: a mapping, or a list of ``{name: {name, split}, count, sum, mean}``."""
    stats = record.get("stats")
    if isinstance(stats, dict):
        return stats
    found = {}
    for one in section(stats, where, list):
        named = section(one, where)
        name = named.get("name")
        if isinstance(name, dict):
            if name.get("perturbation"):
                continue
            name = name.get("name")
        count, total = named.get("count"), named.get("sum")
        mean = named.get(
            "mean", total / count if isinstance(total, int | float) and isinstance(count, int) and count else None
        )
        found[str(name)] = mean
    return found
