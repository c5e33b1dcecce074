"""Questions whose answer is one number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from harness.questions.form import Form
from harness.questions.numbers import FAR, canonical_number, has_decimal_comma, stated_number
from harness.questions.statement import MOST, plain, statements, turns
from harness.types import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric(Item):
    """A question with a number as its answer, compared exactly as decimals (1,000.0 equals 1000)."""

    question: str
    answer: str


class NumericForm(Form[Numeric]):
    """Reads the last stated number (see ``statement``), else a reply, or its last line, that is nothing but a number.

    A number that is only the beginning of something (a fraction, a power, a range) is not read, nor is an earlier one in
    its place. A target with a decimal comma makes commas in answers decimal ones.
    """

    name = "numeric"
    item_type = Numeric
    headline = "accuracy"
    placeholders = ("question",)
    wording = (
        '{question}\n\nSolve the problem step by step. End with one line of the form "Answer: N", where N is a number.'
    )
    max_tokens = 2048
    version = 3

    def fields(self, item: Numeric) -> Mapping[str, str]:
        return {"question": item.question}

    def read(self, item: Numeric, text: str) -> str | None:
        comma = has_decimal_comma(item.answer)
        for turn in turns(plain(text)):
            found, number = _read(turn, comma=comma)
            if found:
                return number
        return None

    def score(self, item: Numeric, answer: str) -> Mapping[str, float]:
        return {"accuracy": float(answer == canonical_number(item.answer))}

    def gold(self, item: Numeric) -> str:
        return f"Answer: {item.answer}"

    def wrong(self, item: Numeric) -> str:
        number = canonical_number(item.answer)
        return f"Answer: {Decimal(number or '0') + 1}"


def _read(text: str, *, comma: bool) -> tuple[bool, str | None]:
    """Whether an answer was stated, and its number, if it is one."""
    labelled = None
    for one in statements(text):
        if one.weak and labelled is not None:
            continue
        reading = stated_number(one.rest, comma=comma or one.comma)
        if reading.names_none:
            continue
        if not one.weak:
            return True, reading.number
        labelled = reading
    if labelled is not None:
        return True, labelled.number
    lines = [line for line in text.splitlines() if line.strip()][-MOST:]
    alone = [line for line in lines if len(line) <= FAR and stated_number(line.strip(), comma=comma, alone=True).number]
    if lines and len(lines[-1]) <= FAR and (len(alone) == 1 or len(lines) == 1):
        reading = stated_number(lines[-1].strip(), comma=comma, alone=True)
        return not reading.names_none, reading.number
    return False, None
