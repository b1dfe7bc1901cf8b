"""Twins of Box and Muller's transform: the same polynomials, with the processor's own fused multiply-add.

Where the plain float32 code rounds a sum to 53 bits first, this one rounds once: the two differ in about one number
of a million million, and there PyTorch agrees with this one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.kernels.compile import _bits, _float, exact_kernel
from handtorch.kernels.libm import EXACT, fma

__all__ = ["EXACT", "transform32", "transform64"]

_HALF, _ONE, _MINUS_TWO = np.float32(0.5), np.float32(1.0), np.float32(-2.0)
_SQRT_HALF = np.float32(math.sqrt(0.5))
_OCTANTS_PER_RADIAN = np.float32(4 / math.pi)
_TWO_PI = np.float32(2 * math.pi)
_BLOCK = 256  # rows of 8 pairs at once: 16 KiB, which the first-level cache holds


@exact_kernel
def _horner(x: Any, coefficients: Any) -> Any:
    total = fma(np.float32(coefficients[0]), x, np.float32(coefficients[1]))
    for coefficient in coefficients[2:]:
        total = fma(total, x, np.float32(coefficient))
    return total


@exact_kernel
def _log(x: Any, series: Any, ln2: Any) -> Any:
    bits = _bits(x)
    mantissa = _float(np.int32((bits & np.int32(0x7FFFFF)) | np.int32(0x3F000000)))  # in [1/2, 1)
    exponent = np.float32(np.int32((bits >> np.int32(23)) - np.int32(126)))
    small = mantissa < _SQRT_HALF
    exponent = exponent - _ONE if small else exponent
    m = (mantissa + mantissa if small else mantissa) - _ONE
    square = m * m
    y = fma(_horner(m, series) * m, square, exponent * np.float32(ln2[0])) - _HALF * square
    return fma(exponent, np.float32(ln2[1]), m + y)


@exact_kernel
def _sin_cos(x: Any, quarter_pi: Any, sin_series: Any, cos_series: Any) -> Any:
    octant = np.int32((np.int32(x * _OCTANTS_PER_RADIAN) + np.int32(1)) & np.int32(~1))
    steps, rest = np.float32(octant), x
    for part in quarter_pi:
        rest = fma(steps, -np.float32(part), rest)
    square = rest * rest
    sine = fma(_horner(square, sin_series) * square, rest, rest)
    cosine = fma(_horner(square, cos_series) * square, square, -_HALF * square) + _ONE
    swapped = (octant & np.int32(2)) != 0
    sin = cosine if swapped else sine
    cos = sine if swapped else cosine
    sin_sign = np.int32((octant & np.int32(4)) << np.int32(29))
    cos_sign = np.int32(((octant + np.int32(2)) & np.int32(4)) << np.int32(29))
    return _float(np.int32(_bits(sin) ^ sin_sign)), _float(np.int32(_bits(cos) ^ cos_sign))


@exact_kernel
def transform32(units: Any, mean: Any, std: Any, coefficients: Any) -> None:
    """Uniform float32 numbers to normal ones in place, shape (rows, 2, 8): u1 and u2 become z0 and z1.

    ``coefficients`` are those of the plain code: log, log 2, pi / 4, sine, cosine.
    """
    log_series, ln2, quarter_pi, sin_series, cos_series = coefficients
    u1, u2 = np.empty(8 * _BLOCK, np.float32), np.empty(8 * _BLOCK, np.float32)
    for start in range(0, len(units), _BLOCK):
        part = units[start : start + _BLOCK]
        count = 8 * len(part)
        for i in range(count):  # so that the next loop is one long one: many of length 8 would not become vector code
            u1[i], u2[i] = part[i >> 3, 0, i & 7], part[i >> 3, 1, i & 7]
        for i in range(count):
            radius = math.sqrt(_MINUS_TWO * _log(_ONE - u1[i], log_series, ln2))
            sin, cos = _sin_cos(_TWO_PI * u2[i], quarter_pi, sin_series, cos_series)
            u1[i] = fma(radius * cos, std, mean)
            u2[i] = fma(radius * sin, std, mean)
        for i in range(count):
            part[i >> 3, 0, i & 7], part[i >> 3, 1, i & 7] = u1[i], u2[i]


@exact_kernel
def transform64(units: Any, mean: Any, std: Any) -> None:
    """The same in float64, through the C library."""
    for row in range(len(units)):
        for i in range(8):
            radius = math.sqrt(-2.0 * math.log(1.0 - units[row, 0, i]))
            angle = (2.0 * math.pi) * units[row, 1, i]
            units[row, 0, i] = fma(radius * math.cos(angle), std, mean)
            units[row, 1, i] = fma(radius * math.sin(angle), std, mean)
