"""Twin of max pooling: the maximum down each column first, which is vector work, then along what that leaves."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.activation import plain
from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import pooling
from handtorch.ops.windows import Windows

_GRAIN = 1 << 14  # elements that are worth a thread
_WHOLE = Windows(np.zeros(1, np.int64), np.ones(1, np.int64), 1, 1)  # of an axis that is not there


class MaxPool(pooling.MaxPool):
    """Windows of up to three axes that are the same for all planes."""

    def accepts(self, x: Any) -> bool:  # type: ignore[override]
        axes = len(self.windows)
        return (
            axes <= 3
            and plain(x)
            and x.size > 0
            and x.shape[x.ndim - axes :] == tuple(windows.length for windows in self.windows)
            and all(windows.first.ndim == 1 for windows in self.windows)
        )

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        batch = x.shape[: x.ndim - len(self.windows)]
        three = (_WHOLE,) * (3 - len(self.windows)) + self.windows
        planes = x.reshape(-1, *(windows.length for windows in three))
        y = np.empty((len(planes), *(len(windows.first) for windows in three)), x.dtype)
        places = np.empty(y.shape, np.int64)
        settings = [setting for windows in three for setting in (windows.first, windows.count, windows.step)]

        def work(low: int, high: int) -> None:
            _largest(planes[low:high], *settings, y[low:high], places[low:high])

        parallel_for(work, len(planes), -(-_GRAIN // max(planes[:1].size, 1)))
        shape = (*batch, *(len(windows.first) for windows in self.windows))
        self.keep(places.reshape(shape))
        return y.reshape(shape)

    def backward(self, g: Any) -> Any:
        (places,) = self.saved
        size = int(np.prod([windows.length for windows in self.windows]))
        dx = np.zeros(self.input_shape, g.dtype)
        planes = dx.reshape(-1, size)
        shares, targets = (a.reshape(len(planes), -1) for a in (g, places))

        def work(low: int, high: int) -> None:
            _give_back(shares[low:high], targets[low:high], planes[low:high])

        parallel_for(work, len(planes), -(-_GRAIN // max(size, 1)))
        return dx


@kernel
def _largest(
    x: Any,
    deep: Any,
    deep_count: Any,
    deep_step: int,
    top: Any,
    top_count: Any,
    top_step: int,
    left: Any,
    left_count: Any,
    left_step: int,
    y: Any,
    places: Any,
) -> None:
    # A line is one row of one layer, numbered through; best and line hold the maximum of each column and where it is.
    height, width = x.shape[2], x.shape[3]
    best = np.empty(width, x.dtype)
    line = np.empty(width, np.int32)
    for plane in range(x.shape[0]):
        for d in range(y.shape[1]):
            for i in range(y.shape[2]):
                for k in range(width):
                    best[k] = x[plane, deep[d], top[i], k]
                    line[k] = deep[d] * height + top[i]
                for a in range(deep_count[d]):
                    for b in range(top_count[i]):
                        layer, row = deep[d] + a * deep_step, top[i] + b * top_step
                        here = np.int32(layer * height + row)
                        for k in range(width):
                            v = x[plane, layer, row, k]
                            better = (v > best[k]) | (v != v)
                            best[k] = v if better else best[k]
                            line[k] = here if better else line[k]
                for j in range(y.shape[3]):
                    at = left[j]
                    value = best[at]
                    for c in range(1, left_count[j]):
                        k = left[j] + c * left_step
                        v = best[k]
                        if (
                            v > value
                            or (v == value and line[k] < line[at])
                            or (v != v and (value == value or line[k] >= line[at]))
                        ):
                            value, at = v, k
                    y[plane, d, i, j] = value
                    places[plane, d, i, j] = np.int64(line[at]) * width + at


@kernel
def _give_back(g: Any, places: Any, dx: Any) -> None:
    for plane in range(g.shape[0]):
        for i in range(g.shape[1]):
            dx[plane, places[plane, i]] += g[plane, i]
