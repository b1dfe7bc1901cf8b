"""The bits of whole numbers, truth values, and common divisors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_ufuncs
from handtorch.ops.elementwise import Discrete, need_tensor, need_tensors, operator
from handtorch.ops.samples import Sample, bad, sample

__all__ = [
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "gcd",
    "lcm",
]


class Bitwise(Discrete):
    """y = a & b, a | b, a ^ b or ~a, of truth values or of the bits of whole numbers; the bits of a moved b places up
    (a 2^b) or down (⌊a / 2^b⌋); the greatest common divisor or least common multiple.

    Args:
        function: NumPy's function: ``np.bitwise_and``, ``np.bitwise_or``, ``np.bitwise_xor``, ``np.invert``,
            ``np.left_shift``, ``np.right_shift``, ``np.gcd`` or ``np.lcm``.
    """

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
        for function in (np.bitwise_and, np.bitwise_or, np.bitwise_xor):
            yield sample(partial(cls, function), a, b)
            yield sample(partial(cls, function), np.array([12, 7]), np.array([10, -1]))
        yield sample(lambda: cls(np.invert), a)
        yield sample(lambda: cls(np.invert), np.array([12, -7]))
        for shift in (np.left_shift, np.right_shift):
            yield sample(partial(cls, shift), np.array([12, 7, -7, 1]), np.array([0, 1, 2, 40]))
        for shared in (np.gcd, np.lcm):
            yield sample(partial(cls, shared), np.array([12, -18, 0, 0, 7]), np.array([18, 12, 5, 0, 1]))
        yield bad(lambda: cls(np.bitwise_and), a, b[:3])


# -- functions ------------------------------------------------------------------------------------------------------


@method(in_place=True)
def bitwise_and(input: Any, other: Any) -> Any:
    """The bits that both have; of truth values, whether both hold."""
    return Bitwise(np.bitwise_and)(*need_tensor("bitwise_and", input, other))


@method(in_place=True)
def bitwise_or(input: Any, other: Any) -> Any:
    """The bits that either has; of truth values, whether one of them holds."""
    return Bitwise(np.bitwise_or)(*need_tensor("bitwise_or", input, other))


@method(in_place=True)
def bitwise_xor(input: Any, other: Any) -> Any:
    """The bits that only one has; of truth values, whether they differ."""
    return Bitwise(np.bitwise_xor)(*need_tensor("bitwise_xor", input, other))


@method(in_place=True)
def bitwise_not(input: Any) -> Any:
    """All bits reversed; of truth values, the opposite."""
    return Bitwise(np.invert)(input)


@method("__invert__")
def _invert(self: Any) -> Any:
    """The operator ``~``."""
    if self.array.dtype.kind not in "iub":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return bitwise_not(self)


@method(in_place=True)
def bitwise_left_shift(input: Any, other: Any) -> Any:
    """The bits moved ``other`` places up: input · 2 ^ other."""
    return Bitwise(np.left_shift)(*need_tensor("bitwise_left_shift", input, other))


@method(in_place=True)
def bitwise_right_shift(input: Any, other: Any) -> Any:
    """The bits moved ``other`` places down: input / 2 ^ other, rounded down."""
    return Bitwise(np.right_shift)(*need_tensor("bitwise_right_shift", input, other))


@method(in_place=True)
def gcd(input: Any, other: Any) -> Any:
    """The greatest common divisor."""
    return Bitwise(np.gcd)(*need_tensors("gcd", input, other))


@method(in_place=True)
def lcm(input: Any, other: Any) -> Any:
    """The least common multiple."""
    return Bitwise(np.lcm)(*need_tensors("lcm", input, other))


for _symbol, _function in {
    "and": bitwise_and,
    "or": bitwise_or,
    "xor": bitwise_xor,
    "lshift": bitwise_left_shift,
    "rshift": bitwise_right_shift,
}.items():
    operator(_symbol, _function)


answer_ufuncs(
    {
        np.bitwise_and: bitwise_and,
        np.bitwise_or: bitwise_or,
        np.bitwise_xor: bitwise_xor,
        np.invert: bitwise_not,
        np.left_shift: bitwise_left_shift,
        np.right_shift: bitwise_right_shift,
    }
)
