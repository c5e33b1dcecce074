"""The gap as a picture in Python: ``harness.plot("results")``."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import Refused
from harness.report.charts.forest import forest
from harness.report.facts import UNPAIRED, compared
from harness.report.style import DARK, LIGHT, PIXELS_PER_INCH, Theme, settings
from harness.verdict import Gaps, Store

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOTEBOOK_PIXELS_PER_INCH = 100


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Plot:
    """A drawn gap. A notebook shows it; ``save`` writes it; ``figure`` is matplotlib's own, to go on from."""

    figure: Figure
    theme: Theme

    def __repr__(self) -> str:
        """The headline, and the rows in words."""
        return str(self.figure.get_label())

    def _repr_png_(self) -> bytes:
        """What a notebook embeds."""
        written = io.BytesIO()
        with settings(self.theme):
            self.figure.savefig(written, format="png", dpi=NOTEBOOK_PIXELS_PER_INCH, metadata={"Software": None})
        return written.getvalue()

    def save(self, path: str | Path) -> None:
        """Write a file whose ending says what it is: ``.png``, ``.svg``, ``.pdf``."""
        with settings(self.theme):
            self.figure.savefig(path, dpi=PIXELS_PER_INCH)


def plot(store: str | Path | Store = "results", gaps: Gaps | None = None, *, dark: bool = False) -> Plot:
    """Draw the report's first chart: one line a row, with both scores, the gap, its interval and the verdict.

    ``gaps`` are those that :meth:`Store.gap` returned for this store; without them, one row a dimension.

    Raises: StoreError (no store), Refused (nothing to compare).
    """
    opened = store if isinstance(store, Store) else Store(store)
    shown = opened.gap() if gaps is None else gaps
    if not shown:
        raise Refused(f"there is no gap to draw: {UNPAIRED}")
    theme = DARK if dark else LIGHT
    with settings(theme):
        return Plot(forest(compared(opened, shown), theme), theme)
