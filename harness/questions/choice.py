"""Multiple choice, asked generatively by letter, so that open and closed systems are asked alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.questions.form import Form
from harness.questions.letters import LETTERS, chosen, order_in
from harness.questions.statement import plain, turns
from harness.types import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Item):
    """A question with one right option. The order shown does not depend on the order given here."""

    question: str
    right: str
    wrong: Sequence[str]
    given: Sequence[str] = field(default=(), metadata={"content": False})
    """All options in the order of their source, which answers of somebody else's harness refer to; empty: not known."""
    shown: Sequence[str] = field(default=(), metadata={"content": False})
    """All options in the order that an existing answer was shown; empty: the order of our own prompts."""

    def __post_init__(self) -> None:
        if len(self.wrong) >= len(LETTERS):
            raise ValueError(f"a question can have {len(LETTERS)} options at most, not {1 + len(self.wrong)}")


def shown_options(item: Choice) -> list[str]:
    """Options in the order shown: by a hash of question and option, so it is stable and knows no seed."""
    if item.shown:
        return list(item.shown)

    def key(option: str) -> str:
        return hashlib.sha256(f"{item.question}\0{option}".encode()).hexdigest()

    return sorted([item.right, *item.wrong], key=key)


def right_letter(item: Choice) -> str:
    return LETTERS[shown_options(item).index(item.right)]


class ChoiceForm(Form[Choice]):
    """Reads the last stated answer (see ``statement``), else an option that is chosen in a sentence, else a reply that
    is, begins or ends with one label, as ``B)``. An option's text stands for its letter.

    The letter must be among the options; a reply that names two, or asks, is not read.
    """

    name = "choice"
    item_type = Choice
    headline = "accuracy"
    placeholders = ("question", "options")
    wording = (
        "{question}\n"
        "\n"
        "{options}\n"
        "\n"
        'Answer with the letter of the right choice. End with one line of the form "Answer: X".'
    )
    max_tokens = 4096
    version = 3

    def fields(self, item: Choice) -> Mapping[str, str]:
        options = "\n".join(f"{letter}) {text}" for letter, text in zip(LETTERS, shown_options(item), strict=False))
        return {"question": item.question, "options": options}

    def as_shown(self, item: Choice, prompt: str) -> Choice:
        order = order_in(prompt, [item.right, *item.wrong]) or item.given
        return replace(item, shown=tuple(order)) if order else item

    def read(self, item: Choice, text: str) -> str | None:
        options = shown_options(item)
        for turn in turns(plain(text)):
            found, letter = chosen(turn, options)
            if found:
                return letter
        return None

    def score(self, item: Choice, answer: str) -> Mapping[str, float]:
        return {"accuracy": float(answer == right_letter(item))}

    def gold(self, item: Choice) -> str:
        return f"Answer: {right_letter(item)}"

    def wrong(self, item: Choice) -> str:
        return f"Answer: {LETTERS[shown_options(item).index(item.wrong[0])]}"
