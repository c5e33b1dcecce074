"""Free text compared with a target: the form behind ``--scorer exact`` and ``--scorer contains``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.questions.form import Form
from harness.types import Item, Message, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Item):
    """A question, or a whole conversation, with the text that is expected."""

    target: str
    question: str = ""
    messages: Sequence[Message] = ()
    """A conversation that is sent as it is instead of ``question``."""


def normalise(text: str) -> str:
    """Lower case, white space folded, no full stop or quotes at the ends: what both sides are compared in."""
    return re.sub(r"\s+", " ", text).strip().strip("\"'`.").strip().casefold()


class _TextForm(Form[Text]):
    item_type = Text
    placeholders = ("question",)
    wording = "{question}"
    version = 1

    def ask(self, item: Text, protocol: Protocol) -> tuple[Message, ...]:
        if item.messages:
            return tuple(item.messages)
        return super().ask(item, protocol)

    def fields(self, item: Text) -> Mapping[str, str]:
        return {"question": item.question}

    def read(self, item: Text, text: str) -> str | None:
        return normalise(text) or None

    def gold(self, item: Text) -> str:
        return item.target

    def wrong(self, item: Text) -> str:
        return "zzzz"


class ExactForm(_TextForm):
    """The whole answer equals the target, after normalisation."""

    name = "text"
    headline = "exact_match"

    def score(self, item: Text, answer: str) -> Mapping[str, float]:
        return {"exact_match": float(answer == normalise(item.target))}


class ContainsForm(_TextForm):
    """The target occurs somewhere in the answer, after normalisation."""

    name = "text"
    headline = "contains"

    def score(self, item: Text, answer: str) -> Mapping[str, float]:
        return {"contains": float(normalise(item.target) in answer)}
