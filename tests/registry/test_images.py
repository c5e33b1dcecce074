"""Images of own questions and of tasks: found, checked before anything is sent, known by their content alone."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.asking.plan import find_protocol, prepare
from harness.errors import DataUnavailable
from harness.models import ready
from harness.questions import Choice, Text
from harness.registry import find_task, load_file, load_items, own_tasks, prove
from harness.registry.data import load_rows
from harness.registry.items import content_hash
from harness.store import plan_hash
from harness.types import System
from tests.pictures import picture, write_picture

SYSTEM = System("file:a.jsonl", "a", "", "closed", "file", "a.jsonl")


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    return [
        write_picture(tmp_path / "pics" / f"{seed}.{ending}", seed)
        for seed, ending in enumerate(("png", "jpeg", "webp"))
    ]


@pytest.mark.parametrize("scorer", ["exact", "contains", "choice", "numeric"])
def test_questions_of_every_form_take_images(tmp_path: Path, pictures: list[Path], scorer: str) -> None:
    names = [f"pics/{path.name}" for path in pictures]
    row = {"input": "Which?", "target": "4", "images": names} | ({"choices": ["4", "5"]} if scorer == "choice" else {})
    (task,) = own_tasks(write(tmp_path / "mine.jsonl", row), scorer)
    assert [image.sha256 for image in task.items[0].images] == [sha(path) for path in pictures]
    assert prove(task.task, task.items) == []


def test_images_in_csv_and_parquet(tmp_path: Path, pictures: list[Path]) -> None:
    (tmp_path / "mine.csv").write_text(
        'input,target,images\nOne?,1,pics/0.png\nTwo?,2,"[""pics/0.png"", ""pics/1.jpeg""]"\nNone?,3,\n'
    )
    (task,) = own_tasks(tmp_path / "mine.csv", "exact")
    assert [len(item.images) for item in task.items] == [1, 2, 0]
    given = [{"bytes": pictures[0].read_bytes(), "path": "0.png"}]
    pq.write_table(pa.Table.from_pylist([{"input": "?", "target": "1", "images": given}]), tmp_path / "mine.parquet")
    (task,) = own_tasks(tmp_path / "mine.parquet", "exact")
    assert task.items[0].images[0].sha256 == sha(pictures[0])


@pytest.mark.parametrize(
    ("images", "says"),
    [("none.png", "cannot be read"), (["pics/0.png", "empty.png"], "empty.png' is empty"), ("note.txt", "neither PNG"),
     ([7], "an image is a path"), ("[pics/0.png", "cannot be read"), ({"a": 1}, "an image is a path")],
)  # fmt: skip
def test_a_bad_image_names_its_line(tmp_path: Path, pictures: list[Path], images: Any, says: str) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "note.txt").write_text("no picture")
    good = {"input": "?", "target": "x", "images": "pics/0.png"}
    file = write(tmp_path / "mine.jsonl", good, {**good, "images": images})
    with pytest.raises(DataUnavailable, match=rf"mine.jsonl, item 2: .*{says}"):
        own_tasks(file, "exact")


def test_images_need_a_message_of_the_user(tmp_path: Path, pictures: list[Path]) -> None:
    row = {"messages": [{"role": "system", "content": "s"}], "target": "x", "images": "pics/0.png"}
    with pytest.raises(DataUnavailable, match="go with a message of the user"):
        own_tasks(write(tmp_path / "mine.jsonl", row), "exact")


def hashes(file: Path, scorer: str = "exact") -> tuple[str, ...]:
    """Of the items, of the prompts, and of the plan that a run is found again by."""
    tasks = own_tasks(file, scorer)
    matched = find_protocol("matched")
    job = prepare(ready([SYSTEM], matched, check=False)[0], matched, tasks)
    return (
        content_hash(tasks[0].items),
        job.plan.tasks[0].prompts_sha256,
        plan_hash(job.plan),
        str(tasks[0].items[0].id),
    )


def test_content_is_the_identity_and_the_place_is_not(tmp_path: Path, pictures: list[Path]) -> None:
    file = write(tmp_path / "mine.jsonl", {"input": "?", "target": "x", "images": "pics/0.png"})
    before = hashes(file)
    moved = tmp_path / "elsewhere"
    shutil.copytree(tmp_path, moved, ignore=shutil.ignore_patterns("elsewhere", "cwd"))
    (moved / "pics/0.png").rename(moved / "pics/other.png")
    row = {"input": "?", "target": "x", "images": [str(moved / "pics/other.png")]}
    assert hashes(write(moved / "mine.jsonl", row)) == before
    write_picture(moved / "pics/other.png", seed=9)
    assert not set(hashes(moved / "mine.jsonl")) & set(before)
    assert not set(hashes(write(tmp_path / "mine.jsonl", {"input": "?", "target": "x"}))) & set(before)


def test_the_order_of_images_is_part_of_the_question(tmp_path: Path, pictures: list[Path]) -> None:
    row = {"input": "?", "target": "x", "id": "1", "images": ["pics/0.png", "pics/1.jpeg"]}
    first = hashes(write(tmp_path / "mine.jsonl", row))
    assert hashes(write(tmp_path / "mine.jsonl", {**row, "images": row["images"][::-1]}))[:3] != first[:3]


GOLDEN = {
    "exact": ("23cc8f4001170d74", "c3a7e2be9bcf7c12", "00f26abfebfc8d9c", "1"),
    "choice": ("7e2e3ac9a682ad75", "fe8c6cfcfe6f5a92", "03a4ad69c6c55eb1", "9f8e5f768287390d"),
    "numeric": ("c83d4c7e1997ba8c", "6481c2df0b9cfca7", "f7967babd0798a34", "8ecf23dd61722289"),
}
"""Of the items and prompts made before there were images: runs of that time are resumed and rescored by these."""
ROWS: dict[str, list[dict[str, Any]]] = {
    "exact": [
        {"id": "1", "input": "Which?", "target": "a", "cluster": "c"},
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}], "target": "b"},
    ],
    "choice": [{"input": "Which?", "target": "a", "choices": ["a", "b"]}],
    "numeric": [{"input": "2+2?", "target": "4"}],
}


@pytest.mark.parametrize("scorer", GOLDEN)
def test_questions_without_images_keep_their_hashes(tmp_path: Path, scorer: str) -> None:
    found = hashes(write(tmp_path / "mine.jsonl", *ROWS[scorer]), scorer)
    assert tuple(one[:16] for one in found) == GOLDEN[scorer]


def test_shipped_tasks_keep_their_hashes() -> None:
    assert content_hash(load_items(find_task("demo_coding"), limit=5).items)[:16] == "5407c8fc00186319"


TASK = """
import io
from pathlib import Path
import PIL.Image
from harness import Choice, task
@task(dimension='seeing', version=1, source='hf:org/seeing@1', item=Choice, redistributable=True, split='test')
def seeing(rows):
    'What is in the picture.'
    for row in rows:
        yield Choice(question=row['question'], right='a', wrong=['b'], images={images})
