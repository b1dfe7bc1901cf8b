"""Reductions: sums, means, variances and extremes over axes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DimensionError, DtypeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions, reducing
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, distinct, normal, sample

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "mean",
    "std",
    "sum",
    "var",
]


Axes = int | tuple[int, ...] | None


class Reduce(Op):
    """An op over axes.

    Args:
        axes: the axes that are reduced (None: all), none negative.
        keepdim: leave them in place with length 1.
    """

    def __init__(self, axes: Axes = None, keepdim: bool = False) -> None:
        self.axes = axes
        self.keepdim = keepdim

    def spread(self, g: Any, shape: tuple[int, ...]) -> Any:
        """Give every element of the input the number that belongs to its group."""
        if not self.keepdim and self.axes is not None:
            g = np.expand_dims(g, self.axes)
        return np.broadcast_to(g, shape)

    @classmethod
    def _shapes(cls) -> Iterator[Sample]:
        yield sample(cls, distinct(3, 4))
        yield sample(lambda: cls(0), distinct(3, 4))
        yield sample(lambda: cls((0, 2), True), distinct(2, 3, 4))
        yield sample(lambda: cls((1, 2)), distinct(2, 3, 4))


class Sum(Reduce):
    """y = Σ x. dL/dx = g for every element of the sum."""

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return np.sum(x, axis=self.axes, keepdims=self.keepdim)

    def backward(self, g: Any) -> Any:
        return self.spread(g, self.input_shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._shapes()


class Mean(Reduce):
    """y = Σ x / n, n the elements of a group. dL/dx = g / n."""

    quiet = True

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return np.mean(x, axis=self.axes, keepdims=self.keepdim)

    def backward(self, g: Any) -> Any:
        n = _count(self.input_shape, self.axes)
        return self.spread(g / n, self.input_shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._shapes()


class Var(Reduce):
    """y = Σ (x - mean)² / (n - correction). dL/dx = 2 g (x - mean) / (n - correction).

    Args:
        correction: 1 for the unbiased estimate (Bessel), 0 for the population's.
    """

    quiet = True

    def __init__(self, axes: Axes = None, keepdim: bool = False, correction: float = 1) -> None:
        super().__init__(axes, keepdim)
        self.correction = correction

    def forward(self, x: Any) -> Any:
        self.save(x)
        centred = x - np.mean(x, axis=self.axes, keepdims=True)
        total = np.sum(np.square(np.absolute(centred)), axis=self.axes, keepdims=self.keepdim)
        return total / self._divisor(x.shape)

    def _divisor(self, shape: tuple[int, ...]) -> float:
        return max(_count(shape, self.axes) - self.correction, 0)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        centred = x - np.mean(x, axis=self.axes, keepdims=True)
        return self.spread(g, x.shape) * centred * (2 / self._divisor(x.shape))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._shapes()
        yield sample(lambda: cls(1, correction=0), normal(3, 4))


class Extreme(Reduce):
    """The largest (or smallest) number of each group, when its place does not matter: g is shared among equals.

    y = max x. dL/dx = g / k at each of the k elements that equal y.
    """

    def forward(self, x: Any) -> Any:
        y = type(self).numpy(x, axis=self.axes, keepdims=self.keepdim)
        self.save(x, y)
        return y

    numpy: Any = None

    def backward(self, g: Any) -> Any:
        x, y = self.saved
        hit = x == self.spread(y, x.shape)
        ties = np.sum(hit, axis=self.axes, keepdims=True)
        share = self.spread(g, x.shape)
        return np.where(hit, share, np.zeros_like(share)) / np.astype(ties, x.dtype)


class Amax(Extreme):
    """y = max x over the axes; g is shared evenly among the elements that equal y."""

    numpy = staticmethod(np.max)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._shapes()
        yield sample(lambda: cls(1), np.ones((2, 3)), smooth=False)


class Amin(Extreme):
    """y = min x over the axes; g is shared evenly among the elements that equal y."""

    numpy = staticmethod(np.min)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._shapes()


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


class Truth(Op):
    """Whether all (or any) elements along the axes are other than 0; no derivative.

    Args:
        function: ``np.all`` or ``np.any``.
    """

    differentiable = False

    def __init__(self, function: Any, axes: Axes = None, keepdim: bool = False) -> None:
        self.function, self.axes, self.keepdim = function, axes, keepdim

    def forward(self, x: Any) -> Any:
        return self.function(x, axis=self.axes, keepdims=self.keepdim)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        x = np.array([[True, False], [True, True]])
        for function in (np.all, np.any):
            yield sample(partial(cls, function, 1), x)


def _count(shape: tuple[int, ...], axes: Axes) -> int:
    lengths = shape if axes is None else [shape[i] for i in (axes if isinstance(axes, tuple) else (axes,))]
    return int(np.prod(lengths, dtype=np.int64))


# -- functions ------------------------------------------------------------------------------------------------------


def normal_axis(dim: int, n: int) -> int:
    """A non-negative axis of a tensor with ``n`` axes.

    Raises:
        DimensionError: there is no such axis.
    """
    room = max(n, 1)
    if not -room <= dim < room:
        raise DimensionError(
            f"Dimension out of range (expected to be in range of [{-room}, {room - 1}], but got {dim})"
        )
    return dim % room


def normal_axes(dim: Any, n: int) -> Axes:
    """Axes as NumPy takes them: None for all of them."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return None
    if n == 0:
        for d in dim if isinstance(dim, (tuple, list)) else (dim,):
            normal_axis(d, 0)
        return None
    if isinstance(dim, (tuple, list)):
        axes = tuple(normal_axis(d, n) for d in dim)
        if len(set(axes)) < len(axes):
            raise ShapeError(f"an axis appears twice in the list of dims {tuple(dim)}")
        return axes
    return normal_axis(dim, n)


