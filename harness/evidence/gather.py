"""What a comparison is made of: one system's answers to one task, one row an item, repeats reduced."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness import catalogue
from harness.errors import StoreError, UnknownName, UsageError
from harness.evidence.receipts import light_receipts, planned_ids
from harness.store import RunFolder, current_runs, damage
from harness.store.read import why
from harness.types import UNKNOWN, OpenFrom, PlannedTask, Reason, Receipt, WeightsLevel

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

PARTS = ("empty", "refused", "truncated", "unparsed", "wrong")
"""The waterfall's parts, in the order in which a row is assigned to one."""

TEXTS = ("task", "item_id", "cluster", "published_on", "status", "score_status")


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Every planned item of one system's task, in the order of the sorted ids: shape (n,) each."""

    ids: tuple[str, ...]
    score: Floats
    """Mean over the repeats that were answered and scored; NaN: missing."""
    answers: Codes
    """How many repeats count."""
    short: Floats
    """Shape (5, n): how much of what is missing to a full score is due to each of ``PARTS``."""
    unread: Floats
    """Share of its answers that came whole, and in which nothing could be read."""
    truncated: Floats
    """Share of its answers that were cut off by the token limit, readable or not."""
    cost_usd: Floats
    """Mean cost of one answer; NaN: not known."""
    variance: Floats
    """Variance of one answer (k - 1 denominator); NaN where fewer than two count."""
    cluster: NDArray[np.object_]
    """Label or None."""
    published_on: NDArray[np.object_]


class RunRows:
    """The rows of one sealed run by task, read when they are first asked for."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._ids: dict[str, tuple[str, ...]] | None = None
        self._items: dict[str, Items] | None = None

    def ids(self, task: str) -> tuple[str, ...]:
        """The planned ids, sorted."""
        if self._ids is None:
            self._ids = {name: tuple(sorted(ids)) for name, ids in planned_ids(self.run).items()}
        return self._ids[task]

    def items(self, task: str) -> Items:
        if self._items is None:
            self.ids(task)
            assert self._ids is not None
            self._items = _reduced(self.run, self._ids)
        return self._items[task]

    def forget(self) -> None:
        """Give the memory back; the next question reads again."""
        self._items = self._ids = None


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One system on one task, in the run that counts."""

    run: RunFolder
    receipt: Receipt
    planned: PlannedTask
    """Without its ``item_ids``; those are in ``item_ids`` here."""
    rows: RunRows
    hides: Reason | None = None
    """The earlier, larger run that this one took the place of."""
    _keys: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.receipt.system.name

    @property
    def task(self) -> str:
        return self.planned.card.name

    @property
    def dimension(self) -> str:
        return self.planned.card.dimension

    @property
    def open(self) -> bool:
        """Whether its weights can be had. Which of these count as open is for :func:`sided` to say."""
        return catalogue.is_open(self.receipt.system.weights)

    @property
    def side(self) -> str:
        return "open" if self.open else "closed"

    @property
    def repeats(self) -> int:
        return self.receipt.repeats

    @property
    def known(self) -> bool:
        """Whether it was asked here, so that protocol and scorer are known."""
        return not self.receipt.provenance.startswith("import:")

    @property
    def protocol_known(self) -> bool:
        """Whether it was asked in a way that we know; scored here, but asked elsewhere, are files of answers."""
        return self.known and self.receipt.protocol_sha256 != UNKNOWN

    def came(self, unread: Floats, truncated: Floats) -> tuple[float, float]:
        """Percent of answers that are unread and cut off, of shares by item; NaN where a foreign file may not tell."""
        answered = ~np.isnan(unread)
        shares = 100 * float(unread[answered].mean()), 100 * float(truncated[answered].mean())
        return shares if self.known or any(shares) else (math.nan, math.nan)

    @property
    def item_ids(self) -> tuple[str, ...]:
        return self.rows.ids(self.task)

    @property
    def items_key(self) -> str:
        """Equal for equal sets of planned ids."""
        if "ids" not in self._keys:
            self._keys["ids"] = hashlib.sha256("\0".join(self.item_ids).encode()).hexdigest()
        return self._keys["ids"]

    @property
    def data(self) -> Items:
        """The items as arrays. StoreError if the run's rows cannot be read."""
        return self.rows.items(self.task)

    @property
    def items(self) -> pd.DataFrame:
        """The items as a pandas frame indexed by item id."""
        import pandas as pd

        data = self.data
        columns: dict[str, Any] = {"score": data.score, "answers": data.answers}
        columns |= {f"short_{part}": row for part, row in zip(PARTS, data.short, strict=True)}
        columns |= {"cost_usd": data.cost_usd, "cluster": data.cluster, "published_on": data.published_on}
        return pd.DataFrame(columns, index=pd.Index(data.ids, name="item_id"))


