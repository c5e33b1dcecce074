"""Speed of reading: 100,000 answers of 2 kB in each form, measured on 5,000 of them."""

from __future__ import annotations

import time
from typing import Any

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
)
from harness.thoughts import split_thoughts
from harness.types import Item

Line = tuple[str, float, str, str]
MEASURED, WHOLE = 5_000, 100_000
PROSE = ("First we look at what is asked, and at each of the four cases in turn. " * 30)[:1_970]
PROGRAM = "```python\ndef add(a, b):\n" + "    total = a + b\n" * 105 + "    return total\n```\nIt adds the two."
FORMS: list[tuple[str, Form[Any], Item, str]] = [
    ("choice", ChoiceForm(), Choice(question="?", right="a1", wrong=["b1", "c1", "d1"]), f"{PROSE}\nAnswer: B"),
    ("numeric", NumericForm(), Numeric(question="?", answer="42"), f"{PROSE}\nAnswer: 42"),
    ("exact", ExactForm(), Text(target="Paris"), f"{PROSE}\nAnswer: Paris"),
    ("contains", ContainsForm(), Text(target="Paris"), f"{PROSE}\nAnswer: Paris"),
    ("code", CodeForm(), Code(prompt="def add(a, b):\n", entry_point="add", test="", solution="    pass\n"), PROGRAM),
    ("summary", SummaryForm(), Summary(text="?", reference="the cat sat"), f"Summary: {PROSE}"),
]  # fmt: skip


def measure() -> list[Line]:
    """(what, value, unit, bound) a form."""
    lines = []
    for name, form, item, text in FORMS:
        begun = time.perf_counter()
        for _ in range(MEASURED):
            assert form.read(item, split_thoughts(text).answer)
        taken = (time.perf_counter() - begun) * WHOLE / MEASURED
        lines.append((f"reading 100,000 answers of 2 kB: {name}", taken, "s", "<= 10 s"))
    return lines


if __name__ == "__main__":
    print(measure())
