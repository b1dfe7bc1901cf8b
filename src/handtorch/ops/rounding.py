"""Rounding, and division with a whole quotient and a remainder, by element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DtypeError, RangeError
from handtorch.ops.attach import method
from handtorch.ops.conversion import clone
from handtorch.ops.dispatch import answer_ufuncs
from handtorch.ops.elementwise import Elementwise, Step, Unary, is_whole, need_tensor, need_tensors, operator
from handtorch.ops.samples import Sample, away_from, bad, normal, sample
from handtorch.tensor import Tensor

__all__ = [
    "ceil",
    "fix",
    "floor",
    "floor_divide",
    "fmod",
    "frac",
    "remainder",
    "round",
    "trunc",
]


class Ceil(Step):
    """y = ⌈x⌉, the least whole number that is not below x. dL/dx = 0."""

    value = np.ceil


class Floor(Step):
    """y = ⌊x⌋, the greatest whole number that is not above x. dL/dx = 0."""

    value = np.floor


class Trunc(Step):
    """y = x without its fraction, rounded towards 0. dL/dx = 0."""

    value = np.trunc


class Round(Step):
    """y = the nearest number with so many decimal places, at a tie the one with an even last digit. dL/dx = 0.

    Args:
        decimals: digits after the point; a negative number rounds to tens, hundreds ...
    """

    def __init__(self, decimals: int = 0) -> None:
        self.decimals = decimals

    def value(self, x: Any) -> Any:
        return np.round(x, self.decimals)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from super().samples()
        yield sample(lambda: cls(1), np.array([-1.26, -0.34, 0.12, 0.99, 3.17]))
        yield sample(lambda: cls(-1), np.array([-126.0, -4, 12, 99, 1234]))


class Frac(Unary):
    """y = x - trunc(x), the fraction, with the sign of x. dL/dx = g."""

    def value(self, x: Any) -> Any:
        return x - np.trunc(x)

    def backward(self, g: Any) -> Any:
        return g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, np.array([-2.6, -1.4, -0.3, 0.3, 0.8, 1.2, 2.4]))


class FloorDivide(Elementwise):
    """y = ⌊a / b⌋. Constant almost everywhere: dL/da = 0, dL/db = 0."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        return np.floor_divide(a, b)

    def backward(self, g: Any) -> Any:
        return np.zeros_like(g), np.zeros_like(g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, _dividends(), _DIVISORS)
        yield sample(cls, np.array([7, -7, 7, -7]), np.array([2, 2, -2, -2]), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


class TruncDivide(Elementwise):
    """y = a / b without its fraction. Constant almost everywhere: dL/da = 0, dL/db = 0."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        return np.trunc(np.divide(a, b))

    def backward(self, g: Any) -> Any:
        return np.zeros_like(g), np.zeros_like(g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, _dividends(), _DIVISORS)
        yield bad(cls, normal(3, 4), normal(3))


class Remainder(Elementwise):
    """y = a - b ⌊a / b⌋, which has the sign of b. dL/da = g, dL/db = -g ⌊a / b⌋."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.remainder(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        return g, -g * np.floor(a / b) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, _dividends(), _DIVISORS)
        yield sample(cls, np.array([7, -7, 7, -7]), np.array([2, 2, -2, -2]), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


class Fmod(Elementwise):
    """y = a - b trunc(a / b), which has the sign of a. dL/da = g, dL/db = -g trunc(a / b)."""

    quiet = True

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.fmod(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        return g, -g * np.trunc(a / b) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, _dividends(), _DIVISORS)
        yield sample(cls, np.array([7, -7, 7, -7]), np.array([2, 2, -2, -2]), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


def _dividends() -> Any:
    """Numbers away from 0, for the samples."""
    return away_from(0, shape=(3, 4), gap=0.2)


_DIVISORS = np.array([0.61, -0.83, 1.27, -1.91])


# -- functions ------------------------------------------------------------------------------------------------------


@method(in_place=True)
def ceil(input: Any) -> Any:
    """Rounded up."""
    return Ceil()(input)


@method(in_place=True)
def floor(input: Any) -> Any:
    """Rounded down."""
    return Floor()(input)


@method("trunc", "fix", in_place=True)
def trunc(input: Any) -> Any:
    """Rounded towards 0."""
    return Trunc()(input)


@method(in_place=True)
def round(input: Any, *, decimals: int = 0) -> Any:
    """Rounded to so many decimal places; halves to the even neighbour."""
    if input.array.dtype.kind not in "iub":
        return Round(decimals)(input)
    if decimals:
        raise DtypeError(f"round to decimal places is not implemented for {input.dtype}; convert with .float() first")
    return clone(input)


@method(in_place=True)
def frac(input: Any) -> Any:
    """The fraction, with the sign of the number."""
    return Frac()(input)


@method(in_place=True)
def floor_divide(input: Any, other: Any) -> Any:
    """The quotient rounded down; whole numbers stay whole."""
    _check_whole(input, other)
    return FloorDivide()(input, other)


@method(in_place=True)
def remainder(input: Any, other: Any) -> Any:
    """What is left of the division with the quotient rounded down, as for Python's ``%``."""
    need_tensor("remainder", input, other)
    _check_whole(input, other)
    return Remainder()(input, other)


@method(in_place=True)
def fmod(input: Any, other: Any) -> Any:
    """What is left of the division with the quotient rounded towards 0, as for C's ``fmod``."""
    need_tensors("fmod", input)
    _check_whole(input, other)
    return Fmod()(input, other)


def divide_and_round(input: Any, other: Any, rounding_mode: str) -> Any:
    """The quotient rounded down (``"floor"``) or towards 0 (``"trunc"``); whole numbers stay whole.

    Raises:
        RangeError: another rounding mode.
    """
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode != "trunc":
        raise RangeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )
    if is_whole(input) and is_whole(other):
        return floor_divide(input - fmod(input, other), other)
    return TruncDivide()(input, other)


def _check_whole(dividend: Any, divisor: Any) -> None:
    """Whole numbers have no infinity that could be the result; truth values are not divided at all."""
    if not (is_whole(dividend) and is_whole(divisor)):
        return
    a, b = (x.array if isinstance(x, Tensor) else np.asarray(x) for x in (dividend, divisor))
    if a.dtype.kind == "b" and b.dtype.kind == "b":
        raise DtypeError("division with a remainder is not implemented for bool")
    if not np.all(b):
        raise RangeError("ZeroDivisionError: whole numbers cannot be divided by 0; convert with .float() first")


operator("floordiv", floor_divide)
operator("mod", remainder)

fix = trunc

answer_ufuncs(
    {
        np.ceil: ceil,
        np.floor: floor,
        np.trunc: trunc,
        np.rint: round,
        np.floor_divide: floor_divide,
        np.remainder: remainder,
        np.fmod: lambda a, b: Fmod()(a, b),
    }
)
