"""Text and numbers as the report shows them. Whatever came from outside is made inert here, once, for every picture."""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from harness.types import Comparison

MINUS = "−"
REPLACED = "�"
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U000e0000-\U000e0fff]")
"""Characters that are no controls and yet leave nothing to be seen."""
STATUS: Mapping[str, str] = {"truncated": "cut off", "unparsed": "unreadable", "scorer_error": "scorer failed"}
"""What readers are told for a status; any other is called as it is."""


def inert(text: str) -> str:
    """One line without control characters, bidirectional overrides or lone surrogates."""
    return uncontrolled(" ".join(text.split()))


def uncontrolled(text: str) -> str:
    """Text without control characters, bidirectional overrides or lone surrogates; its spaces and line ends stay."""
    shown = UNSEEN.sub(REPLACED, text)
    if shown.isprintable():
        return shown
    kinds = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    return "".join(REPLACED if char not in "\n\t" and unicodedata.category(char) in kinds else char for char in shown)


@functools.cache
def _drawable() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def drawn(text: str) -> str:
    """:func:`inert` text in characters that the font of the pictures has; others as their numbers, which tell names apart."""
    known = _drawable()
    return "".join(char if ord(char) in known else f"[{ord(char):X}]" for char in inert(text))


@functools.lru_cache(maxsize=4096)
def width_in(text: str, size: float, weight: str = "normal") -> float:
    """Width of drawn text in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    properties = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    width, _, _ = TextToPath().get_text_width_height_descent(text, properties, ismath=False)
    # Hinting makes drawn letters a little wider than their outlines.
    return 1.02 * float(width) / 72


def fitted(text: str, inches: float, size: float, weight: str = "normal") -> str:
    """Drawn text of at most ``inches``; what does not fit is cut out of the middle, so that both ends stay."""
    line = drawn(text)[:400]
    if width_in(line, size, weight) <= inches:
        return line
    low, high = 1, len(line)
    while low < high:
        kept = (low + high + 1) // 2
        low, high = (kept, high) if width_in(_cut(line, kept), size, weight) <= inches else (low, kept - 1)
    return _cut(line, low)


def _cut(line: str, kept: int) -> str:
    left = (kept + 1) * 3 // 5
    return line[:left] + "…" + line[len(line) - (kept - left) :]


def wrapped(
    text: str, inches: float, size: float, weight: str = "normal", lines: int = 9, breaks: str = " "
) -> list[str]:
    """Drawn text in lines of at most ``inches``, broken behind ``breaks`` but within no interval; what exceeds ``lines`` ends in an ellipsis."""
    found = [""]
    for word in re.split(rf"(?<=[{breaks}])(?!\S+\])", drawn(text)):
        longer = found[-1] + word
        if found[-1] and width_in(longer.rstrip(), size, weight) > inches:
            found.append(word)
        else:
            found[-1] = longer
    if len(found) > lines:
        found = [*found[: lines - 1], "".join(found[lines - 1 :])]
    return [fitted(line.rstrip(), inches, size, weight) for line in found]


def both(closed: str, open_: str, inches: float, size: float) -> str:
    """Two names with a slash between them, each cut by itself, so that one sees which is which."""
    rest = inches - width_in(" / ", size)
    first = fitted(closed, max(rest / 2, rest - width_in(drawn(open_), size)), size)
    return f"{first} / {fitted(open_, rest - width_in(first, size), size)}"


def points(value: float | None, sign: bool = False, decimals: int = 1) -> str:
    """A figure in points with a true minus; an en dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:{'+' if sign else ''}.{decimals}f}"
    if not text.strip("+-0."):
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def span(low: float, high: float) -> str:
    """An interval in points. An end that is not 0 never reads 0, since a verdict may hang on it."""
    ends = (points(end) if abs(end) >= 0.05 or not end else f"{end:.1g}".replace("-", MINUS) for end in (low, high))
    return f"[{', '.join(ends)}]"


def true_minus(text: str) -> str:
    """A sentence with the hyphens before its figures as minus signs; those within names stay."""
    return re.sub(r"(?<![^\s\[(])-(?=\d)", MINUS, text)


def usd(value: float) -> str:
    """An amount of money: cents, or two digits where it is less than ten of them."""
    return "$0" if not value else f"${value:,.2f}" if value >= 0.1 else f"${value:#.2g}"


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = [inert(name) for name in names]
    return f"{', '.join(first)} and {last}" if first else last


def counted(number: int, noun: str) -> str:
    """``1 run``, ``1,200 runs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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


def shortened(line: str, characters: int) -> str:
    """At most so many characters, cut in the middle."""
    return line if len(line) <= characters else _cut(line, characters - 1)
