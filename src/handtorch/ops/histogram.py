"""Counting: how many numbers fall into each bin. None of it has a derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.keywords import with_others
from handtorch.tensor import Tensor

__all__ = [
    "bincount",
    "histc",
    "histogram",
    "histogramdd",
]


@method()
def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each number 0, 1, 2 ... appears in a vector of them.

    Args:
        weights: of each element; their sums are returned instead of counts.
        minlength: the least length of the result.

    Raises:
        ShapeError: not a vector of non-negative whole numbers, or weights of another shape.
    """
    x = input.array
    if minlength < 0:
        raise RangeError(f"bincount: minlength should be >= 0, got {minlength}")
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x.size and x.min() < 0):
        raise ShapeError(
            f"bincount only supports 1-d non-negative integral inputs, got {x.ndim}-d {input.dtype}"
            + (f" with {x.min()}" if x.size and x.dtype.kind in "iu" else "")
        )
    if weights is None:
        return Tensor.of(np.bincount(x, minlength=minlength).astype(np.int64))
    if weights.array.shape != x.shape:
        raise ShapeError(f"bincount: weights should have the shape {list(x.shape)} of input, got {list(weights.shape)}")
    counted = np.bincount(x, weights.array, minlength)
    return Tensor.of(counted.astype(np.float32 if weights.array.dtype == np.float32 else np.float64))


def _floating_only(name: str, input: Any) -> None:
    if input.array.dtype.kind != "f":
        raise DtypeError(f'"{name}" not implemented for {input.dtype}; convert it with .float() first')


def _limits(low: float, high: float, x: np.ndarray, margin: float) -> tuple[Any, Any]:
    """The ends of the bins: those given, or of the numbers where both are equal; never the same."""
    if low == high and x.size:
        low, high = x.min(), x.max()
    if low == high:
        low, high = low - margin, high + margin
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RangeError(f"range of [{low}, {high}] is not finite")
    if low > high:
        raise RangeError(f"max must be larger than min, got [{low}, {high}]")
    return low, high


@method()
def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0, **others: Any) -> Any:
    """How many of the numbers fall into each of ``bins`` equal bins between ``min`` and ``max``.

    Args:
        min, max: where the bins begin and end; if equal, at the smallest and the largest number. What lies outside
            is left out.
    """
    if others:
        return with_others(histc, others, input, bins=bins, min=min, max=max)
    _floating_only("histogram_cpu", input)
    if bins <= 0:
        raise RangeError(f"bins must be > 0, got {bins}")
    x = input.array.reshape(-1)
    low, high = _limits(min, max, x, 1)
    x = x[(x >= low) & (x <= high)]
    places = np.minimum(((x - low) / (high - low) * bins).astype(np.int64), bins - 1)
    return Tensor.of(np.bincount(places, minlength=bins).astype(input.array.dtype))


@method()
def histogram(
    input: Any, bins: Any = 100, *, range: Any = None, weight: Any = None, density: bool = False, **others: Any
) -> Any:
    """How many of the numbers fall into each bin, and the ends of the bins: (hist, bin_edges).

    Args:
        bins: how many equal bins, or the ends of the bins (m + 1), in order.
        range: where equal bins begin and end; by default at the smallest and the largest number.
        weight: of each number, in the shape of ``input``.
        density: divide by the sum and by the bins' widths, so that the integral is 1.
    """
    if others:
        return with_others(histogram, others, input, bins=bins, range=range, weight=weight, density=density)
    if isinstance(bins, Tensor) and bins.array.ndim != 1:
        raise ShapeError(f"histogram(): bins tensor should have one dimension, but got {bins.array.ndim}")
    flat = input.reshape(-1, 1)
    counts = weight if weight is None else _flat_weight("histogram", input.array.shape, weight)
    hist, (edges,) = _histogram("histogram", flat, [bins], range, counts, density)
    return return_types.histogram(hist, edges)


def histogramdd(input: Any, bins: Any, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """How many points (*, D) fall into each cell of a grid, and the ends of its bins along each axis.

    Args:
        bins: how many equal bins along all axes, along each, or for each axis the ends of its bins.
        range: where the bins begin and end: low and high of the first axis, of the second ...
        weight: of each point (*).
        density: divide by the sum and by the cells' volumes, so that the integral is 1.

    Returns:
        (hist, bin_edges)
    """
    if input.array.ndim < 2:
        raise ShapeError(f"histogramdd(): input tensor should have at least 2 dimensions, but got {input.array.ndim}")
    axes = input.array.shape[-1]
    bins = [bins] * axes if isinstance(bins, int) else list(bins)
    if len(bins) != axes:
        raise ShapeError(f"histogramdd(): expected {axes} sequences of bin edges for {axes}-d points, got {len(bins)}")
    points = input.reshape(-1, axes)
    counts = weight if weight is None else _flat_weight("histogramdd", input.array.shape[:-1], weight)
    return return_types.histogramdd(*_histogram("histogramdd", points, bins, range, counts, density))


def _flat_weight(name: str, shape: tuple[int, ...], weight: Any) -> np.ndarray:
    if weight.array.shape != shape:
        raise ShapeError(f"{name}(): if weight tensor is provided it should have shape {shape}, got {weight.shape}")
    return weight.array.reshape(-1)


def _histogram(
    name: str, points: Any, bins: Sequence[Any], range: Any, weight: np.ndarray | None, density: bool
) -> tuple[Any, tuple[Any, ...]]:
    """Points (N, D) counted in a grid of bins."""
    _floating_only("histogramdd", points)
    x = points.array
    edges = [
        _edges(name, x[:, i], some, tuple(range[2 * i : 2 * i + 2]) if range else (0, 0)) for i, some in enumerate(bins)
    ]
    cells = np.zeros(len(x), np.int64)
    inside = np.ones(len(x), bool)
    for column, ends in zip(x.T, edges, strict=True):
        inside &= (column >= ends[0]) & (column <= ends[-1])
        places = np.minimum(np.searchsorted(ends, column, "right") - 1, len(ends) - 2)  # the last bin has both ends
        cells = cells * (len(ends) - 1) + places
    shape = [len(ends) - 1 for ends in edges]
    counts = np.bincount(cells[inside], None if weight is None else weight[inside], int(np.prod(shape)))
    hist = counts.astype(x.dtype).reshape(shape)
    if density:
        hist = hist / hist.sum()
        for i, ends in enumerate(edges):
            hist = hist / np.diff(ends).reshape([-1 if i == j else 1 for j, _ in enumerate(edges)])
    return Tensor.of(hist), tuple(map(Tensor.of, edges))


def _edges(name: str, x: np.ndarray, bins: Any, range: Any) -> np.ndarray:
    """The ends of the bins along one axis."""
    if isinstance(bins, Tensor):
        if bins.array.dtype != x.dtype:
            raise DtypeError(f"{name}(): input tensor and bins tensors should have the same dtype, got {bins.dtype}")
        if not bins.array.size:
            raise ShapeError(f"{name}(): bins tensor should have at least 1 element")
        return bins.array
    if bins <= 0:
        raise RangeError(f"{name}(): bins must be > 0, but got {bins}")
    low, high = _limits(range[0], range[1], x, 0.5) if x.size or range != (0, 0) else (0, 1)
    return np.linspace(low, high, bins + 1, dtype=x.dtype)
