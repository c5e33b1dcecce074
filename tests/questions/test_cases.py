"""Answers after public bug reports, each with what must be read: tried as an answers file is, by public doors."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest

from harness.models import open_model
from harness.questions import (
    Choice,
    ChoiceForm,
    Code,
    CodeForm,
    ContainsForm,
    ExactForm,
    Form,
    Numeric,
    NumericForm,
    Summary,
    SummaryForm,
    Text,
    grade,
)
from harness.types import Item, Request, Sampling, System

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / os.environ.get("OPENGAP_TEST_DATA", "../shared/data")
CASES = DATA.parent / "cases" / "reading.jsonl"
LINES: list[dict[str, Any]] = (
    [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines() if line.strip()]
    if CASES.is_file()
    else []
)
PROGRAMS = {
    "add": (
        'def add(a, b):\n    """Sum of two numbers."""\n',
        "def check(candidate):\n    assert candidate(2, 3) == 5\n    assert candidate(-1, 1) == 0\n",
    ),
    "evens": (
        'from typing import List\n\n\ndef evens(xs: List[int]) -> List[int]:\n    """The even ones among xs, in order."""\n',
        "def check(candidate):\n    assert candidate([1, 2, 4]) == [2, 4]\n    assert candidate([]) == []\n",
    ),
}


def asked(line: Mapping[str, Any]) -> tuple[Form[Any], Item]:
    """The form and item of a case; the letters of a choice are those of the options as given."""
    kind, target = line["kind"], str(line["target"])
    if kind == "choice":
        options = line.get("choices") or [f"option number {i + 1}" for i in range(line["options"])]
        return ChoiceForm(), Choice(question="?", right=options[0], wrong=options[1:], given=options)
    if kind == "numeric" or (kind == "math" and is_number(target)):
        return NumericForm(), Numeric(question="?", answer=target)
    if kind == "code":
        prompt, test = PROGRAMS[target]
        return CodeForm(), Code(prompt=prompt, entry_point=target, test=test, solution="    pass\n", cpu_limit_s=5.0)
    if kind == "summary":
        return SummaryForm(), Summary(text="?", reference=target)
    return ContainsForm() if kind == "contains" else ExactForm(), Text(question="?", target=target)


def is_number(text: str) -> bool:
    try:
        Decimal(text.replace(",", ""))
    except InvalidOperation:
        return False
    return True


@pytest.mark.skipif(not LINES, reason="no cases beside the test data")
@pytest.mark.parametrize("line", LINES, ids=[line["id"] for line in LINES])
async def test_an_answer_is_read_as_a_person_reads_it(line: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"id": "1", "text": line["answer"]}) + "\n", encoding="utf-8")
    model = open_model(System("file:a", "a", "", "open_weights", "file", str(file)))
    await model.start()
    completion = await model.generate(Request("t", "1", 0, (), 1, Sampling(), ""))
    form, item = asked(line)
    score = grade(form, form.as_shown(item, completion.prompt), completion)
    assert score is not None
    read: Any = None
    if score.status == "scored" and line["kind"] in ("exact", "contains", "code"):
        read = int(score.values[form.headline])
    elif score.status == "scored" and line["kind"] == "summary":
        read = round(score.values[form.headline], 2)
    elif score.status == "scored" and line["kind"] == "math" and isinstance(form, ExactForm):
        read = int(score.values[form.headline])
    elif score.status == "scored":
        read = score.answer
    if "not" in line:
        assert read not in line["not"], line["why"]
    else:
        assert read in [line["right"], *line.get("also", [])], line["why"]
