"""Multiple choice, asked generatively by letter, so that open and closed systems are asked alike."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.questions.form import Form
from harness.types import Item

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Item):
    """A question with one right option. The order shown does not depend on the order given here."""

    question: str
    right: str
    wrong: Sequence[str]


def shown_options(item: Choice) -> list[str]:
    """Options in the order shown: by a hash of question and option, so it is stable and knows no seed."""

    def key(option: str) -> str:
        return hashlib.sha256(f"{item.question}\0{option}".encode()).hexdigest()

    return sorted([item.right, *item.wrong], key=key)


def right_letter(item: Choice) -> str:
    return LETTERS[shown_options(item).index(item.right)]


_ANSWER = re.compile(r"answer\s*(?:is|:)?\s*[*_`$\s]*\\?(?:boxed\{|text\{)*\(?\[?([A-Z])(?![A-Za-z])", re.IGNORECASE)
_LONE = re.compile(r"^[\s*_`(\[]*([A-Z])[\s*_`)\].:]*$")


class ChoiceForm(Form[Choice]):
    """Reads the last ``Answer: X``, or a reply that is nothing but one letter; the letter must be among the options."""

    name = "choice"
    item_type = Choice
    headline = "accuracy"
    version = 1

    def fields(self, item: Choice) -> Mapping[str, str]:
        options = "\n".join(f"{letter}) {text}" for letter, text in zip(LETTERS, shown_options(item), strict=False))
        return {"question": item.question, "options": options}

    def read(self, item: Choice, text: str) -> str | None:
        found = [match.group(1).upper() for match in _ANSWER.finditer(text)]
        lone = _LONE.match(text)
        if lone:
            found.append(lone.group(1))
        valid = LETTERS[: 1 + len(item.wrong)]
        return next((letter for letter in reversed(found) if letter in valid), None)

    def score(self, item: Choice, answer: str) -> Mapping[str, float]:
        return {"accuracy": float(answer == right_letter(item))}

    def gold(self, item: Choice) -> str:
        return f"Answer: {right_letter(item)}"

    def wrong(self, item: Choice) -> str:
        return f"Answer: {LETTERS[shown_options(item).index(item.wrong[0])]}"
