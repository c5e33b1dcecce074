"""``opengap view`` in a real browser: a run is followed while it goes on, and its report is there once it is sealed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from harness.report.serve import Viewer, server
from harness.store import new_run
from tests.report.browsing import Visit
from tests.report.stores import unsealed_plan
from tests.servers import fault_server

HOSTILE = "</h2><img src=x onerror=window.broken=1><script>window.broken=1</script>\u202egnih\x1b[31m"
ITEMS, SECONDS = 24, 0.5


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "s").mkdir()
    with server(Viewer(tmp_path / "s", tmp_path / "s" / "report"), 0) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running.server_address[1]
        running.shutdown()
        thread.join()


def _evaluation(name: str, url: str, weights: str, tmp_path: Path) -> subprocess.Popen[bytes]:
    command = ["eval", f"server:{name}@{url}/v1", "--items", str(tmp_path / "<b>sums.jsonl"), "--scorer", "numeric"]
    command += ["--weights", weights, "--store", str(tmp_path / "s"), "--concurrency", "2"]
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def test_a_run_is_followed_until_its_report_is_there(browser: Browser, port: int, tmp_path: Path) -> None:
    lines = [json.dumps({"id": str(i), "input": f"{i} + 1?", "target": "4" if i % 3 else str(i)}) for i in range(ITEMS)]
    (tmp_path / "<b>sums.jsonl").write_text("\n".join(lines) + "\n")
    new_run(tmp_path / "s", unsealed_plan(f"x:{HOSTILE}", HOSTILE, 3))
    visit = Visit(browser.new_page())
    visit.page.set_default_timeout(30_000)
    live = f"http://127.0.0.1:{port}/live"
    with fault_server() as quick, fault_server("--latency", str(SECONDS)) as slow:
        assert _evaluation("done", quick.url, "closed", tmp_path).wait(120) == 0
        running = _evaluation("going", slow.url, "open", tmp_path)
        visit.page.goto(live)
        row = visit.page.get_by_role("listitem").filter(has_text="sums").locator(".n")
        part = re.compile(rf"^([1-9]|1\d) of {ITEMS}$")
        expect(row).to_have_text(part, timeout=60_000)
        first = int(part.search(row.inner_text()).group(1))  # type: ignore[union-attr]
        # The page follows by itself, without being loaded again: focus stays where it is.
        visit.page.get_by_role("link").focus()
        expect(row).to_have_text(re.compile(rf"^({'|'.join(str(i) for i in range(first + 1, ITEMS + 1))}) of {ITEMS}$"))
        assert "server:going" in visit.page.inner_text("body")
        assert visit.page.evaluate("document.activeElement.tagName") == "A"
        assert running.wait(120) == 0
    expect(row).to_have_count(0)
    text = visit.page.inner_text("body")
    assert "</h2><img src=x onerror=window.broken=1>" in text, "what a plan says is shown as text"
    assert not {"\u202e", "\x1b"} & set(text)
    assert visit.page.locator("img, main script").count() == 0
    visit.page.get_by_role("link", name="The report of all finished runs").click()
    visit.page.wait_for_selector("html[data-ready]", state="attached")
    assert "done" in visit.page.inner_text("#runs ~ div, #models ~ div")
    assert visit.page.evaluate("window.broken") is None
    assert visit.errors == []
    assert all(url.startswith(f"http://127.0.0.1:{port}/") for url in visit.requests)
    visit.page.close()
