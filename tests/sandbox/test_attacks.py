"""The attack suite: nothing succeeds, everything ends. A sample here; all of it under the marker ``long``."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from harness import sandbox
from tests.sandbox.attacks import EXHAUSTION, FORGERIES, PREAMBLE, SIDE_EFFECTS, TESTS

QUICK_FORGERIES = [name for index, name in enumerate(FORGERIES) if index % 6 == 0]
QUICK_EXHAUSTION = ("memory", "CPU", "files", "threads", "recursion", "output", "every signal ignored")


def marked(names: object, quick: object) -> list[object]:
    return [name if name in quick else pytest.param(name, marks=pytest.mark.long) for name in names]  # type: ignore[attr-defined, operator]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENGAP_TEST_SECRET", "secret")
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "key").write_text("secret")
    return folder


@pytest.mark.parametrize("name", SIDE_EFFECTS)
def test_no_side_effect_succeeds(name: str, home: Path) -> None:
    known = f"HOME, KEY, PARENTS = {str(home)!r}, 'OPENGAP_TEST_SECRET', {[os.getpid(), os.getppid()]}\n"
    outcome = sandbox.run(f"{PREAMBLE}{known}{SIDE_EFFECTS[name]}", limits=sandbox.Limits(cpu_s=2))
    assert b"WON" not in outcome.stdout + outcome.stderr
    assert b"SyntaxError" not in outcome.stderr
    assert b"NameError" not in outcome.stderr
    assert (home / "key").read_text() == "secret"
    assert [path.name for path in home.iterdir()] == ["key"]


@pytest.mark.parametrize("name", marked(EXHAUSTION, QUICK_EXHAUSTION))
def test_whatever_a_program_uses_up_it_ends(name: str) -> None:
    program, endings = EXHAUSTION[name]
    begun = time.monotonic()
    outcome = sandbox.run(program, limits=sandbox.Limits(cpu_s=1, memory_mb=512))
    assert outcome.ending in endings
    assert outcome.cpu_s < 3
    assert time.monotonic() - begun < 30
    assert len(outcome.stdout) + len(outcome.stderr) <= 32 << 20
    assert sandbox.run("import os; print(os.listdir())").stdout == b"[]\n"


@pytest.mark.parametrize("name", marked(FORGERIES, QUICK_FORGERIES))
def test_no_verdict_is_forged(name: str) -> None:
    for how, test in TESTS.items():
        verdict = sandbox.check(
            candidate=FORGERIES[name], test=test, entry_point="f", limits=sandbox.Limits(cpu_s=1, memory_mb=512)
        )
        assert not verdict.passed, how
        assert verdict.reason
