"""One store with everything in it that a report can show, and its report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from harness.report.facts import Facts, gather
from harness.report.make import make
from harness.types import CompletionStatus, WeightsLevel
from tests.report.browsing import CHROMIUM
from tests.report.stores import Answers, alternating, write_run

HOSTILE = "evil$\\frac{1}{2}$\x1b[31m\u202eknil\n</script><b>" + "W" * 120
ATTACKS = (
    "</script><script>window.broken=1</script>",
    "<img src=x onerror=window.broken=1>",
    "<!--<script>",
    "\u202egnihtyna\u202c",
    "\x1b[31mred\x1b[0m\x00\x07",
    '=HYPERLINK("http://example.com","x")',
    "{{ 7 * 7 }} {% raw %}",
    "[a](javascript:window.broken=1) `|` @everyone",
    "x" * 1_000_000,
)
SECRET = "a question that may not be passed on"
N = 120


@pytest.fixture(scope="session")
def rich_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two systems a side, three dimensions, four tasks: attacks as answers, fractions, a task that stays here."""
    store = tmp_path_factory.mktemp("rich")
    systems: list[tuple[str, WeightsLevel, float, str, float]] = [
        ("vendor:closed-old", "closed", 0.55, "2025-03-01", 0.002), ("vendor:closed-new", "closed", 0.8, "2025-09-01", 0.02),
        ("vllm:org/open-old@main", "open_weights", 0.35, "2025-05-01", 0.001),
        ("vllm:org/open-new,dtype=bfloat16", "open_weights", 0.7, "2025-11-01", 0.004),
    ]  # fmt: skip
    for place, (name, weights, share, released, cost) in enumerate(systems):
        texts = [ATTACKS[i % len(ATTACKS)] if i < 20 else f"answer {i} of {name}" for i in range(N)]
        statuses: list[CompletionStatus] = [
            "refused" if i % (12 + 6 * place) == place else "truncated" if i % 40 == 7 else "ok" for i in range(N)
        ]
        marks = [
            0.0 if status == "refused" else score
            for status, score in zip(statuses, alternating(N, share, 3 * place), strict=True)
        ]
        tasks = {
            "puzzles": Answers(marks, "reasoning", texts=texts, statuses=statuses, costs=[cost] * N),
            "sums": Answers(alternating(N, share, place), "reasoning", costs=[cost] * N, clusters=[f"c{i // 2}" for i in range(N)]),
            "=programs": Answers(alternating(N, share - 0.1, 5 * place), "coding", question="<b>bold</b>", costs=[cost] * N),
            "abstracts": Answers([round(0.3 + 0.4 * share * (i % 5) / 4, 3) for i in range(N)], "summarization",
                                 question=SECRET, texts=[f"{SECRET} {i}" for i in range(N)], redistributable=False, costs=[cost] * N),
        }  # fmt: skip
        write_run(store, name, weights, tasks, released=released, started=f"2026-0{place + 1}-01T10:00:00Z")
    return store


@pytest.fixture(scope="session")
def rich_facts(rich_store: Path) -> Facts:
    return gather(rich_store)


@pytest.fixture(scope="session")
def rich_report(rich_facts: Facts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the report."""
    out = tmp_path_factory.mktemp("report")
    make(rich_facts, out)
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Not for the session: playwright's event loop would run through the asyncio tests of other modules."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()