"""


def test_a_task_gives_what_its_rows_have(tmp_path: Path, pictures: list[Path]) -> None:
    """Rows of a local folder: a path beside them; and bytes, a decoded picture and several in one row."""
    data = tmp_path / "data" / "seeing"
    data.mkdir(parents=True)
    shutil.copytree(tmp_path / "pics", data / "pics")
    write(data / "test.jsonl", {"question": "?", "image": "pics/0.png"})
    read = f"Path({str(pictures[1])!r}).read_bytes()"
    for number, (given, expected) in enumerate(
        (
            ("row['image']", [sha(pictures[0])]),
            (read, [sha(pictures[1])]),
            (f"[row['image'], None, {str(pictures[2])!r}]", [sha(pictures[0]), sha(pictures[2])]),
            (f"PIL.Image.open(io.BytesIO({read}))", None),
        )
    ):
        path = tmp_path / str(number) / "seeing.py"
        path.parent.mkdir()
        path.write_text(TASK.format(images=given))
        item = load_items(load_file(path), tmp_path / "data").items[0]
        assert isinstance(item, Choice)
        assert expected is None or [image.sha256 for image in item.images] == expected
        assert item.images[0].media_type.startswith("image/")
    (data / "pics/0.png").unlink()
    with pytest.raises(DataUnavailable, match=r"seeing, item 1: the image 'pics/0.png' cannot be read"):
        load_items(load_file(tmp_path / "0" / "seeing.py"), tmp_path / "data")


def test_a_hub_set_yields_the_files_own_bytes(tmp_path: Path, pictures: list[Path]) -> None:
    """An Image column of `datasets`, read as it is stored: what it is decoded and encoded to depends on versions."""
    import datasets

    rows = [{"question": "?", "image": {"bytes": path.read_bytes(), "path": path.name}} for path in pictures]
    features = datasets.Features({"question": datasets.Value("string"), "image": datasets.Image()})
    (tmp_path / "org" / "seeing").mkdir(parents=True)
    datasets.Dataset.from_list(rows, features=features).to_parquet(tmp_path / "org/seeing/test.parquet")
    card = dataclasses.replace(find_task("gsm8k").card, source="hf:org/seeing@0123")
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        loaded, _ = load_rows(card, None)
    finally:
        os.chdir(before)
    assert [hashlib.sha256(row["image"]["bytes"]).hexdigest() for row in loaded] == [sha(path) for path in pictures]


def test_loading_holds_one_images_bytes_at_a_time(tmp_path: Path) -> None:
    size = (512, 512)
    rows = []
    for seed in range(24):
        write_picture(tmp_path / f"{seed}.png", seed, size)
        rows.append({"input": "?", "target": "x", "images": f"{seed}.png"})
    file = write(tmp_path / "mine.jsonl", *rows)
    one = (tmp_path / "0.png").stat().st_size
    own_tasks(file, "exact")  # imports
    tracemalloc.start()
    (task,) = own_tasks(file, "exact")
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert one > 500_000
    assert held < one / 2, "all 24 items together"
    assert peak < 4 * one
    assert len({image.sha256 for item in task.items for image in item.images}) == 24


def test_bytes_of_a_task_are_not_held_either() -> None:
    def rows() -> Any:
        for seed in range(24):
            yield Text(question="?", target="x", images=picture(seed, (512, 512)))

    task = find_task("demo_reasoning")
    load_items(task)
    tracemalloc.start()
    loaded = load_items(dataclasses.replace(task, make_items=lambda _: rows()))
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 400_000
    assert peak < 8_000_000
    assert len(loaded.items[3].images[0].read()) > 500_000
