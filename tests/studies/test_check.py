"""``opengap check``: a run against the one before it, and the exit codes of verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.cli.outcome import exit_code
from tests.verdict.stores import Task, write_run

WEEKS = [f"2026-03-{day:02d}T10:00:00+00:00" for day in (1, 8, 15)]
MODEL = "server:model@http://127.0.0.1:1/v1"


def right(n: int, share: float, seed: int = 0) -> list[float | None]:
    """``share`` of n answers right, spread evenly; another seed moves which."""
    return [float(((i * 7919 + seed * 104729) % n) < share * n) for i in range(n)]


def week(store: Path, number: int, *, system: str = MODEL, weights: str = "closed", **tasks: Task) -> str:
    run = write_run(store, system, weights, tasks, started=WEEKS[number])  # type: ignore[arg-type]
    return run.run_id


def checked(store: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["check", "--store", str(store), "--json", *arguments])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == code
    return code, found


def test_the_first_run_says_that_it_is_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    week(tmp_path, 0, t=Task(right(400, 0.8)))
    assert main(["check", "--store", str(tmp_path)]) == 0
    assert "no earlier run, so there is nothing to check" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("before", "now", "n", "code", "verdict", "moved"),
    [
        (0.80, 0.80, 2000, 0, "not worse by the margin", "equivalent"),
        (0.60, 0.80, 400, 0, "not worse by the margin", "closed leads"),
        (0.80, 0.60, 400, 5, "worse by more than the margin", "open leads"),
        (0.80, 0.75, 60, 6, "undecided", "undecided"),
        (0.80, 0.77, 4000, 6, "undecided", "open leads"),
    ],
)
def test_the_exit_code_says_what_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
    before: float, now: float, n: int, code: int, verdict: str, moved: str,
) -> None:  # fmt: skip
    old = week(tmp_path, 0, t=Task(right(n, before)))
    new = week(tmp_path, 1, t=Task(right(n, now)))
    found_code, found = checked(tmp_path, capsys)
    (change,) = found["changes"]
    assert (found_code, change["verdict"], change["moved"]) == (code, verdict, moved)
    assert (change["run"], change["before"], change["n"]) == (new, old, n)
    assert change["change"] == pytest.approx(100 * (now - before), abs=0.3), "positive: the newer run is better"
    assert checked(tmp_path, capsys, "--allow-undecided")[0] == (0 if code == 6 else code)


def test_a_larger_margin_forgives_a_loss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    week(tmp_path, 0, t=Task(right(2000, 0.80)))
    week(tmp_path, 1, t=Task(right(2000, 0.76)))
    assert checked(tmp_path, capsys, "--margin", "2")[0] == 5
    assert checked(tmp_path, capsys, "--margin", "8")[0] == 0


def test_unanswered_items_yield_to_a_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1 for a missing answer; 5 where a loss is shown all the same, 6 where too many are missing to decide."""
    lost: list[float | None] = [None]
    week(tmp_path / "same", 0, t=Task(right(2000, 0.8)))
    week(tmp_path / "same", 1, t=Task(right(2000, 0.8)[:-1] + lost))
    assert checked(tmp_path / "same", capsys)[0] == 1
    week(tmp_path / "worse", 0, t=Task(right(2000, 0.8)))
    week(tmp_path / "worse", 1, t=Task(right(2000, 0.4)[:-1] + lost))
    assert checked(tmp_path / "worse", capsys)[0] == 5
    week(tmp_path / "many", 0, t=Task(right(2000, 0.8)))
    week(tmp_path / "many", 1, t=Task(right(2000, 0.8)[:-60] + 60 * lost))
    assert checked(tmp_path / "many", capsys)[0] == 6
    assert checked(tmp_path / "many", capsys, "--allow-undecided")[0] == 1


def test_the_newest_run_that_compares_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run with fewer items, or of another version, lies between two that compare."""
    old = week(tmp_path, 0, t=Task(right(2000, 0.8)))
    week(tmp_path, 1, t=Task(right(100, 0.2)))
    week(tmp_path, 2, t=Task(right(2000, 0.8)))
    code, found = checked(tmp_path, capsys)
    assert (code, found["changes"][0]["before"]) == (0, old)


def test_a_change_of_the_items_is_said_and_is_no_regression(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = week(tmp_path, 0, t=Task(right(400, 0.9)))
    new = week(tmp_path, 1, t=Task(right(400, 0.1), version=2, content="other"))
    code, found = checked(tmp_path, capsys)
    (alone,) = found["alone"]
    assert (code, found["changes"], alone["run"]) == (0, [], new)
    assert any("task version" in line for line in alone["why"])
    assert main(["check", "--store", str(tmp_path), "--against", old]) == 4
    assert "do not compare" in capsys.readouterr().err


def test_a_new_scoring_is_no_earlier_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rescored run starts when its answers did, so it is not the run before them."""
    week(tmp_path, 0, t=Task(right(400, 0.9)))
    week(tmp_path, 0, t=Task(right(400, 0.2)))
    code, found = checked(tmp_path, capsys)
    assert (code, found["changes"], len(found["alone"])) == (0, [], 1)


