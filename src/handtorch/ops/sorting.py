"""Sorting and selecting along an axis, and searching in what is sorted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.errors import DimensionError, DtypeError, RangeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.elementwise import run
from handtorch.ops.keywords import with_others
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, distinct, normal, sample
from handtorch.tensor import Tensor

__all__ = [
    "argsort",
    "bucketize",
    "isin",
    "kthvalue",
    "msort",
    "searchsorted",
    "sort",
    "topk",
    "unique",
    "unique_consecutive",
]


class PutAlong(Op):
    """y = zeros, with x written at places along an axis. dL/dx = g at the places.

    Args:
        places: where each element of x goes; no place is named twice.
        axis: not negative.
        length: of y along the axis.
    """

    def __init__(self, places: np.ndarray, axis: int, length: int) -> None:
        self.places, self.axis, self.length = places, axis, length

    def forward(self, x: Any) -> Any:
        shape = (*x.shape[: self.axis], self.length, *x.shape[self.axis + 1 :])
        y = np.zeros_like(x, shape=shape)
        np.put_along_axis(y, self.places, x, self.axis)
        return y

    def backward(self, g: Any) -> Any:
        return np.take_along_axis(g, self.places, self.axis)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(np.array([[3, 0], [1, 2]]), 1, 5), normal(2, 2))
        yield sample(lambda: cls(np.array([[1, 0]]), 0, 3), normal(1, 2))


class Chosen(Op):
    """Elements of x that are chosen along an axis, and the places where they stand.

    y = x at the places. dL/dx = g at the places, 0 elsewhere. A subclass gives ``places``, in which no place is named
    twice.

    Args:
        axis: not negative.
        keepdim: keep the axis; a subclass that chooses several elements always does.
    """

    def __init__(self, axis: int, keepdim: bool = True) -> None:
        self.axis, self.keepdim = axis, keepdim

    def places(self, rows: Any) -> np.ndarray:
        """The places along the last axis of the rows, in which they are kept."""
        raise NotImplementedError

    def forward(self, x: Any) -> Any:
        is_last = self.axis == x.ndim - 1
        rows = x if is_last else np.ascontiguousarray(np.swapaxes(x, self.axis, -1))
        places = self.places(rows)
        values = np.take_along_axis(rows, places, -1)
        if not is_last:
            places, values = (np.ascontiguousarray(np.swapaxes(a, self.axis, -1)) for a in (places, values))
        if not self.keepdim:
            places, values = np.squeeze(places, self.axis), np.squeeze(values, self.axis)
        self.length = x.shape[self.axis]
        self.save(places)
        return values, places

    def backward(self, g: Any) -> Any:
        (places,) = self.saved
        g = g[0]
        if not self.keepdim:
            g, places = np.expand_dims(g, self.axis), np.expand_dims(places, self.axis)
        return run(PutAlong(places, self.axis, self.length), g)


class Sort(Chosen):
    """y = x in order along an axis, NaN above all. dL/dx = g at the places.

    Args:
        descending: the largest first.
        stable: equals stay in the order in which they came.
    """

    def __init__(self, axis: int, descending: bool = False, stable: bool = False) -> None:
        super().__init__(axis)
        self.descending, self.stable = descending, stable

    def places(self, rows: Any) -> np.ndarray:
        return order(rows, self.descending, self.stable)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for descending in (False, True):
            yield sample(partial(cls, 1, descending), distinct(3, 4))
            yield sample(partial(cls, 0, descending), distinct(40))
            yield sample(partial(cls, 0, descending, True), normal(40).round(), smooth=False)


class TopK(Chosen):
    """y = the k largest (or smallest) elements along an axis, the most extreme first. dL/dx = g at their places."""

    def __init__(self, k: int, axis: int, largest: bool = True) -> None:
        super().__init__(axis)
        self.k, self.largest = k, largest

    def places(self, rows: Any) -> np.ndarray:
        n = rows.shape[-1]
        if not 0 < self.k <= n // 4:
            return order(rows, self.largest)[..., : self.k]
        parts = np.argpartition(rows, n - self.k if self.largest else self.k - 1)
        kept = parts[..., n - self.k :] if self.largest else parts[..., : self.k]
        best = order(np.take_along_axis(rows, kept, -1), self.largest)
        return np.take_along_axis(kept, best, -1)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for largest in (True, False):
            yield sample(partial(cls, 2, 1, largest), distinct(3, 9))
            yield sample(partial(cls, 3, 0, largest), distinct(3, 5))


class KthValue(Chosen):
    """y = the k-th smallest element along an axis, counted from 1. dL/dx = g at its place."""

    def __init__(self, k: int, axis: int, keepdim: bool = False) -> None:
        super().__init__(axis, keepdim)
        self.k = k

    def places(self, rows: Any) -> np.ndarray:
        return np.argpartition(rows, self.k - 1)[..., self.k - 1 : self.k]

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(2, 1), distinct(3, 4))
        yield sample(lambda: cls(3, 0, True), distinct(3, 4))


def order(rows: Any, descending: bool = False, stable: bool = False) -> np.ndarray:
    """The places along the last axis in the order of the elements. Equals keep theirs if it is stable, or short."""
    n = rows.shape[-1]
    kind: Any = "stable" if stable or n <= 16 else None  # PyTorch sorts this few by insertion
    if not descending:
        return np.argsort(rows, kind=kind)
    return n - 1 - np.argsort(rows[..., ::-1], kind=kind)[..., ::-1]


# -- functions ------------------------------------------------------------------------------------------------------


def refuse_complex(input: Any, name: str) -> None:
    """Raise where complex numbers came to a function that needs an order."""
    if input.array.dtype.kind == "c":
        raise DtypeError(f"{name}(): complex numbers have no order, got {input.dtype}; take abs() or .real first")


def choose(name: str, make: Callable[[int, bool], Chosen], input: Any, dim: int, keepdim: bool) -> Any:
    """Run a :class:`Chosen` of one element along ``dim``; a single number counts as a vector of one."""
    refuse_complex(input, name)
    kind = getattr(return_types, name)
    axis = normal_axis(dim, input.array.ndim)
    if not input.array.ndim:
        return kind(*make(0, False)(input.reshape(1)))
    if not input.array.shape[axis]:
        raise DimensionError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    return kind(*make(axis, keepdim)(input))


def _choose_many(name: str, make: Callable[[int], Chosen], input: Any, dim: int) -> Any:
    """Run a :class:`Chosen` of several elements along ``dim``; a single number counts as a vector of one."""
    refuse_complex(input, name)
    kind = getattr(return_types, name)
    axis = normal_axis(dim, input.array.ndim)
    if input.array.ndim:
        return kind(*make(axis)(input))
    values, indices = make(0)(input.reshape(1))
    return kind(values.squeeze(0), indices.squeeze(0))


@method()
def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False, **others: Any) -> Any:
    """The elements along ``dim`` in order, and their places: (values, indices).

    Args:
        stable: equal elements keep their order.
    """
    if others:
        return with_others(sort, others, input, dim=dim, descending=descending, stable=stable)
    return _choose_many("sort", lambda axis: Sort(axis, descending, stable), input, dim)


@method()
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """The places along ``dim`` in the order of the elements; ``stable`` as in :func:`sort`."""
    refuse_complex(input, "argsort")
    if not input.array.ndim:
        normal_axis(dim, 0)
        return Tensor.of(np.array(0))
    rows = np.swapaxes(input.array, normal_axis(dim, input.array.ndim), -1)
    return Tensor.of(np.ascontiguousarray(np.swapaxes(order(rows, descending, stable), dim, -1)))


@method()
def msort(input: Any) -> Any:
    """The elements along the first axis in order."""
    return sort(input, 0)[0]


@method()
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, **others: Any) -> Any:
    """The k largest (or smallest) elements along ``dim`` and their places: (values, indices).

    Args:
        sorted: kept for PyTorch's signature: they always come in order.

    Raises:
        RangeError: there are fewer than k.
    """
    if others:
        return with_others(topk, others, input, k, dim=dim, largest=largest)
    length = input.array.shape[normal_axis(dim, input.array.ndim)] if input.array.ndim else 1
    if not 0 <= k <= length:
        raise RangeError(f"selected index k out of range: topk of {k} elements, but dim {dim} has {length}")
    return _choose_many("topk", lambda axis: TopK(int(k), axis, largest), input, dim)


@method()
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False, **others: Any) -> Any:
    """The k-th smallest element along ``dim`` (k counts from 1) and its place: (values, indices).

    Raises:
        RangeError: there are fewer than k.
    """
    if others:
        return with_others(kthvalue, others, input, k, dim=dim, keepdim=keepdim)
    length = input.array.shape[normal_axis(dim, input.array.ndim)] if input.array.ndim else 1
    if length and not 1 <= k <= length:
        raise RangeError(f"kthvalue(): selected number k out of range for dimension {dim}: got {k} of {length}")
    return choose("kthvalue", lambda axis, keep: KthValue(int(k), axis, keep), input, dim, keepdim)


@method()
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The different elements in order (or the different slices along ``dim``); each NaN differs from all others.

    Args:
        sorted: kept for PyTorch's signature: they always come in order.
        return_inverse: also for each element (slice) its place among them.
        return_counts: also how often each appears.
    """
    refuse_complex(input, "unique")
    axis = None if dim is None else normal_axis(dim, input.array.ndim)
    axis = axis if input.array.ndim else None
    find: Any = np.unique
    results = find(input.array, False, return_inverse, return_counts, axis, equal_nan=False)
    if not isinstance(results, tuple):
        return Tensor.of(results)
    if return_inverse and axis is not None:
        results = (results[0], results[1].reshape(-1), *results[2:])
    return tuple(map(Tensor.of, results))


