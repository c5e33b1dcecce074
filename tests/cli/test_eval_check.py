"""``opengap eval --check``: names are looked up where no engine is installed, and nothing else happens."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from harness.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["typo"], "unknown model 'typo'"),
        (["qwen3-8b", "typo"], "unknown model 'typo'"),
        (["qwen3-8b", "--suite", "reasonin"], "unknown suite 'reasonin': did you mean reasoning"),
        (["qwen3-8b", "--task", "gsm9k"], "unknown task 'gsm9k': did you mean gsm8k?"),
        (["qwen3-8b", "--protocol", "matchd"], "unknown protocol 'matchd'"),
        (["qwen3-8b", "--items", "mine.jsonl"], "there is no file 'mine.jsonl'"),
        (["some/model"], "--weights"),
    ],
)
def test_what_does_not_exist_is_one_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", *arguments, "--check"]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 1


def test_an_open_model_is_known_where_no_engine_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["eval", "qwen3-8b", "--check"]) == 0
    assert main(["eval", "some/model", "--weights", "open", "--check"]) == 0
    assert main(["eval", "qwen3-8b", "--task", "gsm8k"]) == 2
    assert not Path("results").exists()
