"""Twins of ``random.arithmetic``: fused multiply-add, and the C library's functions over whole arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
from numba import types
from numba.extending import intrinsic

from handtorch.kernels.compile import exact_kernel

#: Whether compiled code calls the C library. Where Numba finds Intel's vector library it calls that instead, and the
#: last bits differ.
EXACT = not numba.config.USING_SVML


@intrinsic
def fma(context: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c``, all float32 or all float64, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    if a == b == c and isinstance(a, types.Float):
        return a(a, b, c), generate
    return None


@exact_kernel
def stretch(x: Any, width: Any, low: Any, high: Any) -> None:
    """Units onto [low, high) in place: x width + low with one rounding; what rounds to ``high`` becomes ``low``."""
    for i in range(x.size):
        y = fma(x[i], width, low)
        x[i] = low if y == high else y


def _each(function: Callable[[float], float]) -> Any:
    @exact_kernel
    def fill(x: Any, out: Any) -> None:
        for i in range(x.size):
            out[i] = function(x[i])

    return fill


#: ``FUNCTIONS["log"](x, out)`` and so on, float64 and of one axis.
FUNCTIONS = {name: _each(getattr(math, name)) for name in ("log", "log1p", "exp", "sin", "cos", "tan")}
