"""Result files of two coding benchmarks: EvalPlus ``*_eval_results.json`` and SWE-bench reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UsageError
from harness.importers.documents import read_json
from harness.importers.openness import levels
from harness.importers.sealing import Answer, Imported


def read_evalplus(
    path: Path, *, model: str, benchmark: str, tests: str, dimension: str, weights: str | None = None
) -> tuple[list[Imported], list[str]]:
    """One import; ``tests`` is ``base`` or ``plus``, several solutions of a problem are repeats.

    Raises UsageError (no such file, tests that were not run), DataUnavailable (another format).
    """
    body = read_json(path).get("eval")
    if not isinstance(body, dict) or not body:
        raise DataUnavailable(f"{path.name} is no EvalPlus result: it has no 'eval'")
    answers = []
    for problem, found in sorted(body.items()):
        outcomes = found if isinstance(found, list) else _old_layout(found, tests)
        for repeat, one in enumerate(outcomes):
            base, plus = one.get("base_status"), one.get("plus_status")
            if (plus if tests == "plus" else base) is None:
                raise UsageError(
                    f"{path.name}: {problem} has no result of the {tests} tests; give --tests {'base' if tests == 'plus' else 'plus'}"
                )
            # The plus tests stand beside the base ones: EvalPlus counts a solution that passes both.
            right = base == "pass" and (tests == "base" or plus == "pass")
            text = one.get("solution")
            answers.append(
                Answer(item_id=problem, repeat=repeat, score=float(right), text=None if text is None else str(text))
            )
    side, notes = levels({model: []}, weights)
    one_model = Imported(
        system=model, weights=side[model], task=benchmark, dimension=dimension, answers=answers, item_ids=sorted(body),
        metric=f"pass@1 ({tests})", asked={"tests": tests},
    )  # fmt: skip
    return [one_model], notes


def _old_layout(found: Any, tests: str) -> list[dict[str, Any]]:
    """Before EvalPlus 0.2: ``{"base": [["success", …], …], "plus": [...]}``."""
    if not isinstance(found, dict) or "base" not in found:
        raise DataUnavailable("the EvalPlus result has an unknown layout")
    plus = found.get("plus") or [[None]] * len(found["base"])
    words = {"success": "pass"}
    return [
        {"base_status": words.get(b[0], b[0]), "plus_status": words.get(p[0], p[0])}
        for b, p in zip(found["base"], plus, strict=True)
    ]


def read_swebench(
    path: Path, *, model: str, benchmark: str, dimension: str, weights: str | None = None
) -> tuple[list[Imported], list[str]]:
    """One import of a report of the evaluation (``resolved_ids`` …) or of a submission's ``results.json``.

    The cluster is the repository, which is part of every instance's name. An empty patch counts as empty and not
    right; an instance whose evaluation failed, or that was never submitted, as unanswered. DataUnavailable for other files.
    """
    body = read_json(path)
    if "resolved_ids" in body:
        resolved = _names(body, "resolved_ids")
        empty = _names(body, "empty_patch_ids")
        lost = _names(body, "error_ids") | _names(body, "incomplete_ids")
        everything = resolved | empty | lost | _names(body, "unresolved_ids") | _names(body, "submitted_ids")
    elif "resolved" in body and "generated" in body:
        resolved, empty, lost = _names(body, "resolved"), _names(body, "no_generation"), _names(body, "no_logs")
        everything = resolved | empty | lost | _names(body, "generated")
    else:
        raise DataUnavailable(
            f"{path.name} is no SWE-bench report: it has neither 'resolved_ids' nor 'resolved' with 'generated'"
        )
    total = body.get("total_instances")
    if isinstance(total, int) and total != len(everything):
        raise DataUnavailable(
            f"{path.name} speaks of {total} instances and names {len(everything)}: the plan cannot be known"
        )
    twice = resolved & (empty | lost)
    if twice:
        raise DataUnavailable(f"{path.name} calls {min(twice)!r} both resolved and not")
    answers = [
        Answer(
            item_id=name, score=None if name in lost else float(name in resolved),
            status="unanswered" if name in lost else "empty" if name in empty else "ok",
            score_status="unparsed" if name in empty else "scored", cluster=_repository(name),
        )
        for name in sorted(everything)
    ]  # fmt: skip
    side, notes = levels({model: []}, weights)
    one = Imported(
        system=model, weights=side[model], task=benchmark, dimension=dimension, answers=answers,
        item_ids=sorted(everything), metric="resolved",
    )  # fmt: skip
    return [one], notes


def _names(body: dict[str, Any], key: str) -> set[str]:
    return {str(name) for name in body.get(key) or []}


def _repository(name: str) -> str | None:
    match = re.match(r"^(.+?)__", name)
    return match.group(1) if match else None
