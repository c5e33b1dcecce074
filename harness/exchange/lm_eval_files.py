"""Result files in the layout of lm-eval, for tools that read those."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import StoreError
from harness.exchange.outgoing import Counting, item_scores, safe
from harness.store import RunFolder


def export_lm_eval(results: Sequence[Counting], folder: Path) -> list[Path]:
    """One folder a run with ``results_<time>.json`` and ``samples_<task>_<time>.jsonl``; returns the files.

    Texts of data that may not be redistributed are left out. StoreError if nothing can be read or written.
    """
    by_run: dict[RunFolder, list[Counting]] = {}
    for one in results:
        by_run.setdefault(one.run, []).append(one)
    written: list[Path] = []
    try:
        for members in by_run.values():
            receipt = members[0].receipt
            target = folder / f"{safe(receipt.system.name)}-{receipt.run_id[-12:]}"
            target.mkdir(parents=True, exist_ok=True)
            stamp = re.sub(r"[^0-9T]", "-", receipt.started[:19])
            scores = {}
            for one in members:
                rows = one.rows()
                scores[one.task] = item_scores(rows)
                path = target / f"samples_{safe(one.task)}_{stamp}.jsonl"
                lines = _samples(one, rows, scores[one.task])
                path.write_text(
                    "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8"
                )
                written.append(path)
            path = target / f"results_{stamp}.json"
            path.write_text(json.dumps(_results(members, scores), indent=1, ensure_ascii=False), encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise StoreError(f"cannot export to {folder}: {error.strerror}; give --out a writable folder") from error
    return written


def _results(members: Sequence[Counting], scores: dict[str, dict[str, float]]) -> dict[str, Any]:
    receipt = members[0].receipt
    body: dict[str, Any] = {
        name: {} for name in ("results", "configs", "versions", "n-shot", "n-samples", "higher_is_better")
    }
    for one in members:
        card, score = one.planned.card, np.array(list(scores[one.task].values()))
        body["results"][one.task] = {
            "alias": one.task,
            f"{card.headline},none": float(score.mean()) if score.size else "N/A",
            f"{card.headline}_stderr,none": float(score.std(ddof=1)) / math.sqrt(score.size)
            if score.size > 1
            else "N/A",
        }
        body["configs"][one.task] = {"task": one.task, "tag": [card.dimension], "metadata": {"version": card.version}}
        body["versions"][one.task] = card.version
        body["n-shot"][one.task] = 0
        body["n-samples"][one.task] = {"original": card.n or int(score.size), "effective": int(score.size)}
        body["higher_is_better"][one.task] = {card.headline: True}
    system = receipt.system
    origin = {
        "run_id": receipt.run_id,
        "protocol": receipt.protocol,
        "provenance": receipt.provenance,
        "weights": system.weights,
    }
    return body | {
        "config": {"model": system.provider, "model_args": {"model": system.name}},
        "model_source": system.provider, "model_name": system.name, "model_name_sanitized": safe(system.name),
        "opengap": origin,
    }  # fmt: skip


def _samples(one: Counting, rows: Sequence[dict[str, Any]], scores: dict[str, float]) -> list[dict[str, Any]]:
    """A line for each item that was answered; repeats are averaged, and the first one's text is shown."""
    headline = one.planned.card.headline
    firsts: dict[str, dict[str, Any]] = {}
    for row in rows:
        firsts.setdefault(row["item_id"], row)
    lines = []
    for number, (item, row) in enumerate(firsts.items()):
        if item not in scores:
            continue
        text, asked, target = (str(row.get(name) or "") for name in ("text", "messages", "target"))
        lines.append(
            {
                "doc_id": number, "doc": {"id": item, "cluster": row["cluster"]}, "target": target,
                "arguments": {"gen_args_0": {"arg_0": asked, "arg_1": {}}}, "resps": [[text]], "filtered_resps": [text],
                "filter": "none", "metrics": [headline], "doc_hash": _sha(item), "prompt_hash": _sha(asked),
                "target_hash": _sha(target), headline: scores[item],
            }
        )  # fmt: skip
    return lines


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
