"""Writing in place, and what it means for the graph.

A tensor that is written to takes over the history of what was written. A view shares memory with its base, so writing
to it gives the base a new history too, in which the region of the view was overwritten; and every other view of that
base has to look at the base anew the next time it is used. The base counts such rewrites, and a view that remembers
another count is relinked by :func:`refresh`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from handtorch.autograd.mode import mode
from handtorch.errors import DtypeError, GradientError, ShapeError
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, sample


class Replace(Op):
    """y = v, in the place of x. dL/dx = 0, dL/dv = g."""

    def forward(self, x: Any, v: Any) -> Any:
        return np.array(np.broadcast_to(v, x.shape))

    def backward(self, g: Any) -> Any:
        return np.zeros_like(g), g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4, seed=1), normal(3, 4, seed=2))


class Region(Op):
    """y = the elements of x at given places. dL/dx: g added at those places.

    Args:
        places: for each element of y its place in x, counted in row-major order.
    """

    def __init__(self, places: np.ndarray) -> None:
        self.places = places

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return np.take(x, self.places)

    def backward(self, g: Any) -> Any:
        from handtorch.ops.indexing import scatter_add

        size = int(np.prod(self.input_shape))
        return np.reshape(scatter_add(g, self.places, (size,)), self.input_shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(np.array([[0, 5], [5, 11]])), normal(3, 4))


class WriteRegion(Op):
    """y = x with v at given places. dL/dx = g but 0 at the places, dL/dv = g at the places.

    Args:
        places: for each element of v its place in x, counted in row-major order; each place once.
    """

    def __init__(self, places: np.ndarray) -> None:
        self.places = places

    def forward(self, x: Any, v: Any) -> Any:
        y = np.array(x, copy=True, order="C")
        y.reshape(-1)[self.places] = v
        return y

    def backward(self, g: Any) -> Any:
        mask = np.zeros(int(np.prod(g.shape)), bool)
        mask[self.places] = True
        dx = np.where(mask.reshape(g.shape), np.zeros_like(g), g) if self.needs(0) else None
        return dx, np.take(g, self.places) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(np.array([[0, 5], [6, 11]])), normal(3, 4, seed=1), normal(2, 2, seed=2))


def write(target: Any, value: Any) -> Any:
    """Put ``value`` into the memory of ``target``, which takes over the history of ``value``.

    Raises:
        GradientError: ``target`` is a leaf that requires gradients, or a view of one.
        ShapeError: ``value`` would have to be larger than ``target``.
        DtypeError: its kind (float, complex) cannot be held.
    """
    refuse(target, value)
    base = target._base
    recorded = mode.grad and (value.needs_grad or target.needs_grad or (base is not None and base.needs_grad))
    if recorded and base is not None and not target._detached:
        places = _places(target.array, base.array)
        rewritten = WriteRegion(places)(base, value)
    elif recorded and not value.needs_grad:
        rewritten = Replace()(target, value)
    else:
        rewritten = value
    if recorded and value.op is not None:
        value.op.keep_copies_of(target.array)
    np.copyto(target.array, value.array, casting="same_kind")
    target._bump()
    if recorded:
        owner = target if base is None or target._detached else base
        owner.op, owner.needs_grad = rewritten.op, rewritten.needs_grad
        owner._rewrites += 1
        if owner is not target:
            refresh(target)
    return target


def refuse(target: Any, value: Any) -> None:
    """Raise where ``value`` may not be written to ``target``."""
    if mode.grad:
        base = target._base
        if target.needs_grad and target.op is None:
            raise GradientError(
                "a leaf Variable that requires grad is being used in an in-place operation; "
                "write inside handtorch.no_grad(), or to a clone()"
            )
        if base is not None and base.needs_grad and base.op is None and not target._detached:
            raise GradientError(
                "a view of a leaf Variable that requires grad is being used in an in-place operation; "
                "write inside handtorch.no_grad(), or to a view of a clone()"
            )
    if value.array.shape != target.array.shape:
        raise ShapeError(
            f"output with shape {list(target.array.shape)} doesn't match the broadcast shape {list(value.array.shape)}"
        )
    if not np.can_cast(value.array.dtype, target.array.dtype, "same_kind"):
        raise DtypeError(f"result type {value.dtype} can't be cast to the desired output type {target.dtype}")
    if 0 in target.array.strides and target.array.size > 1 and not target.array.flags.writeable:
        raise ShapeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )


def refresh(view: Any) -> None:
    """Look at the base anew, if it was rewritten since the view last did."""
    base = view._base
    if view._rewrites == base._rewrites or view._detached:
        return
    view._rewrites = base._rewrites
    if base.needs_grad:
        link = Region(_places(view.array, base.array))(base)
        view.op, view.needs_grad = link.op, link.needs_grad


def _places(view: np.ndarray, base: np.ndarray) -> np.ndarray:
    """For each element of a view its place in the base, counted in the base's row-major order."""
    size = base.itemsize
    start = base.__array_interface__["data"][0]
    span = sum((n - 1) * abs(s) for n, s in zip(base.shape, base.strides, strict=True)) // size + 1
    numbers = np.full(span, -1)
    down = sum((n - 1) * s for n, s in zip(base.shape, base.strides, strict=True) if s < 0) // size
    grid = as_strided(numbers[-down:], base.shape, [s // size * 8 for s in base.strides])
    grid[...] = np.arange(base.size).reshape(base.shape)
    offset = (view.__array_interface__["data"][0] - start) // size - down
    return as_strided(numbers[offset:], view.shape, [s // size * 8 for s in view.strides]).copy()
