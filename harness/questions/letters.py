"""Which option a reply chooses: by letter or by its text; one, or none at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

from harness.questions import words
from harness.questions.statement import GLUED, SPACED, folded, lowered, statements, union

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Said(Enum):
    """What a statement says that names no option."""

    NOTHING = "nothing"
    """It is no answer, so that an earlier statement may count."""
    UNDECIDED = "undecided"
    """It is one that names no option, or several."""


_ALL = f"en {SPACED} {GLUED}"
_OPTION = union("option", _ALL)
_FILLER = re.compile(
    rf"(?:选项|選項|选择|選択肢|선택지|보기|[「『«\s:=→>\"'“”‘,.*\-–—~]|(?:therefore|thus|hence|then|clearly|definitely|probably|most likely|likely|indeed|still|"
    rf"simply|obviously|actually|indeed|in fact|the|number|το|η|la|le|el|il|der|die|das|het|de|{_OPTION})(?![A-Za-z]))*",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"(?P<open>[(\[{<]{0,2} ?)(?P<letter>[A-Za-z])(?![A-Za-z0-9_À-ɏ])(?!['’](?!(?:[dt][ıiuü]r)|[\s.,;:)\]]*$))"
)
_CLOSED = re.compile(r" ?[)\]}>.:,;]|\s*$|\n")
_AFTER_ARTICLE = re.compile(
    r" (?:because|since|as|given|due|for|which|where|not|but|follows|by|in|on|with|based|according|so|however|though|"
    r"although|while|when|if|and|or|-|—)\b| [-—(]| [A-Z\d]"
)
_SEVERAL = re.compile(
    r"[)\]}.\"']?(?: ?(?:/|&|\+|、|-)|,? ?(?:and/or|and|or|und|oder|et|ou|y|o|e|или|и|або|і|及|和|或者?|或是|还是|還是|抑或|と|または|もしくは|あるいは|や|か|또는|혹은|이나|거나|나|와|과|أو|و|या|और|"
    r"veya|ve|hoặc|và|atau|dan|of|en|lub|i|ή|και|או|یا|বা|หรือ|และ|nor|,|possibly|maybe|perhaps)(?! not\b)) ?"
    r"(?:also |maybe |possibly |perhaps |even |option |choice |else )*[(\[]?([A-Z])(?![A-Za-z0-9'’])(?P<after>[^\n]{0,12})"
)
_COMMA = re.compile(r"[)\]}]?[,;] ?[(\[]?([A-Z])[)\]]?(?=\s*(?:$|[,.;\n]|and\b|or\b|&))")
_ALSO = re.compile(r"(?:could|might|may|can)(?: also| as well| equally)? be (?:option )?[(\[]?([A-Z])(?![A-Za-z])")
_TURNED_DOWN = re.compile(
    r"[)\].:]{0,2} ?(?:and [(\[]?[A-Z]\b[)\]]? )?(?:is|are|was|would be|seems?|looks?|cannot|can't|does|doesn't|isn't|fails?|has|both|ist|est|es)\b"
    r"(?! (?:the |clearly |also |indeed |definitely )?(?:only )?(?:correct|right|best|answer|true|richtig|correct|juste|la bonne))"
)
_BUT_NOT = re.compile(
    r"^(?:not|n't|nicht|pas|no|non|не|nie|niet|不是|不|ではない|아니|ليس|ليست|नहीं|değil|không|bukan|δεν|לא|ไม่ใช่|isn't)(?![A-Za-z])",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[)\].,\"'}\s]{0,3}\?")
_HEDGE = re.compile(rf"(?:{words.HEDGES})", re.IGNORECASE)
_CHANGE = re.compile(rf"(?<!\w)(?:{words.CHANGES})", re.IGNORECASE)
_CAPITAL = re.compile(r"[A-Z](?![A-Za-z0-9_À-ɏ'’])")
_CHOOSE = re.compile(
    rf"(?:(?<![^\W\d_])(?:{union('choose', 'en ' + SPACED)})(?![^\W\d_])|(?:{union('choose', GLUED)}))"
    rf"[ ,:]{{0,2}}(?:(?:the |that |with )?(?:correct |right |best |final )?(?:{_OPTION})(?: is)?[ :]{{0,2}}){{0,2}}[(\[]?$"
)
_CORRECT = re.compile(rf"[)\].:]? ?(?:{union('correct', _ALL)})")
_DENIED = re.compile(rf"(?:(?<!\w)(?:{words.NEGATIONS}|rule out|eliminate|n't|reject|hardly)(?:\s+\w{{1,8}})? ?)$")
_ENDS_THERE = re.compile(r"[)\]]|\s*(?:[.,;:!?\n]|\Z)| ?[—(-]| (?:because|since|as|or|and|it)\b|[^\x00-\x7f]")
_HEDGED = re.compile(r"\b(?:could|might|may|either|perhaps|not sure)\b[^.\n]*$")
_LABEL = re.compile(r"^ ?[(\[]?([A-Za-z])[)\].:]{1,2} ?|^ ?[(\[]?([A-Z])[)\]]? ?(?=[-—] )", re.MULTILINE)
_INLINE = re.compile(r"[(\[ ]([A-Z])[)\]] ?")
_LONE = re.compile(r"(?:(?:[Oo]ption|[Cc]hoice|[Ll]etter|OPTION) )?[\s(\[<{\"']*([A-Za-z])[\s)\].>}:!\"']*")
_ARABIC = str.maketrans("أابجدهو", "AABCDEF")


def chosen(text: str, options: Sequence[str]) -> tuple[bool, str | None]:
    """Whether an answer was stated, and its letter, if it is one of the options'. ``text`` is ``statement.plain``."""
    weak: str | Said | None = None
    for one in statements(text):
        said = _option_of(one.rest, options)
        if said is Said.NOTHING or (one.weak and weak is not None):
            continue
        if one.weak:
            weak = said
            continue
        return True, _after_change(text[max(0, one.end - len(one.rest)) :], said, options)
    for found in (weak, _labelled_first(text, options), _in_sentence(text, options), _last_line(text, options)):
        if found is not None and found is not Said.NOTHING:
            return True, found if isinstance(found, str) else None
    whole = _by_text(text.strip(), options) if len(text) < 2000 else None
    return whole is not None, whole if isinstance(whole, str) else None


