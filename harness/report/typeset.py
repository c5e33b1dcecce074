"""Text as the report sets it: figures with a true minus, and lines as wide as the font of the pictures makes them."""

from __future__ import annotations

import functools
import re

from harness import text as plain
from harness.text import inert, shortened, true_minus


def points(value: float | None, sign: bool = False, decimals: int = 1) -> str:
    """:func:`harness.text.points` with a true minus."""
    return true_minus(plain.points(value, sign, decimals))


def span(low: float, high: float) -> str:
    """:func:`harness.text.span` with true minus signs."""
    return true_minus(plain.span(low, high))


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
    low, high = 2, len(line)
    if width_in(line, size, weight) <= inches:
        return line
    while low < high:
        kept = (low + high + 1) // 2
        low, high = (kept, high) if width_in(shortened(line, kept), size, weight) <= inches else (low, kept - 1)
    return shortened(line, low)


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
