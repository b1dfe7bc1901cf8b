"""The modified Bessel functions of order 0 and 1, and Airy's function, by element."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.ops.attach import method, with_out
from handtorch.ops.conversion import floating
from handtorch.ops.elementwise import Unary, in_double, run
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, away_from, normal, sample

__all__ = [
    "i0",
]


# -- on vectors of float64 ------------------------------------------------------------------------------------------

_FAR = 20.0  # from here on the asymptotic series reaches double precision
_NEAR_TERMS, _FAR_TERMS = 45, 30


def _scaled(order: int, x: Any) -> Any:
    """e^-|x| I_n(x) for n = 0 or 1.

    I_n(x) = (x/2)^n Σ_k (x²/4)^k / (k! (k + n)!), all of whose terms have one sign; far out
    e^-x I_n(x) = Σ_k Π_{j<=k} ((2j - 1)² - 4n²) / (8 j x) / √(2πx).
    """
    size = np.abs(x)
    y = np.empty_like(x)
    near = size < _FAR
    quarter = 0.25 * size[near] ** 2
    total = np.zeros_like(quarter)
    for k in range(_NEAR_TERMS, 0, -1):
        total = (total + 1) * quarter / (k * (k + order))
    y[near] = (total + 1) * np.exp(-size[near]) * (0.5 * size[near]) ** order
    far = size[~near]
    term, total = np.ones_like(far), np.ones_like(far)
    for k in range(1, _FAR_TERMS):
        term = term * ((2 * k - 1) ** 2 - 4 * order * order) / (8 * k * far)
        total = total + term
    y[~near] = total / np.sqrt(2 * math.pi * far)
    return np.where(np.isinf(x), 0.0, y) * (np.sign(x) if order else 1)


def _airy(x: Any) -> Any:
    """Ai(x) = Re ∫₀^∞ e^(i (s³/3 + x s)) ds / π, over s = u + i c, where it decays, by the trapezoidal rule.

    The best c is √x, for which the path crosses the saddle; for x <= 0 it is held at 1/2. Far to the left, where the
    integrand oscillates fast, by the asymptotic series.
    """
    y = np.empty_like(x)
    left = x < _AIRY_LEFT
    c = np.sqrt(np.maximum(x[~left], 0.25))
    shift = c * (x[~left] - c * c / 3)
    total = np.zeros_like(c)
    step = _AIRY_REACH / _AIRY_NODES
    for i in range(_AIRY_NODES):
        u = i * step
        weight = 0.5 if i == 0 else 1.0
        total += weight * np.exp(-u * u * c) * np.cos(u * (u * u / 3 - c * c + x[~left]))
    y[~left] = total * np.exp(-shift) * step / math.pi
    y[left] = _airy_far_left(-x[left])
    return np.where(np.isposinf(x), 0.0, y)


_AIRY_LEFT = -8.0
_AIRY_REACH, _AIRY_NODES = 9.0, 300


def _airy_far_left(x: Any) -> Any:
    """Ai(-x) = (cos(ζ - π/4) Σ (-1)^k u_2k / ζ^2k + sin(ζ - π/4) Σ (-1)^k u_2k+1 / ζ^(2k+1)) / (√π x^(1/4)).

    Here ζ = 2/3 x^(3/2) and u_k = (6k - 5)(6k - 3)(6k - 1) / (216 k (2k - 1)) u_k-1.
    """
    zeta = 2 / 3 * x**1.5
    term, even, odd = np.ones_like(x), np.ones_like(x), np.zeros_like(x)
    for k in range(1, 16):
        term = term * ((6 * k - 5) * (6 * k - 3) * (6 * k - 1) / (216 * k * (2 * k - 1))) / zeta
        sign = 1 if k % 4 < 2 else -1
        even, odd = (even + sign * term, odd) if k % 2 == 0 else (even, odd + sign * term)
    angle = zeta - math.pi / 4
    return (np.cos(angle) * even + np.sin(angle) * odd) / (math.sqrt(math.pi) * x**0.25)


_i0e = in_double(lambda x: _scaled(0, x))
_i1e = in_double(lambda x: _scaled(1, x))


# -- ops ------------------------------------------------------------------------------------------------------------


class I0(Unary):
    """y = I₀(x) = (1/π) ∫₀^π e^(x cos t) dt. dL/dx = g I₁(x)."""

    value = staticmethod(in_double(lambda x: _scaled(0, x) * np.exp(np.abs(x))))

    def slope(self, x: Any) -> Any:
        return run(I1(), x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.linspace(-40, 40, 21), smooth=False)


class I0e(Unary):
    """y = e^-|x| I₀(x). dL/dx = g (e^-|x| I₁(x) - sign(x) y)."""

    value = staticmethod(_i0e)

    def slope(self, x: Any) -> Any:
        return run(I1e(), x) - np.sign(x) * run(I0e(), x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4)))
        yield sample(cls, np.linspace(-40, 40, 21), smooth=False)
        yield sample(cls, np.array([1e5, np.inf, np.nan]), smooth=False)


class I1(Unary):
    """y = I₁(x) = (1/π) ∫₀^π e^(x cos t) cos t dt. dL/dx = g (I₀(x) - y / x), g / 2 at 0."""

    value = staticmethod(in_double(lambda x: _scaled(1, x) * np.exp(np.abs(x))))

    def slope(self, x: Any) -> Any:
        safe = np.where(x == 0, 1.0, x)
        return np.where(x == 0, 0.5, run(I0(), safe) - run(I1(), safe) / safe)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4)))
        yield sample(cls, np.linspace(-40, 40, 21), smooth=False)


class I1e(Unary):
    """y = e^-|x| I₁(x). dL/dx = g (e^-|x| I₀(x) - y (sign(x) + 1 / x)), g / 2 at 0."""

    value = staticmethod(_i1e)

    def slope(self, x: Any) -> Any:
        safe = np.where(x == 0, 1.0, x)
        return np.where(x == 0, 0.5, run(I0e(), safe) - run(I1e(), safe) * (np.sign(safe) + 1 / safe))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4)))
        yield sample(cls, np.linspace(-40, 40, 21), smooth=False)


class AiryAi(Op):
    """y = Ai(x), which solves y'' = x y and dies out to the right; PyTorch defines no derivative."""

    differentiable = False
    quiet = True

    def forward(self, x: Any) -> Any:
        return in_double(_airy)(x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, np.linspace(-30, 12, 64))


# -- functions ------------------------------------------------------------------------------------------------------


@method(in_place=True)
def i0(input: Any) -> Any:
    """The modified Bessel function of the first kind of order 0."""
    return I0()(floating(input))


@with_out
def i0e(input: Any) -> Any:
    """The function :func:`i0`, divided by e ^ |input|."""
    return I0e()(floating(input))


@with_out
def i1(input: Any) -> Any:
    """The modified Bessel function of the first kind of order 1."""
    return I1()(floating(input))


@with_out
def i1e(input: Any) -> Any:
    """The function :func:`i1`, divided by e ^ |input|."""
    return I1e()(floating(input))


@with_out
def airy_ai(input: Any) -> Any:
    """Airy's function of the first kind."""
    return AiryAi()(floating(input))
