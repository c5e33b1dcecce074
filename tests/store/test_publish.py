"""What is published holds no journal, and no text of data that may not be passed on."""

from __future__ import annotations

import base64
import json
import re
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from harness.cli.main import main
from harness.store import list_runs, read_receipt
from harness.store.publish import publish
from harness.verdict import Store

GATED = '''
from harness import Numeric, task

@task(dimension="reasoning", version=1, source="hf:invented/invented", item=Numeric, redistributable=False, gated=True)
def kept_secret(rows):
    """Invented for a test."""
    for row in rows:
        yield Numeric(id=row["id"], question=row["question"], answer=row["answer"])
'''
OPEN = GATED.replace("redistributable=False, gated=True", "redistributable=True").replace("kept_secret", "for_all")


def rows(word: str, first: int) -> list[dict[str, str]]:
    return [{"id": f"{word}{i}", "question": f"{word}question{i}?", "answer": str(first + i)} for i in range(24)]


def said(word: str, first: int, side: str) -> list[dict[str, str]]:
    """Right answers to all but the last."""
    return [{"item_id": f"{word}{i}", "text": f"{word}saying{side}{i}. Answer: {first + i}"} for i in range(23)]


def write_lines(path: Path, lines: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two systems on a gated task and an open one, and on own questions scored by the whole answer."""
    folder = tmp_path_factory.mktemp("whole")
    numbers = {"veiled": 31415900, "plain": 27182800}
    for source, name, word in ((GATED, "kept_secret", "veiled"), (OPEN, "for_all", "plain")):
        (folder / f"{name}.py").write_text(source)
        write_lines(folder / "data" / name / "test.jsonl", rows(word, numbers[word]))
    own = [{"id": f"o{i}", "input": f"ownquestion{i}", "target": f"owntarget{i}"} for i in range(24)]
    write_lines(folder / "mine.jsonl", own)
    for side in ("closed", "open"):
        both = [line for word, first in numbers.items() for line in said(word, first, side)]
        write_lines(folder / f"{side}.jsonl", both)
        own_said = [{"item_id": f"o{i}", "text": f"ownsaying{side}{i}"} for i in range(24)]
        write_lines(folder / f"own-{side}.jsonl", own_said)
        shared = ["--store", str(folder / "st"), "--weights", side]
        tasks = ["--data", str(folder / "data")]
        tasks += [word for name in ("kept_secret", "for_all") for word in ("--task", str(folder / f"{name}.py"))]
        assert main(["eval", f"file:{folder}/{side}.jsonl", *tasks, *shared]) == 1, "the last item has no answer"
        own_items = ["--items", str(folder / "mine.jsonl")]
        assert main(["eval", f"file:{folder}/own-{side}.jsonl", *own_items, *shared]) == 0
    return folder


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole / "st", tmp_path / "st")
    return tmp_path / "st"


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """Everything that a file says: its bytes, the cells of a table, and what a page holds compressed."""
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        raw = path.read_bytes()
        yield path, raw.decode("utf-8", "replace")
        if path.suffix == ".parquet":
            yield path, json.dumps(pq.read_table(path).to_pylist(), default=str)
        for block in re.findall(rb"[A-Za-z0-9+/=]{40,}", raw):
            try:
                yield path, zlib.decompress(base64.b64decode(block)).decode()
            except (ValueError, zlib.error):
                continue


SECRET = re.compile(r"(veiled|own)(question|target|sayingopen|sayingclosed)\d+|314159\d\d")


def told(folder: Path, pattern: re.Pattern[str]) -> dict[str, str]:
    return {str(path.relative_to(folder)): found[0] for path, text in texts(folder) if (found := pattern.search(text))}


def test_no_text_that_may_not_be_passed_on_leaves(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "public"
    assert told(store, SECRET), "the search finds them where they are"
    assert main(["publish", str(out), "--store", str(store)]) == 0
    assert told(out, SECRET) == {}
    assert not list(out.rglob("journal"))
    plain = told(out, re.compile(r"plain(question|saying(open|closed))\d+.*271828\d\d", re.DOTALL))
    assert any(name.endswith("text.parquet") for name in plain)
    assert any(name.startswith("report/") for name in plain), "what may be passed on is shown, and the search sees it"


def test_what_a_scorer_read_and_why_an_item_failed_stay_for_open_tasks_alone(store: Path, tmp_path: Path) -> None:
    publish(store, tmp_path / "public")
    columns = ["task", "answer", "error"]
    found = [
        row for run in list_runs(tmp_path / "public") for row in pq.read_table(run.scores, columns=columns).to_pylist()
    ]
    spoken: dict[str, set[bool]] = {}
    for row in found:
        spoken.setdefault(row["task"], set()).add(bool(row["answer"] or row["error"]))
    assert spoken == {"kept_secret": {False}, "for_all": {True}, "mine": {False}}


def test_a_published_store_says_what_the_store_says(
    whole: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", str(tmp_path / "public"), "--store", str(store)]) == 0
    ids = [run.run_id for run in list_runs(store)]
    assert capsys.readouterr().out.split()[-len(ids) :] == ids
    one, other = Store(store), Store(tmp_path / "public")
    assert msgspec.json.encode(one.gap().comparisons) == msgspec.json.encode(other.gap().comparisons)
    assert msgspec.json.encode(one.scores()) == msgspec.json.encode(other.scores())
    assert other.evidence()[1] == []
    for run in list_runs(tmp_path / "public"):
        then, now = read_receipt(next(r for r in list_runs(store) if r.run_id == run.run_id)), read_receipt(run)
        assert (
            now.checksums["sealed/scores.parquet"]
            == then.checksums["scores.parquet"]
            != now.checksums["scores.parquet"]
        )
        assert now.checksums["journal/0001.jsonl"] == then.checksums["journal/0001.jsonl"]
    assert main(["rescore", ids[0], "--store", str(tmp_path / "public"), "--data", str(whole / "data")]) == 4
    assert "journal/0001.jsonl cannot be read" in capsys.readouterr().err


def test_publishing_again_adds_what_is_new_and_changes_nothing(store: Path, tmp_path: Path) -> None:
    out, later = tmp_path / "public", tmp_path / "later"
    first, *rest = list_runs(store)
    shutil.copytree(first.path, later / "runs" / first.run_id)
    publish(later, out)
    before = {path: path.read_bytes() for path in (out / "runs").rglob("*") if path.is_file()}
    publish(store, tmp_path / "through")
    added, _ = publish(tmp_path / "through", out)
    assert added == [run.run_id for run in rest], "a published store can be published"
    assert {path: path.read_bytes() for path in before} == before
    assert [run.run_id for run in list_runs(out)] == [first.run_id, *(run.run_id for run in rest)]
    for run in list_runs(out):
        source = next(one for one in list_runs(store) if one.run_id == run.run_id)
        assert read_receipt(run).checksums["sealed/scores.parquet"] == read_receipt(source).checksums["scores.parquet"]
    assert publish(store, out) == ([], [])


def test_a_folder_with_journals_is_no_place_for_what_is_published(
    whole: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", str(store), "--store", str(store)]) == 2
    assert main(["publish", str(whole / "st"), "--store", str(store)]) == 2
    assert "not made for publishing" in capsys.readouterr().err
    assert main(["publish", str(tmp_path / "x"), "--store", str(tmp_path / "none")]) == 4


def test_unsealed_and_damaged_runs_stay(store: Path, tmp_path: Path) -> None:
    first, second, *_ = list_runs(store)
    first.receipt.unlink()
    second.scores.unlink()
    _, notes = publish(store, tmp_path / "public")
    assert any(f"{second.run_id} is passed over" in note for note in notes)
    assert len(list_runs(tmp_path / "public")) == 2
