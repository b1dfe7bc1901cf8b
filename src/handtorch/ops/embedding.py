"""Embeddings: rows of a table, by number, one by one or reduced in bags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.autograd.mode import no_grad
from handtorch.errors import DimensionError, DtypeError, RangeError, ShapeError
from handtorch.ops.gathering import Gather
from handtorch.ops.indexing import Index, ScatterAdd, scatter_add
from handtorch.ops.norms import renorm
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.tensor import Tensor

__all__ = [
    "embedding",
    "embedding_bag",
    "embedding_renorm_",
]


class Embedding(Op):
    """y_n = W_i(n), row i(n) of a table W (V, D). dL/dW_v = Σ g_n over all n with i(n) = v; 0 for the padding's row.

    Args:
        index: i, whole numbers in [0, V) of any shape *; y has the shape (*, D).
        padding: the row that gets no gradient; none if it is no row.
        by_frequency: divide dL/dW_v by the number of n with i(n) = v.
    """

    def __init__(self, index: Any, padding: int = -1, by_frequency: bool = False) -> None:
        self.index, self.padding, self.by_frequency = index, padding, by_frequency

    def forward(self, table: Any) -> Any:
        self.table = table.shape
        return np.take(table, self.index, axis=0)

    def backward(self, g: Any) -> Any:
        if self.by_frequency:
            counts = np.bincount(self.index.reshape(-1))[self.index]
            g = g * np.expand_dims(1 / counts.astype(self.dtype), -1)
        if self.padding >= 0:
            g = np.where(np.expand_dims(self.index != self.padding, -1), g, 0)
        return scatter_add(g, (self.index,), self.table)

    def explain(self, *arrays: Any) -> str:
        return f"index out of range in self: the table has {arrays[0].shape[0]} rows, got row {self.index.max()}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        index = np.array([[2, 0, 2], [1, 2, 1]])
        yield sample(lambda: cls(index), normal(4, 3))
        yield sample(lambda: cls(index, padding=1), normal(4, 3), smooth=False)
        yield sample(lambda: cls(index, by_frequency=True), normal(4, 3), smooth=False)
        yield bad(lambda: cls(index), normal(2, 3))


# -- functions ------------------------------------------------------------------------------------------------------


def embedding(
    weight: Any, indices: Any, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Any:
    """Rows of a table, with the arguments of PyTorch outside ``nn.functional``.

    Args:
        weight: (V, D).
        indices: int64 or int32 (*), in [0, V).
        padding_idx: the row that gets no gradient; none if negative.
        scale_grad_by_freq: divide a row's gradient by how often the row was named.
        sparse: accepted; the gradient is dense, with the same numbers.

    Returns:
        (*, D).

    Raises:
        DtypeError: indices of another type.
        DimensionError: an index names no row.
        ShapeError: ``weight`` has not two axes.
    """
    index = _rows_of(weight, indices)
    return Embedding(index, padding_idx, scale_grad_by_freq)(weight)


def embedding_renorm_(weight: Any, indices: Any, max_norm: float, norm_type: float = 2.0) -> Any:
    """Scale those rows of a table that are named down to a length, in place and without a gradient.

    Args:
        weight: (V, D).
        max_norm: the p-norm above which a row is scaled.
        norm_type: p.
    """
    rows = np.unique(_rows_of(weight, indices))
    with no_grad():
        weight[rows] = renorm(Tensor.of(weight.array[rows]), norm_type, 0, max_norm)
    return weight


def embedding_bag(
    weight: Any,
    indices: Any,
    offsets: Any,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Any, Any, Any, Any]:
    """Rows of a table, added up, averaged or compared in bags.

    Args:
        weight: (V, D).
        indices: (n), the bags one after the other.
        offsets: (B), where each bag begins.
        mode: 0 for the sum, 1 for the mean, 2 for the largest number of each column.
        per_sample_weights: (n), what each row is multiplied with; for the sum only.
        include_last_offset: the last offset is the end of the last bag, and begins none.
        padding_idx: the row that counts for nothing.
        scale_grad_by_freq, sparse: as for :func:`embedding`.

    Returns:
        the bags (B, D), 0 where a bag is empty; for each index its bag (n); how many rows each bag has (B); and, for
        mode 2, which row of the table each of its numbers is from (B, D), else zeros (B).

    Raises:
        DtypeError: indices or offsets of other types, or weights of another type than the table.
        RangeError: offsets that do not begin at 0, or exceed n.
        DimensionError: an index names no row.
    """
    index = _rows_of(weight, indices)
    starts = _starts(offsets, len(index), include_last_offset)
    if per_sample_weights is not None and per_sample_weights.array.dtype != weight.array.dtype:
        raise DtypeError(
            f"expected weight and per_sample_weights to have the same dtype, got {weight.dtype} and "
            f"{per_sample_weights.dtype}"
        )
    bags = np.repeat(np.arange(len(starts)), np.diff([*starts, len(index)]))
    members, rows = bags, index
    if padding_idx is not None:
        kept = np.flatnonzero(index != padding_idx % max(len(weight.array), 1))
        members, rows = bags[kept], index[kept]
        if per_sample_weights is not None:
            per_sample_weights = Index(kept)(per_sample_weights)
    sizes = np.bincount(members, minlength=len(starts))
    shape = (len(starts), weight.array.shape[1])
    picked = Embedding(rows, by_frequency=scale_grad_by_freq)(weight)
    largest = np.zeros(len(starts), np.int64)
    if mode == 2:
        filled, firsts = np.unique(members, return_index=True)
        places = _first_largest(picked.array, members, filled, firsts)
        y = ScatterAdd((filled,), shape)(Gather(0, places)(picked))
        largest = np.zeros(shape, np.int64)
        largest[filled] = rows[places]
    else:
        if per_sample_weights is not None:
            picked = picked * per_sample_weights.unsqueeze(1)
        y = ScatterAdd((members,), shape)(picked)
        if mode == 1:
            y = y / Tensor.of(np.maximum(sizes, 1).astype(weight.array.dtype)[:, None])
    return y, Tensor.of(bags), Tensor.of(sizes), Tensor.of(largest)


def _rows_of(weight: Any, indices: Any) -> np.ndarray:
    """The array of indices, all of which name a row."""
    if weight.array.ndim != 2:
        raise ShapeError(f"'weight' must be 2-D, got shape {tuple(weight.shape)}")
    index: np.ndarray = indices.array
    if index.dtype not in (np.int64, np.int32):
        raise DtypeError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{indices.dtype} instead; convert it with .long()"
        )
    if index.size and (index.min() < 0 or index.max() >= weight.array.shape[0]):
        outside = index[(index < 0) | (index >= weight.array.shape[0])].flat[0]
        raise DimensionError(f"index out of range in self: the table has {weight.array.shape[0]} rows, got {outside}")
    return index


def _starts(offsets: Any, n: int, include_last: bool) -> np.ndarray:
    """Where each bag begins."""
    starts: np.ndarray = offsets.array
    if starts.dtype not in (np.int64, np.int32):
        raise DtypeError(f"expected offsets of type int64 or int32, got {offsets.dtype}")
    if include_last and not starts.size:
        raise RangeError("include_last_offset: number of offsets should be at least 1")
    if starts.size and starts[0] != 0:
        raise RangeError(
            f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
            f"However, got {starts[0]}"
        )
    if starts.size and starts[-1] > n:
        raise RangeError(f"offsets[-1] can not be greater than input's length({n}) but got offsets[-1] of {starts[-1]}")
    return starts[:-1] if include_last else starts


def _first_largest(rows: np.ndarray, members: np.ndarray, filled: np.ndarray, firsts: np.ndarray) -> np.ndarray:
    """For each bag that is not empty and each column the place of the first of the largest numbers; NaN is largest."""
    if not filled.size:
        return np.empty((0, rows.shape[1]), np.int64)
    largest = np.maximum.reduceat(rows, firsts, axis=0)[np.searchsorted(filled, members)]
    hits = (rows == largest) | np.isnan(rows)
    return np.minimum.reduceat(np.where(hits, np.arange(len(rows))[:, None], len(rows)), firsts, axis=0)