def gather(store: Path) -> tuple[list[Evidence], list[str]]:
    """Evidence of all current runs of a store, and a line about each run that was passed over.

    In the place of a current run that is damaged stands the one before it.
    """
    receipts, problems = light_receipts(store)
    while lines := {run: line for run, receipt, _ in _current(receipts).values() if (line := damage(run, receipt))}:
        problems += lines.values()
        receipts = [pair for pair in receipts if pair[0] not in lines]
    stopped = [run.run_id for run, receipt in receipts if _stopped(receipt)]
    if stopped:
        problems.append(
            f"{len(stopped)} runs stopped as soon as they were decided ({', '.join(stopped[:4])}): they have no "
            "fixed-n interval and are not compared here"
        )
    return evidence_of(receipts, hidden=_hidden(receipts)), problems


def sided(evidence: Sequence[Evidence], open_from: OpenFrom) -> tuple[list[Evidence], list[str]]:
    """What stands on a side by a rule, and a line about the systems that it leaves out. UnknownName: no such rule."""
    if open_from not in catalogue.OPEN_RULES:
        raise UnknownName("rule of openness", open_from, catalogue.OPEN_RULES)
    stays = [one for one in evidence if catalogue.counts(one.receipt.system.weights, open_from)]
    staying = {one.name for one in stays}
    left = sorted({f"{one.name} ({one.receipt.system.weights})" for one in evidence if one.name not in staying})
    return stays, [f"left out by --open-from {open_from}: {', '.join(left)}"] if left else []


def open_levels(evidence: Sequence[Evidence]) -> tuple[WeightsLevel, ...]:
    """How open each open system is, one level a system."""
    return tuple({one.name: one.receipt.system.weights for one in evidence if one.open}.values())


def evidence_of(
    receipts: Sequence[tuple[RunFolder, Receipt]], hidden: Mapping[tuple[RunFolder, str], Reason] | None = None
) -> list[Evidence]:
    """Evidence of the current ones among some sealed runs, by system, task and protocol.

    Nothing but receipts is looked at: rows are read when they are asked for, and of superseded runs never.
    """
    rows: dict[RunFolder, RunRows] = {}
    return [
        Evidence(run, receipt, planned, rows.setdefault(run, RunRows(run)), (hidden or {}).get((run, task)))
        for (_, task, _), (run, receipt, planned) in sorted(_current(receipts).items())
        if task not in receipt.not_applicable
    ]


def _current(
    receipts: Sequence[tuple[RunFolder, Receipt]],
) -> dict[tuple[str, str, str], tuple[RunFolder, Receipt, PlannedTask]]:
    return current_runs((run, receipt) for run, receipt in receipts if not _stopped(receipt))


def _hidden(receipts: Sequence[tuple[RunFolder, Receipt]]) -> dict[tuple[RunFolder, str], Reason]:
    """By run and task the earlier, larger run that it took the place of."""
    current = _current(receipts)
    larger: dict[tuple[RunFolder, str], Reason] = {}
    for run, receipt in receipts:
        for planned in receipt.tasks:
            key = (receipt.system.name, planned.card.name, planned.protocol_sha256)
            later, _, now = current.get(key, (run, receipt, planned))
            alike = now.items_sha256 == planned.items_sha256 and bool(now.items_sha256)
            if later == run or alike or _stopped(receipt):
                continue
            asked, before = (len(planned_ids(one)[planned.card.name]) for one in (later, run))
            if asked < before:
                facts = {"system": key[0], "of": key[1], "items": asked, "run": run.run_id, "before": before}
                larger[later, planned.card.name] = Reason("smaller_than_before", facts=facts)
    return larger


