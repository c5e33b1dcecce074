"""Real answers of six models to MMLU-Pro, against what their authors' own reader took from them.

That reader takes the *first* ``answer is (X)``; failing that ``Answer: X``; failing that the last capital letter that
stands alone anywhere in the text. Where the two differ (2.9 % of 14,640 answers) it is the source that is wrong, or takes
one of several:

- 180: nothing is stated, and its last resort reads the I of "I cannot provide an answer", the A of "A test statistic" or
  the label of an option under discussion. Ours: unread.
- 142: the models were shown five examples and answered these too, "The answer is (B). The answer is (J). …", the real
  question last. It takes the first letter, ours the last. Of these the last is right four times as often as the first.
- 44: it reads nothing in "The answer is not listed, but the closest option is (G)" or "the best choice is (E) High
  barriers". Ours: G, E.
- 27: "the correct answer is:\n\nC. Isolation …" and later text with a lone capital. It takes that capital, ours C.
- 15: a letter that the question does not have, "(J)" of four options. Ours: unread.
- 16: several letters, "The answer is (A) and (E)", or none, "The answer is (Cannot be determined)", where it takes the A
  or the C. Ours: unread.
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.questions import Choice, ChoiceForm

STATED = re.compile(r"answer is \(?([A-J])\)?")
LABELLED = re.compile(r"[aA]nswer:\s*([A-J])")


@pytest.fixture(scope="module")
def readings(test_data: Path) -> list[tuple[dict[str, Any], int, str | None]]:
    """(row of the source, number of options, what we read) of all answers."""
    with (test_data / "suites/mmlu_pro/test.jsonl").open(encoding="utf-8") as lines:
        options = {row["question_id"]: row["options"] for row in map(json.loads, lines)}
    found = []
    for path in sorted((test_data / "answers").glob("mmlu_pro_*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                # Letters are those of the source's order. A few questions have an option twice.
                given = [f"{text}{' ' * at}" for at, text in enumerate(options[row["question_id"]])]
                item = Choice(question="?", right=given[0], wrong=given[1:], shown=given)
                found.append((row, len(given), ChoiceForm().read(item, row["text"])))
    return found


def says_one_thing(row: dict[str, Any], options: int) -> bool:
    """Whether the source's reader found a statement, of one letter, that is an option."""
    letters = set(STATED.findall(row["text"])) or set(LABELLED.findall(row["text"]))
    return letters == {row["source_pred"]} and ord(row["source_pred"]) - ord("A") < options


def test_what_states_one_letter_is_read_as_its_source_reads_it(
    readings: list[tuple[dict[str, Any], int, str | None]],
) -> None:
    clear = [(row, ours) for row, options, ours in readings if says_one_thing(row, options)]
    assert len(clear) > 13_000
    agreeing = sum(row["source_pred"] == ours for row, ours in clear)
    assert agreeing / len(clear) >= 0.998


def test_over_all_answers_only_what_is_explained_differs(
    readings: list[tuple[dict[str, Any], int, str | None]],
) -> None:
    agreeing = sum(row["source_pred"] == ours for row, _, ours in readings)
    assert agreeing / len(readings) >= 0.97


def test_where_both_read_a_letter_and_differ_ours_is_right_more_often(
    readings: list[tuple[dict[str, Any], int, str | None]],
) -> None:
    differing = [(row, ours) for row, _, ours in readings if ours and row["source_pred"] not in (None, ours)]
    ours_right = sum(row["answer"] == ours for row, ours in differing)
    source_right = sum(row["answer"] == row["source_pred"] for row, _ in differing)
    assert ours_right > 2 * source_right
