"""Trigonometric and hyperbolic functions and their inverses, by element; angles are in radians."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DtypeError
from handtorch.ops.attach import method
from handtorch.ops.conversion import floating
from handtorch.ops.dispatch import answer_functions, answer_ufuncs
from handtorch.ops.elementwise import Elementwise, Unary, in_floating_point, need_tensors
from handtorch.ops.samples import Sample, away_from, bad, normal, sample

__all__ = [
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "deg2rad",
    "hypot",
    "rad2deg",
    "sin",
    "sinc",
    "sinh",
    "tan",
]


class Sin(Unary):
    """y = sin x. dL/dx = g cos x."""

    value = np.sin

    def slope(self, x: Any) -> Any:
        return np.cos(x)


class Cos(Unary):
    """y = cos x. dL/dx = -g sin x."""

    value = np.cos

    def slope(self, x: Any) -> Any:
        return -np.sin(x)


class Tan(Unary):
    """y = tan x. dL/dx = g (1 + y²)."""

    from_result = True
    value = np.tan
    domain = (-1.2, 1.2)

    def slope(self, y: Any) -> Any:
        return 1 + y * y


class Asin(Unary):
    """y = arcsin x, in [-π/2, π/2]. dL/dx = g / √(1 - x²). No derivative at ±1."""

    value = np.arcsin
    domain = (-0.9, 0.9)

    def slope(self, x: Any) -> Any:
        return 1 / np.sqrt(1 - x * x)


class Acos(Unary):
    """y = arccos x, in [0, π]. dL/dx = -g / √(1 - x²). No derivative at ±1."""

    value = np.arccos
    domain = (-0.9, 0.9)

    def slope(self, x: Any) -> Any:
        return -1 / np.sqrt(1 - x * x)


class Atan(Unary):
    """y = arctan x, in (-π/2, π/2). dL/dx = g / (1 + x²)."""

    value = np.arctan

    def slope(self, x: Any) -> Any:
        return 1 / (1 + x * x)


class Sinh(Unary):
    """y = (e^x - e^-x) / 2. dL/dx = g cosh x."""

    value = np.sinh

    def slope(self, x: Any) -> Any:
        return np.cosh(x)


class Cosh(Unary):
    """y = (e^x + e^-x) / 2. dL/dx = g sinh x."""

    value = np.cosh

    def slope(self, x: Any) -> Any:
        return np.sinh(x)


class Asinh(Unary):
    """y = arsinh x = ln(x + √(x² + 1)). dL/dx = g / √(x² + 1)."""

    value = np.arcsinh

    def slope(self, x: Any) -> Any:
        return 1 / np.sqrt(x * x + 1)


class Acosh(Unary):
    """y = arcosh x = ln(x + √(x² - 1)), x >= 1. dL/dx = g / (√(x - 1) √(x + 1)). No derivative at 1."""

    value = np.arccosh
    domain = (1.2, 4.0)

    def slope(self, x: Any) -> Any:
        return 1 / (np.sqrt(x - 1) * np.sqrt(x + 1))


class Atanh(Unary):
    """y = artanh x = ln((1 + x) / (1 - x)) / 2, |x| < 1. dL/dx = g / (1 - x²)."""

    value = np.arctanh
    domain = (-0.9, 0.9)

    def slope(self, x: Any) -> Any:
        return 1 / (1 - x * x)


class Sinc(Unary):
    """y = sin(πx) / (πx), and 1 at 0. dL/dx = g (cos(πx) - y) / x, and 0 at 0."""

    value = staticmethod(np.sinc)

    def slope(self, x: Any) -> Any:
        at_zero = x == 0
        safe = np.where(at_zero, 1.0, x)
        angle = math.pi * safe
        return np.where(at_zero, 0.0, (np.cos(angle) - np.sin(angle) / angle) / safe)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4), gap=0.2))
        yield sample(cls, np.zeros(2), smooth=False)


class Scale(Unary):
    """y = k x, k a constant that turns one unit into another. dL/dx = k g.

    Args:
        factor: k.
    """

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def forward(self, x: Any) -> Any:
        return x * self.factor

    def backward(self, g: Any) -> Any:
        return g * self.factor

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(math.pi / 180), normal(3, 4))


class Atan2(Elementwise):
    """y = the angle of the point (b, a) seen from the origin, in (-π, π].

    dL/da = g b / r² and dL/db = -g a / r², r² = a² + b². No derivative at the origin.
    """

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.arctan2(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        share = g / (a * a + b * b)
        return share * b, -share * a if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4), gap=0.3, seed=1), normal(3, 4, seed=2))
        yield sample(cls, away_from(0, shape=(3, 1), gap=0.3, seed=1), normal(2, 1, 4, seed=2))
        yield bad(cls, normal(3, 4), normal(3))


class Hypot(Elementwise):
    """y = √(a² + b²), without overflow on the way. dL/da = g a / y, dL/db = g b / y. No derivative at (0, 0)."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        y = np.hypot(a, b)
        self.save(a, b, y)
        return y

    def backward(self, g: Any) -> Any:
        a, b, y = self.saved
        return g * (a / y), g * (b / y) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4), gap=0.3, seed=1), normal(3, 4, seed=2))
        yield sample(cls, away_from(0, shape=(3, 1), gap=0.3, seed=1), normal(2, 1, 4, seed=2))
        yield bad(cls, normal(3, 4), normal(3))


