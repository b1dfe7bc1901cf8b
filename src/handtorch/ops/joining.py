"""Joining and splitting: tensors put together along axes, and taken apart again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import ArgumentError, DimensionError, DtypeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.keywords import with_others
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.ops.shape import atleast_1d, atleast_2d, atleast_3d, broadcast_tensors, flatten
from handtorch.ops.writing import refuse_shared
from handtorch.tensor import Tensor

__all__ = [
    "block_diag",
    "cartesian_prod",
    "cat",
    "chunk",
    "column_stack",
    "combinations",
    "concat",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "meshgrid",
    "row_stack",
    "split",
    "split_with_sizes",
    "stack",
    "tensor_split",
    "unbind",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "vsplit",
    "vstack",
]


class Cat(Op):
    """y = the inputs one after another along an axis. dL/dx_i = its part of g.

    Args:
        dim: the axis, not negative.
    """

    promotes = True

    def __init__(self, dim: int = 0) -> None:
        self.dim = dim

    def forward(self, *xs: Any) -> Any:
        self.ends = list(itertools.accumulate(x.shape[self.dim] for x in xs))
        return np.concatenate(xs, axis=self.dim)

    def backward(self, g: Any) -> Any:
        before = (slice(None),) * self.dim
        parts = itertools.pairwise([0, *self.ends])
        return tuple(g[(*before, slice(a, b))] if self.needs(i) else None for i, (a, b) in enumerate(parts))

    def explain(self, *arrays: Any) -> str:
        shapes = ", ".join(str(list(a.shape)) for a in arrays)
        return f"cat: Sizes of tensors must match except in dimension {self.dim}, got shapes {shapes}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1), normal(3, 1, seed=1), normal(3, 2, seed=2), normal(3, 4, seed=3))
        yield sample(cls, normal(2, 3), normal(1, 3))
        yield bad(lambda: cls(1), normal(3, 4), normal(2, 4))


class Stack(Op):
    """y = the inputs, all of one shape, beside each other along a new axis. dL/dx_i = its slice of g.

    Args:
        dim: the place of the new axis, not negative.
    """

    promotes = True

    def __init__(self, dim: int = 0) -> None:
        self.dim = dim

    def forward(self, *xs: Any) -> Any:
        return np.stack(xs, axis=self.dim)

    def backward(self, g: Any) -> Any:
        before = (slice(None),) * self.dim
        return tuple(g[(*before, i)] if self.needs(i) else None for i in range(len(self.parents)))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1), normal(3, 2, seed=1), normal(3, 2, seed=2))
        yield sample(cls, normal(seed=1), normal(seed=2), normal(seed=3))
        yield bad(cls, normal(3), normal(4))


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

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        before = (slice(None),) * self.dim
        return tuple(x[(*before, i, ...)] for i in range(x.shape[self.dim]))

    def backward(self, g: Any) -> Any:
        known = next(piece for piece in g if piece is not None)
        return np.stack([np.zeros_like(known) if piece is None else piece for piece in g], axis=self.dim)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1), normal(2, 4))
        yield sample(lambda: cls(0), normal(3))


# -- joining --------------------------------------------------------------------------------------------------------


def cat(tensors: Any, dim: int = 0, **others: Any) -> Any:
    """Tensors one after another along ``dim``; their element types meet.

    Raises:
        ShapeError: lengths along another axis differ.
    """
    tensors = _tensors(tensors)
    if others:
        refuse_shared(others.get("out"), *tensors)
        return with_others(cat, others, tensors, dim=dim)
    if not tensors:
        raise ArgumentError("torch.cat(): expected a non-empty list of Tensors")
    real = [x for x in tensors if x.array.shape != (0,)] or tensors[:1]  # PyTorch skips empty vectors,
    for x in real:
        if not x.array.ndim:
            raise ShapeError("zero-dimensional tensor cannot be concatenated; use stack")
    result = Cat(normal_axis(dim, real[0].array.ndim))(*real)
    if len(real) < len(tensors):  # but not their types
        result = result.to(dtypes.result_type([x.array for x in tensors]))
    return result


def _tensors(tensors: Any) -> list[Any]:
    """The Tensors of a sequence."""
    if isinstance(tensors, Tensor) or not hasattr(tensors, "__iter__"):
        raise TypeError(f"expected a tuple of Tensors, got {type(tensors).__name__}")
    tensors = list(tensors)
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
    return tensors


def concat(tensors: Any, dim: int = 0, **others: Any) -> Any:
    """Tensors one after another, as :func:`cat`."""
    return cat(tensors, dim, **others)


def concatenate(tensors: Any, dim: int = 0, **others: Any) -> Any:
    """Tensors one after another, as :func:`cat`."""
    return cat(tensors, dim, **others)


def stack(tensors: Any, dim: int = 0, **others: Any) -> Any:
    """Tensors of one shape beside each other along a new axis ``dim``."""
    tensors = _tensors(tensors)
    if others:
        refuse_shared(others.get("out"), *tensors)
        return with_others(stack, others, tensors, dim=dim)
    if not tensors:
        raise ShapeError("stack expects a non-empty TensorList")
    shape = tensors[0].array.shape
    for i, x in enumerate(tensors):
        if x.array.shape != shape:
            raise ShapeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(x.array.shape)} at entry {i}"
            )
    return Stack(normal_axis(dim, len(shape) + 1))(*tensors)


def hstack(tensors: Any, **others: Any) -> Any:
    """Vectors one after another, other tensors along their second axis."""
    raised = atleast_1d(_some("hstack", tensors))
    return cat(raised, 0 if raised[0].array.ndim == 1 else 1, **others)


def vstack(tensors: Any, **others: Any) -> Any:
    """Tensors below each other: vectors as rows, others along their first axis."""
    return cat(atleast_2d(_some("vstack", tensors)), 0, **others)


def row_stack(tensors: Any, **others: Any) -> Any:
    """Tensors below each other, as :func:`vstack`."""
    return vstack(tensors, **others)


def dstack(tensors: Any, **others: Any) -> Any:
    """Tensors behind each other, along their third axis."""
    return cat(atleast_3d(_some("dstack", tensors)), 2, **others)


def column_stack(tensors: Any, **others: Any) -> Any:
    """Numbers and vectors as columns, matrices with their columns, side by side."""
    columns = [x if x.array.ndim > 1 else x.reshape(-1, 1) for x in _some("column_stack", tensors)]
    return cat(columns, 1, **others)


def _some(name: str, tensors: Any) -> list[Any]:
    found = _tensors(tensors)
    if not found:
        raise ShapeError(f"{name} expects a non-empty TensorList")
    return found


def block_diag(*tensors: Any) -> Any:
    """Matrices along the diagonal of a matrix that is 0 elsewhere; numbers and vectors count as rows."""
    tensors = atleast_2d(*tensors) if len(tensors) != 1 else (atleast_2d(tensors[0]),)
    for i, x in enumerate(tensors):
        if x.array.ndim > 2:
            raise ShapeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {x.array.ndim} "
                f"dimensions"
            )
    if not tensors:
        return Tensor.of(np.zeros((1, 0), np.float32))
    width = sum(x.array.shape[1] for x in tensors)
    bands, left = [], 0
    for x in tensors:
        n, m = x.array.shape
        sides = (Tensor.of(np.zeros((n, k), x.array.dtype)) for k in (left, width - left - m))
        bands.append(Cat(1)(next(sides), x, next(sides)))
        left += m
    return Cat(0)(*bands)


def meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    """For vectors x (n), y (m) ... the coordinates of all their combinations: grids (n, m, ...), one for each.

    Args:
        indexing: ``"xy"`` exchanges the first two axes.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    if not tensors:
        raise ShapeError("meshgrid expects a non-empty TensorList")
    if indexing not in ("ij", "xy"):
        raise ShapeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for x in tensors:
        if x.array.ndim > 1:
            raise ShapeError(
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {list(x.array.shape)}"
            )
        if x.array.dtype != tensors[0].array.dtype:
            raise DtypeError("torch.meshgrid expects all tensors to have the same dtype")
    exchanged = indexing == "xy" and len(tensors) > 1
    if exchanged:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    n = len(tensors)
    grids = broadcast_tensors(*(x.reshape((1,) * i + (-1,) + (1,) * (n - 1 - i)) for i, x in enumerate(tensors)))
    return (grids[1], grids[0], *grids[2:]) if exchanged else grids


