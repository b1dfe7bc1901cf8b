"""Convolution over any number of axes, its transpose, and the map from inputs to weights that both derivatives need.

All three are one sum over triples (place of x, place of y, tap of the kernel) that meet, read from different sides:

    y[i] += w[k] x[j]    wherever    j = s i + d k - p

with stride s, dilation d and padding p. Given x and w it makes y (:class:`Convolution`), given y and w it makes x
(:class:`ConvolutionTranspose`), given x and y it makes w (:class:`ConvolutionWeight`). Each derivative of one of them
is one of the others with the same s, d and p, so derivatives of any order stay within the three.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from handtorch.ops.elementwise import conj, run
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample

Lengths = tuple[int, ...]


def meetings(
    x: Lengths, y: Lengths, kernel: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths
) -> Iterator[tuple[Any, Any, Any]]:
    """For each tap, where it stands in the kernel, and the part of x and the part of y that it joins.

    Args:
        x, y, kernel: lengths along the axes.
        stride, padding, dilation: for each axis.
    """
    for tap in itertools.product(*map(range, kernel)):
        parts = [
            _meeting(nx, ny, s, d * k - p)
            for nx, ny, s, d, k, p in zip(x, y, stride, dilation, tap, padding, strict=True)
        ]
        yield (..., *tap), (..., *(part[0] for part in parts)), (..., *(part[1] for part in parts))


def _meeting(nx: int, ny: int, stride: int, shift: int) -> tuple[slice, slice]:
    """The places j of nx and i of ny with j = stride · i + shift."""
    first = max(0, -(shift // stride))
    count = max(0, min(ny, (nx - 1 - shift) // stride + 1) - first)
    start = first * stride + shift
    return slice(start, start + (count - 1) * stride + 1 if count else start, stride), slice(first, first + count)


class Meetings(Op):
    """What the three have in common: which places of x and y meet at which tap.

    Args:
        stride, padding, dilation: s, p and d for each axis; p places before the first one of x count as 0, and so do
            all behind its last one.
        groups: G; channels of x and y are cut into so many groups, and only channels of the same group meet.
        size: the lengths of the result along the axes.
    """

    def __init__(self, stride: Lengths, padding: Lengths, dilation: Lengths, groups: int, size: Sequence[int]) -> None:
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.size = tuple(size)

    def meetings(self, x: Lengths, y: Lengths, kernel: Lengths) -> Iterator[tuple[Any, Any, Any]]:
        """The op's own :func:`meetings`."""
        return meetings(x, y, kernel, self.stride, self.padding, self.dilation)

    def like(self, kind: type[Meetings], size: Sequence[int]) -> Any:
        """The op of another kind for the same meetings."""
        return kind(self.stride, self.padding, self.dilation, self.groups, size)

    def grouped(self, a: Any, axis: int) -> Any:
        """``a`` with its channels, which are the axis, cut into (groups, channels of a group)."""
        return a.reshape(*a.shape[:axis], self.groups, a.shape[axis] // self.groups, *a.shape[axis + 1 :])


def _rows(a: Any) -> Any:
    """(N, G, C, *) as (N, G, C, places)."""
    return a.reshape(*a.shape[:3], math.prod(a.shape[3:]))


def _long_rows(a: Any) -> Any:
    """(N, G, C, *) as (G, C, N · places)."""
    return np.moveaxis(a, 0, 2).reshape(*a.shape[1:3], len(a) * math.prod(a.shape[3:]))


def over_batch_and_places(g: Any) -> Any:
    """Σ g for each channel."""
    return g.sum(axis=(0, *range(2, g.ndim)))


class Convolution(Meetings):
    """y[n, o, i] = b[o] + Σ_{c, k} w[o, c, k] x[n, c, s i + d k - p], where x counts as 0 outside.

    x (N, C, *), w (O, C / G, *), b (O), y (N, O, *size). dL/dx: :class:`ConvolutionTranspose` of g and w;
    dL/dw: :class:`ConvolutionWeight` of x and g; dL/db = Σ g over batch and places.
    """

    twin_from = 2048

    def forward(self, x: Any, w: Any, b: Any = None) -> Any:
        self.save(x, w)
        y = np.zeros((len(x), len(w), *self.size), np.result_type(x, w))
        xs, ys, ws = self.grouped(x, 1), self.grouped(y, 1), self.grouped(w, 0)
        for tap, at_x, at_y in self.meetings(x.shape[2:], self.size, w.shape[2:]):
            ys[at_y] += (ws[tap] @ _rows(xs[at_x])).reshape(ys[at_y].shape)
        return y if b is None else y + b.reshape(-1, *(1,) * len(self.size))

    def backward(self, g: Any) -> Any:
        x, w = self.saved
        dx = run(self.like(ConvolutionTranspose, x.shape[2:]), g, conj(w)) if self.needs(0) else None
        dw = run(self.like(ConvolutionWeight, w.shape[2:]), conj(x), g) if self.needs(1) else None
        if len(self.parents) == 2:
            return dx, dw
        return dx, dw, over_batch_and_places(g) if self.needs(2) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((1,), (0,), (1,), 1, (5,)), normal(2, 3, 7), normal(4, 3, 3), normal(4))
        yield sample(lambda: cls((2,), (3,), (2,), 1, (5,)), normal(2, 2, 8), normal(3, 2, 3))
        yield sample(lambda: cls((1, 1), (1, 1), (1, 1), 2, (4, 3)), normal(1, 4, 4, 3), normal(6, 2, 3, 3), normal(6))
        yield sample(lambda: cls((2, 1), (0, 4), (1, 2), 1, (2, 9)), normal(1, 2, 5, 5), normal(2, 2, 2, 3))
        yield sample(
            lambda: cls((1, 2, 1), (1, 0, 1), (1, 1, 1), 3, (2, 2, 3)), normal(1, 3, 2, 4, 3), normal(6, 1, 3, 2, 3)
        )
        yield sample(
            lambda: cls((1, 1), (1, 0), (1, 1), 1, (8, 6)), normal(2, 16, 8, 8), normal(18, 16, 3, 3), normal(18)
        )
        yield sample(
            lambda: cls((2, 1), (1, 2), (1, 2), 2, (9, 16)), normal(2, 4, 17, 16), normal(6, 2, 3, 3), normal(6)
        )
        yield sample(
            lambda: cls((2, 1), (1, 3), (1, 2), 4, (9, 18)), normal(3, 4, 17, 16), normal(8, 1, 3, 3), normal(8)
        )
        yield bad(lambda: cls((1,), (0,), (1,), 1, (5,)), normal(2, 3, 7), normal(4, 2, 3))


