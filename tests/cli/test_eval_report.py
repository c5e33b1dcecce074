"""``opengap eval … --report``: what was asked, then the gap, the report, or what is lacking for a gap."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.store import list_runs, read_receipt
from tests.servers import fault_server

ITEMS = [{"id": str(n), "input": f"What is {n} + 1?", "target": str(n + 1)} for n in range(12)]


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ITEMS))
    return str(path)


def answers(path: Path, right: int) -> str:
    rows = [{"item_id": row["id"], "text": row["target"] if n < right else "0"} for n, row in enumerate(ITEMS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"file:{path}"


def test_two_sides_asked_one_after_the_other_end_in_a_gap_chart(
    mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "st"
    shared = ["--items", mine, "--scorer", "numeric", "--store", str(store), "--report"]
    assert main(["eval", answers(tmp_path / "a.jsonl", 11), "--weights", "closed", *shared]) == 0
    first = capsys.readouterr()
    assert not (store / "report" / "gap.png").exists()
    assert "For a gap, ask an open model the same items" in first.out
    assert f"--items mine.jsonl --scorer numeric --store {store}" in first.out
    assert main(["eval", answers(tmp_path / "b.jsonl", 4), "--weights", "open", *shared]) == 0
    second = capsys.readouterr()
    assert str(store / "report" / "gap.png") in second.out
    assert (store / "report" / "gap.png").is_file()
    assert "verdict" in second.out
    assert "For a gap" not in second.out


def test_one_side_names_a_priced_model_that_takes_the_protocol(
    mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with fault_server() as server:
        asked = ["--items", mine, "--scorer", "numeric", "--limit", "6", "--store", str(tmp_path / "st"), "--report"]
        assert main(["eval", server.address, "--weights", "open", *asked]) == 0
    said = capsys.readouterr().out
    assert "For a gap, ask a closed model the same items (about $" in said
    command = next(line.split() for line in said.splitlines() if line.startswith("  opengap eval "))
    assert command[3:9] == ["--items", "mine.jsonl", "--scorer", "numeric", "--limit", "6"]
    # The model that it names can be priced for these very items.
    assert main(["estimate", command[2], "--items", mine, "--scorer", "numeric", "--limit", "6"]) == 0
    page = (tmp_path / "st" / "report" / "index.html").read_text()
    assert "Nothing to compare yet: only open models have been asked" in page
    assert command[2] in page
    assert "95 % interval" in page


def test_unanswered_items_keep_exit_code_1_and_the_report_follows(mine: str, tmp_path: Path) -> None:
    some = tmp_path / "some.jsonl"
    some.write_text("".join(json.dumps({"item_id": row["id"], "text": "1"}) + "\n" for row in ITEMS[:5]))
    store = tmp_path / "st"
    asked = ["eval", f"file:{some}", "--weights", "open", "--items", mine, "--store", str(store), "--report"]
    assert main(asked) == 1
    assert (store / "report" / "index.html").is_file()


def test_a_budget_that_stops_a_run_keeps_exit_code_3_and_the_report_follows(
    mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "st"
    with fault_server() as server:
        asked = [
            "--items",
            mine,
            "--store",
            str(store),
            "--price-in",
            "1000",
            "--price-out",
            "1000",
            "--budget",
            "0.02",
        ]
        assert main(["eval", server.address, "--weights", "open", *asked, "--report"]) == 3
    assert "budget" in capsys.readouterr().err
    assert (store / "report" / "index.html").is_file()


def test_what_fails_before_anything_is_asked_makes_no_report(mine: str, tmp_path: Path) -> None:
    store = tmp_path / "st"
    assert main(["eval", "no-such-model", "--items", mine, "--store", str(store), "--report"]) == 2
    assert not store.exists()


def test_json_goes_alone_to_standard_output(mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--weights", "open", "--items", mine, "--store", str(tmp_path / "st"), "--report", "--json"]
    assert main(["eval", answers(tmp_path / "a.jsonl", 3), *asked]) == 0
    assert json.loads(capsys.readouterr().out)[0]["answered"] == 12


def test_code_tasks_need_no_permission_and_a_run_with_it_is_the_same_run(
    test_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "st"
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    asked = ["--data", str(test_data / "suites"), "--limit", "3", "--weights", "open", "--store", str(store)]
    tasks = ["--task", "gsm8k", "--task", "humaneval"]
    assert main(["eval", f"file:{empty}", *tasks, *asked]) == 1
    (run,) = list_runs(store)
    receipt = read_receipt(run)
    assert dict(receipt.not_applicable) == {}
    assert receipt.counts["planned"] == 6
    capsys.readouterr()
    assert main(["eval", f"file:{empty}", *tasks, "--allow-code-execution", *asked]) == 0
    assert "use --again to ask anew" in capsys.readouterr().err
    assert len(list_runs(store)) == 1


def test_a_dimension_is_a_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["eval", "transformers:demo-open", "--suite", "summarization", "--limit", "2", "--store", str(tmp_path)])
        == 0
    )
    (run,) = list_runs(tmp_path)
    assert [task.card.name for task in read_receipt(run).tasks] == ["demo_summarization"]
    capsys.readouterr()
    assert main(["eval", "transformers:demo-open", "--suite", "reasonning", "--store", str(tmp_path)]) == 2
    assert "did you mean reasoning" in capsys.readouterr().err
