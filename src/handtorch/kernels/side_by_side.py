"""Convolution in which every output sees one channel, of many small pictures.

The pictures of a channel are laid side by side, element by element: place (row, column) of all of them, then the next
place. So a piece of a row is one run of memory, and a tap of the kernel a shift of it, without zeros around pictures
that may be smaller than the kernel:

    y[row, first:last] += w[k] x[row + k's row, from:].

With a stride, columns of equal remainder stand together in a row, and the run is one again. The gradient of x is the
same loop with x and y exchanged, and that of w the product of the two runs.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from handtorch.kernels.compile import kernel
from handtorch.kernels.sliding import dots, slide
from handtorch.kernels.threads import parallel_for

_RUN = 1 << 13  # numbers of a channel that stay within the nearest caches together with its result
_ROWS = 8  # pictures that are laid down at once: more would drive each other out of the first cache


@kernel
def _lay(pictures: Any, c: Any, places: Any, together: Any, run: Any) -> None:
    """Channel c of pictures (N, C, places) into a run, which has room for so many; zeros stand for those that lack."""
    if len(pictures) < together:
        run[:] = 0
    for low in range(0, len(pictures), _ROWS):
        high = min(low + _ROWS, len(pictures))
        for i in range(places.size):
            at = places[i] * together
            for n in range(low, high):
                run[at + n] = pictures[n, c, i]


@kernel
def _take(run: Any, places: Any, together: Any, bias: Any, pictures: Any, c: Any) -> None:
    """The transpose of :func:`_lay`, plus a bias."""
    for low in range(0, len(pictures), _ROWS):
        high = min(low + _ROWS, len(pictures))
        for i in range(places.size):
            at = places[i] * together
            for n in range(low, high):
                pictures[n, c, i] = run[at + n] + bias


@kernel
def _convolve(
    source: Any, w: Any, bias: Any, fan_in: Any, fan_out: Any, low: Any, high: Any, way: Any, together: Any, seen: Any,
    out: Any, result: Any,
) -> None:  # fmt: skip
    """Channels low to high of a result: each is the sum over fan_in channels, each of which goes into fan_out."""
    bounds, taps, starts, spans, source_places, places = way
    for c in range(low, high):
        for n in range(0, len(source), together):
            out[:] = 0
            for o in range(c * fan_in, (c + 1) * fan_in):
                _lay(source[n : n + together], o // fan_out, source_places, together, seen)
                for row in range(bounds.size - 1):
                    a, b = bounds[row], bounds[row + 1]
                    for k in range(len(spans)):
                        part = out[spans[k, row, 0] : spans[k, row, 1]]
                        slide(seen, starts[k, a:b], taps[a:b], w[o, k], part)
            _take(out, places, together, bias[c], result[n : n + together], c)


@kernel
def _pull(
    x: Any, y: Any, fan_out: Any, low: Any, high: Any, way: Any, together: Any, seen: Any, pulled: Any, w: Any
) -> None:
    """The kernels from low to high, of which fan_out see the same channel of x."""
    bounds, taps, starts, spans, x_places, y_places = way
    for o in range(low, high):
        for n in range(0, len(x), together):
            _lay(x[n : n + together], o // fan_out, x_places, together, seen)
            _lay(y[n : n + together], o, y_places, together, pulled)
            for row in range(bounds.size - 1):
                a, b = bounds[row], bounds[row + 1]
                for k in range(len(spans)):
                    dots(seen, starts[k, a:b], taps[a:b], pulled[spans[k, row, 0] : spans[k, row, 1]], w[o, k])


class _Meetings(NamedTuple):
    """Which places y of a result see which places x, through which taps of the kernel, along one axis."""

    y: np.ndarray
    x: np.ndarray
    tap: np.ndarray

    @classmethod
    def along(cls, stride: int, padding: int, dilation: int, x: int, kernel: int, y: int) -> _Meetings:
        """The meetings of an axis, from the settings of the convolution and the lengths."""
        at, tap = np.divmod(np.arange(y * kernel), kernel)
        seen = at * stride - padding + tap * dilation
        inside = (seen >= 0) & (seen < x)
        return cls(at[inside], seen[inside], tap[inside])


class _Side(NamedTuple):
    """What a way needs to know of the array at its one end.

    Attributes:
        rows: the row of each meeting of rows.
        first: for each column of the kernel, the first column that it meets.
        shape: how many rows there are, and how many columns.
        places: where the elements of a picture stand.
    """

    rows: np.ndarray
    first: np.ndarray
    shape: tuple[int, int]
    places: np.ndarray


class _Way(NamedTuple):
    """Where the loops go from a source to a target.

    Attributes:
        bounds: row r of the target takes part in the meetings ``bounds[r]`` to ``bounds[r + 1]``.
        taps: for each meeting, the row of the kernel.
        starts: for each column of the kernel and each meeting, where the source begins.
        spans: for each column of the kernel and each row of the target, from where to where it takes part.
        source_places, places: where the elements of a picture stand.
    """

    bounds: np.ndarray
    taps: np.ndarray
    starts: np.ndarray
    spans: np.ndarray
    source_places: np.ndarray
    places: np.ndarray

    @classmethod
    def between(cls, source: _Side, target: _Side, taps: np.ndarray, counts: np.ndarray, together: int) -> _Way:
        """The way along meetings of rows, of which ``counts`` columns of each kernel's column take part."""
        order = np.argsort(target.rows, kind="stable")
        bounds = np.searchsorted(target.rows[order], np.arange(target.shape[0] + 1))
        starts = source.rows[order] * source.shape[1] + source.first[:, None]
        begin = np.arange(target.shape[0]) * target.shape[1] + target.first[:, None]
        spans = np.stack([begin, begin + counts[:, None]], axis=-1)
        return cls(bounds, taps[order], starts * together, spans * together, source.places, target.places)


