"""How pictures look: colours, fonts, the frame of headline and source, and files that come out the same every time."""

from __future__ import annotations

import datetime as dt
import html
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.report.facts import Facts
from harness.report.typeset import wrapped
from harness.report.words import DEMO, openness
from harness.text import STATUS, uncontrolled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 9.6
PIXELS_PER_INCH = 150
EDGE_IN = 0.22
TITLE_LINES = 3
MARKERS = {"open": "o", "closed": "D"}
LINE = "#1a1a1a"
"""Edges and hatching of coloured bars, which stay dark on their fills in both themes."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of one appearance. Sides are Okabe and Ito's, told apart by their markers as well."""

    name: str
    paper: str
    ink: str
    muted: str
    grid: str
    band: str
    rail: str
    open: str
    closed: str


LIGHT = Theme("light", "#ffffff", "#1b1b1b", "#5c5c5c", "#e4e4e4", "#f3f3f0", "#c4c4c4", "#0072B2", "#D55E00")
DARK = Theme("dark", "#16181b", "#f1f1f1", "#b0b4b8", "#33373c", "#22262a", "#5a6066", "#56B4E9", "#E98A3C")
THEMES = (LIGHT, DARK)
COLOURS = ("paper", "ink", "muted", "grid", "band", "rail", "open", "closed")
"""What a theme has a colour for."""


@contextmanager
def settings(theme: Theme) -> Iterator[None]:
    """Matplotlib's settings for drawing and saving. Text is never mathematics, since names may hold ``$``."""
    import matplotlib as mpl

    values: Any = {
        "font.family": "DejaVu Sans", "font.size": 9.5, "text.parse_math": False, "text.usetex": False,
        "svg.hashsalt": "opengap", "svg.fonttype": "path", "path.simplify": False,
        "figure.facecolor": theme.paper, "savefig.facecolor": theme.paper, "axes.facecolor": theme.paper,
        "text.color": theme.ink, "axes.labelcolor": theme.muted, "axes.edgecolor": theme.rail, "axes.axisbelow": True,
        "xtick.color": theme.muted, "ytick.color": theme.muted, "grid.color": theme.grid, "grid.linewidth": 0.8,
        "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
        "xtick.major.size": 0, "ytick.major.size": 0, "hatch.color": LINE, "hatch.linewidth": 0.6,
    }  # fmt: skip
    with mpl.rc_context(values):
        yield


@dataclass(frozen=True, slots=True)
class Frame:
    """A figure with its texts set, and the part of it, in inches, that is free for the drawing."""

    figure: Figure
    width: float
    height: float
    top: float
    bottom: float

    def axes(self, left: float, low: float, width: float, height: float) -> Axes:
        """Axes at a place in inches from the lower left corner."""
        box = left / self.width, low / self.height, width / self.width, height / self.height
        return self.figure.add_axes(box)

    def write(self, x: float, y: float, text: str, **how: Any) -> None:
        """Set text at a place in inches."""
        self.figure.text(x / self.width, y / self.height, text, **how)

    def mark(self, x: float, y: float, side: str, theme: Theme, size: float = 6.5) -> None:
        """Set a side's marker at a place in inches."""
        from matplotlib.lines import Line2D

        where = {"transform": self.figure.transFigure, "color": getattr(theme, side), "ms": size}
        self.figure.add_artist(Line2D([x / self.width], [y / self.height], marker=MARKERS[side], **where))

    def legend(self, x: float, y: float, theme: Theme) -> None:
        """Say at a place in inches which marker is which side."""
        for at, side, text in ((x, "closed", "closed"), (x + 0.85, "open", "open weights")):
            self.mark(at, y, side, theme)
            self.write(at + 0.12, y - 0.06, text, size=9)

    def swatches(self, x: float, y: float, looks: Mapping[str, tuple[str, str]], theme: Theme, step: float) -> None:
        """Say in a line of boxes what each fill and hatching is."""
        for name, (colour, hatch) in looks.items():
            box = self.axes(x, y - 0.01, 0.2, 0.15)
            box.set_axis_off()
            box.bar([0], [1], color=colour, hatch=hatch, ec=LINE, lw=0.6)
            self.write(x + 0.26, y, STATUS.get(name, name), size=9)
            x += step


