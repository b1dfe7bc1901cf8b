"""Twin of the triangular solver: small blocks in one compiled loop, what is between them by products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.compile import kernel
from handtorch.ops import triangular


@kernel
def _substitute(a: Any, x: Any, upper: bool, unitriangular: bool) -> None:
    """Put A⁻¹ X into X: a (N, n, n), x (N, n, k)."""
    size, n, width = x.shape
    for m in range(size):
        for step in range(n):
            i = n - 1 - step if upper else step
            for j in range(i + 1, n) if upper else range(i):
                for c in range(width):
                    x[m, i, c] -= a[m, i, j] * x[m, j, c]
            if not unitriangular:
                for c in range(width):
                    x[m, i, c] /= a[m, i, i]


class SolveTriangular(triangular.SolveTriangular):
    """Any batch, float32, float64 or complex."""

    block = 64

    def accepts(self, a: Any, b: Any) -> bool:  # type: ignore[override]
        return (
            a.dtype == b.dtype
            and a.dtype.kind in "fc"
            and a.shape[-1] == b.shape[-2]
            and all(m == n or 1 in (m, n) for m, n in zip(a.shape[-3::-1], b.shape[-3::-1], strict=False))
        )

    def row_by_row(self, a: Any, b: Any) -> Any:
        n, k = b.shape[-2:]
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        x = np.array(np.broadcast_to(b, (*batch, n, k)), order="C")
        matrices = np.ascontiguousarray(np.broadcast_to(a, (*batch, n, n)))
        if x.size:
            _substitute(matrices.reshape(-1, n, n), x.reshape(-1, n, k), self.upper, self.unitriangular)
        return x
