"""How numbers, intervals, counts, names and text from outside are written, for every reader: terminal, page, picture, file.

Figures have a plain hyphen, which every terminal and program reads; :func:`true_minus` is for what is typeset.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from harness.types import Comparison

NONE = "–"
"""Where there is no number."""
MINUS = "−"
REPLACED = "�"
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U000e0000-\U000e0fff"
_UNSEEN = re.compile(f"[{_BLANK}]")
_CONTROLS = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
HIDDEN_RE2 = rf"[\p{{Cc}}\p{{Cf}}\p{{Co}}\p{{Zl}}\p{{Zp}}{_BLANK}]"
"""What :func:`uncontrolled` replaces, for a database that reads patterns of RE2."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters at which a spreadsheet takes a text for a formula."""
STATUS: Mapping[str, str] = {"truncated": "cut off", "unparsed": "unreadable", "scorer_error": "scorer failed"}
"""What readers are told for a status; any other is called as it is."""


# Text from outside


def inert(text: str) -> str:
    """One line without anything that forges what a reader sees: see :func:`uncontrolled`."""
    return uncontrolled(" ".join(text.split()))


def uncontrolled(text: str) -> str:
    """Text without control characters, bidirectional overrides, lone surrogates or characters that leave nothing to be
    seen; its spaces and line ends stay."""
    shown = _UNSEEN.sub(REPLACED, text)
    if shown.isprintable():
        return shown
    return "".join(
        REPLACED if char not in "\n\t" and unicodedata.category(char) in _CONTROLS else char for char in shown
    )


def code(text: str) -> str:
    """Text from outside as a code span of Markdown, where markup, mentions and table bars mean nothing."""
    return "`" + inert(text).replace("`", "'").replace("|", "¦") + "`"


def escaped(text: str) -> str:
    """A sentence of ours that may hold names from outside, for Markdown: whatever could be markup is escaped."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|@!~$&" else char for char in inert(text))


def cell(value: Any) -> Any:
    """A value for CSV, which a spreadsheet shows and never computes: a text that looks like a formula is quoted.

    Floats have all their digits, so that a program reads what was computed; NaN and None are empty.
    """
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(float(value) + 0.0).replace("inf", "∞")
    if isinstance(value, int):
        return value
    text = inert(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return f"'{text}" if text.startswith(FORMULA) else text


# Figures


def points(value: float | None, sign: bool = False, decimals: int = 1) -> str:
    """A figure in points, with one decimal; never -0.0; :data:`NONE` where there is none."""
    if value is None or math.isnan(value):
        return NONE
    text = f"{value:{'+' if sign else ''}.{decimals}f}"
    return text if text.strip("+-0.") else text.lstrip("+-")


def span(low: float, high: float) -> str:
    """An interval in points, with one decimal an end.

    An end that is not 0 never reads 0, since a verdict hangs on its side: it has one digit instead (0.04), or reads >0
    or <0 where that digit is beyond the third decimal. An interval without a width, or without ends, shows nothing.
    """
    if low == high or math.isnan(low) or math.isnan(high):
        return NONE
    return f"[{_end(low)}, {_end(high)}]"


def _end(value: float) -> str:
    if not value or abs(value) >= 0.05:
        return points(value)
    return f"{value:.1g}" if abs(value) >= 0.001 else ">0" if value > 0 else "<0"


def percent(share: float, decimals: int = 1) -> str:
    """A share as people read it."""
    return f"{100 * share:.{decimals}f} %"


def usd(value: float | None) -> str:
    """An amount of money: cents, or two digits where it is less than ten of them."""
    if value is None or math.isnan(value):
        return "unknown"
    return "$0" if not value else f"${value:,.2f}" if value >= 0.1 else f"${Decimal(f'{value:.1e}'):f}"


def true_minus(text: str) -> str:
    """A sentence with the hyphens before its figures as minus signs; those within names stay."""
    return re.sub(r"(?<![^\s\[(])-(?=\d)", MINUS, text)


def counted(number: int, noun: str) -> str:
    """``1 run``, ``1,200 runs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


# Names


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = [inert(name) for name in names]
    return f"{', '.join(first)} and {last}" if first else last


def shortened(line: str, characters: int) -> str:
    """At most so many characters; what is cut from the middle is an ellipsis, so that both ends stay."""
    if len(line) <= characters:
        return line
    left = characters * 3 // 5
    return line[:left] + "…" + line[len(line) - (characters - 1 - left) :]


def labels(rows: Sequence[Comparison]) -> list[str]:
    """What each row is called: its dimension, as a reader writes it; with its task or protocol where it is not the only one."""
    return distinct(*([shortened(inert(of), 32) for of in part] for part in (
        [one.dimension.replace("_", " ") for one in rows], [one.task for one in rows], [one.protocol for one in rows],
    )))  # fmt: skip


def distinct(names: list[str], *more: Sequence[str]) -> list[str]:
    """Names that differ: those that several have become longer by what ``more`` says of each, at last by a number."""
    for part in more:
        told = [name if names.count(name) == 1 else f"{name}, {other}" for name, other in zip(names, part, strict=True)]
        names = told if len(set(told)) > len(set(names)) else names
    return [
        name if names.count(name) == 1 else f"{name} ({names[: place + 1].count(name)})"
        for place, name in enumerate(names)
    ]


def short_names(systems: Iterable[str]) -> dict[str, str]:
    """The shortest name of each system that still tells it from all others, at a length that a sentence can bear.

    An address loses its host, path, revision and options as far as that is unambiguous; any other name stays.
    """
    left = sorted(set(systems))
    found: dict[str, str] = {}
    for level in range(3):
        shown = {name: _shown(name, level) for name in left}
        taken = [*found.values(), *shown.values()]
        found |= {name: text for name, text in shown.items() if taken.count(text) == 1}
        left = [name for name in left if name not in found]
    return found | {name: inert(name) for name in left}


def _shown(name: str, level: int) -> str:
    host, _, rest = name.partition(":")
    if not rest or not host.isidentifier() or " " in name:
        return shortened(inert(name), 48)
    bare, _, options = rest.partition(",")
    bare = bare.partition("@")[0].rpartition("/")[2] or rest
    return shortened(inert((bare, f"{bare},{options}", rest)[level]), 48)
