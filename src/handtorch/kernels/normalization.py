"""Twin of batch normalisation of (N, C): each thread takes a block of channels.

The bounds of a block are unsigned: for a signed index Numba would ask at every element whether it counts from the end,
and such a loop does not vectorise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.activation import plain
from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import normalization

_CHANNELS = 64  # a multiple of the cache line; narrower blocks would share lines between threads


@kernel
def _statistics(x: Any, low: Any, high: Any, mean: Any, var: Any) -> None:
    """Mean and biased variance of the channels from low to high, in two passes (the second around the mean)."""
    rows, zero = x.shape[0], x.dtype.type(0)
    for c in range(low, high):
        mean[c] = zero
        var[c] = zero
    scale = x.dtype.type(1) / x.dtype.type(rows)
    for n in range(rows):
        for c in range(low, high):
            mean[c] += x[n, c]
    for c in range(low, high):
        mean[c] *= scale
    for n in range(rows):
        for c in range(low, high):
            d = x[n, c] - mean[c]
            var[c] += d * d
    for c in range(low, high):
        var[c] *= scale


@kernel
def _stretch(x: Any, low: Any, high: Any, mean: Any, scale: Any, shift: Any, y: Any) -> None:
    for n in range(x.shape[0]):
        for c in range(low, high):
            y[n, c] = (x[n, c] - mean[c]) * scale[c] + shift[c]


@kernel
def _sums(x: Any, g: Any, low: Any, high: Any, mean: Any, rstd: Any, dw: Any, db: Any) -> None:
    """Σ g x̂ and Σ g of the channels from low to high."""
    zero = x.dtype.type(0)
    for c in range(low, high):
        dw[c] = zero
        db[c] = zero
    for n in range(x.shape[0]):
        for c in range(low, high):
            db[c] += g[n, c]
            dw[c] += g[n, c] * (x[n, c] - mean[c])
    for c in range(low, high):
        dw[c] *= rstd[c]


@kernel
def _pull(x: Any, g: Any, low: Any, high: Any, mean: Any, rstd: Any, scale: Any, dw: Any, db: Any, dx: Any) -> None:
    one_nth = x.dtype.type(1) / x.dtype.type(x.shape[0])
    for n in range(x.shape[0]):
        for c in range(low, high):
            normed = (x[n, c] - mean[c]) * rstd[c]
            dx[n, c] = scale[c] * (g[n, c] - one_nth * (db[c] + normed * dw[c]))


class BatchNorm(normalization.BatchNorm):
    """Channels in blocks."""

    def accepts(self, x: Any, weight: Any = None, bias: Any = None) -> bool:  # type: ignore[override]
        given = [a for a in (weight, bias) if a is not None]
        return x.ndim == 2 and plain(x, *given) and all(a.shape == x.shape[1:] for a in given)

    def forward(self, x: Any, weight: Any = None, bias: Any = None) -> Any:
        channels = x.shape[1]
        mean, var, rstd, scale = (np.empty(channels, x.dtype) for _ in range(4))
        shift = np.zeros(channels, x.dtype) if bias is None else bias
        y = np.empty_like(x)

        def block(low: np.uint64, high: np.uint64) -> None:
            part = slice(int(low), int(high))
            _statistics(x, low, high, mean, var)
            rstd[part] = 1 / np.sqrt(var[part] + self.eps)
            scale[part] = rstd[part] if weight is None else rstd[part] * weight[part]
            _stretch(x, low, high, mean, scale, shift, y)

        _over_channels(block, x)
        self.mean, self.var = mean, var
        self.save(x, weight, bias, mean, rstd)
        return y

    def backward(self, g: Any) -> Any:
        x, weight, _, mean, rstd = self.saved
        g = np.ascontiguousarray(g)
        scale = rstd if weight is None else rstd * weight
        dw, db, dx = np.empty_like(mean), np.empty_like(mean), np.empty_like(x)

        def block(low: np.uint64, high: np.uint64) -> None:
            _sums(x, g, low, high, mean, rstd, dw, db)
            _pull(x, g, low, high, mean, rstd, scale, dw, db, dx)

        _over_channels(block, x)
        return (dx, dw, db)[: len(self.parents)]


def _over_channels(block: Any, x: np.ndarray) -> None:
    """Call ``block(low, high)`` over ranges of channels that begin at multiples of a cache line."""
    channels = x.shape[1]
    blocks = -(-channels // _CHANNELS)
    parallel_for(
        lambda low, high: block(np.uint64(low * _CHANNELS), np.uint64(min(high * _CHANNELS, channels))),
        blocks,
        max(1, (1 << 14) // (x.shape[0] * _CHANNELS)),
    )
