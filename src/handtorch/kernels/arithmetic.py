"""Twins of sums and products of large arrays: one thread alone does not draw on all of the memory's speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.kernels.layout import one_kind
from handtorch.kernels.threads import parallel_for
from handtorch.ops import arithmetic

_GRAIN = 1 << 15  # elements that are worth a thread


def by_piece(function: Callable[..., Any], a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """NumPy's function of two arrays that broadcast, into row-major memory; a piece of it in each thread."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    y = out = np.empty(shape, a.dtype) if out is None else out
    if a.shape == b.shape and a.flags.c_contiguous and b.flags.c_contiguous:
        a, b, y = a.reshape(-1), b.reshape(-1), y.reshape(-1)
    else:
        a, b = np.broadcast_to(a, shape), np.broadcast_to(b, shape)
    worth = 1 + _GRAIN * len(y) // max(y.size, 1)
    parallel_for(lambda low, high: function(a[low:high], b[low:high], out=y[low:high]), len(y), worth)
    return out


def suits(a: Any, b: Any) -> bool:
    """Whether both are arrays for :func:`by_piece`; the result is row-major if one of them is."""
    return isinstance(b, np.ndarray) and a.ndim > 0 and one_kind(a, b) and a.flags.c_contiguous


class Add(arithmetic.Add):
    """In pieces."""

    def accepts(self, a: Any, b: Any) -> bool:  # type: ignore[override]
        return self.alpha == 1 and suits(a, b)

    def forward(self, a: Any, b: Any) -> Any:
        return by_piece(np.add, a, b)


class Mul(arithmetic.Mul):
    """In pieces."""

    def accepts(self, a: Any, b: Any) -> bool:  # type: ignore[override]
        return suits(a, b)

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a if self.needs(1) else None, b if self.needs(0) else None)
        return by_piece(np.multiply, a, b)

    def backward(self, g: Any) -> Any:
        return tuple(None if x is None else by_piece(np.multiply, g, x) for x in reversed(self.saved))
