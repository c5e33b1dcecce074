"""lm-eval of every layout since 0.4.0: the results file, and the samples beside it (written with ``--log_samples``)."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UsageError
from harness.exchange.assemble import Reading, assemble
from harness.exchange.check import TOLERANCE_POINTS
from harness.exchange.documents import read_json, read_lines, section, unit_score
from harness.exchange.sealing import Answer, mean_score

STAMP = re.compile(r"_?(\d{4}-\d\d-\d\dT\d\d[-:]\d\d[-:]\d\d[.\d]*)$")
FIELDS = frozenset(
    [
        "doc_id",
        "doc",
        "target",
        "arguments",
        "resps",
        "filtered_resps",
        "filter",
        "metrics",
        "doc_hash",
        "prompt_hash",
        "target_hash",
    ]
)
"""What a sample holds besides its metrics."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows of one filter, and the number that counts."""

    rows: list[dict[str, Any]]
    metric: str
    filter: str | None
    """None: the file does not say by which filter its rows were read."""


def read_lm_eval(
    path: Path, *, dimension: str, model: str | None = None, metric: str | None = None,
    filter_name: str | None = None, tasks: Sequence[str] = (), weights: str | None = None,
) -> Reading:  # fmt: skip
    """One import a task that has samples. A task whose rows contradict its own mean is left out.

    An item is identified by the document's own ``id``, else by ``doc_hash``. A task with one metric is taken by that
    one, whatever ``metric`` says. Raises UsageError (several metrics or filters and none chosen, no samples),
    DataUnavailable (a score that is none).
    """
    file = _results_file(path)
    results = read_json(file)
    summary = section(results.get("results"), f"{file.name}: results")
    samples = _samples(file, results, list(summary))
    if path.name.startswith("samples_"):
        tasks = [task for task, at in samples.items() if at == path]
    absent = sorted(set(tasks) - set(samples))
    if absent:
        raise UsageError(f"no samples of {', '.join(absent)} in {file.parent}; there are {', '.join(sorted(samples))}")
    name = model or _model(results)
    if not name:
        raise UsageError(f"{file.name} names no model: give --model NAME")
    told = section(results.get("opengap"), file.name).get("weights")
    whole, chosen, fits = Reading(), {}, False
    for task in sorted(tasks or samples):
        source = samples[task]
        rows, where = (
            (source, f"{file.name}: samples of {task}")
            if isinstance(source, list)
            else (read_lines(source), source.name)
        )
        chosen[task], said = _choose(rows, section(summary.get(task), file.name), where, task, metric, filter_name)
        fits = fits or metric in (None, chosen[task].metric)
        whole.notes += said
    if not fits:
        have = ", ".join(f"{task}: {one.metric}" for task, one in chosen.items())
        raise UsageError(f"no task has the metric {metric!r} ({have}); choose tasks by --task and a metric of theirs")
    for task, one in chosen.items():
        part = _imported(str(name), [told] if told else [], task, dimension, weights, results, one)
        line = _contradicts(str(name), task, part, section(summary.get(task), file.name), one)
        whole.found += [] if line else part.found
        whole.left_out += [line] if line else []
        whole.notes += [note for note in part.notes if note not in whole.notes]
    return whole


def _imported(
    name: str, told: list[Any], task: str, dimension: str, weights: str | None, results: dict[str, Any], one: Chosen
) -> Reading:
    lower = (
        section(section(results.get("higher_is_better"), "higher_is_better").get(task), task).get(one.metric) is False
    )
    ids = _ids(one.rows)
    answers = [_answer(row, item, one.metric, task, lower) for item, row in zip(ids, one.rows, strict=True)]
    content = sorted(f"{item}\0{row.get('doc_hash')}" for item, row in zip(ids, one.rows, strict=True))
    version = section(results.get("versions"), "versions").get(task, 1)
    reading = assemble(
        {name: answers}, task=task, dimension=dimension, weights=weights, told={name: told},
        metric=f"1 - {one.metric}" if lower else one.metric, items_sha256=_sha("\n".join(content)),
        task_version=int(version) if isinstance(version, int | float) and math.isfinite(version) else 1,
        asked=_asked(results, task, one),
    )  # fmt: skip
    limit = section(results.get("config"), "config").get("limit")
    count = section(section(results.get("n-samples"), "n-samples").get(task), task)
    if limit is not None or count.get("original", 0) != count.get("effective", 0):
        of = f" of {count['original']}" if "original" in count else ""
        reading.notes.append(
            f"{task}: asked with limit {limit}; the plan is the {len(set(ids))} items{of} that were asked"
        )
    if lower:
        reading.notes.append(f"{task}: lower is better, so the score is 1 minus {one.metric}")
    return reading


