"""The README's commands run, and what it names exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"<!-- executed by a test -->\n```(\w+)\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("kind", "text"), BLOCKS, ids=[text.split("\n")[0][:30] for _, text in BLOCKS])
def test_a_block_runs(kind: str, text: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}
    command = ["sh", "-eu", "-c", text] if kind == "sh" else [sys.executable, "-c", text]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "n" in done.stdout


def test_there_are_blocks_to_run() -> None:
    assert len(BLOCKS) >= 3


def test_every_command_and_option_named_exists() -> None:
    commands = {name for section in COMMANDS.values() for name in section}
    named = set(re.findall(r"^\s*(?:\.venv/bin/)?opengap ([a-z]+)", README, re.MULTILINE))
    assert named <= commands
    helps = {name: help_of(name) for name in commands}
    for line in re.findall(r"^\s*(?:\.venv/bin/)?opengap ([a-z]+ .*)$", README.replace("\\\n", " "), re.MULTILINE):
        name, _, rest = line.partition(" ")
        text = helps[name]
        if name == "import":
            text = help_of(name, rest.split()[0])
        for option in re.findall(r"(--[a-z-]+)", rest):
            assert option in text, f"{option} is no option of {name}"


def test_every_target_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^    )make ([a-z][a-z-]*)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def help_of(*names: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "harness", *names, "--help"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_help_of_a_command_opens_with_the_line_in_the_list() -> None:
    for section in COMMANDS.values():
        for name, (_, line) in section.items():
            assert line.rstrip(".") in re.sub(r"\s+", " ", help_of(name)), name
