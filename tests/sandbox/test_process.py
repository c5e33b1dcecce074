"""What the process sandbox stops, and that stopping it is a verdict."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from harness import sandbox

TEST = "def check(candidate):\n    assert candidate(1) == 2\n"


def run(candidate: str, cpu_limit_s: float = 2) -> sandbox.Verdict:
    return sandbox.check(candidate=candidate, test=TEST, entry_point="f", cpu_limit_s=cpu_limit_s)


def test_right_and_wrong() -> None:
    assert run("def f(x):\n    return x + 1").passed
    wrong = run("def f(x):\n    return x")
    assert not wrong.passed
    assert "AssertionError" in wrong.reason


@pytest.mark.parametrize(
    "candidate",
    [
        "def f(x):\n    while True: pass",
        "import os\nos._exit(0)",
        "import sys\nsys.exit(0)",
        "def f(x):\n    return [0] * 10**10",
        "def f(x)\n    return 1",
        "raise SystemExit",
        "g = 1",
        "import os\nos.kill(os.getpid(), 9)",
        "def f(x):\n    open('big', 'wb').write(b'0' * (1 << 28))\n    return 2",
        "import sys\nwhile True: sys.stdout.write('x' * 100000)",
        "\ud800",
    ],
)
def test_whatever_goes_wrong_is_a_verdict(candidate: str) -> None:
    assert not run(candidate, cpu_limit_s=1).passed


def test_no_key_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert run("import os\ndef f(x):\n    return 2 if 'OPENAI_API_KEY' not in os.environ else 0").passed


def test_it_works_in_a_folder_of_its_own_that_is_gone_afterwards(tmp_path: Path) -> None:
    marker = tmp_path / "cwd.txt"
    code = f"import os\nopen({str(marker)!r}, 'w').write(os.getcwd())\ndef f(x):\n    open('here', 'w').close()\n    return 2"
    assert run(code).passed
    assert not os.path.exists(marker.read_text())


def test_a_child_left_behind_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (
        f"import subprocess\np = subprocess.Popen(['sleep', '60'])\nopen({str(pid)!r}, 'w').write(str(p.pid))\n"
        "def f(x):\n    return 2"
    )
    assert run(code).passed
    try:
        descriptor = os.pidfd_open(int(pid.read_text()))
    except ProcessLookupError:
        return
    with open(descriptor, "rb", buffering=0) as handle:
        # Readable once the process has ended; a process that was not killed would sleep for a minute.
        assert select.select([handle], [], [], 20)[0]
