"""The batch driver: hands requests over to a provider's batch API and feeds the same journal as the live driver.

What was handed over stands in ``journal/batches.jsonl``, forced to the disk before and after each submission, so a run
that is killed while it waits goes on waiting when the same command is given again, and submits nothing twice:

    {"event": "submitting", "token": …, "rows": [row keys], "at": …}
    {"event": "submitted", "token": …, "batch": provider's id, "at": …}
    {"event": "closed", "token": …, "outcome": "collected" | "failed" | "never submitted", "at": …}
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from harness import models
from harness.asking.plan import Job, Owed
from harness.asking.pricing import cost_usd
from harness.asking.progress import Progress
from harness.asking.reach import MAY_BE_GONE
from harness.errors import AttemptFailed, OpenGapError, RunFailed, ServerGone, StoreError
from harness.models.base import BatchSide
from harness.models.failures import Declined
from harness.models.hosted import HostedModel, encode, refused
from harness.store import Journal
from harness.types import Completion, Entry, Price, Request, Usage

T = TypeVar("T")
Admit = Callable[[Request], bool]

WORTH_WAITING = 0.1
"""Share of what is not handed over yet that a further round has to take."""
KEPT = dt.timedelta(days=28)
"""For so long providers keep a batch and its results at least."""
ROWS_AT_MOST = 10_000
BYTES_AT_MOST = 90_000_000
"""Of one batch: under the limits of all providers (OpenAI: 50,000 and 200 MB; Anthropic: 100,000 and 256 MB), and what
is held in memory at once."""


@dataclass(frozen=True, slots=True)
class Polling:
    """How patiently a batch is waited for; durations in seconds."""

    first_s: float = 5.0
    longest_s: float = 60.0
    submissions: int = 6
    """Attempts at one submission."""
    patience_s: float = 3600.0
    """How long polling may fail without a break before the run stops; it can be resumed."""


@dataclass(slots=True)
class Handed:
    """One batch as the run folder knows it."""

    token: str
    rows: list[str]
    at: str
    batch: str | None = None
    outcome: str | None = None


def discounted(price: Price | None) -> Price | None:
    """The price of a batch's tokens; the list price where no discount is known."""
    if price is None or not price.batch_discount:
        return price
    share = 1 - price.batch_discount
    input_, cached, written, output = (
        None if one is None else one * share for one in (price.input, price.cached, price.cache_write, price.output)
    )
    return replace(price, input=input_, cached=cached, cache_write=written, output=output)


def at_batch_price(price: Price | None) -> Callable[[Usage], float | None]:
    """Dollars of one answer of a batch; None where the price or the discount is unknown."""

    def cost(usage: Usage) -> float | None:
        listed = cost_usd(price, usage)
        if listed is None or price is None or price.batch_discount is None:
            return None
        return listed * (1 - price.batch_discount)

    return cost


async def drive_batch(
    job: Job,
    owed: Sequence[Owed],
    model: models.Model,
    journal: Journal,
    *,
    pricing: Callable[[Usage], float | None],
    progress: Progress,
    say: Callable[[str], None],
    admission: Callable[[], Admit] = lambda: lambda request: True,
    polling: Polling | None = None,
) -> list[Owed]:
    """Bring what is owed through the batch API and journal it. Returns what is still owed, to be asked directly:
    rows that came back missing or with an error, rows of batches that failed or expired, and rows not admitted.

    ``admission()`` makes a fresh rule (of a budget) that is asked once for each row that is handed over or already was
    and is not answered; the first False ends handing over. Once those are answered, and cost less than they could have,
    the next round hands over more, unless it is so little that waiting for it is not worth it. ``model`` has been started.

    Raises: UsageError (no batch API), RunFailed, StoreError, CancelledError; a batch that was handed over is kept.
    """
    driver = _Driver(job, model, journal, pricing, progress, say, polling or Polling())
    waiting = {row_key(job, one): one for one in owed}
    await driver.look_for_lost()
    rounds = taken = 0
    while True:
        admit = admission()
        handed = {row for one in driver.book.all if one.outcome != "never submitted" for row in one.rows}
        out = {row for one in driver.book.open() for row in one.rows}
        for row in out & waiting.keys():
            admit(job.request(waiting[row]))
        fresh = [(row, one) for row, one in waiting.items() if row not in handed]
        first_refused = next((place for place, (_, one) in enumerate(fresh) if not admit(job.request(one))), len(fresh))
        admitted = fresh[:first_refused]
        if not rounds or len(admitted) >= WORTH_WAITING * len(fresh):
            await driver.hand_over(admitted)
            taken += len(admitted)
        if not driver.book.open():
            break
        await driver.wait(waiting)
        rounds += 1
    if taken and fresh:
        say(
            f"{len(fresh)} requests are asked directly, at full price: the budget has no room for enough of them in a batch"
        )
    return list(waiting.values())


