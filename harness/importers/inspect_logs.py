"""Inspect: an ``.eval`` log (a zip whose members are compressed with zstd or deflate), or its ``.json`` form."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UsageError
from harness.importers.documents import parse, read_json, unit_score
from harness.importers.openness import levels
from harness.importers.sealing import Answer, Imported
from harness.types import CompletionStatus

ZSTD = 93
MOST_BYTES = 2**31
"""Largest member that is unpacked."""
LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""Correct, partial, incorrect, no answer: Inspect's own values."""
STOPPED: dict[str, CompletionStatus] = {
    "max_tokens": "truncated",
    "model_length": "truncated",
    "content_filter": "refused",
}


def read_inspect(
    path: Path, *, dimension: str, benchmark: str | None = None, model: str | None = None, metric: str | None = None,
    weights: str | None = None,
) -> tuple[list[Imported], list[str]]:  # fmt: skip
    """The import of one log, epochs as repeats; ``metric`` names the scorer where there are several.

    A sample that ended in an error is unanswered, whatever its score. Raises UsageError (no such file, several
    scorers), DataUnavailable (no log, a score that is none).
    """
    header, samples = _read(path)
    facts = header.get("eval") or {}
    name = model or facts.get("model")
    if not name or not facts.get("task"):
        raise DataUnavailable(f"{path.name} is no Inspect log: it names no model or task")
    notes = []
    if header.get("status") != "success":
        notes.append(f"{path.name}: the log's status is {header.get('status')!r}; what it lacks counts as unanswered")
    answers: list[Answer] = []
    shown: str | None = metric
    for sample in samples:
        answer, shown = _answer(sample, shown, path.name)
        answers.append(answer)
    if not answers:
        raise DataUnavailable(f"{path.name} holds no samples")
    planned = [str(one) for one in (facts.get("dataset") or {}).get("sample_ids") or []] or [a.item_id for a in answers]
    limit = (facts.get("config") or {}).get("limit")
    if limit is not None:
        planned = [a.item_id for a in answers]
        notes.append(f"{path.name}: asked with limit {limit}; the plan is the items that were asked")
    side, said = levels({str(name): []}, weights)
    version = facts.get("task_version", 1)
    config = facts.get("model_generate_config") or {}
    one = Imported(
        system=str(name), weights=side[str(name)], task=benchmark or str(facts["task"]), dimension=dimension,
        answers=answers, item_ids=sorted({*planned, *(a.item_id for a in answers)}), metric=shown or "score",
        task_version=version if isinstance(version, int) else 1,
        asked={"generation": json.dumps(config, sort_keys=True), "scorer": shown},
    )  # fmt: skip
    return [one], notes + said


def _read(path: Path) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    if not path.is_file():
        raise UsageError(f"the file {str(path)!r} does not exist")
    if path.suffix == ".json":
        log = read_json(path)
        return log, iter(log.get("samples") or [])
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


def _answer(sample: dict[str, Any], scorer: str | None, where: str) -> tuple[Answer, str | None]:
    place = f"{where}: sample {sample.get('id')!r}"
    output = sample.get("output") or {}
    choice = (output.get("choices") or [{}])[0]
    text = str(output.get("completion") or "")
    error = (sample.get("error") or {}).get("message")
    scores = sample.get("scores") or {}
    score: float | None = None
    read: str | None = None
    if error is None and scores:
        if scorer is None and len(scores) > 1:
            raise UsageError(f"{place} was scored by {', '.join(scores)}: choose one with --metric")
        scorer = scorer or next(iter(scores))
        if scorer not in scores:
            raise UsageError(f"{place} has no score {scorer!r}: it has {', '.join(scores)}; choose one with --metric")
        value = scores[scorer].get("value")
        score = unit_score(LETTERS.get(value, value) if isinstance(value, str) else value, place)
        read = scores[scorer].get("answer")
    stopped = STOPPED.get(str(choice.get("stop_reason")))
    status: CompletionStatus = "unanswered" if error is not None else stopped or ("ok" if text.strip() else "empty")
    usage = output.get("usage") or {}
    target = sample.get("target")
    return Answer(
        item_id=str(sample.get("id")), repeat=int(sample.get("epoch") or 1) - 1, score=score, status=status,
        score_status="scored" if score is not None or error is not None else "scorer_error",
        answer=None if read is None else str(read)[:200], error=None if error is None else str(error)[:500],
        input_tokens=usage.get("input_tokens"), output_tokens=usage.get("output_tokens"), latency_s=output.get("time"),
        text=text, target=target if isinstance(target, str) else json.dumps(target),
        messages=json.dumps([m for m in sample.get("messages") or [] if m.get("role") != "assistant"]),
    ), scorer  # fmt: skip
