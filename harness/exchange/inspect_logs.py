"""Inspect: an ``.eval`` log (a zip whose members are compressed with zstd or deflate), or its ``.json`` form."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UsageError
from harness.exchange.assemble import Reading, assemble
from harness.exchange.check import TOLERANCE_POINTS
from harness.exchange.documents import parse, read_json, section, unit_score
from harness.exchange.sealing import Answer, mean_score
from harness.types import CompletionStatus

ZSTD = 93
MOST_BYTES = 2**31
"""Largest member that is unpacked."""
LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""Correct, partial, incorrect, no answer: Inspect's own values."""
STOPPED: dict[str, CompletionStatus] = {
    "max_tokens": "truncated", "model_length": "truncated", "content_filter": "refused",
    "context": "truncated", "token": "truncated",
}  # fmt: skip
"""Why an answer, or a whole sample, came to its end."""


def read_inspect(
    path: Path, *, dimension: str, benchmark: str | None = None, model: str | None = None, metric: str | None = None,
    weights: str | None = None,
) -> Reading:  # fmt: skip
    """The import of one log, epochs as repeats; ``metric`` names the scorer where there are several, or one part of a
    score that has parts (``part`` or ``scorer.part``).

    A sample that ended in an error is unanswered, whatever its score, and one whose score is NaN is unscored. Raises
    UsageError (no such file, several scorers), DataUnavailable (no log, a score that is none, no scores at all).
    """
    header, found = _read(path)
    facts = section(header.get("eval"), f"{path.name}: eval")
    name = model or facts.get("model")
    if not name or not facts.get("task"):
        raise DataUnavailable(f"{path.name} is no Inspect log: it names no model or task")
    samples = [section(one, f"{path.name}: a sample") for one in found]
    if not samples:
        raise DataUnavailable(f"{path.name} holds no samples (a log of the header only?)")
    notes = []
    if header.get("status") != "success":
        notes.append(f"{path.name}: the log's status is {header.get('status')!r}; what it lacks counts as unanswered")
    named = _names(
        [*(section(facts.get("dataset"), path.name).get("sample_ids") or []), *(s.get("id") for s in samples)]
    )
    chosen = _chosen(samples, metric, path.name)
    answers = [_answer(sample, named[_key(sample.get("id"))], chosen, path.name) for sample in samples]
    planned = list(named.values())
    config = section(facts.get("config"), path.name)
    if config.get("limit") is not None:
        planned = []
        notes.append(f"{path.name}: asked with limit {config['limit']}; the plan is the items that were asked")
    notes += _own_number(header, chosen, answers, path.name)
    version = facts.get("task_version", 1)
    generation = section(facts.get("model_generate_config"), path.name)
    reading = assemble(
        {str(name): answers}, task=benchmark or str(facts["task"]), dimension=dimension, weights=weights, planned=planned,
        metric=".".join(filter(None, chosen)) or "score", task_version=version if isinstance(version, int) else 1,
        asked={"generation": json.dumps(generation, sort_keys=True), "scorer": ".".join(filter(None, chosen))},
    )  # fmt: skip
    reading.notes[:0] = notes
    return reading


def _key(one: Any) -> str:
    return json.dumps(one)


def _names(ids: list[Any]) -> dict[str, str]:
    """The name of each id: its text, unless a number and a text look the same, which are two samples."""
    distinct = {_key(one): str(one) for one in ids}
    counts = Counter(distinct.values())
    return {key: key if counts[text] > 1 else text for key, text in distinct.items()}


def _scores(sample: dict[str, Any], where: str) -> dict[str, Any]:
    """A sample's scores by scorer; early logs hold one, without a name."""
    if "score" in sample and not sample.get("scores"):
        return {"score": sample["score"]} if sample["score"] is not None else {}
    scores: dict[str, Any] = section(sample.get("scores"), f"{where}: the scores of sample {sample.get('id')!r}")
    return scores


def _chosen(samples: list[dict[str, Any]], metric: str | None, where: str) -> tuple[str, str]:
    """The scorer and, where its values have parts, the part. UsageError where several are there and none is named."""
    names = list(dict.fromkeys(name for sample in samples for name in _scores(sample, where)))
    if not names:
        raise DataUnavailable(
            f"{where}: all {len(samples)} samples are without a score: score the log first (inspect score)"
        )
    parts = {
        name: list(dict.fromkeys(part for sample in samples for part in _parts(_scores(sample, where).get(name))))
        for name in names
    }
    ways = [(name, part) for name in names for part in parts[name] or [""]]
    told = ", ".join(".".join(filter(None, way)) for way in ways)
    if metric is None:
        if len(ways) > 1:
            raise UsageError(f"{where} was scored by {told}: choose one with --metric")
        return ways[0]
    fits = [way for way in ways if metric in (".".join(filter(None, way)), way[1] or way[0])]
    if len(fits) != 1:
        raise UsageError(f"{where} has no one score {metric!r}: it has {told}; choose one with --metric")
    return fits[0]


def _parts(score: Any) -> list[str]:
    value = score.get("value") if isinstance(score, dict) else score
    return list(value) if isinstance(value, dict) else []