def _contradicts(name: str, task: str, part: Reading, summary: dict[str, Any], one: Chosen) -> str:
    """A line where the rows have another mean than the results say; empty: they agree, or nothing is said."""
    key = f"{one.metric},{one.filter}" if one.filter is not None else one.metric
    published = summary.get(key, summary.get(one.metric))
    if not isinstance(published, int | float) or isinstance(published, bool) or math.isnan(published):
        return ""
    answers = part.found[0].answers
    mean = mean_score(answers)
    mean = 100 * (1 - mean if part.found[0].metric != one.metric else mean)
    if abs(100 * published - mean) <= TOLERANCE_POINTS:
        return ""
    return f"{name} on {task}: its samples have the mean {mean:.2f}, its results say {100 * published:.2f}: left out"


# Files


def _results_file(path: Path) -> Path:
    """The results: the file that is given, the one in a folder or below it, or the one beside a file of samples."""
    if path.is_file() and path.name.startswith("samples_"):
        stamp = STAMP.search(path.stem)
        beside = [one for one in path.parent.glob("*.json") if stamp and one.stem.endswith(stamp.group(1))]
        if len(beside) != 1:
            raise UsageError(f"beside {path.name} there is no one results file of the same time: give the results file")
        return beside[0]
    if not path.is_dir():
        return path
    for pattern in ("results*.json", "**/results*.json", "*.json"):
        files = sorted(path.glob(pattern))
        if len(files) == 1:
            return files[0]
        if files:
            listed = ", ".join(str(file.relative_to(path)) for file in files[:10])
            raise UsageError(f"{path} holds {len(files)} files {pattern}: give one of them ({listed})")
    raise UsageError(f"{path} holds no results_*.json, and no folder below it does: give the folder that lm-eval wrote")


def _samples(file: Path, results: dict[str, Any], tasks: list[str]) -> dict[str, Any]:
    """The samples of each task: a file, or the rows themselves where they lie in the results."""
    inside = results.get("samples")
    if isinstance(inside, dict) and inside:
        return {str(task): section(rows, f"samples of {task}", list) for task, rows in inside.items()}
    stamp = STAMP.search(file.stem)
    found: dict[str, Path] = {}
    if stamp:
        end = f"_{stamp.group(1)}"
        by_file = {_safe(task): task for task in tasks}
        for one in sorted(file.parent.glob(f"samples_*{end}.jsonl")):
            key = one.stem.removeprefix("samples_").removesuffix(end)
            found[by_file.get(_safe(key), key)] = one
    else:
        # Up to 0.4.2: <model_args>_<task>.jsonl, where one task's name may end as another's does.
        for one in sorted(file.parent.glob("*.jsonl")):
            named = [task for task in tasks if _safe(one.stem).endswith(f"_{_safe(task)}") or one.stem == task]
            if named:
                found[max(named, key=len)] = one
    if not found:
        end = f"samples_*_{stamp.group(1)}.jsonl" if stamp else "<model_args>_<task>.jsonl"
        raise UsageError(f"there is no {end} beside {file.name}: run lm-eval with --log_samples")
    return found


def _model(results: dict[str, Any]) -> Any:
    if results.get("model_name"):
        return results["model_name"]
    arguments = section(results.get("config"), "config").get("model_args")
    if isinstance(arguments, dict):
        return arguments.get("pretrained") or arguments.get("model")
    match = re.search(r"(?:^|,)(?:pretrained|model)=([^,]+)", str(arguments or ""))
    return match.group(1) if match else None


def _safe(task: str) -> str:
    return re.sub(r"\W", "_", task)


# Filters and metrics


def _choose(
    rows: list[dict[str, Any]],
    summary: dict[str, Any],
    where: str,
    task: str,
    metric: str | None,
    filter_name: str | None,
) -> tuple[Chosen, list[str]]:
    """The rows of one filter and the metric, and notes. UsageError where several are there and none is chosen."""
    if not rows:
        raise DataUnavailable(f"{where} holds no samples")
    pairs = [key.split(",", 1) for key in summary if "_stderr" not in key and key != "alias"]
    known = list(dict.fromkeys(pair[1] for pair in pairs if len(pair) == 2))
    rows, used = _filtered(rows, known, where, filter_name)
    documents = Counter(str(row["doc_id"]) for row in rows if row.get("doc_id") is not None)
    if documents and max(documents.values()) > 1:
        raise DataUnavailable(
            f"{where}: the doc_id {documents.most_common(1)[0][0]} occurs more than once in one filter"
        )
    metrics = [str(name) for name in section(rows[0].get("metrics"), f"{where}: metrics", list)]
    if not metrics:  # before 0.4.5 a row does not say which of its fields are metrics
        metrics = [name for name in rows[0] if name not in FIELDS and (name in {p[0] for p in pairs} or not pairs)]
    chosen = metric if metric in metrics else metrics[0] if len(metrics) == 1 else None
    missing = next((at for at, row in enumerate(rows, start=1) if chosen is not None and chosen not in row), None)
    if chosen is None:
        raise UsageError(
            f"{where} has the metrics {', '.join(metrics) or 'none'}: choose one with --metric, task by task with --task {task}"
        )
    if missing is not None:
        raise DataUnavailable(f"{where}, row {missing} has no {chosen}")
    said = [f"{task}: scored by {chosen}, its only metric"] if metric not in (None, chosen) else []
    return Chosen(rows, chosen, used), said


