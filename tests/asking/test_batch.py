"""The batch driver over real sockets with both SDKs: complete, lossy, failed, killed, and never paid twice."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import itertools
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from harness import models
from harness.asking import batch as batch_module
from harness.asking.batch import Admit, Book, Handed, Polling, at_batch_price, drive_batch, has_open_batches, row_key
from harness.asking.plan import Job, Owed
from harness.asking.progress import Progress
from harness.errors import KeyRefused, RunFailed, StoreError, UsageError
from harness.models.answers_file import AnswersFile
from harness.store import Journal, RunFolder, read_journal
from harness.store.journal import read_entries, segments
from harness.types import Entry, Price, Request, System, Usage
from tests.asking.batch_run import QUICK, plan, still_owed
from tests.models.wire import KEY, Wire, listening
from tests.servers import Server, fault_server
from tests.servers.faults import Behaviour, FaultServer, start

APIS = ("chat", "responses", "messages")


def write_items(path: Path, n: int) -> Path:
    rows = [{"id": str(i), "input": f"case {i}: what is 2 + 2?", "target": "4"} for i in range(n)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@contextlib.asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[tuple[FaultServer, str]]:
    server = FaultServer(Behaviour())
    for name, value in settings.items():
        setattr(server.book, name, value)
    runner, url = await start(server)
    try:
        yield server, url
    finally:
        await runner.cleanup()


async def run_batch(
    job: Job, run: RunFolder, url: str, api: str, *, admission: Callable[[], Admit] = lambda: lambda request: True,
    polling: Polling = QUICK,
) -> tuple[list[Owed], list[str]]:  # fmt: skip
    said: list[str] = []
    journal = Journal(run.journal)
    try:
        async with Wire(url).model(api) as model:
            rest = await drive_batch(
                job, still_owed(job, run), model, journal, pricing=lambda usage: 0.001,
                progress=Progress("b", len(job.owed)), say=said.append, admission=admission, polling=polling,
            )  # fmt: skip
    finally:
        journal.close()
    return rest, said


def entries(run: RunFolder) -> list[Entry]:
    return list(read_entries(run.journal, read_journal(run.journal)))


def forget_answers(run: RunFolder) -> None:
    for segment in segments(run.journal):
        segment.unlink()


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRE_API_KEY", KEY)


@pytest.fixture
def job(tmp_path: Path) -> tuple[Job, RunFolder]:
    return plan(write_items(tmp_path / "mine.jsonl", 40), tmp_path / "st")


@pytest.mark.parametrize("api", APIS)
async def test_a_batch_is_answered_and_journalled(api: str, job: tuple[Job, RunFolder]) -> None:
    async with serving(lose_every=0, polls_needed=3) as (server, url):
        assert not has_open_batches(job[1].journal)
        rest, said = await run_batch(*job, url, api)
        assert not has_open_batches(job[1].journal)
        assert server.stats.requests == 0, "nothing was asked directly"
        assert server.book.submitted == 1
    assert rest == []
    done = [entry.completion for entry in entries(job[1])]
    assert len(done) == 40
    assert {(one.status, one.text, one.cost_usd, one.usage.output) for one in done} == {("ok", "Answer: 4", 0.001, 5)}
    assert "40 requests handed over" in said[0]
    assert "40 answers" in said[1]


@pytest.mark.parametrize("api", APIS)
async def test_what_a_batch_carries_is_what_is_asked_directly(api: str, job: tuple[Job, RunFolder]) -> None:
    request = job[0].request(job[0].owed[0])
    async with serving(lose_every=0) as (server, url), listening() as wire:
        await run_batch(*job, url, api)
        async with wire.model(api) as model:
            await model.generate(request)
        rows = [row.get("body") or row["params"] for one in server.book.batches.values() for row in one.rows]
        ids = [row["custom_id"] for one in server.book.batches.values() for row in one.rows]
    assert wire.bodies[0] in rows
    # Anthropic's pattern is the stricter one: [a-zA-Z0-9_-]{1,64}.
    assert all(len(one) <= 64 and one.replace("-", "").isalnum() for one in ids)
    assert len(set(ids)) == 40


@pytest.mark.parametrize("api", APIS)
async def test_rows_that_are_missing_or_errored_stay_owed(api: str, job: tuple[Job, RunFolder]) -> None:
    async with serving(lose_every=5) as (_, url):
        rest, said = await run_batch(*job, url, api)
    assert len(rest) == 16
    assert len(entries(job[1])) == 24
    assert {one.item.id for one in rest}.isdisjoint(entry.item_id for entry in entries(job[1]))
    assert "16 rows are still owed (8 came back with an error, 8 not at all)" in said[-1]


@pytest.mark.parametrize("api", APIS)
async def test_what_came_back_wrong_is_not_handed_over_again(api: str, job: tuple[Job, RunFolder]) -> None:
    """It is asked directly, in this process or in the next one."""
    async with serving(lose_every=5) as (server, url):
        first, _ = await run_batch(*job, url, api)
        second, said = await run_batch(*job, url, api)
        assert server.book.submitted == 1
    assert [one.item.id for one in first] == [one.item.id for one in second]
    assert said == []


@pytest.mark.parametrize("api", APIS)
async def test_an_expired_batch_brings_what_it_has(api: str, job: tuple[Job, RunFolder]) -> None:
    async with serving(lose_every=0, ends="expired") as (_, url):
        rest, _ = await run_batch(*job, url, api)
    assert (len(rest), len(entries(job[1]))) == (20, 20)


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_failed_batch_says_why_and_leaves_all_owed(api: str, job: tuple[Job, RunFolder]) -> None:
    async with serving(ends="failed") as (_, url):
        rest, said = await run_batch(*job, url, api)
    assert len(rest) == 40
    assert "too many enqueued" in said[-1]


@pytest.mark.parametrize("api", APIS)
async def test_a_batch_that_the_provider_forgot_leaves_all_owed(api: str, job: tuple[Job, RunFolder]) -> None:
    async with serving(lose_every=0, fail_polls=10**9) as (server, url):
        with pytest.raises(RunFailed):
            await run_batch(*job, url, api, polling=dataclasses.replace(QUICK, patience_s=0.0))
        server.book.batches.clear()
        # Today it should be there: another key, or another URL, does not see it, and asking anew would pay twice.
        with pytest.raises(RunFailed, match="not to be seen with this key"):
            await run_batch(*job, url, api)
        book = job[1].journal / "batches.jsonl"
        book.write_text(re.sub(r'"at": "20\d\d', '"at": "2020', book.read_text()))
        rest, said = await run_batch(*job, url, api)
        assert server.book.submitted == 1
    assert len(rest) == 40
    assert "no longer has it" in said[-1]


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_results_that_are_gone_leave_all_owed(api: str, job: tuple[Job, RunFolder]) -> None:
    async with serving(lose_every=0, fail_polls=10**9) as (server, url):
        with pytest.raises(RunFailed):
            await run_batch(*job, url, api, polling=dataclasses.replace(QUICK, patience_s=0.0))
        server.book.fail_polls = 0
        server.book.lose_files = True
        rest, said = await run_batch(*job, url, api)
    assert len(rest) == 40
    assert "40 not at all" in said[-1]


async def test_a_lost_submission_is_told_from_another_batch_of_its_size(
    job: tuple[Job, RunFolder], tmp_path: Path
) -> None:
    """Message batches bear no mark: which one is ours is read from the rows of those that have ended."""
    other_items = write_items(tmp_path / "other.jsonl", 40)
    async with serving(lose_every=0) as (server, url):
        await run_batch(*plan(other_items, tmp_path / "other"), url, "messages")
        server.book.lose_replies = 10**9
        with pytest.raises(RunFailed, match="was not accepted"):
            await run_batch(*job, url, "messages", polling=dataclasses.replace(QUICK, submissions=1))
        server.book.lose_replies = 0
        # Ours arrived: it is found beside the other one, and nothing is submitted again.
        rest, _ = await run_batch(*job, url, "messages")
        assert (rest, server.book.submitted) == ([], 2)


async def test_a_batch_of_somebody_else_is_not_taken_for_ours(job: tuple[Job, RunFolder], tmp_path: Path) -> None:
    other_items = write_items(tmp_path / "other.jsonl", 40)
    async with serving(lose_every=0, polls_needed=4, fail_polls=10**9) as (server, url):
        with pytest.raises(RunFailed):
            await run_batch(
                *plan(other_items, tmp_path / "other"),
                url,
                "messages",
                polling=dataclasses.replace(QUICK, patience_s=0.0),
            )
        server.book.fail_polls = 0
        book = Book(job[1].journal / "batches.jsonl")
        book.submitting(
            Handed(
                "run-1",
                [row_key(job[0], one) for one in job[0].owed],
                f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%S+00:00}",
            )
        )
        rest, said = await run_batch(*job, url, "messages")
        assert server.book.submitted == 2, "ours had never arrived, so it goes up once"
    assert rest == []
    assert any("somebody else's" in line for line in said)


async def test_a_line_that_names_the_rows_of_a_batch_may_not_be_damaged(job: tuple[Job, RunFolder]) -> None:
    async with serving(lose_every=0, fail_polls=10**9) as (server, url):
        with pytest.raises(RunFailed):
            await run_batch(*job, url, "chat", polling=dataclasses.replace(QUICK, patience_s=0.0))
        book = job[1].journal / "batches.jsonl"
        book.write_bytes(book.read_bytes().replace(b'"submitting"', b'"sub\xffitting"'))
        server.book.fail_polls = 0
        with pytest.raises(StoreError, match="is damaged"):
            await run_batch(*job, url, "chat")
        assert server.book.submitted == 1


async def test_a_budget_hands_over_again_what_its_batches_left_of_it(job: tuple[Job, RunFolder]) -> None:
    def admission() -> Admit:
        room = itertools.count(25)
        return lambda request: next(room) < 40

    async with serving(lose_every=0) as (server, url):
        rest, said = await run_batch(*job, url, "chat", admission=admission)
        assert [len(one.rows) for one in server.book.batches.values()] == [15, 15, 10]
    assert rest == []
    assert not [line for line in said if "full price" in line]


@pytest.mark.parametrize("api", APIS)
async def test_a_submission_whose_reply_is_lost_is_found_not_repeated(api: str, job: tuple[Job, RunFolder]) -> None:
    async with serving(lose_every=0, lose_replies=1) as (server, url):
        rest, _ = await run_batch(*job, url, api)
        assert server.book.submitted == 1
    assert rest == []
    assert len(entries(job[1])) == 40


@pytest.mark.parametrize("api", APIS)
async def test_a_process_that_died_while_it_submitted_looks_for_its_batch(api: str, job: tuple[Job, RunFolder]) -> None:
    """Its last words are that it is submitting: once the batch had arrived, once it had not."""
    book = job[1].journal / "batches.jsonl"
    async with serving(lose_every=0) as (server, url):
        await run_batch(*job, url, api)
        forget_answers(job[1])
        book.write_bytes(book.read_bytes().splitlines(keepends=True)[0] + b'{"event": "submit')
        rest, _ = await run_batch(*job, url, api)
        assert (rest, server.book.submitted, len(entries(job[1]))) == ([], 1, 40)
        forget_answers(job[1])
        book.write_bytes(book.read_bytes().splitlines(keepends=True)[0])
        server.book.batches.clear()
        rest, _ = await run_batch(*job, url, api)
        assert (rest, server.book.submitted, len(entries(job[1]))) == ([], 2, 40)


async def test_answers_of_another_run_are_never_taken(job: tuple[Job, RunFolder], tmp_path: Path) -> None:
    """Two runs of the same items: the ids of their rows differ, though the requests are the same."""
    other = plan(write_items(tmp_path / "mine.jsonl", 40), tmp_path / "other" / "st")
    other = (other[0], RunFolder(other[1].path.rename(other[1].path.with_name("20260101T000000Z-000000000000"))))
    async with serving(lose_every=0) as (server, url):
        await run_batch(*job, url, "messages")
        await run_batch(*other, url, "messages")
        first, second = ({row["custom_id"] for row in one.rows} for one in server.book.batches.values())
    assert first.isdisjoint(second)


@pytest.mark.parametrize("api", APIS)
async def test_polls_that_fail_for_a_while_are_borne(api: str, job: tuple[Job, RunFolder]) -> None:
    async with serving(lose_every=0, fail_polls=3, polls_needed=5) as (_, url):
        rest, _ = await run_batch(*job, url, api)
    assert rest == []


async def test_polls_that_fail_for_long_stop_the_run_and_it_can_go_on(job: tuple[Job, RunFolder]) -> None:
    impatient = dataclasses.replace(QUICK, patience_s=0.0)
    async with serving(lose_every=0, fail_polls=10**9) as (server, url):
        with pytest.raises(RunFailed, match="Give the same command again"):
            await run_batch(*job, url, "chat", polling=impatient)
        assert has_open_batches(job[1].journal)
        server.book.fail_polls = 0
        # A budget that admits nothing more does not keep what was handed over from being collected.
        rest, _ = await run_batch(*job, url, "chat", admission=lambda: lambda request: False)
        assert (rest, server.book.submitted) == ([], 1)


async def test_large_jobs_are_split(job: tuple[Job, RunFolder], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_module, "ROWS_AT_MOST", 15)
    async with serving(lose_every=0) as (server, url):
        rest, _ = await run_batch(*job, url, "chat")
        assert [len(one.rows) for one in server.book.batches.values()] == [15, 15, 10]
    assert (rest, len(entries(job[1]))) == ([], 40)


async def test_a_budget_ends_handing_over(job: tuple[Job, RunFolder]) -> None:
    asked: list[str] = []

    def admit(request: Request) -> bool:
        asked.append(request.item_id)
        return len(asked) <= 25

    async with serving(lose_every=0) as (server, url):
        rest, _ = await run_batch(*job, url, "chat", admission=lambda: admit)
        assert [len(one.rows) for one in server.book.batches.values()] == [25]
    assert len(rest) == 15
    assert len(asked) == 27, "once more when the batch has come back"


def test_what_was_handed_over_before_counts_against_the_budget(tmp_path: Path) -> None:
    items, store = write_items(tmp_path / "mine.jsonl", 12), tmp_path / "st"
    with fault_server("--batch-polls", "20", "--batch-loses", "0") as server:
        stop(start_run("chat", server, items, store), server, signal.SIGKILL)
        job, run = plan(items, store)
        asked: list[str] = []

        def admit(request: Request) -> bool:
            asked.append(request.item_id)
            return True

        rest, _ = asyncio.run(run_batch(job, run, server.url, "chat", admission=lambda: admit))
        assert server.stats("/_batches")["submitted"] == 1
    assert rest == []
    assert len(asked) == 12


async def test_the_price_of_a_batch() -> None:
    price = Price(since="2026-01-01", input=2.0, output=10.0, batch_discount=0.5)
    usage = Usage(1_000_000, None, 100_000)
    assert at_batch_price(price)(usage) == pytest.approx(1.5)
    assert at_batch_price(dataclasses.replace(price, batch_discount=None))(usage) is None
    assert at_batch_price(None)(usage) is None


async def test_systems_without_a_batch_api(job: tuple[Job, RunFolder], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    with pytest.raises(UsageError, match="has no batch API"):
        models.batch_side(AnswersFile(System("file:a", "a", "", "open_weights", "file", str(tmp_path / "a.jsonl"))))
    async with listening() as wire:
        wire.status, wire.reply = 404, {"error": {"message": "Not Found"}}
        for api in ("chat", "messages"):
            with pytest.raises(UsageError, match="leave --batch out"):
                await run_batch(*job, wire.url, api)
    assert read_journal(job[1].journal).answered == {}


async def test_a_refused_key_stops_at_once(job: tuple[Job, RunFolder]) -> None:
    async with listening() as wire:
        wire.status, wire.reply = 401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}
        with pytest.raises(KeyRefused, match="WIRE_API_KEY") as caught:
            await run_batch(*job, wire.url, "messages")
    assert KEY not in str(caught.value)
    assert KEY not in (job[1].journal / "batches.jsonl").read_text()


async def test_a_folder_that_cannot_be_written_submits_nothing(job: tuple[Job, RunFolder]) -> None:
    (job[1].journal / "batches.jsonl").mkdir()
    async with serving() as (server, url):
        with pytest.raises(StoreError, match=r"batches.jsonl"):
            await run_batch(*job, url, "chat")
        assert server.book.submitted == 0


def start_run(api: str, server: Server, items: Path, store: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.asking.batch_run", api, server.url, str(items), str(store)]
    root = str(Path(__file__).resolve().parent.parent.parent)
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stop(process: subprocess.Popen[str], server: Server, how: signal.Signals) -> None:
    """Send a signal once the process is waiting for its batch."""
    before = server.stats("/_batches")["polls"]
    deadline = time.monotonic() + 60
    while server.stats("/_batches")["polls"] < before + 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(how)
    process.communicate(timeout=60)


@pytest.mark.parametrize("api", ["chat", "messages"])
def test_kill_while_waiting_and_resume_submits_once(api: str, tmp_path: Path) -> None:
    items, store = write_items(tmp_path / "mine.jsonl", 60), tmp_path / "st"
    with fault_server("--batch-polls", "30", "--batch-loses", "0") as server:
        for how in (signal.SIGKILL, signal.SIGINT) if api == "chat" else (signal.SIGKILL,):
            stop(start_run(api, server, items, store), server, how)
        out, err = start_run(api, server, items, store).communicate(timeout=120)
        assert "rest 0" in out, err
        facts = server.stats("/_batches")
        assert (facts["submitted"], facts["rows"]) == (1, 60)
        assert server.stats()["requests"] == 0
    job, run = plan(items, store)
    assert still_owed(job, run) == []
    assert len({row_key(job, one) for one in job.owed}) == 60
