"""Who answered a run: whether the names and fingerprints that came with its answers mean the model that was asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from harness import catalogue
from harness.types import Receipt

_SNAPSHOT = re.compile(r"[-@:]v?\d{3,}(-\d\d){0,2}")
"""What hosts put behind a model's name to say which state of it answered: a date or a number of three digits or more."""
_NEWEST = "-latest"


DoubtKind = Literal["another_model", "several_models", "several_fingerprints"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that a reader has to know about who answered.

    ``another_model``: a name that is neither what was asked, nor a snapshot or another name of it. ``several_models``:
    rows of one run came under several names, and ``several_fingerprints``: of several states of the backend.
    """

    kind: DoubtKind
    rows: Mapping[str, int]
    """Rows by name or fingerprint."""


def doubts(receipt: Receipt) -> Iterator[Doubt]:
    """What is doubtful about who answered a run; nothing where the endpoint did not say, or said what was asked."""
    system = receipt.system
    others = {
        name: rows
        for name, rows in receipt.reported_models.items()
        if not is_snapshot(system.api_name, name) and not _same_card(system.card, system.provider, name)
    }
    if others:
        yield Doubt("another_model", others)
    if len(receipt.reported_models) > 1:
        yield Doubt("several_models", receipt.reported_models)
    if len(receipt.fingerprints) > 1:
        yield Doubt("several_fingerprints", receipt.fingerprints)


def line(one: Doubt, system: str, asked: str) -> str:
    """A doubt in words."""
    rows = ", ".join(f"{name} {count}" for name, count in one.rows.items())
    if one.kind == "another_model":
        return f"{system}: {asked} was asked, and another model may have answered (rows by reported name: {rows})"
    if one.kind == "several_models":
        return f"{system}: not all rows come from one model (rows by reported name: {rows})"
    return f"{system}: the backend changed while it was asked (rows by fingerprint: {rows})"


def lines(receipt: Receipt) -> list[str]:
    """All doubts about a run in words."""
    return [line(one, receipt.system.name, receipt.system.api_name) for one in doubts(receipt)]


def is_snapshot(asked: str, reported: str) -> bool:
    """Whether a reply's model name is the one that was asked for, in any case, or a dated or numbered snapshot of it.

    ``gpt-5-mini`` is none of ``gpt-5``, nor ``gpt-4.1`` of ``gpt-4``: they are models of their own. Some hosts leave out
    what stands before the last slash.
    """
    names, wanted = _forms(reported), _forms(asked)
    wanted |= {one.removesuffix(_NEWEST) for one in wanted}
    return any(
        name == one or (name.startswith(one) and _SNAPSHOT.fullmatch(name[len(one) :]))
        for name in names
        for one in wanted
    )


def _forms(name: str) -> set[str]:
    plain = name.casefold().rstrip("/")
    return {plain, plain.rpartition("/")[2]}


def _same_card(card: str, provider: str, name: str) -> bool:
    found = catalogue.card_for(provider, name)
    return found is not None and found.id == card
