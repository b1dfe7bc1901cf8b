"""How kernels are compiled, and the functions of one number that they share.

The C library's ``exp`` and ``erf`` take one number at a time, and a loop that calls them does not vectorise. The
functions here are short polynomials without branches, which LLVM turns into vector code; only ``erf`` of a float64 is
the C library's.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic, overload

# Numba compiles a kernel again when the kernel's own file has changed; whatever is older than this file must go too.
for _index in Path(__file__).parent.glob("__pycache__/*.nbi"):
    if _index.stat().st_mtime < Path(__file__).stat().st_mtime:
        _index.unlink(missing_ok=True)

# LLVM keeps off the widest vector registers, for the sake of processors that slowed down when they were used. Those of
# today do not, and what computes more than it reads takes little more than half the time in them.
if numba.config.CPU_FEATURES is None and numba.config.ENABLE_AVX and binding.get_host_cpu_features().get("avx512f"):
    numba.config.CPU_FEATURES = binding.get_host_cpu_features().flatten() + ",-prefer-256-bit"

#: Releases the GIL, is kept on disk, divides as IEEE 754 does, and may fuse a product with a sum - nothing else.
kernel = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
#: The same, and sums may be taken in any order: for reductions.
summing_kernel = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
#: The same as a kernel, and fuses nothing by itself: for results that are held to the last bit.
exact_kernel = numba.njit(nogil=True, cache=True, error_model="numpy")


@intrinsic
def _bits(context: Any, x: Any) -> Any:
    """A float32's bits as an int32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def _float(context: Any, bits: Any) -> Any:
    """The float32 that has these 32 bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def _bits64(context: Any, x: Any) -> Any:
    """A float64's bits as an int64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _float64(context: Any, bits: Any) -> Any:
    """The float64 that has these 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), generate


def _turned(builder: Any, bits: Any) -> Any:
    """The bits of a float with those behind the sign turned over where that is set: then they order as floats do."""
    signs = builder.ashr(bits, bits.type(bits.type.width - 1))
    return builder.xor(bits, builder.lshr(signs, bits.type(1)))


@intrinsic
def _order(context: Any, x: Any) -> Any:
    """A whole number for each float, in the same order; a NaN comes after infinity, or first of all if its sign is set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _turned(builder, builder.bitcast(args[0], ir.IntType(x.bitwidth)))

    return types.Integer.from_bitwidth(x.bitwidth)(x), generate


@intrinsic
def _of_order(context: Any, number: Any) -> Any:
    """The float of such a whole number."""
    kind = types.float32 if number == types.int32 else types.float64

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(_turned(builder, args[0]), context.get_data_type(kind))

    return kind(number), generate


@summing_kernel
def largest(row: Any) -> Any:
    """The largest number of a vector; -Inf if it is empty, NaN if there is one whose sign is not set.

    Floats that might be NaN are not compared several at a time, whole numbers are.
    """
    most = _order(-row.dtype.type(np.inf))
    for c in range(row.size):
        most = max(most, _order(row[c]))
    return _of_order(most)


# Without this the functions would be compiled with their caller's freedoms, and lose the digits that they save.
_STRICT: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy", "forceinline": True}

_LOG2_E = np.float32(1 / math.log(2))
_ROUND = np.float32(1.5 * 2**23)  # adding it leaves the nearest whole number in the last bits
_LN2_HIGH = np.float32(0.693359375)
_LN2_LOW = np.float32(math.log(2) - 0.693359375)
_LARGEST, _SMALLEST = np.float32(88.37), np.float32(-87.33)
_E2, _E3, _E4, _E5, _E6, _E7 = (np.float32(1 / math.factorial(n)) for n in range(2, 8))
_ONE, _TWO = np.float32(1), np.float32(2)
_INFINITY, _ZERO = np.float32(np.inf), np.float32(0)

