"""Cells of a column as numbers: however a table writes right and wrong, percent, decimals and what is missing."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from harness.errors import DataUnavailable

RIGHT = frozenset(
    [
        "true",
        "t",
        "yes",
        "y",
        "pass",
        "passed",
        "correct",
        "right",
        "success",
        "successful",
        "succeeded",
        "solved",
        "resolved",
        "accepted",
        "ac",
        "ok",
        "hit",
        "wahr",
        "richtig",
        "vrai",
        "verdadero",
        "vero",
        "sí",
        "si",
        "oui",
        "ja",
        "✓",
        "✔",
        "✅",
        "是",
        "正确",
        "对",
    ]
)
WRONG = frozenset(
    [
        "false",
        "f",
        "no",
        "n",
        "fail",
        "failed",
        "failure",
        "incorrect",
        "wrong",
        "unsuccessful",
        "unsolved",
        "unresolved",
        "rejected",
        "wa",
        "miss",
        "falsch",
        "faux",
        "falso",
        "non",
        "nein",
        "✗",
        "✘",
        "❌",
        "×",
        "否",
        "错误",
        "错",
    ]
)
"""Words that other tools and the spreadsheets of some languages write for 1 and for 0."""
NOTHING = frozenset(
    ["", "nan", "na", "n/a", "#n/a", "<na>", "nat", "none", "null", "nil", "-", "–", "—", "unscored", "missing"]
)
"""What stands in a cell in the place of nothing. What is missing is never a zero."""
NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?: ?(%))?", re.IGNORECASE)
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
SPACED = re.compile(r"(?<=\d)[ '\u00a0\u2009\u202f](?=\d{3}\b)")
MINUS = str.maketrans({"−": "-", "‒": "-", "％": "%"})


def empty(value: Any) -> bool:
    """Whether a cell holds nothing."""
    if isinstance(value, str):
        return value.strip().lower() in NOTHING
    return value is None or (isinstance(value, float) and math.isnan(value))


def column(
    values: Sequence[Any], place: Callable[[int], str], what: str, *, words: bool = False
) -> tuple[list[float | None], bool]:
    """The numbers of a column (None: nothing there), and whether they were written with a percent sign (and divided).

    ``words``: right and wrong count as 1 and 0. One column is read in one way: where a comma may mark decimals or
    thousands, all of its cells decide, and where they cannot, that is an error. DataUnavailable names the place.
    """
    texts = {value: _plain(value) for value in dict.fromkeys(v for v in values if isinstance(v, str))}
    style = _comma(texts.values())
    read: dict[Any, tuple[float | None, bool]] = {}
    found: list[float | None] = []
    signs: dict[bool, int] = {}
    for at, value in enumerate(values):
        key = (
            value if isinstance(value, str) else (type(value), value if isinstance(value, int | float) else str(value))
        )
        known = read.get(key)
        if known is None:
            if style == "unknown" and isinstance(value, str) and "," in value:
                raise DataUnavailable(
                    f"{place(at)}: {what} is {value!r}, which can be read two ways (thousands or decimals)"
                )
            number, percent = known = _read(texts[value] if isinstance(value, str) else value, style, words)
            if number is not None and not math.isfinite(number):
                said = (
                    "infinite" if math.isinf(number) else f"{_shown(value)}, which is no number{HINT if words else ''}"
                )
                raise DataUnavailable(f"{place(at)}: {what} is {said}")
            if number:
                signs.setdefault(percent, at)
            read[key] = known
        found.append(known[0])
    if len(signs) > 1:
        raise DataUnavailable(
            f"{what} has a percent sign in {place(signs[True])} and none in {place(signs[False])}: write all of them in one way"
        )
    return found, True in signs


HINT = "; write 1 and 0, or words such as true and false, pass and fail, correct and incorrect, and leave empty what was not scored"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _plain(value: str) -> str:
    """One way to write what is the same: full-width digits, minus signs, spaces between thousands."""
    return SPACED.sub(
        "", unicodedata.normalize("NFKC", value).translate(MINUS).strip().lower().lstrip("'").removeprefix("$").strip()
    )


def _comma(texts: Any) -> str:
    """What a comma stands for in this column: ``decimals``, ``thousands`` or ``unknown``."""
    having = [text.rstrip("% ") for text in texts if "," in text and any(c.isdigit() for c in text)]
    both = [text for text in having if "." in text]
    if both:
        return "decimals" if all(text.rfind(",") > text.rfind(".") for text in both) else "thousands"
    if any(re.fullmatch(r"[+-]?\d*,\d+", text) and not THOUSANDS.fullmatch(text) for text in having):
        return "decimals"
    dotted = any(re.fullmatch(r"[+-]?\d*\.\d+ ?%?", text) for text in texts)
    clear = (
        dotted or any(text.count(",") > 1 for text in having) or any(re.fullmatch(r"\d{4,}", text) for text in texts)
    )
    return "thousands" if not having or clear else "unknown"


def _read(value: Any, style: str, words: bool) -> tuple[float | None, bool]:
    """A number, None for nothing, NaN for what is neither; and whether a percent sign stood there."""
    if empty(value):
        return None, False
    if isinstance(value, bool):
        return (float(value), False) if words else (math.nan, False)
    if not isinstance(value, str):
        try:
            return float(value), False
        except (TypeError, ValueError, OverflowError):
            return math.nan, False
    if words and (value in RIGHT or value in WRONG):
        return float(value in RIGHT), False
    if value in ("inf", "+inf", "-inf", "infinity", "-infinity"):
        return math.inf, False
    if style == "decimals":
        value = value.replace(".", "").replace(",", ".") if "," in value else value
    elif "," in value:
        value = value.replace(",", "") if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)? ?%?", value) else "?"
    match = NUMBER.fullmatch(value)
    if match is None:
        return math.nan, False
    number = float(match.group(1))
    return (number / 100, True) if match.group(2) else (number, False)
