"""Every shipped task proves itself on real or invented rows, and bad data says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import DataUnavailable, UnknownName, UsageError
from harness.questions import Choice, Code
from harness.registry import find_suite, find_task, find_tasks, load_file, load_items, own_tasks, prove
from harness.registry.data import load_rows
from harness.registry.items import stable_subset

DATA = {"gsm8k": 1319, "humaneval": 164}


@pytest.mark.parametrize("name", sorted(find_tasks()))
def test_every_task_proves_itself(name: str, request: pytest.FixtureRequest) -> None:
    task = find_task(name)
    if name in DATA:
        suites: Path = request.getfixturevalue("test_data") / "suites"
        items = list(load_items(task, suites, limit=40).items)
    elif task.example is not None:
        items = list(task.make_items([task.example]))
    elif task.card.source.startswith("bundled:"):
        items = list(load_items(task, limit=40).items)
    else:
        rows = [{"id": "1", "article": "It rained in Bern. People took the tram.", "highlights": "Rain in Bern."}]
        items = list(task.make_items(rows))
    assert items
    assert prove(task, items) == []


@pytest.mark.parametrize("name", sorted(DATA))
def test_real_sets_load_whole(name: str, test_data: Path) -> None:
    loaded = load_items(find_task(name), test_data / "suites")
    assert len(loaded.items) == DATA[name] == find_task(name).card.n
    assert loaded.revision is not None
    assert loaded.revision.startswith("sha256:")


def test_the_example_of_a_gated_set_is_invented() -> None:
    task = find_task("gpqa_diamond")
    assert task.card.gated
    assert not task.card.redistributable
    assert task.example is not None
    item = next(iter(task.make_items([task.example])))
    assert isinstance(item, Choice)
    assert item.id == "invented-1"
    assert "gpqa_diamond" not in find_suite("core")[1].tasks


def test_limits_nest_and_do_not_depend_on_the_order_of_rows() -> None:
    items = list(load_items(find_task("demo_reasoning")).items)
    ten = {item.id for item in stable_subset("t", items, 10)}
    assert ten < {item.id for item in stable_subset("t", items[::-1], 20)}


def test_a_hub_set_without_a_network_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataUnavailable, match=r"--data DIR.*OPENGAP_DATA"):
        load_items(find_task("gsm8k"))
    with pytest.raises(DataUnavailable, match="gated: ask its owner"):
        load_items(find_task("gpqa_diamond"))


def test_rows_come_through_datasets(tmp_path: Path) -> None:
    """The hub's code path on a data set repository that lies in a local folder."""
    import dataclasses

    folder = tmp_path / "org" / "name"
    folder.mkdir(parents=True)
    (folder / "test.jsonl").write_text(json.dumps({"question": "1+1?", "answer": "so #### 2"}) + "\n")
    card = dataclasses.replace(find_task("gsm8k").card, source="hf:org/name@0123")
    import os

    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        rows, revision = load_rows(card, None)
    finally:
        os.chdir(before)
    assert [row["answer"] for row in rows] == ["so #### 2"]
    assert revision == "0123"


def test_schema_mistakes_name_the_field(tmp_path: Path) -> None:
    (tmp_path / "gsm8k.jsonl").write_text('{"query": "?"}\n')
    with pytest.raises(DataUnavailable, match="question"):
        load_items(find_task("gsm8k"), tmp_path)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "gsm8k.jsonl").write_text('{"question": "a", "answer": "1"}\n{oops\n')
    with pytest.raises(DataUnavailable, match="line 2"):
        load_items(find_task("gsm8k"), tmp_path)


def test_unknown_names_offer_the_nearest() -> None:
    with pytest.raises(UnknownName, match="humaneval"):
        find_task("human_eval")
    with pytest.raises(UnknownName, match="core"):
        find_suite("cor")


