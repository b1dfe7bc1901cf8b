"""Convolution with kernels of one place: products of matrices where the arrays lie, without columns.

For each picture y = w x, x = wᵀ y and w = y xᵀ, with w (O, C), x (C, places) and y (O, places), in each group.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.threads import parallel_for
from handtorch.kernels.winograd import added

_FEWEST = 64  # places that make a product of one picture quick


def suits(op: Any, w: Any, y: Any) -> bool:
    """Whether every place of pictures of shape y is under the one place of kernels of shape w, and there are enough."""
    return (
        int(np.prod(w[2:])) == 1
        and not any(op.padding)
        and all(s == 1 for s in op.stride)
        and int(np.prod(y[2:])) >= _FEWEST
    )


def _grouped(a: np.ndarray, groups: int) -> np.ndarray:
    """(N, C, *) as (N, G, C / G, places)."""
    return a.reshape(len(a), groups, a.shape[1] // groups, -1)


def product(w: np.ndarray, x: np.ndarray, bias: Any, y: np.ndarray) -> np.ndarray:
    """Fill y (N, O, *) with w (G, O / G, C / G) times x (N, C, *), plus bias (O)."""
    xs, ys = _grouped(x, len(w)), _grouped(y, len(w))

    def pictures(low: int, high: int) -> None:
        for n in range(low, high):
            np.matmul(w, xs[n], out=ys[n])
            if bias is not None:
                ys[n] += bias.reshape(len(w), -1, 1)

    parallel_for(pictures, len(x))
    return y


def pull(x: np.ndarray, y: np.ndarray, groups: int) -> np.ndarray:
    """w (G, O / G, C / G) of x (N, C, *) and y (N, O, *)."""
    xs, ys = _grouped(x, groups).swapaxes(2, 3), _grouped(y, groups)
    sums: dict[int, np.ndarray] = {}

    def pictures(low: int, high: int) -> None:
        total = np.matmul(ys[low], xs[low])
        part = np.empty_like(total)
        for n in range(low + 1, high):
            total += np.matmul(ys[n], xs[n], out=part)
        sums[low] = total

    parallel_for(pictures, len(x))
    return added(sums)
