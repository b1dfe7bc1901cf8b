"""The gamma function and its kin by element: its logarithm, that one's derivatives, its incomplete integrals, zeta."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import RangeError
from handtorch.ops.attach import method, with_out
from handtorch.ops.conversion import floating
from handtorch.ops.elementwise import Elementwise, Unary, in_double, in_floating_point, need_tensor, need_tensors, run
from handtorch.ops.samples import Sample, bad, normal, positive, sample

__all__ = [
    "digamma",
    "igamma",
    "igammac",
    "lgamma",
    "mvlgamma",
    "polygamma",
]


# Bernoulli's numbers B₂, B₄ ... B₂₄
_EVEN_BERNOULLI = (
    *(1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510),
    *(43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730),
)
_SHIFT = 10  # asymptotic series are used from here on, and reach double precision
_MOST_STEPS = 20_000


# -- on vectors of float64 ------------------------------------------------------------------------------------------


def _series(x: Any, weight: Any) -> Any:
    """Σ_k B_2k weight(k) / x^(2k), by Horner's rule."""
    square, total = 1 / (x * x), 0 * x
    for k in range(10, 0, -1):
        total = square * (total + _EVEN_BERNOULLI[k - 1] * weight(k))
    return total


def _lgamma(x: Any) -> Any:
    """ln Γ by Stirling's series, for x >= 10; below, by Γ(x) = Γ(x + 10) / (x (x + 1) ... (x + 9)).

    For x < 1/2 by Euler's reflection, Γ(x) Γ(1 - x) = π / sin πx.
    """
    low = x < 0.5
    z = np.where(low, 1 - x, x)
    small = z < _SHIFT
    product = np.ones_like(z)
    for k in range(_SHIFT):
        product *= np.where(small, z + k, 1)
    z = z + _SHIFT * small
    y = (z - 0.5) * np.log(z) - z + 0.5 * math.log(2 * math.pi) - np.log(product)
    y += z * _series(z, lambda k: 1 / (2 * k * (2 * k - 1)))
    y = np.where(low, math.log(math.pi) - np.log(np.abs(np.sin(math.pi * (x - np.round(x))))) - y, y)
    return np.where(np.isinf(x), math.inf, y)


def _digamma(x: Any) -> Any:
    """ψ by its asymptotic series, for x >= 10; below, by ψ(x) = ψ(x + 1) - 1/x; for x < 0 by reflection."""
    low = x < 0
    z = np.where(low, 1 - x, x)
    small = z < _SHIFT
    y = np.zeros_like(z)
    for k in range(_SHIFT):
        y -= np.where(small, 1 / (z + k), 0)
    z = z + _SHIFT * small
    y += np.log(z) - 0.5 / z - _series(z, lambda k: 1 / (2 * k))
    whole = x == np.floor(x)
    y = np.where(low, np.where(whole, math.nan, y - math.pi / np.tan(math.pi * (x - np.round(x)))), y)
    return np.where(x == 0, np.copysign(math.inf, -x), y)


def _zeta(s: Any, q: Any) -> Any:
    """ζ(s, q) = Σ_k (q + k)^-s, s > 1.

    For q > 0 by the Euler-Maclaurin formula: ten terms of the sum, and the integral over the rest with corrections. For
    q < 0 and whole s the terms with q + k < 0 are themselves parts of such sums, counted from the other side.
    """
    whole = q == np.floor(q)
    y = np.where(q > 0, 0, np.where(whole, math.inf, math.nan))
    right = q > 0
    y[right] = _zeta_right(s[right], q[right])
    left = (q < 0) & ~whole & (s == np.floor(s))
    f, n = q[left] - np.floor(q[left]), s[left]
    mirrored = _zeta_right(n, 1 - f) - _zeta_right(n, 1 - q[left])
    y[left] = _zeta_right(n, f) + np.where(n % 2 == 0, 1, -1) * mirrored
    y = np.where(s == 1, math.inf, np.where(s < 1, math.nan, y))
    return np.where(np.isnan(s) | np.isnan(q), math.nan, y)


def _zeta_right(s: Any, q: Any) -> Any:
    total = sum((q + k) ** -s for k in range(_SHIFT))
    a = q + _SHIFT
    power = a**-s
    total = total + power * (a / (s - 1) + 0.5)
    factor = s / a
    for k in range(1, 13):
        total = total + power * factor * (_EVEN_BERNOULLI[k - 1] / math.factorial(2 * k))
        factor = factor * (s + 2 * k - 1) * (s + 2 * k) / (a * a)
    return np.where(np.isinf(q) | np.isinf(a), 0, total)