def test_other_systems_and_protocols_are_not_held_against_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    week(tmp_path, 0, system="another", t=Task(right(400, 0.9)))
    write_run(tmp_path, MODEL, "closed", {"t": Task(right(400, 0.9))}, started=WEEKS[0], protocol="as-recommended")
    week(tmp_path, 1, t=Task(right(400, 0.2)))
    code, found = checked(tmp_path, capsys)
    assert (code, found["changes"]) == (0, [])


def test_nothing_answered_in_both_is_undecided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    week(tmp_path, 0, t=Task([None] * 20 + [1.0] * 20))
    week(tmp_path, 1, t=Task([1.0] * 20 + [None] * 20))
    code, found = checked(tmp_path, capsys)
    assert (code, found["alone"][0]["undecided"]) == (6, True)


def test_a_damaged_run_is_passed_over_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = week(tmp_path, 0, t=Task(right(2000, 0.8)))
    broken = week(tmp_path, 1, t=Task(right(2000, 0.1)))
    (tmp_path / "runs" / broken / "scores.parquet").unlink()
    week(tmp_path, 2, t=Task(right(2000, 0.8)))
    code, found = checked(tmp_path, capsys)
    assert (code, found["changes"][0]["before"]) == (0, old)
    assert any(broken in note for note in found["notes"])
    assert main(["check", broken, "--store", str(tmp_path)]) == 4


def test_gaps_and_costs_stand_in_the_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    week(tmp_path, 0, t=Task(right(400, 0.9)))
    new = week(tmp_path, 1, t=Task(right(400, 0.9)))
    week(tmp_path, 0, system="o|pen`<b>", weights="open_weights", t=Task(right(400, 0.5)))
    assert main(["check", new, "--store", str(tmp_path), "--markdown"]) == 0
    out = capsys.readouterr().out
    assert "| `reasoning` | `" in out
    assert "| closed leads |" in out
    assert f"- `{new}`: cost unknown" in out
    assert "`o¦pen'<b>`" in out, "text from outside stands in code spans and breaks no table"
    assert main(["check", "latest", "--store", str(tmp_path)]) == 0
    plain = capsys.readouterr().out
    assert "gap in reasoning" in plain
    assert max(len(line) for line in plain.splitlines()) <= 80


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--margin", "0"], 2, "--margin"),
        (["--json", "--markdown"], 2, "exclude each other"),
        (["20990101"], 2, "unknown sealed run"),
    ],
)
def test_wrong_usage_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    week(tmp_path, 0, t=Task(right(40, 0.9)))
    assert main(["check", "--store", str(tmp_path), *arguments]) == code
    assert says in capsys.readouterr().err
    assert main(["check", "--store", str(tmp_path / "none")]) == 4


def test_an_empty_store_says_how_to_make_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--store", str(tmp_path)]) == 2
    assert "`opengap eval` makes one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verdicts", "fail_on", "allowed", "code"),
    [
        ([], ("open leads",), False, 0),
        (["closed leads", "equivalent"], ("open leads",), False, 0),
        (["undecided", "open leads"], ("open leads",), False, 5),
        (["undecided", "closed leads"], ("open leads",), False, 6),
        (["undecided", "closed leads"], ("open leads",), True, 0),
        (["undecided"], ("undecided",), False, 5),
    ],
)
def test_a_verdict_that_was_to_fail_goes_before_an_undecided_one(
    verdicts: list[str], fail_on: tuple[str, ...], allowed: bool, code: int
) -> None:
    assert exit_code(verdicts, fail_on, allow_undecided=allowed) == code
    assert exit_code(verdicts, fail_on, allow_undecided=allowed, otherwise=1) == (code or 1)


@pytest.mark.parametrize("command", ["gap", "report"])
def test_fail_on_reads_the_verdicts_of_all_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Closed leads in reasoning; twenty items of coding decide nothing."""
    for name, weights, share in (("c", "closed", 0.9), ("o", "open_weights", 0.5)):
        tasks = {"t": Task(right(400, share)), "u": Task(right(20, 0.5, len(name)), dimension="coding")}
        write_run(tmp_path, name, weights, tasks)  # type: ignore[arg-type]
    where = [command, "--store", str(tmp_path)]
    assert main(where) == 0
    assert main([*where, "--fail-on", "closed leads"]) == 5
    assert main([*where, "--fail-on", "open leads"]) == 6
    assert main([*where, "--fail-on", "open leads", "--fail-on", "equivalent", "--allow-undecided"]) == 0
    capsys.readouterr()
    assert main([*where, "--allow-undecided"]) == 2
    assert "--allow-undecided goes with --fail-on" in capsys.readouterr().err
    assert main([*where, "--fail-on", "undecided", "--allow-undecided"]) == 2
    assert main([*where, "--fail-on", "closed led"]) == 2
