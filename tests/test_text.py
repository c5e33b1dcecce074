"""The one text room: every reader gets figures, names and text from outside written the same way."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from harness.report import typeset
from harness.text import (
    HIDDEN_RE2,
    REPLACED,
    cell,
    code,
    escaped,
    inert,
    percent,
    points,
    shortened,
    span,
    true_minus,
    uncontrolled,
    usd,
)

HARNESS = Path(__file__).resolve().parent.parent / "harness"


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.0, 5.3, "[0.0, 5.3]"),
        (0.04, 5.3, "[0.04, 5.3]"),
        (-5.3, -0.0042, "[-5.3, -0.004]"),
        (-0.0004, 0.0004, "[<0, >0]"),
        (0.05, 2.96, "[0.1, 3.0]"),
        (-1.06, 10.94, "[-1.1, 10.9]"),
        (2.0, 2.0, "–"),
        (float("nan"), 2.0, "–"),
    ],
)
def test_an_end_beside_zero_shows_its_side(low: float, high: float, shown: str) -> None:
    assert span(low, high) == shown
    assert typeset.span(low, high) == shown.replace("-", "−")


def test_figures_have_one_way_each() -> None:
    assert [points(-0.04), points(0.04, sign=True), points(None), points(2.25, True, 2)] == ["0.0", "0.0", "–", "+2.25"]
    assert [typeset.points(-3.2), typeset.points(3.2, sign=True)] == ["−3.2", "+3.2"]
    assert [percent(0.02), percent(0.4159, 0)] == ["2.0 %", "42 %"]
    assert [usd(0), usd(None), usd(float("nan")), usd(1234.5)] == ["$0", "unknown", "unknown", "$1,234.50"]
    assert [usd(0.0047), usd(0.005), usd(0.5), usd(1.26e-6)] == ["$0.0047", "$0.0050", "$0.50", "$0.0000013"]
    assert [shortened("abcdefghij", 10), shortened("abcdefghijk", 6)] == ["abcdefghij", "abc…jk"]


@pytest.mark.parametrize("char", ["\u00ad", "\u3164", "\u115f", "\U000e0041", "\U000e0101", "\u200b"])
def test_what_leaves_nothing_to_be_seen_is_seen(char: str) -> None:
    assert uncontrolled(f"a{char}b") == "a�b"


def test_words_for_the_eye() -> None:
    assert (
        true_minus("the gap is -100.0 to +3.0 [-4, 2] of gpt-5-mini, claude-4")
        == "the gap is −100.0 to +3.0 [−4, 2] of gpt-5-mini, claude-4"
    )
    assert (usd(0.0047), usd(0.005), usd(0.5)) == ("$0.0047", "$0.0050", "$0.50")
    assert (cell(float("inf")), cell(-0.0), cell(float("nan"))) == ("∞", "0.0", "")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1"])
def test_spreadsheets_do_not_compute_what_a_model_wrote(text: str) -> None:
    assert not str(cell(text)).startswith(("=", "+", "-", "@", "\t", " "))


def test_names_from_outside_stay_in_their_code_span() -> None:
    assert code("a`b|c\n@all\x1b") == "`a'b¦c @all�`"


def test_no_reader_is_deceived_by_what_a_model_wrote() -> None:
    wrote = "a\x1b[2K\u202eb\n  c\ud800"
    assert inert(wrote) == "a�[2K�b c�"
    assert uncontrolled(wrote) == "a�[2K�b\n  c�"
    assert escaped("<b> *x* @all\x07") == "\\<b\\> \\*x\\* \\@all�"
    assert [cell(True), cell(None), cell(["=1"]), cell("=1\n2")] == ["true", "", '["=1"]', "'=1 2"]


def test_the_database_replaces_what_everybody_else_replaces() -> None:
    odd = ["\x1b", "\u202e", "\u00ad", "\u3164", "\u200b", "\ue000", "\u2028", "a", "é", "中"]
    with duckdb.connect() as connection:
        for char in odd:
            query = f"SELECT regexp_replace(?, '{HIDDEN_RE2}', '{REPLACED}', 'g')"
            found = connection.execute(query, [char]).fetchone()
            assert found == (uncontrolled(char),)


def test_nobody_writes_intervals_or_looks_for_controls_by_themselves() -> None:
    """What the text room does is done nowhere else."""
    own = re.compile(r"unicodedata\.category|\[\{(points\()?[\w.]*low[^\]]*\}, \{(points\()?[\w.]*high")
    # What models wrote is read by rooms of its own; months of a lag may be infinite.
    places = [p for p in HARNESS.rglob("*.py") if p.name != "text.py" and p.parent.name != "questions"]
    assert [p.name for p in places if own.search(p.read_text())] == []


def test_the_text_room_loads_nothing_heavy() -> None:
    program = (
        "import sys, harness.text; print([n for n in ('numpy', 'pandas', 'msgspec', 'matplotlib') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
