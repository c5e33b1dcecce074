"""Questions whose answer is one number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from harness.questions.form import Form
from harness.types import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric(Item):
    """A question with a number as its answer, compared exactly as decimals (1,000.0 equals 1000)."""

    question: str
    answer: str


_NUMBER = r"[-+−]?\s*[$€£]?\s*((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)"
_ANSWER = re.compile(rf"answer\s*(?:is|:)?[\s*_`$€£=]*(?:\\\(|\\boxed\{{|\\text\{{)*\s*({_NUMBER})", re.IGNORECASE)
_BOXED = re.compile(rf"\\boxed\{{\s*\\?[$]?({_NUMBER})")
_LONE = re.compile(rf"^[\s*_`$]*({_NUMBER})[\s*_`$.%]*$")


def canonical_number(text: str) -> str | None:
    """Canonical decimal of ``text`` without currency signs and separators; None if it is not a number."""
    cleaned = re.sub(r"[\s,$€£]", "", text).replace("−", "-")
    try:
        number = Decimal(cleaned)
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    return format(number.normalize(), "f") if number else "0"


class NumericForm(Form[Numeric]):
    """Reads the last ``Answer: N``, else the last boxed number, else a reply that is nothing but a number."""

    name = "numeric"
    item_type = Numeric
    headline = "accuracy"
    version = 1

    def fields(self, item: Numeric) -> Mapping[str, str]:
        return {"question": item.question}

    def read(self, item: Numeric, text: str) -> str | None:
        for pattern in (_ANSWER, _BOXED, _LONE):
            found = pattern.findall(text)
            if found:
                return canonical_number(found[-1][0])
        return None

    def score(self, item: Numeric, answer: str) -> Mapping[str, float]:
        return {"accuracy": float(answer == canonical_number(item.answer))}

    def gold(self, item: Numeric) -> str:
        return f"Answer: {item.answer}"

    def wrong(self, item: Numeric) -> str:
        number = canonical_number(item.answer)
        return f"Answer: {Decimal(number or '0') + 1}"
