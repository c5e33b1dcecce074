"""Rows of one kind, for programs: a sequence that is also one pandas frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


class Listing(Sequence[T]):
    """A table in Python. A kind of table is a subclass that says what its rows are and keeps them in ``rows``."""

    __slots__ = ()
    OF: ClassVar[Any]
    """The dataclass of a row; its fields are the columns."""

    @property
    def rows(self) -> tuple[T, ...]:
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.rows[index]

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def to_pandas(self) -> pd.DataFrame:
        """One line for each row, with the columns of ``--json``; without rows a frame that has the columns."""
        import pandas as pd

        names = [field.name for field in dataclasses.fields(self.OF)]
        return pd.DataFrame([dataclasses.asdict(one) for one in self.rows], columns=names)  # type: ignore[call-overload]

    @property
    def frame(self) -> pd.DataFrame:
        """The same as :meth:`to_pandas`."""
        return self.to_pandas()
