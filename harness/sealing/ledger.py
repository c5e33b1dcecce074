"""The rows of a run and what its receipt counts of them, in one pass; runs, rescored runs and imports all end here."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any

import harness
from harness.store import RunFolder, plan_hash, protocol_label
from harness.store.rows import RowWriter
from harness.store.seal import checksums
from harness.types import Plan, Receipt, Usage

NAMES_AT_MOST = 20
"""Of a receipt's names and fingerprints; some servers make one up for each answer. The rows hold them all."""
USAGE = ("input", "cached", "output", "reasoning", "cache_written")


class Ledger:
    """Writes both tables of a run and counts; use as a context manager, and then take the receipt."""

    def __init__(self, run: RunFolder, plan: Plan) -> None:
        self._run, self._plan = run, plan
        self._writer = RowWriter(run)
        self._statuses: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._counted: Counter[str] = Counter()
        self._costs: list[float | None] = []
        self._names: Counter[str] = Counter()
        self._fingerprints: Counter[str] = Counter()

    def __enter__(self) -> Ledger:
        self._writer.__enter__()
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self._writer.__exit__(kind, *rest)

    def add(self, row: Mapping[str, Any], text: Mapping[str, Any] | None) -> None:
        """One answer: a line of the scores table and, where its text may be kept, one of the text table."""
        status = row["status"]
        self._statuses[status] += 1
        if status != "unanswered":
            self._costs.append(row["cost_usd"])
        for name in USAGE:
            if (tokens := row.get(f"{name}_tokens")) is not None:
                self._tokens[name] += tokens
                self._counted[name] += 1
        self._names.update(filter(None, [row.get("reported_model")]))
        self._fingerprints.update(filter(None, [row.get("fingerprint")]))
        self._writer.add(row, text)

    @property
    def rows(self) -> int:
        return self._statuses.total()

    def whole_usage(self) -> Usage:
        """Tokens of all rows; None where the number of a single row is unknown."""
        whole = {name for name in USAGE if self.rows and self._counted[name] == self.rows}
        return Usage(**{name: self._tokens[name] for name in whole})

    def receipt(self, *, planned: int, started: str, digests: Mapping[str, str] | None = None) -> Receipt:
        """The receipt as far as plan and rows tell; ``planned`` rows without an answer are unanswered.

        What only some know (scorers, engine, bytes sent, where it came from) is put in by the caller. ``digests``: of
        journal segments that were just read.
        """
        plan, unanswered = self._plan, self._statuses["unanswered"]
        answered = self.rows - unanswered
        costs = self._costs
        return Receipt(
            run_id=self._run.run_id,
            plan_sha256=plan_hash(plan),
            system=plan.system,
            protocol=protocol_label(plan.protocol),
            protocol_sha256=plan.protocol_sha256,
            tasks=plan.tasks,
            started=started,
            # To the microsecond: of two within one second the later one counts.
            sealed=dt.datetime.now(dt.UTC).isoformat(timespec="microseconds"),
            counts={"planned": planned, "answered": answered, "unanswered": unanswered}
            | {f"status_{status}": count for status, count in self._statuses.items()},
            scorers={},
            usage=Usage(**{name: self._tokens.get(name) for name in USAGE}),
            cost_usd=None if not costs or None in costs else sum(cost for cost in costs if cost is not None),
            bytes_sent=0,
            tokens_sent=0,
            versions={"opengap": harness.__version__},
            machine={},
            engine={},
            checksums=checksums(self._run, digests),
            suite=plan.suite,
            repeats=plan.repeats,
            answers_run=plan.answers_run,
            reported_models=dict(self._names.most_common(NAMES_AT_MOST)),
            fingerprints=dict(self._fingerprints.most_common(NAMES_AT_MOST)),
        )
