"""Scores for a model's page on the Hugging Face hub: ``.eval_results/*.yaml``, or metadata of its model card.

They are results of the community: nothing here signs or claims that they were verified.
Source: huggingface.co/docs/hub/eval-results, and huggingface_hub, which writes both forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import catalogue
from harness.errors import StoreError, UsageError
from harness.exchange.outgoing import Counting, item_scores, safe


@dataclass(frozen=True, slots=True)
class Result:
    """One score of one model on a benchmark that has a data set on the hub."""

    repository: str
    task: str
    dataset: str
    task_id: str
    revision: str | None
    metric: str
    percent: float
    date: str
    notes: str


def export_eval_results(
    results: Sequence[Counting], folder: Path, datasets: Mapping[str, str]
) -> tuple[list[Path], list[str]]:
    """``<org>/<model>/.eval_results/<task>.yaml`` of each open model; the files, and what could not be written as such.

    ``datasets`` names the benchmark (``org/name`` or ``org/name:task_id``) of tasks that do not say theirs.
    """
    import yaml
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    found, notes = _results(results, datasets)
    files: dict[Path, list[EvalResultEntry]] = {}
    for one in found:
        path = folder / one.repository / ".eval_results" / f"{safe(one.task)}.yaml"
        entry = EvalResultEntry(
            dataset_id=one.dataset, task_id=one.task_id, value=one.percent, dataset_revision=one.revision, date=one.date,
            notes=one.notes,
        )  # fmt: skip
        files.setdefault(path, []).append(entry)
    texts = {
        path: yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False) for path, entries in files.items()
    }
    return _written(texts), notes


def export_card(results: Sequence[Counting], folder: Path, datasets: Mapping[str, str]) -> tuple[list[Path], list[str]]:
    """``<org>/<model>/README-metadata.yaml`` of each open model: the ``model-index`` of its card."""
    from huggingface_hub import EvalResult, ModelCardData

    found, notes = _results(results, datasets)
    by_model: dict[str, list[EvalResult]] = {}
    for one in found:
        entry = EvalResult(
            task_type="text-generation", dataset_type=one.dataset, dataset_name=one.task, dataset_revision=one.revision,
            dataset_config=one.task_id, metric_type=one.metric, metric_value=one.percent, metric_name=one.notes, verified=False,
        )  # fmt: skip
        by_model.setdefault(one.repository, []).append(entry)
    texts = {
        folder / name / "README-metadata.yaml": ModelCardData(model_name=name, eval_results=entries).to_yaml() + "\n"
        for name, entries in by_model.items()
    }
    return _written(texts), notes


def _written(texts: Mapping[Path, str]) -> list[Path]:
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}; give --out a writable folder") from error
    return list(texts)


def _results(results: Sequence[Counting], datasets: Mapping[str, str]) -> tuple[list[Result], list[str]]:
    """What has a model and a benchmark on the hub, and a line about each result that has not."""
    unknown = sorted(set(datasets) - {one.task for one in results})
    if unknown:
        raise UsageError(f"--dataset names tasks that the store has no results of: {', '.join(unknown)}")
    found: list[Result] = []
    notes: list[str] = []
    for one in results:
        repository, benchmark = _repository(one), _benchmark(one, datasets)
        if repository is None or benchmark is None:
            lacking = (
                "no repository of its model on the hub"
                if repository is None
                else f"no benchmark on the hub (--dataset {one.task}=ORG/NAME)"
            )
            notes.append(f"{one.receipt.system.name} on {one.task} is left out: there is {lacking}")
            continue
        found += _result(one, repository, *benchmark)
    return found, notes


def _repository(one: Counting) -> str | None:
    system = one.receipt.system
    card = catalogue.cards().get(system.card)
    if system.weights == "closed":
        return None
    if card is not None and card.repository:
        return card.repository
    return system.api_name if re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", system.api_name) else None


def _benchmark(one: Counting, datasets: Mapping[str, str]) -> tuple[str, str, str | None] | None:
    """Data set, task and revision of a benchmark on the hub."""
    if one.task in datasets:
        dataset, _, task_id = datasets[one.task].partition(":")
        return dataset, task_id or "default", None
    match = re.fullmatch(r"hf:([^/@]+/[^/@]+)(?:/([^@]+))?(?:@(.+))?", one.planned.card.source)
    if match is None:
        return None
    return match.group(1), match.group(2) or "default", one.planned.revision or match.group(3)


def _result(one: Counting, repository: str, dataset: str, task_id: str, revision: str | None) -> Iterator[Result]:
    scores = item_scores(one.rows())
    if not scores:
        return
    card, receipt = one.planned.card, one.receipt
    of = f" of {card.n}" if card.n and card.n != len(scores) else ""
    lacking = f", {receipt.counts['unanswered']} unanswered" if receipt.counts.get("unanswered") else ""
    notes = (
        f"{card.headline} in percent; {len(scores)}{of} items{lacking}; protocol {receipt.protocol}; "
        f"opengap {receipt.versions.get('opengap', 'unknown')}, {receipt.provenance}; {receipt.system.name}"
    )
    yield Result(
        repository, one.task, dataset, task_id, revision, card.headline,
        round(100 * sum(scores.values()) / len(scores), 4), receipt.sealed[:10], notes,
    )  # fmt: skip
