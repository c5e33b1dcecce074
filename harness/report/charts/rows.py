"""What charts of rows share: one line a row, its bars, and the axis of a gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.style import LINE, Frame
from harness.report.typeset import points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Looks = Mapping[str, tuple[str, str]]
"""Colour and hatching by part."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Axes in which row ``i`` lies at ``y = i``, the first on top."""

    axes: Axes
    top: float
    """Inches from the lower edge of the picture."""
    step: float

    def middle(self, row: int) -> float:
        """Where a row's texts stand, in inches."""
        return self.top - self.step * (row + 0.5)

    def stack(self, row: int, parts: Mapping[str, float], looks: Looks, height: float) -> None:
        """Bars of a row end to end, those below zero to the left."""
        ends = {True: 0.0, False: 0.0}
        for name, value in parts.items():
            colour, hatch = looks[name]
            self.axes.barh([row], [value], height, left=[ends[value > 0]], color=colour, hatch=hatch, ec=LINE, lw=0.6)
            ends[value > 0] += value


def rows_of(made: Frame, count: int, *, left: float, width: float, step: float, below: float) -> Rows:
    """So many rows above an axis that takes ``below``, all in inches."""
    axes = made.axes(left, made.bottom + below, width, step * count)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_yticks([])
    axes.grid(axis="x")
    axes.tick_params(axis="x", labelsize=8.5)
    return Rows(axes, made.bottom + below + step * count, step)


def gap_axis(axes: Axes) -> None:
    """Label an axis of gaps, and which end is whose."""
    axes.xaxis.set_major_formatter(lambda value, _: points(value, sign=True).replace(".0", ""))
    axes.set_xlabel("← open ahead      points      closed ahead →", size=8.5, labelpad=3)
