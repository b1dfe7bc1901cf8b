"""Twin of softmax and cross entropy: one pass over each row forwards, one backwards, on all threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.activation import plain
from handtorch.kernels.compile import exp, kernel, summing_kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import loss

_GRAIN = 1 << 14


@kernel
def _largest(row: Any) -> Any:
    best = row[0]
    for c in range(1, row.size):
        best = row[c] if row[c] > best or row[c] != row[c] else best
    return best


@summing_kernel
def _exp_sum(row: Any, shift: Any) -> Any:
    total = row.dtype.type(0)
    for c in range(row.size):
        total += exp(row[c] - shift)
    return total


@kernel
def _losses(x: Any, targets: Any, weight: Any, ignored: Any, smoothing: Any, log_sums: Any, losses: Any) -> None:
    """ln Σ e^x and the loss of every row."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for n in range(x.shape[0]):
        row = x[n]
        shift = _largest(row)
        log_sum = shift + np.log(_exp_sum(row, shift))
        log_sums[n] = log_sum
        t = targets[n]
        if t == ignored:
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
def _pulls(x: Any, targets: Any, weight: Any, ignored: Any, smoothing: Any, log_sums: Any, g: Any, dx: Any) -> None:
    """g_n (q p - r) of every row."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    even = smoothing / x.dtype.type(x.shape[1])
    total_weight = zero
    for c in range(weight.size):
        total_weight += weight[c]
    for n in range(x.shape[0]):
        t = targets[n]
        if t == ignored:
            dx[n] = zero
            continue
        hit = (one - smoothing) * weight[t]
        q = hit + even * total_weight
        log_sum, up = log_sums[n], g[n]
        row, out = x[n], dx[n]
        for c in range(row.size):
            out[c] = up * (q * exp(row[c] - log_sum) - even * weight[c])
        out[t] -= up * hit


class CrossEntropy(loss.CrossEntropy):
    """Rows in blocks."""

    def accepts(self, x: Any) -> bool:  # type: ignore[override]
        return x.ndim == 2 and plain(x)

    def forward(self, x: Any) -> Any:
        self.check(x)
        n = x.shape[0]
        self._weight = np.ones(x.shape[1], x.dtype) if self.weight is None else self.weight.astype(x.dtype)
        self._settings = (self.ignore_index, x.dtype.type(self.smoothing))
        log_sums, losses = np.empty(n, x.dtype), np.empty(n, x.dtype)
        self.save(x, log_sums)

        def rows(low: int, high: int) -> None:
            part = slice(low, high)
            _losses(x[part], self.targets[part], self._weight, *self._settings, log_sums[part], losses[part])

        parallel_for(rows, n, 1 + _GRAIN // x.shape[1])
        if self.reduction == "none":
            return losses
        total = losses.sum()
        return x.dtype.type(total / self.total_weight()) if self.reduction == "mean" else total

    def backward(self, g: Any) -> Any:
        x, log_sums = self.saved
        n = x.shape[0]
        shares = g / self.total_weight() if self.reduction == "mean" else g
        shares = np.ascontiguousarray(np.broadcast_to(np.asarray(shares, x.dtype), n))
        dx = np.empty_like(x)

        def rows(low: int, high: int) -> None:
            part = slice(low, high)
            _pulls(x[part], self.targets[part], self._weight, *self._settings, log_sums[part], shares[part], dx[part])

        parallel_for(rows, n, 1 + _GRAIN // x.shape[1])
        return dx