_LOG2_E64 = 1 / math.log(2)
_ROUND64 = 1.5 * 2**52
_LN2_HIGH64 = float.fromhex("0x1.62e42feep-1")  # ends in zeros, so that its product with k is exact
_LN2_LOW64 = 1.9082149292705877e-10
_LARGEST64, _SMALLEST64 = 709.43, -708.39
_F2, _F3, _F4, _F5, _F6, _F7, _F8, _F9, _F10, _F11, _F12, _F13 = (1 / math.factorial(n) for n in range(2, 14))

_TANH_IS_ONE, _TANH_IS_ONE64 = np.float32(9.02), 19.1


@numba.njit(**_STRICT)  # type: ignore[untyped-decorator]
def _power(x):  # type: ignore[no-untyped-def] # compiled for each type of x
    """e^x = 2^k (1 + p): p and 2^k. Beyond the bounds of float32 it is that of the bound."""
    # k is the whole number nearest to x / ln 2, so that r = x - k ln 2 has |r| <= ln 2 / 2: Taylor to the 7th power
    held = min(max(x, _SMALLEST), _LARGEST)
    shifted = held * _LOG2_E + _ROUND
    k = shifted - _ROUND
    r = held - k * _LN2_HIGH - k * _LN2_LOW
    p = r * (_ONE + r * (_E2 + r * (_E3 + r * (_E4 + r * (_E5 + r * (_E6 + r * _E7))))))
    return p, _float(np.int32((_bits(shifted) - _bits(_ROUND) + np.int32(127)) << np.int32(23)))


@numba.njit(**_STRICT)  # type: ignore[untyped-decorator]
def _power64(x):  # type: ignore[no-untyped-def] # compiled for each type of x
    """The same in double precision: Taylor to the 13th power."""
    held = min(max(x, _SMALLEST64), _LARGEST64)
    shifted = held * _LOG2_E64 + _ROUND64
    k = shifted - _ROUND64
    r = held - k * _LN2_HIGH64 - k * _LN2_LOW64
    p = _F8 + r * (_F9 + r * (_F10 + r * (_F11 + r * (_F12 + r * _F13))))
    p = r * (1.0 + r * (_F2 + r * (_F3 + r * (_F4 + r * (_F5 + r * (_F6 + r * (_F7 + r * p)))))))
    return p, _float64((_bits64(shifted) - _bits64(_ROUND64) + 1023) << 52)


def exp(x: Any) -> Any:
    """e^x, to 2 units in the last place."""
    return math.exp(x)


@overload(exp, jit_options=_STRICT)
def _exp(x):  # type: ignore[no-untyped-def] # annotations would have to stand at the inner function too
    if x == types.float64:

        def exp64(x):  # type: ignore[no-untyped-def]
            p, scale = _power64(x)
            y = (1.0 + p) * scale
            y = math.inf if x > _LARGEST64 else y
            y = 0.0 if x < _SMALLEST64 else y
            return x if x != x else y

        return exp64
    if x != types.float32:
        return lambda x: math.exp(x)

    def exp32(x):  # type: ignore[no-untyped-def]
        p, scale = _power(x)
        y = (_ONE + p) * scale
        y = _INFINITY if x > _LARGEST else y
        y = _ZERO if x < _SMALLEST else y
        return x if x != x else y

    return exp32


def expm1(x: Any) -> Any:
    """e^x - 1, with its digits where x is small."""
    return math.expm1(x)


@overload(expm1, jit_options=_STRICT)
def _expm1(x):  # type: ignore[no-untyped-def] # annotations would have to stand at the inner function too
    # where x is small the scale is 1, so that p is left with all its digits
    if x == types.float64:

        def expm1_64(x):  # type: ignore[no-untyped-def]
            p, scale = _power64(x)
            y = scale * p + (scale - 1.0)
            y = math.inf if x > _LARGEST64 else y
            return x if x != x else y

        return expm1_64

    def expm1_32(x):  # type: ignore[no-untyped-def]
        p, scale = _power(x)
        y = scale * p + (scale - _ONE)
        y = _INFINITY if x > _LARGEST else y
        return x if x != x else y

    return expm1_32


