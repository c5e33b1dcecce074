"""Numbers as people write them: thousands, decimal commas, signs; and where a number is only the beginning of something."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation

from harness.questions import words
from harness.questions.statement import folded

FAR = 60
"""A number further into a statement than this many characters is not what is stated."""

_TOKEN = re.compile(
    r"(?P<sign>[-+] ?)?(?<![A-Za-z_\\^\d])(?P<digits>\d+(?:[.,_' ]\d+)*|\.\d+)(?P<exponent>[eE][-+]?\d{1,4}(?![\d.]))?"
)
_UNITS = frozenset(
    [
        "mm",
        "cm",
        "dm",
        "m",
        "km",
        "nm",
        "g",
        "kg",
        "mg",
        "t",
        "lb",
        "lbs",
        "oz",
        "s",
        "sec",
        "secs",
        "ms",
        "min",
        "mins",
        "h",
        "hr",
        "hrs",
        "l",
        "ml",
        "dl",
        "kwh",
        "wh",
        "w",
        "kw",
        "mw",
        "n",
        "j",
        "kj",
        "v",
        "a",
        "hz",
        "khz",
        "mhz",
        "ghz",
        "f",
        "c",
        "pa",
        "kpa",
        "mol",
        "px",
        "pt",
        "eur",
        "usd",
        "gbp",
        "th",
        "st",
        "nd",
        "rd",
        "ft",
        "mi",
        "yd",
        "mph",
        "kmh",
        "kph",
        "kb",
        "mb",
        "gb",
        "tb",
        "db",
        "ev",
        "kn",
    ]
)
_MILLION = re.compile(r" ?[MB](?![\w])(?!/)")
_SCALE = re.compile(
    rf" ?(?:{words.SCALES})(?![^\W\d_])|(?:千|百|万|萬|亿|億|兆|十|割|点|點|半|分之|만|억|천|백|조)| k(?!\w)",
    re.IGNORECASE,
)
_GLUED = re.compile(r"[A-Za-z]+")
_GOES_ON = re.compile(
    r" ?[\^√π∞×÷·*±²³!≤≥<>]|\.\\|%? ?- ?\d"  # a power, a product, a tolerance, a factorial
    r"| ?- ?(?:\d|[a-z]\b|[\\√(])| ?\+ ?[\w\\√(]"  # a difference or a sum
    r"| ?/ ?(?:\d|\(|\\|[a-z]\b)| ?: ?\d"  # a fraction, a ratio, a time
    r"|\((?=[-+]?(?:\d|[a-z]\b))|\\|°\s?\d| ?(?:\.\.+|…|~) ?\d"
    r"|[.,]\d| ?[,;、] ?(?:and |or )?[-+]?(?:\d|[a-z] ?=|…|\.\.)"  # a list
    r"|[ ,;]*(?:and|or|to|und|oder|bis|et|ou|y|o|e|или|и|до|&|through|till|hasta|至|到|和|或|と|から|または|또는|أو|و|या|से|ya da|veya|hoặc|và|atau|dan|of|in|out of|over|by)"
    r" ?(?:about |[a-z] ?= ?)?[-+]?\d"
    r"| (?:and|or) (?:an? )?(?:half|quarter|third)|[ -](?:half|halves|quarters?|thirds?|fourths?|fifths?|sixths?|sevenths?|eighths?|"
    r"ninths?|tenths?|hundredths?|squared|cubed|factorial|pi|plus|minus|multiplied|divided|choose|mod)\b"
    r"| (?:to the|raised|times \d|times the square|over the square)| [xyznipqr]\b(?! ?[a-z])| [x×] ?\d",
)
_TWO = re.compile(
    r"[ -]?(?!(?:because|since|as|so|if|when|which|that|where|for|because|per|from|is|was|after|not|with|who|than|denn|weil|car|porque)\b)"
    r"(?:[^\W\d_]{1,20}\.?)(?: (?:and|und|et|y|e|и|&|,))?,? ?[-+(]?\d"
)
"""One word, then a second number: hours and minutes, dollars and cents, a date."""
_ASKED = re.compile(r"[ )\]}]?(?:%|°|[^\W\d_]{1,12})?[)\]}'\".]?\s?\?")
_BEFORE = re.compile(
    r"[\\√∛∜∞^<>≤≥±π×÷·/|{\[]|\b(?:between|from|more than|less than|at least|at most|over|under|above|below|fewer than|greater than|"
    r"up to|half|twice|double|triple|sqrt|square root|cube root|root of|log|ln|sin|cos|tan|exp|power|neither|either|unless|if|steps?|"
    r"entre|zwischen|mindestens|höchstens|au moins|al menos|не менее|介于|至少|最多|以上|少なくとも|step|part|equation|line|page|figure|"
    r"chapter|problem|question|option|case|\d+ times)\b|[a-z)] ?[+*] ?$"
)
_NOT = re.compile(rf"(?<!\w)(?:{words.NEGATIONS})(?!\w)", re.IGNORECASE)
_HEDGED = re.compile(rf"[\"'( ]*(?:{words.HEDGES})", re.IGNORECASE)
_NEGATIVE = re.compile(
    r"(?:negative|minus|moins|menos|meno|минус|мінус|负|負|マイナス|ऋण|سالب|eksi|âm) ?$", re.IGNORECASE
)
_EQUATION = re.compile(
    r"(?:[,;]|\b(?:and|or|und|oder|et|ou|y|o|и|или)\b) ?\w{1,3} ?[=≈]|[=≈][^=≈]{0,40}(?:[,;]| and | or ) ?[^=≈]{0,30}[=≈]"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a statement says of a number. ``number`` None: it names none, or none that is whole and single."""

    number: str | None
    names_none: bool = False
    """It has nothing to do with a number, so that an earlier statement may count."""


