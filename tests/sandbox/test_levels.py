"""Which level is reached where, and that nothing runs where none is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import sandbox
from harness.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
LEVEL = "import json; from harness import sandbox; l = sandbox.level(); print(json.dumps([l.name, l.reason]))"
SYSTEM_PYTHON = "/usr/bin/python3"


def without(what: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.sandbox.without", what, *command], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_full_level_here() -> None:
    assert sandbox.level() == sandbox.Level("landlock+seccomp")


@pytest.mark.parametrize(("what", "said"), [("landlock", "Landlock"), ("seccomp", "seccomp")])
def test_without_it_nothing_runs_and_the_reason_says_so(what: str, said: str) -> None:
    name, reason = json.loads(without(what, sys.executable, "-c", LEVEL).stdout)
    assert name is None
    assert said in reason
    ran = without(what, sys.executable, "-c", "from harness import sandbox; sandbox.run('print(1)')")
    assert "SandboxError" in ran.stderr


@pytest.mark.parametrize("what", ["landlock", "seccomp"])
def test_without_it_a_program_runs_only_where_none_is_named(what: str, tmp_path: Path) -> None:
    program = tmp_path / "p.py"
    program.write_text("print('ran')")
    command = [sys.executable, "-m", "harness", "sandbox", str(program)]
    refused = without(what, *command)
    assert refused.returncode == 4
    assert "ran" not in refused.stdout
    named = without(what, *command, "--sandbox", "none")
    assert named.returncode == 0
    assert "ran" in named.stdout


def test_without_landlock_code_tasks_are_not_applicable_whatever_is_allowed(test_data: Path, tmp_path: Path) -> None:
    """With the reason, and the rest is asked."""
    answers = tmp_path / "a.jsonl"
    answers.write_text("")
    command = [
        sys.executable, "-m", "harness", "eval", f"file:{answers}", "--weights", "open", "--task", "gsm8k", "--task",
        "humaneval", "--limit", "3", "--data", str(test_data / "suites"), "--store", str(tmp_path / "st"),
        "--allow-code-execution",
    ]  # fmt: skip
    done = without("landlock", *command)
    assert done.returncode == 1
    assert "humaneval not applicable: programs cannot be confined here: Landlock" in done.stderr
    (receipt,) = (tmp_path / "st" / "runs").glob("*/receipt.json")
    assert list(json.loads(receipt.read_text())["not_applicable"]) == ["humaneval"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("namespaces", [True, False], ids=["with user namespaces", "without"])
def test_an_ordinary_user_reaches_the_same_level(namespaces: bool, tmp_path: Path) -> None:
    if not Path(SYSTEM_PYTHON).exists():
        pytest.skip("no Python that every user may run")
    open_folder = Path("/tmp") / f"opengap-test-{os.getpid()}"
    try:
        # A copy, since a checkout may lie where nobody may read.
        shutil.copytree(ROOT / "harness" / "sandbox", open_folder / "harness" / "sandbox")
        for part in ("__init__.py", "errors.py"):
            shutil.copyfile(ROOT / "harness" / part, open_folder / "harness" / part)
        subprocess.run(["chmod", "-R", "a+rX", str(open_folder)], check=True)
        become = (
            "import os, sys; os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534); "
            f"sys.path.insert(0, {str(open_folder)!r}); " + ("" if namespaces else _NO_NAMESPACES) + LEVEL
        )
        done = subprocess.run([SYSTEM_PYTHON, "-I", "-c", become], capture_output=True, text=True, check=False, cwd="/")
        assert json.loads(done.stdout) == ["landlock+seccomp", ""], done.stderr
    finally:
        shutil.rmtree(open_folder, ignore_errors=True)


_NO_NAMESPACES = (
    "import struct; from harness.sandbox import kernel; kernel.prctl(38, 1); u = 272 if kernel.MACHINE == 'x86_64' else 97; "
    "kernel.seccomp_install(b''.join(struct.pack('=HBBI', *one) for one in "
    "[(0x20, 0, 0, 0), (0x15, 0, 1, u), (6, 0, 0, 0x50001), (6, 0, 0, 0x7FFF0000)])); "
)


def test_the_choice_of_a_command_ends_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "p.py"
    program.write_text("print(1)")
    assert main(["sandbox", str(program), "--sandbox", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["level"] == "none"
    assert main(["sandbox", str(program), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["level"] == "landlock+seccomp"
