"""Convolution with 3 x 3 kernels and stride 1 in a quarter of the multiplications (Winograd's F(4 x 4, 3 x 3)).

A tile of 6 x 6 inputs d and a kernel w give 4 x 4 outputs

    y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ d B)] A,

36 multiplications instead of 144, and for many channels each of the 36 places is one product of matrices: (tiles,
inputs) times (inputs, outputs). The three matrices evaluate and interpolate polynomials at 0, ±√½, ±√2 and ∞; these
points lose fewer digits than the usual 0, ±1, ±2, ∞. The formula is linear in w, d and y, so its derivatives are the
transposed matrices: dL/dw = Gᵀ [Σ (A g Aᵀ) ⊙ (Bᵀ d B)] G, and dL/dx is another such convolution.

Channels are the innermost axis of everything in between, so that the transforms are vector code.

Source: Lavin & Gray, Fast algorithms for convolutional neural networks, 2016; the points: Barabasz et al., Error
analysis and improving the accuracy of Winograd convolution, 2020.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import parallel_for

_A, _B = math.sqrt(0.5), math.sqrt(2)
_POINTS = (0.0, _A, -_A, _B, -_B)
_EVALUATE = np.array(
    [[p**i / math.prod(p - q for q in _POINTS if q != p) for i in range(3)] for p in _POINTS] + [[0.0, 0.0, 1.0]]
)
_KERNEL = np.kron(_EVALUATE, _EVALUATE)  # 9 weights to 36

_A2, _A3, _B2, _B3 = _A**2, _A**3, _B**2, _B**3
_SUM2 = _A2 + _B2  # a²b² is 1


def suits(w: Any, padding: Any, size: Any) -> bool:
    """Whether this is the quicker way for a weight of shape w: enough channels, and pictures that fill their tiles."""
    tiles = math.prod(-(-n // 4) for n in size)
    return min(w[:2]) >= 16 and max(padding) <= 2 and 2 * math.prod(size) >= 16 * tiles


def transformed(w: np.ndarray) -> np.ndarray:
    """G w Gᵀ of every kernel, (36, C, O) out of (O, C, 3, 3)."""
    flat = np.matmul(_KERNEL.astype(w.dtype), w.reshape(-1, 9).T)
    return flat.reshape(36, *w.shape[:2]).swapaxes(1, 2)


def transformed_and_turned(w: np.ndarray) -> np.ndarray:
    """The same of every kernel turned by half a turn, as the transpose needs it: (36, O, C) out of (O, C, 3, 3)."""
    flat = np.matmul(_KERNEL[:, ::-1].astype(w.dtype), w.reshape(-1, 9).T)
    return flat.reshape(36, *w.shape[:2])


def transformed_back(u: np.ndarray) -> np.ndarray:
    """Gᵀ u G of every kernel, (O, C, 3, 3) out of (36, O, C)."""
    flat = np.matmul(_KERNEL.T.astype(u.dtype), u.reshape(36, -1))
    return np.ascontiguousarray(flat.T).reshape(*u.shape[1:], 3, 3)


@kernel
def _channels_last(x: Any, top: Any, left: Any, buffer: Any) -> None:
    """x (C, H, W) into the inside of buffer (H + border, W + border, C)."""
    for y in range(x.shape[1]):
        row = buffer[y + top]
        for first in range(0, x.shape[2], 16):
            places = row[left + first : left + min(first + 16, x.shape[2])]
            for c in range(x.shape[0]):
                run, column = x[c, y, first : first + 16], places[:, c]
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


class _Reader:
    """Pictures (N, C, H, W) as tiles: 6 x 6 inputs that overlap, or 4 x 4 gradients that do not."""

    def __init__(self, x: np.ndarray, padding: Any, tiles: tuple[int, int], images: int, edge: int) -> None:
        high, wide = tiles
        channels = x.shape[1]
        self.x, self.padding, self.count, self.edge = x, padding, high * wide, edge
        self.buffer = np.zeros((4 * high + edge, 4 * wide + edge, channels), x.dtype)
        self.strip = np.empty((6, self.buffer.shape[1] * channels) if edge else (6, 4, channels), x.dtype)
        # one tile more than needed: at steps of a power of two all 36 writes would meet in one set of the cache
        self.tiles = np.empty((36, images * self.count + 1, channels), x.dtype)
        # what of a picture lies within the tiles; the rest is never read
        self.inside = tuple(slice(0, n - p) for n, p in zip(self.buffer.shape, padding, strict=False))

    def __call__(self, low: int, high: int) -> np.ndarray:
        """The transformed tiles (36, tiles, C) of the pictures from low to high."""
        for n in range(low, high):
            _channels_last(self.x[n][(slice(None), *self.inside)], *self.padding, self.buffer)
            first = (n - low) * self.count
            (_inputs if self.edge else _pulls)(self.buffer, self.strip, self.tiles, first)
        return self.tiles[:, : (high - low) * self.count]


def _images_at_once(tiles: int, channels: int, itemsize: int, images: int, room: int) -> int:
    """How many pictures make products large enough, within so many bytes."""
    wanted = -(-64 // tiles)
    return max(1, min(images, wanted, room // (36 * tiles * channels * itemsize)))


def convolved(x: np.ndarray, u: np.ndarray, bias: Any, padding: Any, size: Any, room: int) -> np.ndarray:
    """y (N, O, *size) of x (N, C, H, W) and transformed kernels u (36, C, O).

    Args:
        padding: zeros before each axis.
        room: bytes that a thread may use.
    """
    channels, outputs = u.shape[1:]
    y = np.empty((len(x), outputs, *size), x.dtype)
    bias = np.zeros(outputs, x.dtype) if bias is None else bias
    high, wide = (-(-n // 4) for n in size)
    step = _images_at_once(high * wide, channels + outputs, x.itemsize, len(x), room)

    def images(low: int, end: int) -> None:
        reader = _Reader(x, padding, (high, wide), step, 2)
        product = np.empty((36, step * high * wide + 1, outputs), x.dtype)
        strip, picture = np.empty((4, 6, outputs), x.dtype), np.empty((4 * high, 4 * wide, outputs), x.dtype)
        for n in range(low, end, step):
            last = min(n + step, end)
            v = reader(n, last)
            m = np.matmul(v, u, out=product[:, : v.shape[1]])
            for i in range(n, last):
                _outputs(m, (i - n) * high * wide, strip, picture)
                _channels_first(picture, bias, y[i])

    parallel_for(images, len(x), step)
    return y


def weight(x: np.ndarray, g: np.ndarray, padding: Any, room: int) -> np.ndarray:
    """dL/dw (O, C, 3, 3) of x (N, C, H, W) and g (N, O, *)."""
    channels, outputs = x.shape[1], g.shape[1]
    tiles = tuple(-(-n // 4) for n in g.shape[2:])
    step = _images_at_once(math.prod(tiles), channels + outputs, x.itemsize, len(x), room)
    sums = []

    def images(low: int, end: int) -> None:
        inputs, pulls = _Reader(x, padding, tiles, step, 2), _Reader(g, (0, 0), tiles, step, 0)  # type: ignore[arg-type]
        total, part = np.zeros((2, 36, outputs, channels), x.dtype)
        for n in range(low, end, step):
            last = min(n + step, end)
            total += np.matmul(pulls(n, last).transpose(0, 2, 1), inputs(n, last), out=part)
        sums.append(total)

    parallel_for(images, len(x), step)
    return transformed_back(sum(sums[1:], sums[0]))
