"""Twins of normalisation: one group at a time, whose statistics and results are computed while it is in the cache."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from handtorch.kernels import norm_loops as loops
from handtorch.kernels.activation import plain
from handtorch.kernels.layout import like, one_kind, row_major
from handtorch.kernels.threads import parallel_for
from handtorch.ops import normalization

_WORK = 1 << 14  # elements that are worth a thread
_CHANNELS = 64  # a multiple of the cache line; narrower blocks would share lines between threads
_SHORT = 128  # numbers of a sample and channel from which a loop over them is quick
_FINER = 4  # pieces for each thread


def _over(pieces: int, elements: int, work: Any) -> None:
    """Call ``work(low, high)`` over ranges of pieces of that many elements, with unsigned bounds."""
    grain = max(1, _WORK // max(elements, 1))
    parallel_for(lambda low, high: work(np.uint64(low), np.uint64(high)), pieces, grain, finer=_FINER)


# -- by row: layer norm and RMS norm --------------------------------------------------------------------------------


class _ByRow:
    """What layer norm and RMS norm share: x as rows, each of which is a group."""

    centred: bool

    def accepts(self, x: Any, *parameters: Any) -> bool:
        """Rows of some length, and parameters as long as a row."""
        tail = x.shape[x.ndim - self.ndim :]  # type: ignore[attr-defined]
        given = [p for p in parameters if p is not None]
        return math.prod(tail) >= 16 and one_kind(x, *given) and all(p.shape == tail for p in given)

    def _seen(self, x: Any) -> Any:
        return row_major(x).reshape(-1, math.prod(x.shape[x.ndim - self.ndim :]))  # type: ignore[attr-defined]

    def _run(self, x: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any]:
        """The result, and the mean and variance of every row."""
        rows = self._seen(x)
        count, length = rows.shape
        weight = np.ones(length, x.dtype) if weight is None else row_major(weight).reshape(-1)
        bias = np.zeros(length, x.dtype) if bias is None else row_major(bias).reshape(-1)
        y, mean, var = np.empty_like(rows), np.empty(count, x.dtype), np.empty(count, x.dtype)
        eps, centred = self.eps, self.centred  # type: ignore[attr-defined]
        _over(count, length, lambda low, high: loops.rows(rows, weight, bias, eps, centred, low, high, mean, var, y))
        return y.reshape(x.shape), mean, var

    def _run_back(self, g: Any, x: Any, weight: Any, mean: Any, rstd: Any) -> tuple[Any, Any, Any]:
        """dL/dx, dL/dγ and dL/dβ, as rows."""
        rows = self._seen(x)
        count, length = rows.shape
        pulls = row_major(g).reshape(rows.shape)
        weight = np.ones(length, x.dtype) if weight is None else row_major(weight).reshape(-1)
        dx = np.empty_like(rows)
        shares: dict[int, tuple[Any, Any]] = {}

        def piece(low: Any, high: Any) -> None:
            dw, db = np.zeros(length, x.dtype), np.zeros(length, x.dtype)
            loops.rows_backward(rows, pulls, weight, self.centred, low, high, mean, rstd, dx, dw, db)
            shares[int(low)] = dw, db

        _over(count, length, piece)
        dw, db = (functools.reduce(np.add, [shares[low][i] for low in sorted(shares)]) for i in range(2))
        tail = x.shape[x.ndim - self.ndim :]  # type: ignore[attr-defined]
        return like(x, dx.reshape(x.shape)), dw.reshape(tail), db.reshape(tail)


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


# -- by column: batch norm of (N, C, L) with a short L ----------------------------------------------------------------
#
# x is seen as N rows of C L columns: loops along a row are long, where loops over a channel would be short.


def _length(x: Any) -> int:
    """How many numbers there are for each sample and channel."""
    return math.prod(x.shape[2:])


def _over_channels(block: Any, x: np.ndarray) -> None:
    """Call ``block(channels, low, high)`` over ranges of channels of x (N, C, L), and of their columns.

    The ranges begin at multiples of a cache line where L divides one.
    """
    batch, channels, length = x.shape
    together = max(1, _CHANNELS // length)

    def piece(low: int, high: int) -> None:
        low, high = low * together, min(high * together, channels)
        block(slice(low, high), np.uint64(low * length), np.uint64(high * length))

    parallel_for(piece, -(-channels // together), max(1, _WORK // (batch * together * length)))


# -- by channel: batch norm, group norm and instance norm of (N, C, L) ----------------------------------------------
#
# x is seen as N C segments of L elements, one for each sample and channel. A group is ``count`` segments that lie
# ``step`` apart: a channel of all samples for batch norm, neighbouring channels of one sample for group norm.


def _for_each_channel(x: Any, *parameters: Any) -> bool:
    given = [p for p in parameters if p is not None]
    return plain(x, *given) and all(p.shape == x.shape[1:2] for p in given)


class _BySegment:
    """What batch, group and instance norm share."""

    def accepts(self, x: Any, *parameters: Any) -> bool:
        """Segments of some length, and a parameter for each channel."""
        return _length(x) >= 4 and _for_each_channel(x, *parameters)

    def plan(self, batch: int, channels: int) -> tuple[int, int, int, int]:
        """How many groups; the segments from one group to the next, and within one; how many segments a group has."""
        raise NotImplementedError

    def forward(self, x: Any, weight: Any = None, bias: Any = None) -> Any:
        batch, channels = x.shape[:2]
        groups, *plan = self.plan(batch, channels)
        rows = x.reshape(batch * channels, -1)
        y, mean, var = np.empty_like(rows), np.empty(groups, x.dtype), np.empty(groups, x.dtype)
        scale = np.ones(channels, x.dtype) if weight is None else weight
        shift = np.zeros(channels, x.dtype) if bias is None else bias
        strides = [np.uint64(n) for n in plan]
        eps = self.eps  # type: ignore[attr-defined]
        work = rows.size // groups
        _over(
            groups, work, lambda low, high: loops.segments(rows, scale, shift, eps, *strides, low, high, mean, var, y)
        )
        self.mean, self.var = mean, var
        self.save(x, weight, bias, mean, 1 / np.sqrt(var + eps))  # type: ignore[attr-defined]
        return y.reshape(x.shape)

    def backward(self, g: Any) -> Any:
        x, weight, _, mean, rstd = self.saved  # type: ignore[attr-defined]
        batch, channels = x.shape[:2]
        groups, *plan = self.plan(batch, channels)
        rows = x.reshape(batch * channels, -1)
        pulls = np.ascontiguousarray(g).reshape(rows.shape)
        dx, dw, db = np.empty_like(rows), np.empty(len(rows), x.dtype), np.empty(len(rows), x.dtype)
        scale = np.ones(channels, x.dtype) if weight is None else weight
        strides = [np.uint64(n) for n in plan]

        def piece(low: Any, high: Any) -> None:
            loops.segments_backward(rows, pulls, scale, *strides, low, high, mean, rstd, dx, dw, db)

        _over(groups, rows.size // groups, piece)
        shares = (s.reshape(batch, channels).sum(axis=0) for s in (dw, db))
        return (dx.reshape(x.shape), *shares)[: len(self.parents)]  # type: ignore[attr-defined]


class GroupNorm(_BySegment, normalization.GroupNorm):
    """Group by group, each while it is in the cache."""

    def plan(self, batch: int, channels: int) -> tuple[int, int, int, int]:
        together = channels // self.groups
        return batch * self.groups, together, 1, together


class BatchNorm(_BySegment, normalization.BatchNorm):
    """Channel by channel, each while it is in the cache; with few numbers of a channel in blocks of columns."""

    def plan(self, batch: int, channels: int) -> tuple[int, int, int, int]:
        return channels, 1, channels, batch

    def accepts(self, x: Any, *parameters: Any) -> bool:
        return _length(x) >= 1 and _for_each_channel(x, *parameters)

    def forward(self, x: Any, weight: Any = None, bias: Any = None) -> Any:
        length = _length(x)
        if length >= _SHORT:
            return super().forward(x, weight, bias)
        rows, channels = x.reshape(len(x), -1), x.shape[1]
        mean, var, rstd, scale = (np.empty(channels, x.dtype) for _ in range(4))
        means, spreads = np.empty((channels, length), x.dtype), np.empty((channels, length), x.dtype)
        shifts = np.repeat(np.zeros(channels, x.dtype) if bias is None else bias, length)
        y = np.empty_like(rows)

        def block(part: slice, low: np.uint64, high: np.uint64) -> None:
            loops.column_statistics(rows, low, high, means.reshape(-1), spreads.reshape(-1))
            mean[part] = means[part].mean(axis=1)
            var[part] = (spreads[part] + np.square(means[part] - mean[part, None])).mean(axis=1)
            rstd[part] = 1 / np.sqrt(var[part] + self.eps)
            scale[part] = rstd[part] if weight is None else rstd[part] * weight[part]
            means[part], spreads[part] = mean[part, None], scale[part, None]
            loops.stretch_columns(rows, low, high, means.reshape(-1), spreads.reshape(-1), shifts, y)

        _over_channels(block, x.reshape(len(x), channels, length))
        self.mean, self.var = mean, var
        self.save(x, weight, bias, mean, rstd)
        return y.reshape(x.shape)

    def backward(self, g: Any) -> Any:
        x, weight, _, mean, rstd = self.saved
        length = _length(x)
        if length >= _SHORT:
            return super().backward(g)
        rows, channels = x.reshape(len(x), -1), x.shape[1]
        pulls = np.ascontiguousarray(g).reshape(rows.shape)
        means, rstds, scales = (np.repeat(s, length) for s in (mean, rstd, rstd if weight is None else rstd * weight))
        dw, db, dx = np.empty_like(mean), np.empty_like(mean), np.empty_like(rows)
        dws, dbs = np.empty((channels, length), x.dtype), np.empty((channels, length), x.dtype)

        def block(part: slice, low: np.uint64, high: np.uint64) -> None:
            loops.column_sums(rows, pulls, low, high, means, rstds, dws.reshape(-1), dbs.reshape(-1))
            for total, columns in ((dw, dws), (db, dbs)):
                total[part] = columns[part].sum(axis=1)
                columns[part] = total[part, None] / length
            loops.pull_columns(rows, pulls, low, high, means, rstds, scales, dws.reshape(-1), dbs.reshape(-1), dx)

        _over_channels(block, x.reshape(len(x), channels, length))
        return (dx.reshape(x.shape), dw, db)[: len(self.parents)]


class FrozenBatchNorm(_BySegment, normalization.FrozenBatchNorm):
    """Segment by segment."""

    def forward(self, x: Any, weight: Any = None, bias: Any = None) -> Any:
        self.mean, self.rstd = (s.astype(x.dtype, copy=False) for s in (self.mean, self.rstd))
        self.save(x, weight, bias)
        mean, scale = self.mean, self.rstd if weight is None else self.rstd * weight
        shift = np.zeros_like(mean) if bias is None else bias
        rows = x.reshape(x.shape[0] * x.shape[1], -1)
        y = np.empty_like(rows)
        _over(
            len(rows), rows.shape[1], lambda low, high: loops.stretch_segments(rows, mean, scale, shift, low, high, y)
        )
        return y.reshape(x.shape)

    def backward(self, g: Any) -> Any:
        x, weight, _ = self.saved
        mean, scale = self.mean, self.rstd if weight is None else self.rstd * weight
        rows = x.reshape(x.shape[0] * x.shape[1], -1)
        pulls = np.ascontiguousarray(g).reshape(rows.shape)
        dx, dw, db = np.empty_like(rows), np.empty(len(rows), x.dtype), np.empty(len(rows), x.dtype)

        def piece(low: Any, high: Any) -> None:
            loops.stretch_segments_backward(rows, pulls, mean, scale, low, high, dx, dw, db)

        _over(len(rows), rows.shape[1], piece)
        dw, db = (s.reshape(x.shape[:2]).sum(axis=0) for s in (dw, db))
        return (dx.reshape(x.shape), dw * self.rstd, db)[: len(self.parents)]
