"""Every solution that comes with HumanEval and MBPP passes through split grading, and a wrong one of each fails."""

from __future__ import annotations

import ast
import gzip
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import sandbox


def humaneval(data: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with gzip.open(data / "suites/humaneval/HumanEval.jsonl.gz") as lines:
        for row in map(json.loads, lines):
            yield (
                row["task_id"],
                {
                    "candidate": row["prompt"] + row["canonical_solution"], "entry_point": row["entry_point"],
                    "test": row["test"], "setup": row["prompt"] + "\n    pass\n",
                },
            )  # fmt: skip


def mbpp(data: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with open(data / "suites/mbpp/mbpp.jsonl") as lines:
        for row in map(json.loads, lines):
            called = {
                node.func.id
                for node in ast.walk(ast.parse(row["test_list"][0]))
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            }
            defined = re.findall(r"^def +(\w+)", row["code"], re.MULTILINE)
            asserts = "\n".join(f"    {line}" for line in row["test_list"])
            yield (
                str(row["task_id"]),
                {
                    "candidate": row["code"], "entry_point": next(n for n in reversed(defined) if n in called),
                    "test": f"{row['test_setup_code']}\ndef check(candidate):\n{asserts}\n".replace("\r", ""),
                },
            )  # fmt: skip


SUITES = {"humaneval": humaneval, "mbpp": mbpp}
COUNTS = {"humaneval": 164, "mbpp": 974}


@pytest.mark.parametrize("suite", ["humaneval", pytest.param("mbpp", marks=pytest.mark.slow)])
def test_all_solutions_pass_and_all_mutants_fail(suite: str, test_data: Path) -> None:
    wrong: list[tuple[str, str]] = []
    items = dict(SUITES[suite](test_data))
    for name, item in items.items():
        if not (verdict := sandbox.check(**item)).passed:  # type: ignore[arg-type]
            wrong.append((name, verdict.reason))
        for body in ("return None if arguments else 0", "return [arguments]"):
            mutant = f"{item['candidate']}\n\ndef {item['entry_point']}(*arguments, **named):\n    {body}\n"
            if sandbox.check(**{**item, "candidate": mutant}).passed:  # type: ignore[arg-type]
                wrong.append((name, "a mutant passes"))
    assert (len(items), wrong) == (COUNTS[suite], [])


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def memory_kb() -> int:
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def grandchildren() -> set[str]:
    """Processes below those that this one started; the sandbox's are its programs."""
    found: set[str] = set()
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        found.update(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return found


@pytest.mark.parametrize("programs", [100, pytest.param(10_000, marks=pytest.mark.long)])
def test_programs_leave_nothing_behind(programs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    sandbox.run("1")
    test = "def check(candidate):\n    assert candidate(1) == 2\n"
    for _ in range(20):
        sandbox.check(candidate="def f(x): return x + 1", test=test, entry_point="f")
    before, memory, there = descriptors(), memory_kb(), grandchildren()
    for number in range(programs // 2):
        sandbox.run(f"open('f', 'w').write('x'); print({number})")
        sandbox.check(candidate="def f(x):\n    open('g', 'w'); return x + 1", test=test, entry_point="f")
    assert descriptors() == before
    assert memory_kb() < memory + 8_000
    assert not [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()]
    # What other tests started lives on beside them.
    assert grandchildren() <= there