def _filtered(
    rows: list[dict[str, Any]], known: list[str], where: str, wanted: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """The rows of one filter. From 0.4.3 to 0.4.4 rows do not name theirs, and stand filter after filter."""
    if any("filter" in row for row in rows):
        filters = list(dict.fromkeys(str(row.get("filter", "none")) for row in rows))
        used = wanted or (filters[0] if len(filters) == 1 else None)
        if used is None or used not in filters:
            raise UsageError(f"{where} was scored with the filters {', '.join(filters)}: choose one with --filter")
        return [row for row in rows if str(row.get("filter", "none")) == used], used
    documents = [str(row.get("doc_id", at)) for at, row in enumerate(rows)]
    size = len(set(documents))
    if size == len(rows):
        if wanted is not None and known and wanted not in known:
            raise UsageError(f"{where} was scored with the filters {', '.join(known)}: choose one with --filter")
        return rows, known[0] if len(known) == 1 else None
    blocks = [documents[at : at + size] for at in range(0, len(rows), size)]
    if len(blocks) != len(known) or any(block != blocks[0] for block in blocks) or wanted not in known:
        raise UsageError(
            f"{where}: each document has two rows or more, one a filter ({', '.join(known) or 'not named'}), and the rows do "
            "not say whose they are: choose one with --filter"
        )
    at = known.index(wanted) * size
    return rows[at : at + size], wanted


# Rows


def _answer(row: dict[str, Any], item: str, metric: str, task: str, lower: bool) -> Answer:
    where = f"{task}, item {item}, {metric}"
    value = row[metric]
    score = unit_score(value, where)
    responses = row.get("resps") or [[""]]
    first = responses[0] if isinstance(responses, list) else ""
    said = first[0] if isinstance(first, list) and first else first
    asked = _asked_first(row)
    read = row.get("filtered_resps")
    return Answer(
        item_id=item, score=1 - score if lower and score is not None else score,
        score_status="scored" if score is not None else "scorer_error",
        answer=str(read[0] if isinstance(read, list) else read)[:200] if read else None,
        text=said if isinstance(said, str) else "", target=str(row.get("target", "")),
        messages=json.dumps([{"role": "user", "content": str(asked[0])}]),
    )  # fmt: skip


def _asked_first(row: dict[str, Any]) -> tuple[Any, Any]:
    """The prompt and its settings: an object of objects since 0.4.3, a list of lists before."""
    arguments: Any = row.get("arguments") or {}
    held = list(arguments.values()) if isinstance(arguments, dict) else arguments
    first: Any = held[0] if isinstance(held, list) and held else None
    if isinstance(first, dict):
        return first.get("arg_0", ""), first.get("arg_1")
    if isinstance(first, list) and first:
        return first[0], first[1] if len(first) > 1 else None
    return "", None


def _asked(results: dict[str, Any], task: str, one: Chosen) -> dict[str, Any]:
    """What lm-eval records of how it was asked and read, but for the chat template, which is each model's own."""
    settings = _asked_first(one.rows[0])[1]
    return {
        "n_shot": section(results.get("n-shot"), "n-shot").get(task),
        "generation": json.dumps(settings, sort_keys=True) if isinstance(settings, dict) else None,
        "system_instruction": results.get("system_instruction"),
        "filter": one.filter,
    }


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    own = [row["doc"].get("id") if isinstance(row.get("doc"), dict) else None for row in rows]
    if all(one is not None for one in own) and len({str(one) for one in own}) == len(own):
        return [str(one) for one in own]
    # Documents that occur more than once are told apart by their ordinal.
    seen: Counter[str] = Counter()
    named = []
    for row in rows:
        digest = str(row.get("doc_hash") or _sha(json.dumps(row.get("doc"), indent=2, ensure_ascii=False)))
        seen[digest] += 1
        named.append(digest if seen[digest] == 1 else f"{digest}-{seen[digest]}")
    return named


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
