"""Exponentials, logarithms, roots and what is made of them, by element."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.ops.attach import method, with_out
from handtorch.ops.conversion import cast, floating
from handtorch.ops.dispatch import answer_ufuncs
from handtorch.ops.elementwise import Elementwise, Unary, conj, in_floating_point, need_tensor, need_tensors
from handtorch.ops.samples import Sample, bad, normal, positive, sample

__all__ = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "logaddexp2",
    "logit",
    "reciprocal",
    "rsqrt",
    "sqrt",
    "square",
    "xlogy",
]

_LN_2 = math.log(2)
_LN_10 = math.log(10)


class Exp(Unary):
    """y = e^x. dL/dx = g y."""

    from_result = True
    value = np.exp

    def slope(self, y: Any) -> Any:
        return y


class Exp2(Unary):
    """y = 2^x. dL/dx = g y ln 2."""

    from_result = True

    def value(self, x: Any) -> Any:
        return 2**x

    def slope(self, y: Any) -> Any:
        return y * _LN_2


class Expm1(Unary):
    """y = e^x - 1, without the loss of digits for small x. dL/dx = g (y + 1)."""

    from_result = True
    value = np.expm1

    def slope(self, y: Any) -> Any:
        return y + 1


class Log(Unary):
    """y = ln x. dL/dx = g / x. No derivative at 0."""

    value = np.log
    domain = (0.3, 3.0)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return g / conj(x)


class Log2(Unary):
    """y = ln x / ln 2. dL/dx = g / (x ln 2). No derivative at 0."""

    value = np.log2
    domain = (0.3, 3.0)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return g / (conj(x) * _LN_2)


class Log10(Unary):
    """y = ln x / ln 10. dL/dx = g / (x ln 10). No derivative at 0."""

    value = np.log10
    domain = (0.3, 3.0)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return g / (conj(x) * _LN_10)


class Log1P(Unary):
    """y = ln(1 + x), without the loss of digits for small x. dL/dx = g / (1 + x). No derivative at -1."""

    value = np.log1p
    domain = (-0.7, 3.0)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return g / (conj(x) + 1)


class Sqrt(Unary):
    """y = √x. dL/dx = g / (2 y). No derivative at 0."""

    from_result = True
    value = np.sqrt
    domain = (0.3, 3.0)

    def backward(self, g: Any) -> Any:
        (y,) = self.saved
        return g / (2 * conj(y))


class Rsqrt(Unary):
    """y = 1 / √x. dL/dx = -g y³ / 2. No derivative at 0."""

    from_result = True
    domain = (0.3, 3.0)

    def value(self, x: Any) -> Any:
        return np.reciprocal(np.sqrt(x))

    def slope(self, y: Any) -> Any:
        return -0.5 * (y * y * y)


class Square(Unary):
    """y = x². dL/dx = 2 x g."""

    value = np.square

    def slope(self, x: Any) -> Any:
        return 2 * x


class Reciprocal(Unary):
    """y = 1 / x. dL/dx = -g y². No derivative at 0."""

    from_result = True
    value = np.reciprocal
    domain = (0.3, 3.0)

    def slope(self, y: Any) -> Any:
        return -(y * y)


class Logit(Unary):
    """y = ln(x / (1 - x)), the number whose sigmoid is x. dL/dx = g / (x (1 - x)).

    Args:
        eps: x is held between eps and 1 - eps first, with dL/dx = 0 outside. Without it there is neither value nor
            derivative outside [0, 1].
    """

    domain = (0.02, 0.98)

    def __init__(self, eps: float | None = None) -> None:
        self.eps = eps

    def value(self, x: Any) -> Any:
        if self.eps is not None:
            x = np.clip(x, self.eps, 1 - self.eps)
        return np.log(x / (1 - x))

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        low, outside = (0.0, math.nan) if self.eps is None else (self.eps, 0.0)
        inside = (x >= low) & (x <= 1 - low)
        return np.where(inside, g / (x * (1 - x)), outside)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from super().samples()
        yield sample(lambda: cls(0.2), np.array([-1.0, 0.1, 0.3, 0.7, 0.9, 2.0]))


class LogAddExp(Elementwise):
    """y = ln(e^a + e^b), without overflow. dL/da = g / (1 + e^(b-a)), dL/db = g / (1 + e^(a-b))."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.logaddexp(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        return g / (1 + np.exp(b - a)), g / (1 + np.exp(a - b)) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._pairs()


