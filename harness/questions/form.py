"""What every form of question supplies: how it is asked, read and scored, and what a right answer looks like."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

from harness.thoughts import split_thoughts
from harness.types import Completion, Item, Message, Protocol, Score

ItemT = TypeVar("ItemT", bound=Item)

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def fill(template: str, fields: Mapping[str, str]) -> str:
    """Replace ``{name}`` in ``template``; braces inside the values are left alone. KeyError on an unknown name."""
    return _PLACEHOLDER.sub(lambda match: fields[match.group(1)], template)


class Form(ABC, Generic[ItemT]):
    """One way of asking. Stateless; a new form is one file with one subclass."""

    name: ClassVar[str]
    item_type: ClassVar[type[Item]]
    headline: ClassVar[str]
    version: ClassVar[int]
    """Raised whenever reading or scoring changes; stored with every score."""
    placeholders: ClassVar[tuple[str, ...]]
    """Names that the protocol's wording may use."""
    wording: ClassVar[str] = ""
    """How it is asked where the protocol does not say; empty: only a protocol says."""
    max_tokens: ClassVar[int] = 1024
    """Upper limit of generated tokens where neither the task nor the protocol names one."""
    runs_code: ClassVar[bool] = False
    refusing_is_measured: ClassVar[bool] = False
    """True: a refusal is read and scored like any answer (safety suites)."""

    def ask(self, item: ItemT, protocol: Protocol) -> tuple[Message, ...]:
        """Render the conversation that is sent, the same for every system."""
        user = Message("user", fill(protocol.wording[self.name], self.fields(item)))
        system = (Message("system", protocol.system_prompt),) if protocol.system_prompt else ()
        return (*system, user)

    @abstractmethod
    def fields(self, item: ItemT) -> Mapping[str, str]:
        """Values for the placeholders of the protocol's wording."""

    def as_shown(self, item: ItemT, prompt: str) -> ItemT:
        """The item as somebody else's harness showed it, of which ``prompt`` is known, or nothing (empty)."""
        return item

    @abstractmethod
    def read(self, item: ItemT, text: str) -> str | None:
        """Take the answer out of the text; None: nothing parsable was answered."""

    @abstractmethod
    def score(self, item: ItemT, answer: str) -> Mapping[str, float]:
        """Metrics of an answer that :meth:`read` returned; must contain the headline. SandboxError passes through."""

    def result(self, item: ItemT, answer: str) -> Score:
        """The whole score, for forms that have more to say than values."""
        return Score("scored", self.score(item, answer))

    @abstractmethod
    def gold(self, item: ItemT) -> str:
        """A completion that must score full."""

    @abstractmethod
    def wrong(self, item: ItemT) -> str:
        """A readable completion that must score nothing."""

    def not_applicable(self, items: Sequence[ItemT]) -> str | None:
        """Why this form cannot score these items at all, whoever answers them; None where it can."""
        return None

    def target(self, item: ItemT) -> str:
        """The reference, shown beside answers in reports."""
        return self.gold(item)


def grade(form: Form[Any], item: Item, completion: Completion) -> Score | None:
    """Turn one completion into a score; None for what was never answered.

    A truncated answer that can still be read is scored by the metric; an empty or refused one is worth nothing
    and is told apart by its status.

    Raises: SandboxError, which the caller records as ``scorer_error``.
    """
    if completion.status == "unanswered":
        return None
    if completion.status == "empty" or (completion.status == "refused" and not form.refusing_is_measured):
        return Score("unparsed", {form.headline: 0.0})
    # Adapters split what they know of; what a stored answer or an unknown template still holds is split here.
    answer = form.read(item, split_thoughts(completion.text).answer)
    if answer is None:
        return Score("unparsed", {form.headline: 0.0})
    return replace(form.result(item, answer), answer=shorten(answer))


def shorten(text: str, limit: int = 200) -> str:
    """At most ``limit`` characters, for the answer column of the scores table."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
