"""CONTRIBUTING.md works as written, in a copy of the tree; what it and docs/architecture.md name exists."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
HOUSE = (ROOT / "docs" / "architecture.md").read_text()
STEP = re.compile(
    r"<!-- (file|add to|insert into|run)(?:: (.+?))?(?:, behind: (.+?))? -->\n```\w+\n(.*?)```", re.DOTALL
)
CHAPTERS = {
    title: STEP.findall(body) for title, body in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)
}  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a checkout holds, with a command ``opengap`` that runs this copy."""
    copied = tmp_path_factory.mktemp("tree")
    for name in ("harness", "tasks", "configs"):
        shutil.copytree(ROOT / name, copied / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = copied / "bin" / "opengap"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m harness "$@"\n')
    command.chmod(0o755)
    return copied


def carry_out(tree: Path, kind: str, where: str, anchor: str, text: str) -> str:
    """One step of the guide; returns what a command printed."""
    if kind == "run":
        environment = os.environ | {
            "PATH": f"{tree / 'bin'}:{os.environ['PATH']}",
            "HF_HUB_OFFLINE": "1",
            "MY_HOST_KEY": "k",
        }
        done = subprocess.run(
            ["sh", "-eu", "-c", text],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    path = tree / where
    if kind == "file":
        assert not path.exists()
        assert path.parent.is_dir()
        path.write_text(text)
        return ""
    before = path.read_text()
    if kind == "add to":
        path.write_text(before + text)
        return ""
    lines = before.splitlines(keepends=True)
    (at,) = (number for number, line in enumerate(lines) if anchor in line)
    path.write_text("".join([*lines[: at + 1], text, *lines[at + 1 :]]))
    return ""


@pytest.mark.parametrize(
    ("chapter", "shown"),
    [
        ("A task", "sums: 0 items and the example, 0 failures"),
        ("A form", "sums: 0 items and the example, 0 failures"),
        ("A host, and an adapter", "100.0"),
        ("A format", "100.0"),
        ("A chart", "mine/report/counts.svg"),
    ],
)
def test_what_is_added_as_the_guide_says_works(copy: Path, chapter: str, shown: str) -> None:
    """Chapters build on one another, as their reader does."""
    steps = CHAPTERS[chapter]
    assert steps[-1][0] == "run"
    assert shown in "".join(carry_out(copy, *step) for step in steps)


def test_the_guide_is_short() -> None:
    steps = [step for chapter in CHAPTERS.values() for step in chapter]
    assert GUIDE.count("```") == 2 * len(steps), "every block is a step that is carried out"
    assert max(sum(bool(line) for line in text.splitlines()) for *_, text in steps) <= 10
    tree = GUIDE.split("## The tree")[1].split("##")[0]
    assert len(tree.splitlines()) <= 30
    assert max(map(len, tree.splitlines())) <= 125


def test_every_path_that_is_named_exists() -> None:
    made = {where for chapter in CHAPTERS.values() for kind, where, *_ in chapter if kind == "file"}
    told = re.sub(STEP, "", GUIDE) + HOUSE
    named = set(re.findall(r"\b(?:harness|tests|configs|tasks|docs)/[\w./-]*\w/?|\bCONTRIBUTING\.md", told)) - made
    assert len(named) > 30
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_way_of_one_answer_names_functions_that_are_there() -> None:
    way = re.findall(r"^\| (\d+) \| `([\w/.]+): (\w+)`", HOUSE, re.MULTILINE)
    assert [int(number) for number, *_ in way] == list(range(1, 11))
    for _, path, name in way:
        tree = ast.parse((ROOT / path).read_text())
        there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in there, f"{path} has no {name}"


def test_the_house_lists_the_rooms_that_everybody_may_import() -> None:
    from tests.test_architecture import LEAVES

    line = next(line for line in HOUSE.splitlines() if line.startswith("- Everybody may import"))
    assert set(re.findall(r"`(\w+)`", line)) == LEAVES