def tanh(x: Any) -> Any:
    """(e^x - e^-x) / (e^x + e^-x), to 4 units in the last place."""
    return math.tanh(x)


@overload(tanh, jit_options=_STRICT)
def _tanh(x):  # type: ignore[no-untyped-def] # annotations would have to stand at the inner function too
    # with e = e^2x - 1 it is e / (e + 2); from where on it rounds to 1, x is held back, since e would overflow
    if x == types.float64:

        def tanh64(x):  # type: ignore[no-untyped-def]
            p, scale = _power64(2.0 * min(max(x, -_TANH_IS_ONE64), _TANH_IS_ONE64))
            e = scale * p + (scale - 1.0)
            y = e / (e + 2.0)
            return x if x != x else y

        return tanh64

    def tanh32(x):  # type: ignore[no-untyped-def]
        p, scale = _power(_TWO * min(max(x, -_TANH_IS_ONE), _TANH_IS_ONE))
        e = scale * p + (scale - _ONE)
        y = e / (e + _TWO)
        return x if x != x else y

    return tanh32


# erf(x)/x as a quotient of polynomials in x², fitted for the least relative error on |x| < 3.95: 8e-10. Beyond, 1 - erf
# is smaller than half a unit in the last place.
_P = tuple(
    np.float32(c)
    for c in (
        1.128379168015585,
        0.16381755709434348,
        0.050388896828099126,
        0.002807903434000188,
        0.0002941684270655287,
        -1.1072549501808591e-06,
        -5.033472134349609e-08,
    )
)
_Q = tuple(
    np.float32(c)
    for c in (
        1.0,
        0.4785128975969643,
        0.1041600592336399,
        0.013167339090180188,
        0.000996412679635667,
        3.748409845724515e-05,
        -7.252244347119429e-07,
    )
)
_ERF_IS_ONE = np.float32(3.95)


def erf(x: Any) -> Any:
    """2/√π ∫₀ˣ e^(-t²) dt, to 4 units in the last place."""
    return math.erf(x)


@overload(erf, jit_options=_STRICT)
def _erf(x):  # type: ignore[no-untyped-def] # annotations would have to stand at the inner function too
    if x != types.float32:
        return lambda x: math.erf(x)

    def erf32(x):  # type: ignore[no-untyped-def]
        held = min(max(x, -_ERF_IS_ONE), _ERF_IS_ONE)
        t = held * held
        p = _P[0] + t * (_P[1] + t * (_P[2] + t * (_P[3] + t * (_P[4] + t * (_P[5] + t * _P[6])))))
        q = _Q[0] + t * (_Q[1] + t * (_Q[2] + t * (_Q[3] + t * (_Q[4] + t * (_Q[5] + t * _Q[6])))))
        y = held * p / q
        return x if x != x else y

    return erf32


_THIRD, _FIFTH, _SEVENTH, _NINTH, _ELEVENTH, _THIRTEENTH = (np.float32(1 / n) for n in range(3, 15, 2))


def log1p(x: Any) -> Any:
    """ln(1 + x) for x in [0, 1], to 2 units in the last place."""
    return math.log1p(x)


@overload(log1p, jit_options=_STRICT)
def _log1p(x):  # type: ignore[no-untyped-def] # annotations would have to stand at the inner function too
    if x != types.float32:
        return lambda x: math.log1p(x)

    def log1p32(x):  # type: ignore[no-untyped-def]
        # ln(1 + x) = 2 artanh(s) = 2 (s + s³/3 + s⁵/5 + ...) with s = x / (2 + x), which is at most 1/3 here
        s = x / (_TWO + x)
        q = s * s
        tail = _NINTH + q * (_ELEVENTH + q * _THIRTEENTH)
        return _TWO * (s + s * q * (_THIRD + q * (_FIFTH + q * (_SEVENTH + q * tail))))

    return log1p32
