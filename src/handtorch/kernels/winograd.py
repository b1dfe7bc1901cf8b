"""Convolution with 3 x 3 kernels and stride 1 in a quarter of the multiplications (Winograd's F(4 x 4, 3 x 3)).

A tile of 6 x 6 inputs d and a kernel w give 4 x 4 outputs

    y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ d B)] A,

36 multiplications instead of 144, and for many channels each of the 36 places is one product of matrices: (tiles,
inputs) times (inputs, outputs). The three matrices evaluate and interpolate polynomials at 0, ±√½, ±√2 and ∞; these
points lose fewer digits than the usual 0, ±1, ±2, ∞. The formula is linear in w, d and y, so its derivatives are the
transposed matrices: dL/dw = Gᵀ [Σ (A g Aᵀ) ⊙ (Bᵀ d B)] G, and dL/dx is another such convolution.

Channels are the innermost axis of everything in between, so that the transforms are vector code.

Where kernels are few, threads go block by block of tiles, each of which stays in the cache until its results are
written. Many kernels would have to come from memory again for every block. So there all tiles that the workspace can
hold are transformed first, and threads go block by block of outputs, whose kernels they transform as they need them.

Source: Lavin & Gray, Fast algorithms for convolutional neural networks, 2016; the points: Barabasz et al., Error
analysis and improving the accuracy of Winograd convolution, 2020.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import get_num_threads, parallel_for

Reader = Callable[[int, int, np.ndarray, int], None]

_A, _B = math.sqrt(0.5), math.sqrt(2)
_POINTS = (0.0, _A, -_A, _B, -_B)
_EVALUATE = np.array(
    [[p**i / math.prod(p - q for q in _POINTS if q != p) for i in range(3)] for p in _POINTS] + [[0.0, 0.0, 1.0]]
)
_KERNEL = np.kron(_EVALUATE, _EVALUATE)  # 9 weights to 36

_TILES = 64  # make products large enough, and stay within a core's cache
_OUTPUTS = 32  # the same of outputs, where a block is some of them over many tiles
_MANY = 1 << 13  # kernels which, transformed, would push everything else out of a core's cache
_FINER = 4  # pieces for each thread

_A2, _A3, _B2, _B3 = _A**2, _A**3, _B**2, _B**3
_SUM2 = _A2 + _B2  # a²b² is 1


def suits(w: Any, padding: Any, size: Any) -> bool:
    """Whether this is the quicker way for a weight of shape w: enough channels, and pictures that fill their tiles."""
    tiles = math.prod(-(-n // 4) for n in size)
    return min(w[:2]) >= 16 and max(padding) <= 2 and 2 * math.prod(size) >= 16 * tiles


def transformed(w: np.ndarray) -> np.ndarray:
    """G w Gᵀ of every kernel, (36, C, O) out of (C, O, 3, 3)."""
    flat = np.ascontiguousarray(w.transpose(2, 3, 0, 1)).reshape(9, -1)
    return np.matmul(_KERNEL.astype(w.dtype), flat).reshape(36, *w.shape[:2])


def transformed_back(u: np.ndarray) -> np.ndarray:
    """Gᵀ u G of every kernel, (O, C, 3, 3) out of (36, O, C)."""
    return np.matmul(u.reshape(36, -1).T, _KERNEL.astype(u.dtype)).reshape(*u.shape[1:], 3, 3)


@kernel
def channels_last(x: Any, top: Any, left: Any, buffer: Any) -> None:
    """Rows of x (C, H, W) from row ``top`` on into buffer (rows, left + W or more, C), zeros where there are none."""
    wide = min(x.shape[2], buffer.shape[1] - left)
    for r in range(buffer.shape[0]):
        row = buffer[r, left : left + wide]
        if top + r < 0 or top + r >= x.shape[1]:
            row[:] = 0
            continue
        for first in range(0, wide, 16):
            places = row[first : first + 16]
            for c in range(x.shape[0]):
                run, column = x[c, top + r, first : first + places.shape[0]], places[:, c]
                for i in range(run.size):
                    column[i] = run[i]


@kernel
def _channels_first(buffer: Any, bias: Any, y: Any) -> None:
    """The first places of buffer (H or more, W or more, O), plus bias (O), into y (O, H, W)."""
    for i in range(y.shape[1]):
        row = buffer[i, : y.shape[2]]
        for first in range(0, y.shape[2], 16):
            places = row[first : first + 16]
            for o in range(y.shape[0]):
                run, column, b = y[o, i, first : first + 16], places[:, o], bias[o]
                for j in range(run.size):
                    run[j] = column[j] + b


@kernel
def _inputs(buffer: Any, strip: Any, v: Any, first: Any) -> None:
    """Bᵀ d B of all tiles of a picture (H, W, C) into v (36, tiles, C), from tile ``first`` on."""
    kind = buffer.dtype.type
    a, b, a2, b2, s2 = kind(_A), kind(_B), kind(_A2), kind(_B2), kind(_SUM2)
    high, wide, channels = (buffer.shape[0] - 2) // 4, (buffer.shape[1] - 2) // 4, buffer.shape[2]
    rows = buffer.reshape(buffer.shape[0], buffer.shape[1] * channels)
    columns = strip.reshape(6, buffer.shape[1], channels)
    for ty in range(high):
        d0, d1, d2 = rows[4 * ty], rows[4 * ty + 1], rows[4 * ty + 2]
        d3, d4, d5 = rows[4 * ty + 3], rows[4 * ty + 4], rows[4 * ty + 5]
        r0, r1, r2, r3, r4, r5 = strip[0], strip[1], strip[2], strip[3], strip[4], strip[5]
        for i in range(r0.size):
            r0[i] = d4[i] - s2 * d2[i] + d0[i]
            even, odd = d4[i] - b2 * d2[i], a * (d3[i] - b2 * d1[i])
            r1[i] = even + odd
            r2[i] = even - odd
            even, odd = d4[i] - a2 * d2[i], b * (d3[i] - a2 * d1[i])
            r3[i] = even + odd
            r4[i] = even - odd
            r5[i] = d5[i] - s2 * d3[i] + d1[i]
        for tx in range(wide):
            t = first + ty * wide + tx
            for r in range(6):
                e0, e1, e2 = columns[r, 4 * tx], columns[r, 4 * tx + 1], columns[r, 4 * tx + 2]
                e3, e4, e5 = columns[r, 4 * tx + 3], columns[r, 4 * tx + 4], columns[r, 4 * tx + 5]
                v0, v1, v2 = v[6 * r, t], v[6 * r + 1, t], v[6 * r + 2, t]
                v3, v4, v5 = v[6 * r + 3, t], v[6 * r + 4, t], v[6 * r + 5, t]
                for c in range(channels):
                    v0[c] = e4[c] - s2 * e2[c] + e0[c]
                    even, odd = e4[c] - b2 * e2[c], a * (e3[c] - b2 * e1[c])
                    v1[c] = even + odd
                    v2[c] = even - odd
                    even, odd = e4[c] - a2 * e2[c], b * (e3[c] - a2 * e1[c])
                    v3[c] = even + odd
                    v4[c] = even - odd
                    v5[c] = e5[c] - s2 * e3[c] + e1[c]


@kernel
def _outputs(m: Any, first: Any, strip: Any, buffer: Any) -> None:
    """Aᵀ m A of the tiles m (36, tiles, O) from tile ``first`` on into a picture (H, W, O)."""
    kind = buffer.dtype.type
    a, b, a2, b2, a3, b3 = kind(_A), kind(_B), kind(_A2), kind(_B2), kind(_A3), kind(_B3)
    high, wide, channels = buffer.shape[0] // 4, buffer.shape[1] // 4, buffer.shape[2]
    for t in range(high * wide):
        y, x = 4 * (t // wide), 4 * (t % wide)
        for c in range(6):
            m0, m1, m2 = m[c, first + t], m[6 + c, first + t], m[12 + c, first + t]
            m3, m4, m5 = m[18 + c, first + t], m[24 + c, first + t], m[30 + c, first + t]
            r0, r1, r2, r3 = strip[0, c], strip[1, c], strip[2, c], strip[3, c]
            for o in range(channels):
                even, odd, even2, odd2 = m1[o] + m2[o], m1[o] - m2[o], m3[o] + m4[o], m3[o] - m4[o]
                r0[o] = m0[o] + even + even2
                r1[o] = a * odd + b * odd2
                r2[o] = a2 * even + b2 * even2
                r3[o] = a3 * odd + b3 * odd2 + m5[o]
        for r in range(4):
            m0, m1, m2, m3, m4, m5 = strip[r, 0], strip[r, 1], strip[r, 2], strip[r, 3], strip[r, 4], strip[r, 5]
            r0, r1, r2, r3 = buffer[y + r, x], buffer[y + r, x + 1], buffer[y + r, x + 2], buffer[y + r, x + 3]
            for o in range(channels):
                even, odd, even2, odd2 = m1[o] + m2[o], m1[o] - m2[o], m3[o] + m4[o], m3[o] - m4[o]
                r0[o] = m0[o] + even + even2
                r1[o] = a * odd + b * odd2
                r2[o] = a2 * even + b2 * even2
                r3[o] = a3 * odd + b3 * odd2 + m5[o]


@kernel
def _pulls(buffer: Any, strip: Any, u: Any, first: Any) -> None:
    """A g Aᵀ of all tiles of a picture (H, W, O) into u (36, tiles, O), from tile ``first`` on."""
    kind = buffer.dtype.type
    a, b, a2, b2, a3, b3 = kind(_A), kind(_B), kind(_A2), kind(_B2), kind(_A3), kind(_B3)
    high, wide, channels = buffer.shape[0] // 4, buffer.shape[1] // 4, buffer.shape[2]
    for t in range(high * wide):
        y, x = 4 * (t // wide), 4 * (t % wide)
        for c in range(4):
            g0, g1, g2, g3 = buffer[y, x + c], buffer[y + 1, x + c], buffer[y + 2, x + c], buffer[y + 3, x + c]
            r0, r1, r2, r3 = strip[0, c], strip[1, c], strip[2, c], strip[3, c]
            r4, r5 = strip[4, c], strip[5, c]
            for o in range(channels):
                r0[o] = g0[o]
                even, odd = g0[o] + a2 * g2[o], a * g1[o] + a3 * g3[o]
                r1[o] = even + odd
                r2[o] = even - odd
                even, odd = g0[o] + b2 * g2[o], b * g1[o] + b3 * g3[o]
                r3[o] = even + odd
                r4[o] = even - odd
                r5[o] = g3[o]
        for r in range(6):
            g0, g1, g2, g3 = strip[r, 0], strip[r, 1], strip[r, 2], strip[r, 3]
            u0, u1, u2 = u[6 * r, first + t], u[6 * r + 1, first + t], u[6 * r + 2, first + t]
            u3, u4, u5 = u[6 * r + 3, first + t], u[6 * r + 4, first + t], u[6 * r + 5, first + t]
            for o in range(channels):
                u0[o] = g0[o]
                even, odd = g0[o] + a2 * g2[o], a * g1[o] + a3 * g3[o]
                u1[o] = even + odd
                u2[o] = even - odd
                even, odd = g0[o] + b2 * g2[o], b * g1[o] + b3 * g3[o]
                u3[o] = even + odd
                u4[o] = even - odd
                u5[o] = g3[o]


@kernel
def _read(
    x: Any, low: Any, high: Any, of_picture: Any, padding: Any, buffer: Any, strip: Any, v: Any, first: Any
) -> None:
    """The transformed inputs of the rows of tiles from low to high, counted over all pictures x (N, C, H, W)."""
    wide = (buffer.shape[1] - 2) // 4
    for q in range(low, high):
        channels_last(x[q // of_picture], q % of_picture * 4 - padding[0], padding[1], buffer)
        _inputs(buffer, strip, v, first + (q - low) * wide)


@kernel
def _read_pulls(g: Any, low: Any, high: Any, of_picture: Any, buffer: Any, strip: Any, u: Any, first: Any) -> None:
    """The transformed gradients of the rows of tiles from low to high, counted over all pictures g (N, O, H, W)."""
    wide = buffer.shape[1] // 4
    for q in range(low, high):
        channels_last(g[q // of_picture], q % of_picture * 4, 0, buffer)
        _pulls(buffer, strip, u, first + (q - low) * wide)


@kernel
def _write(
    m: Any, low: Any, high: Any, of_picture: Any, strip: Any, buffer: Any, bias: Any, first: Any, y: Any
) -> None:
    """The outputs of the rows of tiles from low to high into pictures y (N, O, H, W), from channel ``first`` on."""
    wide = buffer.shape[1] // 4
    for q in range(low, high):
        _outputs(m, (q - low) * wide, strip, buffer)
        top = q % of_picture * 4
        last = first + buffer.shape[2]
        _channels_first(buffer, bias[first:last], y[q // of_picture, first:last, top : top + 4])


def added(parts: dict[int, np.ndarray]) -> np.ndarray:
    """The sum of what threads have made of their ranges, in the order of the ranges: the same in every run."""
    total, *others = (parts[low] for low in sorted(parts))
    for part in others:
        total += part
    return total


class _Tiles:
    """Rows of tiles as units of work: how many there are, how many at once, and what holds them in between.

    Args:
        images: how many pictures there are.
        size: H and W of the results.
        channels, outputs: of the pictures and of the results.
        dtype: of all numbers.
        room: bytes that a thread may take.
    """

    def __init__(self, images: int, size: Any, channels: int, outputs: int, dtype: Any, room: int) -> None:
        self.of_picture, self.wide = (-(-n // 4) for n in size)
        self.rows, self.dtype, self.room = images * self.of_picture, dtype, room // (36 * dtype.itemsize)
        self.channels, self.outputs = channels, outputs
        fit = self.room // (self.wide * (channels + outputs))
        self.step = max(1, min(self.rows, -(-_TILES // self.wide), fit))

    def portions(self, shared: int) -> list[tuple[int, int]]:
        """Ranges of rows for each of which all kernels are gone through once, if that is the quicker way.

        Args:
            shared: channels of what all threads keep of all tiles of a range.
        """
        threads = get_num_threads()
        rows = threads * (self.room - _OUTPUTS * self.channels) // (self.wide * (shared + threads * _OUTPUTS))
        if self.channels * self.outputs < _MANY or rows < min(self.rows, -(-_TILES // self.wide)):
            return []
        return [(low, min(low + rows, self.rows)) for low in range(0, self.rows, rows)]

    def blocks(self, low: int, high: int) -> Iterator[tuple[int, int, int]]:
        """Blocks of rows, and how many tiles each has."""
        for q in range(low, high, self.step):
            last = min(q + self.step, high)
            yield q, last, (last - q) * self.wide

    def for_outputs(self, work: Callable[[int, int], None]) -> None:
        """Call ``work(first, last)`` for blocks of outputs, on all threads."""

        def some(low: int, high: int) -> None:
            for first in range(low * _OUTPUTS, min(high * _OUTPUTS, self.outputs), _OUTPUTS):
                work(first, min(first + _OUTPUTS, self.outputs))

        parallel_for(some, -(-self.outputs // _OUTPUTS), finer=_FINER)

    def room_for(self, channels: int, rows: int | None = None) -> np.ndarray:
        """Room for the 36 places of a block of tiles or of so many rows of them, and one tile more.

        At steps of a power of two all 36 writes would meet in one set of the cache.
        """
        return np.empty((36, (rows or self.step) * self.wide + 1, channels), self.dtype)

    def all_of(self, low: int, high: int, channels: int, reader: Callable[[], Reader]) -> np.ndarray:
        """What readers give for all tiles of a range of rows, (36, tiles, channels)."""
        v = self.room_for(channels, high - low)

        def some(first: int, last: int) -> None:
            reader()(low + first, low + last, v, first * self.wide)

        parallel_for(some, high - low, finer=_FINER)
        return v[:, :-1]

    def reader(self, x: np.ndarray, padding: Any) -> Reader:
        """A function that writes the transformed inputs of rows of tiles into v (36, tiles, C), from some tile on."""
        buffer = np.zeros((6, 4 * self.wide + 2, self.channels), self.dtype)
        strip = np.empty((6, buffer.shape[1] * self.channels), self.dtype)

        def read(low: int, high: int, v: np.ndarray, first: int) -> None:
            _read(x, low, high, self.of_picture, padding, buffer, strip, v, first)

        return read

    def pull_reader(self, g: np.ndarray) -> Reader:
        """The same of the transformed gradients, into u (36, tiles, O)."""
        buffer = np.zeros((4, 4 * self.wide, self.outputs), self.dtype)
        strip = np.empty((6, 4, self.outputs), self.dtype)

        def read(low: int, high: int, u: np.ndarray, first: int) -> None:
            _read_pulls(g, low, high, self.of_picture, buffer, strip, u, first)

        return read

    def writer(self, outputs: int, bias: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray, int, int, int], None]:
        """A function that writes products m (36, tiles, outputs) for rows of tiles into y, from some channel on."""
        strip = np.empty((4, 6, outputs), self.dtype)
        buffer = np.empty((4, 4 * self.wide, outputs), self.dtype)

        def write(m: np.ndarray, low: int, high: int, first: int) -> None:
            _write(m, low, high, self.of_picture, strip, buffer, bias, first, y)

        return write


def convolved(x: np.ndarray, w: np.ndarray, bias: Any, padding: Any, size: Any, room: int) -> np.ndarray:
    """y (N, O, *size) of x (N, C, H, W) and w (C, O, 3, 3).

    Args:
        padding: zeros before each axis.
        room: bytes that a thread may take.
    """
    channels, outputs = w.shape[:2]
    y = np.empty((len(x), outputs, *size), x.dtype)
    bias = np.zeros(outputs, x.dtype) if bias is None else bias
    tiles = _Tiles(len(x), size, channels, outputs, x.dtype, room)
    portions = tiles.portions(channels)

    def by_outputs(low: int, high: int) -> None:
        v = tiles.all_of(low, high, channels, lambda: tiles.reader(x, padding))

        def some(first: int, last: int) -> None:
            write = tiles.writer(last - first, bias, y)
            write(np.matmul(v, transformed(w[:, first:last])), low, high, first)

        tiles.for_outputs(some)

    def by_tiles(low: int, high: int) -> None:
        read, write = tiles.reader(x, padding), tiles.writer(outputs, bias, y)
        v, product = tiles.room_for(channels), tiles.room_for(outputs)
        for q, last, count in tiles.blocks(low, high):
            read(q, last, v, 0)
            write(np.matmul(v[:, :count], u, out=product[:, :count]), q, last, 0)

    for portion in portions:
        by_outputs(*portion)
    if not portions:
        u = transformed(w)
        parallel_for(by_tiles, tiles.rows, tiles.step, finer=_FINER)
    return y


def weight(x: np.ndarray, g: np.ndarray, padding: Any, room: int) -> np.ndarray:
    """dL/dw (O, C, 3, 3) of x (N, C, H, W) and g (N, O, *)."""
    channels, outputs = x.shape[1], g.shape[1]
    tiles = _Tiles(len(x), g.shape[2:], channels, outputs, x.dtype, room)
    portions = tiles.portions(channels + outputs)
    w = np.zeros((outputs, channels, 3, 3), x.dtype)
    sums: dict[int, np.ndarray] = {}

    def by_outputs(low: int, high: int) -> None:
        v = tiles.all_of(low, high, channels, lambda: tiles.reader(x, padding))
        pulls = tiles.all_of(low, high, outputs, lambda: tiles.pull_reader(g)).transpose(0, 2, 1)

        def some(first: int, last: int) -> None:
            w[first:last] += transformed_back(np.matmul(pulls[:, first:last], v))

        tiles.for_outputs(some)

    def by_tiles(low: int, high: int) -> None:
        read, read_pulls = tiles.reader(x, padding), tiles.pull_reader(g)
        v, pulls = tiles.room_for(channels), tiles.room_for(outputs)
        total, part = np.zeros((2, 36, outputs, channels), x.dtype)
        for q, last, count in tiles.blocks(low, high):
            read(q, last, v, 0)
            read_pulls(q, last, pulls, 0)
            total += np.matmul(pulls[:, :count].transpose(0, 2, 1), v[:, :count], out=part)
        sums[low] = total

    for portion in portions:
        by_outputs(*portion)
    if not portions:
        parallel_for(by_tiles, tiles.rows, tiles.step)
        w += transformed_back(added(sums))
    return w
