"""What leaves the store: the results that count, and their rows item by item."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import StoreError
from harness.store import RunFolder, frame
from harness.types import PlannedTask, Receipt

COLUMNS = (
    "task", "item_id", "repeat", "cluster", "published_on", "status", "score_status", "score", "answer", "error",
    "input_tokens", "output_tokens", "latency_s", "cost_usd", "at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counting:
    """One system on one task, in the run that counts; who hands it in decides which that is."""

    run: RunFolder
    receipt: Receipt
    planned: PlannedTask

    @property
    def task(self) -> str:
        return self.planned.card.name

    def rows(self) -> list[dict[str, Any]]:
        """Its rows by item and repeat, null as None, each with ``messages``, ``text`` and ``target`` where those may be
        given away. StoreError if they cannot be read.
        """
        rows = _of_task(self.run, COLUMNS, "scores", self.task)
        texts: dict[tuple[str, int], dict[str, Any]] = {}
        if self.planned.card.redistributable and self.run.text.is_file():
            wanted = ("task", "item_id", "repeat", "messages", "text", "reasoning", "target")
            texts = {(one["item_id"], one["repeat"]): one for one in _of_task(self.run, wanted, "text", self.task)}
        return [{**texts.get((row["item_id"], row["repeat"]), {}), **row} for row in rows]


def _of_task(run: RunFolder, columns: Sequence[str], file: str, task: str) -> list[dict[str, Any]]:
    import pandas as pd

    found = frame([run], columns, file=file)
    found = found[found["task"] == task].sort_values(["item_id", "repeat"])
    rows = found.astype(object).where(pd.notna(found), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def item_scores(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Mean over the repeats of each item that has a score."""
    by_item: dict[str, list[float]] = {}
    for row in rows:
        if row["score"] is not None:
            by_item.setdefault(row["item_id"], []).append(float(row["score"]))
    return {item: sum(scores) / len(scores) for item, scores in by_item.items()}


def safe(name: str) -> str:
    """A name as part of a file's name."""
    return re.sub(r"[^\w.-]", "_", name)


def some(results: Sequence[Counting], store: Path) -> Sequence[Counting]:
    """The same results. StoreError where there are none."""
    if not results:
        raise StoreError(f"the store {store} has no sealed runs to export")
    return results
