"""Twins of smooth activations: one pass over memory instead of one for every step of the formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.kernels.compile import erf, exp, kernel
from handtorch.kernels.layout import one_kind, row_major
from handtorch.kernels.threads import parallel_for
from handtorch.ops import activation

_GRAIN = 1 << 14
_FINER = 4  # pieces for each thread


def plain(*arrays: np.ndarray) -> bool:
    """Whether all are float32, or all float64, in row-major memory."""
    return one_kind(*arrays) and all(a.flags.c_contiguous for a in arrays)


def by_element(loop: Callable[..., Any], *arrays: np.ndarray, grain: int = _GRAIN) -> np.ndarray:
    """A new array like the first, filled by ``loop(*arrays, result)`` over flat pieces on all threads."""
    result = np.empty_like(arrays[0])
    flat = [array.reshape(-1) for array in (*arrays, result)]
    parallel_for(lambda low, high: loop(*[array[low:high] for array in flat]), result.size, grain, finer=_FINER)
    return result


class ByElement:
    """What twins of functions of one number share, in front of the op that they are twins of.

    ``value(x, y)`` fills y with f(x), and ``pull(saved, g, dx)`` fills dx with g f'; what is saved is x, or y where the
    op says ``from_result``.
    """

    from_result: bool
    value: Any
    pull: Any

    def accepts(self: Any, x: Any) -> bool:
        return plain(x)

    def forward(self: Any, x: Any) -> Any:
        y = by_element(self.value, x)
        self.save(y if self.from_result else x)
        return y

    def backward(self: Any, g: Any) -> Any:
        (saved,) = self.saved
        return by_element(self.pull, saved, row_major(g))


@kernel
def _sigmoid(x: Any, y: Any) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        y[i] = one / (one + exp(-x[i]))


@kernel
def _sigmoid_backward(y: Any, g: Any, dx: Any) -> None:
    one = y.dtype.type(1)
    for i in range(y.size):
        dx[i] = g[i] * (y[i] * (one - y[i]))


class Sigmoid(ByElement, activation.Sigmoid):
    """By element, on all threads."""

    value, pull = staticmethod(_sigmoid), staticmethod(_sigmoid_backward)


@kernel
def _tanh_backward(y: Any, g: Any, dx: Any) -> None:
    one = y.dtype.type(1)
    for i in range(y.size):
        dx[i] = g[i] * (one - y[i] * y[i])


class Tanh(ByElement, activation.Tanh):
    """By element, on all threads; NumPy's own tanh is vector code already."""

    value, pull = staticmethod(np.tanh), staticmethod(_tanh_backward)


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


class GELU(ByElement, activation.GELU):
    """By element, on all threads."""

    value, pull = staticmethod(_gelu), staticmethod(_gelu_backward)


@kernel
def _silu(x: Any, y: Any) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        y[i] = x[i] / (one + exp(-x[i]))


@kernel
def _silu_backward(x: Any, g: Any, dx: Any) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        s = one / (one + exp(-x[i]))
        dx[i] = g[i] * (s * (one + x[i] * (one - s)))


class SiLU(ByElement, activation.SiLU):
    """By element, on all threads."""

    value, pull = staticmethod(_silu), staticmethod(_silu_backward)


@kernel
def _gate(a: Any, b: Any, y: Any) -> None:
    """y = a σ(b)."""
    one = a.dtype.type(1)
    for i in range(a.size):
        y[i] = a[i] / (one + exp(-b[i]))


@kernel
def _gate_by_both(da: Any, a: Any, b: Any, db: Any) -> None:
    """db = da a σ(-b): what is left is a g σ(b) (1 - σ(b))."""
    one = a.dtype.type(1)
    for i in range(a.size):
        db[i] = da[i] * a[i] / (one + exp(b[i]))


@kernel
def _glu(x: Any, y: Any) -> None:
    for n in range(x.shape[0]):
        _gate(x[n, 0], x[n, 1], y[n])


@kernel
def _glu_backward(x: Any, g: Any, dx: Any) -> None:
    for n in range(x.shape[0]):
        _gate(g[n], x[n, 1], dx[n, 0])
        _gate_by_both(dx[n, 0], x[n, 0], x[n, 1], dx[n, 1])


class GLU(activation.GLU):
    """Seen as (outer, 2, inner), where each half is one run of memory; on all threads."""

    def accepts(self, x: Any) -> bool:  # type: ignore[override]
        return plain(x)

    def forward(self, x: Any) -> Any:
        self.save(x)
        y = np.empty((*x.shape[: self.dim], x.shape[self.dim] // 2, *x.shape[self.dim + 1 :]), x.dtype)
        self._over_outer(_glu, x, y)
        return y

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        dx = np.empty_like(x)
        self._over_outer(_glu_backward, x, np.ascontiguousarray(g), dx)
        return dx

    def _over_outer(self, loop: Callable[..., None], *arrays: np.ndarray) -> None:
        outer = math.prod(arrays[0].shape[: self.dim])
        inner = arrays[0].size // (2 * outer)
        tables = [a.reshape((outer, 2, inner) if a.size == arrays[0].size else (outer, inner)) for a in arrays]
        parallel_for(lambda low, high: loop(*[t[low:high] for t in tables]), outer, max(1, _GRAIN // inner))
