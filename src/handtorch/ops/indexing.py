"""Indexing: reading from and writing to places of a tensor."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch.autograd.mode import mode
from handtorch.errors import DimensionError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, distinct, integers, normal, sample
from handtorch.ops.writing import write
from handtorch.tensor import Tensor

__all__ = [
    "gather",
]


class Index(Op):
    """y = x[key] by NumPy's rules: integers, slices, None, Ellipsis, arrays of integers or booleans.

    dL/dx is zero but at the key, where g is added (twice where an element is named twice).

    Args:
        key: what stands between the brackets, with arrays instead of Tensors.
    """

    view = True

    def __init__(self, key: Any) -> None:
        self.key = key

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        y = x[self.key]
        if isinstance(y, np.generic):  # a number; with an Ellipsis NumPy gives a view of its place
            y = x[(*(self.key if isinstance(self.key, tuple) else (self.key,)), ...)]
        return y

    def backward(self, g: Any) -> Any:
        return scatter_add(g, self.key, self.input_shape)

    def explain(self, *arrays: Any) -> str:
        return f"index {self.key!r} does not fit shape {arrays[0].shape}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for key in (1, slice(0, 2), (slice(None), None, -1), (..., slice(None, None, 2)), np.array([0, 2, 2])):
            yield sample(partial(cls, key), normal(3, 4))
        yield sample(lambda: cls((np.array([0, 1]), np.array([3, 3]))), normal(3, 4))
        yield sample(lambda: cls(np.array([True, False, True])), normal(3, 4))
        yield bad(lambda: cls(5), normal(3, 4))


class ScatterAdd(Op):
    """y = zeros of a shape, with x added at a key: what :class:`Index` undoes. dL/dx = g[key].

    Args:
        key: a place in y.
        target: the shape of y.
    """

    def __init__(self, key: Any, target: tuple[int, ...]) -> None:
        self.key, self.target = key, target

    def forward(self, x: Any) -> Any:
        y = np.zeros_like(x, shape=self.target)
        if is_basic(self.key):
            y[self.key] = x
        else:
            np.add.at(y, self.key, x)
        return y

    def backward(self, g: Any) -> Any:
        return g[self.key]

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(slice(1, 3), (4, 2)), normal(2, 2))
        yield sample(lambda: cls(np.array([1, 1]), (3, 2)), normal(2, 2))


class SetItem(Op):
    """y = x with v written at a key. dL/dx = g but 0 at the key; dL/dv = g[key].

    Args:
        key: a place in x; each element at most once.
    """

    def __init__(self, key: Any) -> None:
        self.key = key

    def forward(self, x: Any, v: Any) -> Any:
        y = np.array(x, copy=True)
        y[self.key] = v
        return y

    def backward(self, g: Any) -> Any:
        dx = np.where(self._written(np.shape(g)), np.zeros_like(g), g) if self.needs(0) else None
        return dx, g[self.key] if self.needs(1) else None

    def _written(self, shape: tuple[int, ...]) -> Any:
        mask = np.zeros(shape, bool)
        mask[self.key] = True
        return mask

    def explain(self, *arrays: Any) -> str:
        return f"cannot write shape {np.shape(arrays[1])} to index {self.key!r} of shape {arrays[0].shape}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1), normal(3, 4, seed=1), normal(4, seed=2))
        yield sample(lambda: cls((slice(None), np.array([0, 2]))), normal(3, 4, seed=1), normal(2, seed=2))
        yield bad(lambda: cls(1), normal(3, 4), normal(5))


class Gather(Op):
    """y[i, j] = x[i, index[i, j]] along an axis. dL/dx: g added at the indices.

    Args:
        dim: the axis, not negative.
        index: whole numbers, no longer than x along any other axis.
    """

    def __init__(self, dim: int, index: Any) -> None:
        self.dim, self.index = dim, index

    def _key(self) -> tuple[Any, ...]:
        grid = list(np.ogrid[tuple(slice(n) for n in self.index.shape)])
        grid[self.dim] = self.index
        return tuple(grid)

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return x[self._key()]

    def backward(self, g: Any) -> Any:
        return scatter_add(g, self._key(), self.input_shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1, integers(0, 4, 3, 2)), normal(3, 4))
        yield sample(lambda: cls(0, integers(0, 3, 2, 4)), normal(3, 4))


class ExtremeAt(Op):
    """The largest (or smallest) number along an axis and its place. dL/dx = g at that place.

    Args:
        function: ``np.argmax`` or ``np.argmin``.
        axis: the axis, not negative.
    """

    def __init__(self, function: Any, axis: int, keepdim: bool = False) -> None:
        self.function, self.axis, self.keepdim = function, axis, keepdim

    def forward(self, x: Any) -> Any:
        place = self.function(x, axis=self.axis, keepdims=True)
        self.place, self.input_shape = place, x.shape
        value = np.take_along_axis(x, place, axis=self.axis)
        return (value, place) if self.keepdim else (np.squeeze(value, self.axis), np.squeeze(place, self.axis))

    def backward(self, g: Any) -> Any:
        g = g[0] if self.keepdim else np.expand_dims(g[0], self.axis)
        places = np.arange(self.input_shape[self.axis]).reshape((-1,) + (1,) * (len(self.input_shape) - 1 - self.axis))
        return np.where(places == self.place, g, np.zeros_like(g))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(np.argmax, 1), distinct(3, 4))
        yield sample(lambda: cls(np.argmin, 0, True), distinct(3, 4))


def is_basic(key: Any) -> bool:
    """Whether a key holds only integers, slices, None and Ellipsis, so that it names each element once."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(part is None or part is Ellipsis or isinstance(part, (int, slice)) for part in parts)


