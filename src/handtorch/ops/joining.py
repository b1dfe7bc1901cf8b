"""Joining: tensors put together along axes, and all combinations of their elements."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import ArgumentError, DtypeError, ShapeError
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
    "column_stack",
    "combinations",
    "concat",
    "concatenate",
    "dstack",
    "hstack",
    "meshgrid",
    "row_stack",
    "stack",
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


def _lifted(xs: Any) -> list[Any]:
    return [x if isinstance(x, Tensor) else Tensor.of(np.asarray(x)) for x in xs]


answer_functions(
    {
        np.concatenate: lambda xs, axis=0: cat(_lifted(xs), axis),
        np.stack: lambda xs, axis=0: stack(_lifted(xs), axis),
    }
)
