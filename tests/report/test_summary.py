"""The Markdown summary: what changed, what of it is noise, and that no name becomes markup."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec

from harness.report.facts import Facts, gather
from harness.report.summary import code, summary
from harness.report.tables import Memory, remember
from tests.report.stores import Answers, alternating, write_run


def _pair(store: Path, closed: float, started: str) -> Facts:
    write_run(store, "c", "closed", {"t": Answers(alternating(100, closed))}, started=started)
    write_run(store, "o", "open_weights", {"t": Answers(alternating(100, 0.5))}, started=started)
    return gather(store)


def _told(facts: Facts, out: Path) -> str:
    memory = remember(facts, out / "report.json")
    (out / "report.json").write_bytes(msgspec.json.encode(memory))
    return summary(facts, memory, {})


def test_the_first_report_says_so_and_later_ones_flag_noise(tmp_path: Path) -> None:
    first = _told(_pair(tmp_path / "s", 0.70, "2026-03-01T10:00:00Z"), tmp_path)
    assert "There is no earlier report in this folder." in first

    second = _told(_pair(tmp_path / "s", 0.73, "2026-03-08T10:00:00Z"), tmp_path)
    assert "- `reasoning`: +20.0 → +23.0, within noise" in second
    assert "still closed leads" in second

    facts = _pair(tmp_path / "s", 0.30, "2026-03-15T10:00:00Z")
    third = _told(facts, tmp_path)
    assert "+23.0 → −20.0, **beyond noise**" in third
    assert "verdict closed leads → **open leads**" in third

    assert _told(facts, tmp_path) == third


def test_what_appears_and_what_goes_is_named(tmp_path: Path) -> None:
    facts = _pair(tmp_path / "s", 0.70, "2026-03-01T10:00:00Z")
    rows = remember(facts, tmp_path / "none.json").rows
    gone = dataclasses.replace(rows[0], dimension="gone|<b>")
    text = summary(facts, Memory(rows, (gone,)), {"Why?": "too little of $x$"})
    assert "- `reasoning`: new, +20.0, closed leads" in text
    assert "- `gone¦<b>`: no longer compared" in text
    assert "too little of \\$x\\$" in text


def test_a_memory_without_tasks_is_still_known(tmp_path: Path) -> None:
    rows = remember(_pair(tmp_path / "s", 0.70, "2026-03-01T10:00:00Z"), tmp_path / "none.json").rows
    facts = gather(tmp_path / "s")
    assert ": new, " not in summary(facts, Memory(rows, tuple(dataclasses.replace(one, task="") for one in rows)), {}).split("Since the last")[1]


def test_a_damaged_memory_is_no_memory(tmp_path: Path) -> None:
    facts = _pair(tmp_path / "s", 0.70, "2026-03-01T10:00:00Z")
    (tmp_path / "report.json").write_text("{")
    assert remember(facts, tmp_path / "report.json").before == ()


def test_names_from_outside_stay_in_their_code_span() -> None:
    assert code("a`b|c\n@all\x1b") == "`a'b¦c @all�`"