def scatter_add(g: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of ``shape`` with ``g`` added at ``key``, for arrays and Tensors."""
    op = ScatterAdd(key, shape)
    return op(g) if isinstance(g, Tensor) else op.forward(np.asarray(g))


# -- functions ------------------------------------------------------------------------------------------------------


def key_of(index: Any) -> Any:
    """What stands between the brackets, with NumPy arrays instead of Tensors and lists."""
    if isinstance(index, tuple):
        return tuple(_part(part) for part in index)
    return _part(index)


def _part(part: Any) -> Any:
    if isinstance(part, Tensor):
        array = part.array
        return int(array) if array.ndim == 0 and array.dtype.kind in "iu" else array
    if isinstance(part, slice):
        return slice(*(int(x) if isinstance(x, Tensor) else x for x in (part.start, part.stop, part.step)))
    if isinstance(part, list):
        return np.asarray(part)
    return part


@method("__getitem__")
def get_item(input: Any, index: Any) -> Any:
    """input[index]."""
    if input.array.ndim == 0 and isinstance(index, int) and not isinstance(index, bool):
        raise DimensionError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert it to a number")
    return Index(key_of(index))(input)


@method("__setitem__")
def set_item(input: Any, index: Any, value: Any) -> None:
    """input[index] = value, in place."""
    key = key_of(index)
    if mode.grad and (input.needs_grad or (isinstance(value, Tensor) and value.needs_grad)):
        write(input, SetItem(key)(input, value))
        return
    input.array[key] = value.array if isinstance(value, Tensor) else value
    input._bump()


@method()
def gather(input: Any, dim: int, index: Any) -> Any:
    """y[i][j] = input[i][index[i][j]] for dim=1, and alike for other axes."""
    from handtorch.ops.reduction import normal_axis

    return Gather(normal_axis(dim, input.array.ndim), index.array)(input)


answer_functions(
    {
        np.take_along_axis: lambda x, index, axis: Gather(axis, index.array if isinstance(index, Tensor) else index)(x),
        np.take: lambda x, places: x.reshape(-1)[places],
    }
)
