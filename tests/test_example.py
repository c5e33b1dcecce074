"""The example that the README opens with is what its command makes today."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "results" / "example"
ROW = re.compile(
    r"^\| `(?P<name>[^`]+)` \| (?P<numbers>[^|]+\|[^|]+\|[^|]+\|[^|]+\|[^|]+)\| (?P<verdict>[a-z ]+)", re.MULTILINE
)


def _rows(summary: str) -> dict[str, tuple[str, str]]:
    """Numbers and verdict by row; not its reasons, whose wording may change."""
    return {found["name"]: (found["numbers"], found["verdict"].strip()) for found in ROW.finditer(summary)}


def test_the_numbers_shown_are_those_that_the_command_makes(test_data: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "OPENGAP_TEST_DATA": str(test_data)}
    command = [sys.executable, str(EXAMPLE / "make.py"), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kept = _rows((EXAMPLE / "summary.md").read_text())
    assert kept == _rows((tmp_path / "summary.md").read_text()), "run `make example`"
    assert kept["all subjects"] == ("72.5 | 62.7 | +9.9 | [7.1, 12.6] | 2,130 ", "closed leads")
    assert (tmp_path / "gap.png").stat().st_size > 50_000


def test_no_answer_is_kept_beside_the_picture() -> None:
    assert sorted(path.name for path in EXAMPLE.iterdir()) == ["README.md", "gap.png", "make.py", "summary.md"]


def test_without_the_stored_answers_the_command_says_what_it_needs(tmp_path: Path) -> None:
    environment = {**os.environ, "OPENGAP_TEST_DATA": str(tmp_path)}
    command = [sys.executable, str(EXAMPLE / "make.py"), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"no stored answers in {tmp_path}: set OPENGAP_TEST_DATA")
