"""Twin of sampling pictures at points: a block of points gets its table of places and weights, then every channel.

The table of a block stays in the processor's first cache while channel after channel is looked up with it, so no table
for all points goes through memory. Places are computed as the plain op does it, to the last bit: where a point falls
between two elements may hang on that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.compile import exact_kernel, kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import grids

_BLOCK = 256  # points of a table
_GRAIN = 1 << 14  # products that are worth a thread
_TAPS = {"nearest": 1, "bilinear": 2, "bicubic": 4}  # how many elements each axis has around a point


class SamplePicture(grids.SamplePicture):
    """float32 and float64."""

    def accepts(self, x: Any, points: Any) -> bool:  # type: ignore[override]
        return x.dtype in (np.float32, np.float64) and x.ndim == 4 and points.ndim == 3 and x.size > 0

    def forward(self, x: Any, points: Any) -> Any:
        self.save(x, points)
        x, points = np.ascontiguousarray(x), np.ascontiguousarray(points)
        y = np.empty((*x.shape[:2], points.shape[1]), x.dtype)

        def work(low: int, high: int) -> None:
            _look_up(x, points, self._settings(), y, low, high)

        self._by_block(work, x, points)
        return y

    def backward(self, g: Any) -> Any:
        x, points, g = (np.ascontiguousarray(a) for a in (*self.saved, g))
        return self._by_picture(x, points, g) if self.needs(0) else None, (
            self._by_points(x, points, g) if self.needs(1) else None
        )

    def _by_picture(self, x: np.ndarray, points: np.ndarray, g: np.ndarray) -> np.ndarray:
        dx = np.zeros(x.shape, x.dtype)

        def work(low: int, high: int) -> None:
            _spread(points, self._settings(), g, dx, low, high)

        parallel_for(work, x.shape[0] * x.shape[1], -(-_GRAIN // max(points.shape[1] * self._taps**2, 1)))
        return dx

    def _by_points(self, x: np.ndarray, points: np.ndarray, g: np.ndarray) -> np.ndarray:
        dpoints = np.empty(points.shape, points.dtype)

        def work(low: int, high: int) -> None:
            _move(x, points, self._settings(), g, dpoints, low, high)

        self._by_block(work, x, points)
        return dpoints

    @property
    def _taps(self) -> int:
        return _TAPS[self.mode]

    def _settings(self) -> tuple[int, int, bool]:
        return self._taps, grids.PADDINGS.index(self.padding), self.align_corners

    def _by_block(self, work: Any, x: np.ndarray, points: np.ndarray) -> None:
        """Deal out the blocks of all pictures."""
        each = _BLOCK * x.shape[1] * self._taps**2
        parallel_for(work, len(points) * -(-points.shape[1] // _BLOCK), -(-_GRAIN // each))


@exact_kernel
def _inside(at: Any, padding: int, ends: Any) -> Any:
    """Where a place is brought to from outside, and the slope of that; ends are the elements' and the mirrors'."""
    first, last, low, high = ends
    slope = 1.0
    if padding == 2:
        span, ahead = high - low, abs(at - low)
        if span == first:
            return first, 0.0
        rest = np.fmod(ahead, span)
        back = np.rint((ahead - rest) / span) % 2 == 1
        slope = -1.0 if (at < low) != back else 1.0
        at = high - rest if back else rest + low
    if not first < at < last:
        slope = 0.0
    return first if at != at else min(max(at, first), last), slope


@exact_kernel
def _whole(at: Any, n: int) -> int:
    """A place as a whole number; far outside is as good as outside."""
    return -9 if at != at else int(min(max(at, -9), n + 9))


@exact_kernel
def _along(points: Any, n: int, settings: Any, places: Any, weights: Any, slopes: Any) -> None:
    """Along one axis of n elements: places (K, P), weights (K, P) and their derivatives by the points (P,)."""
    taps, padding, aligned = settings
    kind = points.dtype.type
    scale = kind((n - 1) / 2) if aligned else kind(n / 2)
    beyond = kind(0) if aligned else kind(0.5)
    ends = kind(0), kind(n - 1), -beyond, kind(n - 1) + beyond
    for p in range(points.size):
        at, slope = (points[p] + kind(1)) * scale - beyond, np.float64(scale)
        if padding > 0 and taps < 4:
            at, inner = _inside(at, padding, ends)
            slope *= inner
        if taps == 1:
            places[0, p], weights[0, p], slopes[0, p] = _whole(np.rint(at), n), 1.0, 0.0
            continue
        left = np.floor(at)
        t = np.float64(at) - np.float64(left)
        if taps == 2:
            places[0, p], weights[0, p], slopes[0, p] = _whole(left, n), 1 - t, -slope
            places[1, p], weights[1, p], slopes[1, p] = _whole(left + kind(1), n), t, slope
            continue
        for k in range(4):  # Keys' cubic convolution with a = -3/4; d is the distance from a place
            place, d, sign = left + kind(k - 1), (t - (k - 1) if k < 2 else k - 1 - t), (1 if k < 2 else -1)
            if padding > 0:
                place = _inside(place, padding, ends)[0]
            places[k, p] = _whole(place, n)
            if k == 1 or k == 2:
                weights[k, p], slopes[k, p] = (1.25 * d - 2.25) * d * d + 1, sign * slope * (3.75 * d - 4.5) * d
            else:
                weights[k, p] = -0.75 * ((d - 5) * d + 8) * d + 3
                slopes[k, p] = -0.75 * sign * slope * ((3 * d - 10) * d + 8)


@kernel
def _places(points: Any, height: int, width: int, settings: Any, axes: Any, weights: Any, slopes: Any, s: Any) -> None:
    """Both axes, and the elements s (K·K, P) of the picture, -1 for none."""
    _along(points[:, 1], height, settings, axes[0], weights[0], slopes[0])
    _along(points[:, 0], width, settings, axes[1], weights[1], slopes[1])
    taps = settings[0]
    for k in range(taps * taps):
        for p in range(len(points)):
            i, j = axes[0, k // taps, p], axes[1, k % taps, p]
            s[k, p] = i * width + j if 0 <= i < height and 0 <= j < width else -1


@kernel
def _at(plane: Any, place: int) -> Any:
    """An element, 0 for none."""
    found = plane[max(place, 0)]  # read in any case: a branch would cost more
    return found if place >= 0 else plane.dtype.type(0)


@kernel
def _tables(taps: int) -> Any:
    """Memory for the tables of a block."""
    axes = np.empty((2, taps, _BLOCK), np.int64)
    return axes, np.empty((2, taps, _BLOCK)), np.empty((2, taps, _BLOCK)), np.empty((taps * taps, _BLOCK), np.int64)


@kernel
def _look_up(x: Any, points: Any, settings: Any, y: Any, low: int, high: int) -> None:
    """y (N, C, P) of the blocks low to high, counted through all pictures."""
    taps, (_, channels, height, width) = settings[0], x.shape
    axes, weights, slopes, s = _tables(taps)
    w = np.empty((taps * taps, _BLOCK), x.dtype)
    blocks = -(-points.shape[1] // _BLOCK)
    for block in range(low, high):
        n, first = block // blocks, block % blocks * _BLOCK
        some = points[n, first : first + _BLOCK]
        _places(some, height, width, settings, axes, weights, slopes, s)
        for k in range(taps * taps):
            for p in range(len(some)):
                w[k, p] = weights[0, k // taps, p] * weights[1, k % taps, p]
        for c in range(channels):
            plane, out = x[n, c].reshape(-1), y[n, c, first : first + _BLOCK]
            for p in range(out.size):
                out[p] = w[0, p] * _at(plane, s[0, p])
            for k in range(1, taps * taps, 3):  # three at once: fewer ways to memory and back
                for p in range(out.size):
                    one, two = w[k, p] * _at(plane, s[k, p]), w[k + 1, p] * _at(plane, s[k + 1, p])
                    out[p] += one + two + w[k + 2, p] * _at(plane, s[k + 2, p])


@kernel
def _spread(points: Any, settings: Any, g: Any, dx: Any, low: int, high: int) -> None:
    """dx (N, C, H, W) of the planes low to high, counted through all pictures."""
    taps, (_, channels, height, width) = settings[0], dx.shape
    axes, weights, slopes, s = _tables(taps)
    for n in range(low // channels, -(-high // channels)):
        for first in range(0, points.shape[1], _BLOCK):
            some = points[n, first : first + _BLOCK]
            _places(some, height, width, settings, axes, weights, slopes, s)
            for c in range(max(low - n * channels, 0), min(high - n * channels, channels)):
                plane, given = dx[n, c].reshape(-1), g[n, c, first : first + _BLOCK]
                for k in range(taps * taps):
                    for p in range(given.size):
                        if s[k, p] >= 0:
                            w = weights[0, k // taps, p] * weights[1, k % taps, p]
                            plane[s[k, p]] += dx.dtype.type(w) * given[p]


@kernel
def _move(x: Any, points: Any, settings: Any, g: Any, dpoints: Any, low: int, high: int) -> None:
    """dpoints (N, P, 2) of the blocks low to high, counted through all pictures."""
    taps, (_, channels, height, width) = settings[0], x.shape
    axes, weights, slopes, s = _tables(taps)
    of_weights = np.empty((taps * taps, _BLOCK))
    blocks = -(-points.shape[1] // _BLOCK)
    for block in range(low, high):
        n, first = block // blocks, block % blocks * _BLOCK
        some, out = points[n, first : first + _BLOCK], dpoints[n, first : first + _BLOCK]
        _places(some, height, width, settings, axes, weights, slopes, s)
        of_weights[:] = 0
        for c in range(channels):
            plane, given = x[n, c].reshape(-1), g[n, c, first : first + _BLOCK]
            for k in range(taps * taps):
                for p in range(given.size):
                    of_weights[k, p] += np.float64(given[p]) * np.float64(_at(plane, s[k, p]))
        for p in range(len(some)):
            along, down = 0.0, 0.0
            for k in range(taps * taps):
                i, j = k // taps, k % taps
                down += of_weights[k, p] * slopes[0, i, p] * weights[1, j, p]
                along += of_weights[k, p] * weights[0, i, p] * slopes[1, j, p]
            out[p, 0], out[p, 1] = along, down
