"""Twin of softmax and cross entropy: one pass over each row forwards, one backwards, on all threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.activation import plain
from handtorch.kernels.compile import exp, kernel, largest
from handtorch.kernels.linalg import product
from handtorch.kernels.softmax import exp_sum
from handtorch.kernels.threads import parallel_for
from handtorch.ops import class_loss

_GRAIN = 1 << 14


@kernel
def _losses(x: Any, targets: Any, weight: Any, smoothing: Any, log_sums: Any, losses: Any) -> None:
    """ln Σ e^x and the loss of every row."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for n in range(x.shape[0]):
        row = x[n]
        highest = largest(row)
        log_sum = highest + np.log(exp_sum(row, highest))
        log_sums[n] = log_sum
        t = targets[n]
        if t < 0:
            losses[n] = zero
            continue
        value = (one - smoothing) * weight[t] * (log_sum - row[t])
        if smoothing > zero:
            spread = zero
            for c in range(row.size):
                spread += weight[c] * (log_sum - row[c]) if weight[c] != zero else zero
            value += smoothing / x.dtype.type(row.size) * spread
        losses[n] = value


@kernel
def _pulls(x: Any, targets: Any, weight: Any, smoothing: Any, log_sums: Any, g: Any, dx: Any) -> None:
    """g_n (q p - r) of every row."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    even = smoothing / x.dtype.type(x.shape[1])
    total_weight = zero
    for c in range(weight.size):
        total_weight += weight[c]
    for n in range(x.shape[0]):
        t = targets[n]
        if t < 0:
            dx[n] = zero
            continue
        hit = (one - smoothing) * weight[t]
        q = hit + even * total_weight
        log_sum, up = log_sums[n], g[n]
        row, out = x[n], dx[n]
        for c in range(row.size):
            out[c] = up * (q * exp(row[c] - log_sum) - even * weight[c])
        out[t] -= up * hit


class CrossEntropy(class_loss.CrossEntropy):
    """Rows in blocks."""

    def accepts(self, x: Any) -> bool:  # type: ignore[override]
        return x.ndim == 2 and plain(x)

    def forward(self, x: Any) -> Any:
        if self.targets.shape != x.shape[:1]:
            raise ValueError
        n = x.shape[0]
        weight = np.ones(x.shape[1], x.dtype) if self.weight is None else self.weight.astype(x.dtype, copy=False)
        self._settings = weight, x.dtype.type(self.smoothing)
        log_sums, losses = np.empty(n, x.dtype), np.empty(n, x.dtype)
        self.save(x, log_sums)

        def rows(low: int, high: int) -> None:
            part = slice(low, high)
            _losses(x[part], self.targets[part], *self._settings, log_sums[part], losses[part])

        parallel_for(rows, n, 1 + _GRAIN // x.shape[1])
        return self.reduced(losses)

    def backward(self, g: Any) -> Any:
        x, log_sums = self.saved
        n = x.shape[0]
        slopes = np.ascontiguousarray(np.broadcast_to(np.asarray(self.spread(g), x.dtype), n))
        dx = np.empty_like(x)

        def rows(low: int, high: int) -> None:
            part = slice(low, high)
            _pulls(x[part], self.targets[part], *self._settings, log_sums[part], slopes[part], dx[part])

        parallel_for(rows, n, 1 + _GRAIN // x.shape[1])
        return dx


class LinearCrossEntropy(class_loss.LinearCrossEntropy):
    """Pieces by that twin, products on all threads."""

    of_piece = CrossEntropy

    def accepts(self, x: Any, weight: Any, bias: Any = None) -> bool:  # type: ignore[override]
        return plain(x, weight) if bias is None else plain(x, weight, bias)

    def product(self, a: Any, b: Any) -> Any:
        return product(a, b)
