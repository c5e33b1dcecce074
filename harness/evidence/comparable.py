"""Whether two results may be compared, and if not, what differs. Unknown is not different."""

from __future__ import annotations

import shlex
from typing import Any

from harness.evidence.alignment import nearly_all
from harness.evidence.gather import Evidence
from harness.types import Reason


def kind(one: Evidence) -> tuple[Any, ...]:
    """Equal for results of one task that are comparable as far as everything about them is known."""
    asked = one.receipt.engine.get("asked") or {}
    return (
        one.planned.protocol_sha256 if one.protocol_known else None, one.planned.card.version, one.planned.card.headline,
        one.receipt.scorers.get(one.task), one.planned.items_sha256 or one.items_key,
        tuple(sorted((key, str(value)) for key, value in asked.items())),
    )  # fmt: skip


def differences(a: Evidence, b: Evidence) -> list[str]:
    """Everything that makes two results incomparable, one line each; an empty list: comparable."""
    if a is b or kind(a) == kind(b):
        return []
    found = []
    for what, left, right in (
        ("protocol", _protocol(a), _protocol(b)),
        ("task version", a.planned.card.version, b.planned.card.version),
        ("metric", a.planned.card.headline, b.planned.card.headline),
        ("scorer", a.receipt.scorers.get(a.task), b.receipt.scorers.get(b.task)),
        *_asked(a, b),
    ):
        if left is not None and right is not None and left != right:
            found.append(f"{what}: {a.name} {left}, {b.name} {right}" + (_rescoring(a, b) if what == "scorer" else ""))
    left_hash, right_hash = a.planned.items_sha256, b.planned.items_sha256
    if a.items_key != b.items_key:
        ours, theirs = set(a.item_ids), set(b.item_ids)
        # Of an import nobody knows the plan: a few rows that it lacks are answers that it lacks.
        if a.known or b.known or not nearly_all([ours, theirs], ours | theirs):
            found.append(
                f"items: {len(ours - theirs)} only with {a.name}, {len(theirs - ours)} only with {b.name}, "
                f"{len(ours & theirs)} with both" + _next_step(a, b, ours, theirs)
            )
    elif left_hash and right_hash and left_hash != right_hash:
        # An import may know no content, which is unknown rather than different.
        found.append(f"items: {a.name} and {b.name} have the same ids, but their content differs")
    return found


def _rescoring(a: Evidence, b: Evidence) -> str:
    """What brings together answers that two versions of one scorer read."""
    (name, _, left), (other, _, right) = (one.receipt.scorers[one.task].partition("@") for one in (a, b))
    if name != other or not (left.isdecimal() and right.isdecimal()):
        return ""
    return f" (`opengap rescore {(a if int(left) < int(right) else b).run.run_id}` reads its stored answers anew)"


def _next_step(a: Evidence, b: Evidence, ours: set[str], theirs: set[str]) -> str:
    """What brings together two results of which one was asked a part of the other's items, as ``--limit`` does it."""
    if not (a.known and b.known and (ours < theirs or theirs < ours)):
        return ""
    fewer, most = (a, len(theirs)) if ours < theirs else (b, len(ours))
    if fewer.planned.card.source.startswith("file:"):
        return f". The command that asked {fewer.name}, with --limit {most}, asks it the others' items too"
    protocol = fewer.receipt.protocol.partition("@")[0]
    words = ["opengap", "eval", fewer.name, "--task", fewer.task, "--limit", str(most), "--protocol", protocol]
    return f". `{shlex.join(words)}` asks {fewer.name} the others' items too"


def unknown(a: Evidence, b: Evidence) -> list[Reason]:
    """That protocol and scorer cannot be checked, because a result was made elsewhere; stands beside the number."""
    elsewhere = sorted({one.receipt.provenance for one in (a, b) if not one.known})
    if not elsewhere:
        asked = sorted({one.name for one in (a, b) if not one.protocol_known})
        return [Reason("protocol_unknown", facts={"systems": asked})] if asked else []
    return [Reason("protocol_unknown", facts={"provenance": elsewhere, "statuses": "import:items" not in elsewhere})]


def protocol_label(a: Evidence, b: Evidence) -> str:
    """The protocol both were asked by, as a table prints it."""
    names = dict.fromkeys(one.receipt.protocol for one in (a, b))
    return " against ".join(names)


def _protocol(one: Evidence) -> str | None:
    return f"{one.receipt.protocol} ({one.planned.protocol_sha256[:8]})" if one.protocol_known else None


def _asked(a: Evidence, b: Evidence) -> list[tuple[str, Any, Any]]:
    """Facts of how it was asked that two imports both tell."""
    left, right = a.receipt.engine.get("asked") or {}, b.receipt.engine.get("asked") or {}
    return [(key, left[key], right[key]) for key in sorted(set(left) & set(right))]
