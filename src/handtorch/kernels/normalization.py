"""Twins of normalisation: one pass over memory for the statistics, one for the result, and one group at a time.

The bounds of a piece are unsigned: for a signed index Numba would ask at every element whether it counts from the end,
and such a loop does not vectorise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.kernels.activation import plain
from handtorch.kernels.compile import kernel, summing_kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import normalization

_WORK = 1 << 14  # elements that are worth a thread
_CHANNELS = 64  # a multiple of the cache line; narrower blocks would share lines between threads


def _over(pieces: int, elements: int, work: Any) -> None:
    """Call ``work(low, high)`` over ranges of pieces of that many elements, with unsigned bounds."""
    parallel_for(lambda low, high: work(np.uint64(low), np.uint64(high)), pieces, max(1, _WORK // max(elements, 1)))


# -- by row: layer norm and RMS norm --------------------------------------------------------------------------------


@summing_kernel
def _mean_of(row: Any) -> Any:
    total = row.dtype.type(0)
    for j in range(row.size):
        total += row[j]
    return total / row.dtype.type(row.size)


@summing_kernel
def _mean_square(row: Any, mean: Any) -> Any:
    total = row.dtype.type(0)
    for j in range(row.size):
        d = row[j] - mean
        total += d * d
    return total / row.dtype.type(row.size)


@kernel
def _rows(
    x: Any, weight: Any, bias: Any, eps: Any, centred: Any, low: Any, high: Any, mean: Any, var: Any, y: Any
) -> None:
    """Statistics and result of the rows from low to high; RMS norm takes 0 for the mean."""
    one, small = x.dtype.type(1), x.dtype.type(eps)
    for i in range(low, high):
        row, out = x[i], y[i]
        m = _mean_of(row) if centred else x.dtype.type(0)
        v = _mean_square(row, m)
        scale = one / np.sqrt(v + small)
        mean[i], var[i] = m, v
        for j in range(row.size):
            out[j] = (row[j] - m) * scale * weight[j] + bias[j]


@summing_kernel
def _pulls(row: Any, g: Any, weight: Any, mean: Any) -> Any:
    """The means of h = γ g and of h (x - μ) over a row."""
    total, along = row.dtype.type(0), row.dtype.type(0)
    for j in range(row.size):
        h = g[j] * weight[j]
        total += h
        along += h * (row[j] - mean)
    n = row.dtype.type(row.size)
    return total / n, along / n


@kernel
def _rows_backward(
    x: Any, g: Any, weight: Any, centred: Any, low: Any, high: Any, mean: Any, rstd: Any, dx: Any, dw: Any, db: Any
) -> None:
    """dL/dx of the rows from low to high; their shares of dL/dγ and dL/dβ are added to dw and db."""
    for i in range(low, high):
        row, pull, out = x[i], g[i], dx[i]
        m, r = mean[i], rstd[i]
        total, along = _pulls(row, pull, weight, m)
        if not centred:
            total = x.dtype.type(0)
        slope = along * r * r
        for j in range(row.size):
            d = row[j] - m
            out[j] = r * (pull[j] * weight[j] - total - d * slope)
            dw[j] += pull[j] * (d * r)
            db[j] += pull[j]


class _ByRow:
    """What layer norm and RMS norm share: x as rows, each of which is a group."""

    centred: bool

    def accepts(self, x: Any, *parameters: Any) -> bool:
        """Rows of some length, and parameters as long as a row."""
        tail = x.shape[x.ndim - self.ndim :]  # type: ignore[attr-defined]
        given = [p for p in parameters if p is not None]
        return math.prod(tail) >= 16 and plain(x, *given) and all(p.shape == tail for p in given)

    def _seen(self, x: Any) -> Any:
        return x.reshape(-1, math.prod(x.shape[x.ndim - self.ndim :]))  # type: ignore[attr-defined]

    def _run(self, x: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any]:
        """The result, and the mean and variance of every row."""
        rows = self._seen(x)
        count, length = rows.shape
        weight = np.ones(length, x.dtype) if weight is None else weight.reshape(-1)
        bias = np.zeros(length, x.dtype) if bias is None else bias.reshape(-1)
        y, mean, var = np.empty_like(rows), np.empty(count, x.dtype), np.empty(count, x.dtype)
        eps, centred = self.eps, self.centred  # type: ignore[attr-defined]
        _over(count, length, lambda low, high: _rows(rows, weight, bias, eps, centred, low, high, mean, var, y))
        return y.reshape(x.shape), mean, var

    def _run_back(self, g: Any, x: Any, weight: Any, mean: Any, rstd: Any) -> tuple[Any, Any, Any]:
        """dL/dx, dL/dγ and dL/dβ, as rows."""
        rows = self._seen(x)
        count, length = rows.shape
        pulls = np.ascontiguousarray(g).reshape(rows.shape)
        weight = np.ones(length, x.dtype) if weight is None else weight.reshape(-1)
        dx, shares = np.empty_like(rows), []

        def piece(low: Any, high: Any) -> None:
            dw, db = np.zeros(length, x.dtype), np.zeros(length, x.dtype)
            _rows_backward(rows, pulls, weight, self.centred, low, high, mean, rstd, dx, dw, db)
            shares.append((dw, db))

        _over(count, length, piece)
        dw, db = (sum(share[i] for share in shares) for i in range(2))
        tail = x.shape[x.ndim - self.ndim :]  # type: ignore[attr-defined]
        return dx.reshape(x.shape), dw.reshape(tail), db.reshape(tail)


class LayerNorm(_ByRow, normalization.LayerNorm):
    """Row by row, each while it is in the cache."""

    centred = True

    def forward(self, x: Any, weight: Any = None, bias: Any = None) -> Any:
        y, self.mean, self.var = self._run(x, weight, bias)
        self.save(x, weight, bias, self.mean, 1 / np.sqrt(self.var + self.eps))
        return y

    def backward(self, g: Any) -> Any:
        x, weight, _, mean, rstd = self.saved
        return self._run_back(g, x, weight, mean, rstd)[: len(self.parents)]


class RMSNorm(_ByRow, normalization.RMSNorm):
    """Row by row, each while it is in the cache."""

    centred = False

    def forward(self, x: Any, weight: Any = None) -> Any:
        y, mean, square = self._run(x, weight, None)
        self.save(x, weight, mean, 1 / np.sqrt(square + self.eps))
        return y

    def backward(self, g: Any) -> Any:
        x, weight, mean, scale = self.saved
        return self._run_back(g, x, weight, mean, scale)[: len(self.parents)]


# -- by column: batch norm of (N, C) -----------------------------------------------------------------------------------


@kernel
def _column_statistics(x: Any, low: Any, high: Any, mean: Any, var: Any) -> None:
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
def _stretch_columns(x: Any, low: Any, high: Any, mean: Any, scale: Any, shift: Any, y: Any) -> None:
    for n in range(x.shape[0]):
        for c in range(low, high):
            y[n, c] = (x[n, c] - mean[c]) * scale[c] + shift[c]


@kernel
def _column_sums(x: Any, g: Any, low: Any, high: Any, mean: Any, rstd: Any, dw: Any, db: Any) -> None:
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
def _pull_columns(
    x: Any, g: Any, low: Any, high: Any, mean: Any, rstd: Any, scale: Any, dw: Any, db: Any, dx: Any
) -> None:
    one_nth = x.dtype.type(1) / x.dtype.type(x.shape[0])
    for n in range(x.shape[0]):
        for c in range(low, high):
            normed = (x[n, c] - mean[c]) * rstd[c]
            dx[n, c] = scale[c] * (g[n, c] - one_nth * (db[c] + normed * dw[c]))


def _over_columns(block: Any, x: np.ndarray) -> None:
    """Call ``block(low, high)`` over ranges of channels that begin at multiples of a cache line."""
    channels = x.shape[1]
    blocks = -(-channels // _CHANNELS)
    parallel_for(
        lambda low, high: block(np.uint64(low * _CHANNELS), np.uint64(min(high * _CHANNELS, channels))),
        blocks,
        max(1, _WORK // (x.shape[0] * _CHANNELS)),
    )


# -- by channel: batch norm, group norm and instance norm of (N, C, L) ----------------------------------------------
#
# x is seen as N C segments of L elements, one for each sample and channel. A group is ``count`` segments that lie
# ``step`` apart: a channel of all samples for batch norm, neighbouring channels of one sample for group norm.


@summing_kernel
def _sum(row: Any) -> Any:
    total = row.dtype.type(0)
    for j in range(row.size):
        total += row[j]
    return total


@summing_kernel
def _sum_square(row: Any, mean: Any) -> Any:
    total = row.dtype.type(0)
    for j in range(row.size):
        d = row[j] - mean
        total += d * d
    return total


@summing_kernel
def _sums(row: Any, g: Any, mean: Any) -> Any:
    """Σ g and Σ g (x - μ)."""
    total, along = row.dtype.type(0), row.dtype.type(0)
    for j in range(row.size):
        total += g[j]
        along += g[j] * (row[j] - mean)
    return total, along


@kernel
def _stretch(row: Any, mean: Any, scale: Any, shift: Any, y: Any) -> None:
    for j in range(row.size):
        y[j] = (row[j] - mean) * scale + shift


@kernel
def _segments(
    x: Any, weight: Any, bias: Any, eps: Any, ahead: Any, step: Any, count: Any, low: Any, high: Any, mean: Any,
    var: Any, y: Any,
) -> None:  # fmt: skip
    """Statistics and result of the groups from low to high; group q begins at segment q · ahead."""
    kind = x.dtype.type
    channels, n = weight.size, count * x.shape[1]
    for q in range(low, high):
        first = q * ahead
        total = 0.0
        for i in range(count):
            total += _sum(x[first + i * step])
        m = kind(total / n)
        total = 0.0
        for i in range(count):
            total += _sum_square(x[first + i * step], m)
        mean[q], var[q] = m, kind(total / n)
        r = 1 / np.sqrt(total / n + eps)
        for i in range(count):
            s = first + i * step
            c = s % channels
            _stretch(x[s], m, kind(r * weight[c]), bias[c], y[s])


@kernel
def _pull(row: Any, g: Any, mean: Any, scale: Any, slope: Any, shift: Any, dx: Any) -> None:
    for j in range(row.size):
        dx[j] = g[j] * scale - (row[j] - mean) * slope - shift


@kernel
def _segments_backward(
    x: Any, g: Any, weight: Any, ahead: Any, step: Any, count: Any, low: Any, high: Any, mean: Any, rstd: Any, dx: Any,
    dw: Any, db: Any,
) -> None:  # fmt: skip
    """dL/dx of the groups from low to high; dw and db hold the Σ g x̂ and Σ g of each segment."""
    kind = x.dtype.type
    channels, n = weight.size, count * x.shape[1]
    for q in range(low, high):
        first = q * ahead
        total, along = 0.0, 0.0
        for i in range(count):
            s = first + i * step
            db[s], dw[s] = _sums(x[s], g[s], mean[q])
            total += db[s] * weight[s % channels]
            along += dw[s] * weight[s % channels]
            dw[s] *= rstd[q]
        r = rstd[q]
        slope, shift = kind(along / n * r * r * r), kind(total / n * r)
        for i in range(count):
            s = first + i * step
            _pull(x[s], g[s], mean[q], r * weight[s % channels], slope, shift, dx[s])


@kernel
def _frozen(x: Any, mean: Any, scale: Any, shift: Any, low: Any, high: Any, y: Any) -> None:
    for s in range(low, high):
        c = s % mean.size
        _stretch(x[s], mean[c], scale[c], shift[c], y[s])


@kernel
def _frozen_backward(x: Any, g: Any, mean: Any, scale: Any, low: Any, high: Any, dx: Any, dw: Any, db: Any) -> None:
    zero = x.dtype.type(0)
    for s in range(low, high):
        c = s % mean.size
        db[s], dw[s] = _sums(x[s], g[s], mean[c])
        _stretch(g[s], zero, scale[c], zero, dx[s])


def _for_each_channel(x: Any, *parameters: Any) -> bool:
    given = [p for p in parameters if p is not None]
    return plain(x, *given) and all(p.shape == x.shape[1:2] for p in given)


class _BySegment:
    """What batch, group and instance norm share."""

    def accepts(self, x: Any, *parameters: Any) -> bool:
        """Segments of some length, and a parameter for each channel."""
        return math.prod(x.shape[2:]) >= 8 and _for_each_channel(x, *parameters)

    def plan(self, batch: int, channels: int) -> tuple[int, int, int, int]:
        """How many groups; the segments from one group to the next, and within one; how many segments a group has."""
        raise NotImplementedError

    def forward(self, x: Any, weight: Any = None, bias: Any = None) -> Any:
        batch, channels = x.shape[:2]
        groups, *strides = self.plan(batch, channels)
        rows = x.reshape(batch * channels, -1)
        y, mean, var = np.empty_like(rows), np.empty(groups, x.dtype), np.empty(groups, x.dtype)
        scale = np.ones(channels, x.dtype) if weight is None else weight
        shift = np.zeros(channels, x.dtype) if bias is None else bias
        strides = list(map(np.uint64, strides))
        eps = self.eps  # type: ignore[attr-defined]
        work = rows.size // groups
        _over(groups, work, lambda low, high: _segments(rows, scale, shift, eps, *strides, low, high, mean, var, y))
        self.mean, self.var = mean, var
        self.save(x, weight, bias, mean, 1 / np.sqrt(var + eps))  # type: ignore[attr-defined]
        return y.reshape(x.shape)

    def backward(self, g: Any) -> Any:
        x, weight, _, mean, rstd = self.saved  # type: ignore[attr-defined]
        batch, channels = x.shape[:2]
        groups, *strides = self.plan(batch, channels)
        rows = x.reshape(batch * channels, -1)
        pulls = np.ascontiguousarray(g).reshape(rows.shape)
        dx, dw, db = np.empty_like(rows), np.empty(len(rows), x.dtype), np.empty(len(rows), x.dtype)
        scale = np.ones(channels, x.dtype) if weight is None else weight
        strides = list(map(np.uint64, strides))

        def piece(low: Any, high: Any) -> None:
            _segments_backward(rows, pulls, scale, *strides, low, high, mean, rstd, dx, dw, db)

        _over(groups, rows.size // groups, piece)
        shares = (s.reshape(batch, channels).sum(axis=0) for s in (dw, db))
        return (dx.reshape(x.shape), *shares)[: len(self.parents)]  # type: ignore[attr-defined]


class GroupNorm(_BySegment, normalization.GroupNorm):
    """Group by group, each while it is in the cache."""

    def plan(self, batch: int, channels: int) -> tuple[int, int, int, int]:
        together = channels // self.groups
        return batch * self.groups, together, 1, together


class BatchNorm(_BySegment, normalization.BatchNorm):
    """Channel by channel, each while it is in the cache; (N, C) in blocks of columns."""

    def plan(self, batch: int, channels: int) -> tuple[int, int, int, int]:
        return channels, 1, channels, batch

    def accepts(self, x: Any, *parameters: Any) -> bool:
        return (x.ndim == 2 or math.prod(x.shape[2:]) >= 8) and _for_each_channel(x, *parameters)

    def forward(self, x: Any, weight: Any = None, bias: Any = None) -> Any:
        if x.ndim > 2:
            return super().forward(x, weight, bias)
        channels = x.shape[1]
        mean, var, rstd, scale = (np.empty(channels, x.dtype) for _ in range(4))
        shift = np.zeros(channels, x.dtype) if bias is None else bias
        y = np.empty_like(x)

        def block(low: np.uint64, high: np.uint64) -> None:
            part = slice(int(low), int(high))
            _column_statistics(x, low, high, mean, var)
            rstd[part] = 1 / np.sqrt(var[part] + self.eps)
            scale[part] = rstd[part] if weight is None else rstd[part] * weight[part]
            _stretch_columns(x, low, high, mean, scale, shift, y)

        _over_columns(block, x)
        self.mean, self.var = mean, var
        self.save(x, weight, bias, mean, rstd)
        return y

    def backward(self, g: Any) -> Any:
        x, weight, _, mean, rstd = self.saved
        if x.ndim > 2:
            return super().backward(g)
        g = np.ascontiguousarray(g)
        scale = rstd if weight is None else rstd * weight
        dw, db, dx = np.empty_like(mean), np.empty_like(mean), np.empty_like(x)

        def block(low: np.uint64, high: np.uint64) -> None:
            _column_sums(x, g, low, high, mean, rstd, dw, db)
            _pull_columns(x, g, low, high, mean, rstd, scale, dw, db, dx)

        _over_columns(block, x)
        return (dx, dw, db)[: len(self.parents)]


class FrozenBatchNorm(_BySegment, normalization.FrozenBatchNorm):
    """Segment by segment."""

    def forward(self, x: Any, weight: Any = None, bias: Any = None) -> Any:
        self.mean, self.rstd = (s.astype(x.dtype, copy=False) for s in (self.mean, self.rstd))
        self.save(x, weight, bias)
        mean, scale = self.mean, self.rstd if weight is None else self.rstd * weight
        shift = np.zeros_like(mean) if bias is None else bias
        rows = x.reshape(x.shape[0] * x.shape[1], -1)
        y = np.empty_like(rows)
        _over(len(rows), rows.shape[1], lambda low, high: _frozen(rows, mean, scale, shift, low, high, y))
        return y.reshape(x.shape)

    def backward(self, g: Any) -> Any:
        x, weight, _ = self.saved
        mean, scale = self.mean, self.rstd if weight is None else self.rstd * weight
        rows = x.reshape(x.shape[0] * x.shape[1], -1)
        pulls = np.ascontiguousarray(g).reshape(rows.shape)
        dx, dw, db = np.empty_like(rows), np.empty(len(rows), x.dtype), np.empty(len(rows), x.dtype)

        def piece(low: Any, high: Any) -> None:
            _frozen_backward(rows, pulls, mean, scale, low, high, dx, dw, db)

        _over(len(rows), rows.shape[1], piece)
        dw, db = (s.reshape(x.shape[:2]).sum(axis=0) for s in (dw, db))
        return (dx.reshape(x.shape), dw * self.rstd, db)[: len(self.parents)]
