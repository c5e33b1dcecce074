"""The page and its data: what they say, what they never hold, and that they come out the same."""

from __future__ import annotations

import base64
import csv
import hashlib
import html.parser
import json
import re
import shutil
import zlib
from pathlib import Path
from typing import Any

import pytest

from harness.report.facts import Facts, gather
from harness.report.make import make
from harness.report.page import page
from harness.report.samples import LONGEST, Samples, samples
from harness.report.svg import Picture
from tests.report.conftest import ATTACKS, HOSTILE, SECRET, N
from tests.report.stores import Answers, alternating, write_run


def inflated(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text)))


class _Checked(html.parser.HTMLParser):
    """Counts what must not be there: handlers, inline styles, foreign addresses, doubled ids, unclosed tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "input"):
            self.open.append(tag)
        for name, value in attributes:
            if name.startswith("on") or name == "style":
                self.wrong.append(f"{tag} {name}")
            if name in ("src", "href", "xlink:href"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")


def test_the_page_is_whole_and_holds_nothing_active_but_its_own_script(rich_report: Path) -> None:
    text = (rich_report / "index.html").read_text()
    checked = _Checked(text)
    assert checked.wrong == []
    assert checked.open == []
    assert len(checked.ids) == len(set(checked.ids))
    local = {path.name for path in rich_report.iterdir()}
    for link in checked.links:
        assert link in local or (link.startswith("#") and (link[1:] in checked.ids or link.startswith("#sample"))), link
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;;" in policy
    assert policy.startswith("default-src &#39;none&#39;")
    assert "unsafe" not in policy


def test_text_that_may_not_be_passed_on_is_nowhere(rich_report: Path, rich_facts: Facts) -> None:
    found = samples(rich_facts)
    assert all(SECRET not in json.dumps(inflated(block)) for block in found.blocks)
    for path in rich_report.iterdir():
        assert SECRET.encode() not in path.read_bytes(), path.name


def test_samples_hold_what_was_asked_answered_and_scored(rich_facts: Facts) -> None:
    found = samples(rich_facts)
    index = inflated(found.index)
    assert found.items == len(index["id"]) == 4 * N
    names = [system["name"] for system in index["systems"]]
    assert [system["open"] for system in index["systems"]] == [False, False, True, True]
    place, task = names.index("vendor:closed-new"), [one["name"] for one in index["tasks"]].index("puzzles")
    item = next(i for i in range(found.items) if index["task"][i] == task and index["id"][i] == "item-00001")
    entry = inflated(found.blocks[item // index["block"]])[item % index["block"]]
    assert entry[0] == "What is it?"
    assert entry[1] == "gold"
    assert entry[2][str(place)] == [ATTACKS[1], ""]
    assert index["statuses"][index["status"][place][item]] == "unparsed" or index["score"][place][item] in (0, 1000)
    long = inflated(found.blocks[(item + 7) // index["block"]])[(item + 7) % index["block"]][2][str(place)][0]
    assert len(long) < LONGEST + 100
    assert "more characters in the run's text.parquet" in long


def test_large_reports_put_their_text_beside_the_page(rich_facts: Facts, rich_report: Path) -> None:
    large = Samples(samples(rich_facts).index, ("A" * 26_000_000,), 1)
    picture = Picture("gap", "How far?", (rich_report / "gap.svg").read_text(), "far", "very")
    text = page(rich_facts, [picture], {}, large)
    assert "AAAA" * 100 not in text
    assert "&#39;self&#39;" in text


def test_a_second_report_over_the_first_has_the_same_bytes(rich_store: Path, rich_report: Path, tmp_path: Path) -> None:
    shutil.copy(rich_report / "report.json", tmp_path)
    for path in make(gather(rich_store), tmp_path):
        assert path.read_bytes() == (rich_report / path.name).read_bytes(), path.name


def test_what_an_earlier_report_left_goes_and_nothing_is_written_through_a_link(
    rich_facts: Facts, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    make(rich_facts, out)
    (out / "samples").mkdir()
    for name in ("samples/0000.js", "published.csv", "mine.txt", "notes.csv"):
        (out / name).write_text("old")
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("precious")
    for name in ("gap.png", "gap-dark.svg", "index.html"):
        (out / name).unlink()
        (out / name).symlink_to(victim / "file")
    for name, weights in (("c", "closed"), ("o", "open_weights")):
        write_run(tmp_path / "s", name, weights, {"t": Answers([0.5, 0.7, 0.9, 0.4] * 10)})  # type: ignore[arg-type]
    written = make(gather(tmp_path / "s"), out)
    assert (victim / "file").read_text() == "precious"
    assert not any(path.is_symlink() for path in written)
    assert {path for path in out.rglob("*") if path.is_file()} == {*written, out / "mine.txt", out / "notes.csv"}
    (out / "samples").rmdir()
    (out / "samples").symlink_to(victim)
    make(rich_facts, out)
    assert sorted(path.name for path in victim.iterdir()) == ["file"]


def test_an_emptied_store_leaves_no_report_of_what_was_there(rich_store: Path, tmp_path: Path) -> None:
    shutil.copytree(rich_store, tmp_path / "s")
    make(gather(tmp_path / "s"), tmp_path / "out")
    shutil.rmtree(tmp_path / "s" / "runs")
    make(gather(tmp_path / "s"), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["index.html", "report.json", "summary.md"]
    assert "There is nothing else in the store." in (tmp_path / "out" / "index.html").read_text()


def test_pictures_and_tables_have_short_names_and_descriptions(rich_report: Path) -> None:
    text = (rich_report / "index.html").read_text()
    names = re.findall(r'role="img" aria-label="([^"]*)"', text)
    assert len(names) == 9
    assert max(map(len, names)) < 260
    assert text.count("<caption") == text.count("<table")
    groups = re.findall(r'role="group" aria-label="([^"]*)"', text)
    assert len(groups) == len(set(groups))
    svg = (rich_report / "gap-dark.svg").read_text()
    title, described = re.findall(r'<title id="title">(.*?)</title><desc>(.*?)</desc>', svg, re.DOTALL)[0]
    assert title == names[0]
    assert "points" in described
    assert 'role="img" aria-labelledby="title"' in svg


def test_hostile_names_everywhere(tmp_path: Path) -> None:
    for name, weights, share in ((HOSTILE, "closed", 0.9), ("o" + HOSTILE, "open_weights", 0.5)):
        tasks = {HOSTILE + "t": Answers(alternating(40, share), dimension=HOSTILE)}
        write_run(tmp_path / "s", name, weights, tasks)  # type: ignore[arg-type]
    make(gather(tmp_path / "s"), tmp_path / "out")
    text = (tmp_path / "out" / "index.html").read_text()
    assert _Checked(text).wrong == []
    for name in ("index.html", "summary.md", "gaps.csv", "items.csv"):
        content = (tmp_path / "out" / name).read_text()
        assert not {"\x1b", "\u202e"} & set(content), name
        assert "</script><b>" not in content.replace("\\", "") or name != "index.html"


def test_tables_hold_every_number_of_the_gaps(rich_report: Path, rich_facts: Facts) -> None:
    with open(rich_report / "gaps.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row, one in zip(rows, rich_facts.rows, strict=True):
        assert float(row["gap"]) == pytest.approx(one.gap, abs=1e-6)
        assert row["verdict"] == one.verdict
    with open(rich_report / "items.csv", newline="") as handle:
        items = list(csv.DictReader(handle))
    assert len(items) == 4 * 4 * N
    assert {row["task"] for row in items} == {"puzzles", "sums", "'=programs", "abstracts"}


def test_damaged_and_foreign_folders_are_named_and_passed_over(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / "s", "c", "closed", {"t": Answers(alternating(40, 0.9))}),
        write_run(tmp_path / "s", "o", "open_weights", {"t": Answers(alternating(40, 0.5))}),
        write_run(tmp_path / "s", "broken", "open_weights", {"t": Answers(alternating(40, 0.6))}),
        write_run(tmp_path / "s", "open-run", "open_weights", {"t": Answers(alternating(40, 0.7))}),
    ]
    runs[2].receipt.write_text("{")
    runs[3].receipt.unlink()
    (tmp_path / "s" / "runs" / "foreign").mkdir()
    make(gather(tmp_path / "s"), tmp_path / "out")
    text = (tmp_path / "out" / "index.html").read_text()
    assert f"cannot read {runs[2].run_id}/receipt.json" in text
    assert str(tmp_path) not in text
    assert "foreign is passed over: it is no run" in text
    assert f"{runs[3].run_id}: not finished" in text


def test_the_golden_numbers_are_told_without_a_word_by_hand(tmp_path: Path, test_data: Path) -> None:
    closed, open_ = "Claude 4.5 Opus medium (20251101)", "Minimax M2"
    scores: dict[str, dict[str, float]] = {closed: {}, open_: {}}
    with open(test_data / "published" / "per_item_swebench_verified.csv", newline="") as handle:
        for row in csv.DictReader(handle):
            if row["model"] in scores:
                scores[row["model"]][row["item_id"]] = float(row["resolved"])
    for name, weights in ((closed, "closed"), (open_, "open_weights")):
        items = sorted(scores[name])
        answers = Answers(
            [scores[name][item] for item in items], "coding", clusters=[item.split("__")[0] for item in items]
        )
        write_run(tmp_path / "s", name, weights, {"swe": answers}, provenance="import:items")  # type: ignore[arg-type]
    make(gather(tmp_path / "s"), tmp_path / "out")
    text = (tmp_path / "out" / "index.html").read_text()
    for told in (
        "Closed leads in coding by 13.4 [5.9, 20.9] points",
        "74.4",
        "61.0",
        "only closed 85, only open 18",
        "imported: items",
        "95 % interval, CR1",
    ):
        assert told in text, told
