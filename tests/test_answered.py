"""A model that answers under another name than was asked, and a backend that changes, are told to the reader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from harness.answered import is_snapshot
from harness.cli.main import main
from harness.store import frame, list_runs, read_receipt
from harness.verdict import Store


@pytest.mark.parametrize(
    ("asked", "reported", "same"),
    [
        ("gpt-4.1", "gpt-4.1-2025-04-14", True),
        ("claude-opus-4-8", "Claude-Opus-4-8-20260501", True),
        ("mistral-large-latest", "mistral-large-2411", True),
        ("gemini-1.5-pro", "gemini-1.5-pro-002", True),
        ("org/my-model", "my-model", True),
        ("my-model", "/weights/my-model", True),
        ("gpt-5", "gpt-5-mini", False),
        ("gpt-4", "gpt-4.1", False),
        ("gpt-4", "gpt-4o", False),
        ("gpt-5.2", "gpt-4.1-2025-04-14", False),
    ],
)
def test_a_dated_name_is_the_model_that_was_asked_and_another_size_is_not(
    asked: str, reported: str, same: bool
) -> None:
    assert is_snapshot(asked, reported) is same


class _Replies(BaseHTTPRequestHandler):
    """Chat completions; the model's name and the fingerprint come from the question."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name, _, fingerprint = body["messages"][-1]["content"].partition(" ")
        message = {"role": "assistant", "content": "4"}
        self._reply(
            {
                "model": name,
                "system_fingerprint": fingerprint,
                "choices": [{"message": message, "finish_reason": "stop"}],
            }
        )

    def do_GET(self) -> None:
        self._reply({"data": []})

    def _reply(self, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Replies)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def asked(url: str, tmp_path: Path, says: list[str], name: str = "big-1") -> list[str]:
    items = tmp_path / "mine.jsonl"
    items.write_text(
        "".join(json.dumps({"id": str(n), "input": one, "target": "4"}) + "\n" for n, one in enumerate(says))
    )
    return ["eval", f"server:{name}@{url}", "--items", str(items), "--store", str(tmp_path / "st")]


def test_another_model_and_a_changed_backend_reach_rows_receipt_table_and_gap(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    says = ["big-1 fp_a", "big-1 fp_a", "big-1-mini fp_b", "big-1 fp_a"]
    command = asked(url, tmp_path, says)
    assert main([*command, "--weights", "closed"]) == 0
    told = capsys.readouterr().out
    assert "big-1 was asked, and another model may have answered (rows by reported name: big-1-mini 1)" in told
    assert "not all rows come from one model (rows by reported name: big-1 3, big-1-mini 1)" in told
    assert "the backend changed while it was asked (rows by fingerprint: fp_a 3, fp_b 1)" in told
    [run] = list_runs(tmp_path / "st")
    receipt = read_receipt(run)
    assert receipt.reported_models == {"big-1": 3, "big-1-mini": 1}
    assert receipt.fingerprints == {"fp_a": 3, "fp_b": 1}
    rows = frame([run], ("item_id", "reported_model", "fingerprint")).sort_values("item_id")
    assert list(rows["reported_model"] + " " + rows["fingerprint"]) == says
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"item_id": str(n), "text": "5"}) + "\n" for n in range(4)))
    items = command[2:]
    assert main(["eval", f"file:{tmp_path / 'a.jsonl'}", "--weights", "open", *items]) == 0
    [row] = Store(tmp_path / "st").gap()
    assert any("another model may have answered" in line for line in row.warnings)


def test_a_dated_snapshot_is_recorded_and_not_warned_of(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*asked(url, tmp_path, ["big-1-2026-05-01 fp"] * 3), "--weights", "closed"]) == 0
    assert "another model" not in capsys.readouterr().out
    [run] = list_runs(tmp_path / "st")
    assert read_receipt(run).reported_models == {"big-1-2026-05-01": 3}