def _stopped(receipt: Receipt) -> bool:
    """Whether a run stopped as soon as it was decided, by the rule that it kept: it never gets a fixed-n interval."""
    return "rule" in receipt.engine


def not_applicable(store: Path) -> dict[tuple[str, str], str]:
    """Reason by (system, task) for tasks that a system was not asked, by whatever protocol."""
    receipts, _ = light_receipts(store)
    current = [(system, task, receipt) for (system, task, _), (_, receipt, _) in current_runs(receipts).items()]
    asked = {(system, task) for system, task, receipt in current if task not in receipt.not_applicable}
    return {
        (system, task): receipt.not_applicable[task]
        for system, task, receipt in current
        if task in receipt.not_applicable and (system, task) not in asked
    }


def _reduced(run: RunFolder, planned: Mapping[str, tuple[str, ...]]) -> dict[str, Items]:
    columns, vocabularies = _columns(run)
    tasks, ids = vocabularies["task"], vocabularies["item_id"]
    found = {}
    for task, wanted in planned.items():
        at = {name: place for place, name in enumerate(wanted)}
        place_of = np.array([at.get(name or "", -1) for name in ids], dtype=np.intp)
        rows = np.flatnonzero(columns["task"] == tasks.index(task)) if task in tasks else np.empty(0, dtype=np.intp)
        places = place_of[columns["item_id"][rows]] if rows.size else rows
        rows, places = rows[places >= 0], places[places >= 0]
        found[task] = _per_item(wanted, rows, places, columns, vocabularies)
    return found