def frame(
    facts: Facts, theme: Theme, *, title: str, body_in: float, subtitle: Sequence[str] = (), foot: Sequence[str] = (), alt: str = ""
) -> Frame:  # fmt: skip
    """A figure whose height follows from its texts, which are wrapped to its width and never shrunk.

    The foot ends in what counts as open and the source. The figure's label is its headline and, on the lines below, what it shows in words.
    """
    from matplotlib.figure import Figure

    room = WIDTH_IN - 2 * EDGE_IN
    title = f"Demo models: {title[0].lower()}{title[1:]}" if facts.demo else title
    head = [(line, 14.0, "bold", theme.ink, 0.29) for line in wrapped(title, room, 14, "bold", lines=TITLE_LINES)]
    if facts.demo:
        head += [(line, 10.0, "bold", theme.ink, 0.21) for line in wrapped(DEMO, room, 10, "bold")]
    head += [
        (line, 9.5, "normal", theme.muted, 0.19) for text in subtitle for line in wrapped(text, room, 9.5, lines=3)
    ]
    foot = (*foot, f"{openness(facts.openness)}.", f"Source: {facts.source}.")
    small = [line for text in foot for line in wrapped(text, room, 7.5, lines=5)]
    top_in, foot_in = sum(line[-1] for line in head) + 0.3, 0.15 * len(small) + 0.2
    height = top_in + body_in + foot_in
    figure = Figure(figsize=(WIDTH_IN, height))
    figure.set_label(uncontrolled("\n".join([title, *([DEMO] if facts.demo else []), alt or ". ".join(subtitle)])))
    made = Frame(figure, WIDTH_IN, height, height - top_in, foot_in)
    y = height - 0.16
    for line, size, weight, colour, step in head:
        made.write(EDGE_IN, y, line, size=size, weight=weight, color=colour, va="top")
        y -= step
    for number, line in enumerate(reversed(small)):
        made.write(EDGE_IN, 0.12 + 0.15 * number, line, size=7.5, color=theme.muted, va="bottom")
    return made


def whole_sentences(parts: Iterable[str]) -> str:
    """As many of the sentences as a headline has room for, the first always; a figure that is cut in two is another figure."""
    told = ""
    for part in parts:
        longer = f"{told}; {part}" if told else part
        if told and len(wrapped(longer, WIDTH_IN - 2 * EDGE_IN, 14, "bold")) > TITLE_LINES:
            break
        told = longer
    return told


def day_numbers(days: Sequence[str]) -> list[float]:
    """ISO dates as the numbers that a date axis has."""
    import matplotlib.dates

    known: Any = matplotlib.dates
    return [float(known.date2num(dt.date.fromisoformat(day))) for day in days]


def by_month(axes: Axes) -> None:
    """Label a date axis with years and months, and with days where there are few months."""
    import matplotlib.dates

    known: Any = matplotlib.dates
    axes.xaxis.set_major_locator(known.AutoDateLocator(minticks=3, maxticks=8))
    low, high = axes.get_xlim()
    axes.xaxis.set_major_formatter(known.DateFormatter("%Y-%m" if high - low > 150 else "%Y-%m-%d"))


def render(figure: Figure, name: str, theme: Theme, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """``name.png`` and ``name.svg`` (``name-dark`` for the dark ones), the same bytes every time.

    A dark vector picture differs from the light one, which ``files`` holds, in nothing but the colours, and exchanging
    them takes a fraction of the time.
    """
    stem = name if theme is LIGHT else f"{name}-{theme.name}"
    png, drawn = io.BytesIO(), io.StringIO()
    # Pictures of flat colour come out smaller at this level than at the usual 6, and sooner.
    figure.savefig(png, dpi=PIXELS_PER_INCH, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
    if theme is LIGHT:
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
        title, _, words = str(figure.get_label()).partition("\n")
        told = f'role="img" aria-labelledby="title"><title id="title">{html.escape(title)}</title><desc>{html.escape(words)}</desc>'
        svg = re.sub(r"(<svg [^>]*)>", lambda found: f"{found[1]} {told}", drawn.getvalue(), count=1)
    else:
        exchange = {str(getattr(LIGHT, one)).lower(): str(getattr(theme, one)).lower() for one in COLOURS}
        svg = re.sub("|".join(exchange), lambda found: exchange[found[0]], files[f"{name}.svg"].decode())
    return {f"{stem}.png": png.getvalue(), f"{stem}.svg": svg.encode()}
