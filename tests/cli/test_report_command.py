"""``opengap report`` as a user meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from tests.report.stores import Answers, alternating, write_run


def test_report_writes_its_files_and_prints_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path, "c", "closed", {"t": Answers(alternating(40, 0.9))})
    write_run(tmp_path, "o", "open_weights", {"t": Answers(alternating(40, 0.5))})
    assert main(["report", "--store", str(tmp_path)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert str(tmp_path / "report" / "gap.png") in printed
    assert all(Path(line).is_file() for line in printed)
    assert main(["report", "--store", str(tmp_path), "--out", str(tmp_path / "elsewhere")]) == 0
    assert (tmp_path / "elsewhere" / "gap.svg").is_file()


def test_one_side_alone_says_what_is_missing_there_and_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path, "o\x1b[2J", "open_weights", {"t": Answers([1.0, 0.0])})
    assert main(["report", "--store", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "only the open side has results" in said.err
    assert "\x1b" not in said.err
    text = (tmp_path / "report" / "index.html").read_text()
    assert "Nothing to compare yet: only open models have been asked" in text
    assert "only the open side has results" in text
    assert "\x1b" not in text


def test_no_store_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--store", str(tmp_path / "none")]) == 4
    assert "opengap eval" in capsys.readouterr().err


def test_an_unwritable_folder_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path, "c", "closed", {"t": Answers([1.0, 0.0, 1.0])})
    write_run(tmp_path, "o", "open_weights", {"t": Answers([1.0, 1.0, 0.0])})
    (tmp_path / "file").write_text("in the way")
    assert main(["report", "--store", str(tmp_path), "--out", str(tmp_path / "file" / "x")]) == 4
    assert "give --out a writable folder" in capsys.readouterr().err
