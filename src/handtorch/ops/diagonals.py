"""Diagonals and triangles of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import ShapeError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.keywords import with_others
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.ops.writing import WriteRegion, on, overwrite, refuse
from handtorch.tensor import Tensor

__all__ = [
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "diagonal_scatter",
    "tril",
    "tril_indices",
    "triu",
    "triu_indices",
]


class Diagonal(Op):
    """y[..., i] = x[..., i, i + offset] of two axes, as the last axis; a view. dL/dx = g on that diagonal, 0 elsewhere.

    Args:
        offset: above 0 for diagonals right of the main one.
        axis1, axis2: of the rows and of the columns, not negative.
    """

    view = True

    def __init__(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> None:
        self.offset, self.axis1, self.axis2 = offset, axis1, axis2

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return diagonal_of(x, self.offset, self.axis1, self.axis2)

    def backward(self, g: Any) -> Any:
        return on(EmbedDiagonal(self.input_shape, self.offset, self.axis1, self.axis2), g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(lambda: cls(-1, 2, 0), normal(2, 3, 4))
        yield sample(lambda: cls(2), normal(3, 4))


class EmbedDiagonal(Op):
    """y = 0 but x on a diagonal of two axes, what :class:`Diagonal` undoes: y[..., i, i + offset] = x[..., i].

    dL/dx = that diagonal of g.

    Args:
        target: the shape of y.
        offset, axis1, axis2: as there.
    """

    def __init__(self, target: tuple[int, ...], offset: int = 0, axis1: int = 0, axis2: int = 1) -> None:
        self.target, self.offset, self.axis1, self.axis2 = target, offset, axis1, axis2

    def forward(self, x: Any) -> Any:
        y = np.zeros(self.target, x.dtype)
        diagonal_of(y, self.offset, self.axis1, self.axis2)[...] = x
        return y

    def backward(self, g: Any) -> Any:
        return np.diagonal(g, self.offset, self.axis1, self.axis2)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((4, 4), 1), normal(3))
        yield sample(lambda: cls((3, 2, 4), -2, 2, 0), normal(2, 2))
        yield bad(lambda: cls((4, 4)), normal(3))


class Tril(Op):
    """y = x on and below a diagonal of the last two axes, 0 above it. dL/dx = g there, 0 above.

    Args:
        diagonal: above 0 for diagonals right of the main one.
    """

    def __init__(self, diagonal: int = 0) -> None:
        self.diagonal = diagonal

    def forward(self, x: Any) -> Any:
        return np.tril(x, self.diagonal)

    def backward(self, g: Any) -> Any:
        return np.tril(g, self.diagonal)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(lambda: cls(-1), normal(2, 3, 3))


class Triu(Op):
    """y = x on and above a diagonal of the last two axes, 0 below it. dL/dx = g there, 0 below.

    Args:
        diagonal: above 0 for diagonals right of the main one.
    """

    def __init__(self, diagonal: int = 0) -> None:
        self.diagonal = diagonal

    def forward(self, x: Any) -> Any:
        return np.triu(x, self.diagonal)

    def backward(self, g: Any) -> Any:
        return np.triu(g, self.diagonal)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(lambda: cls(1), normal(2, 3, 3))


def diagonal_of(x: np.ndarray, offset: int, axis1: int, axis2: int) -> np.ndarray:
    """A diagonal as a view that can be written to where x can (NumPy's own cannot)."""
    y = np.diagonal(x, offset, axis1, axis2)
    if x.flags.writeable:
        y.flags.writeable = True
    return y


def _two_axes(dim1: int, dim2: int, n: int) -> tuple[int, int]:
    a, b = normal_axis(dim1, n), normal_axis(dim2, n)
    if a == b:
        raise ShapeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return a, b


@method()
def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The diagonal of two axes as the last axis, a view."""
    return Diagonal(offset, *_two_axes(dim1, dim2, input.array.ndim))(input)


def last_diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """The diagonal of the last two axes (or of two others) as the last axis, a view."""
    return diagonal(A, offset, dim1, dim2)


@method()
def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Square matrices with the last axis of ``input`` on a diagonal, 0 elsewhere."""
    n = input.array.ndim + 1
    a, b = normal_axis(dim1, n), normal_axis(dim2, n)
    if a == b:
        raise ShapeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    *target, length = input.array.shape
    side = length + abs(offset)
    for axis in sorted((a, b)):
        target.insert(axis, side)
    return EmbedDiagonal(tuple(target), offset, a, b)(input)


@method()
def diag(input: Any, diagonal: int = 0, **others: Any) -> Any:
    """A diagonal of a matrix; a square matrix with a vector on a diagonal."""
    if others:
        return with_others(diag, others, input, diagonal)
    n = input.array.ndim
    if n == 1:
        return diag_embed(input, diagonal)
    if n != 2:
        raise ShapeError(f"diag(): Supports 1D or 2D tensors. Got {n}D")
    return Diagonal(diagonal)(input).clone()


@method()
def diagflat(input: Any, offset: int = 0) -> Any:
    """A square matrix with all elements, in row-major order, on a diagonal."""
    return diag_embed(input.reshape(-1), offset)


@method()
def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """input with ``src`` on a diagonal of two axes."""
    array = input.array
    places = np.diagonal(np.arange(array.size).reshape(array.shape), offset, *_two_axes(dim1, dim2, array.ndim))
    if src.array.shape != places.shape:
        raise ShapeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.array.shape)}, "
            f"slice size = {list(places.shape)}"
        )
    return WriteRegion(places)(input, src)