class LogAddExp2(Elementwise):
    """y = log₂(2^a + 2^b), without overflow. dL/da = g / (1 + 2^(b-a)), dL/db = g / (1 + 2^(a-b))."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.logaddexp2(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        return g / (1 + 2 ** (b - a)), g / (1 + 2 ** (a - b)) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._pairs()


class XLogY(Elementwise):
    """y = a ln b, and 0 where a = 0 unless b is NaN. dL/da = g ln b (0 where a = 0 and b <= 0), dL/db = g a / b."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.where((a == 0) & (b == b), 0.0, a * np.log(b)).astype(np.result_type(a, b), copy=False)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        da = None
        if self.needs(0):
            flat = (a == 0) & (b <= 0)
            da = g * np.where(flat, 0.0, np.log(np.where(flat, 1.0, b)))
        return da, g * a / b if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4), positive(3, 4))
        yield sample(cls, normal(3, 1), positive(2, 1, 4))
        yield sample(cls, np.array([0.0, 0, 0, 1, 0]), np.array([0.0, -1, np.inf, 0, np.nan]), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


class XLog1pY(Elementwise):
    """y = a ln(1 + b), and 0 where a = 0. dL/da = g ln(1 + b) (0 where a = 0 and b <= -1), dL/db = g a / (1 + b)."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.where((a == 0) & (b == b), 0.0, a * np.log1p(b)).astype(np.result_type(a, b), copy=False)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        da = None
        if self.needs(0):
            flat = (a == 0) & (b <= -1)
            da = g * np.where(flat, 0.0, np.log1p(np.where(flat, 0.0, b)))
        return da, g * a / (1 + b) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4), positive(3, 4, low=-0.7))
        yield sample(cls, normal(3, 1), positive(2, 1, 4, low=-0.7))
        yield sample(cls, np.array([0.0, 0, 0, 1, 0]), np.array([-1.0, -3, np.inf, -1, np.nan]), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


class Entr(Unary):
    """y = -x ln x, a share of an entropy: 0 at 0, -Inf for x < 0. dL/dx = -g (1 + ln x)."""

    domain = (0.1, 2.0)

    def value(self, x: Any) -> Any:
        return np.where(x > 0, -x * np.log(x), np.where(x == 0, 0.0, np.where(x < 0, -math.inf, x))).astype(x.dtype)

    def slope(self, x: Any) -> Any:
        return -1 - np.log(x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from super().samples()
        yield sample(cls, np.array([0.0, -1, np.nan, 1, np.inf]), smooth=False)


# -- functions ------------------------------------------------------------------------------------------------------


@method(in_place=True)
def exp(input: Any) -> Any:
    """The exponential function, e ^ input."""
    return Exp()(floating(input))


@method(in_place=True)
def exp2(input: Any) -> Any:
    """The power 2 ^ input."""
    return Exp2()(floating(input))


@method(in_place=True)
def expm1(input: Any) -> Any:
    """The exponential function less 1, with all digits near 0."""
    return Expm1()(floating(input))


@method(in_place=True)
def log(input: Any) -> Any:
    """The natural logarithm."""
    return Log()(floating(input))


@method(in_place=True)
def log2(input: Any) -> Any:
    """The logarithm to the base 2."""
    return Log2()(floating(input))


@method(in_place=True)
def log10(input: Any) -> Any:
    """The logarithm to the base 10."""
    return Log10()(floating(input))


@method(in_place=True)
def log1p(input: Any) -> Any:
    """The natural logarithm of 1 + input, with all digits near 0."""
    return Log1P()(floating(input))


@method(in_place=True)
def sqrt(input: Any) -> Any:
    """The square root."""
    return Sqrt()(floating(input))


@method(in_place=True)
def rsqrt(input: Any) -> Any:
    """The reciprocal of the square root."""
    return Rsqrt()(floating(input))


@method(in_place=True)
def square(input: Any) -> Any:
    """The square; of truth values as whole numbers."""
    return Square()(cast(input, dtypes.int64) if input.array.dtype.kind == "b" else input)


@method(in_place=True)
def reciprocal(input: Any) -> Any:
    """One divided by the input."""
    return Reciprocal()(floating(input))


@method(in_place=True)
def logit(input: Any, eps: float | None = None) -> Any:
    """The logarithm of input / (1 - input), with the input held ``eps`` away from 0 and 1 first."""
    return Logit(eps)(floating(input))


@method(out=True)
def logaddexp(input: Any, other: Any) -> Any:
    """The logarithm of e ^ input + e ^ other, without overflow."""
    if input.array.dtype.kind == "c":
        larger = np.where(np.real(input) >= np.real(other), input, other)
        return larger + log1p(exp(input + other - 2 * larger))
    return LogAddExp()(*need_tensors("logaddexp", input, other))


@method(out=True)
def logaddexp2(input: Any, other: Any) -> Any:
    """The logarithm to the base 2 of 2 ^ input + 2 ^ other, without overflow."""
    return LogAddExp2()(*need_tensors("logaddexp2", input, other))


@method(in_place=True)
def xlogy(input: Any, other: Any) -> Any:
    """The product input · ln(other), which is 0 where the input is."""
    return XLogY()(*in_floating_point(*need_tensor("xlogy", input, other)))


@with_out
def xlog1py(input: Any, other: Any) -> Any:
    """The product input · ln(1 + other), which is 0 where the input is."""
    return XLog1pY()(*in_floating_point(*need_tensor("xlog1py", input, other)))


@with_out
def entr(input: Any) -> Any:
    """A share of an entropy, -input · ln(input)."""
    return Entr()(floating(input))


answer_ufuncs(
    {
        np.exp: exp,
        np.exp2: exp2,
        np.expm1: expm1,
        np.log: log,
        np.log2: log2,
        np.log10: log10,
        np.log1p: log1p,
        np.logaddexp: lambda a, b: LogAddExp()(a, b),
        np.logaddexp2: lambda a, b: LogAddExp2()(a, b),
        np.sqrt: sqrt,
        np.square: square,
        np.reciprocal: reciprocal,
    }
)
