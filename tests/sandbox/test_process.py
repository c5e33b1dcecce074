"""Programs get a verdict whatever they do, and what is right passes."""

from __future__ import annotations

import pytest

from harness import sandbox

TEST = "def check(candidate):\n    assert candidate(1) == 2\n"
BOTH = pytest.mark.parametrize("split", [True, False], ids=["split", "whole"])


def judged(candidate: str | bytes, test: str = TEST, split: bool = True, cpu_s: float = 1) -> sandbox.Verdict:
    return sandbox.check(
        candidate=candidate, test=test, entry_point="f", split=split, limits=sandbox.Limits(cpu_s=cpu_s, memory_mb=512)
    )


@BOTH
def test_right_and_wrong(split: bool) -> None:
    assert judged("def f(x):\n    return x + 1", split=split).passed
    wrong = judged("def f(x):\n    return x", split=split)
    assert (wrong.passed, wrong.reason) == (False, "AssertionError")


@BOTH
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
        "\0" * 100,
        "x = '" + "a" * (10 << 20) + "'",
        "",
    ],
    ids=range(14),
)
def test_whatever_goes_wrong_is_a_verdict_with_a_reason(candidate: str, split: bool) -> None:
    verdict = judged(candidate, split=split)
    assert not verdict.passed
    assert verdict.reason


def test_a_program_reads_its_input_and_its_output_is_compared_outside() -> None:
    outcome = sandbox.run("print(sum(map(int, input().split())))", stdin="2 3\n")
    assert (outcome.ok, outcome.stdout, outcome.stderr) == (True, b"5\n", b"")


@pytest.mark.parametrize(
    ("program", "code", "error"),
    [
        ("raise ValueError('no')", 1, "ValueError: no"),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('bad')", 1, "bad"),
        ("f(", 1, "SyntaxError"),
        ("import atexit; atexit.register(print, 'last')", 0, ""),
    ],
)
def test_a_program_ends_as_python_would_end_it(program: str, code: int, error: str) -> None:
    outcome = sandbox.run(program)
    assert (outcome.ending, outcome.code) == ("exited", code)
    assert error in outcome.stderr.decode()


def test_a_call_brings_a_value_or_what_was_raised() -> None:
    assert sandbox.call("def f(*a, **n): return a, n", "f", [1, "x"], {"k": [2.5]}) == ((1, "x"), {"k": [2.5]})
    with pytest.raises(ZeroDivisionError):
        sandbox.call("def f(): return 1 / 0", "f")
    with pytest.raises(sandbox.Fault, match="CPU limit"):
        sandbox.call("def f():\n    while True: pass", "f", limits=sandbox.Limits(cpu_s=0.2))
