"""lm-eval: ``results_<time>.json`` beside ``samples_<task>_<time>.jsonl`` (written with ``--log_samples``)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UsageError
from harness.importers.check import TOLERANCE_POINTS
from harness.importers.documents import read_json, read_lines, unit_score
from harness.importers.openness import levels
from harness.importers.sealing import Answer, Imported, mean_score


def read_lm_eval(
    path: Path, *, dimension: str, model: str | None = None, metric: str | None = None,
    filter_name: str | None = None, tasks: Sequence[str] = (), weights: str | None = None,
) -> tuple[list[Imported], list[str], list[str]]:  # fmt: skip
    """One import a task that has samples; what was left out, since its rows contradict its own mean; notes.

    An item is identified by the document's own ``id``, else by ``doc_hash``. Raises UsageError (several metrics or
    filters and none chosen, no samples), DataUnavailable (a score that is none).
    """
    results = read_json(_results_file(path))
    file = _results_file(path)
    name = model or results.get("model_name")
    if not name:
        raise UsageError(f"{file.name} names no model: give --model NAME")
    stamp = file.stem.removeprefix("results_")
    samples = {
        p.stem.removeprefix("samples_").removesuffix(f"_{stamp}"): p
        for p in file.parent.glob(f"samples_*_{stamp}.jsonl")
    }
    if not samples:
        raise UsageError(f"there is no samples_*_{stamp}.jsonl beside {file.name}: run lm-eval with --log_samples")
    by_file = {_safe(task): task for task in results.get("results", {})}
    wanted = {by_file.get(_safe(key), key): p for key, p in samples.items()}
    absent = sorted(set(tasks) - set(wanted))
    if absent:
        raise UsageError(f"no samples of {', '.join(absent)} in {file.parent}; there are {', '.join(sorted(wanted))}")
    told = (results.get("opengap") or {}).get("weights")
    side, notes = levels({name: [told] if told else []}, weights)
    found: list[Imported] = []
    left_out: list[str] = []
    for task, lines in sorted(wanted.items()):
        if tasks and task not in tasks:
            continue
        rows, chosen, used = _rows(read_lines(lines), lines.name, metric, filter_name)
        one = _imported(name, side[name], task, dimension, results, rows, chosen)
        published = results.get("results", {}).get(task, {}).get(f"{chosen},{used}")
        mean = 100 * mean_score(one.answers)
        if isinstance(published, int | float) and abs(100 * published - mean) > TOLERANCE_POINTS:
            left_out.append(
                f"{name} on {task}: its samples have the mean {mean:.2f}, its results say {100 * published:.2f}: left out"
            )
            continue
        found.append(one)
    return found, left_out, notes


def _results_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = sorted(path.glob("results_*.json"))
    if len(files) != 1:
        listed = ", ".join(file.name for file in files[:10])
        raise UsageError(
            f"{path} holds {len(files)} files results_*.json: give one of them" + (f" ({listed})" if listed else "")
        )
    return files[0]


def _safe(task: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in task)


def _rows(
    rows: list[dict[str, Any]], where: str, metric: str | None, filter_name: str | None
) -> tuple[list[dict[str, Any]], str, str]:
    """The rows of one filter, the metric and the filter."""
    if not rows:
        raise DataUnavailable(f"{where} holds no samples")
    filters = list(dict.fromkeys(str(row.get("filter", "none")) for row in rows))
    used = filter_name or (filters[0] if len(filters) == 1 else None)
    if used is None or used not in filters:
        raise UsageError(f"{where} was scored with the filters {', '.join(filters)}: choose one with --filter")
    rows = [row for row in rows if str(row.get("filter", "none")) == used]
    metrics = [str(name) for name in rows[0].get("metrics") or []]
    chosen = metric or (metrics[0] if len(metrics) == 1 else None)
    if chosen is None or any(chosen not in row for row in rows):
        raise UsageError(f"{where} has the metrics {', '.join(metrics) or 'none'}: choose one with --metric")
    return rows, chosen, used


def _imported(
    name: str, level: Any, task: str, dimension: str, results: dict[str, Any], rows: list[dict[str, Any]], metric: str
) -> Imported:
    ids: list[Any] = [row.get("doc", {}).get("id") if isinstance(row.get("doc"), dict) else None for row in rows]
    if any(one is None for one in ids) or len({str(one) for one in ids}) < len(ids):
        ids = _numbered([str(row.get("doc_hash") or _sha(json.dumps(row.get("doc"), sort_keys=True))) for row in rows])
    answers = []
    for item, row in zip(ids, rows, strict=True):
        text = row.get("resps") or [[""]]
        said = text[0][0] if isinstance(text[0], list) and text[0] and isinstance(text[0][0], str) else ""
        arguments = row.get("arguments") or {}
        asked: dict[str, Any] = next(iter(arguments.values()), {}) if isinstance(arguments, dict) else {}
        answers.append(
            Answer(
                item_id=str(item), score=unit_score(row[metric], f"{task}, item {item}, {metric}"),
                answer=str(row.get("filtered_resps", [""])[0])[:200] if row.get("filtered_resps") else None,
                text=said, target=str(row.get("target", "")),
                messages=json.dumps([{"role": "user", "content": str(asked.get("arg_0", ""))}]),
            )
        )  # fmt: skip
    content = sorted(f"{item}\0{row.get('doc_hash')}" for item, row in zip(ids, rows, strict=True))
    version = results.get("versions", {}).get(task, 1)
    return Imported(
        system=str(name), weights=level, task=task, dimension=dimension, answers=answers,
        item_ids=[str(item) for item in ids], metric=metric, items_sha256=_sha("\n".join(content)),
        task_version=int(version) if isinstance(version, int | float) else 1, asked=_asked(results, task, rows),
    )  # fmt: skip


def _asked(results: dict[str, Any], task: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What lm-eval records of how it was asked, but for the chat template, which is each model's own."""
    arguments = rows[0].get("arguments") or {}
    first: Any = next(iter(arguments.values()), {}) if isinstance(arguments, dict) else {}
    return {
        "n_shot": results.get("n-shot", {}).get(task),
        "generation": json.dumps(first.get("arg_1"), sort_keys=True) if isinstance(first, dict) else None,
        "system_instruction": results.get("system_instruction"),
    }


def _numbered(hashes: list[str]) -> list[str]:
    """Documents that occur more than once are told apart by their ordinal."""
    seen: Counter[str] = Counter()
    named = []
    for digest in hashes:
        seen[digest] += 1
        named.append(digest if seen[digest] == 1 else f"{digest}-{seen[digest]}")
    return named


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
