"""Free text compared with a target: the form behind ``--scorer exact`` and ``--scorer contains``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.questions.form import Form
from harness.questions.statement import MOST, before_end, compatible, decorated_off, statements, turns, within_reach
from harness.types import Item, Message, Protocol

_AT_ENDS = " \t\r\n\"'`“”„«»‹›‘’「」『』*_.。｡।۔"
_OPENED = re.compile(
    r"(?:(?:the|my|final|correct|so|thus|therefore|la|le|die|el|il|a|o|正确|最终|最終)[ ,]*)*$", re.IGNORECASE
)
_UNSPACED = re.compile(r"[぀-ヿ㐀-䶿一-鿿가-힯฀-๿຀-໿ក-៿က-႟\U00020000-\U0003ffff]")
"""Scripts that write no spaces between words, or endings right after them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Item):
    """A question, or a whole conversation, with the text that is expected."""

    target: str
    question: str = ""
    messages: Sequence[Message] = ()
    """A conversation that is sent as it is instead of ``question``."""


def normalise(text: str) -> str:
    """Compatible characters in one form (NFKC), case and white space folded, no full stop or quotes at the ends: what both
    sides are compared in.
    """
    return " ".join(compatible(text).split()).strip(_AT_ENDS).casefold()


def stated_text(text: str) -> str:
    """What a reply answers: special tokens, decorations, questions of its own and a leading ``Answer:`` taken off."""
    text = decorated_off(before_end(within_reach(text)))
    said = turns(text)[0]
    for one in statements(said):
        if one.weak:
            continue
        before = said[: one.begin].rpartition("\n")[2]
        alone = not said[: one.begin].strip(_AT_ENDS + "$") or one.labelled
        if alone and _OPENED.fullmatch(before.strip(_AT_ENDS + "$")) and not said[one.end :].strip(_AT_ENDS + "$"):
            return one.rest
        break
    return said


class _TextForm(Form[Text]):
    item_type = Text
    placeholders = ("question",)
    wording = "{question}"
    version = 2

    def ask(self, item: Text, protocol: Protocol) -> tuple[Message, ...]:
        if item.messages:
            return tuple(item.messages)
        return super().ask(item, protocol)

    def fields(self, item: Text) -> Mapping[str, str]:
        return {"question": item.question}

    def read(self, item: Text, text: str) -> str | None:
        if normalise(text) == (target := normalise(item.target)):
            return target
        return normalise(stated_text(text)) or None

    def gold(self, item: Text) -> str:
        return item.target

    def wrong(self, item: Text) -> str:
        return "zzzz"


class ExactForm(_TextForm):
    """The whole answer equals the target, after normalisation."""

    name = "text"
    headline = "exact_match"

    def score(self, item: Text, answer: str) -> Mapping[str, float]:
        return {"exact_match": float(answer in (normalise(item.target), normalise(stated_text(item.target))))}


class ContainsForm(_TextForm):
    """The target occurs in the answer as whole words, after normalisation. That the answer denies it is not seen."""

    name = "text"
    headline = "contains"

    def read(self, item: Text, text: str) -> str | None:
        return normalise(turns(decorated_off(before_end(text)))[0]) or None

    def score(self, item: Text, answer: str) -> Mapping[str, float]:
        targets = {normalise(item.target), normalise(decorated_off(item.target))} - {""}
        return {"contains": float(any(contains(answer, target) for target in targets))}


def contains(text: str, target: str) -> bool:
    """Whether ``target`` stands in ``text`` as whole words and whole numbers; both are normalised."""
    at = text.find(target)
    for _ in range(10 * MOST):
        if at < 0:
            return False
        end = at + len(target)
        if not target or (
            _may_begin(text[max(0, at - 2) : at], target[0]) and _may_end(text[end : end + 2], target[-1])
        ):
            return True
        at = text.find(target, at + 1)
    return False


def _may_begin(before: str, first: str) -> bool:
    if not before or _UNSPACED.match(first):
        return True
    if first.isdigit():
        if before[-1] in ".,/^" and before[0].isdigit() and len(before) > 1:
            return False
        if before[-1] in "-−" and not before[0].isalnum():
            return False
    return not (_is_word(first) and _is_word(before[-1]) and not _UNSPACED.match(before[-1]))


def _may_end(after: str, last: str) -> bool:
    if not after or _UNSPACED.match(last):
        return True
    if last.isdigit() and after[0] in ".,/^" and after[1:].isdigit():
        return False
    if last.isalpha() and after[0] in "+#" and not after[1:].isspace():
        return False
    return not (_is_word(last) and _is_word(after[0]) and not _UNSPACED.match(after[0]))


def _is_word(character: str) -> bool:
    """Letters, digits, and the vowel signs and accents of scripts that write them as marks."""
    return character.isalnum() or character == "_" or unicodedata.category(character).startswith("M")
