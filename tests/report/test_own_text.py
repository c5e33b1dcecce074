"""Texts of own questions are shown to whoever asks for them, and texts that are not what was answered to nobody."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

import pytest

from harness.asking import evaluate
from harness.cli.main import main
from harness.report.facts import gather
from harness.report.samples import samples
from harness.store import list_runs
from tests.asking.test_evaluate import answers, items


@pytest.fixture
def store(tmp_path: Path) -> Path:
    file = items(tmp_path / "mine.jsonl", 20)
    for name, weights in (("a", "closed"), ("b", "open")):
        said = answers(tmp_path / f"{name}.jsonl", {str(i): f"{name} says {i}" for i in range(20)})
        evaluate(said, items=file, scorer="numeric", weights=weights, store=tmp_path / "st")
    return tmp_path / "st"


def texts(store: Path, *, own_text: bool) -> str:
    found = samples(gather(store), own_text=own_text)
    return "".join(zlib.decompress(base64.b64decode(block)).decode() for block in found.blocks)


def test_own_questions_are_shown_on_request_alone(store: Path) -> None:
    wanted = ("case 7: what is 2 + 2?", "a says 7", "b says 7")
    hidden, shown = texts(store, own_text=False), texts(store, own_text=True)
    assert not [text for text in wanted if text in hidden]
    assert not [text for text in wanted if text not in shown]


def test_the_command_asks_for_them(store: Path) -> None:
    page = store / "report" / "index.html"
    assert main(["report", "--store", str(store)]) == 0
    without = page.stat().st_size
    assert main(["report", "--store", str(store), "--own-text"]) == 0
    assert page.stat().st_size > without


def test_changed_texts_are_named_and_not_shown(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = sorted(list_runs(store), key=lambda run: b'"closed"' not in run.receipt.read_bytes())
    one.text.write_bytes(other.text.read_bytes())
    assert main(["report", "--store", str(store)]) == 0
    assert f"{one.run_id}: its texts are not shown: text.parquet is not what was sealed" in capsys.readouterr().err
    shown = texts(store, own_text=True)
    assert "b says 7" in shown
    assert "a says 7" not in shown
    other.text.unlink()
    assert "says" not in texts(store, own_text=True)
