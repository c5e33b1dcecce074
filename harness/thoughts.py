"""What a model thought, told apart from what it answered: the one reader of thoughts, for live and stored answers.

Models write their reasoning into the answer in many ways: between tags, as channels of OpenAI's harmony format (with its
special tokens, or with these dropped by a decoder), after an opening tag that the chat template wrote, or cut off before
they came to an answer. Whatever is thought is never read as the answer.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Split(NamedTuple):
    """A text in its two parts."""

    reasoning: str
    answer: str
    cut_off: bool
    """The thought never ended, so that no answer was begun."""


_NAMES = (
    r"think|thinking|thought|thoughts|reasoning|reason|reflection|scratchpad|analysis|chain_of_thought|cot"
    r"|antthinking|inner_monologue|seed:think"
)
_TAG = re.compile(
    rf"[<\[◁&](?:(?<=&)lt;)?(?P<end>/?)(?=[a-zA-Z|])(?:"
    rf"(?<!\[)(?<!\[/)(?:{_NAMES})\s{{0,9}}(?:>|&gt;)|THINK\]|think▷"
    r"|\|(?P<side>START|BEGIN|END|/)?_?(?:of_)?(?:thinking|thought|think)\|>)",
    re.IGNORECASE,
)
_QUOTES = frozenset("'\"`“‘«「")
_HARMONY = re.compile(r"<\|(start|channel|message|end|return|call|constrain)\|>")
_DROPPED = re.compile(r"assistant\s?final")
_OPENS_ANALYSIS = re.compile(r"\s*analysis(?=[A-Z\"'“(\d])")
_BLANK = re.compile(r"\s*\n")
_HEAD = re.compile(
    r"\s*(?:(?:<\|(?:im_start|start_header_id|start_of_role|start|role_start|header_start|turn)\|>|<(?:start_of_turn|turn)>)"
    r"\s?(?:assistant|model|ai|bot|gpt)\b(?:<\|(?:end_header_id|end_of_role|role_end|header_end|message|im_middle|im_sep)\|>)?"
    r"|<[|｜](?:assistant|Assistant|ASSISTANT|CHATBOT_TOKEN|bot|model)[|｜]>|\[/INST\])(?:[ \t]*\n)*"
)
"""What a chat template writes before a reply: the mark of a turn, and whose it is."""
_GRANITE = ("Here is my thought process:", "Here is my response:")


def split_thoughts(text: str) -> Split:
    """Reasoning and answer of what a model wrote; a text without any mark of a thought is all answer. Linear in time."""
    if "<|channel|>" in text or "<|message|>" in text:
        return _harmony(text)
    if (head := _HEAD.match(text)) is not None:
        text = text[head.end() :]
    if (final := _last(_DROPPED, text)) is not None and _looks_dropped(text, final):
        thought = text[: final.start()].strip().removeprefix("analysis")
        return Split(thought, _trim(text[final.end() :]), False)
    if _OPENS_ANALYSIS.match(text):
        return Split(text.strip().removeprefix("analysis"), "", True)
    if text.lstrip().startswith(_GRANITE[0]):
        before, found, after = text.partition(_GRANITE[1])
        return Split(before.strip().removeprefix(_GRANITE[0]).strip(), after.strip(), not found)
    return _tagged(text)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for found in pattern.finditer(text):  # noqa: B007
        pass
    return found


def _looks_dropped(text: str, final: re.Match[str]) -> bool:
    """Whether ``assistantfinal`` stands where two dropped tokens stood, and is no name in a program."""
    if text.lstrip().startswith(("analysis", "commentary")):
        return True
    before, after = text[: final.start()][-1:], text[final.end() :][:1]
    return final.group() == "assistantfinal" and not before.isspace() and not after.islower() and after not in "(=_. "


def _harmony(text: str) -> Split:
    """Bodies of the channel ``final`` are the answer, all other bodies are thoughts."""
    parts = _HARMONY.split(text)
    head = parts[0].strip()
    channel = "analysis" if head.startswith("analysis") else "final" if head.startswith("final") else ""
    reasoning: list[str] = []
    answer = "" if channel else _trim(parts[0])
    for token, body in zip(parts[1::2], parts[2::2], strict=True):
        if token == "channel":
            channel = body.strip().partition(" ")[0]
        elif token == "start":
            channel = ""
        elif token == "message" and channel not in ("", "final"):
            reasoning.append(body.strip())
        elif token == "message":
            answer = _trim(body)  # a later message to the user replaces an earlier one
    return Split("\n".join(reasoning), answer, channel not in ("", "final") and not answer)


def _tagged(text: str) -> Split:
    tags = list(_TAG.finditer(text)) if any(mark in text for mark in "<[◁&") else []
    if not tags:
        return Split("", text, False)
    closes = [_closes(tag) for tag in tags]
    last_end = next((tag.start() for tag, closing in zip(reversed(tags), reversed(closes), strict=True) if closing), -1)
    reasoning: list[str] = []
    answer: list[str] = []
    at, inside = 0, False
    for tag, closing in zip(tags, closes, strict=True):
        if inside and not closing:
            continue
        if not inside and (
            _spoken_of(text, tag) or (not closing and last_end < tag.start() and not _begins(text, tag))
        ):
            continue
        piece = text[at : tag.start()]
        if inside:
            reasoning.append(piece)
        elif not closing:
            answer.append(piece)
        elif tag is tags[-1] and reasoning and not text[tag.end() :].strip():
            answer.append(piece)  # a stray mark after the answer
            at = tag.end()
            continue
        else:
            # Opened by the template: all that came before was thought.
            reasoning += [*answer, piece]
            answer = []
        inside, at = not closing, tag.end()
    (reasoning if inside else answer).append(text[at:])
    said = _trim("".join(answer)) if at else text
    return Split("\n".join(filter(None, (part.strip() for part in reasoning))), said, inside and not said)


def _closes(tag: re.Match[str]) -> bool:
    return bool(tag["end"]) or (tag["side"] or "").upper() in ("END", "/")


def _spoken_of(text: str, tag: re.Match[str]) -> bool:
    """Whether the tag stands in quotes or code marks."""
    return tag.start() > 0 and text[tag.start() - 1] in _QUOTES


def _begins(text: str, tag: re.Match[str]) -> bool:
    """Whether nothing stands before the tag on its line."""
    before = text[max(0, tag.start() - 20) : tag.start()].rstrip(" \t")
    return not before or before.endswith(("\n", ">"))


def _trim(text: str) -> str:
    """Without blank lines around it; the first line of a program keeps its indent."""
    blank = _BLANK.match(text)
    return (text[blank.end() :] if blank else text.lstrip()).rstrip()
