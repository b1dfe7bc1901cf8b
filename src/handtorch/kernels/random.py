"""Twin of dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.activation import by_element, plain
from handtorch.kernels.compile import kernel
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
        return plain(x) and self.mask.shape == x.shape and self.mask.flags.c_contiguous

    def _apply(self, x: Any) -> Any:
        scale = x.dtype.type(self.scale)
        return by_element(lambda x, mask, y: _masked(x, mask, scale, y), x, self.mask, grain=_GRAIN)

    def forward(self, x: Any) -> Any:
        return self._apply(x)

    def backward(self, g: Any) -> Any:
        return self._apply(np.ascontiguousarray(g))
