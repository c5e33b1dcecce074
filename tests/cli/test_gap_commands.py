"""`gap`, `import`, `export`, `power` as a person types them: widths, exit codes, hostile names, other programs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.verdict import Store
from tests.verdict.stores import Task, write_run

LONG = "an-organisation-with-a-long-name/a-model-with-an-even-longer-name-instruct-2026-01-31"
HOSTILE = '=HYPERLINK("http://x")\x1b[31m\u202e<script>'


@pytest.fixture
def store(tmp_path: Path) -> str:
    for name, weights, step in ((LONG, "closed", 2), (HOSTILE, "open_weights", 3), ("third", "open_weights", 4)):
        tasks = {
            "a_task_with_quite_a_long_name": Task([float(i % step == 0) for i in range(240)], dimension="reasoning"),
            "another": Task([float(i % (step + 1) == 0) for i in range(240)], dimension="coding",
                            clusters=[f"repository-{i % 9}" for i in range(240)]),
        }  # fmt: skip
        write_run(tmp_path / "st", name, weights, tasks)  # type: ignore[arg-type]
    return str(tmp_path / "st")


@pytest.mark.parametrize("more", [[], ["--by-task"], ["--closed", LONG, "--open", "third"]])
def test_the_table_fits_80_columns_and_is_inert(
    store: str, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    assert main(["gap", "--store", store, *more]) == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert max(len(line) for line in lines if LONG not in line) <= 80
    assert not set("\x1b\u202e") & set(told.out + told.err)
    assert "simultaneous 95 % intervals (Bonferroni over 2" in told.out.replace("\n  ", " ")
    assert "few clusters (effective number 9.0)" in told.out.replace("\n    ", " ")


def test_json_has_every_field_of_the_contract(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    fields = [
        "dimension",
        "task",
        "closed",
        "open",
        "score_closed",
        "score_open",
        "chosen_by",
        "protocol",
        "gap",
        "se",
        "se_unpaired",
        "se_clustered",
        "ci_low",
        "ci_high",
        "ci_method",
        "ci_simultaneous",
        "ci_t",
        "ci_cr1",
        "df",
        "n",
        "missing_closed",
        "missing_open",
        "clusters",
        "g_eff",
        "b10",
        "b01",
        "p_mcnemar",
        "p_wild",
        "correlation",
        "log_odds_gap",
        "detectable",
        "detectable_iid",
        "margin",
        "verdict",
        "waterfall",
        "reasons",
        "warnings",
        "runs",
    ]
    assert main(["gap", "--store", store, "--json", "--open", "third"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 2
    assert all(set(fields) <= set(row) for row in rows)
    assert set(Store(store).gap().frame.columns) >= set(fields)


def test_csv_is_safe_in_a_spreadsheet(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gap", "--store", store, "--csv", "--open", HOSTILE]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 2
    assert all(not cell.startswith(("=", "@")) for row in rows for cell in row.values())
    assert rows[0]["open"].startswith("'=HYPERLINK")
    assert float(rows[0]["ci_simultaneous_low"]) < float(rows[0]["gap"]), "a negative number stays a number"
    assert main(["gap", "--store", store, "--all-pairs", "--task", "another", "--csv"]) == 0
    assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == 3


def test_a_table_of_all_pairs_says_what_stands_beside_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`gap` decides nothing of systems that share one cluster, or lack a tenth of their answers; no more do pairs."""
    ones = [float(i % 10 < 8) for i in range(300)]
    for name, step, lost in (("a", 8, 0), ("b", 3, 0), ("c", 8, 30)):
        scores = [None if i < lost else float(i % 10 < step) for i in range(300)]
        few = [f"g{i % 6}" for i in range(300)]
        write_run(tmp_path, name, "open_weights", {
            "alone": Task(scores), "few": Task(scores, clusters=few), "one": Task(ones if name == "a" else scores, clusters=["x"] * 300),
        })  # fmt: skip
    where = ["gap", "--store", str(tmp_path), "--all-pairs", "--task"]

    def told(task: str) -> dict[tuple[str, str], dict[str, Any]]:
        assert main([*where, task, "--json"]) == 0
        return {(one["first"], one["second"]): one for one in json.loads(capsys.readouterr().out)}

    alone = told("alone")
    assert alone["a", "b"]["p"] < 1e-6
    assert (alone["a", "c"]["p"], alone["a", "c"]["p_adjusted"], alone["a", "c"]["missing_second"]) == (None, 1.0, 30)
    assert alone["b", "c"]["warnings"] == ["c lacks 10.0 % of its answers (limit 2 %): nothing is decided"]
    assert told("one")["a", "b"]["p"] is None
    assert told("few")["a", "b"]["p"] >= 2 / 2**6, "six clusters cannot have a smaller wild-cluster p"
    assert main([*where, "alone"]) == 0
    out = capsys.readouterr().out
    assert "note: missing answers: c 30" in out
    assert "nothing is decided (2 of 3 pairs)" in out.replace("\n    ", " ")
    assert main([*where, "few", "--csv"]) == 0
    assert "few clusters (effective number 6.0)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["gap", "--margin", "0"], 2, "margin"),
        (["gap", "--margin", "nan"], 2, "margin"),
        (["gap", "--at-cost", "-1"], 2, "cost"),
        (["gap", "--dimension", "reasonin"], 2, "did you mean reasoning"),
        (["gap", "--closed", "third"], 2, "counts as open here"),
        (["gap", "--open", "nobody"], 2, "unknown system"),
        (["gap", "--all-pairs"], 2, "--all-pairs goes with --task"),
        (["gap", "--csv", "--json"], 2, "exclude each other"),
        (["power", "--repeats", "0"], 2, "--repeats at least 1"),
        (["power", "--task", "nothing"], 2, "unknown task"),
        (["export", "lm-eval"], 2, "--out"),
    ],
)
def test_wrong_usage_says_what_to_do(
    store: str, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    assert main([*arguments, "--store", store]) == code
    assert says in capsys.readouterr().err


def test_without_a_store_or_a_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gap", "--store", str(tmp_path / "none")]) == 4
    assert "run `opengap eval` first" in capsys.readouterr().err
    write_run(tmp_path / "one", "c", "closed", {"t": Task([1.0, 0.0])})
    assert main(["gap", "--store", str(tmp_path / "one")]) == 4
    told = capsys.readouterr()
    assert told.out == ""
    assert "only the closed side has results" in told.err
    assert main(["gap", "--store", str(tmp_path / "one"), "--json"]) == 4
    assert json.loads(capsys.readouterr().out) == []


def test_a_refused_comparison_ends_with_code_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path, "c", "closed", {"t": Task([1.0] * 30)})
    write_run(tmp_path, "o", "open_weights", {"t": Task([1.0] * 31)})
    assert main(["gap", "--closed", "c", "--open", "o", "--store", str(tmp_path)]) == 4
    assert "0 only with c, 1 only with o, 30 with both" in capsys.readouterr().err
    assert main(["gap", "--closed", "c", "--open", "o", "--force", "--store", str(tmp_path)]) == 0
    assert "FORCED t: items" in capsys.readouterr().out


