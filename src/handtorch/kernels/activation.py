"""Twins of activations: one pass over memory instead of one for every step of the formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.kernels.compile import erf, exp, kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import activation, piecewise

_GRAIN = 1 << 14


@kernel
def _gelu(x: Any, y: Any) -> None:
    half, root = x.dtype.type(0.5), x.dtype.type(math.sqrt(0.5))
    for i in range(x.size):
        y[i] = x[i] * (half + half * erf(x[i] * root))


@kernel
def _gelu_backward(x: Any, g: Any, dx: Any) -> None:
    half, root = x.dtype.type(0.5), x.dtype.type(math.sqrt(0.5))
    density = x.dtype.type(1 / math.sqrt(2 * math.pi))
    for i in range(x.size):
        normal = density * exp(-half * x[i] * x[i])
        dx[i] = g[i] * (half + half * erf(x[i] * root) + x[i] * normal)


def plain(*arrays: np.ndarray) -> bool:
    """Whether all are float32, or all float64, in row-major memory."""
    kind = arrays[0].dtype
    return kind in (np.float32, np.float64) and all(a.dtype == kind and a.flags.c_contiguous for a in arrays)


def by_element(loop: Callable[..., None], *arrays: np.ndarray, grain: int = _GRAIN) -> np.ndarray:
    """A new array like the first, filled by ``loop(*arrays, result)`` over flat pieces on all threads."""
    result = np.empty_like(arrays[0])
    flat = [array.reshape(-1) for array in (*arrays, result)]
    parallel_for(lambda low, high: loop(*[array[low:high] for array in flat]), result.size, grain)
    return result


@kernel
def _relu(x: Any, y: Any) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = zero if x[i] < zero else x[i]


@kernel
def _relu_backward(y: Any, g: Any, dx: Any) -> None:
    zero = y.dtype.type(0)
    for i in range(y.size):
        dx[i] = g[i] if y[i] > zero else zero


class ReLU(piecewise.ReLU):
    """By element, on all threads."""

    def accepts(self, x: Any) -> bool:  # type: ignore[override]
        return plain(x)

    def forward(self, x: Any) -> Any:
        y = by_element(_relu, x)
        self.save(y)
        return y

    def backward(self, g: Any) -> Any:
        (y,) = self.saved
        return by_element(_relu_backward, y, np.ascontiguousarray(g))


class GELU(activation.GELU):
    """By element, on all threads."""

    def accepts(self, x: Any) -> bool:  # type: ignore[override]
        return plain(x)

    def forward(self, x: Any) -> Any:
        self.save(x)
        return by_element(_gelu, x)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return by_element(_gelu_backward, x, np.ascontiguousarray(g))
