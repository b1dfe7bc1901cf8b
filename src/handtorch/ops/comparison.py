"""Comparisons and tests by element, whose results are truth values, and what is true of whole tensors."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_ufuncs
from handtorch.ops.elementwise import OPERANDS, Discrete, need_tensors
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.tensor import Tensor

__all__ = [
    "allclose",
    "eq",
    "equal",
    "ge",
    "greater",
    "greater_equal",
    "gt",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "le",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
    "not_equal",
    "signbit",
]


class Compare(Discrete):
    """y = whether the relation holds by element; boolean, without a derivative.

    Args:
        function: NumPy's function of two: ``np.equal``, ``np.less`` ..., ``np.logical_and`` ...
    """

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        relations = (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
        for relation in relations:
            yield sample(partial(cls, relation), np.array([1.0, 2, 3]), np.array([2.0, 2, 2]))
        for connective in (np.logical_and, np.logical_or, np.logical_xor):
            yield sample(partial(cls, connective), np.array([0.0, 0, 0.5, 3]), np.array([0.0, 2, 0, -1]))
        yield bad(lambda: cls(np.less), normal(3, 4), normal(3))


class Classify(Discrete):
    """y = whether something is true of each number; boolean, without a derivative.

    Args:
        function: NumPy's function of one: ``np.isnan``, ``np.isinf``, ``np.isfinite``, ``np.isposinf``,
            ``np.isneginf``, ``np.isreal``, ``np.signbit`` or ``np.logical_not``.
    """

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        x = np.array([-np.inf, -1.5, -0.0, 0.0, 2.0, np.inf, np.nan])
        for function in (np.isnan, np.isinf, np.isfinite, np.isposinf, np.isneginf, np.signbit, np.logical_not):
            yield sample(partial(cls, function), x)
        yield sample(lambda: cls(np.isreal), np.array([1 + 2j, 3 + 0j]))


# -- functions ------------------------------------------------------------------------------------------------------


@method("eq", in_place=True)
def eq(input: Any, other: Any) -> Any:
    """Whether the numbers are equal."""
    need_tensors("eq", input)
    return Compare(np.equal)(input, other)


@method("ne", "not_equal", in_place=True)
def ne(input: Any, other: Any) -> Any:
    """Whether the numbers differ."""
    need_tensors("ne", input)
    return Compare(np.not_equal)(input, other)


@method("lt", "less", in_place=True)
def lt(input: Any, other: Any) -> Any:
    """Whether the input is less."""
    return Compare(np.less)(*ordered("lt", input, other))


@method("le", "less_equal", in_place=True)
def le(input: Any, other: Any) -> Any:
    """Whether the input is less or equal."""
    return Compare(np.less_equal)(*ordered("le", input, other))


@method("gt", "greater", in_place=True)
def gt(input: Any, other: Any) -> Any:
    """Whether the input is greater."""
    return Compare(np.greater)(*ordered("gt", input, other))


@method("ge", "greater_equal", in_place=True)
def ge(input: Any, other: Any) -> Any:
    """Whether the input is greater or equal."""
    return Compare(np.greater_equal)(*ordered("ge", input, other))


def ordered(name: str, input: Any, *others: Any) -> tuple[Any, ...]:
    """The operands of a function that needs an order: the first is a Tensor, and none is complex.

    Raises:
        TypeError: the first is no Tensor.
        DtypeError: one is complex.
    """
    need_tensors(name, input)
    for x in (input, *others):
        if x.array.dtype.kind == "c" if isinstance(x, Tensor) else isinstance(x, complex):
            raise DtypeError(f"{name} is not supported for complex types: they have no order; compare .abs() or .real")
    return (input, *others)


def _relation_operator(symbol: str, function: Any) -> None:
    def compare(self: Any, other: Any) -> Any:
        return function(self, other) if isinstance(other, OPERANDS) else NotImplemented

    function = inspect.unwrap(function)
    method(f"__{symbol}__")(compare)


for _function in (eq, ne, lt, le, gt, ge):
    _relation_operator(_function.__name__, _function)
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge


@method(in_place=True)
def logical_and(input: Any, other: Any) -> Any:
    """Whether both are other than 0."""
    return Compare(np.logical_and)(*need_tensors("logical_and", input, other))


@method(in_place=True)
def logical_or(input: Any, other: Any) -> Any:
    """Whether one of them is other than 0."""
    return Compare(np.logical_or)(*need_tensors("logical_or", input, other))


@method(in_place=True)
def logical_xor(input: Any, other: Any) -> Any:
    """Whether exactly one of them is other than 0."""
    return Compare(np.logical_xor)(*need_tensors("logical_xor", input, other))


@method(in_place=True)
def logical_not(input: Any) -> Any:
    """Whether it is 0."""
    return Classify(np.logical_not)(input)


@method()
def isnan(input: Any) -> Any:
    """Whether it is not a number."""
    return Classify(np.isnan)(input)


@method()
def isinf(input: Any) -> Any:
    """Whether it is infinite."""
    return Classify(np.isinf)(input)


@method()
def isfinite(input: Any) -> Any:
    """Whether it is neither infinite nor NaN."""
    return Classify(np.isfinite)(input)


@method(out=True)
def isposinf(input: Any) -> Any:
    """Whether it is +Inf."""
    return Classify(np.isposinf)(*ordered("isposinf", input))


@method(out=True)
def isneginf(input: Any) -> Any:
    """Whether it is -Inf."""
    return Classify(np.isneginf)(*ordered("isneginf", input))


@method()
def isreal(input: Any) -> Any:
    """Whether it has no imaginary part."""
    return Classify(np.isreal)(input)


@method(out=True)
def signbit(input: Any) -> Any:
    """Whether its sign is minus, which -0.0 has too."""
    return Classify(np.signbit)(*ordered("signbit", input))


@method()
def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Whether |input - other| <= atol + rtol · |other|, by element; equal infinities are close.

    Raises:
        DtypeError: the tensors are of two types.
        RangeError: a tolerance is negative.
        ShapeError: the shapes cannot be broadcast.
    """
    a, b = input.array, other.array
    if a.dtype != b.dtype:
        raise DtypeError(f"isclose: {input.dtype} did not match {other.dtype}; convert one with .to()")
    if rtol < 0 or atol < 0:
        name, value = ("rtol", rtol) if rtol < 0 else ("atol", atol)
        raise RangeError(f"{name} must be greater than or equal to zero, but got {value}")
    with np.errstate(all="ignore"):
        if a.dtype.kind in "iub":  # the tolerance is a fraction, and the difference must not wrap around
            a, b = a.astype(np.float64), b.astype(np.float64)
        try:
            close = np.abs(a - b) <= atol + rtol * np.abs(b)
        except ValueError:
            raise ShapeError(f"isclose: cannot broadcast shapes {a.shape} and {b.shape}") from None
        close &= np.isfinite(b)
        close |= a == b
        if equal_nan:
            close |= np.isnan(a) & np.isnan(b)
    return Tensor.of(np.asarray(close))


@method()
def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close, as :func:`isclose` says."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


@method()
def equal(input: Any, other: Any) -> bool:
    """Whether two tensors have the same shape and the same elements."""
    return bool(np.array_equal(input.array, other.array))


answer_ufuncs(
    {
        relation: lambda a, b, relation=relation: Compare(relation)(a, b)
        for relation in (
            *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
            *(np.logical_and, np.logical_or, np.logical_xor),
        )
    }
)
answer_ufuncs(
    {
        np.logical_not: logical_not,
        np.isnan: isnan,
        np.isinf: isinf,
        np.isfinite: isfinite,
        np.signbit: signbit,
    }
)
