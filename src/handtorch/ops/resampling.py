"""Resampling: weighted sums along the last axes, a sparse matrix for each; means and interpolation are such sums."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from handtorch.ops.elementwise import run
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample


class Taps:
    """A sparse matrix W (n, length): which elements of an axis each result is a weighted sum of.

    Args:
        rows, columns, weights: (entries,) of what is not zero, sorted by rows.
        shape: (n, length).
    """

    def __init__(self, rows: np.ndarray, columns: np.ndarray, weights: np.ndarray, shape: tuple[int, int]) -> None:
        self.rows, self.columns, self.weights, self.shape = rows, columns, weights, shape

    @classmethod
    def of_table(cls, columns: np.ndarray, weights: np.ndarray, length: int) -> Taps:
        """Of as many elements for each row: columns (n, k), weights (n, k).

        The weights of a column that is named twice are added; what has weight 0 is left out.
        """
        used = weights != 0
        places, entries = np.unique(np.nonzero(used)[0] * length + columns[used], return_inverse=True)
        rows, columns_used = np.divmod(places, length)
        return cls(rows, columns_used, np.bincount(entries, weights[used]), (len(columns), length))

    @functools.cached_property
    def T(self) -> Taps:
        """The transposed matrix."""
        order = np.argsort(self.columns, kind="stable")
        taps = Taps(self.columns[order], self.rows[order], self.weights[order], self.shape[::-1])
        taps.T = self
        return taps

    @functools.cached_property
    def starts(self) -> np.ndarray:
        """(n + 1,) where the entries of each row begin, and where the last ones end."""
        return np.searchsorted(self.rows, np.arange(self.shape[0] + 1))

    @functools.cached_property
    def passes(self) -> list[tuple[Any, np.ndarray]]:
        """The first entry of each row, then the second ...: (rows, entries), until no row has one."""
        counts = np.diff(self.starts)
        found: list[tuple[Any, np.ndarray]] = []
        for k in range(counts.max(initial=0)):
            rows = np.flatnonzero(counts > k)
            everywhere = len(rows) == len(counts)
            found.append((slice(None) if everywhere else rows, self.starts[:-1][rows] + k))
        return found

    def along(self, x: np.ndarray, axis: int) -> np.ndarray:
        """The product with the vectors along an axis, which is counted from the end."""
        shape = list(x.shape)
        shape[axis] = self.shape[0]
        y = np.zeros(shape, x.dtype)
        ahead, behind = (slice(None),) * (x.ndim + axis), (1,) * (-axis - 1)
        for rows, entries in self.passes:
            weights = self.weights[entries].astype(x.dtype).reshape(-1, *behind)
            y[(*ahead, rows)] += np.take(x, self.columns[entries], axis) * weights
        return y


class Resample(Op):
    """y[.., i, j] = Σ_a Σ_b U[i, a] V[j, b] x[.., a, b], for as many of the last axes as there are matrices.

    dL/dx is the same of g with the transposed matrices; so this is its own derivative, of any order.

    Args:
        taps: the matrices, that of the last axis last.
    """

    twin_from = 16_384

    def __init__(self, taps: Sequence[Taps]) -> None:
        self.taps = tuple(taps)

    def forward(self, x: Any) -> Any:
        if x.shape[x.ndim - len(self.taps) :] != tuple(taps.shape[1] for taps in self.taps):
            raise ValueError("lengths differ")
        for axis, taps in in_order(self.taps):
            x = taps.along(x, axis)
        return x

    def backward(self, g: Any) -> Any:
        return run(Resample([taps.T for taps in self.taps]), g)

    def explain(self, *arrays: Any) -> str:
        lengths = ", ".join(str(taps.shape[1]) for taps in self.taps)
        return f"resample: expected input (*, {lengths}), got {tuple(arrays[0].shape)}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        table = np.array([[0, 1], [3, 2], [2, 0]])
        weights = normal(3, 2)
        shrinking = Taps.of_table(table, weights, 4)
        growing = Taps.of_table(np.array([[0], [1], [1], [2], [2]]), np.ones((5, 1)), 3)
        ragged = Taps(np.array([0, 1, 1, 1]), np.array([0, 1, 2, 3]), np.array([1, 0.2, 0.3, 0.5]), (2, 4))
        yield sample(lambda: cls([shrinking]), normal(2, 4))
        yield sample(lambda: cls([growing, shrinking]), normal(2, 3, 4))
        yield sample(lambda: cls([ragged, growing, ragged.T]), normal(2, 4, 3, 2))
        yield sample(lambda: cls([ragged, growing, shrinking]), normal(700, 4, 3, 4))
        yield bad(lambda: cls([shrinking]), normal(2, 5))


def in_order(matrices: Sequence[Taps]) -> list[tuple[int, Taps]]:
    """(axis, matrix) in the order of least work: what shrinks the tensor first, what makes it grow last.

    The last axis is the slowest, so of two that grow alike it comes first, and of two that shrink last.
    """
    found = [(i - len(matrices), taps) for i, taps in enumerate(matrices)]
    shrinking = [step for step in found if step[1].shape[0] <= step[1].shape[1]]
    growing = [step for step in reversed(found) if step[1].shape[0] > step[1].shape[1]]
    return [*sorted(shrinking, key=_growth), *sorted(growing, key=_growth)]


def _growth(step: tuple[int, Taps]) -> float:
    n, length = step[1].shape
    return n / max(length, 1)