def _after_change(rest: str, said: str | Said, options: Sequence[str]) -> str | None:
    """What is chosen in the end, where the text goes on after a statement: a change of mind to another option counts."""
    letter = said if isinstance(said, str) else None
    change = _CHANGE.search(rest)
    if change is None or letter is None:
        return letter
    other = _in_sentence(rest[change.end() :], options)
    return letter if other in (None, Said.NOTHING, letter) else other if isinstance(other, str) else None


def _option_of(statement: str, options: Sequence[str]) -> str | Said:
    """The option that a statement names; see :class:`Said`."""
    statement = statement[:300]
    start = _FILLER.match(statement)
    rest = statement[start.end() if start else 0 :]
    if _BUT_NOT.match(rest):
        return Said.NOTHING
    whole = rest.rstrip(". ").casefold()
    if len(whole) > 1 and any(whole == option.casefold() for option in options):
        return _by_text(rest, options) or Said.NOTHING  # "E. coli" is no E
    letter = _letter_of(rest, len(options))
    if isinstance(letter, str):
        return letter
    by_text = _by_text(rest, options)
    if by_text is not None and (letter is Said.NOTHING or isinstance(by_text, str)):
        return by_text
    return Said.UNDECIDED if _HEDGE.match(rest) else letter


def _letter_of(rest: str, number: int) -> str | Said:
    """The letter that ``rest`` begins with, if it is meant as one, and alone."""
    if rest[:1] in "أابجدهو" and rest[:1]:
        rest = rest[:1].translate(_ARABIC) + rest[1:]
    match = _LETTER.match(rest)
    if match is None:
        return Said.NOTHING
    letter, tail = match["letter"], rest[match.end() :]
    closed = bool(match["open"].strip()) or _CLOSED.match(tail) is not None
    if not closed and letter.islower():
        return Said.NOTHING
    if not closed and letter in "AI" and tail[:1] == " " and not _AFTER_ARTICLE.match(tail):
        return Said.NOTHING
    if letter == "I" and re.match(r" (?:think|believe|guess|would|am|have|do|can|was)\b", tail):
        return Said.NOTHING
    if letter.islower() and tail[:1] == "," and not match["open"].strip():
        closed = True
    letter = letter.upper()
    valid = LETTERS[:number]
    if _is_list(letter, tail, number) or _TURNED_DOWN.match(tail):
        return Said.NOTHING
    if letter not in valid or _QUESTION.match(tail):
        return Said.UNDECIDED
    for pattern in (_SEVERAL, _COMMA):
        other = pattern.match(tail)
        if (
            other
            and other.group(1) != letter
            and other.group(1) in valid
            and not _TURNED_DOWN.match(other.groupdict().get("after") or "")
        ):
            return Said.UNDECIDED
    also = _ALSO.search(tail.partition("\n")[0])
    return Said.UNDECIDED if also and also.group(1) != letter else letter


def _is_list(letter: str, tail: str, number: int) -> bool:
    """Whether ``tail`` goes on with the labels of the following options: options repeated, none chosen."""
    if letter != "A" or number < 2:
        return False
    following = [found for found in _INLINE.findall(" " + tail) if found in LETTERS[:number]]
    return following[: max(2, min(number - 1, 2))] == list(LETTERS[1 : 1 + max(2, min(number - 1, 2))]) or (
        number == 2 and following[:1] == ["B"]
    )


