"""Products of large matrices on all threads: each computes a block of the result with a BLAS of one thread."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels import threads
from handtorch.kernels.layout import row_major
from handtorch.kernels.sums import over_rows
from handtorch.ops import linalg

_WORTH_A_THREAD = 4_000_000  # multiplications; fewer are done before another thread has woken up
_FETCHED = 16  # multiplications that take as long as it takes to fetch a number from memory
_FINER = 4  # pieces for each thread of a product that takes no longer than another thread to wake up
_CACHED = 1 << 20  # bytes of a result that still lie in a core's cache when the bias is added to them
_NARROWEST = 256  # rows that make a product worth its other matrix's way from memory


def product(a: Any, b: Any, bias: Any = None) -> np.ndarray:
    """a (n, k) times b (k, m), plus bias (m) if given; both may be transposed views.

    float16 is multiplied as float32: BLAS has no float16, and NumPy's own loop takes a hundred times as long.
    """
    if a.dtype.char == "e":
        return product(*(x if x is None else x.astype(np.float32) for x in (a, b, bias))).astype(a.dtype)
    n, k = a.shape
    m = b.shape[1]
    out = np.empty((n, m), np.result_type(a, b))
    if n >= m:

        def rows(low: int, high: int) -> None:
            step = high - low if bias is None else max(_NARROWEST, _CACHED // (out.itemsize * m))
            for i in range(low, high, step):
                part = out[i : min(i + step, high)]
                np.matmul(a[i : i + len(part)], b, out=part)
                if bias is not None:
                    np.add(part, bias, out=part)

        threads.parallel_for(rows, n, 1 + _WORTH_A_THREAD // max(k * m, 1))
    else:

        def columns(low: int, high: int) -> None:
            np.matmul(a, b[:, low:high], out=out[:, low:high])
            if bias is not None:
                np.add(out[:, low:high], bias[low:high], out=out[:, low:high])

        finer = 1 if n >= _FETCHED else _FINER
        threads.parallel_for(columns, m, 1 + _WORTH_A_THREAD // max(k * max(n, _FETCHED), 1), finer)
    return out


def products(a: Any, b: Any) -> np.ndarray:
    """Batches of matrices a (..., n, k) times b (..., k, m), the batches shared out among the threads."""
    if a.dtype.char == "e":
        return products(a.astype(np.float32), b.astype(np.float32)).astype(a.dtype)
    *batch, n, k = a.shape
    m = b.shape[-1]
    out = np.empty((*batch, n, m), a.dtype)
    longest = batch.index(max(batch))
    a, b, y = (x.swapaxes(0, longest) for x in (a, b, out))

    def part(low: int, high: int) -> None:
        np.matmul(a[low:high], b[low:high], out=y[low:high])

    threads.parallel_for(part, len(y), 1 + _WORTH_A_THREAD * len(y) // max(y.size * k, 1))
    return out


class MatMul(linalg.MatMul):
    """Two matrices in blocks of rows or columns; a batch of matrices and one matrix as a single product of all rows;
    two batches of the same shape a few matrices at a time.
    """

    def accepts(self, a: Any, b: Any) -> bool:  # type: ignore[override]
        return (
            a.ndim >= 2 <= b.ndim
            and (b.ndim == 2 or a.shape[:-2] == b.shape[:-2])
            and a.shape[-1] == b.shape[-2]
            and a.dtype == b.dtype
            and a.dtype.kind == "f"
        )

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        if b.ndim > 2:
            return products(a, b)
        rows = a if a.ndim == 2 else a.reshape(-1, a.shape[-1])
        return product(rows, b).reshape(*a.shape[:-1], b.shape[1])

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        if b.ndim > 2:
            da = products(g, b.swapaxes(-1, -2)) if self.needs(0) else None
            return da, products(a.swapaxes(-1, -2), g) if self.needs(1) else None
        count = a.size // a.shape[-1]
        rows = g.reshape(count, b.shape[1])
        da = product(rows, b.T).reshape(a.shape) if self.needs(0) else None
        return da, product(a.reshape(count, -1).T, rows) if self.needs(1) else None


class Linear(linalg.Linear):
    """The layer for any number of leading axes, as one product of matrices."""

    def accepts(self, x: Any, weight: Any, bias: Any = None) -> bool:  # type: ignore[override]
        return (
            x.ndim >= 2
            and x.shape[-1] == weight.shape[1]
            and (bias is None or (bias.shape == weight.shape[:1] and bias.dtype == x.dtype))
            and x.dtype == weight.dtype
            and x.dtype.kind == "f"
        )

    def forward(self, x: Any, weight: Any, bias: Any = None) -> Any:
        self.save(x, weight)
        rows = x if x.ndim == 2 else row_major(x).reshape(-1, weight.shape[1])
        return product(rows, weight.T, bias).reshape(*x.shape[:-1], weight.shape[0])

    def backward(self, g: Any) -> Any:
        x, weight = self.saved
        rows = row_major(g).reshape(-1, weight.shape[0])
        dx = product(rows, weight).reshape(x.shape) if self.needs(0) else None
        dw = product(rows.T, x.reshape(-1, weight.shape[1])) if self.needs(1) else None
        if len(self.parents) == 2:
            return dx, dw
        return dx, dw, over_rows(rows) if self.needs(2) else None
