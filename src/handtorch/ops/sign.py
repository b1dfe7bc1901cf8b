"""The sign of a number, and the other parts that floating point numbers are made of: mantissa, exponent, neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.errors import DtypeError
from handtorch.ops.arithmetic import mul, pow
from handtorch.ops.attach import method
from handtorch.ops.comparison import ordered
from handtorch.ops.conversion import clone
from handtorch.ops.dispatch import answer_ufuncs
from handtorch.ops.elementwise import Elementwise, Step, Unary, conj, in_floating_point, need_tensors
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, away_from, bad, normal, sample

__all__ = [
    "copysign",
    "frexp",
    "heaviside",
    "ldexp",
    "nextafter",
    "sgn",
    "sign",
]


class Sign(Step):
    """y = -1, 0 or 1 as x is negative, zero or positive. Constant almost everywhere: dL/dx = 0."""

    value = np.sign

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4)))
        yield sample(cls, np.array([-0.0, 0.0, np.inf, np.nan]), smooth=False)


class Sgn(Unary):
    """y = x / |x|, the direction of a complex number, and 0 at 0. dL/dx = (g - y Re(g y*)) / |x|, and 0 at 0."""

    value = np.sign

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        length = np.absolute(x)
        safe = np.where(length == 0, 1.0, length)
        y = x / safe
        return np.where(length == 0, 0.0, (g - y * np.real(g * conj(y))) / safe)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4, seed=1) + 1j * normal(3, 4, seed=2))
        yield sample(cls, np.zeros(2, complex), smooth=False)


class Copysign(Elementwise):
    """y = |a| with the sign of b. dL/da = g y / a, which is taken as 0 at a = 0; dL/db = 0."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.copysign(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        same = np.where(np.signbit(a) == np.signbit(b), g, -g)
        return np.where(a == 0, 0.0, same), np.zeros_like(g) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4), seed=1), away_from(0, shape=(3, 4), seed=2))
        yield sample(cls, away_from(0, shape=(3, 1), seed=1), away_from(0, shape=(2, 1, 4), seed=2))
        yield sample(cls, np.array([0.0, 2, -3]), np.array([-1.0, -0.0, 0.0]), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


class Heaviside(Elementwise):
    """y = 0 for x < 0, 1 for x > 0, and v at 0; no derivative."""

    differentiable = False

    def forward(self, x: Any, v: Any) -> Any:
        return np.heaviside(x, v).astype(x.dtype, copy=False)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, np.array([-2.0, 0, 3, 0]), np.array([5.0, 6, 7, 8]))
        yield bad(cls, normal(3, 4), normal(3))


class NextAfter(Elementwise):
    """y = the next number that the type has after a on the way to b. dL/da = g, and 0 where a = b; dL/db = 0."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.nextafter(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        return np.where(a == b, 0.0, g), np.zeros_like(g) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4, seed=1), normal(4, seed=2))
        yield sample(cls, np.array([1.0, 1, 1, 0]), np.array([2.0, 0, 1, -1]), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


class Frexp(Op):
    """(m, e) with x = m 2^e and 1/2 <= |m| < 1, or both 0. dL/dx = g / 2^e, g the gradient of m."""

    quiet = True

    def forward(self, x: Any) -> Any:
        mantissa, exponent = np.frexp(x)
        self.save(exponent)
        return mantissa, exponent

    def backward(self, g: Any) -> Any:
        (exponent,) = self.saved
        return g[0] * np.ldexp(np.ones_like(exponent, dtype=g[0].dtype), -exponent)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, 0.5, 1, 2, -0.5, -1, -2, shape=(3, 4)))
        yield sample(cls, np.array([0.0, 1, -1024]), smooth=False)


# -- functions ------------------------------------------------------------------------------------------------------


@method(in_place=True)
def sign(input: Any) -> Any:
    """The sign: -1, 0 or 1."""
    kind = input.array.dtype.kind
    if kind == "c":
        raise DtypeError("sign is not supported for complex numbers, which have a direction: use sgn")
    return clone(input) if kind == "b" else Sign()(input)


@method(in_place=True)
def sgn(input: Any) -> Any:
    """The sign; of a complex number its direction, the number of length 1 that points the same way."""
    return Sgn()(input) if input.array.dtype.kind == "c" else sign(input)


@method(in_place=True)
def copysign(input: Any, other: Any) -> Any:
    """The absolute value of the input, with the sign of ``other``."""
    need_tensors("copysign", input)
    return Copysign()(*in_floating_point(input, other))


@method(in_place=True)
def heaviside(input: Any, values: Any) -> Any:
    """The step function: 0 below zero, 1 above, and ``values`` at zero.

    Raises:
        DtypeError: the tensors are complex, or of two types.
    """
    ordered("heaviside", input, values)
    if input.array.dtype != values.array.dtype:
        raise DtypeError("heaviside is not yet implemented for tensors with different dtypes.")
    return Heaviside()(input, values)


@method(in_place=True)
def nextafter(input: Any, other: Any) -> Any:
    """The next floating point number after the input on the way to ``other``."""
    return NextAfter()(*in_floating_point(*need_tensors("nextafter", input, other)))


@method(in_place=True)
def ldexp(input: Any, other: Any) -> Any:
    """The product input · 2 ^ other."""
    need_tensors("ldexp", input, other)
    return mul(input, pow(2.0, other))


@method()
def frexp(input: Any) -> Any:
    """Mantissa and exponent: input = mantissa · 2 ^ exponent, with the mantissa from 1/2 up to 1."""
    if input.array.dtype.kind != "f":
        raise DtypeError(f"torch.frexp() only supports floating-point dtypes, got {input.dtype}")
    return return_types.frexp(*Frexp()(input))


answer_ufuncs({np.sign: sgn, np.copysign: lambda a, b: Copysign()(*in_floating_point(a, b))})
