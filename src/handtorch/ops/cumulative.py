"""Running sums, products and extremes along an axis; differences, gradients and integrals of what is sampled."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.elementwise import conj, run
from handtorch.ops.indexing import scatter_add
from handtorch.ops.keywords import with_others
from handtorch.ops.op import Op
from handtorch.ops.reduction import in_float32, normal_axis, require_inexact, summable
from handtorch.ops.samples import Sample, distinct, normal, sample
from handtorch.ops.sorting import refuse_complex
from handtorch.ops.writing import write

__all__ = [
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "logcumsumexp",
]


class Running(Op):
    """An op that runs along an axis.

    Args:
        axis: not negative.
    """

    quiet = True

    def __init__(self, axis: int) -> None:
        self.axis = axis


class CumSum(Running):
    """y_t = Σ_{i ≤ t} x_i. dL/dx_t = Σ_{i ≥ t} g_i: the same, from the end."""

    def forward(self, x: Any) -> Any:
        return np.cumsum(x, self.axis, x.dtype)

    def backward(self, g: Any) -> Any:
        return _sum_from_end(g, self.axis)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(0), normal(3, 4))
        yield sample(lambda: cls(1), normal(2, 3, 2))


class Recurrence(Running):
    """y_t = a_t y_{t-1} + b_t along an axis, with y_{-1} = 0.

    Going back, s_t = g_t + a_{t+1} s_{t+1} gathers what y_t contributes to everything after it - the same recurrence,
    from the end. Then dL/db_t = s_t and dL/da_t = s_t y_{t-1}.

    It is computed by doubling: after k rounds, y_t holds what has come from the last 2^k steps, and a_t the product of
    their factors. That is log n operations on whole arrays instead of n on slices.
    """

    def forward(self, a: Any, b: Any) -> Any:
        factors, y = np.array(np.moveaxis(a, self.axis, 0)), np.array(np.moveaxis(b, self.axis, 0))
        step = 1
        while step < len(y):
            y[step:] += factors[step:] * y[:-step]
            factors[step:] = factors[step:] * factors[:-step]
            step *= 2
        y = np.moveaxis(y, 0, self.axis)
        self.save(a, b, y)
        return y

    def backward(self, g: Any) -> Any:
        a, _, y = self.saved
        s = carried_back(a, g, self.axis)
        return s * conj(before(y, self.axis, np.zeros_like)), s

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(0), normal(5, seed=1), normal(5, seed=2))
        yield sample(lambda: cls(1), normal(2, 6, seed=1), normal(2, 6, seed=2))
        yield sample(lambda: cls(0), np.array([1.0, 0, 2, 0, 3]), normal(5))


class CumProd(Running):
    """y_t = x_t y_{t-1}, with y_{-1} = 1. dL/dx_t = s_t y_{t-1}, where s_t = g_t + x_{t+1} s_{t+1}.

    Without zeros that is Σ_{i ≥ t} g_i y_i / x_t.
    """

    def forward(self, x: Any) -> Any:
        y = np.cumprod(x, self.axis, x.dtype)
        self.is_quotient = bool(np.all(y))
        self.save(x, y)
        return y

    def backward(self, g: Any) -> Any:
        x, y = self.saved
        if self.is_quotient:
            return _sum_from_end(g * conj(y), self.axis) / conj(x)
        return carried_back(x, g, self.axis) * conj(before(y, self.axis, np.ones_like))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(0), normal(5, 2))
        yield sample(lambda: cls(1), normal(2, 3, 2))
        yield sample(lambda: cls(0), np.array([1.5, 0, 2, 3, 0, 4]))


class LogCumSumExp(Running):
    """y_t = ln Σ_{i ≤ t} e^{x_i} = m_t + ln r_t, with the largest so far m_t = max_{i ≤ t} x_i and
    r_t = e^{m_{t-1} - m_t} r_{t-1} + e^{x_t - m_t}: no exponent is positive, so that nothing overflows.

    dL/dx_t = s_t e^{x_t - y_t}, where s_t = g_t + e^{y_t - y_{t+1}} s_{t+1}. Both powers are written with r, because
    little is left of the difference of two large y.
    """

    def forward(self, x: Any) -> Any:
        top = np.maximum.accumulate(np.real(x), self.axis)
        self.top = np.where(np.isfinite(top), top, 0)
        self.save(x)
        return self.top + np.log(self._sums(x)[2])

    def _sums(self, x: Any) -> tuple[Any, Any, Any]:
        """The factor and the term of the recurrence, and r."""
        factor = np.exp(before(self.top, self.axis, np.zeros_like) - self.top)
        term = np.exp(x - self.top)
        return factor, term, run(Recurrence(self.axis), factor, term)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        factor, term, r = self._sums(x)
        kept = factor * before(r, self.axis, np.zeros_like) / r
        return carried_back(kept, g, self.axis) * conj(term / r)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(0), normal(5, 2))
        yield sample(lambda: cls(1), normal(2, 3, 2))
        yield sample(lambda: cls(0), normal(6) * 400, smooth=False)
        yield sample(lambda: cls(0), np.array([-np.inf, -np.inf, 1, 2, -np.inf]), smooth=False)


class RunningExtreme(Running):
    """y_t = the largest (or smallest) of x_0 .. x_t, the last of equals, and its place; NaN wins. dL/dx = g, added up
    at the places.

    Args:
        function: ``np.maximum`` or ``np.minimum``.
    """

    def __init__(self, function: np.ufunc, axis: int) -> None:
        super().__init__(axis)
        self.function = function

    def forward(self, x: Any) -> Any:
        y = self.function.accumulate(x, self.axis)
        steps = np.arange(x.shape[self.axis]).reshape((-1,) + (1,) * (x.ndim - 1 - self.axis))
        places = np.maximum.accumulate(np.where((x == y) | (x != x), steps, 0), self.axis)
        self.save(places)
        return y, places

    def backward(self, g: Any) -> Any:
        (places,) = self.saved
        grid = list(np.ogrid[tuple(slice(n) for n in places.shape)])
        grid[self.axis] = places
        return scatter_add(g[0], tuple(grid), places.shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for function in (np.maximum, np.minimum):
            yield sample(partial(cls, function, 0), distinct(5, 2))
            yield sample(partial(cls, function, 1), distinct(2, 5))
            yield sample(partial(cls, function, 0), np.array([1.0, 2, 2, 0, 0, 3]), smooth=False)


def _sum_from_end(g: Any, axis: int) -> Any:
    """Σ_{i ≥ t} g_i for every t."""
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


def before(y: Any, axis: int, start: Any) -> Any:
    """y_{t-1} for every t; for the first, what ``start`` (``np.zeros_like`` or ``np.ones_like``) makes."""
    lead = (slice(None),) * axis
    return np.concatenate([start(y[(*lead, slice(0, 1))]), y[(*lead, slice(0, -1))]], axis)


def carried_back(a: Any, g: Any, axis: int) -> Any:
    """s_t = g_t + a*_{t+1} s_{t+1}: the recurrence from the end."""
    factors = before(np.flip(conj(a), axis), axis, np.zeros_like)
    return np.flip(run(Recurrence(axis), factors, np.flip(g, axis)), axis)


# -- functions ------------------------------------------------------------------------------------------------------


def _run_along(op: Any, input: Any, dim: int) -> Any:
    """Run an op along ``dim``; a single number is its own result."""
    axis = normal_axis(dim, input.array.ndim)
    if input.array.ndim:
        return in_float32(op(axis), input)
    return in_float32(op(0), input.reshape(1)).reshape(())


@method()
def cumsum(input: Any, dim: Any = None, *, dtype: Any = None, **others: Any) -> Any:
    """The sum of the elements so far, along ``dim``; whole numbers and booleans add up in int64."""
    if others:
        return with_others(cumsum, others, input, dim=dim, dtype=dtype)
    return _run_along(CumSum, summable(input, dtype), dim)


@method("cumsum_")
def cumsum_(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """In-place version of :func:`cumsum`; adds up in its own type."""
    return write(input, cumsum(input, dim, dtype=input.dtype))


@method()
def cumprod(input: Any, dim: Any = None, *, dtype: Any = None, **others: Any) -> Any:
    """The product of the elements so far, along ``dim``; whole numbers and booleans multiply in int64."""
    if others:
        return with_others(cumprod, others, input, dim=dim, dtype=dtype)
    return _run_along(CumProd, summable(input, dtype), dim)


@method("cumprod_")
def cumprod_(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """In-place version of :func:`cumprod`; multiplies in its own type."""
    return write(input, cumprod(input, dim, dtype=input.dtype))


@method()
def logcumsumexp(input: Any, dim: Any = None, **others: Any) -> Any:
    """ln Σ e^x over the elements so far, along ``dim``, without overflow."""
    if others:
        return with_others(logcumsumexp, others, input, dim=dim)
    require_inexact(input, "logcumsumexp")
    return _run_along(LogCumSumExp, input, dim)


def _running_extreme(name: str, function: np.ufunc, input: Any, dim: int) -> Any:
    refuse_complex(input, name)
    kind = getattr(return_types, name)
    axis = normal_axis(dim, input.array.ndim)
    if input.array.ndim:
        return kind(*RunningExtreme(function, axis)(input))
    values, indices = RunningExtreme(function, 0)(input.reshape(1))
    return kind(values.reshape(()), indices.reshape(()))


@method()
def cummax(input: Any, dim: Any = None, **others: Any) -> Any:
    """The largest element so far, along ``dim``, and its place (the last of equals): (values, indices)."""
    if others:
        return with_others(cummax, others, input, dim=dim)
    return _running_extreme("cummax", np.maximum, input, dim)


@method()
def cummin(input: Any, dim: Any = None, **others: Any) -> Any:
    """The smallest element so far, along ``dim``, and its place (the last of equals): (values, indices)."""
    if others:
        return with_others(cummin, others, input, dim=dim)
    return _running_extreme("cummin", np.minimum, input, dim)


answer_functions(
    {
        np.cumsum: cumsum,
        np.cumprod: cumprod,
    }
)
