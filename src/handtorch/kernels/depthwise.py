"""Convolution in which every output sees one channel: no matrices, but long runs along memory.

A picture with zeros around it is laid out as one run of numbers, in which the zeros behind a row are those before the
next. Then a tap of the kernel is a shift: y = Σ w[k] x[i + start k], over the whole run at once, and what falls on
zeros between the rows is thrown away. With a stride the run is cut into phases - the places of equal remainder along
each axis - one after the other, and a tap reads from its phase. Several pictures of a channel make one run.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from handtorch.kernels.compile import kernel
from handtorch.kernels.side_by_side import SideBySide
from handtorch.kernels.sliding import dots, slide
from handtorch.kernels.threads import parallel_for

_RUN = 2048  # numbers that stay within the first cache together with a result
_MANY = 8  # pictures that make a run of a single place of them


@kernel
def _lay(picture: Any, step: Any, at: Any, run: Any) -> None:
    """A picture (D, H, W) into a run; places i, i + step ... of row (z, y) stand from at[z, y, i] on."""
    for z in range(picture.shape[0]):
        for y in range(picture.shape[1]):
            for first in range(step):
                source = picture[z, y, first::step]
                target = run[at[z, y, first] : at[z, y, first] + source.size]
                for i in range(source.size):
                    target[i] = source[i]


@kernel
def _take(run: Any, step: Any, at: Any, bias: Any, picture: Any) -> None:
    """The transpose of :func:`_lay`: a picture, plus a bias, out of a run."""
    for z in range(picture.shape[0]):
        for y in range(picture.shape[1]):
            for first in range(step):
                target = picture[z, y, first::step]
                source = run[at[z, y, first] : at[z, y, first] + target.size]
                for i in range(target.size):
                    target[i] = source[i] + bias


@kernel
def _forward(x: Any, w: Any, bias: Any, low: Any, high: Any, plan: Any, seen: Any, out: Any, y: Any) -> None:
    taps, starts, _, _, x_at, y_at, step, apart, _ = plan
    each = len(w) // x.shape[1]
    for c in range(low, high):
        for n in range(0, len(x), apart.size):
            last = min(n + apart.size, len(x))
            for i in range(n, last):
                _lay(x[i, c], step, x_at, seen[apart[i - n] :])
            for o in range(c * each, (c + 1) * each):
                out[:] = 0
                slide(seen, starts, taps, w[o], out)
                for i in range(n, last):
                    _take(out[apart[i - n] :], 1, y_at, bias[o], y[i, o])


@kernel
def _transpose(y: Any, w: Any, bias: Any, low: Any, high: Any, plan: Any, out: Any, pulled: Any, x: Any) -> None:
    taps, _, back, phases, x_at, y_at, step, apart, ahead = plan
    each = len(w) // x.shape[1]
    size = out.size // (phases.size - 1)
    for c in range(low, high):
        for n in range(0, len(x), apart.size):
            last = min(n + apart.size, len(x))
            out[:] = 0
            for o in range(c * each, (c + 1) * each):
                for i in range(n, last):
                    _lay(y[i, o], 1, y_at, pulled[ahead + apart[i - n] :])
                for phase in range(phases.size - 1):
                    a, b = phases[phase], phases[phase + 1]
                    slide(pulled, back[a:b], taps[a:b], w[o], out[phase * size : (phase + 1) * size])
            for i in range(n, last):
                _take(out[apart[i - n] :], step, x_at, bias[c], x[i, c])


@kernel
def _pull(x: Any, y: Any, low: Any, high: Any, plan: Any, seen: Any, pulled: Any, w: Any) -> None:
    taps, starts, _, _, x_at, y_at, step, apart, _ = plan
    each = len(w) // x.shape[1]
    for c in range(low, high):
        for n in range(0, len(x), apart.size):
            last = min(n + apart.size, len(x))
            if last - n < apart.size:  # fewer pictures than before: what those left behind must not count
                pulled[:] = 0
            for i in range(n, last):
                _lay(x[i, c], step, x_at, seen[apart[i - n] :])
            for o in range(c * each, (c + 1) * each):
                for i in range(n, last):
                    _lay(y[i, o], 1, y_at, pulled[apart[i - n] :])
                dots(seen, starts, taps, pulled, w[o])


class Runs:
    """Convolution of x (N, C, D, H, W) with w (O, 1, *kernel), where output o sees channel o // (O / C) alone.

    Args:
        stride, padding, dilation: of the convolution.
        x, kernel, y: lengths along the axes.
        images: how many pictures there are.
    """

    def __init__(self, stride: Any, padding: Any, dilation: Any, x: Any, kernel: Any, y: Any, images: int) -> None:
        self.x, self.kernel, self.y = x, kernel, y
        reach = [
            (m - 1) * s + (k - 1) * d - p - n + 1
            for n, k, m, s, p, d in zip(x, kernel, y, stride, padding, dilation, strict=True)
        ]
        row = [max(-(-(n + max(p, r)) // s), m) for n, m, s, p, r in zip(x, y, stride, padding, reach, strict=True)]
        picture = math.prod(row)
        together = max(1, min(images, _RUN // picture))
        last = (together - 1) * picture

        def place(*at: int) -> tuple[int, int]:
            """The phase of a place, counted from the first zero before each axis, and where it stands in it."""
            phase = position = 0
            for i, s, length in zip(at, stride, row, strict=True):
                phase, position = phase * s + i % s, position * length + i // s
            return phase, position

        taps = [place(*(k * d for k, d in zip(tap, dilation, strict=True))) for tap in np.ndindex(*kernel)]
        rows = [
            place(z + padding[0], y + padding[1], i + padding[2])
            for z, y, i in itertools.product(range(x[0]), range(x[1]), range(stride[2]))
        ]
        order = sorted(range(len(taps)), key=taps.__getitem__)
        phases = [taps[k][0] for k in order]
        at = np.array([taps[k][1] for k in order])
        run = last + place(*((m - 1) * s for m, s in zip(y, stride, strict=True)))[1] + 1
        size = max(run + int(at.max()), last + max(position for _, position in rows) + x[2])
        ahead = int(at.max())
        self.lengths = math.prod(stride) * size, run, ahead + size
        self.plan = (
            np.array(order),
            at + np.array(phases) * size,
            ahead - at,
            np.searchsorted(phases, range(math.prod(stride) + 1)),
            np.array([phase * size + position for phase, position in rows]).reshape(*x[:2], stride[2]),
            np.array([[[(z * row[1] + i) * row[2]] for i in range(y[1])] for z in range(y[0])]),
            stride[2],
            np.arange(together) * picture,
            ahead,
        )

    def forward(self, x: np.ndarray, w: np.ndarray, bias: Any) -> np.ndarray:
        """y (N, O, *) of x (N, C, *) and w (O, 1, *)."""
        y = np.empty((len(x), len(w), *self.y), x.dtype)
        bias, weights = np.zeros(len(w), x.dtype) if bias is None else bias, w.reshape(len(w), -1)

        def channels(low: int, high: int) -> None:
            seen, out = np.zeros(self.lengths[0], x.dtype), np.empty(self.lengths[1], x.dtype)
            _forward(x, weights, bias, low, high, self.plan, seen, out, y)

        parallel_for(channels, x.shape[1])
        return y

    def transpose(self, y: np.ndarray, w: np.ndarray, bias: Any, channels: int) -> np.ndarray:
        """x (N, C, *) of y (N, O, *) and w (O, 1, *)."""
        x = np.empty((len(y), channels, *self.x), y.dtype)
        bias, weights = np.zeros(channels, x.dtype) if bias is None else bias, w.reshape(len(w), -1)

        def some(low: int, high: int) -> None:
            out, pulled = np.empty(self.lengths[0], x.dtype), np.zeros(self.lengths[2], x.dtype)
            _transpose(y, weights, bias, low, high, self.plan, out, pulled, x)

        parallel_for(some, channels)
        return x

    def pull(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """w (O, 1, *) of x (N, C, *) and y (N, O, *)."""
        w = np.zeros((y.shape[1], math.prod(self.kernel)), x.dtype)

        def channels(low: int, high: int) -> None:
            seen, pulled = np.zeros(self.lengths[0], x.dtype), np.zeros(self.lengths[1], x.dtype)
            _pull(x, y, low, high, self.plan, seen, pulled, w)

        parallel_for(channels, x.shape[1])
        return w.reshape(len(w), 1, *self.kernel)


def depthwise(stride: Any, padding: Any, dilation: Any, x: Any, kernel: Any, y: Any, images: int) -> Runs | SideBySide:
    """The quicker way: many pictures that are small beside their kernel stand side by side."""
    small = images >= _MANY and 9 * math.prod(kernel) > math.prod(y)
    return (SideBySide if small else Runs)(stride, padding, dilation, x, kernel, y, images)