def has_open_batches(journal: Path) -> bool:
    """Whether a run's journal folder names batches that are not closed: asking their rows directly would pay twice."""
    return bool(Book(journal / "batches.jsonl").open())


def row_key(job: Job, owed: Owed) -> str:
    """Identity of one request inside its run."""
    return hashlib.sha256("\0".join(map(str, job.key(owed))).encode()).hexdigest()[:32]


class Book:
    """What was handed over, append-only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        data = path.read_bytes() if path.is_file() else b""
        self._torn = bool(data) and not data.endswith(b"\n")
        by_token: dict[str, Handed] = {}
        lost: dict[str, str] = {}
        for line in data.splitlines():
            try:
                event = json.loads(line)
                token = event["token"]
                if event["event"] == "submitting":
                    by_token[token] = Handed(token, event["rows"], event["at"])
                elif event["event"] == "submitted" and token not in by_token:
                    lost[token] = event["batch"]
                elif event["event"] == "submitted":
                    by_token[token].batch = event["batch"]
                elif lost.pop(token, None) is None:
                    by_token[token].outcome = event["outcome"]
            except (ValueError, KeyError, TypeError):
                continue  # torn by a kill: what it would have said is found out at the provider
        if lost:
            raise StoreError(
                f"{path} is damaged: the line that says which requests batch {', '.join(lost.values())} holds cannot be read. "
                "Cancel it at the provider or let it end there, remove its line from the file, and give the same command again"
            )
        self.all = list(by_token.values())

    def open(self) -> list[Handed]:
        return [one for one in self.all if one.outcome is None]

    def submitting(self, handed: Handed) -> None:
        self.all.append(handed)
        self._write({"event": "submitting", "token": handed.token, "rows": handed.rows, "at": handed.at})

    def submitted(self, handed: Handed, batch: str) -> None:
        handed.batch = batch
        self._write({"event": "submitted", "token": handed.token, "batch": batch, "at": _now()})

    def close(self, handed: Handed, outcome: str) -> None:
        handed.outcome = outcome
        self._write({"event": "closed", "token": handed.token, "outcome": outcome, "at": _now()})

    def _write(self, event: dict[str, object]) -> None:
        try:
            with open(self.path, "ab") as handle:
                # A torn line of a process that was killed must not swallow this one.
                handle.write((b"\n" if self._torn else b"") + json.dumps(event).encode() + b"\n")
                handle.flush()
                os.fsync(handle.fileno())
            self._torn = False
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from error


class _Driver:
    def __init__(
        self,
        job: Job,
        model: models.Model,
        journal: Journal,
        pricing: Callable[[Usage], float | None],
        progress: Progress,
        say: Callable[[str], None],
        polling: Polling,
    ) -> None:
        self.side: BatchSide = models.batch_side(model)
        assert isinstance(model, HostedModel)
        self.model = model
        self.job, self.journal, self.pricing, self.progress = job, journal, pricing, progress
        self.say, self.polling = say, polling
        self.book = Book(journal.path.parent / "batches.jsonl")

    async def look_for_lost(self) -> None:
        """A process that died while it submitted left no id: ask the provider whether the batch is there."""
        for one in self.book.open():
            if one.batch is None:
                found = await self._patiently(partial(self._find, one))
                if found is None:
                    self.book.close(one, "never submitted")
                else:
                    self.book.submitted(one, found)

    async def hand_over(self, rows: Sequence[tuple[str, Owed]]) -> None:
        """Submit rows in batches, each noted before and after."""
        chunk: list[tuple[str, bytes]] = []
        size = 0
        for row, owed in rows:
            request = self.job.request(owed)
            # Images are read off the loop.
            ready = asyncio.to_thread(self.model.row, request) if request.images else None
            body = encode(await ready if ready else self.model.row(request))
            if chunk and (len(chunk) >= ROWS_AT_MOST or size + len(body) > BYTES_AT_MOST):
                await self._submit(chunk)
                chunk, size = [], 0
            chunk.append((row, body))
            size += len(body)
        if chunk:
            await self._submit(chunk)

    async def _submit(self, chunk: Sequence[tuple[str, bytes]]) -> None:
        run = self.journal.path.parent.parent.name
        handed = Handed(f"{run}-{len(self.book.all) + 1}", [row for row, _ in chunk], _now())
        self.book.submitting(handed)
        rows = [(_row_id(row, handed.token), body) for row, body in chunk]
        batch: str | None = None
        for attempt in range(1, self.polling.submissions + 1):
            try:
                # An attempt that failed on its way may have arrived: what is there is not submitted again.
                batch = await self._find(handed) if attempt > 1 else None
                batch = batch or await self.side.submit(rows, handed.token)
                break
            except AttemptFailed as error:
                waits_long = (error.retry_after_s or 0.0) > self.polling.patience_s
                if not error.retryable or waits_long or attempt == self.polling.submissions:
                    if not error.retryable:
                        self.book.close(handed, "never submitted")
                    raise RunFailed(
                        f"the batch was not accepted: {error}. Everything answered is kept; give the same command again, "
                        "or leave --batch out to ask directly"
                    ) from error
                await asyncio.sleep(
                    error.retry_after_s or min(self.polling.longest_s, self.polling.first_s * 2**attempt)
                )
            except OpenGapError:
                self.book.close(handed, "never submitted")
                raise
        assert batch is not None
        self.book.submitted(handed, batch)
        self.say(f"batch {batch}: {len(rows)} requests handed over; stopping is safe, the same command goes on waiting")

    async def _find(self, handed: Handed) -> str | None:
        known = {one.batch for one in self.book.all if one.batch}
        return await self.side.find(handed.token, len(handed.rows), handed.at, known, _mark(handed.token))

    async def wait(self, waiting: dict[str, Owed]) -> None:
        """Poll until every batch is closed; what is answered leaves ``waiting``."""
        pause = self.polling.first_s
        while self.book.open():
            for one in self.book.open():
                batch = one.batch
                assert batch is not None
                state = await self._patiently(partial(self.side.poll, batch))
                if state.status == "ended":
                    await self._collect(one, batch, state.detail, waiting)
                elif state.status == "failed":
                    self.say(f"batch {batch} failed: {state.detail}")
                    self.book.close(one, "failed")
                elif state.status == "unknown":
                    self._forgotten(one, batch)
            self.progress.show()
            if self.book.open():
                await asyncio.sleep(pause)
                pause = min(self.polling.longest_s, pause * 1.5)

    def _forgotten(self, one: Handed, batch: str) -> None:
        """The provider knows no such batch. RunFailed while it should: then it is asked for under another key or URL."""
        if dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(one.at) < KEPT:
            raise RunFailed(
                f"batch {batch}, handed over on {one.at[:10]}, is not to be seen with this key at this URL. Give the same command "
                f"again with those that it was handed over with. If it is truly gone, remove its lines from {self.book.path}; "
                "its requests are then paid for anew"
            )
        self.say(f"batch {batch}: the provider no longer has it, since results are kept for a limited time")
        self.book.close(one, "failed")

    async def _collect(self, handed: Handed, batch: str, detail: str, waiting: dict[str, Owed]) -> None:
        keys = {_row_id(row, handed.token): row for row in handed.rows}
        answered = failed = ours = others = 0
        for row, reply in await self._patiently(partial(self.side.collect, batch)):
            ours, others = ours + (row in keys), others + (row not in keys)
            owed = waiting.get(keys.get(row, ""))
            if owed is None:
                continue  # answered before this process was started, or no row of ours
            request = self.job.request(owed)
            completion = self._read(reply, request)
            if completion is None:
                failed += 1
                continue
            completion = replace(completion, cost_usd=self.pricing(completion.usage))
            self.journal.append(
                Entry(request.task, request.item_id, request.repeat, request.prompt_hash, completion, _now())
            )
            self.progress.add(completion)
            del waiting[keys[row]]
            answered += 1
        await asyncio.to_thread(self.journal.sync)
        if others and not ours:
            # Found by its size alone and taken for the one whose id never arrived.
            self.book.close(handed, "never submitted")
            self.say(f"batch {batch} is somebody else's; its {len(handed.rows)} requests of ours were never taken")
            return
        self.book.close(handed, "collected")
        left = sum(row in waiting for row in handed.rows)
        self.say(
            f"batch {batch} ({detail}): {answered} answers"
            + (
                f"; {left} rows are still owed ({failed} came back with an error, {left - failed} not at all)"
                if left
                else ""
            )
        )

    def _read(self, reply: bytes | OpenGapError, request: Request) -> Completion | None:
        """The completion of one row; None: the row is still owed."""
        try:
            if isinstance(reply, OpenGapError):
                raise reply
            return self.model.read(reply, request)
        except Declined as refusal:
            return refused(refusal, ())
        except OpenGapError:
            return None

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """One call, repeated while it fails for reasons that pass. RunFailed when they do not."""
        begun: float | None = None
        pause = self.polling.first_s
        while True:
            try:
                return await call()
            except AttemptFailed as error:
                now = time.monotonic()
                begun = now if begun is None else begun
                if not error.retryable or now - begun + (error.retry_after_s or 0.0) > self.polling.patience_s:
                    gone = isinstance(error, MAY_BE_GONE)
                    raise (ServerGone if gone else RunFailed)(
                        f"cannot ask after the batch: {error}. Give the same command again to go on"
                    ) from error
                await asyncio.sleep(error.retry_after_s or pause)
                pause = min(self.polling.longest_s, pause * 1.5)


def _row_id(row: str, token: str) -> str:
    """What a row is called in its batch: no other batch, of whatever run, has a row of that name."""
    return f"{row}{_mark(token)}"


def _mark(token: str) -> str:
    return f"-{hashlib.sha256(token.encode()).hexdigest()[:12]}"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
