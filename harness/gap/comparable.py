"""Whether two results may be compared, and if not, what differs. Unknown is not different."""

from __future__ import annotations

from harness.gap.evidence import Evidence


def differences(a: Evidence, b: Evidence) -> list[str]:
    """Everything that makes two results incomparable, one line each; an empty list: comparable."""
    found = []
    for what, left, right in (
        ("protocol", _protocol(a), _protocol(b)),
        ("task version", a.planned.card.version, b.planned.card.version),
        ("metric", a.planned.card.headline, b.planned.card.headline),
        ("scorer", a.receipt.scorers.get(a.planned.card.name), b.receipt.scorers.get(b.planned.card.name)),
    ):
        if left is not None and right is not None and left != right:
            found.append(f"{what}: {a.name} {left}, {b.name} {right}")
    ours, theirs = set(a.planned.item_ids), set(b.planned.item_ids)
    if ours != theirs:
        found.append(
            f"items: {len(ours - theirs)} only with {a.name}, {len(theirs - ours)} only with {b.name}, "
            f"{len(ours & theirs)} with both"
        )
    elif "" not in (left := a.planned.items_sha256, right := b.planned.items_sha256) and left != right:
        # An import knows no content, which is unknown rather than different.
        found.append("items: same ids, but their content differs")
    return found


def unknown(a: Evidence, b: Evidence) -> list[str]:
    """What cannot be checked because a result was made elsewhere; printed beside the number."""
    elsewhere = sorted({one.receipt.provenance for one in (a, b) if one.receipt.provenance != "run"})
    return [f"protocol, decoding and scorer unknown ({', '.join(elsewhere)})"] if elsewhere else []


def _protocol(one: Evidence) -> str | None:
    if one.receipt.provenance != "run":
        return None
    return f"{one.receipt.protocol} ({one.receipt.protocol_sha256[:8]})"
