"""Copies between arrays that lie differently in memory, such as a permuted picture into row-major order."""

from __future__ import annotations

import numpy as np

from handtorch.kernels.threads import parallel_for

_GRAIN = 1 << 15  # elements that are worth a thread


def copy(source: np.ndarray, target: np.ndarray) -> None:
    """target[...] = source, of the same shape, on all threads."""
    longest = source.shape.index(max(source.shape))
    axis = 0 if source.shape[0] * 8 > source.shape[longest] else longest  # neighbouring rows lie together
    s, t = source.swapaxes(0, axis), target.swapaxes(0, axis)
    parallel_for(
        lambda low, high: np.copyto(t[low:high], s[low:high]), len(s), 1 + _GRAIN * len(s) // max(source.size, 1)
    )


def one_kind(*arrays: np.ndarray) -> bool:
    """Whether all are float32, or all float64."""
    kind = arrays[0].dtype
    return kind.char in "fd" and all(a.dtype == kind for a in arrays)


def row_major(x: np.ndarray) -> np.ndarray:
    """x itself if its elements are in row-major order, else a copy in which they are."""
    return x if x.flags.c_contiguous else _filled(np.empty(x.shape, x.dtype), x)


def like(model: np.ndarray, x: np.ndarray) -> np.ndarray:
    """x, or a copy of it, laid out in memory as ``model``, which has its shape, is."""
    return x if x.strides == model.strides else _filled(np.empty_like(model, x.dtype), x)


def _filled(target: np.ndarray, source: np.ndarray) -> np.ndarray:
    copy(source, target)
    return target
