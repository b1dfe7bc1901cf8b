"""Splitting: a tensor taken apart along an axis, into views."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DimensionError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, normal, sample
from handtorch.tensor import Tensor

__all__ = [
    "chunk",
    "dsplit",
    "hsplit",
    "split",
    "split_with_sizes",
    "tensor_split",
    "unbind",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "vsplit",
]


class Split(Op):
    """y_i = successive pieces of x along an axis, views. dL/dx = the g_i one after another.

    Args:
        sections: the lengths of the pieces; their sum is that of the axis.
        dim: the axis, not negative.
    """

    view = True

    def __init__(self, sections: list[int], dim: int) -> None:
        self.sections, self.dim = sections, dim

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        before = (slice(None),) * self.dim
        ends = itertools.accumulate(self.sections)
        return tuple([x[(*before, slice(end - n, end))] for n, end in zip(self.sections, ends, strict=True)])

    def backward(self, g: Any) -> Any:
        known = next(piece for piece in g if piece is not None)
        before, after = self.input_shape[: self.dim], self.input_shape[self.dim + 1 :]
        pieces = [
            np.zeros_like(known, shape=(*before, n, *after)) if piece is None else piece
            for piece, n in zip(g, self.sections, strict=True)
        ]
        return np.concatenate(pieces, axis=self.dim)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls([1, 3], 1), normal(2, 4))
        yield sample(lambda: cls([1, 0, 3], 1), normal(2, 4), smooth=False)
        yield sample(lambda: cls([2, 1], 0), normal(3, 4))


class Unbind(Op):
    """y_i = the slices of x along an axis, views without that axis. dL/dx = the g_i beside each other.

    Args:
        dim: the axis, not negative.
    """

    view = True
    twin_from = 65_536

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        before = (slice(None),) * self.dim
        return tuple(x[(*before, i, ...)] for i in range(x.shape[self.dim]))

    def backward(self, g: Any) -> Any:
        known = next(piece for piece in g if piece is not None)
        return np.stack([np.zeros_like(known) if piece is None else piece for piece in g], axis=self.dim)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1), normal(2, 4))
        yield sample(lambda: cls(0), normal(3))
        yield sample(lambda: cls(2), normal(40, 17, 3, 33))


def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Pieces of a length, or of the given lengths, along ``dim``: views."""
    if not isinstance(split_size_or_sections, (int, np.integer, Tensor)):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    at, n = _axis_of("split", tensor, dim)
    step = int(split_size_or_sections)
    if step < 0:
        raise ShapeError(f"split expects split_size be non-negative, but got split_size={step}")
    if step == 0 and n:
        raise ShapeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
    return Split([min(step, n - i) for i in range(0, n, step)] if n else [0], at)(tensor)


def _axis_of(name: str, tensor: Any, dim: int) -> tuple[int, int]:
    """The axis, not negative, and its length."""
    if not tensor.array.ndim:
        raise ShapeError(f"{name} expects at least a 1-dimensional tensor")
    at = normal_axis(dim, tensor.array.ndim)
    return at, tensor.array.shape[at]


@method()
def split_with_sizes(input: Any, split_sizes: Any, dim: int = 0) -> Any:
    """Pieces of the given lengths along ``dim``: views."""
    at, n = _axis_of("split", input, dim)
    sections = [int(size) for size in split_sizes]
    if any(size < 0 for size in sections):
        raise ShapeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={sections}"
        )
    if sum(sections) != n:
        raise ShapeError(
            f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {dim}), "
            f"but got split_sizes={sections}"
        )
    return Split(sections, at)(input)


@method("split")
def _split(self: Any, split_size: Any, dim: int = 0) -> Any:
    """Pieces of a length, or of the given lengths, along ``dim``: views."""
    return split(self, split_size, dim)


@method()
def unsafe_split(tensor: Any, split_size: Any, dim: int = 0) -> Any:
    """Pieces along ``dim``, as :func:`split`."""
    return split(tensor, split_size, dim)


@method()
def unsafe_split_with_sizes(input: Any, split_sizes: Any, dim: int = 0) -> Any:
    """Pieces along ``dim``, as :func:`split_with_sizes`."""
    return split_with_sizes(input, split_sizes, dim)


@method()
def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """At most ``chunks`` pieces of equal length (the last may be shorter)."""
    if chunks <= 0:
        raise ShapeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    at, n = _axis_of("chunk", input, dim)
    if not n:
        return Split([0] * chunks, at)(input)
    size = -(-n // chunks)
    return Split([min(size, n - i) for i in range(0, n, size)], at)(input)


@method()
def unsafe_chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """Pieces along ``dim``, as :func:`chunk`."""
    return chunk(input, chunks, dim)


@method()
def tensor_split(
    input: Any, indices_or_sections: Any, dim: int = 0, *, indices: Any = None, sections: Any = None
) -> Any:
    """Pieces whose lengths differ by at most 1, or that begin at the given places, along ``dim``: views."""
    where = next(x for x in (indices, sections, indices_or_sections) if x is not None)
    at, n = _axis_of("tensor_split", input, dim)
    if isinstance(where, Tensor):
        if where.array.ndim > 1 or where.array.dtype != np.int64:
            raise ShapeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional int64 "
                "tensor"
            )
        where = where.array.tolist()
    if isinstance(where, str):
        raise TypeError(f"tensor_split(): expected a number of sections or places, got {where!r}")
    if isinstance(where, int):
        if where <= 0:
            raise ShapeError(f"number of sections must be larger than 0, got {where}")
        return Split([n // where + (i < n % where) for i in range(where)], at)(input)
    before = (slice(None),) * at
    return tuple(input[(*before, slice(a, b))] for a, b in itertools.pairwise([0, *map(int, where), n]))


@method()
def hsplit(input: Any, indices_or_sections: Any) -> Any:
    """Pieces along the second axis (the only one of a vector), of equal length or beginning at the given places."""
    return _equal_pieces("hsplit", input, indices_or_sections, 1 if input.array.ndim > 1 else 0, 1)


@method()
def vsplit(input: Any, indices_or_sections: Any) -> Any:
    """Pieces along the first axis, of equal length or beginning at the given places."""
    return _equal_pieces("vsplit", input, indices_or_sections, 0, 2)


@method()
def dsplit(input: Any, indices_or_sections: Any) -> Any:
    """Pieces along the third axis, of equal length or beginning at the given places."""
    return _equal_pieces("dsplit", input, indices_or_sections, 2, 3)


def _equal_pieces(name: str, input: Any, where: Any, dim: int, least: int) -> Any:
    if input.array.ndim < least:
        raise ShapeError(
            f"torch.{name} requires a tensor with at least {least} dimension{'s' * (least > 1)}, but got a tensor with "
            f"{input.array.ndim} dimensions!"
        )
    n = input.array.shape[dim]
    if isinstance(where, int) and (where == 0 or n % where):
        raise ShapeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {n} is not "
            f"divisible by the split_size {where}!"
        )
    return tensor_split(input, where, dim)


@method()
def unbind(input: Any, dim: int = 0) -> Any:
    """The slices along ``dim``, without that axis: views."""
    if not input.array.ndim:
        normal_axis(dim, 0)
        raise DimensionError("Dimension specified as 0 but tensor has no dimensions")
    return Unbind(normal_axis(dim, input.array.ndim))(input)


@method("__iter__")
def iterate(input: Any) -> Any:
    """The slices along the first axis."""
    if input.array.ndim == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(unbind(input, 0))


answer_functions(
    {np.split: lambda x, ends, axis=0: split(x, np.diff([0, *ends, x.array.shape[axis]]).tolist(), axis)},
)
