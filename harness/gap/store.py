"""The results store as a user meets it in Python: ``Store("results").gap(closed=…, open=…)``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import StoreError
from harness.gap.evidence import Evidence, gather
from harness.gap.frontier import compare_best
from harness.gap.pair import align, compare
from harness.gap.scores import SystemScore, scores
from harness.gap.select import select
from harness.types import Comparison

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_MARGIN = 3.0


@dataclass(frozen=True, slots=True)
class Gaps(Sequence[Comparison]):
    """Comparisons of one table, with everything that could not be compared."""

    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.comparisons[index]

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.comparisons)

    def __len__(self) -> int:
        return len(self.comparisons)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a comparison, with the columns of ``opengap gap --json``."""
        import dataclasses

        import pandas as pd

        return pd.DataFrame([dataclasses.asdict(one) for one in self.comparisons])


class Store:
    """A folder of runs. Raises StoreError if it does not exist."""

    def __init__(self, path: str | Path = "results") -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise StoreError(f"there is no store at {self.path}: run `opengap eval` first, or give --store")

    def evidence(self) -> tuple[list[Evidence], list[str]]:
        """All current results, and what had to be passed over."""
        return gather(self.path)

    def scores(self) -> list[SystemScore]:
        """Each system's own scores."""
        return scores(self.evidence()[0])

    def gap(
        self,
        closed: str | None = None,
        open: str | None = None,
        *,
        dimension: str | None = None,
        task: str | None = None,
        by_task: bool = False,
        margin: float = DEFAULT_MARGIN,
        force: bool = False,
    ) -> Gaps:
        """Closed minus open, in points, by VERDICT (c) to (e); one row a dimension, or a task with ``by_task``.

        Raises: Refused (a named pair that is not comparable), UnknownName, UsageError.
        """
        evidence, problems = self.evidence()
        rows, notes = select(
            evidence, closed=closed, open_=open, dimension=dimension, task=task, by_task=by_task, force=force
        )
        comparisons = []
        for row in rows:
            try:
                if len(row.closed) > 1 or len(row.open_) > 1:
                    comparisons.append(compare_best(row, margin=margin, rows=len(rows)))
                    continue
                (closed_parts,), (open_parts,) = row.closed.values(), row.open_.values()
                pairs = [align(closed_parts[name], open_parts[name]) for name in row.tasks]
                comparisons.append(
                    compare(pairs, chosen_by=row.chosen_by, margin=margin, rows=len(rows), extra=row.notes)
                )
            except ValueError as error:
                notes.append(f"{row.dimension}: {error}")
        return Gaps(tuple(comparisons), tuple(dict.fromkeys([*problems, *notes])))
