"""Every Eval Ever, the EvalEval coalition's schema 0.3: an aggregate, and its samples as JSON Lines beside it.

Source: github.com/evaleval/every_eval_ever (MIT), eval.schema.json and instance_level_eval.schema.json.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
import statistics
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import catalogue
from harness.adapters import Named
from harness.errors import DataUnavailable, StoreError, UsageError
from harness.exchange.assemble import Reading, assemble
from harness.exchange.check import TOLERANCE_POINTS
from harness.exchange.documents import read_json, read_lines, section
from harness.exchange.outgoing import Counting, item_scores, safe
from harness.exchange.sealing import Answer, mean_score
from harness.types import Receipt

SCHEMA = "0.3.0"
OURS = "opengap"
HOSTED: Mapping[Named, str] = {
    "weights": "self_deployed", "url": "self_deployed", "host": "externally_managed", "file": "unknown",
}  # fmt: skip
"""Where a system ran, in the schema's words, by how its adapter is named."""
# In


def read_every_eval_ever(
    path: Path, *, dimension: str, benchmark: str | None = None, model: str | None = None, metric: str | None = None,
    weights: str | None = None,
) -> Reading:  # fmt: skip
    """One import an evaluation of the aggregate that has samples; samples of the same id are repeats.

    ``metric`` names one where an evaluation has several (its id or name). An evaluation whose samples have another mean
    than the aggregate says is left out. Raises UsageError (no samples, several metrics and none chosen),
    DataUnavailable (another format, a score that is none).
    """
    file = _aggregate(path)
    body = read_json(file)
    about, results = section(body.get("model_info"), f"{file.name}: model_info"), body.get("evaluation_results")
    if not isinstance(results, list) or "schema_version" not in body:
        raise DataUnavailable(f"{file.name} is no aggregate of Every Eval Ever: it has no evaluation_results")
    library = section(body.get("eval_library"), f"{file.name}: eval_library")
    name = model or (about.get("name") if library.get("name") == OURS else about.get("id") or about.get("name"))
    if not isinstance(name, str):
        raise UsageError(f"{file.name} names no model: give --model NAME")
    samples = read_lines(_samples_file(file, body))
    chosen = _results(results, metric, file.name)
    if benchmark is not None and len(chosen) > 1:
        raise UsageError(
            f"{file.name} holds several evaluations ({', '.join(chosen)}): --benchmark can rename one only"
        )
    told = section(about.get("additional_details"), "model_info").get("model_availability")
    whole, used = Reading(), 0
    for task, result in chosen.items():
        rows = [row for row in samples if _belongs(row, result)]
        used += len(rows)
        if not rows:
            whole.left_out.append(f"{name} on {task}: there are no samples of it")
            continue
        config = section(result.get("metric_config"), f"{file.name}: metric_config")
        answers, notes = _answers(rows, config, f"{file.name}: {task}")
        part = assemble(
            {name: answers}, task=benchmark or task, dimension=dimension, weights=weights,
            told={name: [] if told in (None, "unknown") else [told]}, metric=str(_metric(result) or "score"),
            developer=str(about.get("developer") or ""), asked=_asked(result),
        )  # fmt: skip
        line = _contradiction(name, task, part, result, config)
        whole.found += [] if line else part.found
        whole.left_out += [line] if line else []
        whole.notes += [*notes, *part.notes, *_said(result, task)]
    if not whole.found and not whole.left_out:
        raise DataUnavailable(f"{file.name} holds no evaluation with samples")
    if used < len(samples):
        whole.notes.append(f"{len(samples) - used} of {len(samples)} samples belong to no evaluation that is read here")
    return whole