def test_a_task_of_ones_own_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from harness import Numeric, task\n"
        "@task(dimension='arithmetic', version=1, source='bundled:mine', item=Numeric, redistributable=True)\n"
        "def mine(rows):\n    'Sums.'\n    yield Numeric(question='2+2?', answer='4')\n"
    )
    assert len(load_items(load_file(path)).items) == 1
    assert find_task(str(path)).card.dimension == "arithmetic"
    (tmp_path / "none.py").write_text("x = 1\n")
    with pytest.raises(UsageError, match="declares 0 tasks"):
        load_file(tmp_path / "none.py")


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_own_questions_need_no_task_file(tmp_path: Path) -> None:
    file = write(
        tmp_path / "mine.jsonl",
        {"input": "Which?", "target": "a", "choices": ["a", "b"], "dimension": "taste", "id": "x", "cluster": "c"},
        {"input": "What?", "target": "b", "choices": ["a", "b"]},
    )
    tasks = own_tasks(file, "choice")
    assert {task.task.card.dimension for task in tasks} == {"own", "taste"}
    assert all(prove(task.task, task.items) == [] for task in tasks)


@pytest.mark.parametrize(
    ("row", "scorer", "message"),
    [
        ({"input": "?"}, "exact", "'target' is missing"),
        ({"target": "x"}, "exact", "either 'input' or 'messages'"),
        ({"input": "?", "target": "x", "tagret": 1}, "exact", "unknown field 'tagret'.*target"),
        ({"input": "?", "target": "x"}, "numeric", "not a number"),
        ({"input": "?", "target": "x", "choices": ["y", "z"]}, "choice", "target among them"),
        ({"input": "?", "target": "x"}, "exakt", "unknown scorer.*exact"),
        ({"messages": [{"role": "robot", "content": ""}], "target": "x"}, "exact", "role"),
        ({"messages": [{"role": "user", "content": ""}], "target": "1"}, "numeric", "needs 'input'"),
        ([], "exact", "expected an object"),
        ({"input": "?", "target": None}, "exact", "must be text or a number"),
        ({"input": None, "target": "x"}, "exact", "must be text or a number"),
        ({"input": "?", "target": "..."}, "contains", "nothing but punctuation"),
        ({"input": "?", "target": "1", "choices": [str(i) for i in range(31)]}, "choice", "26 are the most"),
        ({"input": "?", "target": "4", "choices": "4|5"}, "choice", "JSON list"),
        ({"input": "a \ud800 b", "target": "4"}, "exact", r"item 1: holds half of a surrogate pair"),
        ({"id": "\ud800", "input": "?", "target": "4"}, "exact", r"item 1: holds half of a surrogate pair"),
    ],
)
def test_mistakes_in_own_questions_are_named(tmp_path: Path, row: object, scorer: str, message: str) -> None:
    with pytest.raises((DataUnavailable, UnknownName), match=message):
        own_tasks(write(tmp_path / "mine.jsonl", row), scorer)


def test_repeated_ids_are_refused(tmp_path: Path) -> None:
    row = {"input": "?", "target": "x", "id": "same"}
    with pytest.raises(DataUnavailable, match="'same' occurs more than once"):
        own_tasks(write(tmp_path / "mine.jsonl", row, row), "exact")


def test_equal_questions_without_ids_are_told_apart(tmp_path: Path) -> None:
    row = {"input": "?", "target": "x"}
    (task,) = own_tasks(write(tmp_path / "mine.jsonl", row, row), "exact")
    assert len({item.id for item in task.items}) == 2


def test_humaneval_items_carry_what_code_needs(test_data: Path) -> None:
    item = load_items(find_task("humaneval"), test_data / "suites", limit=1).items[0]
    assert isinstance(item, Code)
    assert item.entry_point in item.prompt


def test_dimensions_in_any_script_stay_apart(tmp_path: Path) -> None:
    rows = [{"input": "?", "target": "x", "id": "1", "dimension": name} for name in ("数学", "逻辑")]
    assert len({task.name for task in own_tasks(write(tmp_path / "mine.jsonl", *rows), "exact")}) == 2
    rows = [{"input": "?", "target": "x", "dimension": name} for name in ("a b", "a-b")]
    with pytest.raises(DataUnavailable, match="punctuation alone"):
        own_tasks(write(tmp_path / "mine.jsonl", *rows), "exact")


def test_questions_in_a_csv_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text('id,input,target,choices,cluster\n,Which?,4,"[""4"", ""5""]",\n,What?,5,"[""4"", ""5""]",\n')
    (task,) = own_tasks(file, "choice")
    assert len({item.id for item in task.items}) == 2
    assert all(item.cluster is None for item in task.items)
