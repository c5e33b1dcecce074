"""EvalPlus ``*_eval_results.json``, and BigCodeBench's files, which are nearly the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable, UsageError
from harness.exchange.assemble import Reading, assemble
from harness.exchange.documents import read_json, section
from harness.exchange.sealing import Answer

PASSED = ("pass", "success")
"""EvalPlus wrote ``success`` before 0.2."""


def read_evalplus(
    path: Path, *, model: str, benchmark: str, tests: str, dimension: str, weights: str | None = None
) -> Reading:
    """One result; ``tests`` is ``base`` or ``plus``, several solutions of a problem are repeats.

    Of BigCodeBench, which has one set of tests, both words mean that set. Raises UsageError (no such file, tests that
    were not run), DataUnavailable (another format).
    """
    body = read_json(path).get("eval")
    if not isinstance(body, dict) or not body:
        raise DataUnavailable(f"{path.name} is no EvalPlus result: it has no 'eval', or nothing in it")
    answers, kinds = [], set()
    for problem, found in sorted(body.items()):
        where = f"{path.name}: {problem}"
        outcomes = section(found, where, list) if not isinstance(found, dict) else _old_layout(found, where)
        for repeat, one in enumerate(outcomes):
            right, kind = _right(section(one, where), tests, where)
            kinds.add(kind)
            text, score = one.get("solution"), None if right is None else float(right)
            answers.append(
                Answer(item_id=problem, repeat=repeat, score=score, text=None if text is None else str(text))
            )
    if answers and all(one.score is None for one in answers):
        other = "base" if tests == "plus" else "plus"
        raise UsageError(f"{path.name} has no results of the {tests} tests; give --tests {other}")
    if len(kinds) > 1:
        raise DataUnavailable(f"{path.name} mixes results of EvalPlus ('base_status') and BigCodeBench ('status')")
    used = tests if kinds == {"evalplus"} else "all"
    return assemble(
        {model: answers}, task=benchmark, dimension=dimension, weights=weights, metric=f"pass@1 ({used})",
        asked={"tests": used}, planned=body,
    )  # fmt: skip


def _right(one: dict[str, Any], tests: str, where: str) -> tuple[bool | None, str]:
    """Whether a solution passes (None: those tests were not run), and whose file this is."""
    if "base_status" not in one and "status" in one:
        return one["status"] in PASSED, "bigcodebench"
    base, plus = one.get("base_status"), one.get("plus_status")
    if base is None and plus is None:
        raise DataUnavailable(f"{where} is no EvalPlus result: it has neither 'base_status' nor 'status'")
    if (plus if tests == "plus" else base) is None:
        return None, "evalplus"
    # The plus tests stand beside the base ones: EvalPlus counts a solution that passes both.
    return base in PASSED and (tests == "base" or plus in PASSED), "evalplus"


def _old_layout(found: dict[str, Any], where: str) -> list[dict[str, Any]]:
    """Before EvalPlus 0.2: ``{"base": [["success", …], …], "plus": [...]}``."""
    if "status" in found or "base_status" in found:
        return [found]
    base = section(found.get("base"), where, list)
    plus = section(found.get("plus"), where, list) or [[None]] * len(base)
    if not base or len(base) != len(plus) or not all(isinstance(one, list) and one for one in (*base, *plus)):
        raise DataUnavailable(f"{where}: the EvalPlus result has an unknown layout")
    return [{"base_status": b[0], "plus_status": p[0]} for b, p in zip(base, plus, strict=True)]
