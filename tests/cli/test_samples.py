"""``opengap samples``: answers that were not read, or were cut off, in the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.main import main


def test_unread_and_cut_off_answers_are_counted_and_shown_inert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("q.jsonl").write_text(
        "".join(json.dumps({"id": str(n), "input": "?", "target": "5"}) + "\n" for n in range(4))
    )
    told = [
        {"id": "0", "text": "Answer: 5"},
        {"id": "1", "text": "I am \x1b[31m not sure."},
        {"id": "2", "text": "Answer: 5", "status": "truncated"},
        {"id": "3", "text": "and then", "status": "truncated"},
    ]
    Path("a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in told))
    command = ["eval", "file:a.jsonl", "--items", "q.jsonl", "--scorer", "numeric", "--weights", "open", "--store", "s"]
    assert main(command) == 0
    capsys.readouterr()
    assert main(["samples", "--unparsed", "--store", "s"]) == 0
    shown = capsys.readouterr().out
    assert "item 1: ok, unread" in shown and "item 0" not in shown
    assert "I am \N{REPLACEMENT CHARACTER}[31m not sure." in shown
    assert main(["samples", "--truncated", "--store", "s", "--json"]) == 0
    assert [one["item_id"] for one in json.loads(capsys.readouterr().out)] == ["2", "3"]
    assert main(["runs", "--store", "s", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert (run["unread_percent"], run["truncated_percent"]) == (25.0, 50.0)