def _aggregate(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = sorted(path.rglob("*.json"))
    if len(files) != 1:
        raise UsageError(f"{path} holds {len(files)} files *.json: give one of them ({', '.join(map(str, files[:6]))})")
    return files[0]


def _samples_file(file: Path, body: Mapping[str, Any]) -> Path:
    named = section(body.get("detailed_evaluation_results"), f"{file.name}: detailed_evaluation_results").get(
        "file_path"
    )
    beside = [file.with_name(f"{file.stem}_samples.jsonl"), file.with_suffix(".jsonl")]
    if named:
        beside.insert(0, file.with_name(Path(str(named)).name))
    found = next((one for one in beside if one.is_file()), None)
    if found is None:
        raise UsageError(
            f"there is no {beside[0].name} beside {file.name}: without its samples an aggregate has no items to compare; "
            "its numbers alone may be imported as a table (opengap import published)"
        )
    return found


def _metric(result: Mapping[str, Any]) -> Any:
    config = section(result.get("metric_config"), "metric_config")
    return config.get("metric_id") or config.get("metric_name") or config.get("evaluation_description")


def _results(results: Sequence[Any], metric: str | None, where: str) -> dict[str, dict[str, Any]]:
    """One result an evaluation's name. UsageError where it has several metrics and none is chosen."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for one in results:
        by_name.setdefault(str(section(one, where).get("evaluation_name")), []).append(one)
    chosen = {}
    for name, several in by_name.items():
        names = [str(_metric(one) or one.get("evaluation_result_id")) for one in several]
        fits = [
            one for one, own in zip(several, names, strict=True) if metric in (own, one.get("evaluation_result_id"))
        ]
        if len(several) > 1 and len(fits) != 1:
            raise UsageError(f"{where}: {name} has the metrics {', '.join(names)}: choose one with --metric")
        chosen[name] = (fits or several)[0]
    return chosen


def _belongs(row: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    own, wanted = row.get("evaluation_result_id"), result.get("evaluation_result_id")
    if own is not None and wanted is not None:
        return bool(own == wanted)
    return row.get("evaluation_name") == result.get("evaluation_name")


def _answers(
    rows: Sequence[Mapping[str, Any]], config: Mapping[str, Any], where: str
) -> tuple[list[Answer], list[str]]:
    """Scores between 0 and 1, the higher the better, whatever the metric's range and direction."""
    scores, least, most = [], config.get("min_score"), config.get("max_score")
    for at, row in enumerate(rows, start=1):
        value = section(row.get("evaluation"), f"{where}, sample {at}").get("score")
        unknown = value == -1 and config.get("has_unknown_level")
        if value is not None and not isinstance(value, int | float):
            raise DataUnavailable(f"{where}, sample {at}: the score {value!r} is no number")
        scores.append(None if value is None or unknown or math.isnan(value) else float(value))
    notes, known = [], [one for one in scores if one is not None]
    if any(not 0 <= one <= 1 for one in known):
        if not (isinstance(least, int | float) and isinstance(most, int | float) and most > least):
            raise DataUnavailable(f"{where}: scores lie outside [0, 1], and the metric does not say its range")
        if any(not least <= one <= most for one in known):
            raise DataUnavailable(f"{where}: a score lies outside [{least:g}, {most:g}], the metric's own range")
        scores = [None if one is None else (one - least) / (most - least) for one in scores]
        notes.append(f"{where}: scores from {least:g} to {most:g} are read as 0 to 1")
    if config.get("lower_is_better"):
        scores = [None if one is None else 1 - one for one in scores]
        notes.append(f"{where}: lower is better, so the score is 1 minus the file's")
    seen: Counter[str] = Counter()
    answers = []
    for row, score in zip(rows, scores, strict=True):
        item = str(row.get("sample_id"))
        answers.append(_answer(row, item, seen[item], score))
        seen[item] += 1
    return answers, notes


def _answer(row: Mapping[str, Any], item: str, repeat: int, score: float | None) -> Answer:
    where, error = f"sample {item}", row.get("error")
    asked, said = section(row.get("input"), where), section(row.get("output"), where)
    read = next(iter(section(row.get("answer_attribution"), where, list)), None) or {}
    usage, speed = section(row.get("token_usage"), where), section(row.get("performance"), where)
    extra, latency = section(row.get("metadata"), where), speed.get("latency_ms")
    texts = said.get("raw")
    text = texts if isinstance(texts, str) else "\n".join(map(str, texts or []))
    return Answer(
        item_id=item, repeat=repeat, score=None if error else score, status="unanswered" if error else "ok",
        error=None if error is None else str(error)[:500], answer=str(read["extracted_value"])[:200] if "extracted_value" in read else None,
        input_tokens=usage.get("input_tokens"), output_tokens=usage.get("output_tokens"),
        latency_s=latency / 1000 if isinstance(latency, int | float) else None, text=text or None,
        target=json.dumps(asked.get("reference") or [], ensure_ascii=False) if asked.get("raw") else None,
        messages=json.dumps([{"role": "user", "content": str(asked["raw"])}]) if asked.get("raw") else None,
        cluster=extra.get("cluster"),
    )  # fmt: skip


def _asked(result: Mapping[str, Any]) -> dict[str, Any]:
    given = section(result.get("generation_config"), "generation_config").get("generation_args")
    return {"generation": json.dumps(given, sort_keys=True) if given else None}


def _contradiction(name: str, task: str, part: Reading, result: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    score = section(result.get("score_details"), task).get("score")
    if not isinstance(score, int | float) or not math.isfinite(score):
        return ""
    mean = mean_score(part.found[0].answers)
    mean = 1 - mean if config.get("lower_is_better") else mean
    least, most = config.get("min_score") or 0, config.get("max_score") or 1
    whole = isinstance(least, int | float) and isinstance(most, int | float) and most > least
    near = [score, score / 100, (score - least) / (most - least) if whole else score]
    if min(abs(one - mean) for one in near) <= TOLERANCE_POINTS / 100:
        return ""
    return f"{name} on {task}: its samples have the mean {100 * mean:.2f}, the aggregate says {score:g}: left out"


def _said(result: Mapping[str, Any], task: str) -> list[str]:
    lacking = section(section(result.get("score_details"), task).get("details"), task).get("unanswered")
    return (
        [f"{task}: the file says that {lacking} answers are missing; it does not hold them"]
        if lacking not in (None, "0")
        else []
    )


# Out


def export_every_eval_ever(results: Sequence[Counting], folder: Path) -> list[Path]:
    """``data/<benchmark>/<developer>/<model>/<uuid>.json`` and ``<uuid>_samples.jsonl`` of each result; the files.

    The same store gives the same bytes. Texts of data that may not be redistributed are left out, and so are answers
    that never came, whose number is in the aggregate. StoreError if nothing can be written.
    """
    written = []
    try:
        for one in results:
            rows = [row for row in one.rows() if row["score"] is not None]
            if not rows:
                continue
            developer, name = _identity(one.receipt).split("/", 1)
            place = Path("data", safe(one.task), safe(developer), safe(name))
            digest = hashlib.sha256(f"{one.run.run_id}\0{one.task}".encode()).digest()
            stem = str(uuid.UUID(bytes=digest[:16], version=4))
            lines = [json.dumps(line, ensure_ascii=False, allow_nan=False) for line in _lines(one, rows)]
            text = "".join(line + "\n" for line in lines)
            detail = {
                "format": "jsonl", "file_path": (place / f"{stem}_samples.jsonl").as_posix(), "hash_algorithm": "sha256",
                "checksum": hashlib.sha256(text.encode()).hexdigest(), "total_rows": len(lines),
            }  # fmt: skip
            whole = {**_whole(one, rows), "detailed_evaluation_results": detail}
            (folder / place).mkdir(parents=True, exist_ok=True)
            for ending, content in (
                (".json", json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)),
                ("_samples.jsonl", text),
            ):
                path = folder / place / f"{stem}{ending}"
                path.write_text(content, encoding="utf-8")
                written.append(path)
    except OSError as error:
        raise StoreError(f"cannot export to {folder}: {error.strerror}; give --out a writable folder") from error
    return written


def _identity(receipt: Receipt) -> str:
    """``developer/model``, as a repository of the Hugging Face hub where there is one."""
    system = receipt.system
    card = catalogue.cards().get(system.card)
    if card is not None and card.repository:
        return card.repository
    if re.fullmatch(r"[\w.-]+/[\w.:-]+", system.api_name):
        return system.api_name
    return f"{safe((system.developer or 'unknown').lower().replace(' ', '-'))}/{safe(system.api_name)}"


def _key(one: Counting) -> str:
    return f"{one.task}/{one.planned.card.headline}"


def _evaluation_id(one: Counting) -> str:
    return f"{one.task}/{_identity(one.receipt)}/{_seconds(one.receipt.sealed)}"


def _seconds(stamp: str) -> str:
    return str(int(dt.datetime.fromisoformat(stamp).timestamp()))


def _whole(one: Counting, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    receipt, card, system = one.receipt, one.planned.card, one.receipt.system
    known = not receipt.provenance.startswith("import:")
    library = {"name": OURS, "version": str(receipt.versions.get("opengap", "unknown"))}
    # Of an import nobody knows where it ran; its provider is no adapter.
    adapter = catalogue.adapter_of(system.provider) if known else None
    hosted = HOSTED[adapter.named] if adapter else "unknown"
    open_ = {"closed": "closed_weights"}.get(system.weights, "open_weights")
    about: dict[str, Any] = {
        "name": system.name, "id": _identity(receipt),
        "additional_details": {"deployment_type": hosted, "model_availability": open_, "weights": system.weights},
    }  # fmt: skip
    if system.developer:
        about["developer"] = system.developer
    if hosted == "externally_managed":
        about["inference_platform"] = system.provider
    if adapter and adapter.in_process:
        about["inference_engine"] = {
            "name": system.provider,
            "version": str(receipt.versions.get(system.provider, "unknown")),
        }
    source: dict[str, Any] = {"dataset_name": one.task, "source_type": "other"}
    if match := re.fullmatch(r"hf:([^/@]+/[^/@]+)(?:/[^@]+)?(?:@.+)?", card.source):
        source = {"dataset_name": one.task, "source_type": "hf_dataset", "hf_repo": match.group(1)}
        source |= {"hf_split": card.split} if card.split else {}
    result = {
        "evaluation_result_id": _key(one), "evaluation_name": one.task, "source_data": source,
        "metric_config": {
            "metric_name": card.headline, "metric_unit": "proportion", "lower_is_better": False,
            "score_type": "continuous", "min_score": 0, "max_score": 1,
        },
        "score_details": _score(one, rows),
    }  # fmt: skip
    return {
        "schema_version": SCHEMA, "evaluation_id": _evaluation_id(one), "evaluation_timestamp": receipt.started,
        "retrieved_timestamp": _seconds(receipt.sealed),
        "source_metadata": {
            "source_name": "OpenGap", "source_type": "evaluation_run", "source_organization_name": "unknown",
            "evaluator_relationship": "other",
            "additional_details": {
                "run_id": receipt.run_id, "protocol": receipt.protocol, "provenance": receipt.provenance,
                "asked_here": "yes" if known else "no",
            },
        },
        "eval_library": library, "model_info": about, "evaluation_results": [result],
    }  # fmt: skip


def _score(one: Counting, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    scores = list(item_scores([dict(row) for row in rows]).values())
    counts = one.receipt.counts
    told: dict[str, Any] = {
        "score": statistics.fmean(scores),
        "details": {"items": str(len(scores)), "repeats": str(one.receipt.repeats)},
    }
    if len(one.receipt.tasks) == 1:
        told["details"]["unanswered"] = str(counts.get("unanswered", 0))
    if len(scores) > 1:
        spread = statistics.stdev(scores)
        told["uncertainty"] = {
            "standard_error": {"value": spread / math.sqrt(len(scores)), "method": "analytic, items independent"},
            "standard_deviation": spread, "num_samples": len(scores),
        }  # fmt: skip
    return told


def _lines(one: Counting, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    shared = {
        "schema_version": SCHEMA, "evaluation_id": _evaluation_id(one), "model_id": _identity(one.receipt),
        "evaluation_name": one.task, "evaluation_result_id": _key(one),
    }  # fmt: skip
    return [{**shared, **_line(row, one.planned.card.form)} for row in rows]


def _line(row: Mapping[str, Any], form: str) -> dict[str, Any]:
    messages = json.loads(row.get("messages") or "[]")
    raw = "\n\n".join(str(one.get("content") or "") for one in messages if one.get("role") != "assistant")
    asked = {"raw": raw, "reference": [row["target"]] if row.get("target") else []}
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    text, thought, answer, score = row.get("text"), row.get("reasoning"), row.get("answer"), float(row["score"])
    read = {
        "turn_idx": 0, "source": "output.raw", "extracted_value": answer, "extraction_method": f"opengap form {form}",
        "is_terminal": True,
    }  # fmt: skip
    line: dict[str, Any] = {
        "sample_id": row["item_id"], "sample_hash": digest if raw else None, "interaction_type": "single_turn",
        "input": asked, "output": {"raw": [text] if text is not None else [], **({"reasoning_trace": [thought]} if thought else {})},
        "answer_attribution": [read] if answer is not None else [], "evaluation": {"score": score, "is_correct": score == 1},
        "metadata": {key: str(row[key]) for key in ("repeat", "cluster", "status", "score_status") if row.get(key) is not None},
    }  # fmt: skip
    if row.get("input_tokens") is not None and row.get("output_tokens") is not None:
        taken, made = int(row["input_tokens"]), int(row["output_tokens"])
        line["token_usage"] = {"input_tokens": taken, "output_tokens": made, "total_tokens": taken + made}
    if row.get("latency_s") is not None:
        line["performance"] = {"latency_ms": 1000 * float(row["latency_s"])}
    return line
