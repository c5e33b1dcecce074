"""Files that other tools and people write, each with its command and what must come of it (see the cases' README)."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from harness.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
CASES = Path(ROOT, os.environ.get("OPENGAP_TEST_DATA", "../shared/data")).resolve().parent / "cases"


def cases() -> list[dict[str, Any]]:
    path = CASES / "files.jsonl"
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if path.is_file()
        else []
    )


@pytest.fixture(scope="module")
def judge() -> ModuleType:
    """The cases' own judge."""
    spec = importlib.util.spec_from_file_location("run_files", CASES / "run_files.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands(line: str) -> Iterator[tuple[list[str], str | None]]:
    """The commands of a line that go on while all is well, and the file that takes an output."""
    for part in line.split(" && "):
        command, _, target = part.partition(" > ")
        yield shlex.split(command)[1:], target or None


@pytest.mark.skipif(not cases(), reason="no cases beside OPENGAP_TEST_DATA")
@pytest.mark.parametrize("case", cases(), ids=lambda case: str(case["id"]))
def test_a_file_comes_out_as_it_must(case: dict[str, Any], judge: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    work = Path.cwd() / "w"
    shutil.copytree(CASES / case["path"], work, copy_function=shutil.copyfile)
    for folder, _, _ in os.walk(work):
        os.chmod(folder, 0o755)
    monkeypatch.chdir(work)
    out, err, code = io.StringIO(), io.StringIO(), 0
    for arguments, target in commands(case["command"]):
        taken = io.StringIO() if target else out
        with contextlib.redirect_stdout(taken), contextlib.redirect_stderr(err):
            code = main(arguments)
        if target:
            Path(target).write_text(taken.getvalue())
        if code:
            break
    done = SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue(), asked=judge.asked(str(work)))
    rows = [one for document in judge.documents(done.stdout) for one in judge.dicts(document)]
    scores = {one["system"]: one for one in rows if {"system", "score", "n"} <= set(one)}
    gaps = [one for one in rows if {"gap", "verdict"} <= set(one)]
    wrong = judge.judge(case["expect"], done, scores, gaps)
    if wrong and case.get("or"):
        wrong = judge.judge(case["or"], done, scores, gaps) and wrong
    assert not wrong, f"{case['right']}: {wrong}; {judge.summary(done, scores, gaps)}"
