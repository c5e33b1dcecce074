"""Pictures inside the page: one set of glyphs for all, colours by theme, and no inline style, which the page forbids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.style import COLOURS, LIGHT

VARIABLES = {str(getattr(LIGHT, name)).lower(): name for name in COLOURS}
"""Colour of the light theme -> CSS variable of the page."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn chart: its light SVG, its headline, and what it shows in words."""

    name: str
    question: str
    svg: str
    title: str
    words: str


class Inlined:
    """SVG of several pictures for one page; ``styles`` and ``glyphs`` are what they share."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self._classes: dict[str, str] = {}
        self._glyphs: dict[str, str] = {}
        self.pictures = {one.name: self._inline(one.name, one.svg) for one in pictures}

    @property
    def styles(self) -> str:
        return "".join(f".{name}{{{style}}}" for style, name in self._classes.items())

    @property
    def glyphs(self) -> str:
        return "".join(self._glyphs.values())

    def _inline(self, name: str, text: str) -> str:
        text = re.sub(
            r"<!--.*?-->|<(title|desc|metadata|style)\b.*?</\1>", "", text[text.index("<svg") :], flags=re.DOTALL
        )
        text = re.sub(r'<path id="(DejaVuSans[^"]*)"[^>]*/>', self._keep_glyph, text)
        text = re.sub(r'(id="|href="#|url\(#)(?!DejaVuSans)', rf"\g<1>{name}-", text)
        text = re.sub(r'style="([^"]*)"', self._class, text)
        text = re.sub(
            r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>", r'<svg \1 aria-hidden="true" focusable="false">', text, count=1
        )
        return re.sub(r">\s+<", "><", text)

    def _keep_glyph(self, found: re.Match[str]) -> str:
        self._glyphs.setdefault(found[1], found[0])
        return ""

    def _class(self, found: re.Match[str]) -> str:
        style = re.sub(r"#[0-9a-f]{6}", lambda colour: _themed(colour[0]), found[1])
        return f'class="{self._classes.setdefault(style, f"s{len(self._classes)}")}"'


def _themed(colour: str) -> str:
    return f"var(--{VARIABLES[colour]})" if colour in VARIABLES else colour
