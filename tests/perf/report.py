"""The report: 10 systems with 2,000 samples each as a whole process, each chart by itself, and the page in a browser."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path

from harness.exchange.published import read_published_table, write_published
from harness.exchange.sealing import seal_all
from harness.exchange.tables import read_items
from harness.report.charts import Chart, charts, cost, heatmap, history
from harness.report.facts import Facts, TooLittle, gather
from harness.report.make import make
from harness.report.style import THEMES, Theme, render, settings
from tests.perf.measured import Measured
from tests.perf.process import run
from tests.report.browsing import CHROMIUM
from tests.report.stores import Answers, write_run

SYSTEMS, ITEMS, EXPLORED = 10, 2_000, 20_000


def store(folder: Path, systems: int = SYSTEMS, items: int = ITEMS) -> Path:
    """Half of the systems closed, half open, on one task, with texts of about 1 kB."""
    chance = random.Random(0)
    for number in range(systems):
        scores = [float(chance.random() < 0.5 + 0.03 * number) for _ in range(items)]
        texts = [f"Answer {i}: " + "some reasoning about it. " * 40 for i in range(items)]
        answers = Answers(scores, texts=texts, costs=[0.001 * (1 + number)] * items)
        write_run(
            folder, f"maker:model-{number}", "open_weights" if number % 2 else "closed", {"sums": answers},
            started=f"2026-03-{10 + number}T10:00:00Z", released=f"2026-01-{10 + number}",
        )  # fmt: skip
    return folder


def measure() -> list[Measured]:
    """`opengap report` on that store, its charts, the same of real data where there are, and the page in Chromium."""
    with tempfile.TemporaryDirectory() as folder:
        path = store(Path(folder) / "st")
        used = run([sys.executable, "-m", "harness", "report", "--store", str(path)])
        size = (path / "report/index.html").stat().st_size / 1e6
        lines = [
            Measured("report, 10 systems x 2,000 samples: wall", used.wall_s, "s", "at most 15"),
            Measured("  CPU", used.cpu_s, "s"),
            Measured("  peak memory", used.peak_mb, "MB", "at most 800"),
            Measured("  index.html", size, "MB"),
            _slowest("  slowest chart", gather(path)),
        ]
        real = _real(Path(folder) / "real")
        if real is not None:
            lines.append(_slowest("SWE-bench and 177 published series: slowest chart", real))
        if CHROMIUM is not None:
            lines += _browser(store(Path(folder) / "large", 2, EXPLORED))
    return lines


def _real(folder: Path) -> Facts | None:
    shared = (
        Path(os.environ.get("OPENGAP_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")) / "published"
    )
    rows = shared / "per_item_swebench_verified.csv"
    if not rows.is_file():
        return None
    found = read_items(
        rows,
        benchmark="SWE-bench Verified",
        dimension="coding",
        columns={"score": "resolved"},
        cluster_regex="^(.+?)__",
    ).found
    seal_all(folder, found, kind="items", source=rows)
    write_published(
        folder,
        read_published_table(shared / "published_scores.csv", series=None, unit=None, source=None, columns={})[0],
    )
    return gather(folder)


def _slowest(what: str, facts: Facts) -> Measured:
    """One theme's picture from facts that are read already: what the chart computes for itself, its drawing, its PNG and SVG.

    Best of three after one that warms up, and nothing kept from one to the next.
    """
    taken: dict[str, float] = {}
    files: dict[str, bytes] = {}
    for chart in charts():
        for theme in THEMES:
            try:
                times = [_time(chart, theme, facts, files) for _ in range(4)]
            except TooLittle:
                continue
            taken[f"{chart.name}, {theme.name}"] = min(times[1:])
    name = max(taken, key=lambda one: taken[one])
    return Measured(f"{what} ({name})", taken[name], "s", "at most 0.5")


def _time(chart: Chart, theme: Theme, facts: Facts, files: dict[str, bytes]) -> float:
    for kept in (cost.bought, cost.told, heatmap.compared, history.moments_of):
        kept.cache_clear()
    begun = time.perf_counter()
    with settings(theme):
        files |= render(chart.draw(facts, theme), chart.name, theme, files)
    return time.perf_counter() - begun


def _browser(path: Path) -> list[Measured]:
    """Until the explorer answers, and how many rows it keeps in the document while one scrolls through it."""
    from playwright.sync_api import sync_playwright

    make(gather(path), path / "report")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        ready, rows = [], 0
        for _ in range(3):
            page.goto((path / "report/index.html").as_uri())
            page.wait_for_selector("html[data-ready]", state="attached")
            ready.append(float(page.evaluate("document.documentElement.dataset.ready")))
        for share in (0, 0.3, 0.7, 1):
            page.evaluate(
                "share => { const list = document.getElementById('list'); list.scrollTop = share * list.scrollHeight; }",
                share,
            )
            page.wait_for_timeout(50)
            rows = max(rows, page.locator("#rows .row").count())
        browser.close()
    return [
        Measured("page of 20,000 samples in Chromium: until interactive", sorted(ready)[1] / 1000, "s", "at most 1"),
        Measured("  rows in the document", rows, "", "at most 60"),
    ]
