"""``opengap view``: a real server on loopback, asked as a browser would and as an attacker might."""

from __future__ import annotations

import dataclasses
import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.importers.published import write_published
from harness.report.serve import Viewer, progress, server
from harness.store import Journal, new_run
from harness.types import Completion, Entry, PublishedScore
from tests.report.stores import Answers, alternating, unsealed_plan, write_run


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write_run(tmp_path / "s", "c", "closed", {"t": Answers(alternating(40, 0.9))})
    return tmp_path / "s"


@pytest.fixture
def port(store: Path) -> Iterator[int]:
    with server(Viewer(store, store / "report"), 0) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running.server_address[1]
        running.shutdown()
        thread.join()


def _get(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", f"{host}:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, body, dict(answer.getheaders())


def test_without_a_gap_the_page_says_so_and_the_report_appears_when_a_run_is_sealed(store: Path, port: int) -> None:
    status, body, headers = _get(port, "/")
    assert status == 200
    assert "Nothing to compare yet" in body
    assert "only the closed side has results" in body
    assert '<a href="/live">Runs under way</a>' in body
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    write_run(store, "o", "open_weights", {"t": Answers(alternating(40, 0.5))})
    status, body, headers = _get(port, "/")
    assert "Closed leads in reasoning" in body
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert _get(port, "/gap.png")[2]["Content-Type"] == "image/png"


def test_a_run_that_goes_on_is_followed_through_its_journal(store: Path, port: int) -> None:
    run = new_run(store, unsealed_plan("o<b>", "t", 40))
    journal = Journal(run.journal)
    for i in range(3):
        status = "unanswered" if i == 2 else "ok"
        journal.append(Entry("t", f"item-{i:05d}", 0, str(i), Completion(status, "x"), "2026-03-01T10:00:00Z"))  # type: ignore[arg-type]
    body = _get(port, "/live")[1]
    assert "2 of 40, 1 unanswered" in body
    assert "o&lt;b&gt;" in body
    journal.append(Entry("t", "item-00003", 0, "3", Completion("ok", "x"), "2026-03-01T10:00:01Z"))
    journal.close()
    assert "3 of 40, 1 unanswered" in _get(port, "/live")[1]


def test_a_damaged_run_is_named(store: Path) -> None:
    run = new_run(store, unsealed_plan("o", "t", 40))
    run.plan.write_text("{")
    (found,) = progress(store)
    assert "cannot read" in found["problem"]


@pytest.mark.parametrize("path", ["/../secret.csv", "/%2e%2e/secret.csv", "//etc/passwd", "/samples/../../secret.csv", "/..%2fsecret.csv", "/none.png"])
def test_nothing_outside_the_report_is_served(store: Path, port: int, path: str) -> None:
    (store / "secret.csv").write_text("secret")
    (store / "report").mkdir()
    status, body, _ = _get(port, path)
    assert status == 404
    assert "secret" not in body.replace("secret.csv", "")


def test_other_hosts_are_refused(port: int) -> None:
    assert _get(port, "/", host="rebound.example.com")[0] == 403


def test_a_port_that_is_taken_is_one_message(store: Path, port: int) -> None:
    with pytest.raises(StoreError, match="give --port another one"):
        server(Viewer(store, store / "report"), port)


def test_published_scores_alone_are_served_and_a_newer_table_is_noticed(store: Path, port: int) -> None:
    rows = [PublishedScore("Exam", model, value, "percent", "x", weights=weights) for model, value, weights in (("c", 50.0, "closed"), ("o", 40.0, "open_weights"))]  # type: ignore[arg-type]
    assert "Nothing to compare yet" in _get(port, "/")[1]
    write_published(store, rows)
    assert "Published scores, one source: the best closed model is ahead in 1, the best open one in 0" in _get(port, "/")[1]
    write_published(store, [rows[0], dataclasses.replace(rows[1], value=60.0)])
    assert "the best closed model is ahead in 0, the best open one in 1" in _get(port, "/")[1]
