"""Questions whose answer is one number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation

from harness.questions.form import Form
from harness.questions.reading import plain, statements
from harness.types import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric(Item):
    """A question with a number as its answer, compared exactly as decimals (1,000.0 equals 1000)."""

    question: str
    answer: str


FAR = 60
"""A number further into a statement than this many characters is not what is stated."""


_NUMBER = re.compile(r"[-+−–]? ?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+−–]?\.\d+")
_GOES_ON = re.compile(r"[.,]?\d|[:/^]|\\|(?: ?[-+*×·÷−–] ?| x )\d")
"""What makes a number only the beginning of something else: a fraction, a power, a time, a sum, a decimal comma."""


def canonical_number(text: str) -> str | None:
    """Canonical decimal of ``text`` without currency signs and separators; None if it is not a number."""
    cleaned = re.sub(r"[\s,$€£]", "", text).replace("−", "-").replace("–", "-")
    try:
        number = Decimal(cleaned)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > 1000:
        return None
    exact = Context(prec=max(28, len(cleaned) + 1))
    return format(number.normalize(exact), "f") if number else "0"


def stated_number(statement: str) -> str | None:
    """The number that a statement names: its first, or what a calculation ends in; None if it is neither."""
    match = _NUMBER.search(statement)
    if match is None or match.start() > FAR:
        return None
    if _GOES_ON.match(statement, match.end()):
        before, equals, after = statement.rpartition("=")
        return stated_number(after) if equals and before else None
    return canonical_number(match.group())


class NumericForm(Form[Numeric]):
    """Reads the last stated number (see ``reading``), else a reply that is nothing but a number."""

    name = "numeric"
    item_type = Numeric
    headline = "accuracy"
    placeholders = ("question",)
    wording = (
        '{question}\n\nSolve the problem step by step. End with one line of the form "Answer: N", where N is a number.'
    )
    max_tokens = 2048
    version = 2

    def fields(self, item: Numeric) -> Mapping[str, str]:
        return {"question": item.question}

    def read(self, item: Numeric, text: str) -> str | None:
        cleaned = plain(text)
        found = statements(cleaned)
        if not found and len(cleaned) <= FAR and _NUMBER.fullmatch(cleaned.strip().rstrip(".%")):
            found = [cleaned.strip()]
        return next((number for number in map(stated_number, found) if number is not None), None)

    def score(self, item: Numeric, answer: str) -> Mapping[str, float]:
        return {"accuracy": float(answer == canonical_number(item.answer))}

    def gold(self, item: Numeric) -> str:
        return f"Answer: {item.answer}"

    def wrong(self, item: Numeric) -> str:
        number = canonical_number(item.answer)
        return f"Answer: {Decimal(number or '0') + 1}"
