"""Norms as linear algebra has them: of vectors, and of matrices as maps."""

from __future__ import annotations

import math
from typing import Any

from handtorch.errors import RangeError, ShapeError
from handtorch.ops.arithmetic import abs as magnitude
from handtorch.ops.attach import with_out
from handtorch.ops.axes import movedim
from handtorch.ops.extremes import amax, amin
from handtorch.ops.norms import in_type, length
from handtorch.ops.reduction import normal_axes, normal_axis, require_inexact
from handtorch.ops.reduction import sum as total
from handtorch.ops.singular import svdvals


@with_out
def vector_norm(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The p-norm (Σ |x|^p)^(1/p) of the numbers along ``dim`` (all of them by default), as one long vector.

    Args:
        ord: p; inf for the largest |x|, -inf for the smallest, 0 for how many are not 0.
        dim: an axis or several.
        dtype: compute in this type, which may not be narrower.

    Raises:
        ShapeError: no numbers, and a norm that does not exist then.
        DtypeError: whole numbers came.
    """
    if not isinstance(ord, (int, float)):
        raise TypeError(f"linalg.vector_norm: argument 'ord' must be a number, not {type(ord).__name__}")
    axes = normal_axes(dim, x.array.ndim)
    if ord < 0 or ord == math.inf:
        shape = x.array.shape
        reduced = range(len(shape)) if axes is None else (axes,) if isinstance(axes, int) else axes
        if any(shape[axis] == 0 for axis in reduced):
            raise ShapeError(
                f"linalg.vector_norm cannot compute the {ord} norm along {dim} of shape {list(shape)} because there "
                f"are no numbers and the operation does not have an identity"
            )
    return length(in_type("linalg.vector_norm", x, dtype), ord, axes, keepdim)


@with_out
def matrix_norm(input: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Any:
    """A norm of matrices A (*, M, N).

    ======== =====================================================================
    ``ord``  norm
    ======== =====================================================================
    "fro"    (Σ |A_ij|²)^(1/2)
    "nuc"    the sum of the singular values
    inf      the largest sum of |A_ij| over a row; -inf the smallest
    1        the largest sum over a column; -1 the smallest
    2        the largest singular value; -2 the smallest
    ======== =====================================================================

    Args:
        dim: the axes of the rows and of the columns.
        dtype: compute in this type, which may not be narrower.

    Raises:
        RangeError: another norm, or no two axes.
        ShapeError: there are less than two axes.
        DtypeError: whole numbers came.
    """
    name = "linalg.matrix_norm"
    require_inexact(input, name)
    n = input.array.ndim
    if n < 2:
        raise ShapeError(f"{name}: The input tensor A must have at least 2 dimensions, got {n}")
    if not isinstance(dim, (tuple, list)) or len(dim) != 2:
        raise RangeError(f"{name}: dim must be a 2-tuple. Got {dim}")
    row, column = (normal_axis(d, n) for d in dim)
    if row == column:
        raise RangeError(f"{name}: dims must be different. Got {tuple(dim)}")
    a = in_type(name, input, dtype)
    if ord == "fro":
        return length(a, 2, (row, column), keepdim)
    if ord == "nuc" or (not isinstance(ord, str) and ord in (2, -2)):
        return _of_singular_values(a, ord, row, column, keepdim)
    if isinstance(ord, str) or ord not in (1, -1, math.inf, -math.inf):
        raise RangeError(f"{name}: Order {ord} not supported.")
    summed, compared = (row, column) if ord in (1, -1) else (column, row)
    y = _extreme(total(magnitude(a), summed, True), ord, compared)
    return y if keepdim else y.squeeze((row, column))


def _of_singular_values(a: Any, ord: Any, row: int, column: int, keepdim: bool) -> Any:
    values = svdvals(movedim(a, (row, column), (-2, -1)))
    y = total(values, -1) if ord == "nuc" else _extreme(values, ord, -1).squeeze(-1)
    for axis in sorted((row, column)) if keepdim else ():
        y = y.unsqueeze(axis)
    return y


def _extreme(x: Any, ord: float, axis: int) -> Any:
    """The largest number along an axis for a positive ``ord``, 0 if there is none; the smallest for a negative one."""
    if ord < 0:
        return amin(x, axis, True)
    return amax(x, axis, True) if x.array.shape[axis] else total(x, axis, True)


@with_out
def norm(input: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """A norm of vectors or of matrices.

    With an ``ord``, that of a vector if ``dim`` is one axis (or ``input`` has only one), that of a matrix if there are
    two. Without one, (Σ |x|²)^(1/2) along ``dim``, or of all numbers.

    Raises:
        RangeError: ``dim`` or ``input`` has neither one axis nor two.
    """
    if ord is None:
        return vector_norm(input, 2, dim, keepdim, dtype=dtype)
    n = input.array.ndim if dim is None else 1 if isinstance(dim, int) else len(dim)
    if n not in (1, 2):
        raise RangeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {n}D."
            if dim is None
            else f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}"
        )
    if n == 2 or isinstance(ord, str):
        return matrix_norm(input, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    return vector_norm(input, ord, dim, keepdim, dtype=dtype)