@method()
def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or slices along ``dim``) without those that equal the one before.

    Args:
        return_inverse: also for each element (slice) its place in the result.
        return_counts: also how many in a row each stands for.
    """
    axis = None if dim is None or not input.array.ndim else normal_axis(dim, input.array.ndim)
    x = input.array.reshape(-1) if axis is None else np.moveaxis(input.array, axis, 0)
    differs = (x[1:] != x[:-1]).any(axis=tuple(range(1, x.ndim)))
    first = np.concatenate([np.ones(min(len(x), 1), bool), differs])
    values = x[first] if axis is None else np.moveaxis(x[first], 0, axis)
    results = [Tensor.of(np.ascontiguousarray(values))]
    if return_inverse:
        inverse = np.cumsum(first) - 1
        results.append(Tensor.of(inverse.reshape(input.array.shape) if axis is None else inverse))
    if return_counts:
        results.append(Tensor.of(np.diff(np.flatnonzero(first), append=len(x))))
    return results[0] if len(results) == 1 else tuple(results)


def searchsorted(
    sorted_sequence: Any,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
    **others: Any,
) -> Any:
    """Where each number would be inserted so that the sequence stays in order.

    Args:
        sorted_sequence: (*, n), in order along the last axis.
        input: (*, m) with the same leading lengths; of any shape for a sequence (n); or a number.
        out_int32: int32 places instead of int64.
        right, side: behind equal elements (``side="right"``) instead of before them.
        sorter: the places that bring a sequence without order into order.
    """
    if others:
        options = {"out_int32": out_int32, "right": right, "side": side, "sorter": sorter}
        return with_others(searchsorted, others, sorted_sequence, input, **options)
    if side not in (None, "left", "right"):
        raise RangeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RangeError("torch.searchsorted(): side and right can't be set to opposites, got side of left while right")
    sequence, values = sorted_sequence.array, input.array if isinstance(input, Tensor) else np.asarray(input)
    if sequence.ndim == 0:
        raise ShapeError("torch.searchsorted(): input value can be a number only when boundaries has dimensions")
    if sequence.ndim > 1 and sequence.shape[:-1] != values.shape[:-1]:
        raise ShapeError(
            f"torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(sequence.shape)} and input "
            f"value tensor {list(values.shape)}"
        )
    if sorter is not None:
        sequence = np.take_along_axis(sequence, _checked_sorter(sorter, sequence), -1)
    return _places(sequence, values, "right" if right or side == "right" else "left", out_int32)


def _checked_sorter(sorter: Any, sequence: np.ndarray) -> np.ndarray:
    if sorter.array.shape != sequence.shape:
        raise ShapeError(
            f"torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
            f"{list(sequence.shape)} and got sorter tensor {list(sorter.array.shape)}"
        )
    if sorter.array.dtype != np.int64:
        raise DtypeError(f"torch.searchsorted(): sorter must be a tensor of long dtype but got {sorter.dtype}")
    if sorter.array.size and not 0 <= sorter.array.min() <= sorter.array.max() < sequence.shape[-1]:
        raise DimensionError("torch.searchsorted(): sorter index out of range")
    return sorter.array


def _places(sequence: np.ndarray, values: np.ndarray, side: Any, out_int32: bool) -> Any:
    """``np.searchsorted``, row by row where the sequence has several."""
    if sequence.ndim == 1:
        found = np.asarray(np.searchsorted(sequence, values, side))
    else:
        found = np.zeros(values.shape, np.int64)
        for row in np.ndindex(*values.shape[:-1]):
            found[row] = np.searchsorted(sequence[row], values[row], side)
    return Tensor.of(found.astype(np.int32 if out_int32 else np.int64))


def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False, **others: Any) -> Any:
    """For each number which of the buckets between ``boundaries`` (n, in order) it falls into: 0 to n.

    Args:
        right: a number that equals a boundary falls into the bucket above it instead of below.
    """
    if others:
        return with_others(bucketize, others, input, boundaries, out_int32=out_int32, right=right)
    if boundaries.array.ndim != 1:
        raise ShapeError(f"bucketize(): boundaries tensor must be 1 dimension, but got dim({boundaries.array.ndim})")
    values = input.array if isinstance(input, Tensor) else input
    return _places(boundaries.array, np.asarray(values), "right" if right else "left", out_int32)


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False, **others: Any) -> Any:
    """Whether each element is one of ``test_elements``; either may be a number."""
    if others:
        return with_others(isin, others, elements, test_elements, assume_unique=assume_unique, invert=invert)
    a, b = (x.array if isinstance(x, Tensor) else np.asarray(x) for x in (elements, test_elements))
    return Tensor.of(np.asarray(np.isin(a, b, assume_unique=assume_unique, invert=invert)))
