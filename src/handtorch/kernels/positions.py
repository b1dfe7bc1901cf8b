"""Turning features by their position in one walk over them; see :class:`handtorch.ops.positions.Turn`."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.compile import kernel
from handtorch.kernels.layout import row_major
from handtorch.kernels.threads import parallel_for
from handtorch.ops import positions

_GRAIN = 1 << 14  # elements that are worth a thread


@kernel
def _turned(x, cos, sin, back, low, high, y):  # type: ignore[no-untyped-def] # compiled for each type
    """Fill rows low to high of y (rows, E): row r is at position r mod T of cos and sin (T, E/2)."""
    steps, half = cos.shape
    sign = x.dtype.type(-1 if back else 1)
    for r in range(low, high):
        t = r % steps
        for i in range(half):
            s = sign * sin[t, i]
            y[r, i] = x[r, i] * cos[t, i] - x[r, i + half] * s
            y[r, i + half] = x[r, i + half] * cos[t, i] + x[r, i] * s


class Turn(positions.Turn):
    """The twin: one walk, without arrays between."""

    def accepts(self, x: Any) -> bool:  # type: ignore[override]
        return x.ndim >= 2 and not x.shape[-1] % 2 and x.dtype in (np.float32, np.float64)

    def forward(self, x: Any) -> Any:
        self.save()
        return self._turn(x, self.back)

    def backward(self, g: Any) -> Any:
        return self._turn(g, not self.back)

    def _turn(self, x: Any, back: bool) -> Any:
        cos, sin = self.angles(x)
        rows = row_major(x).reshape(-1, x.shape[-1])
        y = np.empty_like(rows)
        parallel_for(
            lambda low, high: _turned(rows, cos, sin, back, low, high, y), len(rows), 1 + _GRAIN // rows.shape[1]
        )
        return y.reshape(x.shape)