@pytest.fixture
def levels(tmp_path: Path) -> str:
    """A closed system, one with restricted weights and one with open weights, that answered the same 240 items."""
    for name, weights, step in (
        ("vendor:c", "closed", 2),
        ("org:llama", "restricted", 3),
        ("org:qwen", "open_weights", 4),
    ):
        write_run(tmp_path / "st", name, weights, {"t": Task([float(i % step == 0) for i in range(240)])})  # type: ignore[arg-type]
    return str(tmp_path / "st")


@pytest.mark.parametrize("command", [["gap"], ["power", "--gap", "5"]])
def test_a_table_says_the_rule_and_what_stricter_ones_would_leave(
    levels: str, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert main([*command, "--store", levels]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "pen = weights can be had, restricted licences included; --open-from open_weights would leave 1 of 2" in told
    assert "vendor:c − org:llama" in told, "the better of the two is the restricted one"
    assert main([*command, "--store", levels, "--open-from", "open_weights"]) == 0
    strict = capsys.readouterr()
    assert "vendor:c − org:qwen" in strict.out
    assert "org:llama" not in strict.out
    assert "note: left out by --open-from open_weights: org:llama (restricted)" in strict.err
    assert main([*command, "--store", levels, "--open-from", "open_weights", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert one["open_from"] == "open_weights"
    assert main([*command, "--store", levels, "--open-from", "open"]) == 2


@pytest.mark.parametrize("command", [["gap"], ["power", "--gap", "5"]])
def test_a_prefix_is_taken_and_said(levels: str, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert main([*command, "--store", levels, "--closed", "vendor", "--open", "qw"]) == 0
    told = capsys.readouterr()
    assert "vendor:c − org:qwen" in told.out
    assert "note: 'vendor' was taken as vendor:c\nnote: 'qw' was taken as org:qwen\n" in told.err
    assert main([*command, "--store", levels, "--closed", "vendor", "--open", "org"]) == 2
    assert "'org' is ambiguous: org:llama, org:qwen" in capsys.readouterr().err


def test_a_report_by_a_stricter_rule_says_so_everywhere(levels: str, tmp_path: Path) -> None:
    assert main(["report", "--store", levels, "--open-from", "open_weights", "--out", str(tmp_path / "out")]) == 0
    said = "Open = weights can be had under a licence that does not limit use; --open-from open\\_with\\_data would leave 0 of 1"
    assert said in (tmp_path / "out/summary.md").read_text()
    assert "a licence that does not limit use" in (tmp_path / "out/index.html").read_text()
    with open(tmp_path / "out/gaps.csv", newline="") as handle:
        (row,) = csv.DictReader(handle)
    assert (row["open"], row["open_from"]) == ("org:qwen", "open_weights")
    assert "llama" not in (tmp_path / "out/scores.csv").read_text()


def test_rows_of_restricted_weights_are_exported_as_open(levels: str, tmp_path: Path) -> None:
    assert main(["export", "csv", "--store", levels, "--out", str(tmp_path / "rows.csv")]) == 0
    with open(tmp_path / "rows.csv", newline="") as handle:
        told = {row["model"]: (row["open_weights"], row["weights"]) for row in csv.DictReader(handle)}
    assert told == {
        "vendor:c": ("false", "closed"), "org:llama": ("true", "restricted"), "org:qwen": ("true", "open_weights"),
    }  # fmt: skip
    assert main(["export", "markdown", "--store", levels, "--out", str(tmp_path / "rows.md")]) == 0
    assert "open = weights can be had, restricted licences included" in (tmp_path / "rows.md").read_text()