@functools.lru_cache(maxsize=64)
def _ways(stride: Any, padding: Any, dilation: Any, x: Any, kernel: Any, y: Any, together: int) -> tuple[_Way, _Way]:
    """The ways from x to y and from y to x, where so many pictures stand side by side."""
    deep, high, wide = map(_Meetings.along, stride, padding, dilation, x, kernel, y)
    y_rows, x_rows, taps = (
        (outer[:, None] * length + inner).ravel()
        for outer, inner, length in zip(deep, high, (y[1], x[1], kernel[1]), strict=True)
    )
    counts = np.bincount(wide.tap, minlength=kernel[2])
    first = np.array([np.argmax(wide.tap == k) for k in range(kernel[2])])
    # columns of x with equal remainder stand together: then neighbours of y see neighbours
    column = np.argsort(np.argsort((np.arange(x[2]) + padding[2]) % stride[2], kind="stable"))
    x_places = (np.arange(x[0] * x[1])[:, None] * x[2] + column).ravel()
    seen = _Side(x_rows, column[wide.x[first]], (x[0] * x[1], x[2]), x_places)
    made = _Side(y_rows, wide.y[first], (y[0] * y[1], y[2]), np.arange(math.prod(y)))
    return _Way.between(seen, made, taps, counts, together), _Way.between(made, seen, taps, counts, together)


class SideBySide:
    """Convolution of x (N, C, D, H, W) with w (O, 1, *kernel), where output o sees channel o // (O / C) alone.

    Args:
        stride, padding, dilation: of the convolution.
        x, kernel, y: lengths along the axes.
        images: how many pictures there are.
    """

    def __init__(self, stride: Any, padding: Any, dilation: Any, x: Any, kernel: Any, y: Any, images: int) -> None:
        self.x, self.kernel, self.y = tuple(x), tuple(kernel), tuple(y)
        groups = -(-images // max(1, _RUN // max(math.prod(x), math.prod(y))))
        self.together = -(-images // groups)
        self.there, self.back = _ways(
            tuple(stride), tuple(padding), tuple(dilation), self.x, self.kernel, self.y, self.together
        )

    def _convolve(self, way: _Way, source: np.ndarray, w: np.ndarray, bias: Any, shape: tuple[int, ...]) -> np.ndarray:
        """A result of this shape."""
        result = np.empty(shape, source.dtype)
        channels = shape[1]
        bias = np.zeros(channels, source.dtype) if bias is None else bias
        weights = np.ascontiguousarray(w.reshape(len(w), -1, self.kernel[2]).swapaxes(1, 2))
        fans = max(1, source.shape[1] // channels), max(1, channels // source.shape[1])
        flat, out = (a.reshape(*a.shape[:2], -1) for a in (source, result))

        def some(low: int, high: int) -> None:
            seen, made = (np.empty(places.size * self.together, source.dtype) for places in way[-2:])
            _convolve(flat, weights, bias, *fans, low, high, way, self.together, seen, made, out)

        parallel_for(some, channels)
        return result

    def forward(self, x: np.ndarray, w: np.ndarray, bias: Any) -> np.ndarray:
        """y (N, O, *) of x (N, C, *) and w (O, 1, *)."""
        return self._convolve(self.there, x, w, bias, (len(x), len(w), *self.y))

    def transpose(self, y: np.ndarray, w: np.ndarray, bias: Any, channels: int) -> np.ndarray:
        """x (N, C, *) of y (N, O, *) and w (O, 1, *)."""
        return self._convolve(self.back, y, w, bias, (len(y), channels, *self.x))

    def pull(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """w (O, 1, *) of x (N, C, *) and y (N, O, *)."""
        w = np.zeros((y.shape[1], self.kernel[2], self.kernel[0] * self.kernel[1]), x.dtype)
        flat = [a.reshape(*a.shape[:2], -1) for a in (x, y)]

        def some(low: int, high: int) -> None:
            seen, pulled = (np.empty(places.size * self.together, x.dtype) for places in self.there[-2:])
            _pull(*flat, y.shape[1] // x.shape[1], low, high, self.there, self.together, seen, pulled, w)

        parallel_for(some, len(w))
        return np.ascontiguousarray(w.swapaxes(1, 2)).reshape(len(w), 1, *self.kernel)