@method()
def sum(
    input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None, keepdims: bool = False
) -> Any:
    """The sum over ``dim`` (all axes by default); whole numbers and booleans add up in int64."""
    x = input if dtype is None else input.to(dtype)
    if dtype is None and x.array.dtype.kind in "iub":
        x = x.to(dtypes.int64)
    dim = axis if dim is None else dim
    if dim is None:
        return Sum(None, keepdim or keepdims)(x)
    return Sum(normal_axes(dim, x.array.ndim), keepdim or keepdims)(x)


@method()
def mean(
    input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None, keepdims: bool = False
) -> Any:
    """The mean over ``dim`` (all axes by default)."""
    x = input if dtype is None else input.to(dtype)
    if x.array.dtype.kind not in "fc":
        raise DtypeError(
            f"mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {x.dtype}"
        )
    return Mean(normal_axes(axis if dim is None else dim, x.array.ndim), keepdim or keepdims)(x)


@method()
def var(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """The variance over ``dim``, with divisor n - correction (1 by default: the unbiased estimate)."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    return Var(normal_axes(dim, input.array.ndim), keepdim, correction)(input)


@method()
def std(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """The square root of :func:`var`."""
    return var(input, dim, unbiased, keepdim, correction=correction).sqrt()


@method()
def amax(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest number over ``dim``; its gradient is shared among equals."""
    return Amax(normal_axes(dim, input.array.ndim), keepdim)(input)


@method()
def amin(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest number over ``dim``; its gradient is shared among equals."""
    return Amin(normal_axes(dim, input.array.ndim), keepdim)(input)


@method()
def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The place of the largest number along ``dim``."""
    return ArgExtreme(np.argmax, None if dim is None else normal_axis(dim, input.array.ndim), keepdim)(input)


@method()
def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The place of the smallest number along ``dim``."""
    return ArgExtreme(np.argmin, None if dim is None else normal_axis(dim, input.array.ndim), keepdim)(input)


@method()
def all(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Whether all elements over ``dim`` are other than 0."""
    return Truth(np.all, normal_axes(dim, input.array.ndim), keepdim)(input)


@method()
def any(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Whether any element over ``dim`` is other than 0."""
    return Truth(np.any, normal_axes(dim, input.array.ndim), keepdim)(input)


answer_functions(
    {
        np.sum: reducing(sum),
        np.mean: reducing(mean),
        np.max: reducing(amax),
        np.min: reducing(amin),
        np.argmax: reducing(argmax),
        np.argmin: reducing(argmin),
    }
)