def _incomplete(a: Any, x: Any, upper: bool) -> Any:
    """P(a, x) = ∫₀ˣ t^(a-1) e^-t dt / Γ(a), or Q = 1 - P: by the one that is small, so that it keeps its digits.

    P for x < a + 1 by its power series, Q elsewhere by its continued fraction (Lentz's method).
    """
    with_series = (x < a + 1) & (x > 0) & (a > 0) & np.isfinite(a)
    with_fraction = (x >= a + 1) & (a > 0) & np.isfinite(x)
    scale = np.exp(a * np.log(x) - x - _lgamma(a))
    p = np.full_like(a, math.nan)
    p[with_series] = scale[with_series] * _power_series(a[with_series], x[with_series])
    q = 1 - p
    q[with_fraction] = scale[with_fraction] * _continued_fraction(a[with_fraction], x[with_fraction])
    p[with_fraction] = 1 - q[with_fraction]
    nothing, everything = _at_the_ends(a, x)
    y, below, above = (q, 1.0, 0.0) if upper else (p, 0.0, 1.0)
    return np.where(nothing, below, np.where(everything, above, y))


def _at_the_ends(a: Any, x: Any) -> tuple[Any, Any]:
    """Where P is 0 and where it is 1 without computing."""
    nothing = (a > 0) & (x == 0) | np.isposinf(a) & (x >= 0) & np.isfinite(x)
    everything = (a == 0) & (x > 0) | np.isposinf(x) & (a >= 0) & np.isfinite(a)
    return nothing, everything


def _power_series(a: Any, x: Any) -> Any:
    """Σ_n x^n / (a (a + 1) ... (a + n))."""
    term = 1 / a
    total = term.copy()
    for n in range(1, _MOST_STEPS):
        term = term * x / (a + n)
        total += term
        if np.all(term <= 1e-17 * total):
            break
    return total


def _continued_fraction(a: Any, x: Any) -> Any:
    """1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (x + 5 - a - ...)))."""
    b = x + 1 - a
    c = np.full_like(x, 1e300)
    d = 1 / b
    y = d.copy()
    for n in range(1, _MOST_STEPS):
        step = n * (a - n)
        b = b + 2
        d = 1 / (b + step * d)
        c = b + step / c
        y = y * (c * d)
        if np.all(np.abs(c * d - 1) <= 1e-16):
            break
    return y


log_gamma = in_double(_lgamma)
digamma_values = in_double(_digamma)


# -- ops ------------------------------------------------------------------------------------------------------------


