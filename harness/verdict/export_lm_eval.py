"""Result files in the layout of lm-eval, for tools that read those."""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import StoreError
from harness.evidence.gather import Evidence, by_run

if TYPE_CHECKING:
    from harness.verdict.store import Store


def export_lm_eval(store: Store, folder: Path) -> list[Path]:
    """One folder a run with ``results_<time>.json`` and ``samples_<task>_<time>.jsonl``; returns the files.

    Texts of data that may not be redistributed are left out. StoreError if nothing can be read or written.
    """
    evidence, _ = store.evidence()
    written: list[Path] = []
    try:
        for members in by_run(evidence):
            receipt = members[0].receipt
            target = folder / f"{_safe(receipt.system.name)}-{receipt.run_id[-12:]}"
            target.mkdir(parents=True, exist_ok=True)
            stamp = re.sub(r"[^0-9T]", "-", receipt.started[:19])
            for one in members:
                path = target / f"samples_{_safe(one.task)}_{stamp}.jsonl"
                with open(path, "w", encoding="utf-8") as handle:
                    handle.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in _samples(one))
                written.append(path)
            path = target / f"results_{stamp}.json"
            path.write_text(json.dumps(_results(members), indent=1, ensure_ascii=False), encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise StoreError(f"cannot export to {folder}: {error.strerror}; give --out a writable folder") from error
    if not written:
        raise StoreError(f"the store {store.path} has no sealed runs to export")
    return written


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name)


def _results(members: list[Evidence]) -> dict[str, Any]:
    receipt = members[0].receipt
    body: dict[str, Any] = {
        name: {} for name in ("results", "configs", "versions", "n-shot", "n-samples", "higher_is_better")
    }
    for one in members:
        card, score = one.planned.card, one.data.score[~np.isnan(one.data.score)]
        se = float(score.std(ddof=1)) / math.sqrt(score.size) if score.size > 1 else "N/A"
        mean = float(score.mean()) if score.size else "N/A"
        body["results"][one.task] = {
            "alias": one.task,
            f"{card.headline},none": mean,
            f"{card.headline}_stderr,none": se,
        }
        body["configs"][one.task] = {"task": one.task, "tag": [card.dimension], "metadata": {"version": card.version}}
        body["versions"][one.task] = card.version
        body["n-shot"][one.task] = 0
        body["n-samples"][one.task] = {"original": len(one.data.ids), "effective": int(score.size)}
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
        "model_source": system.provider, "model_name": system.name, "model_name_sanitized": _safe(system.name),
        "opengap": origin,
    }  # fmt: skip


def _samples(one: Evidence) -> list[dict[str, Any]]:
    """A line for each item that was answered; repeats are averaged, and the first one's text is shown."""
    from harness.store import frame

    texts: dict[str, dict[str, Any]] = {}
    if one.planned.card.redistributable and one.run.text.is_file():
        rows = frame([one.run], ("task", "item_id", "repeat", "messages", "text", "target"), "repeat = 0", file="text")
        texts = {
            str(row["item_id"]): {str(k): v for k, v in row.items()}
            for row in rows[rows["task"] == one.task].to_dict("records")
        }
    lines = []
    for number, (item, score) in enumerate(zip(one.data.ids, one.data.score.tolist(), strict=True)):
        if math.isnan(score):
            continue
        row = texts.get(item, {})
        text, asked, target = (str(row.get(name) or "") for name in ("text", "messages", "target"))
        lines.append(
            {
                "doc_id": number, "doc": {"id": item, "cluster": one.data.cluster[number]}, "target": target,
                "arguments": {"gen_args_0": {"arg_0": asked, "arg_1": {}}}, "resps": [[text]], "filtered_resps": [text],
                "filter": "none", "metrics": [one.planned.card.headline], "doc_hash": _sha(item), "prompt_hash": _sha(asked),
                "target_hash": _sha(target), one.planned.card.headline: score,
            }
        )  # fmt: skip
    return lines


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
