"""`gap`, `import`, `export`, `power` as a person types them: widths, exit codes, hostile names, other programs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.gap import Store
from tests.gap.stores import Task, write_run

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
