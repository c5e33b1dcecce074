"""Tables of per-item results: what they become, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.errors import DataUnavailable, OpenGapError, UnknownName, UsageError
from harness.exchange.sealing import seal_all
from harness.exchange.tables import read_items
from harness.store import frame, read_plan, read_receipts

HEAD = "model,item_id,score,open_weights,cost_usd\n"
PLAIN = HEAD + "A 1,x__1,1,false,0.5\nA 1,x__2,0,false,0.5\nB,x__1,0.5,true,\nB,y__1,1,true,0.1\n"


def written(tmp_path: Path, text: str, name: str = "rows.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def imported(path: Path, **options: object) -> tuple[list[str], list[str]]:
    reading = read_items(path, benchmark="bench", dimension="coding", **options)  # type: ignore[arg-type]
    return [one.system for one in reading.found], reading.notes


def test_rows_become_ordinary_sealed_runs(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    reading = read_items(path, benchmark="bench", dimension="coding", cluster_regex="^(.)__")
    seal_all(tmp_path / "store", reading.found, kind="items", source=path)
    receipts, problems = read_receipts(tmp_path / "store")
    assert not problems
    receipts = sorted(receipts, key=lambda pair: pair[1].system.name)
    assert [(r.system.name, r.system.weights, r.provenance) for _, r in receipts] == [
        ("A 1", "closed", "import:items"), ("B", "open_weights", "import:items"),
    ]  # fmt: skip
    run, receipt = receipts[0]
    assert read_plan(run).tasks[0].item_ids == ("x__1", "x__2", "y__1"), "the items of all models are the plan"
    assert receipt.counts == {"planned": 3, "answered": 2, "unanswered": 1, "status_ok": 2}
    assert receipt.cost_usd == 1.0
    assert receipts[1][1].cost_usd is None, "one cost is missing, so the sum is not known"
    rows = frame([run], ("item_id", "cluster", "score", "status")).sort_values("item_id")
    assert rows["cluster"].tolist() == ["x", "x"]
    assert rows["score"].tolist() == [1.0, 0.0]
    assert len(reading.notes) == 2
    assert "1 of 3 items are not in the file" in reading.notes[0]


def test_the_same_rows_again_are_not_counted_twice(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    found = read_items(path, benchmark="bench", dimension="coding").found
    first = seal_all(tmp_path, found, kind="items", source=path)
    again = seal_all(tmp_path, found, kind="items", source=path)
    assert [one.fresh for one in first + again] == [True, True, False, False]
    other = written(tmp_path, PLAIN.replace("0.5,true", "0.25,true"), "new.csv")
    changed = read_items(other, benchmark="bench", dimension="coding").found
    assert [one.fresh for one in seal_all(tmp_path, changed, kind="items", source=path)] == [False, True]
    back = seal_all(tmp_path, found, kind="items", source=path)
    assert back[1].fresh, "older rows that no longer count are written anew"


@pytest.mark.parametrize(
    ("text", "options", "kind", "says"),
    [
        (HEAD + "A,i,2,true,\n", {}, DataUnavailable, "outside [0, 1]"),
        (HEAD + "A,i,much,true,\n", {}, DataUnavailable, "no number"),
        (HEAD + "A,i,inf,true,\n", {}, DataUnavailable, "infinite"),
        (HEAD + "A,i,1,true,-1\n", {}, DataUnavailable, "negative"),
        (HEAD + "A,,1,true,\n", {}, DataUnavailable, "item_id is empty"),
        (HEAD + "A,i,1,maybe,\n", {}, UsageError, "expected true, false"),
        (HEAD + "A,i,1,true,\nA,j,1,false,\n", {}, UsageError, "both closed and open_weights"),
        (HEAD + "A,i,1,,\nB,i,1,,\n", {}, UsageError, "A, B"),
        (HEAD + "A,i,1,true,\nA,i,0,true,\n", {}, DataUnavailable, "more than once"),
        (HEAD, {}, DataUnavailable, "no rows"),
        ("model,item,score\nA,i,1\n", {}, UsageError, "--map item_id=COLUMN"),
        (PLAIN, {"columns": {"score": "scor"}}, UnknownName, "did you mean score"),
        (PLAIN, {"columns": {"points": "score"}}, UnknownName, "points"),
        (PLAIN, {"where": {"model": "C"}}, UnknownName, "A 1, B"),
        (PLAIN, {"cluster_regex": "^(z)"}, UsageError, "finds no cluster"),
        (PLAIN, {"cluster_regex": "^x"}, UsageError, "needs a group"),
        (PLAIN, {"cluster_regex": "("}, UsageError, "not a regular expression"),
        ("model,item_id,score,open_weights,cluster_id\nA,i,1,1,c\nB,i,1,0,d\n", {}, DataUnavailable, "in another"),
        ("model,item_id,score,open_weights,benchmark\nA,i,1,1,T1\nA,j,1,1,T2\n", {}, UsageError, "--where benchmark='T1'"),
        ("model,item_id,score,open_weights,repeat\nA,i,1,1,0.5\n", {}, DataUnavailable, "whole number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    tmp_path: Path, text: str, options: dict[str, object], kind: type[OpenGapError], says: str
) -> None:
    with pytest.raises(kind, match=re.escape(says)):
        imported(written(tmp_path, text), **options)


def test_a_name_with_spaces_around_it_is_the_same_name(tmp_path: Path) -> None:
    path = written(tmp_path, "model,item_id,score,open_weights\nA,i,1,true\nA ,j,1,true\n")
    assert imported(path)[0] == ["A"]


def test_repeats_and_choosing_rows(tmp_path: Path) -> None:
    text = "who,item_id,ok,round,set\nA,i,1,0,p\nA,i,0,1,p\nA,i,true,0,q\nA,i,,1,q\n"
    path = written(tmp_path, text)
    columns = {"model": "who", "score": "ok", "repeat": "round"}
    with pytest.raises(DataUnavailable, match="--where set='p'"):
        imported(path, columns=columns, weights="open")
    found = read_items(path, benchmark="b", dimension="d", columns=columns, weights="open", where={"set": "p"}).found
    assert [(a.repeat, a.score) for a in found[0].answers] == [(0, 1.0), (1, 0.0)]
    _, notes = imported(path, columns=columns, weights="closed", where={"set": "q"})
    assert "1 rows have no score" in notes[0]


def test_repeats_may_be_counted_from_one(tmp_path: Path) -> None:
    path = written(tmp_path, "model,item_id,score,repeat\nA,i,1,1\nA,i,0,2\nA,j,1,1\nA,j,1,2\n")
    found = read_items(path, benchmark="b", dimension="d", weights="open").found
    ((_, receipt),) = [
        (one.run, read_receipts(tmp_path)[0][0][1]) for one in seal_all(tmp_path, found, kind="items", source=path)
    ]
    assert receipt.repeats == 2
    assert receipt.counts["unanswered"] == 0


def test_the_catalogue_counts_where_a_file_contradicts_it(tmp_path: Path) -> None:
    path = written(tmp_path, "model,item_id,score,open_weights\nQwen/Qwen3-8B,i,1,false\nX,i,1,false\n")
    reading = read_items(path, benchmark="b", dimension="d")
    assert {one.system: one.weights for one in reading.found} == {"Qwen/Qwen3-8B": "open_weights", "X": "closed"}
    assert "the catalogue counts" in reading.notes[0]


def test_a_published_mean_that_contradicts_the_rows(test_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    published = test_data / "published"
    arguments = [
        "import", "items", str(published / "per_item_swebench_verified.csv"), "--benchmark", "SWE-bench Verified",
        "--dimension", "coding", "--map", "score=resolved", "--published", str(published / "published_scores.csv"),
        "--store", "store",
    ]  # fmt: skip
    assert main([*arguments, "--series", "SWE-bench Verified bash-only"]) == 2
    assert "did you mean" in capsys.readouterr().err
    assert main([*arguments, "--series", "SWE-bench Verified bash-only (mini-SWE-agent)"]) == 1
    told = capsys.readouterr()
    assert "LEFT OUT Claude 3.7 Sonnet" in told.err
    assert "published is 64.93 (within" in told.err
    systems = {receipt.system.name for _, receipt in read_receipts(Path("store"))[0]}
    assert len(systems) == 24
    assert "Claude 4 Sonnet (20250514)" in systems
    assert "Claude 3.7 Sonnet (20250219)" not in systems


@pytest.mark.parametrize(
    ("name", "text", "code", "says"),
    [
        ("a.csv", "Item_ID;Text;Repeat\na;Answer: 42;\nb;Answer: 80;0.0\n", 0, ""),
        (
            "a.jsonl",
            '{"id": "a", "text": [{"type": "text", "text": "Answer: 42"}]}\n{"id": "b", "text": "Answer: 1"}\n',
            0,
            "",
        ),
        (
            "a.csv",
            "item_id,text\na,Answer: 42\nb,Answer: 80\nx,Answer: 7\n",
            0,
            "1 of 3 answers match no item that was asked (x)",
        ),
        ("a.csv", "item_id,text,repeat\na,Answer: 42,first\n", 2, "line 2: repeat must be a whole number"),
        ("a.jsonl", '{"id": "a", "text": {"b": 1}}\n', 2, "line 1: 'text' must be text"),
    ],
)
def test_answers_and_questions_come_in_tables_as_well(
    capsys: pytest.CaptureFixture[str], name: str, text: str, code: int, says: str
) -> None:
    Path("questions.csv").write_text("ID\tQuestion\tAnswer\na\t17+25?\t42\nb\t9*9?\t81\n")
    Path(name).write_text(text)
    asked = [
        "eval",
        f"file:{name}",
        "--items",
        "questions.csv",
        "--scorer",
        "numeric",
        "--weights",
        "closed",
        "--store",
        "s",
    ]
    assert main(asked) == code
    told = capsys.readouterr()
    assert says in " ".join(told.err.split())
    assert code or "50.0" in told.out