class ConvolutionTranspose(Meetings):
    """y[n, o, j] = b[o] + Σ_{c, i, k : s i + d k - p = j} w[c, o, k] x[n, c, i].

    x (N, C, *), w (C, O / G, *), b (O), y (N, O, *size). dL/dx: :class:`Convolution` of g and w; dL/dw:
    :class:`ConvolutionWeight` of g and x; dL/db = Σ g over batch and places.
    """

    twin_from = 2048

    def forward(self, x: Any, w: Any, b: Any = None) -> Any:
        self.save(x, w)
        y = np.zeros((len(x), self.groups * w.shape[1], *self.size), np.result_type(x, w))
        xs, ys, ws = self.grouped(x, 1), self.grouped(y, 1), self.grouped(w, 0)
        for tap, at_y, at_x in self.meetings(self.size, x.shape[2:], w.shape[2:]):
            ys[at_y] += (np.swapaxes(ws[tap], 1, 2) @ _rows(xs[at_x])).reshape(ys[at_y].shape)
        return y if b is None else y + b.reshape(-1, *(1,) * len(self.size))

    def backward(self, g: Any) -> Any:
        x, w = self.saved
        dx = run(self.like(Convolution, x.shape[2:]), g, conj(w)) if self.needs(0) else None
        dw = run(self.like(ConvolutionWeight, w.shape[2:]), g, conj(x)) if self.needs(1) else None
        if len(self.parents) == 2:
            return dx, dw
        return dx, dw, over_batch_and_places(g) if self.needs(2) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((1,), (0,), (1,), 1, (7,)), normal(2, 4, 5), normal(4, 3, 3), normal(3))
        yield sample(lambda: cls((2,), (1,), (2,), 2, (12,)), normal(2, 4, 5), normal(4, 3, 3))
        yield sample(lambda: cls((2, 1), (1, 2), (1, 2), 1, (5, 4)), normal(1, 2, 3, 4), normal(2, 3, 2, 3), normal(3))
        yield sample(
            lambda: cls((1, 2, 1), (0, 0, 1), (1, 1, 1), 1, (3, 4, 3)), normal(1, 2, 2, 2, 3), normal(2, 2, 2, 2, 3)
        )
        yield sample(
            lambda: cls((1, 1), (1, 0), (1, 1), 1, (8, 10)), normal(2, 16, 8, 8), normal(16, 17, 3, 3), normal(17)
        )
        yield sample(
            lambda: cls((2, 1), (1, 2), (1, 2), 2, (33, 16)), normal(1, 8, 17, 16), normal(8, 1, 3, 3), normal(2)
        )
        yield sample(
            lambda: cls((2, 1), (1, 2), (1, 2), 8, (33, 16)), normal(1, 8, 17, 16), normal(8, 1, 3, 3), normal(8)
        )
        yield bad(lambda: cls((1,), (0,), (1,), 1, (7,)), normal(2, 3, 5), normal(4, 3, 3))


class ConvolutionWeight(Meetings):
    """w[o, c, k] = Σ_{n, i} y[n, o, i] x[n, c, s i + d k - p], where x counts as 0 outside.

    x (N, C, *), y (N, O, *), w (O, C / G, *size). dL/dx: :class:`ConvolutionTranspose` of y and g; dL/dy:
    :class:`Convolution` of x and g.
    """

    def forward(self, x: Any, y: Any) -> Any:
        self.save(x, y)
        xs, ys = self.grouped(x, 1), self.grouped(y, 1)
        w = np.zeros((y.shape[1], xs.shape[2], *self.size), np.result_type(x, y))
        ws = self.grouped(w, 0)
        for tap, at_x, at_y in self.meetings(x.shape[2:], y.shape[2:], self.size):
            ws[tap] = _long_rows(ys[at_y]) @ np.swapaxes(_long_rows(xs[at_x]), 1, 2)
        return w

    def backward(self, g: Any) -> Any:
        x, y = self.saved
        dx = run(self.like(ConvolutionTranspose, x.shape[2:]), conj(y), g) if self.needs(0) else None
        dy = run(self.like(Convolution, y.shape[2:]), conj(x), g) if self.needs(1) else None
        return dx, dy

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((1,), (1,), (1,), 1, (3,)), normal(2, 3, 5), normal(2, 4, 5))
        yield sample(lambda: cls((2, 1), (1, 0), (1, 2), 2, (3, 2)), normal(2, 2, 5, 4), normal(2, 4, 3, 2))
        yield bad(lambda: cls((1,), (1,), (1,), 2, (3,)), normal(2, 3, 5), normal(2, 4, 5))
