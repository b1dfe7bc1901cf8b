"""Twin of dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.activation import plain
from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import random

_GRAIN = 1 << 15


@kernel
def _masked(x: Any, mask: Any, scale: Any, y: Any) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = x[i] * (scale if mask[i] else zero)


class Dropout(random.Dropout):
    """By element, on all threads."""

    def accepts(self, x: Any) -> bool:  # type: ignore[override]
        return plain(x) and self.mask.flags.c_contiguous

    def _apply(self, x: Any) -> Any:
        y = np.empty_like(x)
        flat, out, mask, scale = x.reshape(-1), y.reshape(-1), self.mask.reshape(-1), x.dtype.type(self.scale)
        parallel_for(lambda low, high: _masked(flat[low:high], mask[low:high], scale, out[low:high]), x.size, _GRAIN)
        return y

    def forward(self, x: Any) -> Any:
        return self._apply(x)

    def backward(self, g: Any) -> Any:
        return self._apply(np.ascontiguousarray(g))
