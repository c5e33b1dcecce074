"""Finding the answer in what a model wrote: decorations off, then the last place where it says what its answer is.

Models of different developers write their answers differently (LaTeX, Markdown, sentences), so whatever is read for one
has to be read for all, or the gap would measure style. Every step is linear in the length of the text.
"""

from __future__ import annotations

import re

_UNWRAP = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mathit|operatorname|displaystyle)\s?\{([^{}]{0,200})\}")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s?\{([^{}]{0,200})\}")
_TAGGED = re.compile(r"<answer>([^<]{0,200})</answer>", re.IGNORECASE)
_NOISE = re.compile(r"\\[()\[\]$!,;%]|[*_`$€£\"“”]|\\left|\\right|\\displaystyle")
_SPACES = re.compile(r"[ \t\r\f\v\u00a0\u202f]+")
_STATED = re.compile(r"(?:\b(?:answer|result|total|choice|option)\b(?: (?:letter|option|choice|number))?(?: is)? ?:|\b(?:answer|choice|option)\b is\b|####)", re.IGNORECASE)  # fmt: skip


def plain(text: str) -> str:
    """``text`` without Markdown and LaTeX decorations; boxed and tagged answers become lines ``Answer: …``."""
    text = text.replace("：", ":").replace("{,}", ",").replace("\\,", "")
    text = _UNWRAP.sub(r"\1", text)
    text = _BOXED.sub(r"\nAnswer: \1\n", text)
    text = _TAGGED.sub(r"\nAnswer: \1\n", text)
    return _SPACES.sub(" ", _NOISE.sub("", text))


def statements(text: str) -> list[str]:
    """What follows each place where an answer is stated, to the end of that line or, if it is empty, of the next
    line with text; last one first. ``text`` is :func:`plain`.
    """
    found = []
    for match in _STATED.finditer(text):
        end = text.find("\n", match.end())
        rest = text[match.end() : end if end >= 0 else len(text)].strip()
        if not rest and end >= 0:
            rest = text[end : end + 300].strip().partition("\n")[0]
        # A second statement on the same line speaks for itself.
        following = _STATED.search(rest)
        found.append(rest[: following.start()].strip() if following else rest)
    return [rest for rest in reversed(found) if rest]
