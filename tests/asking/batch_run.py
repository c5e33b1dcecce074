"""One run by the batch driver in a process of its own, so that a test can kill it: API URL ITEMS STORE."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from harness.asking.batch import Polling, drive_batch
from harness.asking.plan import Job, Owed, find_protocol, prepare
from harness.asking.progress import Progress
from harness.models import ready
from harness.registry import own_tasks
from harness.store import Journal, RunFolder, find_run, new_run, plan_hash, read_journal
from harness.types import System
from tests.models.wire import KEY, Wire

QUICK = Polling(first_s=0.05, longest_s=0.05, submissions=3)


def plan(items: Path, store: Path) -> tuple[Job, RunFolder]:
    """The job of an items file and its unsealed run, as the same command given again finds it."""
    system = System("server:m", "m", "", "closed", "server", "model-1", url="http://127.0.0.1/v1")
    matched = find_protocol("matched")
    job = prepare(ready([system], matched, check=False)[0], matched, own_tasks(items, "numeric"))
    return job, find_run(store, plan_hash(job.plan), sealed=False) or new_run(store, job.plan)


def still_owed(job: Job, run: RunFolder) -> list[Owed]:
    answered = read_journal(run.journal).answered
    names = [task.name for task in job.tasks]
    return [one for one in job.owed if (names[one.task], one.item.id, one.repeat, one.prompt_hash) not in answered]


async def main(api: str, url: str, items: str, store: str) -> None:
    os.environ["WIRE_API_KEY"] = KEY
    job, run = plan(Path(items), Path(store))
    journal = Journal(run.journal)
    async with Wire(url).model(api) as model:
        rest = await drive_batch(
            job,
            still_owed(job, run),
            model,
            journal,
            pricing=lambda usage: 0.001,
            progress=Progress("batch", len(job.owed)),
            say=lambda line: print(line, flush=True),
            polling=QUICK,
        )
    journal.close()
    print(f"rest {len(rest)}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
