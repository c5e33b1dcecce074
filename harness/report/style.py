"""How pictures look: colours, fonts, the frame of headline and source, and files that come out the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report.text import fitted, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN = 9.6
PIXELS_PER_INCH = 150
EDGE_IN = 0.22
MARKERS = {"open": "o", "closed": "D"}


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
        "xtick.major.size": 0, "ytick.major.size": 0, "hatch.color": theme.muted, "hatch.linewidth": 0.6,
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

    def box(self, left: float, low: float, width: float, height: float) -> tuple[float, float, float, float]:
        """Inches from the lower left corner as fractions of the figure, as ``add_axes`` wants them."""
        return left / self.width, low / self.height, width / self.width, height / self.height

    def write(self, x: float, y: float, text: str, **how: object) -> None:
        """Set text at a place in inches."""
        self.figure.text(x / self.width, y / self.height, text, **how)  # type: ignore[arg-type]


def frame(theme: Theme, *, title: str, notice: str = "", subtitle: list[str], foot: list[str], body_in: float) -> Frame:
    """A figure whose height follows from its texts, which are wrapped to its width and never shrunk."""
    from matplotlib.figure import Figure

    room = WIDTH_IN - 2 * EDGE_IN
    head = [(line, 14.0, "bold", theme.ink, 0.29) for line in wrapped(title, room, 14, "bold", lines=3)]
    if notice:
        head += [(line, 10.0, "bold", theme.ink, 0.21) for line in wrapped(notice, room - 0.3, 10, "bold")]
    head += [(line, 9.5, "normal", theme.muted, 0.19) for text in subtitle for line in wrapped(text, room, 9.5, lines=2)]
    small = [line for text in foot for line in wrapped(text, room, 7.5, lines=2)]
    top_in, foot_in = sum(line[-1] for line in head) + 0.34, 0.15 * len(small) + 0.2
    height = top_in + body_in + foot_in
    figure = Figure(figsize=(WIDTH_IN, height))
    made = Frame(figure, WIDTH_IN, height, height - top_in, foot_in)
    y = height - 0.16
    for line, size, weight, colour, step in head:
        boxed = size == 10.0
        made.write(
            EDGE_IN + 0.15 * boxed, y - 0.02 * boxed, line, size=size, weight=weight, color=colour, va="top",
        )  # fmt: skip
        if boxed:
            made.write(EDGE_IN, y - 0.02, "!", size=size, weight="bold", color=theme.closed, va="top")
        y -= step
    for number, line in enumerate(reversed(small)):
        made.write(EDGE_IN, 0.12 + 0.15 * number, line, size=7.5, color=theme.muted, va="bottom")
    return made


def short(text: str, inches: float, size: float, weight: str = "normal") -> str:
    """Text that fits a column."""
    return fitted(text, inches, size, weight)


def save(figure: Figure, folder: Path, name: str, theme: Theme) -> list[Path]:
    """Write ``name.png`` and ``name.svg`` (``name-dark`` for the dark ones), the same bytes every time."""
    stem = name if theme is LIGHT else f"{name}-{theme.name}"
    paths = [folder / f"{stem}.png", folder / f"{stem}.svg"]
    figure.savefig(paths[0], dpi=PIXELS_PER_INCH, metadata={"Software": None})
    figure.savefig(paths[1], metadata={"Date": None, "Creator": None})
    return paths
