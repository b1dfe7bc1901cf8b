"""Gathering: elements picked by tensors of places, or where a mask or a value says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DimensionError, DtypeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.indexing import Index, scatter_add
from handtorch.ops.keywords import with_others
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, bad, integers, normal, sample
from handtorch.ops.writing import refuse_shared
from handtorch.tensor import Tensor

__all__ = [
    "argwhere",
    "gather",
    "index_select",
    "masked_select",
    "nonzero",
    "nonzero_static",
    "take",
    "take_along_dim",
    "unravel_index",
]


class Gather(Op):
    """y[i, j] = x[i, index[i, j]] along an axis. dL/dx: g added at the indices.

    Args:
        dim: the axis, not negative.
        index: whole numbers, no longer than x along any other axis.
    """

    def __init__(self, dim: int, index: Any) -> None:
        self.dim, self.index = dim, index

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return x[along(self.dim, self.index)]

    def backward(self, g: Any) -> Any:
        return scatter_add(g, along(self.dim, self.index), self.input_shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1, integers(0, 4, 3, 2)), normal(3, 4))
        yield sample(lambda: cls(0, integers(0, 3, 2, 4)), normal(3, 4))
        yield sample(lambda: cls(1, integers(0, 3, 1, 5, 2)), normal(2, 3, 4))
        yield bad(lambda: cls(1, np.array([[4]])), normal(3, 4))


class IndexSelect(Op):
    """y[:, j] = x[:, index[j]] along an axis. dL/dx: g added at the indices.

    Args:
        dim: the axis, not negative.
        index: whole numbers (n,).
    """

    def __init__(self, dim: int, index: Any) -> None:
        self.dim, self.index = dim, index

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return np.take(x, self.index, axis=self.dim)

    def backward(self, g: Any) -> Any:
        return scatter_add(g, rows(self.dim, self.index), self.input_shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(0, np.array([2, 0, 2])), normal(3, 4))
        yield sample(lambda: cls(1, np.array([3])), normal(3, 4, 2))
        yield bad(lambda: cls(0, np.array([3])), normal(3, 4))


def along(dim: int, index: np.ndarray) -> tuple[Any, ...]:
    """The key that takes ``index`` along ``dim`` and counts along every other axis: (i, index[i, j]) for dim 1."""
    n = index.ndim
    key = [np.arange(length).reshape((-1,) + (1,) * (n - 1 - i)) for i, length in enumerate(index.shape)]
    key[dim] = index
    return tuple(key)


def rows(dim: int, index: np.ndarray) -> tuple[Any, ...]:
    """The key that takes ``index`` along ``dim`` and all of every axis before it."""
    return (slice(None),) * dim + (index,)


def places(name: str, index: Any) -> np.ndarray:
    """The array of a tensor of places.

    Raises:
        DtypeError: it does not hold whole numbers.
    """
    array = index.array
    if array.size and array.dtype != np.int64 and array.dtype != np.int32:
        raise DtypeError(f"{name}(): Expected dtype int32/int64 for index, got {index.dtype}")
    return array


def in_range(index: np.ndarray, length: int, dim: int) -> np.ndarray:
    """Itself, if all of its numbers lie in [0, length).

    Raises:
        DimensionError: one does not.
    """
    if (index.view(f"u{index.itemsize}") >= length).any():  # as a number without a sign, what is negative is large
        outside = int(index[(index < 0) | (index >= length)].flat[0])
        raise DimensionError(f"index {outside} is out of bounds for dimension {dim} with size {length}")
    return index


def at_least_a_vector(x: Any) -> Any:
    """A number as a vector of one element; others as they are."""
    return x if x.array.ndim else Index(None)(x)


# -- functions ------------------------------------------------------------------------------------------------------


@method()
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False, **others: Any) -> Any:
    """y[i][j] = input[i][index[i][j]] for dim=1, and alike for other axes.

    Args:
        index: int64, with as many axes as ``input``, no longer than it along any axis but ``dim``.
        sparse_grad: kept for PyTorch's signature; gradients are dense.

    Raises:
        ShapeError: ``index`` has another number of axes or is too long.
        DimensionError: a place lies outside.
    """
    if others:
        out = others.get("out")
        refuse_shared(out, input, index, shape=index.array.shape)
        if out is not None and out.array.dtype != input.array.dtype:
            raise DtypeError(f"Expected out tensor to have dtype {input.dtype}, but got {out.dtype} instead")
        return with_others(gather, others, input, dim=dim, index=index)
    at = normal_axis(dim, input.array.ndim)
    array = places("gather", index)
    shape = input.array.shape
    if not array.size:
        return Index(np.empty(0, np.int64))(input.reshape(-1)).reshape(array.shape)
    if max(array.ndim, 1) != max(len(shape), 1):
        raise ShapeError("Index tensor must have the same number of dimensions as input tensor")
    check_lengths("gather", array.shape, shape, at)
    if not shape or not array.ndim:
        picked = Gather(0, in_range(np.atleast_1d(array), shape[0] if shape else 1, 0))(at_least_a_vector(input))
        return picked.reshape(array.shape)
    return Gather(at, in_range(array, shape[at], at))(input)


def check_lengths(name: str, index: tuple[int, ...], shape: tuple[int, ...], dim: int, what: str = "input") -> None:
    """Raise where an index is longer than a tensor along an axis other than ``dim``."""
    for axis, (length, room) in enumerate(zip(index, shape, strict=False)):
        if length > room and axis != dim:
            raise ShapeError(
                f"{name}(): Size does not match at dimension {axis}: expected index {list(index)} to be no larger than "
                f"{what} {list(shape)} apart from dimension {dim}"
            )


@method()
def index_select(input: Any, dim: int, index: Any, **others: Any) -> Any:
    """The slices along ``dim`` whose numbers are in ``index`` (n,)."""
    if others:
        refuse_shared(others.get("out"), input, index)
        return with_others(index_select, others, input, dim=dim, index=index)
    at = normal_axis(dim, input.array.ndim)
    array = places("index_select", index)
    if array.ndim > 1:
        raise DimensionError("index_select(): Index is supposed to be a vector")
    array = array.reshape(-1)
    if not input.array.ndim:
        if array.size != 1:
            raise DimensionError(f"index_select(): Index to scalar can have only 1 value, got {array.size} value(s)")
        in_range(array, 1, 0)
        return IndexSelect(0, array)(at_least_a_vector(input)).reshape(())
    return IndexSelect(at, in_range(array, input.array.shape[at], at))(input)


@method()
def take(input: Any, index: Any, **others: Any) -> Any:
    """The elements at places counted in row-major order, in the shape of ``index``."""
    if others:
        refuse_shared(others.get("out"), input, index)
        return with_others(take, others, input, index)
    array = index.array
    if array.dtype != np.int64:
        raise DtypeError(f"take(): Expected a long tensor for index, but got {index.dtype}")
    size = input.array.size
    if not size and array.size:
        raise DimensionError("take(): tried to take from an empty tensor")
    if array.size and (array.min() < -size or array.max() >= size):
        outside = int(array[(array < -size) | (array >= size)].flat[0])
        raise DimensionError(f"out of range: tried to access index {outside} on a tensor of {size} elements.")
    return Index(array)(input.reshape(-1)) if array.ndim else Index(int(array))(input.reshape(-1))


@method()
def take_along_dim(input: Any, indices: Any, dim: int | None = None, **others: Any) -> Any:
    """gather with ``input`` and ``indices`` broadcast along the other axes; flattened without ``dim``."""
    if others:
        return with_others(take_along_dim, others, input, indices, dim=dim)
    array = indices.array
    if array.dtype != np.int64:
        raise DtypeError(f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype}.")
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    if input.array.ndim != array.ndim:
        raise ShapeError(
            f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.array.ndim} dimensions for input, and {array.ndim} dimensions for indices"
        )
    at = normal_axis(dim, array.ndim)
    shape, index_shape = input.array.shape, array.shape
    before = np.broadcast_shapes(shape[:at], index_shape[:at])
    after = np.broadcast_shapes(shape[at + 1 :], index_shape[at + 1 :])
    wide, wide_index = (*before, shape[at], *after), (*before, index_shape[at], *after)
    array = in_range(np.where(array < 0, array + shape[at], array), shape[at], at)
    return Gather(at, np.broadcast_to(array, wide_index))(input.expand(*wide))


@method()
def masked_select(input: Any, mask: Any, **others: Any) -> Any:
    """The elements where the mask holds, in one vector; the two are broadcast against each other."""
    if others:
        refuse_shared(others.get("out"), input, mask)
        return with_others(masked_select, others, input, mask)
    if mask.array.dtype != bool:
        raise DtypeError(f"masked_select: expected BoolTensor for mask, got {mask.dtype}")
    shape = np.broadcast_shapes(input.array.shape, mask.array.shape)
    if input.array.shape != shape:
        input = input.expand(*shape)
    return Index(np.broadcast_to(mask.array, shape) if shape else bool(mask.array))(input)


@method()
def nonzero(input: Any, *, as_tuple: bool = False, **others: Any) -> Any:
    """The places of all elements other than 0, in row-major order.

    Returns:
        int64 (n, D) for D axes; with ``as_tuple`` D vectors (n,), which index the elements.
    """
    if others:
        return with_others(nonzero, others, input, as_tuple=as_tuple)
    if as_tuple:
        return tuple(map(Tensor.of, np.nonzero(np.atleast_1d(input.array))))
    return Tensor.of(np.ascontiguousarray(np.argwhere(input.array)))


@method()
def nonzero_static(input: Any, *, size: int, fill_value: int = -1) -> Any:
    """The first ``size`` places of elements other than 0, filled up with rows of ``fill_value``."""
    found = np.argwhere(input.array)[:size]
    padded = np.full((size, input.array.ndim), fill_value)
    padded[: len(found)] = found
    return Tensor.of(padded)


@method()
def argwhere(input: Any) -> Any:
    """The places of all elements other than 0 (n, D), in row-major order."""
    return nonzero(input)


@method("__contains__")
def contains(input: Any, element: Any) -> bool:
    """Whether an element equals ``element``.

    Raises:
        TypeError: that is neither a number nor a tensor.
    """
    if not isinstance(element, (Tensor, int, float, complex, np.generic)):
        raise TypeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")
    return bool(np.any(input.array == (element.array if isinstance(element, Tensor) else element)))


def unravel_index(indices: Any, shape: Any) -> Any:
    """For places counted in row-major order in ``shape`` one tensor of coordinates for each axis."""
    if indices.array.dtype.kind not in "iu":
        raise DtypeError(f"unravel_index() expects an int tensor, got {indices.dtype}")
    lengths = (shape,) if isinstance(shape, int) else tuple(int(n) for n in shape)
    if any(n < 0 for n in lengths):
        raise ShapeError(f"'shape' cannot have negative values, but got {lengths}")
    return tuple(Tensor.of(np.asarray(axis)) for axis in np.unravel_index(indices.array, lengths))


answer_functions(
    {
        np.take_along_axis: lambda x, index, axis: Gather(axis, index.array if isinstance(index, Tensor) else index)(x),
        np.take: lambda x, places, axis=None: x.reshape(-1)[places] if axis is None else IndexSelect(axis, places)(x),
    }
)