NOTHING = Reading(None, names_none=True)
UNREAD = Reading(None)


def canonical_number(text: str, *, comma: bool = True) -> str | None:
    """Canonical decimal of a text that is one number, as a target is; None if it is not.

    A comma that does not separate thousands separates decimals where ``comma`` (``12,5`` is 12.5; ``1,234`` is 1234).
    """
    cleaned = re.sub(r"[$€£¥￥₹₩₽₺₫%]", "", folded(text)).strip()
    cleaned = re.sub(r"\s+", " ", cleaned)
    match = _TOKEN.fullmatch(cleaned)
    if match is None:
        return None
    return _value(match, comma=comma, certain=True)


def has_decimal_comma(text: str) -> bool:
    """Whether a number that is known to be one is written with a decimal comma."""
    match = re.search(r"\d[.' ]\d{3},\d+|^\D*\d+,(?:\d{1,2}|\d{4,})\D*$|^\D*0,\d+\D*$", folded(text))
    return match is not None


def _value(match: re.Match[str], *, comma: bool, certain: bool = False) -> str | None:
    digits = _plain_digits(match["digits"], comma=comma, certain=certain)
    if digits is None:
        return None
    sign = (match["sign"] or "").strip()
    try:
        number = Decimal(f"{sign}{digits}{match['exponent'] or ''}")
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > 1000:
        return None
    exact = Context(prec=max(28, len(digits) + 1))
    return format(number.normalize(exact), "f") if number else "0"


def _plain_digits(token: str, *, comma: bool, certain: bool) -> str | None:
    """``token`` with a decimal point and nothing else between its digits; None where it is several numbers, or may be
    read in two ways.

    ``comma``: a single comma separates decimals; ``certain``: a single point does so even then.
    """
    groups = re.split(r"[.,_' ]", token)
    marks = re.sub(r"\d", "", token)
    if not marks:
        return token
    if not groups[0]:
        return f"0{token}" if marks == "." else None
    thousands = len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    kinds = set(marks)
    if len(kinds) == 1 and (kinds & {"_", "'", " "} or len(marks) > 1):
        indian = (
            marks[0] == "," and len(groups[0]) <= 2 and {len(g) for g in groups[1:-1]} == {2} and len(groups[-1]) == 3
        )
        return "".join(groups) if (thousands and groups[0] != "0") or indian else None
    if len(marks) == 1 and marks == ",":
        if thousands and groups[0] != "0":
            return "".join(groups) if certain or not comma else None
        return ".".join(groups) if comma else None
    if len(marks) == 1:
        return ".".join(groups) if certain or not (comma and thousands and groups[0] != "0") else None
    if marks[-1] in ".," and len(set(marks[:-1])) == 1 and marks[-1] != marks[0]:
        whole = len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:-1])
        return "".join(groups[:-1]) + "." + groups[-1] if whole and marks[0] != "_" else None
    return None


def stated_number(statement: str, *, comma: bool = False, alone: bool = False) -> Reading:
    """The number that a statement names: its first, or what a calculation ends in.

    ``comma``: decimals may be written with a comma. ``alone``: nothing but the number and a unit may be there.
    """
    if _HEDGED.match(statement):
        return UNREAD
    match = _TOKEN.search(statement)
    if match is None:
        return NOTHING
    head = statement[: match.start()]
    if match.start() > FAR:
        return NOTHING
    if _NOT.search(head):
        return NOTHING
    if alone and re.search(r"[^\W\d_]", head.rpartition("=")[2]):
        return NOTHING
    tail = statement[match.end() : match.end() + FAR]
    if (
        alone
        and re.fullmatch(r"[\s)\]}.%°!✓✔]*(?:[^\W\d_]{1,20}(?:[/^][^\W\d_]{1,8}\d?)?)?[\s)\]}.!✓✔]*", tail) is None
        and "=" not in tail
    ):
        return NOTHING
    if _goes_on(head, match, tail):
        return _after_equals(statement, comma=comma, alone=alone)
    value = _value(match, comma=comma)
    if value is None:
        return UNREAD
    if _NEGATIVE.search(head) and not value.startswith("-"):
        value = f"-{value}" if value != "0" else value
    return Reading(value)


def _after_equals(statement: str, *, comma: bool, alone: bool) -> Reading:
    """What a calculation ends in, unless the statement holds several."""
    before, equals, after = statement[:1000].replace("≈", "=").rpartition("=")
    if not equals or not before or _EQUATION.search(statement[:1000]):
        return UNREAD
    found = stated_number(after, comma=comma, alone=alone)
    return found if found.number is not None else UNREAD


def _goes_on(head: str, match: re.Match[str], tail: str) -> bool:
    """Whether a number is a part of something else: a fraction, a power, a time, a sum, a bound, one of several."""
    after_equals = head.replace("≈", "=").rpartition("=")[2]
    if _BEFORE.search(after_equals.lower()):
        return True
    if match["sign"] and re.search(r"(?<![^\W_])[A-Za-z\d)] ?$", after_equals):
        return True  # a difference: x - 4
    if re.search(r"[A-Za-z_\\^]$", after_equals):
        return True
    glued = _GLUED.match(tail)
    if glued:
        word = glued.group()
        if _SCALE.match(tail) or (
            word.lower() not in _UNITS and not (len(word) > 2 and word[0].isupper() == word[-1].isupper())
        ):
            return not (word[0].isupper() and len(word) > 2)
        if word in ("M", "B", "K", "T") or (len(word) == 1 and word in "abijknpqrtxyz"):
            return True
    return bool(
        _SCALE.match(tail) or _MILLION.match(tail) or _GOES_ON.match(tail) or _TWO.match(tail) or _ASKED.match(tail)
    )