@lru_cache(maxsize=64)
def _folded_options(options: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    folded_ones = ((_comparable(option), at) for at, option in enumerate(options))
    return tuple(sorted(((text, at) for text, at in folded_ones if text), key=lambda pair: -len(pair[0])))


def _comparable(text: str) -> str:
    return re.sub(r"\s+", " ", folded(text)).strip(" .\"'()[]{}*`").casefold()


def _by_text(rest: str, options: Sequence[str]) -> str | Said | None:
    """The option whose text ``rest`` begins with and ends, or goes on after a mark; None if there is none."""
    said = _comparable(rest)
    for text, at in _folded_options(tuple(options)):
        if not said.startswith(text):
            continue
        after = said[len(text) :]
        if not after or re.match(r"[.,;:!)\]]|\s*[(—-]|\n", after):
            return LETTERS[at]
        if after[0] == "?" or re.match(r"\s?(?:or|and|/|oder|und|ou|et|o|y)\s", after):
            return Said.UNDECIDED
        return LETTERS[at] if re.match(r" (?:because|since|as)\b", after) else None
    return None


def _in_sentence(text: str, options: Sequence[str]) -> str | Said | None:
    """The option that the last sentence with one chooses: ``I pick B``, ``so option C``, ``D is correct``."""
    for match in reversed(list(_CAPITAL.finditer(text))[-50:]):
        at = match.start()
        if text[at - 1 : at].isascii() and text[at - 1 : at].isalnum():
            continue
        before = lowered(text[max(0, at - 60) : at])
        if _CORRECT.match(lowered(text[at + 1 : at + 60])) and not _DENIED.search(before):
            return match.group() if match.group() in LETTERS[: len(options)] else Said.UNDECIDED
        said = _chosen_at(text, at, before, options)
        if said is not None:
            return said
    return None


def _chosen_at(text: str, at: int, before: str, options: Sequence[str]) -> str | Said | None:
    choose = _CHOOSE.search(before)
    if choose is None:
        return None
    if _HEDGED.search(before):
        return Said.UNDECIDED
    bracketed = text[at - 1 : at] in ("(", "[")
    if _DENIED.search(before[: choose.start()]) or not (bracketed or _ENDS_THERE.match(text, at + 1)):
        return None
    said = _letter_of(text[at - bracketed : at + 200], len(options))
    return None if said is Said.NOTHING else said


def _labelled_first(text: str, options: Sequence[str]) -> str | Said | None:
    """The label that a reply begins with, if no other line has one: ``B) blue``, and why."""
    body = text.lstrip()
    labels = _LABEL.findall(body[:2000])
    match = _LABEL.match(body)
    lone = _LONE.fullmatch(body.partition("\n")[0])
    letter = (match.group(1) or match.group(2)) if match else lone.group(1) if lone else ""
    if not letter:
        begins = re.match(r"([B-HJ-Z]) (?=because|since|as\b)|([A-Z]) or ", body)
        return _letter_of(body, len(options)) if begins else None
    if len({one or other for one, other in labels}) > 1:
        return None
    line = body.partition("\n")[0]
    if letter.islower() and not lone:
        return None
    said = _letter_of(line, len(options)) if not lone else letter.upper()
    if lone and letter.upper() not in LETTERS[: len(options)]:
        return None
    if not isinstance(said, str):
        return said
    inline = [one for one in _INLINE.findall(" " + line) if one in LETTERS[: len(options)]]
    if len(set(inline)) > 1:
        return None
    change = _CHANGE.search(body, match.end() if match else 1)
    other = re.search(r"(?<![A-Za-z'’])[A-Z](?![A-Za-z'’])", body[change.end() :]) if change else None
    if other and other.group() != said and other.group() in LETTERS[: len(options)]:
        return Said.UNDECIDED
    return said


def _last_line(text: str, options: Sequence[str]) -> str | None:
    """The letter that a last line consists of, or the only label, where it begins the last line."""
    line = text.rstrip().rpartition("\n")[2].strip()
    valid = LETTERS[: len(options)]
    lone = _LONE.fullmatch(line)
    if lone and lone.group(1).upper() in valid and (lone.group(1).isupper() or len(line) > 1):
        return lone.group(1).upper()
    label = _LABEL.match(line)
    before = text.rstrip()[: -len(line)].rstrip() if label else ""
    if (
        label
        and label.group(1) == "A"
        and before.endswith(":")
        and not re.search(r"\b(?:is|are|answer)\b[^\n]*$", before)
    ):
        return None  # a list that was cut off
    if label and (label.group(1) or "") in valid and label.group(1):
        others = {one for one, _ in _LABEL.findall(text)}
        return label.group(1) if others == {label.group(1)} else None
    return None


def order_in(prompt: str, options: Sequence[str]) -> list[str] | None:
    """The options in the order in which a prompt labels them A, B, C and so on; None if it does not label them all."""
    found: dict[str, str] = {}
    texts = _folded_options(tuple(options))
    longest = max((len(option) for option in options), default=0)
    for label in re.finditer(r"(?:^|(?<=[\s(\[]))([A-Z])[)\].:]{1,2}\s+", prompt):
        after = prompt[label.end() : label.end() + 2 * longest + 10]
        said = re.sub(r"\s+", " ", folded(after)).strip(" .\"'()[]{}*`").casefold()
        match = next((at for text, at in texts if said.startswith(text)), None)
        if match is not None:
            found[label.group(1)] = options[match]
    order = [found.get(letter, "") for letter in LETTERS[: len(options)]]
    return order if sorted(order) == sorted(options) else None