def cartesian_prod(*tensors: Any) -> Any:
    """All combinations of one element of each vector, as rows, the last changing fastest."""
    for x in tensors:
        if x.array.ndim != 1:
            raise ShapeError(f"Expect a 1D vector, but got shape {list(x.array.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([flatten(grid) for grid in meshgrid(*tensors)], 1)


def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """All ways to pick ``r`` elements of a vector, as rows."""
    if input.array.ndim != 1:
        raise ShapeError(f"Expect a 1D vector, but got shape {list(input.array.shape)}")
    if r < 0:
        raise ShapeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return Tensor.of(np.empty(0, input.array.dtype))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(input.array.size), r)), np.int64).reshape(-1, r)
    return input[rows]


# -- splitting ------------------------------------------------------------------------------------------------------


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


@method("__contains__")
def contains(input: Any, element: Any) -> bool:
    """Whether an element equals ``element``.

    Raises:
        TypeError: that is neither a number nor a tensor.
    """
    if not isinstance(element, (Tensor, int, float, complex, np.generic)):
        raise TypeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")
    return bool(np.any(input.array == (element.array if isinstance(element, Tensor) else element)))


def _lifted(xs: Any) -> list[Any]:
    return [x if isinstance(x, Tensor) else Tensor.of(np.asarray(x)) for x in xs]


answer_functions(
    {
        np.concatenate: lambda xs, axis=0: cat(_lifted(xs), axis),
        np.stack: lambda xs, axis=0: stack(_lifted(xs), axis),
        np.split: lambda x, ends, axis=0: split(x, np.diff([0, *ends, x.array.shape[axis]]).tolist(), axis),
    }
)
