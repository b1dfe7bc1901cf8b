"""The error function, its complement and inverse, and the normal distribution that they describe, by element."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.ops.attach import method, with_out
from handtorch.ops.conversion import floating
from handtorch.ops.elementwise import Unary, in_double, run
from handtorch.ops.samples import Sample, normal, sample

__all__ = [
    "erf",
    "erfc",
    "erfinv",
]

_SQRT_PI = math.sqrt(math.pi)
_SQRT_2 = math.sqrt(2)
_SQRT_2_PI = math.sqrt(2 * math.pi)


# -- on vectors of float64 ------------------------------------------------------------------------------------------


def _chebyshev(terms: int = 24, n: int = 60) -> tuple[float, ...]:
    """Chebyshev coefficients of (1 + 2z) e^(z²) erfc(z) for z >= 0, in the variable t = (z - k) / (z + k), k = 3.75.

    Found by interpolation at the Chebyshev nodes; the mapping is Shepherd and Laframboise's (Math. Comp. 36, 1981),
    whose function is smooth and bounded on [-1, 1), so that 24 terms reach double precision.
    """
    theta = [math.pi * (i + 0.5) / n for i in range(n)]
    places = [3.75 * (1 + math.cos(a)) / (1 - math.cos(a)) for a in theta]
    values = [(1 + 2 * z) * _scaled_by_definition(z) for z in places]
    return tuple(2 / n * sum(v * math.cos(j * a) for v, a in zip(values, theta, strict=True)) for j in range(terms))


def _scaled_by_definition(z: float) -> float:
    """e^(z²) erfc(z): by its definition, and by its continued fraction where that would underflow."""
    if z < 5:
        return math.exp(z * z) * math.erfc(z)
    fraction = z
    for k in range(60, 0, -1):
        fraction = z + 0.5 * k / fraction
    return 1 / (_SQRT_PI * fraction)


_COEFFICIENTS = _chebyshev()
# Maclaurin series of erf(x)/x in x², last term first: for small x, where 1 - erfc(x) would lose digits
_SERIES = tuple(2 / _SQRT_PI * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(13, -1, -1))


def _scaled(z: Any) -> Any:
    """e^(z²) erfc(z) for z >= 0, by Clenshaw's recurrence."""
    t = 1 - 7.5 / (z + 3.75)
    now, before = 0 * t, 0 * t
    for coefficient in _COEFFICIENTS[:0:-1]:
        now, before = 2 * t * now - before + coefficient, now
    return (t * now - before + 0.5 * _COEFFICIENTS[0]) / (1 + 2 * z)


def _erf(x: Any) -> Any:
    z = np.abs(x)
    y = np.copysign(1 - _scaled(z) * np.exp(-z * z), x)
    near = z < 0.5
    square = z[near] ** 2
    series = 0 * square
    for coefficient in _SERIES:
        series = series * square + coefficient
    y[near] = x[near] * series
    return y


def _erfc(x: Any) -> Any:
    z = np.abs(x)
    tail = _scaled(z) * np.exp(-z * z)
    return np.where(z < 0.5, 1 - _erf(x), np.where(x < 0, 2 - tail, tail))


def _erfcx(x: Any) -> Any:
    tail = _scaled(np.abs(x))
    return np.where(x < 0, 2 * np.exp(x * x) - tail, tail)


def _inverse(y: Any, q: Any) -> Any:
    """The x with erf(x) = y >= 0, where q = 1 - y is given for itself, as the digits of a small q would be lost.

    Newton's method, which doubles the digits with each step, from Winitzki's approximation (2008), which has three:
    on erf(x) = y for small y; on ln erfc(x) = ln q, which is nearly a parabola, elsewhere.
    """
    a = 0.147
    log = np.log(q) + np.log1p(y)  # ln(1 - y²)
    b = 2 / (math.pi * a) + 0.5 * log
    x = np.sqrt(np.maximum(np.sqrt(b * b - log / a) - b, 0))
    near = y < 0.5
    for _ in range(3):
        scaled = _scaled(x)
        away = (np.log(scaled) - x * x - np.log(q)) * scaled
        x = x + 0.5 * _SQRT_PI * np.where(near, (y - _erf(x)) * np.exp(x * x), away)
    return np.where(q > 0, x, np.where(q == 0, math.inf, math.nan))


def _erfinv(y: Any) -> Any:
    size = np.abs(y)
    return np.copysign(_inverse(size, 1 - size), y)


def _ndtr(x: Any) -> Any:
    return 0.5 * _erfc(x / -_SQRT_2)


def _ndtri(p: Any) -> Any:
    tail = np.minimum(p, 1 - p)  # the way to the nearer end
    x = _SQRT_2 * _inverse(1 - 2 * tail, 2 * tail)
    return np.where(p < 0.5, -x, x)


