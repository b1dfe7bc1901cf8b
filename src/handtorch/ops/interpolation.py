"""Interpolation: for each way of resampling an axis, which elements a new one lies between, and with what weights.

Element j of an axis of length n covers the interval [j, j + 1]. Result i of m covers [i, i + 1] · n/m, and its centre
lies (i + 1/2) n/m - 1/2 elements from that of element 0; with ``align_corners`` the centres of the outermost elements
fall together instead, and result i lies i (n - 1)/(m - 1) elements from element 0.

Places are computed in the type of the input (float32 or float64), because PyTorch does so, and where a place falls
between two elements may hang on the last bit.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from handtorch.ops.resampling import Taps


def ratio(n: int, m: int, scale: float | None, kind: Any, *, align_corners: bool = False) -> Any:
    """How many elements there are for each result, as a number of type ``kind``.

    Args:
        n, m: the lengths before and after.
        scale: m/n as the user gave it, if that is to be used instead of the lengths.
    """
    if align_corners:
        return kind(n - 1) / kind(m - 1) if m > 1 else kind(0)
    return kind(1 / scale) if scale is not None and scale > 0 else kind(n) / kind(m)


@functools.lru_cache(1024)
def nearest(n: int, m: int, scale: float | None, kind: Any, exact: bool) -> Taps:
    """The element in which a result begins; or, if ``exact``, the one in which its centre lies."""
    at = (np.arange(m) + (0.5 if exact else 0.0)) * np.float64(ratio(n, m, scale, kind))
    columns = np.minimum(np.floor(at.astype(np.float32)).astype(np.int64), n - 1)
    return Taps.of_table(columns[:, None], np.ones((m, 1)), n)


def _centres(n: int, m: int, scale: float | None, kind: Any, align_corners: bool) -> np.ndarray:
    """How many elements each result lies from element 0."""
    step = ratio(n, m, scale, kind, align_corners=align_corners)
    i = np.arange(m, dtype=kind)
    return i * step if align_corners else (i + kind(0.5)) * step - kind(0.5)


@functools.lru_cache(1024)
def linear(n: int, m: int, scale: float | None, kind: Any, align_corners: bool) -> Taps:
    """The two elements that a result lies between, each with its distance from the other."""
    if n == m:
        return nearest(n, m, None, kind, False)
    at = np.maximum(_centres(n, m, scale, kind, align_corners), kind(0))
    left = np.minimum(at.astype(np.int64), n - 1)
    right = np.minimum(left + 1, n - 1)
    t = np.clip(at - left.astype(kind), 0, 1).astype(kind)
    return Taps.of_table(np.stack([left, right], 1), np.stack([kind(1) - t, t], 1), n)


@functools.lru_cache(1024)
def cubic(n: int, m: int, scale: float | None, kind: Any, align_corners: bool) -> Taps:
    """The four elements around a result, with weights of :func:`keys`; beyond the ends the outermost ones."""
    at = _centres(n, m, scale, kind, align_corners)
    left = np.floor(at)
    t = at - left
    columns = np.clip(left.astype(np.int64)[:, None] + np.arange(-1, 3), 0, n - 1)
    return Taps.of_table(columns, keys_weights(t), n)


def keys_weights(t: Any) -> np.ndarray:
    """The weights (n, 4) of the elements at -1, 0, 1 and 2 for a place t between 0 and 1."""
    return np.stack([keys(np.abs(t - j), -0.75) for j in (-1, 0, 1, 2)], -1)


def keys(d: Any, a: float) -> Any:
    """The weight of an element at distance d in cubic convolution; 0 from 2 on.

    (a + 2) d³ - (a + 3) d² + 1 up to 1, and a d³ - 5a d² + 8a d - 4a from there to 2. (Keys 1981)
    """
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((d - 5) * d + 8) * d * a - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def _lanczos(d: Any) -> Any:
    """sinc(d) sinc(d / 3) for d < 3: a sinc with three lobes."""
    return np.where(d < 3, np.sinc(d) * np.sinc(d / 3), 0)


# For each mode its weight at a distance, and from which distance on that is 0.
_FILTERS = {
    "bilinear": (lambda d: np.maximum(1 - d, 0), 1),
    "bicubic": (lambda d: keys(d, -0.5), 2),
    "lanczos": (_lanczos, 3),
}


@functools.lru_cache(1024)
def antialiased(n: int, m: int, scale: float | None, kind: Any, align_corners: bool, mode: str) -> Taps:
    """All elements that a filter reaches, which is as wide as a result where that is wider than an element.

    What is finer than the new grid can show is averaged away instead of showing as a pattern (aliasing).
    """
    weigh, reach = _FILTERS[mode]
    step = ratio(n, m, scale, kind, align_corners=align_corners)
    width = np.maximum(step, kind(1))
    centre = step * (np.arange(m, dtype=kind) + kind(0.5))
    first = np.maximum((centre - reach * width + kind(0.5)).astype(np.int64), 0)
    end = np.minimum((centre + reach * width + kind(0.5)).astype(np.int64), n)
    columns = first[:, None] + np.arange((end - first).max(initial=1))
    distances = np.abs(columns - centre[:, None] + kind(0.5)) / width
    weights = np.where(columns < end[:, None], weigh(distances), 0)
    return Taps.of_table(columns, weights / weights.sum(1, keepdims=True), n)


def of_bytes(x: np.ndarray, matrices: Sequence[Taps]) -> np.ndarray:
    """The product of bytes with a matrix for each of the last axes, in whole numbers, as libraries for pictures do it.

    Weights are whole multiples of 2^-p, with p as large as 16 bits allow, and what comes out along an axis is rounded
    to bytes before the next one.
    """
    for axis, taps in zip(range(-1, -1 - len(matrices), -1), reversed(matrices), strict=True):
        p = int(np.floor(np.log2((2**15 - 0.5) / taps.weights.max())))
        whole = np.trunc(taps.weights * 2**p + np.copysign(0.5, taps.weights)).astype(np.int32)
        sums = Taps(taps.rows, taps.columns, whole, taps.shape).along(x.astype(np.int32), axis)
        x = np.clip((sums + (1 << p >> 1)) >> p, 0, 255).astype(np.uint8)
    return x
