"""Convolution as products of matrices over blocks of columns: each column is what the kernel sees from one place.

A line is a row of places along the last axis of the result; a block is a range of lines, over all pictures, so large
that its products are quick and so small that its columns stay within the cache and within the workspace.

The transpose is a convolution too, or several: places of x at equal remainders to the stride see the same taps of the
kernel, each at a fixed distance in y. So a tap is described by its distance, and no columns are ever added up.

Arrays have three axes besides batch and channels here: (N, C, D, H, W).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import parallel_for
from handtorch.kernels.winograd import added, channels_last

_BLOCK = 1 << 20  # bytes of columns that stay within a core's cache beside the rest
_NARROWEST = 256  # columns that make a product worth its weights' way from memory
_FEWEST = 8  # channels of a group that are worth being copied as a run
_SLACK = 16  # lines are copied in pieces of so many numbers; what is copied too much is written over by the next line
_PIECE, _TWO = np.uint64(_SLACK), np.uint64(2)


@kernel
def _gather(x: Any, low: Any, high: Any, lengths: Any, taps: Any, stride: Any, columns: Any) -> None:
    """Columns (C, taps, (high - low) · W) of the lines from low to high, with some slack behind them.

    Args:
        lengths: of the result along its axes.
        taps: for each tap and axis how far it is from stride times the place.
    """
    zero, flat = x.dtype.type(0), x.reshape(-1)
    deep, high_, wide = lengths
    step = stride[2]
    channel = x.shape[2] * x.shape[3] * x.shape[4]
    at = 0
    for c in range(x.shape[1]):
        for k in range(len(taps)):
            shift = taps[k, 2]
            first = min(max(0, -(shift // step)), wide)
            last = max(first, min(wide, (x.shape[4] - 1 - shift) // step + 1))
            n, place = low // (deep * high_), low % (deep * high_)
            i, j = place // high_, place % high_
            for _ in range(low, high):
                z, y = i * stride[0] + taps[k, 0], j * stride[1] + taps[k, 1]
                if first == last or z < 0 or z >= x.shape[2] or y < 0 or y >= x.shape[3]:
                    columns[at : at + wide] = zero
                else:
                    start = (n * x.shape[1] + c) * channel + (z * x.shape[3] + y) * x.shape[4] + first * step + shift
                    count = last - first
                    if start + step * (count + _SLACK) > flat.size:
                        for m in range(count):
                            columns[at + first + m] = flat[start + m * step]
                    else:
                        # unsigned, so that Numba need not ask whether an index counts from the end
                        to, source, pace = np.uint64(at + first), np.uint64(start), np.uint64(step)
                        if step == 1:
                            for piece in range(np.uint64(0), np.uint64(count), _PIECE):
                                for m in range(_PIECE):
                                    columns[to + piece + m] = flat[source + piece + m]
                        elif step == 2:
                            for piece in range(np.uint64(0), np.uint64(count), _PIECE):
                                for m in range(_PIECE):
                                    columns[to + piece + m] = flat[source + _TWO * (piece + m)]
                        else:
                            for m in range(np.uint64(count)):
                                columns[to + m] = flat[source + m * pace]
                    for m in range(np.uint64(at), np.uint64(at + first)):
                        columns[m] = zero
                    for m in range(np.uint64(at + last), np.uint64(at + wide)):
                        columns[m] = zero
                at += wide
                j += 1
                if j == high_:
                    i, j = i + 1, 0
                    if i == deep:
                        n, i = n + 1, 0


@kernel
def _gather_runs(x: Any, low: Any, high: Any, lengths: Any, taps: Any, stride: Any, columns: Any) -> None:
    """Columns (G, (high - low) · W, taps, C / G) of the lines from low to high: the channels of a place are one run.

    Args:
        x: (N, D, H, W, C).
        lengths, taps, stride: as for :func:`_gather`; lines count from the first picture of x.
    """
    zero = x.dtype.type(0)
    deep, high_, wide = lengths
    groups, channels = columns.shape[0], columns.shape[3]
    for line in range(low, high):
        n, place = line // (deep * high_), line % (deep * high_)
        i, j = place // high_ * stride[0], place % high_ * stride[1]
        for m in range(wide):
            for k in range(len(taps)):
                z, y, at = i + taps[k, 0], j + taps[k, 1], m * stride[2] + taps[k, 2]
                inside = 0 <= z < x.shape[1] and 0 <= y < x.shape[2] and 0 <= at < x.shape[3]
                for g in range(groups):
                    target = columns[g, (line - low) * wide + m, k]
                    if inside:
                        source = x[n, z, y, at, g * channels : (g + 1) * channels]
                        for c in range(channels):
                            target[c] = source[c]
                    else:
                        target[:] = zero


class _Lines:
    """Columns of blocks of lines, copied line by line: for few channels, and pictures larger than the workspace."""

    def __init__(self, plan: Columns, x: np.ndarray, step: int) -> None:
        self.plan, self.x = plan, x
        self.columns = np.empty(x.shape[1] * len(plan.taps) * step * plan.y[2] + _SLACK, x.dtype)

    def __call__(self, low: int, high: int) -> np.ndarray:
        """The columns (G, C / G · taps, places) of the lines from low to high."""
        plan = self.plan
        _gather(self.x, low, high, plan.y, plan.taps, plan.stride, self.columns)
        rows, places = self.x.shape[1] // plan.groups * len(plan.taps), (high - low) * plan.y[2]
        return self.columns[: plan.groups * rows * places].reshape(plan.groups, rows, places)


class _RunsOfChannels:
    """Columns of blocks of lines, copied place by place out of pictures whose channels are the innermost axis."""

    def __init__(self, plan: Columns, x: np.ndarray, step: int) -> None:
        self.plan, self.x = plan, x
        self.of_picture = plan.y[0] * plan.y[1]
        pictures = min(len(x), (step - 2) // self.of_picture + 2)
        self.pictures = np.empty((pictures, *x.shape[2:], x.shape[1]), x.dtype)
        self.held = range(0)
        shape = (plan.groups, step * plan.y[2], len(plan.taps), x.shape[1] // plan.groups)
        self.columns = np.empty(math.prod(shape), x.dtype)

    def __call__(self, low: int, high: int) -> np.ndarray:
        """The columns (G, taps · C / G, places) of the lines from low to high."""
        plan, x = self.plan, self.x
        needed = range(low // self.of_picture, -(-high // self.of_picture))
        if needed != self.held:
            for place, n in enumerate(needed):
                flat = self.pictures[place].reshape(x.shape[2] * x.shape[3], x.shape[4], x.shape[1])
                channels_last(x[n].reshape(x.shape[1], -1, x.shape[4]), 0, 0, flat)
            self.held = needed
        shape = (plan.groups, (high - low) * plan.y[2], len(plan.taps), x.shape[1] // plan.groups)
        columns = self.columns[: math.prod(shape)].reshape(shape)
        before = needed.start * self.of_picture
        _gather_runs(self.pictures, low - before, high - before, plan.y, plan.taps, plan.stride, columns)
        return columns.reshape(*shape[:2], -1).transpose(0, 2, 1)


@kernel
def _lines(y: Any, low: Any, high: Any, block: Any) -> None:
    """The lines of y (N, O, D, H, W) from low to high as block (O, places)."""
    deep, high_, wide = y.shape[2], y.shape[3], y.shape[4]
    for o in range(y.shape[1]):
        for line in range(low, high):
            n, place = line // (deep * high_), line % (deep * high_)
            source = y[n, o, place // high_, place % high_]
            target = block[o, (line - low) * wide : (line - low + 1) * wide]
            for i in range(wide):
                target[i] = source[i]


@kernel
def _put_lines(block: Any, low: Any, high: Any, bias: Any, y: Any) -> None:
    """Block (O, places) plus bias (O) as the lines of y (N, O, D, H, W) from low to high."""
    deep, high_, wide = y.shape[2], y.shape[3], y.shape[4]
    for o in range(y.shape[1]):
        b = bias[o]
        for line in range(low, high):
            n, place = line // (deep * high_), line % (deep * high_)
            target = y[n, o, place // high_, place % high_]
            source = block[o, (line - low) * wide : (line - low + 1) * wide]
            for i in range(wide):
                target[i] = source[i] + b


def _at(taps: list[list[int]]) -> Any:
    """The index of these taps, given for each axis, of a weight (O, C, *kernel)."""
    everything: tuple[Any, ...] = (slice(None), slice(None))
    return everything + np.ix_(*taps)


class Columns:
    """Products over columns.

    Args:
        groups: of the channels.
        room: bytes that the columns of a thread may take.
        distances: for each axis and tap, how far it is from stride times the place.
        stride: from place to place.
        x, y: lengths along the axes, of what is seen and of the result.
    """

    def __init__(self, groups: int, room: int, distances: Any, stride: Any, x: Any, y: Any) -> None:
        self.groups, self.room, self.stride, self.y = groups, room, tuple(stride), tuple(y)
        self.kernel = tuple(map(len, distances))
        # A tap that never meets x makes nothing but zeros.
        self.used = [
            [i for i, shift in enumerate(shifts) if any(0 <= s * j + shift < n for j in range(m))]
            for shifts, s, n, m in zip(distances, stride, x, y, strict=True)
        ]
        self.places = math.prod(x)
        chosen = [[shifts[i] for i in used] for shifts, used in zip(distances, self.used, strict=True)]
        self.taps = np.array(list(itertools.product(*chosen)), dtype=np.int64).reshape(-1, 3)

    def _by_runs(self, channels: int, itemsize: int) -> bool:
        """Whether columns are copied in runs of channels, of which a group has so many."""
        return channels >= _FEWEST and 4 * channels * self.groups * self.places * itemsize <= self.room

    def matrix(self, w: np.ndarray) -> np.ndarray:
        """A weight (O, C / G, *kernel) as (G, O / G, rows of a column), without the taps that are not used."""
        if tuple(map(len, self.used)) != self.kernel:
            w = w[_at(self.used)]
        flat: np.ndarray = w.reshape(*w.shape[:2], len(self.taps))
        if self._by_runs(w.shape[1], w.itemsize):
            flat = flat.swapaxes(1, 2)
        return flat.reshape(self.groups, len(w) // self.groups, w.shape[1] * len(self.taps))

    def weight(self, matrix: np.ndarray) -> np.ndarray:
        """The transpose of :meth:`matrix`."""
        outputs, inputs = matrix.shape[0] * matrix.shape[1], matrix.shape[2] // max(len(self.taps), 1)
        w = np.zeros((outputs, inputs, *self.kernel), matrix.dtype)
        flat: np.ndarray = matrix.reshape(outputs, inputs * len(self.taps))
        if self._by_runs(inputs, w.itemsize):
            flat = flat.reshape(outputs, len(self.taps), inputs).swapaxes(1, 2)
        w[_at(self.used)] = flat.reshape(outputs, inputs, *map(len, self.used))
        return w

    def _step(self, rows: int, itemsize: int, lines: int) -> int:
        """How many lines make a block."""
        column = max(rows * itemsize, 1)
        places = min(max(_NARROWEST, _BLOCK // column), self.room // 2 // column)
        return max(1, min(places // self.y[2], lines))

    def _seen(self, x: np.ndarray, step: int) -> Callable[[int, int], np.ndarray]:
        """What gives the columns (G, rows, places) of blocks of up to so many lines."""
        by_runs = self._by_runs(x.shape[1] // self.groups, x.itemsize)
        return (_RunsOfChannels if by_runs else _Lines)(self, x, step)

    def forward(self, x: np.ndarray, w: np.ndarray, bias: Any, y: np.ndarray) -> None:
        """Fill y (N, O, *), seen from x (N, C, *) through w (O, C / G, *)."""
        matrix = self.matrix(w)
        bias = np.zeros(len(w), x.dtype) if bias is None else bias
        rows, lines = x.shape[1] * len(self.taps), len(x) * self.y[0] * self.y[1]
        step = self._step(rows, x.itemsize, lines)

        def blocks(low: int, high: int) -> None:
            columns = self._seen(x, step)
            product = np.empty(len(w) * step * self.y[2], x.dtype)
            for a in range(low, high, step):
                b = min(a + step, high)
                seen = columns(a, b)
                places = seen.shape[2]
                made = product[: len(w) * places].reshape(self.groups, len(w) // self.groups, places)
                np.matmul(matrix, seen, out=made)
                _put_lines(made.reshape(len(w), places), a, b, bias, y)

        parallel_for(blocks, lines, step)

    def pull(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """w (O, C / G, *) of x (N, C, *) and y (N, O, *)."""
        outputs, rows = y.shape[1], x.shape[1] * len(self.taps)
        lines = len(x) * self.y[0] * self.y[1]
        step = self._step(rows, x.itemsize, lines)
        sums: dict[int, np.ndarray] = {}

        def blocks(low: int, high: int) -> None:
            columns = self._seen(x, step)
            block = np.empty(outputs * step * self.y[2], x.dtype)
            total, part = np.zeros((2, self.groups, outputs // self.groups, rows // self.groups), x.dtype)
            for a in range(low, high, step):
                b = min(a + step, high)
                seen = columns(a, b)
                pulled = block[: outputs * seen.shape[2]]
                _lines(y, a, b, pulled.reshape(outputs, -1))
                grouped = pulled.reshape(self.groups, outputs // self.groups, -1)
                total += np.matmul(grouped, seen.transpose(0, 2, 1), out=part)
            sums[low] = total

        parallel_for(blocks, lines, step)
        return self.weight(added(sums))


class Convolving:
    """A convolution from x to y by columns, and its transpose.

    Args:
        stride, padding, dilation: for each axis.
        x, kernel, y: lengths along the axes.
        groups: of the channels.
        room: bytes that the columns of a thread may take.
    """

    def __init__(
        self, stride: Any, padding: Any, dilation: Any, x: Any, kernel: Any, y: Any, groups: int, room: int
    ) -> None:
        self.groups, self.room, self.stride, self.x, self.y = groups, room, stride, x, y
        self.distances = [
            [d * k - p for k in range(count)] for count, d, p in zip(kernel, dilation, padding, strict=True)
        ]

    def _columns(self) -> Columns:
        return Columns(self.groups, self.room, self.distances, self.stride, self.x, self.y)

    def forward(self, x: np.ndarray, w: np.ndarray, bias: Any) -> np.ndarray:
        """y (N, O, *) of x (N, C, *) and w (O, C / G, *)."""
        y = np.empty((len(x), len(w), *self.y), x.dtype)
        self._columns().forward(x, w, bias, y)
        return y

    def pull(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """w (O, C / G, *) of x (N, C, *) and y (N, O, *)."""
        return self._columns().pull(x, y)

    def transpose(self, y: np.ndarray, w: np.ndarray, bias: Any) -> np.ndarray:
        """x (N, C, *) of y (N, O, *) and w (O, C / G, *)."""
        outputs, inputs = len(w) // self.groups, w.shape[1]
        turned = w.reshape(self.groups, outputs, *w.shape[1:]).swapaxes(1, 2)
        turned = turned.reshape(self.groups * inputs, outputs, *w.shape[2:])
        x = np.empty((len(y), len(turned), *self.x), y.dtype)
        for remainders in itertools.product(*map(range, self.stride)):
            places: Any = (..., *(slice(r, None, s) for r, s in zip(remainders, self.stride, strict=True)))
            part = x[places]
            if not part.size:
                continue
            meeting = [
                [k for k, distance in enumerate(row) if (r - distance) % s == 0]
                for row, r, s in zip(self.distances, remainders, self.stride, strict=True)
            ]
            distances = [
                [(r - row[k]) // s for k in taps]
                for row, taps, r, s in zip(self.distances, meeting, remainders, self.stride, strict=True)
            ]
            columns = Columns(self.groups, self.room, distances, (1, 1, 1), self.y, part.shape[2:])
            columns.forward(y, turned[_at(meeting)], bias, part)
        return x
