"""Twins of softmax along the last axis: two passes over each row forwards, two backwards, on all threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from handtorch.kernels.activation import plain
from handtorch.kernels.compile import exp, kernel, largest, summing_kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import softmax

_ROWS = 1 << 15  # elements of the rows that are worked on at a time: they stay in the processor's cache


@summing_kernel
def _exponentials(row: Any, shift: Any, y: Any) -> Any:
    """Fill y with e^(x - shift), and return their sum."""
    total = row.dtype.type(0)
    for c in range(row.size):
        y[c] = exp(row[c] - shift)
        total += y[c]
    return total


@summing_kernel
def exp_sum(row: Any, shift: Any) -> Any:
    """Σ e^(x - shift)."""
    total = row.dtype.type(0)
    for c in range(row.size):
        total += exp(row[c] - shift)
    return total


@summing_kernel
def dot(a: Any, b: Any) -> Any:
    """Σ a b."""
    total = a.dtype.type(0)
    for c in range(a.size):
        total += a[c] * b[c]
    return total


@summing_kernel
def _sum(a: Any) -> Any:
    total = a.dtype.type(0)
    for c in range(a.size):
        total += a[c]
    return total


@kernel
def _softmax(x: Any, y: Any) -> None:
    for n in range(x.shape[0]):
        row, out = x[n], y[n]
        scale = x.dtype.type(1) / _exponentials(row, largest(row), out)
        for c in range(row.size):
            out[c] *= scale


@kernel
def _softmax_backward(y: Any, g: Any, dx: Any) -> None:
    for n in range(y.shape[0]):
        p, up, out = y[n], g[n], dx[n]
        mean = dot(p, up)
        for c in range(p.size):
            out[c] = p[c] * (up[c] - mean)


@kernel
def _log_softmax(x: Any, y: Any) -> None:
    for n in range(x.shape[0]):
        row, out = x[n], y[n]
        shift = largest(row)
        log_sum = np.log(exp_sum(row, shift))
        for c in range(row.size):
            out[c] = (row[c] - shift) - log_sum


@kernel
def _log_softmax_backward(y: Any, g: Any, dx: Any) -> None:
    for n in range(y.shape[0]):
        log_p, up, out = y[n], g[n], dx[n]
        total = _sum(up)
        for c in range(log_p.size):
            out[c] = up[c] - exp(log_p[c]) * total


class _ByRow:
    """What the twins share, in front of the ops that they are twins of."""

    fill: ClassVar[Callable[..., None]]
    pull: ClassVar[Callable[..., None]]

    def accepts(self: Any, x: Any) -> bool:
        return x.ndim > 0 and self.dim % x.ndim == x.ndim - 1 and plain(x) and x.size > 0

    def forward(self: Any, x: Any) -> Any:
        y = np.empty_like(x)
        _over_rows(self.fill, x, y)
        self.save(y)
        return y

    def backward(self: Any, g: Any) -> Any:
        (y,) = self.saved
        dx = np.empty_like(y)
        _over_rows(self.pull, y, np.ascontiguousarray(g), dx)
        return dx


def _over_rows(work: Callable[..., Any], *arrays: np.ndarray) -> None:
    """Call ``work`` on matching blocks of rows, on all threads."""
    length = arrays[0].shape[-1]
    tables = [array.reshape(-1, length) for array in arrays]
    rows = max(1, _ROWS // length)

    def blocks(low: int, high: int) -> None:
        for start in range(low, high, rows):
            work(*[table[start : min(start + rows, high)] for table in tables])

    parallel_for(blocks, tables[0].shape[0], rows)


class Softmax(_ByRow, softmax.Softmax):
    """Along the last axis, by row."""

    fill, pull = staticmethod(_softmax), staticmethod(_softmax_backward)


class LogSoftmax(_ByRow, softmax.LogSoftmax):
    """Along the last axis, by row."""

    fill, pull = staticmethod(_log_softmax), staticmethod(_log_softmax_backward)