def _log_ndtr(x: Any) -> Any:
    low = x < -1
    tail = np.log(0.5 * _scaled(np.where(low, -x, 0) / _SQRT_2)) - 0.5 * x * x
    return np.where(low, tail, np.log1p(-0.5 * _erfc(x / _SQRT_2)))


# -- ops ------------------------------------------------------------------------------------------------------------


class Erf(Unary):
    """y = 2/√π ∫₀ˣ e^(-t²) dt. dL/dx = g 2/√π e^(-x²)."""

    value = staticmethod(in_double(_erf))

    def slope(self, x: Any) -> Any:
        return 2 / _SQRT_PI * np.exp(-x * x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.linspace(-7, 7, 57))


class Erfc(Unary):
    """y = 1 - erf x, with all digits where erf x is near 1. dL/dx = -g 2/√π e^(-x²)."""

    value = staticmethod(in_double(_erfc))

    def slope(self, x: Any) -> Any:
        return -2 / _SQRT_PI * np.exp(-x * x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.linspace(-7, 25, 65))


class Erfcx(Unary):
    """y = e^(x²) erfc x, which neither over- nor underflows for x > 0. dL/dx = g (2 x y - 2/√π)."""

    value = staticmethod(in_double(_erfcx))

    def slope(self, x: Any) -> Any:
        return 2 * x * run(Erfcx(), x) - 2 / _SQRT_PI

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.array([-3.0, 5, 80, 1e10]), smooth=False)


class Erfinv(Unary):
    """y with erf y = x, |x| <= 1. dL/dx = g √π/2 e^(y²)."""

    from_result = True
    value = staticmethod(in_double(_erfinv))
    domain = (-0.95, 0.95)

    def slope(self, y: Any) -> Any:
        return 0.5 * _SQRT_PI * np.exp(y * y)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from super().samples()
        yield sample(cls, np.array([0, 1e-300, 1e-9, -0.4999, 0.5, 1 - 1e-9, 1 - 1e-16]), smooth=False)
        yield sample(cls, np.array([1.0, -1, 1.5, -2, np.nan]), smooth=False)


class Ndtr(Unary):
    """y = Φ(x), the part of a standard normal distribution below x. dL/dx = g φ(x) = g e^(-x²/2) / √(2π)."""

    value = staticmethod(in_double(_ndtr))

    def slope(self, x: Any) -> Any:
        return np.exp(-0.5 * x * x) / _SQRT_2_PI

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.linspace(-35, 9, 45), smooth=False)


class Ndtri(Unary):
    """y with Φ(y) = x, 0 <= x <= 1: a quantile of the standard normal distribution. dL/dx = g √(2π) e^(y²/2)."""

    from_result = True
    value = staticmethod(in_double(_ndtri))
    domain = (0.05, 0.95)

    def slope(self, y: Any) -> Any:
        return _SQRT_2_PI * np.exp(0.5 * y * y)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from super().samples()
        yield sample(cls, np.array([1e-300, 1e-20, 1e-5, 0.4999, 0.5, 0.500001, 1 - 1e-12]), smooth=False)
        yield sample(cls, np.array([0.0, 1, -1, 2, np.nan]), smooth=False)


class LogNdtr(Unary):
    """y = ln Φ(x), also where Φ(x) underflows. dL/dx = g φ(x) / Φ(x), which is √(2/π) / erfcx(-x/√2)."""

    value = staticmethod(in_double(_log_ndtr))

    def slope(self, x: Any) -> Any:
        return math.sqrt(2 / math.pi) / run(Erfcx(), x / -_SQRT_2)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.array([-1e4, -40.0, -5, 3, 8, 40]), smooth=False)


def erf_of_array(x: Any) -> Any:
    """The error function of an array, or of a Tensor: for the ops that need it."""
    return run(Erf(), x)


# -- functions ------------------------------------------------------------------------------------------------------


@method(in_place=True)
def erf(input: Any) -> Any:
    """The error function."""
    return Erf()(floating(input))


@method(in_place=True)
def erfc(input: Any) -> Any:
    """One minus the error function, with all digits."""
    return Erfc()(floating(input))


@with_out
def erfcx(input: Any) -> Any:
    """The scaled complementary error function, e ^ input² · erfc(input)."""
    return Erfcx()(floating(input))


@method(in_place=True)
def erfinv(input: Any) -> Any:
    """The number whose error function this is."""
    return Erfinv()(floating(input))


@with_out
def ndtr(input: Any) -> Any:
    """The probability that a standard normal number is below the input."""
    return Ndtr()(floating(input))


@with_out
def ndtri(input: Any) -> Any:
    """The number below which a standard normal number lies with this probability."""
    return Ndtri()(floating(input))


@with_out
def log_ndtr(input: Any) -> Any:
    """The logarithm of :func:`ndtr`, also where that underflows."""
    return LogNdtr()(floating(input))