@method()
def fill_diagonal_(input: Any, fill_value: Any, wrap: bool = False) -> Any:
    """Write a number to the places of equal coordinates; of a tall matrix with ``wrap`` again below each square."""
    array = input.array
    if array.ndim < 2:
        raise ShapeError("dimensions must larger than 1")
    if array.ndim > 2 and len(set(array.shape)) > 1:
        raise ShapeError("all dimensions of input must be of equal length")
    refuse(input, input)
    mask = np.zeros(array.shape, bool)
    np.fill_diagonal(mask, True, wrap)
    from handtorch.ops.masking import MaskedFill

    return overwrite(input, MaskedFill(mask), fill_value)


@method(in_place=True)
def tril(input: Any, diagonal: int = 0, **others: Any) -> Any:
    """The last two axes on and below a diagonal, 0 above it."""
    if others:
        return with_others(tril, others, input, diagonal)
    if input.array.ndim < 2:
        raise ShapeError("tril: input tensor must have at least 2 dimensions")
    return Tril(diagonal)(input)


@method(in_place=True)
def triu(input: Any, diagonal: int = 0, **others: Any) -> Any:
    """The last two axes on and above a diagonal, 0 below it."""
    if others:
        return with_others(triu, others, input, diagonal)
    if input.array.ndim < 2:
        raise ShapeError("triu: input tensor must have at least 2 dimensions")
    return Triu(diagonal)(input)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Any:
    """The places (2, n) on and below a diagonal of a (row, col) matrix, in row-major order."""
    return _places(np.tril_indices, row, col, offset, dtype)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Any:
    """The places (2, n) on and above a diagonal of a (row, col) matrix, in row-major order."""
    return _places(np.triu_indices, row, col, offset, dtype)


def _places(function: Any, row: int, col: int, offset: int, dtype: Any) -> Any:
    if row < 0 or col < 0:
        raise ShapeError(f"row and col must be non-negative, got {row} and {col}")
    return Tensor.of(np.stack(function(row, offset, col)).astype(np.int64 if dtype is None else dtype.numpy))


answer_functions(
    {
        np.diagonal: lambda x, offset=0, axis1=0, axis2=1: diagonal(x, offset, axis1, axis2),
        np.tril: lambda x, k=0: Tril(k)(x),
        np.triu: lambda x, k=0: Triu(k)(x),
    }
)
