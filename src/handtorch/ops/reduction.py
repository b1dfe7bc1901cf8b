"""Reductions: sums, products, means, variances and truth over axes."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DimensionError, DtypeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.conversion import cast
from handtorch.ops.dispatch import answer_functions, reducing
from handtorch.ops.elementwise import conj
from handtorch.ops.keywords import with_others
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, distinct, normal, sample
from handtorch.tensor import Tensor

__all__ = [
    "all",
    "any",
    "count_nonzero",
    "logsumexp",
    "mean",
    "nanmean",
    "nansum",
    "prod",
    "std",
    "std_mean",
    "sum",
    "var",
    "var_mean",
]


Axes = int | tuple[int, ...] | None

_add_up: Any = np.add.reduce  # what np.sum and np.prod call in the end; they take twice as long for a small array
_multiply_up: Any = np.multiply.reduce


class Reduce(Op):
    """An op over axes.

    Args:
        axes: the axes that are reduced (None: all), none negative.
        keepdim: leave them in place with length 1.
    """

    quiet = True

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
        return _add_up(x, self.axes, x.dtype, None, self.keepdim)

    def backward(self, g: Any) -> Any:
        return self.spread(g, self.input_shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._shapes()


class Mean(Reduce):
    """y = Σ x / n, n the elements of a group. dL/dx = g / n."""

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        self.count = _count(x.shape, self.axes)
        return _add_up(x, self.axes, None, None, self.keepdim) / self.count

    def backward(self, g: Any) -> Any:
        return self.spread(np.divide(g, self.count), self.input_shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._shapes()


class Prod(Reduce):
    """y = Π x. dL/dx_i = g Π x_j over the other elements, j ≠ i: g y / x_i, unless there are zeros.

    Args:
        axis: not negative; None multiplies all elements.
    """

    def __init__(self, axis: int | None = None, keepdim: bool = False) -> None:
        super().__init__(axis, keepdim)
        self.axis = axis

    def forward(self, x: Any) -> Any:
        y = _multiply_up(x, self.axes, x.dtype, None, self.keepdim)
        self.is_quotient = bool(np.all(y))
        self.save(x, y)
        return y

    def backward(self, g: Any) -> Any:
        x, y = self.saved
        if self.is_quotient:
            return self.spread(g * conj(y), x.shape) / conj(x)
        group = np.reshape(x, (-1,)) if self.axis is None else x
        axis = self.axis or 0
        below = _product_before(group, axis)
        above = np.flip(_product_before(np.flip(group, axis), axis), axis)
        return self.spread(g, x.shape) * np.reshape(conj(below * above), x.shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(lambda: cls(1), normal(3, 4))
        yield sample(lambda: cls(0, True), normal(3, 4))
        yield sample(lambda: cls(1), np.array([[0.0, 2, 3], [0, 4, 0], [5, 6, 0]]))
        yield sample(cls, normal())


class Var(Reduce):
    """y = Σ |x - mean|² / (n - correction). dL/dx = 2 g (x - mean) / (n - correction).

    Args:
        correction: 1 for the unbiased estimate (Bessel), 0 for the population's.
    """

    def __init__(self, axes: Axes = None, keepdim: bool = False, correction: float = 1) -> None:
        super().__init__(axes, keepdim)
        self.correction = correction

    def _centred(self, x: Any) -> Any:
        return x - x.sum(axis=self.axes, keepdims=True) / _count(x.shape, self.axes)

    def _variance(self, x: Any) -> Any:
        centred = self._centred(x)
        squares = np.real(centred * conj(centred))
        divisor = max(_count(x.shape, self.axes) - self.correction, 0)
        return squares.sum(axis=self.axes, keepdims=self.keepdim) / divisor

    def _variance_backward(self, g: Any, x: Any) -> Any:
        divisor = _count(x.shape, self.axes) - self.correction
        return np.divide(self.spread(2 * g, x.shape) * self._centred(x), divisor)

    def forward(self, x: Any) -> Any:
        self.save(x)
        return self._variance(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return self._variance_backward(g, x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._shapes()
        yield sample(lambda: cls(1, correction=0), normal(3, 4))


class Std(Var):
    """y = √var. dL/dx = g (x - mean) / ((n - correction) y), taken as 0 where y = 0."""

    def forward(self, x: Any) -> Any:
        y = np.sqrt(self._variance(x))
        self.save(x, y)
        return y

    def backward(self, g: Any) -> Any:
        x, y = self.saved
        flat = y == 0
        return self._variance_backward(np.where(flat, 0, g / (2 * np.where(flat, 1, y))), x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._shapes()
        yield sample(lambda: cls(1, correction=0), normal(3, 4))
        yield sample(lambda: cls(1), np.ones((2, 3)), smooth=False)


class LogSumExp(Reduce):
    """y = ln Σ e^x, computed as m + ln Σ e^(x - m) with m = max x, so that nothing overflows. dL/dx = g e^(x - y)."""

    def forward(self, x: Any) -> Any:
        top = x.real.max(axis=self.axes, keepdims=True, initial=-np.inf)
        top = np.where(np.isfinite(top), top, 0)
        y = np.log(np.exp(x - top).sum(axis=self.axes, keepdims=True)) + top
        y = y if self.keepdim else np.squeeze(y, self.axes)
        self.save(x, y)
        return y

    def backward(self, g: Any) -> Any:
        x, y = self.saved
        return self.spread(g, x.shape) * conj(np.exp(x - self.spread(y, x.shape)))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._shapes()
        yield sample(lambda: cls(1), normal(3, 4) * 500, smooth=False)


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
    """The elements of a group."""
    count = 1
    for length in shape if axes is None else [shape[i] for i in (axes if isinstance(axes, tuple) else (axes,))]:
        count *= length
    return count


def _product_before(x: Any, axis: int) -> Any:
    """For each element the product of those before it; 1 for the first."""
    lead = (slice(None),) * axis
    return np.concatenate([np.ones_like(x[(*lead, slice(0, 1))]), np.cumprod(x, axis)[(*lead, slice(0, -1))]], axis)


# -- functions ------------------------------------------------------------------------------------------------------


def normal_axis(dim: int, n: int) -> int:
    """A non-negative axis of a tensor with ``n`` axes.

    Raises:
        DimensionError: there is no such axis.
    """
    room = n or 1
    if not -room <= dim < room:
        raise DimensionError(
            f"Dimension out of range (expected to be in range of [{-room}, {room - 1}], but got {dim})"
        )
    return dim % room


def normal_axes(dim: Any, n: int) -> Axes:
    """Axes as NumPy takes them: None for all of them."""
    if dim is None:
        return None
    if isinstance(dim, (tuple, list)):
        axes = tuple([normal_axis(d, n) for d in dim])
        if len(set(axes)) < len(axes):
            raise ShapeError(f"an axis appears twice in the list of dims {tuple(dim)}")
        return axes if axes and n else None
    axis = normal_axis(dim, n)
    return axis if n else None


def in_float32(op: Callable[[Any], Any], x: Any) -> Any:
    """Run an op; float16 in float32, because NumPy would round to float16 after each step."""
    if x.array.dtype.char != "e":
        return op(x)
    y = op(cast(x, dtypes.float32))
    return cast(y, dtypes.float16)


def require_inexact(x: Any, name: str) -> None:
    """Raise where whole numbers came to a function of floating point or complex ones."""
    if x.array.dtype.kind not in "fc":
        raise DtypeError(
            f"{name}(): expected input to have floating point or complex dtype, but got {x.dtype}; "
            f"convert it with .float() first"
        )


def summable(input: Any, dtype: Any) -> Any:
    """In the type asked for; whole numbers and booleans add up (and multiply) in int64."""
    if dtype is not None:
        return cast(input, dtype)
    return cast(input, dtypes.int64) if input.array.dtype.kind in "iub" else input


@method()
def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **others: Any) -> Any:
    """The sum over ``dim`` (all axes by default); whole numbers and booleans add up in int64."""
    if others:
        return with_others(sum, others, input, dim=dim, keepdim=keepdim, dtype=dtype)
    x = summable(input, dtype)
    return in_float32(Sum(None if dim is None else normal_axes(dim, x.array.ndim), keepdim), x)


@method()
def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **others: Any) -> Any:
    """The mean over ``dim`` (all axes by default)."""
    if others:
        return with_others(mean, others, input, dim=dim, keepdim=keepdim, dtype=dtype)
    x = input if dtype is None else cast(input, dtype)
    require_inexact(x, "mean")
    return in_float32(Mean(normal_axes(dim, x.array.ndim), keepdim), x)


@method()
def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **others: Any) -> Any:
    """The sum over ``dim`` of what is not NaN."""
    if others:
        return with_others(nansum, others, input, dim=dim, keepdim=keepdim, dtype=dtype)
    if input.array.dtype.kind == "c":
        raise DtypeError("nansum does not support complex inputs; take the real and imaginary parts first")
    return sum(np.where(np.isnan(input.array), 0, input), dim, keepdim, dtype=dtype)


@method()
def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **others: Any) -> Any:
    """The mean over ``dim`` of what is not NaN."""
    if others:
        return with_others(nanmean, others, input, dim=dim, keepdim=keepdim, dtype=dtype)
    require_inexact(input, "nanmean")
    there = Tensor.of(~np.isnan(input.array))
    return nansum(input, dim, keepdim, dtype=dtype) / sum(there, dim, keepdim)


@method()
def prod(input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None, **others: Any) -> Any:
    """The product over ``dim`` (all axes by default); whole numbers and booleans multiply in int64."""
    if others:
        return with_others(prod, others, input, dim=dim, keepdim=keepdim, dtype=dtype)
    x = summable(input, dtype)
    axis = None if dim is None else normal_axis(dim, x.array.ndim)
    return in_float32(Prod(axis if x.array.ndim else None, keepdim), x)


def _spread_of(
    name: str, op: type[Var], input: Any, dim: Any, unbiased: bool | None, keepdim: bool, correction: Any
) -> Any:
    """Var or Std; a boolean in the place of ``dim`` is PyTorch's short form for ``unbiased``."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    require_inexact(input, name)
    return in_float32(op(normal_axes(dim, input.array.ndim), keepdim, correction), input)