def _columns(run: RunFolder) -> tuple[dict[str, NDArray[Any]], dict[str, list[str | None]]]:
    """Numbers as they are, texts as codes (-1: null) with their vocabularies."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(run.scores, read_dictionary=list(TEXTS)) as file:
            table = file.read(columns=[*TEXTS, "score", "cost_usd"])
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"cannot read the scores of {run.run_id}: {why(error)}") from error
    columns: dict[str, NDArray[Any]] = {
        name: _as_numpy(table[name].combine_chunks(), np.array([np.nan])) for name in ("score", "cost_usd")
    }
    counting = columns["score"][~np.isnan(columns["score"])]
    if counting.size and not (counting.min() >= 0 and counting.max() <= 1):
        raise StoreError(f"the run {run.run_id} holds scores outside [0, 1], which are no share of right answers")
    vocabularies: dict[str, list[str | None]] = {}
    for name in TEXTS:
        merged = table[name].unify_dictionaries().combine_chunks()
        parts = merged if isinstance(merged, pa.DictionaryArray) else merged.chunk(0) if merged.num_chunks else None
        if parts is None:
            columns[name], vocabularies[name] = np.empty(0, dtype=np.intp), []
            continue
        columns[name] = _as_numpy(parts.indices, np.array([-1], dtype=np.int32)).astype(np.intp)
        vocabularies[name] = parts.dictionary.to_pylist()
    return columns, vocabularies


def _as_numpy(column: Any, for_null: NDArray[Any]) -> NDArray[Any]:
    """A column of numbers, ``for_null`` (shape (1,), of the column's type) where there is none.

    By buffers, since ``to_numpy`` and ``pa.scalar`` import the whole of pandas to look whether they were given any of it.
    """
    import pyarrow as pa
    from pyarrow import compute

    one = pa.Array.from_buffers(column.type, 1, [None, pa.py_buffer(for_null.tobytes())])[0]
    found: NDArray[Any] = np.from_dlpack(compute.fill_null(column, one))
    return found


def _per_item(
    ids: tuple[str, ...], rows: Codes, places: Codes, columns: Mapping[str, NDArray[Any]],
    vocabularies: Mapping[str, list[str | None]],
) -> Items:  # fmt: skip
    n = len(ids)
    cluster, published = np.full(n, None, dtype=object), np.full(n, None, dtype=object)
    for name, target in (("cluster", cluster), ("published_on", published)):
        labels = np.array([*vocabularies[name], None], dtype=object)
        target[places] = labels[columns[name][rows]]
    score = columns["score"][rows]
    counts = ~np.isnan(score)
    rows, places, score = rows[counts], places[counts], score[counts]
    answers = np.bincount(places, minlength=n)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(places, weights=score, minlength=n) / answers
        squares = np.bincount(places, weights=(score - mean[places]) ** 2, minlength=n)
        variance = np.where(answers > 1, squares / (answers - 1), np.nan)
        cost = np.bincount(places, weights=columns["cost_usd"][rows], minlength=n) / answers
        part = _part_of(rows, columns, vocabularies)
        short = np.stack(
            [
                np.bincount(places, weights=np.where(part == k, 1 - score, 0), minlength=n) / answers
                for k in range(len(PARTS))
            ]
        )
        unread = np.bincount(places, weights=part == PARTS.index("unparsed"), minlength=n) / answers
        cut_off = _has(rows, "status", "truncated", columns, vocabularies)
        truncated = np.bincount(places, weights=cut_off, minlength=n) / answers
    return Items(ids, mean, answers, short, unread, truncated, cost, variance, cluster, published)


def _part_of(rows: Codes, columns: Mapping[str, NDArray[Any]], vocabularies: Mapping[str, list[str | None]]) -> Codes:
    """Index into ``PARTS``: by completion status first (empty, refused, truncated), then unparsed, then wrong."""
    part = np.full(rows.size, PARTS.index("wrong"), dtype=np.intp)
    for column, names in (("score_status", ("unparsed",)), ("status", PARTS[:3])):
        for name in names:
            part[_has(rows, column, name, columns, vocabularies)] = PARTS.index(name)
    return part


def _has(
    rows: Codes, column: str, name: str, columns: Mapping[str, NDArray[Any]],
    vocabularies: Mapping[str, list[str | None]],
) -> NDArray[np.bool_]:  # fmt: skip
    """Which rows have this text in this column."""
    if name not in vocabularies[column]:
        return np.zeros(rows.size, dtype=bool)
    found: NDArray[np.bool_] = columns[column][rows] == vocabularies[column].index(name)
    return found


def by_run(evidence: Sequence[Evidence]) -> Iterator[list[Evidence]]:
    """Evidence run by run; a run's rows are given back when the next one is asked for, which bounds the memory."""
    runs: dict[RunRows, list[Evidence]] = {}
    for one in evidence:
        runs.setdefault(one.rows, []).append(one)
    for rows, members in runs.items():
        yield members
        rows.forget()


def find_system(evidence: Sequence[Evidence], wanted: str, *, side: str | None = None) -> str:
    """A stored name by exact name, else by the model's own name, else by unique prefix, else by address.

    The name of one model never means another: where the catalogue knows `gpt-5`, a stored `gpt-5.2` is not taken for
    it. ``side`` is where the system has to stand. UnknownName or UsageError otherwise.
    """
    systems = {one.name: one for one in evidence}
    found = wanted if wanted in systems else None
    if found is None:
        card = catalogue.card_named(wanted)
        own = sorted(name for name, one in systems.items() if one.receipt.system.card == (card.id if card else wanted))
        starting = own or sorted(
            name
            for name, one in systems.items()
            if any(text.startswith(wanted) for text in (name, name.partition(":")[2]))
            and not (card and one.receipt.system.card in catalogue.cards())
        )
        if len(starting) > 1:
            raise UsageError(f"{wanted!r} is ambiguous: {', '.join(starting)}")
        found = starting[0] if starting else _by_address(wanted, systems)
    if side is not None and systems[found].side != side:
        raise UsageError(f"{found} counts as {systems[found].side} here: give it with --{systems[found].side}")
    return found


def _by_address(wanted: str, systems: Mapping[str, Evidence]) -> str:
    from harness import address

    try:
        name = address.resolve(wanted).name
    except UsageError:
        name = wanted
    if name not in systems:
        raise UnknownName("system", wanted, systems, hint="(`opengap runs` lists what was run)")
    return name
