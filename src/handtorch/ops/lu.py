"""LU factorizations: Gaussian elimination, kept."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.ops.attach import with_out
from handtorch.ops.matrices import (
    adjoint,
    identity_like,
    in_one_axis,
    need_inexact,
    need_matrices,
    need_square,
    raise_first,
)
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, sample
from handtorch.ops.triangular import solve_with
from handtorch.tensor import Tensor

__all__ = ["lu", "lu_factor", "lu_factor_ex", "lu_solve"]


class LU(Op):
    """P A = L U with rows exchanged by P so that no factor is above 1; A (*, m, n), k = min(m, n).

    Both factors are kept in one matrix (*, m, n): U on and above its diagonal, L (whose diagonal is 1) below. Beside it
    stand the pivots (*, k) int32: row i was exchanged for row pivots_i, counted from 1, one after the other.

    For a square A, with tril₋₁ the part below the diagonal and triu that on and above it,

        dL/dA = Pᵀ L⁻ᴴ [tril₋₁(Lᴴ G_L) + triu(G_U Uᴴ)] U⁻ᴴ.

    Of P A = [L₁; L₂] U with m > n, the lower rows have the gradient G_L₂ U⁻ᴴ, the upper ones that formula with
    G_U Uᴴ - L₂ᴴ G_L₂. Of P A = L [U₁ U₂] with m < n, the right columns have L⁻ᴴ G_U₂, the left ones the formula with
    Lᴴ G_L - G_U₂ U₂ᴴ.

    Source: de Hoog, Anderssen and Lukas, "Differentiation of matrix functionals using triangular factorization" (2011).

    Attributes:
        info: (*) int32; for each matrix 0, or which pivot is the first that is 0, from 1 on.
    """

    quiet = True
    info: np.ndarray

    def forward(self, a: Any) -> Any:
        y, pivots = eliminate(a)
        self.info = first_zero_on_diagonal(y)
        self.order = order_of(pivots, a.shape[-2])
        self.save(y)
        return y, pivots

    def backward(self, g: Any) -> Any:
        ((y,), (g, _)) = self.saved, g
        m, n = y.shape[-2:]
        k = min(m, n)
        lower, upper = triangles(y)
        l1, u1, corner = lower[..., :k, :], upper[..., :k], g[..., :k, :k]
        of_l = np.matmul(adjoint(l1), np.tril(corner, -1))
        of_u = np.matmul(np.triu(corner), adjoint(u1))
        if m < n:
            of_l = of_l - np.matmul(g[..., k:], adjoint(upper[..., k:]))
        if m > n:
            of_u = of_u - np.matmul(adjoint(lower[..., k:, :]), g[..., k:, :])
        inner = adjoint(solve_with(u1, adjoint(np.tril(of_l, -1) + np.triu(of_u)), upper=True))
        if m < n:
            inner = np.concatenate((inner, g[..., k:]), axis=-1)
        ga = solve_with(adjoint(l1), inner, upper=True, unitriangular=True)
        if m > n:
            below = adjoint(solve_with(u1, adjoint(g[..., k:, :]), upper=True))
            ga = np.concatenate((ga, below), axis=-2)
        return in_order(ga, np.argsort(self.order))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 3))
        yield sample(cls, normal(2, 4, 2))
        yield sample(cls, normal(2, 4))
        yield sample(cls, normal(40, 50), smooth=False)
        yield sample(cls, normal(2, 80, 70), smooth=False)


def eliminate(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """L and U of matrices in one, and the pivots; see :class:`LU`."""
    y = np.array(in_one_axis(a), order="C")
    k = min(y.shape[-2:])
    pivots = np.empty((len(y), k), np.int32)
    _eliminate_columns(y, pivots, 0, k)
    y[:, :k, k:] = solve_with(y[:, :k, :k], y[:, :k, k:], upper=False, unitriangular=True)
    return y.reshape(a.shape), pivots.reshape(*a.shape[:-2], k) + np.int32(1)


def _eliminate_columns(y: np.ndarray, pivots: np.ndarray, start: int, stop: int) -> None:
    """Eliminate with the columns from ``start`` on, within them: the left half, what it does to the right half, and
    the right half. All but narrow columns is done by matrix products.

    Source: Toledo, "Locality of reference in LU decomposition with partial pivoting" (1997).
    """
    if stop - start > _BLOCK:
        middle = (start + stop) // 2
        left, right, below = slice(start, middle), slice(middle, stop), slice(middle, None)
        _eliminate_columns(y, pivots, start, middle)
        y[:, left, right] = solve_with(y[:, left, left], y[:, left, right], upper=False, unitriangular=True)
        y[:, below, right] -= np.matmul(y[:, below, left], y[:, left, right])
        _eliminate_columns(y, pivots, middle, stop)
        return
    batch = np.arange(len(y))
    for j in range(start, stop):
        pivots[:, j] = largest = j + np.argmax(_size(y[:, j:, j]), axis=-1)
        y[batch, largest], y[:, j] = y[:, j].copy(), y[batch, largest]
        pivot = y[:, j, j]
        y[:, j + 1 :, j] /= np.where(pivot == 0, 1, pivot)[:, None]
        y[:, j + 1 :, j + 1 : stop] -= y[:, j + 1 :, j, None] * y[:, j, None, j + 1 : stop]


_BLOCK = 16


def _size(x: np.ndarray) -> np.ndarray:
    """How large numbers are, as LAPACK compares them: |Re x| + |Im x|."""
    return np.abs(x.real) + np.abs(x.imag) if x.dtype.kind == "c" else np.abs(x)


def first_zero_on_diagonal(y: np.ndarray) -> np.ndarray:
    """(*) int32: which element of a diagonal is the first that is 0, from 1 on; 0 where none is."""
    zero = np.diagonal(y, 0, -2, -1) == 0
    return (
        np.where(zero.any(-1), zero.argmax(-1) + 1, 0).astype(np.int32)
        if zero.size
        else np.zeros(y.shape[:-2], np.int32)
    )


def order_of(pivots: np.ndarray, m: int) -> np.ndarray:
    """For each row of P A which row of A (*, m, n) it is, out of the exchanges one after the other."""
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1]) - 1
    order = np.tile(np.arange(m), (len(flat), 1))
    batch = np.arange(len(flat))
    for j in range(flat.shape[1]):
        order[batch, flat[:, j]], order[:, j] = order[:, j].copy(), order[batch, flat[:, j]]
    return order.reshape(*pivots.shape[:-1], m)


def in_order(x: Any, order: np.ndarray) -> Any:
    """The rows of matrices (arrays or Tensors) in another order (*, m)."""
    batch = np.broadcast_shapes(x.shape[:-2], order.shape[:-1])
    x = np.broadcast_to(x, (*batch, *x.shape[-2:]))
    return np.take_along_axis(x, np.broadcast_to(order[..., None], x.shape), axis=-2)


def triangles(y: Any) -> tuple[Any, Any]:
    """L (*, m, k) and U (*, k, n) out of the one matrix (*, m, n) in which they are kept."""
    k = min(y.shape[-2:])
    one = np.eye(y.shape[-2], k, dtype=y.dtype if isinstance(y, np.ndarray) else y.array.dtype)
    return np.tril(y[..., :k], -1) + one, np.triu(y[..., :k, :])


# -- functions ------------------------------------------------------------------------------------------------------


def _factor(name: str, A: Any, pivot: bool, check_errors: bool) -> tuple[Any, Any, Any]:
    need_matrices(name, A)
    need_inexact(name, A)
    if not pivot:
        raise RangeError(f"{name}: LU without pivoting is not implemented on the CPU")
    op = LU()
    packed, pivots = op(A)
    if check_errors:
        raise_first(
            name,
            op.info,
            "U[{0},{0}] is zero and using it on lu_solve would result in a division by zero. "
            "If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
            "linalg.lu_factor_ex(A, pivot)",
        )
    return packed, pivots, Tensor.of(op.info)


@with_out
def lu_factor(A: Any, *, pivot: bool = True) -> Any:
    """P A = L U, with L and U in one matrix, for :func:`lu_solve`.

    Args:
        A: (*, m, n).
        pivot: exchange rows; there is no other way on the CPU.

    Returns:
        LU (*, m, n): U on and above the diagonal, L, whose diagonal is 1, below; pivots (*, min(m, n)) int32: row i was
        exchanged for row pivots_i, counted from 1.

    Raises:
        LinAlgError: a pivot is 0.
    """
    return return_types.linalg_lu_factor(*_factor("linalg.lu_factor", A, pivot, True)[:2])


@with_out
def lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """:func:`lu_factor` as ``(LU, pivots, info)``, without an error for a singular matrix.

    Returns:
        LU, pivots; info (*) int32: 0, or which pivot is the first that is 0, from 1 on.
    """
    return return_types.linalg_lu_factor_ex(*_factor("linalg.lu_factor_ex", A, pivot, check_errors))


@with_out
def lu(A: Any, *, pivot: bool = True) -> Any:
    """A = P L U: a permutation P (*, m, m), L (*, m, k) with ones on its diagonal and U (*, k, n), k = min(m, n)."""
    packed, pivots, _ = _factor("linalg.lu", A, pivot, False)
    return return_types.linalg_lu(permutation(packed, pivots), *triangles(packed))


def permutation(packed: Any, pivots: Any) -> Any:
    """P (*, m, m) with A = P L U, in the element type of the factors."""
    m = packed.array.shape[-2]
    return Tensor.of(np.swapaxes(identity_like(packed, m)[order_of(pivots.array, m)], -1, -2))


@with_out
def lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Any:
    """The X with A X = B out of the factors of A by :func:`lu_factor`; with X A = B if not ``left``; with Aᴴ in the
    place of A if ``adjoint``.

    Args:
        LU: (*, n, n).
        pivots: (*, n) int32.
        B: (*, n, k), or (*, k, n) if not ``left``.

    Raises:
        ShapeError: the matrices do not fit together.
    """
    name = "linalg.lu_solve"
    need_square(name, LU, "LU")
    need_matrices(name, B, "B")
    need_inexact(name, LU, B)
    if pivots.array.dtype != np.int32:
        raise DtypeError(f"{name}: pivots should be a Tensor of scalar type int32, got {pivots.dtype}")
    n = LU.array.shape[-1]
    if pivots.array.shape != LU.array.shape[:-1]:
        raise ShapeError(f"{name}: Number of pivots per batch should be same as the dimension of the matrix: {n}")
    if B.array.shape[-2 if left else -1] != n:
        raise ShapeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'}: "
            f"{LU.array.shape} and {B.array.shape}"
        )
    order = order_of(pivots.array, n)
    if left:
        return _substituted(LU, order, B, adjoint)
    return _substituted(LU, order, B.mH, not adjoint).mH


def _substituted(packed: Any, order: np.ndarray, b: Any, adjoint: bool) -> Any:
    if not adjoint:
        y = solve_with(packed, in_order(b, order), upper=False, unitriangular=True)
        return solve_with(packed, y, upper=True)
    y = solve_with(packed.mH, b, upper=False)
    return in_order(solve_with(packed.mH, y, upper=True, unitriangular=True), np.argsort(order))