@method()
def var(
    input: Any,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Any = None,
    **others: Any,
) -> Any:
    """The variance over ``dim``, with divisor n - correction (1 by default: the unbiased estimate)."""
    if others:
        return with_others(var, others, input, dim=dim, unbiased=unbiased, keepdim=keepdim, correction=correction)
    return _spread_of("var", Var, input, dim, unbiased, keepdim, correction)


@method()
def std(
    input: Any,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Any = None,
    **others: Any,
) -> Any:
    """The square root of :func:`var`."""
    if others:
        return with_others(std, others, input, dim=dim, unbiased=unbiased, keepdim=keepdim, correction=correction)
    return _spread_of("std", Std, input, dim, unbiased, keepdim, correction)


def var_mean(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """The variance and the mean over ``dim``."""
    spread = var(input, dim, unbiased, keepdim, correction=correction)
    return spread, mean(input, None if isinstance(dim, bool) else dim, keepdim)


def std_mean(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """The standard deviation and the mean over ``dim``."""
    spread = std(input, dim, unbiased, keepdim, correction=correction)
    return spread, mean(input, None if isinstance(dim, bool) else dim, keepdim)


@method()
def logsumexp(input: Any, dim: Any, keepdim: bool = False, **others: Any) -> Any:
    """ln Σ e^input over ``dim``, without overflow."""
    if others:
        return with_others(logsumexp, others, input, dim=dim, keepdim=keepdim)
    x = input if input.array.dtype.kind in "fc" else cast(input, dtypes.get_default_dtype())
    return in_float32(LogSumExp(normal_axes(dim, x.array.ndim), keepdim), x)


def _truth(function: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    """all or any: over no axis at all for an empty list of them; bytes stay bytes."""
    axes = () if isinstance(dim, (tuple, list)) and not dim else normal_axes(dim, input.array.ndim)
    y = Truth(function, axes, keepdim)(input)
    return cast(y, dtypes.uint8) if input.array.dtype.char == "B" else y


@method()
def all(input: Any, dim: Any = None, keepdim: bool = False, **others: Any) -> Any:
    """Whether all elements over ``dim`` are other than 0."""
    if others:
        return with_others(all, others, input, dim=dim, keepdim=keepdim)
    return _truth(np.all, input, dim, keepdim)


@method()
def any(input: Any, dim: Any = None, keepdim: bool = False, **others: Any) -> Any:
    """Whether any element over ``dim`` is other than 0."""
    if others:
        return with_others(any, others, input, dim=dim, keepdim=keepdim)
    return _truth(np.any, input, dim, keepdim)


@method()
def count_nonzero(input: Any, dim: Any = None, **others: Any) -> Any:
    """How many elements over ``dim`` are other than 0."""
    if others:
        return with_others(count_nonzero, others, input, dim=dim)
    return Tensor.of(np.asarray(np.count_nonzero(input.array, axis=normal_axes(dim, input.array.ndim))))


@method()
def sum_to_size(input: Any, *size: Any) -> Any:
    """The sum over those axes along which a tensor of ``size`` would be repeated to get the shape of this one."""
    target = tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    shape = input.array.shape
    extra = len(shape) - len(target)
    if extra < 0 or builtins.any(a != b and b != 1 for a, b in zip(shape[extra:], target, strict=True)):
        raise ShapeError(f"size {list(target)} is not expandable to size {list(shape)}; lengths must be equal or 1")
    if shape == target and shape:
        return input
    repeated = [i for i, n in enumerate(shape) if i < extra or n != target[i - extra]]
    return sum(input, repeated, True).reshape(target)


answer_functions(
    {
        np.sum: reducing(sum),
        np.mean: reducing(mean),
        np.prod: reducing(prod),
    }
)
