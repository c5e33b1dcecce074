"""WCAG 2.2 AA by computation: 4.5 for every text on every ground that it stands on, 3 for marks that mean something."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from matplotlib.colors import to_hex

from harness.report.charts import charts
from harness.report.charts.disagreement import STRONGEST
from harness.report.charts.heatmap import STRENGTH
from harness.report.charts.waterfall import LOOKS
from harness.report.facts import Facts
from harness.report.style import COLOURS, DARK, LIGHT, LINE, MARKERS, THEMES, Theme, settings

RGB = tuple[float, float, float]
CSS = (resources.files("harness.report") / "page" / "page.css").read_text()


def _rgb(colour: str) -> RGB:
    whole = "".join(2 * digit for digit in colour[1:]) if len(colour) == 4 else colour[1:]
    red, green, blue = (int(whole[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red, green, blue


def _light(colour: RGB) -> float:
    """Relative luminance, WCAG 2.2."""
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: RGB, other: RGB) -> float:
    high, low = sorted((_light(one), _light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _mixed(colour: str, paper: str, alpha: float) -> RGB:
    red, green, blue = (alpha * c + (1 - alpha) * p for c, p in zip(_rgb(colour), _rgb(paper), strict=True))
    return red, green, blue


def _page(theme: Theme) -> dict[str, str]:
    """The page's own colours of a theme."""
    blocks = re.findall(r":root\{([^}]*)\}", CSS)
    return dict(re.findall(r"--(\w+):(#\w+)", blocks[theme is DARK]))


def test_black_on_white_is_21() -> None:
    assert _contrast(_rgb("#000"), _rgb("#ffffff")) == pytest.approx(21)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_text_in_pictures(theme: Theme) -> None:
    grounds = {"paper": _rgb(theme.paper), "band": _rgb(theme.band)}
    for text in (theme.ink, theme.muted):
        for name, ground in grounds.items():
            assert _contrast(_rgb(text), ground) >= 4.5, (text, name)
    cells = [
        (theme.open, STRENGTH),
        (theme.closed, STRENGTH),
        (theme.muted, STRONGEST),
        (theme.open, STRONGEST),
        (theme.closed, STRONGEST),
    ]
    for colour, alpha in cells:
        for strength in (alpha, alpha / 2):
            assert _contrast(_rgb(theme.ink), _mixed(colour, theme.paper, strength)) >= 4.5, (colour, strength)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_marks_of_both_sides(theme: Theme) -> None:
    for colour in (theme.open, theme.closed, theme.ink, theme.muted):
        assert _contrast(_rgb(colour), _rgb(theme.paper)) >= 3, colour


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_bars_by_their_fill_or_their_edge_and_hatching_by_the_fill(theme: Theme) -> None:
    for fill in [colour for colour, _ in LOOKS.values()]:
        assert max(_contrast(_rgb(part), _rgb(theme.paper)) for part in (fill, LINE)) >= 3, fill
        assert _contrast(_rgb(LINE), _rgb(fill)) >= 3, fill


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_no_mark_is_pale(rich_facts: Facts, theme: Theme) -> None:
    """A mark is of its side's colour throughout, or hollow with an edge of that colour."""
    for name in ("scores", "cost", "releases"):
        with settings(theme):
            figure = next(chart for chart in charts() if chart.name == name).draw(rich_facts, theme)
        for axes in figure.axes:
            for line in axes.lines:
                if line.get_marker() in MARKERS.values():
                    assert line.get_alpha() is None
                    sides = {to_hex(theme.open), to_hex(theme.closed)}
                    assert {to_hex(line.get_markerfacecolor()), to_hex(line.get_markeredgecolor())} & sides


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_page_has_the_colours_of_the_pictures_and_its_links_can_be_read(theme: Theme) -> None:
    page = _page(theme)
    for name in COLOURS:
        assert _rgb(page[name]) == _rgb(str(getattr(theme, name)).lower()), name
    for ground in ("paper", "band"):
        assert _contrast(_rgb(page["link"]), _rgb(page[ground])) >= 4.5
        assert _contrast(_rgb(page["focus"]), _rgb(page[ground])) >= 3
