"""``opengap view``: a real server on loopback, asked as a browser would and as an attacker might."""

from __future__ import annotations

import dataclasses
import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.exchange.published import write_published
from harness.report.make import folder_for
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


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.csv",
        "/%2e%2e/secret.csv",
        "//etc/passwd",
        "/samples/../../secret.csv",
        "/..%2fsecret.csv",
        "/none.png",
    ],
)
def test_nothing_outside_the_report_is_served(store: Path, port: int, path: str) -> None:
    (store / "secret.csv").write_text("secret")
    (store / "report").mkdir()
    status, body, _ = _get(port, path)
    assert status == 404
    assert "secret" not in body.replace("secret.csv", "")


def test_nothing_is_served_that_this_process_did_not_write(store: Path, port: int) -> None:
    """A foreign store comes with a page, a file and a link of its own in the report's folder."""
    (store / "secret.txt").write_text("secret")
    (store / "report").mkdir()
    (store / "report" / "index.html").write_text("<script src=//example.com></script>secret")
    (store / "report" / "extra.json").write_text("secret")
    (store / "report" / "gap.png").symlink_to(store / "secret.txt")
    (store / "report" / "samples").symlink_to(store)
    write_run(store, "o", "open_weights", {"t": Answers(alternating(40, 0.5))})
    for path in ("/gap.png", "/extra.json", "/samples/secret.txt"):
        assert _get(port, path)[0] == 404
    status, body, headers = _get(port, "/")
    assert status == 200
    assert "secret" not in body
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.endswith("; frame-ancestors 'none'")
    assert "unsafe" not in policy
    for path in ("/extra.json", "/samples/secret.txt", "/summary.txt"):
        assert _get(port, path)[0] == 404
    assert _get(port, "/gap.png")[1].startswith("\ufffdPNG")
    # What takes the place of a file afterwards is not served either.
    (store / "report" / "gaps.csv").unlink()
    (store / "report" / "gaps.csv").symlink_to(store / "secret.txt")
    assert _get(port, "/gaps.csv")[0] == 404
    assert (store / "secret.txt").read_text() == "secret"


def test_a_report_that_cannot_be_made_says_so_in_place_of_the_old_one_and_is_tried_again(
    store: Path, port: int
) -> None:
    write_run(store, "o", "open_weights", {"t": Answers(alternating(40, 0.5))})
    assert "Closed leads in reasoning" in _get(port, "/")[1]
    later = write_run(store, "o2", "open_weights", {"t": Answers(alternating(40, 0.8))})
    whole = later.scores.read_bytes()
    later.scores.write_bytes(b"junk")
    body = _get(port, "/")[1]
    assert "The report could not be made: cannot read" in body
    assert "Closed leads" not in body
    assert _get(port, "/gap.png")[0] == 404
    later.scores.write_bytes(whole)
    assert "o2" in _get(port, "/")[1]


def test_the_report_of_a_store_does_not_follow_a_link_out_of_it(store: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (store / "report").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a link: give the folder that is meant by --out"):
        folder_for(store, None)
    assert folder_for(store, str(store / "report")) == store / "report"


def test_other_hosts_are_refused(port: int) -> None:
    assert _get(port, "/", host="rebound.example.com")[0] == 403


def test_a_port_that_is_taken_is_one_message(store: Path, port: int) -> None:
    with pytest.raises(StoreError, match="give --port another one"):
        server(Viewer(store, store / "report"), port)


def test_published_scores_alone_are_served_and_a_newer_table_is_noticed(store: Path, port: int) -> None:
    rows = [
        PublishedScore("Exam", model, value, "percent", "x", weights=weights)  # type: ignore[arg-type]
        for model, value, weights in (("c", 50.0, "closed"), ("o", 40.0, "open_weights"))
    ]
    assert "Nothing to compare yet" in _get(port, "/")[1]
    write_published(store, rows)
    assert (
        "Published scores, one source: the best closed model is ahead in 1, the best open one in 0"
        in _get(port, "/")[1]
    )
    write_published(store, [rows[0], dataclasses.replace(rows[1], value=60.0)])
    assert "the best closed model is ahead in 0, the best open one in 1" in _get(port, "/")[1]
