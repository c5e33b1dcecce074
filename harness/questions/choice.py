"""Multiple choice, asked generatively by letter, so that open and closed systems are asked alike."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.questions.form import Form
from harness.questions.reading import plain, statements
from harness.types import Item

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Item):
    """A question with one right option. The order shown does not depend on the order given here."""

    question: str
    right: str
    wrong: Sequence[str]

    def __post_init__(self) -> None:
        if len(self.wrong) >= len(LETTERS):
            raise ValueError(f"a question can have {len(LETTERS)} options at most, not {1 + len(self.wrong)}")


def shown_options(item: Choice) -> list[str]:
    """Options in the order shown: by a hash of question and option, so it is stable and knows no seed."""

    def key(option: str) -> str:
        return hashlib.sha256(f"{item.question}\0{option}".encode()).hexdigest()

    return sorted([item.right, *item.wrong], key=key)


def right_letter(item: Choice) -> str:
    return LETTERS[shown_options(item).index(item.right)]


_LETTER = re.compile(
    r"(?:option |choice |letter )?[(\[<{]?(?:([A-Z])(?![A-Za-z'’])|([a-z])(?=[).\]}>]|$))", re.IGNORECASE
)
_LABELLED = re.compile(r"^ ?\(?([A-Z])[).:] ?", re.MULTILINE)
_LONE = re.compile(r"^[\s(\[<]*([A-Z])[\s)\].>:]*$")


def stated_letter(statement: str) -> str | None:
    """The option that a statement begins with. A lower-case letter must stand alone: "a" is an article too."""
    match = _LETTER.match(statement)
    if match is None:
        return None
    letter = match.group(1) or match.group(2)
    if letter.islower() and not re.match(r"[^A-Za-z]*[a-z](?:[).\]}>]|$)", statement):
        return None
    return letter.upper()


class ChoiceForm(Form[Choice]):
    """Reads the last stated answer (see ``reading``), else a reply that is one letter or begins with one label, as ``B)``.

    The letter must be among the options.
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
    version = 2

    def fields(self, item: Choice) -> Mapping[str, str]:
        options = "\n".join(f"{letter}) {text}" for letter, text in zip(LETTERS, shown_options(item), strict=False))
        return {"question": item.question, "options": options}

    def read(self, item: Choice, text: str) -> str | None:
        cleaned = plain(text)
        found = [stated_letter(statement) for statement in statements(cleaned)]
        lone = _LONE.match(cleaned)
        if lone:
            found.append(lone.group(1))
        labels = _LABELLED.findall(cleaned)
        if len(labels) == 1 and cleaned.lstrip().lstrip("(").startswith(labels[0]):
            found.append(labels[0])
        valid = LETTERS[: 1 + len(item.wrong)]
        return next((letter for letter in found if letter and letter in valid), None)

    def score(self, item: Choice, answer: str) -> Mapping[str, float]:
        return {"accuracy": float(answer == right_letter(item))}

    def gold(self, item: Choice) -> str:
        return f"Answer: {right_letter(item)}"

    def wrong(self, item: Choice) -> str:
        return f"Answer: {LETTERS[shown_options(item).index(item.wrong[0])]}"
