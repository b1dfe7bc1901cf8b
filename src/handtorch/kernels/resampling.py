"""Twin of resampling: a block of planes goes through all of its axes while it lies in the processor's cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.activation import plain
from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import resampling
from handtorch.ops.resampling import Taps

_BLOCK = 1 << 15  # elements that are worked on at a time


class Resample(resampling.Resample):
    """Row by row of each matrix, its entries side by side."""

    def accepts(self, x: Any) -> bool:  # type: ignore[override]
        axes = len(self.taps)
        return plain(x) and x.shape[x.ndim - axes :] == tuple(taps.shape[1] for taps in self.taps)

    def forward(self, x: Any) -> Any:
        return self._product(x, self.taps)

    def backward(self, g: Any) -> Any:
        return self._product(np.ascontiguousarray(g), tuple(taps.T for taps in self.taps))

    def _product(self, x: np.ndarray, matrices: tuple[Taps, ...]) -> np.ndarray:
        axes = len(matrices)
        batch, lengths = x.shape[: x.ndim - axes], x.shape[x.ndim - axes :]
        steps = resampling.in_order(matrices)
        planes = x.reshape(-1, *lengths) if x.size else np.zeros((0, *lengths), x.dtype)
        y = np.empty((len(planes), *(taps.shape[0] for taps in matrices)), x.dtype)
        largest = max(planes[:1].size, y[:1].size, 1)
        block = max(_BLOCK // largest, 1)
        weights = [taps.weights.astype(x.dtype) for _, taps in steps]

        def work(low: int, high: int) -> None:
            for start in range(low, high, block):
                part = planes[start : min(start + block, high)]
                for (axis, taps), w in zip(steps, weights, strict=True):
                    part = _along(part, axis, taps, w)
                y[start : start + len(part)] = part

        parallel_for(work, len(planes), block)
        return y.reshape(*batch, *y.shape[1:])


def _along(x: np.ndarray, axis: int, taps: Taps, weights: np.ndarray) -> np.ndarray:
    """The product along an axis, which is counted from the end."""
    behind = x.shape[x.ndim + axis + 1 :]
    inner = int(np.prod(behind))
    lines = x.reshape(-1, taps.shape[1], inner)
    y = np.empty((len(lines), taps.shape[0], inner), x.dtype)
    if inner == 1:
        _within_lines(lines[:, :, 0], taps.starts, taps.columns, weights, y[:, :, 0])
    else:
        _across_lines(lines, taps.starts, taps.columns, weights, y)
    return y.reshape(*x.shape[: x.ndim + axis], taps.shape[0], *behind)


@kernel
def _within_lines(x: Any, starts: Any, columns: Any, weights: Any, y: Any) -> None:
    for line in range(x.shape[0]):
        for i in range(y.shape[1]):
            total = x.dtype.type(0)
            for e in range(starts[i], starts[i + 1]):
                total += weights[e] * x[line, columns[e]]
            y[line, i] = total


@kernel
def _across_lines(x: Any, starts: Any, columns: Any, weights: Any, y: Any) -> None:
    inner = x.shape[2]
    for plane in range(x.shape[0]):
        for i in range(y.shape[1]):
            first, end = starts[i], starts[i + 1]
            if end - first > 1:  # the first two at once spare a way to memory and back
                v, w, h, j = weights[first], weights[first + 1], columns[first], columns[first + 1]
                for k in range(inner):
                    y[plane, i, k] = v * x[plane, h, k] + w * x[plane, j, k]
                first += 2
            else:
                for k in range(inner):
                    y[plane, i, k] = 0
            for e in range(first, end):
                w, j = weights[e], columns[e]
                for k in range(inner):
                    y[plane, i, k] += w * x[plane, j, k]
