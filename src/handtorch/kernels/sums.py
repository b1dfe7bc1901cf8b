"""Sums of gradients that were broadcast, on all threads."""

from __future__ import annotations

import numpy as np

from handtorch.kernels.threads import parallel_for

_GRAIN = 1 << 16  # elements that are worth a thread


def over_rows(x: np.ndarray) -> np.ndarray:
    """Σ_n x[n, m], a vector (M)."""
    total = np.empty(x.shape[1], x.dtype)
    parallel_for(
        lambda low, high: np.sum(x[:, low:high], axis=0, out=total[low:high]),
        x.shape[1],
        1 + _GRAIN // max(len(x), 1),
    )
    return total


def over_batch_and_places(x: np.ndarray) -> np.ndarray:
    """Σ over all axes of x (N, C, *) but the channels, a vector (C); x is row-major.

    A segment's sum is its product with ones: BLAS reads memory faster than NumPy's sum of short rows does.
    """
    batch, channels = x.shape[:2]
    segments = x.reshape(batch * channels, -1)
    ones = np.ones(segments.shape[1], x.dtype)
    sums = np.empty(len(segments), x.dtype)
    parallel_for(
        lambda low, high: np.matmul(segments[low:high], ones, out=sums[low:high]),
        len(segments),
        1 + _GRAIN // max(segments.shape[1], 1),
    )
    return sums.reshape(batch, channels).sum(axis=0)
