"""The largest and the smallest numbers over axes, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.errors import DimensionError, DtypeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.choice import maximum, minimum
from handtorch.ops.dispatch import answer_functions, reducing
from handtorch.ops.keywords import with_others
from handtorch.ops.op import Op
from handtorch.ops.reduction import Reduce, normal_axes, normal_axis
from handtorch.ops.samples import Sample, distinct, sample
from handtorch.ops.sorting import Chosen, choose, refuse_complex
from handtorch.tensor import Tensor

__all__ = [
    "amax",
    "amin",
    "aminmax",
    "argmax",
    "argmin",
    "max",
    "min",
]


_largest: Any = np.maximum.reduce  # what np.max and np.min call in the end; they take twice as long for a small array
_smallest: Any = np.minimum.reduce


class Extreme(Reduce):
    """One element of each group, when its place does not matter: g is shared evenly among those that equal it.

    dL/dx = g / k at each of the k elements that equal y. A subclass gives ``value``.
    """

    def value(self, x: Any) -> Any:
        """y from x."""
        raise NotImplementedError

    def forward(self, x: Any) -> Any:
        y = self.value(x)
        self.save(x, y)
        return y

    def backward(self, g: Any) -> Any:
        x, y = self.saved
        hit = x == self.spread(y, x.shape)
        ties = hit.sum(axis=self.axes, keepdims=self.keepdim)
        return np.where(hit, self.spread(g / np.astype(ties, x.dtype), x.shape), 0)


class Amax(Extreme):
    """y = max x over the axes; g is shared evenly among the elements that equal y."""

    def value(self, x: Any) -> Any:
        return _largest(x, self.axes, None, None, self.keepdim)

    def explain(self, *arrays: Any) -> str:
        return _nothing_there("max")

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._shapes()
        yield sample(lambda: cls(1), np.ones((2, 3)), smooth=False)


class Amin(Extreme):
    """y = min x over the axes; g is shared evenly among the elements that equal y."""

    def value(self, x: Any) -> Any:
        return _smallest(x, self.axes, None, None, self.keepdim)

    def explain(self, *arrays: Any) -> str:
        return _nothing_there("min")

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._shapes()


class ExtremeAt(Chosen):
    """y = the largest (or smallest) number along an axis, the first at a tie. dL/dx = g at its place.

    Args:
        function: ``np.argmax`` or ``np.argmin``.
    """

    def __init__(self, function: Any, axis: int, keepdim: bool = False) -> None:
        super().__init__(axis, keepdim)
        self.function = function

    def places(self, rows: Any) -> np.ndarray:
        return self.function(rows, axis=-1, keepdims=True)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(np.argmax, 1), distinct(3, 4))
        yield sample(lambda: cls(np.argmin, 0, True), distinct(3, 4))


class ArgExtreme(Op):
    """The place of the largest (or smallest) number along an axis (the first, at a tie); no derivative.

    Args:
        function: ``np.argmax`` or ``np.argmin``.
        axis: None counts through the flattened input.
    """

    differentiable = False

    def __init__(self, function: Any, axis: int | None = None, keepdim: bool = False) -> None:
        self.function, self.axis, self.keepdim = function, axis, keepdim

    def forward(self, x: Any) -> Any:
        return self.function(x, axis=self.axis, keepdims=self.keepdim)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for function in (np.argmax, np.argmin):
            yield sample(partial(cls, function), distinct(3, 4))
            yield sample(partial(cls, function, 1, True), distinct(3, 4))


def _nothing_there(name: str) -> str:
    return (
        f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
        f"Specify the reduction dim with the 'dim' argument."
    )


# -- functions ------------------------------------------------------------------------------------------------------


def _over_axes(name: str, op: type[Extreme], input: Any, dim: Any, keepdim: bool) -> Any:
    refuse_complex(input, name)
    axes = normal_axes(dim, input.array.ndim)
    if not input.array.size and axes is not None:
        for axis in axes if isinstance(axes, tuple) else (axes,):
            if not input.array.shape[axis]:
                raise DimensionError(f"{name}(): Expected reduction dim {axis} to have non-zero size.")
    return op(axes, keepdim)(input)


@method()
def amax(input: Any, dim: Any = (), keepdim: bool = False, **others: Any) -> Any:
    """The largest number over ``dim``; its gradient is shared among equals."""
    if others:
        return with_others(amax, others, input, dim=dim, keepdim=keepdim)
    return _over_axes("amax", Amax, input, dim, keepdim)


@method()
def amin(input: Any, dim: Any = (), keepdim: bool = False, **others: Any) -> Any:
    """The smallest number over ``dim``; its gradient is shared among equals."""
    if others:
        return with_others(amin, others, input, dim=dim, keepdim=keepdim)
    return _over_axes("amin", Amin, input, dim, keepdim)


@method()
def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False, **others: Any) -> Any:
    """The smallest and the largest number over ``dim``: (min, max).

    Raises:
        ShapeError: there are no numbers.
    """
    if others:
        return with_others(aminmax, others, input, dim=dim, keepdim=keepdim)
    if dim is None and not input.array.size:
        raise ShapeError("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.")
    return return_types.aminmax(amin(input, dim, keepdim), amax(input, dim, keepdim))


def _larger_or_smaller(name: str, function: Any, input: Any, other: Any) -> Any:
    if not (isinstance(input, Tensor) and isinstance(other, Tensor)):
        raise TypeError(f"{name}(): expected two Tensors, got {type(input).__name__} and {type(other).__name__}")
    return function(input, other)


@method()
def max(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None, **others: Any) -> Any:
    """The largest number; along ``dim`` with its place, (values, indices); or the larger of two tensors by element.

    Over all axes the gradient is shared among equals; along ``dim`` it goes to the first of them.
    """
    if others:
        return with_others(max, others, input, dim=dim, keepdim=keepdim, other=other)
    if other is not None or isinstance(dim, Tensor):
        return _larger_or_smaller("max", maximum, input, dim if other is None else other)
    if dim is None:
        return _over_axes("max", Amax, input, None, False)
    return choose("max", partial(ExtremeAt, np.argmax), input, dim, keepdim)


@method()
def min(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None, **others: Any) -> Any:
    """The smallest number; along ``dim`` with its place, (values, indices); or the smaller of two tensors by element.

    Over all axes the gradient is shared among equals; along ``dim`` it goes to the first of them.
    """
    if others:
        return with_others(min, others, input, dim=dim, keepdim=keepdim, other=other)
    if other is not None or isinstance(dim, Tensor):
        return _larger_or_smaller("min", minimum, input, dim if other is None else other)
    if dim is None:
        return _over_axes("min", Amin, input, None, False)
    return choose("min", partial(ExtremeAt, np.argmin), input, dim, keepdim)


def _place_of(name: str, function: Any, input: Any, dim: int | None, keepdim: bool) -> Any:
    x = input.array
    if x.dtype.kind in "bc":
        raise DtypeError(f"{name}(): does not support {input.dtype} input; compare numbers that have an order")
    axis = None if dim is None else normal_axis(dim, x.ndim)
    if not x.size:
        if axis is None:
            raise DimensionError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        if not x.shape[axis]:
            raise DimensionError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    return ArgExtreme(function, axis if x.ndim else None, keepdim)(input)


@method()
def argmax(input: Any, dim: int | None = None, keepdim: bool = False, **others: Any) -> Any:
    """The place of the largest number along ``dim``; without ``dim``, counted through all numbers."""
    if others:
        return with_others(argmax, others, input, dim=dim, keepdim=keepdim)
    return _place_of("argmax", np.argmax, input, dim, keepdim)


@method()
def argmin(input: Any, dim: int | None = None, keepdim: bool = False, **others: Any) -> Any:
    """The place of the smallest number along ``dim``; without ``dim``, counted through all numbers."""
    if others:
        return with_others(argmin, others, input, dim=dim, keepdim=keepdim)
    return _place_of("argmin", np.argmin, input, dim, keepdim)


answer_functions(
    {
        np.max: reducing(amax),
        np.min: reducing(amin),
        np.argmax: reducing(argmax),
        np.argmin: reducing(argmin),
    }
)
