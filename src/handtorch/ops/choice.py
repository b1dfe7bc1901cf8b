"""Choosing among numbers by element: the larger, the smaller, one within bounds, one by a condition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DtypeError
from handtorch.ops.attach import method, with_out
from handtorch.ops.comparison import ordered
from handtorch.ops.dispatch import answer_functions, answer_ufuncs
from handtorch.ops.elementwise import Elementwise, Unary, need_tensors
from handtorch.ops.samples import Sample, away_from, bad, distinct, normal, sample
from handtorch.tensor import Tensor

__all__ = [
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "fmax",
    "fmin",
    "maximum",
    "minimum",
    "nan_to_num",
    "where",
]


class Larger(Elementwise):
    """The larger (or smaller) of two numbers: samples for both, and for both ways of treating NaN."""

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, distinct(3, 4, seed=1), distinct(3, 4, seed=2) + 0.03)
        yield sample(cls, distinct(3, 1), distinct(4) + 0.03)
        yield sample(cls, np.ones(2), np.ones(2), smooth=False)
        yield sample(cls, np.array([np.nan, 1, np.nan]), np.array([1, np.nan, np.nan]), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


class Maximum(Larger):
    """y = max(a, b); NaN wins. g goes to the larger; at a tie each gets g / 2."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.maximum(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        share = np.where(a == b, 0.5 * g, g)
        return np.where(a < b, 0.0, share), np.where(b < a, 0.0, share)


class Minimum(Larger):
    """y = min(a, b); NaN wins. g goes to the smaller; at a tie each gets g / 2."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.minimum(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        share = np.where(a == b, 0.5 * g, g)
        return np.where(a > b, 0.0, share), np.where(b > a, 0.0, share)


class Fmax(Larger):
    """y = max(a, b), where a number wins over NaN. g goes to the number that was taken; at a tie to a."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.fmax(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        first = (a >= b) | np.isnan(b)
        return np.where(first, g, 0.0), np.where(first, 0.0, g)


