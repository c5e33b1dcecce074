"""What goes into an estimator: finite arrays of floats, checked once, with an error that says what to do."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def _finite(values: ArrayLike, name: str, dimensions: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != dimensions:
        raise ValueError(f"{name} must have {dimensions} dimension(s), not the shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} is empty: there is nothing to estimate from")
    broken = int(array.size - np.isfinite(array).sum())
    if broken:
        raise ValueError(
            f"{name}: {broken} of {array.size} values are NaN or infinite; leave out, on both sides, "
            "what was not answered"
        )
    return array


def vector(values: ArrayLike, name: str) -> Floats:
    """One finite number an item, shape (n,).

    Raises ValueError for another shape, no item, NaN or infinity.
    """
    return _finite(values, name, 1)


def matrix(values: ArrayLike, name: str) -> Floats:
    """One finite number a system and item, shape (systems, n). Raises ValueError as `vector` does."""
    return _finite(values, name, 2)


def pair(closed: ArrayLike, open_: ArrayLike) -> tuple[Floats, Floats]:
    """The scores of both sides on the same items, shape (n,) each.

    Raises ValueError where the lengths differ.
    """
    first, second = vector(closed, "the closed scores"), vector(open_, "the open scores")
    if first.size != second.size:
        raise ValueError(f"{first.size} closed scores cannot be paired with {second.size} open ones")
    return first, second


def cluster_codes(clusters: ArrayLike, n: int) -> Codes:
    """Cluster labels (text or whole numbers), shape (n,), as codes 0..G-1 in the order of the sorted labels.

    Raises ValueError for another shape, or a missing label: an item without a cluster is a cluster of its own, and
    only the caller can name it.
    """
    labels = np.asarray(clusters)
    if labels.shape != (n,):
        raise ValueError(f"cluster labels of shape {labels.shape} do not fit {n} items")
    named = labels.dtype.kind in "iuUS"
    if not named and any(
        label is None or (isinstance(label, float) and math.isnan(label)) for label in labels.tolist()
    ):
        raise ValueError("an item has no cluster label: give it one of its own")
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)
