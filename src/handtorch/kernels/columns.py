"""Convolution as products of matrices over blocks of columns: each column is what the kernel sees from one place.

A line is a row of places along the last axis of y; blocks are ranges of lines, over all pictures, so large that the
products are quick and so small that a block's columns stay within the cache and within the workspace.
Arrays have three axes besides batch and channels here: (N, C, D, H, W).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import parallel_for

_BLOCK = 1 << 20  # bytes of columns that stay within a core's cache beside the rest
_NARROWEST = 256  # columns that make a product worth its weights' way from memory


@kernel
def _gather(x: Any, low: Any, high: Any, lengths: Any, taps: Any, stride: Any, columns: Any) -> None:
    """Columns (C, taps, (high - low) · W) of the lines from low to high.

    Args:
        lengths: of y along its axes.
        taps: for each tap and axis d k - p.
    """
    zero = x.dtype.type(0)
    wide, step = lengths[2], stride[2]
    for c in range(x.shape[1]):
        for k in range(len(taps)):
            shift = taps[k, 2]
            first = min(max(0, -(shift // step)), wide)
            last = max(first, min(wide, (x.shape[4] - 1 - shift) // step + 1))
            start = first * step + shift
            row = columns[c, k]
            for line in range(low, high):
                n, place = line // (lengths[0] * lengths[1]), line % (lengths[0] * lengths[1])
                z = place // lengths[1] * stride[0] + taps[k, 0]
                y = place % lengths[1] * stride[1] + taps[k, 1]
                run = row[(line - low) * wide : (line - low + 1) * wide]
                if z < 0 or z >= x.shape[2] or y < 0 or y >= x.shape[3] or first == last:
                    run[:] = zero
                    continue
                run[:first] = zero
                run[last:] = zero
                inside = run[first:last]
                if step == 1:
                    source = x[n, c, z, y, start : start + inside.size]
                    for i in range(inside.size):
                        inside[i] = source[i]
                else:
                    source = x[n, c, z, y, start : start + (inside.size - 1) * step + 1 : step]
                    for i in range(inside.size):
                        inside[i] = source[i]


@kernel
def _scatter(columns: Any, low: Any, high: Any, lengths: Any, taps: Any, stride: Any, x: Any) -> None:
    """The transpose of :func:`_gather`: columns added to where they came from."""
    wide, step = lengths[2], stride[2]
    for c in range(x.shape[1]):
        for k in range(len(taps)):
            shift = taps[k, 2]
            first = min(max(0, -(shift // step)), wide)
            last = max(first, min(wide, (x.shape[4] - 1 - shift) // step + 1))
            start = first * step + shift
            if first == last:
                continue
            row = columns[c, k]
            for line in range(low, high):
                n, place = line // (lengths[0] * lengths[1]), line % (lengths[0] * lengths[1])
                z = place // lengths[1] * stride[0] + taps[k, 0]
                y = place % lengths[1] * stride[1] + taps[k, 1]
                if z < 0 or z >= x.shape[2] or y < 0 or y >= x.shape[3]:
                    continue
                inside = row[(line - low) * wide + first : (line - low) * wide + last]
                if step == 1:
                    target = x[n, c, z, y, start : start + inside.size]
                    for i in range(inside.size):
                        target[i] += inside[i]
                else:
                    target = x[n, c, z, y, start : start + (inside.size - 1) * step + 1 : step]
                    for i in range(inside.size):
                        target[i] += inside[i]


@kernel
def _lines(y: Any, low: Any, high: Any, block: Any) -> None:
    """Lines of y (N, O, lines of a picture, W) as block (O, places)."""
    wide = y.shape[3]
    for o in range(y.shape[1]):
        for line in range(low, high):
            source = y[line // y.shape[2], o, line % y.shape[2]]
            target = block[o, (line - low) * wide : (line - low + 1) * wide]
            for i in range(wide):
                target[i] = source[i]


@kernel
def _put_lines(block: Any, low: Any, high: Any, bias: Any, y: Any) -> None:
    """Block (O, places) plus bias (O) into its lines of y (N, O, lines of a picture, W)."""
    wide = y.shape[3]
    for o in range(y.shape[1]):
        b = bias[o]
        for line in range(low, high):
            source = block[o, (line - low) * wide : (line - low + 1) * wide]
            target = y[line // y.shape[2], o, line % y.shape[2]]
            for i in range(wide):
                target[i] = source[i] + b


class Columns:
    """Products over the columns of x (N, C, D, H, W) for a kernel and lengths of y.

    Args:
        stride, padding, dilation, groups: of the convolution.
        x, kernel, y: lengths along the axes.
        room: bytes of columns that a thread may hold.
    """

    def __init__(
        self, stride: Any, padding: Any, dilation: Any, groups: int, x: Any, kernel: Any, y: Any, room: int
    ) -> None:
        self.groups, self.x, self.kernel, self.y, self.room = groups, x, kernel, y, room
        self.stride, self.lengths = np.array(stride), np.array(y)
        places = [[d * i - p for i in range(k)] for k, d, p in zip(kernel, dilation, padding, strict=True)]
        # A tap that never meets x makes nothing but zeros.
        self.used = [
            [i for i, shift in enumerate(shifts) if any(0 <= s * j + shift < n for j in range(m))]
            for shifts, s, n, m in zip(places, stride, x, y, strict=True)
        ]
        self.taps = np.array(
            [
                [places[a][i] for a, i in enumerate(tap)]
                for tap in np.stack(np.meshgrid(*self.used, indexing="ij"), -1).reshape(-1, 3)
            ],
            dtype=np.int64,
        ).reshape(-1, 3)

    def matrix(self, w: np.ndarray) -> np.ndarray:
        """A weight (O, C / G, *kernel) as (G, O / G, C / G · taps), without the taps that are not used."""
        if any(len(used) < k for used, k in zip(self.used, self.kernel, strict=True)):
            w = w[(slice(None), slice(None), *np.ix_(*self.used))]
        return w.reshape(self.groups, len(w) // self.groups, -1)

    def weight(self, matrix: np.ndarray) -> np.ndarray:
        """The transpose of :meth:`matrix`."""
        outputs, inputs = matrix.shape[0] * matrix.shape[1], matrix.shape[2] // max(len(self.taps), 1)
        w = np.zeros((outputs, inputs, *self.kernel), matrix.dtype)
        w[(slice(None), slice(None), *np.ix_(*self.used))] = matrix.reshape(outputs, inputs, *map(len, self.used))
        return w

    def _step(self, rows: int, itemsize: int, lines: int) -> int:
        """How many lines make a block."""
        column = max(rows * itemsize, 1)
        wanted = max(_NARROWEST, _BLOCK // column)
        return max(1, min(min(wanted, self.room // column) // max(self.y[2], 1), lines))

    def forward(self, x: np.ndarray, w: np.ndarray, bias: Any) -> np.ndarray:
        """y (N, O, *) of x (N, C, *) and w (O, C / G, *)."""
        matrix = self.matrix(w)
        y = np.empty((len(x), len(w), self.y[0] * self.y[1], self.y[2]), x.dtype)
        bias = np.zeros(len(w), x.dtype) if bias is None else bias
        rows, lines = x.shape[1] * len(self.taps), len(x) * y.shape[2]
        step = self._step(rows, x.itemsize, lines)

        def blocks(low: int, high: int) -> None:
            columns = np.empty(rows * step * self.y[2], x.dtype)
            product = np.empty(len(w) * step * self.y[2], x.dtype)
            for a in range(low, high, step):
                b = min(a + step, high)
                places = (b - a) * self.y[2]
                held = columns[: rows * places]
                _gather(x, a, b, self.lengths, self.taps, self.stride, held.reshape(x.shape[1], -1, places))
                made = product[: len(w) * places].reshape(self.groups, -1, places)
                np.matmul(matrix, held.reshape(self.groups, -1, places), out=made)
                _put_lines(made.reshape(-1, places), a, b, bias, y)

        parallel_for(blocks, lines, step)
        return y.reshape(len(x), len(w), *self.y)

    def transpose(self, g: np.ndarray, w: np.ndarray, bias: Any) -> np.ndarray:
        """x (N, C, *) of y (N, O, *) and w (O, C / G, *): each thread takes pictures of its own."""
        matrix = np.swapaxes(self.matrix(w), 1, 2)
        channels = self.groups * w.shape[1]
        x = np.zeros((len(g), channels, *self.x), g.dtype)
        if bias is not None:
            x += bias.reshape(-1, 1, 1, 1)
        rows, of_picture = channels * len(self.taps), self.y[0] * self.y[1]
        flat = g.reshape(len(g), len(w), of_picture, self.y[2])
        step = self._step(rows, g.itemsize, len(g) * of_picture)

        def pictures(first: int, last: int) -> None:
            columns = np.empty(rows * step * self.y[2], g.dtype)
            block = np.empty(len(w) * step * self.y[2], g.dtype)
            for a in range(first * of_picture, last * of_picture, step):
                b = min(a + step, last * of_picture)
                places = (b - a) * self.y[2]
                pulled = block[: len(w) * places].reshape(len(w), places)
                _lines(flat, a, b, pulled)
                held = columns[: rows * places].reshape(self.groups, -1, places)
                np.matmul(matrix, pulled.reshape(self.groups, -1, places), out=held)
                _scatter(held.reshape(channels, -1, places), a, b, self.lengths, self.taps, self.stride, x)

        parallel_for(pictures, len(g))
        return x

    def pull(self, x: np.ndarray, g: np.ndarray) -> np.ndarray:
        """w (O, C / G, *) of x (N, C, *) and y (N, O, *)."""
        outputs, rows = g.shape[1], x.shape[1] * len(self.taps)
        flat = g.reshape(len(g), outputs, self.y[0] * self.y[1], self.y[2])
        lines = len(g) * flat.shape[2]
        step = self._step(rows, x.itemsize, lines)
        sums = []

        def blocks(low: int, high: int) -> None:
            columns = np.empty(rows * step * self.y[2], x.dtype)
            block = np.empty(outputs * step * self.y[2], x.dtype)
            total, part = np.zeros((2, self.groups, outputs // self.groups, rows // self.groups), x.dtype)
            for a in range(low, high, step):
                b = min(a + step, high)
                places = (b - a) * self.y[2]
                held = columns[: rows * places]
                _gather(x, a, b, self.lengths, self.taps, self.stride, held.reshape(x.shape[1], -1, places))
                pulled = block[: outputs * places].reshape(outputs, places)
                _lines(flat, a, b, pulled)
                seen = held.reshape(self.groups, -1, places).transpose(0, 2, 1)
                total += np.matmul(pulled.reshape(self.groups, -1, places), seen, out=part)
            sums.append(total)

        parallel_for(blocks, lines, step)
        return self.weight(sum(sums[1:], sums[0]))