class Fmin(Larger):
    """y = min(a, b), where a number wins over NaN. g goes to the number that was taken; at a tie to a."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.fmin(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        first = (a <= b) | np.isnan(b)
        return np.where(first, g, 0.0), np.where(first, 0.0, g)


class Clamp(Elementwise):
    """y = min(max(x, low), high). g goes to x where low <= x <= high, else to the bound that was taken.

    The bounds are arrays, numbers, or None where there is none. NaN wins. Where low > high, y = high.
    """

    wraps = False

    def forward(self, x: Any, low: Any, high: Any) -> Any:
        self.save(x, low, high)
        return np.clip(x, low, high)

    def backward(self, g: Any) -> Any:
        x, low, high = self.saved
        below = False if low is None else x < low
        above = False if high is None else x > high
        dlow = dhigh = None
        if self.needs(1):
            dlow = np.where(below if high is None else below & (low < high), g, 0.0)
        if self.needs(2):
            dhigh = np.where(above if low is None else above | (low > high), g, 0.0)
        return np.where(below | above, 0.0, g), dlow, dhigh

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        x = away_from(-1, 1, shape=(3, 4))
        yield sample(cls, x, -1.0, 1.0)
        yield sample(cls, x, None, 1.0)
        yield sample(cls, x, -1.0, None)
        yield sample(cls, x, 1.0, -1.0)
        yield sample(cls, x, np.array([-1.0, 1, -1, 1]), np.array([1.0, 1.5, 1, -1]))
        yield sample(cls, x, None, np.array([[1.0], [-1], [1]]))
        yield bad(cls, x, normal(3), None)


class Where(Elementwise):
    """y = a where the condition holds, else b. g goes to whichever was taken.

    Args:
        condition: a boolean array, broadcast with a and b.
    """

    def __init__(self, condition: Any) -> None:
        self.condition = condition

    def forward(self, a: Any, b: Any) -> Any:
        return np.where(self.condition, a, b)

    def backward(self, g: Any) -> Any:
        return (
            np.where(self.condition, g, 0.0) if self.needs(0) else None,
            np.where(self.condition, 0.0, g) if self.needs(1) else None,
        )

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        condition = normal(3, 4, seed=3) > 0
        yield sample(lambda: cls(condition), normal(3, 4, seed=1), normal(3, 4, seed=2))
        yield sample(lambda: cls(condition), normal(3, 1, seed=1), normal(4, seed=2))
        yield sample(lambda: cls(condition), normal(4), 0.0)
        yield bad(lambda: cls(condition), normal(3, 4), normal(3))


class NanToNum(Unary):
    """y = x, with other numbers in place of NaN, +Inf and -Inf. dL/dx = g where x is finite, else 0.

    Args:
        nan, posinf, neginf: the numbers; None stands for 0, and for the largest and least number of the type.
    """

    def __init__(self, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> None:
        self.nan, self.posinf, self.neginf = nan, posinf, neginf

    def value(self, x: Any) -> Any:
        return np.nan_to_num(x, nan=self.nan or 0.0, posinf=self.posinf, neginf=self.neginf)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return np.where(np.isfinite(x), g, 0.0)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        x = np.array([1.5, np.nan, np.inf, -np.inf])
        yield sample(cls, x, smooth=False)
        yield sample(lambda: cls(1.0, 2.0, 3.0), x, smooth=False)


# -- functions ------------------------------------------------------------------------------------------------------


@method(out=True)
def maximum(input: Any, other: Any) -> Any:
    """The larger of two; NaN if one is."""
    return Maximum()(*ordered("maximum", *need_tensors("maximum", input, other)))


@method(out=True)
def minimum(input: Any, other: Any) -> Any:
    """The smaller of two; NaN if one is."""
    return Minimum()(*ordered("minimum", *need_tensors("minimum", input, other)))


@method(out=True)
def fmax(input: Any, other: Any) -> Any:
    """The larger of two; the other one if one is NaN."""
    return Fmax()(*ordered("fmax", *need_tensors("fmax", input, other)))


@method(out=True)
def fmin(input: Any, other: Any) -> Any:
    """The smaller of two; the other one if one is NaN."""
    return Fmin()(*ordered("fmin", *need_tensors("fmin", input, other)))


@method("clamp", "clip", in_place=True)
def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """The input held between ``min`` and ``max``, which are numbers, tensors or None.

    Raises:
        DtypeError: there is no bound, or a complex number.
    """
    if min is None and max is None:
        raise DtypeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    return Clamp()(*ordered("clamp", input, min, max))


@method(in_place=True)
def clamp_min(input: Any, min: Any) -> Any:
    """The input, or ``min`` where that is larger."""
    return clamp(input, min, None)


@method(in_place=True)
def clamp_max(input: Any, max: Any) -> Any:
    """The input, or ``max`` where that is smaller."""
    return clamp(input, None, max)


@with_out
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """The input where the condition holds, else ``other``; with neither, the places where it holds.

    Args:
        condition: a tensor of truth values (bytes are taken for such).
        input, other: tensors or numbers, broadcast with the condition and each other.
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if input is None or other is None:
        raise TypeError("where() takes a condition alone, or a condition with both input and other")
    kind = condition.array.dtype
    if kind != np.bool_ and kind != np.uint8:
        raise DtypeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}"
        )
    return Where(condition.array)(input, other)


@method("where")
def where_of(input: Any, condition: Any, other: Any) -> Any:
    """The tensor where the condition holds, else ``other``."""
    return where(condition, input, other)


@method(in_place=True)
def nan_to_num(input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> Any:
    """The input with numbers for NaN (0 by default), +Inf and -Inf (the largest and the least of the type)."""
    return NanToNum(nan, posinf, neginf)(input)


clip = clamp

answer_ufuncs(
    {
        np.maximum: lambda a, b: Maximum()(a, b),
        np.minimum: lambda a, b: Minimum()(a, b),
        np.fmax: lambda a, b: Fmax()(a, b),
        np.fmin: lambda a, b: Fmin()(a, b),
    }
)
answer_functions(
    {
        np.where: lambda condition, x, y: Where(condition.array if isinstance(condition, Tensor) else condition)(x, y),
        np.clip: clamp,
    }
)
