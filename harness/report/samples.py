"""The sample explorer's data: a small index of all items, and compressed blocks of text that are inflated on demand."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.evidence.gather import Evidence
from harness.report.facts import Facts
from harness.store import frame
from harness.text import STATUS

BLOCK_ITEMS = 50
LONGEST = 20_000
"""Characters of one text that are embedded; the run's text.parquet has all of it."""
STATUSES = ("ok", "truncated", "empty", "refused", "unanswered", "unparsed", "scorer_error", "not asked")
TEXTS = ("run_id", "item_id", "repeat", "messages", "text", "reasoning", "target")


@dataclass(frozen=True, slots=True)
class Samples:
    """Base64 of deflated JSON: the index, and blocks of ``BLOCK_ITEMS`` items in its order."""

    index: str
    blocks: tuple[str, ...]
    items: int


def samples(facts: Facts, *, own_text: bool = False) -> Samples:
    """All items that any current run was asked, each with every system's score, status and, where allowed, text.

    Text of a row that is not redistributable is not even read, unless it is of one's own file and ``own_text`` is set.
    """
    systems = sorted({one.name: one.open for one in facts.evidence}.items(), key=lambda pair: (pair[1], pair[0]))
    numbers = {name: number for number, (name, _) in enumerate(systems)}
    tasks: list[dict[str, Any]] = []
    columns: dict[str, Any] = {"task": [], "id": [], "score": [[] for _ in systems], "status": [[] for _ in systems]}
    blocks: list[str] = []
    pending: list[Any] = []
    pairs = {one.part.name: (numbers[one.gap.closed], numbers[one.gap.open]) for one in facts.tasks}
    by_task = dict(tuple(facts.answers.groupby("task", sort=False)))
    # Without a comparison no side stands beside another.
    for number, part in enumerate(facts.parts if facts.rows else ()):
        found, task = {one.name: one for one in part.members}, part.task
        cards = [one.planned.card for one in part.members]
        own = all(card.source.startswith("file:") for card in cards)
        readable = (own and own_text) or all(card.redistributable for card in cards)
        closed, open_ = pairs.get(part.name, (0, len(systems) - 1))
        tasks.append(
            {
                "name": part.name,
                "dimension": part.dimension,
                "text": readable,
                "own": own,
                "closed": closed,
                "open": open_,
            }
        )
        sound = {name: one for name, one in found.items() if one.run in facts.texts}
        ids = sorted({item for one in found.values() for item in one.item_ids})
        columns["task"] += [number] * len(ids)
        columns["id"] += ids
        for name, place in numbers.items():
            scores, statuses = _outcomes(found.get(name), by_task.get(task), ids)
            columns["score"][place] += scores
            columns["status"][place] += statuses
        quoted = task.replace("'", "''")
        where = f"task = '{quoted}'{'' if own and own_text else ' AND redistributable'}"
        for item in _texts(sound, numbers, ids, where) if readable and sound else [None] * len(ids):
            pending.append(item)
            if len(pending) == BLOCK_ITEMS:
                blocks.append(_packed(pending))
                pending = []
    if pending:
        blocks.append(_packed(pending))
    shown = [{"name": name, "short": facts.name(name), "open": is_open} for name, is_open in systems]
    index = {
        "systems": shown,
        "tasks": tasks,
        "statuses": [STATUS.get(one, one) for one in STATUSES],
        "block": BLOCK_ITEMS,
        **columns,
    }
    return Samples(_packed(index), tuple(blocks), len(columns["id"]))


def _outcomes(one: Evidence | None, answers: pd.DataFrame | None, ids: Sequence[str]) -> tuple[list[int], list[int]]:
    """Score in thousandths (-1: none) and status number of each item, repeats averaged, the first repeat's status."""
    missing = STATUSES.index("not asked")
    if one is None or answers is None:
        return [-1] * len(ids), [missing] * len(ids)
    score = one.items["score"].reindex(list(ids))
    rows = (
        answers[(answers["run_id"] == one.run.run_id)].sort_values("repeat", kind="stable").drop_duplicates("item_id")
    )
    status = rows["status"].where(
        ~((rows["status"] == "ok") & (rows["score_status"] != "scored")), rows["score_status"]
    )
    known = dict(zip(rows["item_id"], status, strict=True))
    numbers = [STATUSES.index(known[item]) if known.get(item) in STATUSES else missing for item in ids]
    return [-1 if math.isnan(value) else round(1000 * float(value)) for value in score], numbers


def _texts(found: dict[str, Evidence], numbers: dict[str, int], ids: Sequence[str], where: str) -> Iterator[Any]:
    """For each item the question, the target, and [text, reasoning] by system number."""
    rows = frame([one.run for one in found.values()], TEXTS, where, file="text")
    place = {one.run.run_id: numbers[name] for name, one in found.items()}
    rows = rows.sort_values(["item_id", "repeat"], kind="stable").drop_duplicates(["item_id", "run_id"])
    entries: dict[str, list[Any]] = {}
    # Rows of a folder that was renamed do not say which system they are of.
    for run, item, _, messages, text, reasoning, target in rows.loc[
        rows["run_id"].isin(list(place)), list(TEXTS)
    ].itertuples(index=False, name=None):
        entry = entries.setdefault(item, [_cut(_question(messages)), _cut(target), {}])
        entry[2][place[run]] = [_cut(text), _cut(reasoning)]
    for item in ids:
        yield entries.get(item)


def _question(messages: str) -> str:
    """What was asked, as plain text; the stored JSON itself where it is not a list of messages."""
    try:
        turns = json.loads(messages)
        contents = ["".join(f"{line}\n" for line in _images(turn)) + str(turn["content"]) for turn in turns]
        if len(turns) == 1:
            return contents[0]
        return "\n\n".join(f"[{turn['role']}]\n{content}" for turn, content in zip(turns, contents, strict=True))
    except (ValueError, TypeError, KeyError, AttributeError):
        return str(messages)


def _images(turn: dict[str, Any]) -> list[str]:
    """A line for each image that went with a message, in its place before the text."""
    images = turn.get("images") or ()
    return [f"[{one['media_type']}, {one['bytes'] / 1000:,.0f} kB, sha256 {one['sha256'][:12]}…]" for one in images]


def _cut(text: Any) -> str:
    whole = text if isinstance(text, str) else ""
    if len(whole) <= LONGEST:
        return whole
    return f"{whole[:LONGEST]}\n[… {len(whole) - LONGEST:,} more characters in the run's text.parquet]"


def _packed(value: Any) -> str:
    raw = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return base64.b64encode(zlib.compress(raw, 6)).decode("ascii")
