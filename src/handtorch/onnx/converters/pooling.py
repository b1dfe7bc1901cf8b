"""Converters of pooling and interpolation.

Means and interpolation are sums along axes, with a matrix for each. A mean of everything, or of windows side by side
that are all full, is an operator of ONNX; anything else is written as the product with the matrix.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from handtorch.onnx.converters.reduction import reduced
from handtorch.onnx.converters.registry import converts
from handtorch.onnx.graph import Site, Unsupported
from handtorch.ops import pooling, resampling


class Slide(NamedTuple):
    """How a window slides over an axis: how long it is, how far it goes, and how far it reaches beyond both ends."""

    size: int
    stride: int
    before: int
    behind: int


@converts(pooling.MaxPool)
def max_pool(site: Site, x: Any) -> str:
    """The largest element of each window."""
    windows = site.op.windows
    slides = [_slide(each) for each in windows]
    if None in slides:
        raise Unsupported("windows of several lengths")
    return _pool(site, "MaxPool", x, slides, dilations=[each.step for each in windows])


@converts(resampling.Resample)
def resample(site: Site, x: Any) -> str:
    """Weighted sums along the last axes."""
    taps, ndim = site.op.taps, len(x.shape)
    axes = range(ndim - len(taps), ndim)
    if all(_is_mean_of_all(each) for each in taps):
        return reduced(site, "ReduceMean", x, axes, keepdims=True)
    slides = [_mean_slide(each) for each in taps]
    if None not in slides:
        return _pool(site, "AveragePool", x, slides)
    for axis, each in zip(axes, taps, strict=True):
        order = [i for i in range(ndim) if i != axis]
        order.insert(ndim - 1, axis)
        back = np.argsort(order).tolist()
        matrix = np.zeros(each.shape)
        np.add.at(matrix, (each.rows, each.columns), each.weights)
        last = site.node("Transpose", x, perm=order)
        x = site.node("Transpose", site.node("MatMul", last, site.constant(matrix.T)), perm=back)
    return x


def _pool(site: Site, kind: str, x: Any, slides: list[Any], **settings: Any) -> str:
    """Pooling of (N, C, *); missing axes before * are added for as long as that takes."""
    missing = range(2 + len(slides) - len(x.shape))
    y = site.node(
        kind,
        site.node("Unsqueeze", x, site.integers(*missing)) if missing else x,
        kernel_shape=[slide.size for slide in slides],
        strides=[slide.stride for slide in slides],
        pads=[slide.before for slide in slides] + [slide.behind for slide in slides],
        **settings,
    )
    return site.node("Squeeze", y, site.integers(*missing)) if missing else y


def _slide(windows: Any) -> Slide | None:
    """The way in which windows slide over an axis and its padding; None if they are no such windows."""
    first, count, step, n = windows.first, windows.count, windows.step, windows.length
    if first.ndim > 1:
        return None
    most, number = int(count.max(initial=1)), len(first)
    for size in range(most, 2 * most + 1):
        for before in range(size // 2 * step + 1):
            stride, rest = divmod(int(first[-1]) + before, number - 1) if number > 1 else (size, 0)
            if rest or stride < 1:
                continue
            begin = np.arange(number) * stride - before
            ahead = -(np.minimum(begin, 0) // step)
            end = begin + (size - 1) * step
            over = np.maximum((end - n) // step + 1, 0)
            if np.array_equal(begin + ahead * step, first) and np.array_equal(size - ahead - over, count):
                fits = (n + 2 * before - (size - 1) * step - 1) // stride + 1 == number
                return Slide(size, stride, before, before if fits else max(int(end[-1]) + 1 - n, 0))
    return None


def _is_mean_of_all(taps: Any) -> bool:
    n = taps.shape[1]
    return taps.shape[0] == 1 and len(taps.columns) == n and bool(np.allclose(taps.weights, 1 / n))


def _mean_slide(taps: Any) -> Slide | None:
    """The way in which windows slide whose means these are, if all are full and none reaches beyond the ends."""
    number, n = taps.shape
    size, rest = divmod(len(taps.columns), max(number, 1))
    if rest or not size or not np.allclose(taps.weights, 1 / size):
        return None
    columns = taps.columns.reshape(number, size)
    stride = int(columns[1, 0] - columns[0, 0]) if number > 1 else n
    begin = np.arange(number)[:, None] * stride
    if stride < 1 or (n - size) // stride + 1 != number or not np.array_equal(columns, begin + np.arange(size)):
        return None
    return Slide(size, stride, 0, 0)
