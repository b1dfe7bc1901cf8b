"""Box and Muller's transform (1958) in the two orders and the two precisions in which PyTorch computes it.

``z0 = sqrt(-2 log(u1)) cos(2 pi u2)``, ``z1 = sqrt(-2 log(u1)) sin(2 pi u2)``.

The float32 logarithm, sine and cosine are the polynomials of the Cephes library (Moshier 1989) as eight-lane vector
code evaluates them, where each multiply-add rounds once. Values are held in float64, in which a float32 product is
exact, and rounded to float32 wherever the vector code rounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handtorch.random.arithmetic import fma32, fma64, libm
from handtorch.random.generator import Generator
from handtorch.random.twins import twin

Doubles = NDArray[np.float64]
Singles = NDArray[np.float32]

_FLOAT64 = np.dtype(np.float64)
_BLOCK = 1 << 10  # rows of 8 pairs at once: arrays of 64 KiB, of which the second-level cache holds a dozen


def _coefficients(*values: float) -> tuple[float, ...]:
    """Coefficients rounded to float32, as the vector code holds them, but as float64."""
    return tuple(float(np.float32(value)) for value in values)


_LOG = _coefficients(
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
_LN2 = _LN2_LOW, _LN2_HIGH = _coefficients(-2.12194440e-4, 0.693359375)  # their sum is log 2
_QUARTER_PI = _coefficients(0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)  # pi / 4, in three parts
_SIN = _coefficients(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = _coefficients(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_SIN_COS = [np.array(pair).reshape(2, 1, 1) for pair in zip(_SIN, _COS, strict=True)]
_SQRT_HALF = np.float32(math.sqrt(0.5))
_OCTANTS_PER_RADIAN = np.float32(4 / math.pi)
_TWO_PI = np.float32(2 * math.pi)


def _single(x: Doubles) -> Doubles:
    """``x`` rounded to float32 and held as float64 again."""
    return x.astype(np.float32).astype(np.float64)


def _horner(x: Doubles, coefficients: Sequence[float | Doubles]) -> Doubles:
    """The polynomial of ``x``, highest power first, each step one fused multiply-add in float32."""
    total = np.asarray(coefficients[0] * x)
    total += coefficients[1]
    rounded = total.astype(np.float32)
    for coefficient in coefficients[2:]:
        total[...] = rounded
        total *= x
        total += coefficient
        rounded[...] = total
    total[...] = rounded
    return total


def _log32(x: Singles) -> Singles:
    """Natural logarithm of normal positive numbers ``x = 2**e m``, m in [sqrt(1/2), sqrt(2)): a series in m - 1."""
    bits = x.view(np.int32)
    exponent = ((bits >> 23) - 126).astype(np.float64)
    mantissa = ((bits & 0x7FFFFF) | 0x3F000000).view(np.float32)  # in [1/2, 1)
    small = mantissa < _SQRT_HALF
    exponent -= small
    m = np.where(small, mantissa + mantissa, mantissa).astype(np.float64)
    m -= 1.0
    square = _single(m * m)
    series = _single(_horner(m, _LOG) * m)
    series = _single(series * square + _single(exponent * _LN2_LOW))
    series = _single(series - 0.5 * square)
    return (_single(m + series) + exponent * _LN2_HIGH).astype(np.float32)


def _sin_cos32(x: Singles) -> tuple[Singles, Singles]:
    """Sine and cosine of angles in [0, 2 pi], in radians; the octant says which series is which, and the signs."""
    octant = ((x * _OCTANTS_PER_RADIAN).astype(np.int32) + 1) & ~1
    steps = octant.astype(np.float64)
    rest = x - steps * _QUARTER_PI[0]  # exact: the two are close, or the second is zero
    rest = _single(rest - steps * _QUARTER_PI[1])
    rest = _single(rest - steps * _QUARTER_PI[2])
    square = _single(rest * rest)
    series = _single(_horner(square, _SIN_COS) * square)
    sine = (series[0] * rest + rest).astype(np.float32)
    cosine = (series[1] * square - 0.5 * square).astype(np.float32) + np.float32(1.0)
    swapped = (octant & 2) != 0
    sin = np.where(swapped, cosine, sine)
    cos = np.where(swapped, sine, cosine)
    sin.view(np.int32)[...] ^= (octant & 4) << 29  # the sign bit
    cos.view(np.int32)[...] ^= ((octant + 2) & 4) << 29
    return sin, cos


def _transform32(units: Singles, mean: float, std: float) -> None:
    """Turn uniform numbers into normal ones in place, shape (rows, 2, 8): u1 and u2 become z0 and z1."""
    location, scale = np.float32(mean), np.float32(std)
    if compiled := twin("gaussian", units.size):
        compiled.transform32(units, location, scale, (_LOG, _LN2, _QUARTER_PI, _SIN, _COS))
        return
    for start in range(0, len(units), _BLOCK):
        block = units[start : start + _BLOCK]
        radius = np.sqrt(np.float32(-2.0) * _log32(np.float32(1.0) - block[:, 0]))
        sin, cos = _sin_cos32(_TWO_PI * block[:, 1])
        for half, direction in enumerate((cos, sin)):
            direction *= radius
            block[:, half] = direction + location if scale == 1 else fma32(direction, scale, location)


def _transform64(units: Doubles, mean: float, std: float) -> None:
    """The same in float64, through the C library."""
    if compiled := twin("gaussian", units.size):
        compiled.transform64(units, float(mean), float(std))
        return
    radius = np.sqrt(-2.0 * libm("log", 1.0 - units[:, 0], _FLOAT64))
    angle = (2.0 * math.pi) * units[:, 1]
    units[:, 0] = fma64(radius * libm("cos", angle, _FLOAT64), std, mean)
    units[:, 1] = fma64(radius * libm("sin", angle, _FLOAT64), std, mean)


def fill(generator: Generator, count: int, mean: float, std: float, dtype: np.dtype) -> NDArray[np.floating]:
    """``count`` >= 16 normal numbers the way a contiguous tensor gets them: sixteen uniform ones at a time.

    Eight pairs make a block, u1 in its first half and u2 in its second. When 16 does not divide ``count``, the last
    sixteen numbers are made anew and overlap the block before them; float16 draws nothing for the incomplete block
    that float32 and float64 draw and then drop.

    Returns:
        Array of shape (count,) and type ``dtype``.
    """
    units: Callable[[int], NDArray[Any]] = generator.units64 if dtype == np.float64 else generator.units32
    transform: Callable[[NDArray[Any], float, float], None] = _transform64 if dtype == np.float64 else _transform32
    whole = count - count % 16
    if dtype == np.float16:
        out = np.empty(count, dtype)
        made = units(whole)
        transform(made.reshape(-1, 2, 8), mean, std)
        out[:whole] = made
    else:
        out = units(count)
        transform(out[:whole].reshape(-1, 2, 8), mean, std)
    if whole != count:
        last = units(16)
        transform(last.reshape(1, 2, 8), mean, std)
        out[-16:] = last
    return out


def serial(generator: Generator, count: int, dtype: np.dtype) -> Doubles:
    """``count`` standard normal numbers one after the other: what is left of the last pair waits in the generator.

    Here u2 gives the radius and u1 the angle, in float64, exact as far as rounding to ``dtype`` shows.

    Returns:
        Array of shape (count,).
    """
    waiting = [generator.spare_normal] if count and generator.spare_normal is not None else []
    pairs = (count - len(waiting) + 1) // 2
    units = generator.units64(2 * pairs).reshape(pairs, 2)
    radius = np.sqrt(-2.0 * libm("log1p", -units[:, 1], dtype))
    angle = (2.0 * math.pi) * units[:, 0]
    made = np.stack([radius * libm("cos", angle, dtype), radius * libm("sin", angle, dtype)], axis=1).ravel()
    if len(waiting) + 2 * pairs > count:
        generator.spare_normal = math.sqrt(-2.0 * math.log1p(-units[-1, 1])) * math.sin(angle[-1])
    elif count:
        generator.spare_normal = None
    return np.concatenate([waiting, made])[:count]
