"""The Markdown summary: what changed, what of it is noise, and that no name becomes markup."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import msgspec
import pytest

from harness.report.facts import Facts, gather
from harness.report.summary import summary
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
    assert "There is no earlier report of other results in this folder." in first

    second = _told(_pair(tmp_path / "s", 0.73, "2026-03-08T10:00:00Z"), tmp_path)
    assert "- `reasoning, t, matched@1`: +20.0 → +23.0, within the noise of the two (±" in second
    assert "still closed leads" in second

    facts = _pair(tmp_path / "s", 0.30, "2026-03-15T10:00:00Z")
    third = _told(facts, tmp_path)
    assert "+23.0 → −20.0, **beyond** the noise of the two" in third
    assert "verdict closed leads → **open leads**" in third

    assert _told(facts, tmp_path) == third


def test_what_appears_and_what_goes_is_named(tmp_path: Path) -> None:
    facts = _pair(tmp_path / "s", 0.70, "2026-03-01T10:00:00Z")
    rows = remember(facts, tmp_path / "none.json").rows
    gone = dataclasses.replace(rows[0], dimension="gone|<b>", task="", protocol="")
    text = summary(facts, Memory(rows, (gone,)), {"Why?": "too little of $x$"})
    assert "- `reasoning, t, matched@1`: new, +20.0, closed leads" in text
    assert "- `gone¦<b>`: no longer compared" in text
    assert "too little of \\$x\\$" in text


def test_other_systems_do_not_compare_and_the_noise_is_that_of_one_row(tmp_path: Path) -> None:
    rows = remember(_pair(tmp_path / "s", 0.70, "2026-03-01T10:00:00Z"), tmp_path / "none.json").rows
    facts = gather(tmp_path / "s")
    assert rows[0].ci_low == pytest.approx(facts.rows[0].ci_low)
    other = dataclasses.replace(rows[0], closed="c2", systems=("c2", "o"), gap=11.0)
    told = summary(facts, Memory(rows, (other,)), {}).split("Since the last")[1]
    assert (
        "+11.0 → +20.0, of other systems, so the two do not compare, still closed leads; now `c` against `o`, before `c2` against `o`"
        in told
    )
    assert "noise" not in told


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "<img src=x onerror=alert(1)>"},
        {"decimals": 10**10},
        {"decimals": -1},
        {"gap": "1"},
        {"systems": None},
    ],
)
def test_a_memory_that_no_report_wrote_is_no_memory(tmp_path: Path, change: dict[str, object]) -> None:
    facts = _pair(tmp_path / "s", 0.70, "2026-03-01T10:00:00Z")
    path = tmp_path / "report.json"
    path.write_text("{")
    assert remember(facts, path).before == ()
    (row,) = remember(facts, tmp_path / "none.json").rows
    last = {**msgspec.to_builtins(dataclasses.replace(row, gap=1.0)), "verdict": "undecided"}
    path.write_text(json.dumps({"rows": [last], "before": []}))
    assert [one.gap for one in remember(facts, path).before] == [1.0]
    path.write_text(json.dumps({"rows": [{**last, **change}], "before": []}))
    assert remember(facts, path).before == ()
