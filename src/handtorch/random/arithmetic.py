"""Rounding as the processor does it: fused multiply-add, and the C library's elementary functions.

PyTorch's samplers are compiled for processors that compute ``a * b + c`` with one rounding instead of two.
NumPy has no such instruction, so it is rebuilt here from operations that NumPy has.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handtorch.random.twins import twin

_SPLITTER = 2.0**27 + 1.0


def fma32(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> NDArray[np.float32]:
    """``a * b + c`` for float32 operands, rounded once.

    A product of two float32 numbers has at most 48 significant bits and so is exact in float64. The sum is then
    rounded to 53 bits before it is rounded to 24, which differs from one rounding in about one case in 2**29.
    """
    total = np.multiply(a, b, dtype=np.float64)
    return np.asarray(total + c).astype(np.float32)


def fma64(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> NDArray[np.float64]:
    """``a * b + c`` for float64 operands, rounded once but for ties that the error terms cannot see.

    The rounding errors of the product (Dekker 1971, with Veltkamp's split) and of the sum (Knuth's two-sum) are
    computed exactly and added to the rounded result.
    """
    a, b, c = (np.asarray(x, np.float64) for x in (a, b, c))
    with np.errstate(over="ignore", invalid="ignore"):
        product = a * b
        a_high, a_low = _halves(a)
        b_high, b_low = _halves(b)
        product_error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
        total = product + c
        back = total - product
        sum_error = (product - (total - back)) + (c - back)
        fused = total + (sum_error + product_error)
    return np.where(np.isfinite(fused), fused, total)  # the split overflows above 2**996


def _halves(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``x`` as a sum of two numbers of 26 bits, whose products are exact."""
    scaled = _SPLITTER * x
    high = scaled - (scaled - x)
    return high, x - high


def libm(name: str, x: NDArray[np.float64], dtype: np.dtype) -> NDArray[np.float64]:
    """The elementary function ``name`` of ``x``, as exact as a result of type ``dtype`` shows.

    NumPy's vector functions may differ from the C library in the last of 53 bits. A float64 result shows that bit,
    so it is asked of the C library, value by value; a narrower one does not, and NumPy is many times faster.

    Args:
        name: function of both ``numpy`` and ``math``, such as ``"log1p"``.
        x: any shape, inside the function's domain (minus infinity stands in for the logarithm of zero).
        dtype: type to which the sampler rounds its result.
    """
    if dtype.itemsize < 8:
        with np.errstate(divide="ignore"):
            return getattr(np, name)(x)
    if compiled := twin("libm", x.size):
        out = np.empty(x.size)
        compiled.FUNCTIONS[name](np.ascontiguousarray(x).reshape(-1), out)
        return out.reshape(x.shape)
    function = _AT_THE_ENDS.get(name) or getattr(math, name)
    return np.array([function(v) for v in x.ravel().tolist()], np.float64).reshape(x.shape)


def _log(x: float) -> float:
    return math.log(x) if x else -math.inf


def _exp(x: float) -> float:
    return math.exp(x) if x < _EXP_OVERFLOWS else math.inf


_EXP_OVERFLOWS = 709.782712893384  # log of the largest float64
_AT_THE_ENDS = {"log": _log, "exp": _exp}  # where Python raises and C returns an infinity
