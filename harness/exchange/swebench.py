"""SWE-bench: reports of its evaluation in every version, a submission's ``results.json``, and SWE-bench Pro."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable
from harness.exchange.assemble import Reading, assemble
from harness.exchange.documents import read_json, section
from harness.exchange.sealing import Answer

RESOLVED = ("resolved_ids", "resolved")
WRONG = (
    "unresolved_ids",
    "unresolved",
    "generated",
    "completed_ids",
    "applied",
    "with_logs",
    "no_apply",
    "test_errored",
    "test_timeout",
)
EMPTY = ("empty_patch_ids", "no_generation")
LOST = ("error_ids", "incomplete_ids", "infra_failure_ids", "ambiguous_failure_ids", "no_logs", "install_fail")
"""The lists of a report by what they mean. What the infrastructure failed to bring is never a zero."""
SUBMITTED = "submitted_ids"


def read_swebench(path: Path, *, model: str, benchmark: str, dimension: str, weights: str | None = None) -> Reading:
    """One result of a report (``resolved_ids`` …), of a submission's ``results.json``, or of ``{instance: true}``.

    The cluster is the repository, which is part of every instance's name. An empty patch counts as empty and not
    right; an instance whose evaluation failed, or that was never submitted, as unanswered. DataUnavailable for other files.
    """
    body = read_json(path)
    notes: list[str] = []
    if "resolved_ids" in body or ("resolved" in body and "generated" in body):
        answers = _report(body, path.name, notes)
    elif body and all(_verdict(one) is not None for one in body.values()):
        answers = [
            Answer(item_id=name, score=float(bool(_verdict(one))), cluster=_repository(name))
            for name, one in sorted(body.items())
        ]
    else:
        raise DataUnavailable(
            f"{path.name} is no SWE-bench report: it has neither 'resolved_ids', nor 'resolved' with 'generated', nor "
            "true or false by instance"
        )
    reading = assemble({model: answers}, task=benchmark, dimension=dimension, weights=weights, metric="resolved")
    reading.notes[:0] = notes
    return reading


def _report(body: dict[str, Any], where: str, notes: list[str]) -> list[Answer]:
    resolved, wrong, empty, lost = (_names(body, keys, where) for keys in (RESOLVED, WRONG, EMPTY, LOST))
    lost -= resolved
    wrong -= lost | empty
    twice = resolved & (empty | _names(body, ("unresolved_ids", "unresolved"), where))
    if twice:
        raise DataUnavailable(f"{where} calls {min(twice)!r} both resolved and not")
    everything = resolved | wrong | empty | lost
    submitted = _names(body, (SUBMITTED,), where)
    total = body.get("total_instances")
    if isinstance(total, int) and total == len(everything) < len(everything | submitted):
        notes.append(
            f"{where}: submitted_ids names {len(submitted - everything)} instances that were not evaluated; the plan is "
            f"the {total} that were"
        )
    else:
        everything |= submitted
        lost |= everything - resolved - wrong - empty
    if isinstance(total, int) and total != len(everything):
        raise DataUnavailable(
            f"{where} speaks of {total} instances and names {len(everything)}: the plan cannot be known"
        )
    return [
        Answer(
            item_id=name, score=None if name in lost else float(name in resolved),
            status="unanswered" if name in lost else "empty" if name in empty else "ok",
            score_status="unparsed" if name in empty else "scored", cluster=_repository(name),
            error="the evaluation of this instance failed" if name in lost else None,
        )
        for name in sorted(everything)
    ]  # fmt: skip


def _names(body: dict[str, Any], keys: tuple[str, ...], where: str) -> set[str]:
    return {str(name) for key in keys for name in section(body.get(key), f"{where}: {key}", list)}


def _verdict(value: Any) -> bool | None:
    """What SWE-bench Pro, or the report of one instance, says of an instance; None: nothing."""
    if isinstance(value, dict):
        value = value.get("resolved")
    return value if isinstance(value, bool) else None


def _repository(name: str) -> str | None:
    match = re.match(r"^(?:instance_)?(.+?)__", name)
    return match.group(1) if match else None