class Lgamma(Unary):
    """y = ln |Γ(x)|. dL/dx = g ψ(x). No derivative at 0, -1, -2 ..."""

    value = staticmethod(log_gamma)
    domain = (0.2, 5.0)

    def slope(self, x: Any) -> Any:
        return run(Digamma(), x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from super().samples()
        yield sample(cls, np.array([-3.3, -0.5, 1e-8, 0.5, 1, 2, 9.99, 10, 50, 1e8]), smooth=False)
        yield sample(cls, np.array([0.0, -1, -7, np.inf, -np.inf, np.nan]), smooth=False)


class Digamma(Unary):
    """y = ψ(x), the derivative of ln Γ. dL/dx = g ψ⁽¹⁾(x). No value at 0, -1, -2 ..."""

    value = staticmethod(digamma_values)
    domain = (0.2, 5.0)

    def slope(self, x: Any) -> Any:
        return run(Polygamma(1), x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from super().samples()
        yield sample(cls, np.array([-3.3, -0.5, 1e-8, 0.5, 1, 2, 9.99, 10, 50, 1e8]), smooth=False)


class Polygamma(Unary):
    """y = ψ⁽ⁿ⁾(x) = (-1)^(n+1) n! ζ(n + 1, x), the n-th derivative of ψ. dL/dx = g ψ⁽ⁿ⁺¹⁾(x).

    Args:
        n: at least 1.
    """

    domain = (0.3, 5.0)

    def __init__(self, n: int) -> None:
        self.n = n

    def value(self, x: Any) -> Any:
        n = self.n
        return (-1) ** (n + 1) * math.factorial(n) * _zeta_of_arrays(n + 1, x)

    def slope(self, x: Any) -> Any:
        return run(Polygamma(self.n + 1), x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        x = positive(3, 4, low=0.3, high=5.0)
        yield sample(lambda: cls(1), x)
        yield sample(lambda: cls(3), x)
        yield sample(lambda: cls(2), np.array([1e-3, 9.99, 10.01, 50, 1e5]), smooth=False)


class Zeta(Elementwise):
    """y = ζ(s, q) = Σ_k (q + k)^-s, k = 0, 1, 2 ..., Hurwitz's zeta function; s > 1. dL/dq = -g s ζ(s + 1, q).

    There is no derivative by s.
    """

    quiet = True

    def forward(self, s: Any, q: Any) -> Any:
        self.save(s, q)
        return _zeta_of_arrays(s, q)

    def backward(self, g: Any) -> Any:
        s, q = self.saved
        return None, g * -s * run(Zeta(), s + 1, q)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, np.array([2.0, 3.5, 1.1, 20]), positive(3, 4, low=0.2, high=30), smooth=False)
        yield sample(cls, 3.0, positive(3, 4, low=0.5, high=5))
        yield sample(cls, np.array([1.0, 0.5, 2, 3]), np.array([2.0, 2, 0, -1]), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


_zeta_of_arrays = in_double(_zeta)


class Igamma(Elementwise):
    """y = P(a, x) = ∫₀ˣ t^(a-1) e^-t dt / Γ(a). dL/dx = g x^(a-1) e^-x / Γ(a). There is no derivative by a."""

    quiet = True
    upper = False

    def forward(self, a: Any, x: Any) -> Any:
        self.save(a, x)
        return in_double(lambda a, x: _incomplete(a, x, self.upper))(a, x)

    def backward(self, g: Any) -> Any:
        a, x = self.saved
        density = np.exp((a - 1) * np.log(x) - x - run(Lgamma(), a))
        return None, -g * density if self.upper else g * density

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, 1.7, positive(3, 4))
        a, x = positive(3, 1, low=0.1, high=9), positive(2, 1, 4, low=0.1, high=20)
        yield sample(cls, a, x, smooth=False)
        yield sample(cls, np.array([0.0, 1, 200, 1000]), np.array([1.0, 0, 210, 900]), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


class Igammac(Igamma):
    """y = Q(a, x) = 1 - P(a, x). dL/dx = -g x^(a-1) e^-x / Γ(a). There is no derivative by a."""

    upper = True


# -- functions ------------------------------------------------------------------------------------------------------


@method(in_place=True)
def lgamma(input: Any) -> Any:
    """The natural logarithm of the absolute value of the gamma function."""
    return Lgamma()(floating(input))


@method(in_place=True)
def digamma(input: Any) -> Any:
    """The derivative of :func:`lgamma`."""
    return Digamma()(floating(input))


@with_out
def polygamma(n: int, input: Any) -> Any:
    """The n-th derivative of :func:`digamma`.

    Raises:
        RangeError: n is negative.
    """
    if n < 0:
        raise RangeError("polygamma(n, x) does not support negative n.")
    return digamma(input) if n == 0 else Polygamma(n)(floating(input))


@method("polygamma", in_place=True)
def polygamma_of(input: Any, n: int) -> Any:
    """The n-th derivative of :func:`digamma`."""
    return polygamma(n, input)


@method("mvlgamma", in_place=True)
def mvlgamma(input: Any, p: int) -> Any:
    """The logarithm of the gamma function of dimension p: ln π p (p - 1) / 4 + Σ_j ln Γ(input - j / 2), j = 0 to p - 1.

    Raises:
        RangeError: p is less than 1.
    """
    if p < 1:
        raise RangeError(f"p has to be greater than or equal to 1, got {p}")
    x = floating(input)
    return sum((lgamma(x - 0.5 * j) for j in range(p)), 0.25 * p * (p - 1) * math.log(math.pi))


@with_out
def zeta(input: Any, other: Any) -> Any:
    """Hurwitz's zeta function: Σ_k (other + k) ^ -input, k = 0, 1, 2 ..."""
    return Zeta()(*in_floating_point(*need_tensor("zeta", input, other)))


@method("igamma", in_place=True)
def igamma(input: Any, other: Any) -> Any:
    """The regularised lower incomplete gamma function P(input, other)."""
    return Igamma()(*in_floating_point(*need_tensors("igamma", input, other)))


@method("igammac", in_place=True)
def igammac(input: Any, other: Any) -> Any:
    """The regularised upper incomplete gamma function Q(input, other)."""
    return Igammac()(*in_floating_point(*need_tensors("igammac", input, other)))