def _own_number(header: dict[str, Any], chosen: tuple[str, str], answers: list[Answer], where: str) -> list[str]:
    """A line where the log's own number is another than the mean of the samples, as with other reducers than the mean."""
    notes = []
    for one in section(section(header.get("results"), where).get("scores"), where, list):
        metrics = section(one.get("metrics"), where)
        if one.get("name") not in (*chosen, None) or not ({"accuracy", "mean"} & set(metrics)):
            continue
        value = section(metrics.get("accuracy") or metrics.get("mean"), where).get("value")
        mean = mean_score(answers)
        if isinstance(value, int | float) and not abs(value - mean) <= TOLERANCE_POINTS / 100:
            reducer = one.get("reducer") or "its own rule"
            notes.append(
                f"{where}: the log says {100 * value:.1f} by {reducer}; here each item counts as the mean of its epochs: "
                f"{100 * mean:.1f}"
            )
    return notes


def _read(path: Path) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    if not path.is_file():
        raise UsageError(f"the file {str(path)!r} does not exist")
    if path.suffix == ".json":
        log = read_json(path)
        return log, iter(section(log.get("samples"), f"{path.name}: samples", list))
    try:
        members = zipfile.ZipFile(path).infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise DataUnavailable(f"{path.name} is no Inspect log: {error}") from error
    by_name = {member.filename: member for member in members}
    header = by_name.get("header.json") or by_name.get("_journal/start.json")
    if header is None:
        raise DataUnavailable(f"{path.name} is no Inspect log: it holds neither header.json nor _journal/start.json")
    found = [
        member for name, member in sorted(by_name.items()) if name.startswith("samples/") and name.endswith(".json")
    ]
    return parse(_member(path, header), f"{path.name}: header"), (
        parse(_member(path, member), f"{path.name}: {member.filename}") for member in found
    )


def _member(path: Path, member: zipfile.ZipInfo) -> bytes:
    """Unpack one member. The standard library does not know zstd before Python 3.14, so it is found by its header."""
    import pyarrow as pa

    if member.file_size > MOST_BYTES:
        raise DataUnavailable(f"{path.name}: {member.filename} is larger than 2 GB unpacked")
    try:
        if member.compress_type != ZSTD:
            with zipfile.ZipFile(path) as archive:
                return archive.read(member)
        with open(path, "rb") as handle:
            handle.seek(member.header_offset)
            name_length, extra_length = struct.unpack("<HH", handle.read(30)[26:30])
            handle.seek(name_length + extra_length, 1)
            packed = handle.read(member.compress_size)
        with pa.input_stream(pa.BufferReader(packed), compression="zstd") as stream:
            unpacked: bytes = stream.read(member.file_size + 1)
    except (OSError, struct.error, zipfile.BadZipFile, NotImplementedError, pa.ArrowException) as error:
        raise DataUnavailable(f"{path.name}: {member.filename} cannot be unpacked: {error}") from error
    if len(unpacked) != member.file_size or zlib.crc32(unpacked) != member.CRC:
        raise DataUnavailable(f"{path.name}: {member.filename} is damaged")
    return unpacked


def _answer(sample: dict[str, Any], item: str, chosen: tuple[str, str], where: str) -> Answer:
    place = f"{where}: sample {sample.get('id')!r}"
    output = section(sample.get("output"), place)
    choice = next(iter(section(output.get("choices"), place, list)), None) or {}
    text = str(output.get("completion") or "")
    error = sample.get("error")
    if isinstance(error, dict):
        error = error.get("message") or "error"
    found = _scores(sample, where).get(chosen[0])
    held = found if isinstance(found, dict) and "value" in found else {"value": found}
    score = None if error is not None else _number(held["value"], chosen[1], place)
    read, target, limit = held.get("answer"), sample.get("target"), sample.get("limit")
    reason = limit.get("type") if isinstance(limit, dict) else choice.get("stop_reason")
    stopped = STOPPED.get(str(reason)) or STOPPED.get(str(choice.get("stop_reason")))
    usage = section(output.get("usage"), place)
    epoch = sample.get("epoch") or 1
    if not isinstance(epoch, int):
        raise DataUnavailable(f"{place}: the epoch {epoch!r} is no number")
    messages = [m for m in section(sample.get("messages"), place, list) if m.get("role") != "assistant"]
    return Answer(
        item_id=item, repeat=epoch - 1, score=score,
        status="unanswered" if error is not None else stopped or ("ok" if text.strip() else "empty"),
        score_status="scored" if score is not None or error is not None else "scorer_error",
        answer=None if read is None else str(read)[:200], error=None if error is None else str(error)[:500],
        input_tokens=usage.get("input_tokens"), output_tokens=usage.get("output_tokens"), latency_s=output.get("time"),
        text=text, target=target if isinstance(target, str) else json.dumps(target), messages=json.dumps(messages),
    )  # fmt: skip


def _number(value: Any, part: str, place: str) -> float | None:
    if part and isinstance(value, dict):
        value = value.get(part)
    if isinstance(value, str):
        value = LETTERS.get(value, value)
    return unit_score(value, place)