# -- functions ------------------------------------------------------------------------------------------------------


@method(in_place=True)
def sin(input: Any) -> Any:
    """The sine."""
    return Sin()(floating(input))


@method(in_place=True)
def cos(input: Any) -> Any:
    """The cosine."""
    return Cos()(floating(input))


@method(in_place=True)
def tan(input: Any) -> Any:
    """The tangent."""
    return Tan()(floating(input))


@method("asin", "arcsin", in_place=True)
def asin(input: Any) -> Any:
    """The angle between -π/2 and π/2 whose sine this is."""
    return Asin()(floating(input))


@method("acos", "arccos", in_place=True)
def acos(input: Any) -> Any:
    """The angle between 0 and π whose cosine this is."""
    return Acos()(floating(input))


@method("atan", "arctan", in_place=True)
def atan(input: Any) -> Any:
    """The angle between -π/2 and π/2 whose tangent this is."""
    return Atan()(floating(input))


@method("atan2", "arctan2", in_place=True)
def atan2(input: Any, other: Any) -> Any:
    """The angle, between -π and π, of the point with the ordinate ``input`` and the abscissa ``other``."""
    return Atan2()(*in_floating_point(*need_tensors("atan2", input, other)))


@method(in_place=True)
def sinh(input: Any) -> Any:
    """The hyperbolic sine."""
    return Sinh()(floating(input))


@method(in_place=True)
def cosh(input: Any) -> Any:
    """The hyperbolic cosine."""
    return Cosh()(floating(input))


@method("asinh", "arcsinh", in_place=True)
def asinh(input: Any) -> Any:
    """The number whose hyperbolic sine this is."""
    return Asinh()(floating(input))


@method("acosh", "arccosh", in_place=True)
def acosh(input: Any) -> Any:
    """The number from 0 on whose hyperbolic cosine this is."""
    return Acosh()(floating(input))


@method("atanh", "arctanh", in_place=True)
def atanh(input: Any) -> Any:
    """The number whose hyperbolic tangent this is."""
    return Atanh()(floating(input))


@method(in_place=True)
def sinc(input: Any) -> Any:
    """The normalised cardinal sine, sin(π · input) / (π · input)."""
    return Sinc()(floating(input))


@method(in_place=True)
def hypot(input: Any, other: Any) -> Any:
    """The hypotenuse of the right triangle with these legs."""
    return Hypot()(*in_floating_point(*need_tensors("hypot", input, other)))


@method(in_place=True)
def deg2rad(input: Any) -> Any:
    """Degrees in radians."""
    return Scale(math.pi / 180)(_real(input))


@method(in_place=True)
def rad2deg(input: Any) -> Any:
    """Radians in degrees."""
    return Scale(180 / math.pi)(_real(input))


def _real(input: Any) -> Any:
    if input.array.dtype.kind == "c":
        raise DtypeError("deg2rad and rad2deg are not supported on complex tensors.")
    return floating(input)


arccos, arccosh, arcsin, arcsinh = acos, acosh, asin, asinh
arctan, arctan2, arctanh = atan, atan2, atanh

answer_ufuncs(
    {
        np.sin: sin,
        np.cos: cos,
        np.tan: tan,
        np.arcsin: asin,
        np.arccos: acos,
        np.arctan: atan,
        np.arctan2: lambda a, b: Atan2()(*in_floating_point(a, b)),
        np.sinh: sinh,
        np.cosh: cosh,
        np.arcsinh: asinh,
        np.arccosh: acosh,
        np.arctanh: atanh,
        np.hypot: lambda a, b: Hypot()(*in_floating_point(a, b)),
        np.deg2rad: deg2rad,
        np.rad2deg: rad2deg,
    }
)
answer_functions({np.sinc: sinc})
