"""Differences, derivatives and integrals of functions that are given by samples."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.cumulative import cumsum
from handtorch.ops.keywords import with_others
from handtorch.ops.reduction import normal_axes, normal_axis
from handtorch.ops.reduction import sum as total
from handtorch.tensor import Tensor

__all__ = [
    "cumulative_trapezoid",
    "diff",
    "gradient",
    "trapezoid",
    "trapz",
]


def part(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """x[start:stop] along an axis."""
    return x[(*(slice(None),) * axis, slice(start, stop))]


# -- differences ----------------------------------------------------------------------------------------------------


@method()
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None, **others: Any) -> Any:
    """x_{i+1} - x_i along ``dim``, taken n times over; for booleans, whether the two are different.

    Args:
        prepend, append: elements to put before and behind first.

    Raises:
        ShapeError: a single number, or lengths that do not fit.
        RangeError: a negative n.
    """
    if others:
        return with_others(diff, others, input, n=n, dim=dim, prepend=prepend, append=append)
    if not input.array.ndim:
        raise ShapeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RangeError(f"order must be non-negative but got {n}")
    if n == 0:
        return input.clone()
    axis = normal_axis(dim, input.array.ndim)
    pieces = [x for x in (prepend, input, append) if x is not None]
    for piece in pieces:
        if piece.array.ndim != input.array.ndim:
            raise ShapeError("diff expects prepend or append to be the same dimension as input")
    x: Any = np.concatenate(pieces, axis) if len(pieces) > 1 else input
    for _ in range(builtins.min(n, x.array.shape[axis])):
        above, below = part(x, axis, 1, None), part(x, axis, None, -1)
        x = above != below if x.array.dtype.kind == "b" else above - below
    return x


# -- derivatives ----------------------------------------------------------------------------------------------------


def gradient(input: Any, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> Any:
    """The derivatives of a sampled function along every axis of ``dim`` (all of them by default), one tensor for each.

    Between two steps of lengths a and b, over which the function rises at the rates p and q, the derivative is
    (b p + a q) / (a + b): that of the parabola through the three points.

    Args:
        spacing: the step, one for all axes or for each its own; or for each axis the coordinates of its points (n).
        edge_order: at the edges, 1 takes the rate of the outermost step, 2 the slope of the parabola there.

    Raises:
        ShapeError: an axis is too short, or spacing and axes do not pair.
        DtypeError: bytes, whose differences cannot be negative.
    """
    if input.array.dtype.char == "B":
        raise DtypeError("torch.gradient does not support uint8 input; convert it with .float() first")
    axes = normal_axes(dim, input.array.ndim)
    axes = tuple(range(input.array.ndim)) if axes is None else axes if isinstance(axes, tuple) else (axes,)
    spacings = list(spacing) if isinstance(spacing, (list, tuple)) else [1 if spacing is None else spacing] * len(axes)
    if len(spacings) != len(axes):
        raise ShapeError(
            f"torch.gradient expected spacing to be unspecified, a scalar, or a list of length {len(axes)}, one for "
            f"each axis, but got a list of length {len(spacings)}"
        )
    if edge_order not in (1, 2):
        raise RangeError(f"torch.gradient only supports edge_order=1 and edge_order=2, got {edge_order}")
    return tuple([_derivative(input, axis, step, edge_order) for axis, step in zip(axes, spacings, strict=True)])


def _derivative(f: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    """The derivative along one axis."""
    n = f.array.shape[axis]
    if n < edge_order + 1:
        raise ShapeError(f"torch.gradient expected each dimension size to be at least edge_order+1, got {n}")
    before = behind = step = spacing
    if isinstance(spacing, Tensor) and spacing.array.ndim:
        step = _steps(spacing, axis, f.array.shape)
        before, behind = part(step, axis, None, -1), part(step, axis, 1, None)
    rate = (part(f, axis, 1, None) - part(f, axis, None, -1)) / step
    inside = (part(rate, axis, None, -1) * behind + part(rate, axis, 1, None) * before) / (before + behind)
    first, last = part(rate, axis, None, 1), part(rate, axis, -1, None)
    if edge_order == 2:  # a parabola rises over a step at the mean of its slopes at both ends
        first, last = 2 * first - part(inside, axis, None, 1), 2 * last - part(inside, axis, -1, None)
    return np.concatenate([first, inside, last], axis)


def _steps(coordinates: Any, axis: int, shape: tuple[int, ...]) -> Any:
    """The distances between coordinates (n), laid along an axis."""
    if coordinates.array.shape != (shape[axis],):
        raise ShapeError(
            f"torch.gradient expected the coordinates of axis {axis} to have shape {[shape[axis]]}, "
            f"got {list(coordinates.array.shape)}"
        )
    return diff(coordinates).reshape([shape[axis] - 1 if i == axis else 1 for i in range(len(shape))])


# -- integrals ------------------------------------------------------------------------------------------------------


def _trapezoids(name: str, y: Any, x: Any, dx: Any, dim: int) -> tuple[Any, int]:
    """The areas between neighbouring points, and the axis."""
    if y.array.dtype.kind == "b" or (x is not None and x.array.dtype.kind == "b"):
        raise DtypeError(f"{name}: received a bool input for `x` or `y`, but bool is not supported")
    axis = normal_axis(dim, y.array.ndim)
    if x is not None:
        if x.array.ndim == 1:
            if x.array.shape[0] != y.array.shape[axis]:
                raise ShapeError(f"{name}: There must be one `x` value for each sample point")
            x = x.reshape([-1 if i == axis else 1 for i in range(y.array.ndim)])
        elif x.array.ndim < y.array.ndim:
            x = x.reshape([1] * (y.array.ndim - x.array.ndim) + list(x.array.shape))
        dx = part(x, axis, 1, None) - part(x, axis, None, -1)
    return (part(y, axis, 1, None) + part(y, axis, None, -1)) * dx / 2, axis


def trapezoid(y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Any:
    """The integral along ``dim`` by the trapezoidal rule: Σ (x_{i+1} - x_i) (y_i + y_{i+1}) / 2.

    Args:
        x: where the samples lie; without it they are ``dx`` apart.
    """
    areas, axis = _trapezoids("trapezoid", y, x, dx, dim)
    return total(areas, axis)


trapz = trapezoid


def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Any:
    """The integral up to each sample but the first, along ``dim``, by the trapezoidal rule.

    Args:
        x: where the samples lie; without it they are ``dx`` apart.
    """
    areas, axis = _trapezoids("cumulative_trapezoid", y, x, dx, dim)
    return cumsum(areas, axis)
