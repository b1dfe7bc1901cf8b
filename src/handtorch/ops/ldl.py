"""LDL factorizations of symmetric and Hermitian matrices that need not be positive definite."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.errors import DtypeError, ShapeError
from handtorch.ops.attach import with_out
from handtorch.ops.matrices import need_inexact, need_matrices, need_square, raise_first
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, sample
from handtorch.ops.triangular import solve_with
from handtorch.tensor import Tensor

__all__ = ["ldl_factor", "ldl_factor_ex", "ldl_solve"]


class LDL(Op):
    """P A Pᵀ = L D Lᵀ for a symmetric A (*, n, n), or with Lᴴ for a Hermitian one, without a derivative.

    L is lower triangular with ones on its diagonal, D has blocks of one or two rows, P exchanges rows (and columns)
    so that no factor grows: where no element of the diagonal is large enough, two rows are eliminated at once. Only
    the lower triangle of A is read.

    L and D are kept in one lower triangle; the exchanges of a step are not carried out in the columns of L to its left.
    Pivots (*, n) int32, counted from 1: i > 0 is the row that was exchanged for this one; two rows that were eliminated
    together have -i both, the row that was exchanged for the second.

    Source: Bunch and Kaufman, "Some stable methods for calculating inertia and solving symmetric linear systems"
    (1977), in the order of LAPACK's sytf2.

    Args:
        hermitian: A is Hermitian rather than symmetric.

    Attributes:
        info: (*) int32; for each matrix 0, or which block of D is the first that is 0, from 1 on.
    """

    info: np.ndarray

    def __init__(self, hermitian: bool = False) -> None:
        self.hermitian = hermitian

    def forward(self, a: Any) -> Any:
        y = np.tril(a)
        pivots = np.zeros(a.shape[:-1], np.int32)
        self.info = np.zeros(a.shape[:-2], np.int32)
        for i in np.ndindex(a.shape[:-2]):
            self.info[i] = _eliminate(y[i], pivots[i], self.hermitian)
        return y, pivots

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(2, 6, 6), smooth=False)
        yield sample(cls, normal(5, 5) + 6 * np.eye(5), smooth=False)
        yield sample(lambda: cls(True), normal(5, 5, seed=1) + 1j * normal(5, 5), smooth=False)


class LDLSolve(Op):
    """X = A⁻¹ B out of the factors of A by :class:`LDL`: X = Pᵀ L⁻ᵀ D⁻¹ L⁻¹ P B; without a derivative.

    Args:
        pivots: (*, n), as :class:`LDL` gives them.
        hermitian: as there.
    """

    def __init__(self, pivots: np.ndarray, hermitian: bool = False) -> None:
        self.pivots, self.hermitian = pivots, hermitian

    def forward(self, packed: Any, b: Any) -> Any:
        batch = np.broadcast_shapes(packed.shape[:-2], b.shape[:-2])
        packed = np.broadcast_to(packed, (*batch, *packed.shape[-2:]))
        pivots = np.broadcast_to(self.pivots, packed.shape[:-1])
        b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
        x = np.empty(b.shape, b.dtype)
        for i in np.ndindex(*batch):
            lower, middle, order = _taken_apart(packed[i], pivots[i], self.hermitian)
            upper = lower.conj().T if self.hermitian else lower.T
            y = solve_with(lower, b[i][order], upper=False, unitriangular=True)
            x[i][order] = solve_with(upper, np.linalg.solve(middle, y), upper=True, unitriangular=True)
        return x

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for hermitian in (False, True):
            packed, pivots = LDL(hermitian).forward(normal(5, 5) + 1j * normal(5, 5, seed=1))
            yield sample(partial(cls, pivots, hermitian), packed, normal(2, 5, 2) + 0j, smooth=False)


_ALPHA = (1 + math.sqrt(17)) / 8  # above which share of its column a pivot may stand alone


def _eliminate(y: np.ndarray, pivots: np.ndarray, hermitian: bool) -> int:
    """Put L and D into the lower triangle of y; return which block of D is the first that is 0, from 1 on, or 0."""
    n = len(y)
    rest = _both_triangles(y, hermitian)  # of what is left of A
    info = k = 0
    while k < n:
        row, width = _pivot(rest[k:, k:])
        row, second = row + k, k + width - 1
        rest[[second, row], k:] = rest[[row, second], k:]
        rest[k:, [second, row]] = rest[k:, [row, second]]
        block, after = slice(k, k + width), slice(k + width, n)
        pivots[block] = row + 1 if width == 1 else -(row + 1)
        y[block, block] = np.tril(rest[block, block])
        column = rest[after, block].copy()
        if width == 2 or rest[k, k] != 0:
            factor = np.linalg.solve(rest[block, block].T, column.T).T
            left = rest[after, after] - factor @ (column.conj() if hermitian else column).T
            rest[after, after] = _both_triangles(left, hermitian)  # rounding must not tell them apart
            column = factor
        elif not info:
            info = k + 1
        y[after, block] = column
        k += width
    return info


def _both_triangles(a: np.ndarray, hermitian: bool) -> np.ndarray:
    """The symmetric or Hermitian matrix that has the lower triangle of a."""
    below = np.tril(a, -1)
    if not hermitian:
        return np.tril(a) + below.T
    return below + below.conj().T + np.diag(a.diagonal().real)


def _pivot(a: np.ndarray) -> tuple[int, int]:
    """Which row of a symmetric matrix to exchange, and whether to eliminate with one row or with two."""
    size = np.abs(a.real) + np.abs(a.imag) if a.dtype.kind == "c" else np.abs(a)
    if len(a) == 1:
        return 0, 1
    below = 1 + int(np.argmax(size[1:, 0]))
    largest = size[below, 0]
    if size[0, 0] >= _ALPHA * largest:
        return 0, 1
    beside = np.delete(size[below], below).max()
    if size[0, 0] >= _ALPHA * largest * (largest / beside):
        return 0, 1
    if size[below, below] >= _ALPHA * beside:
        return below, 1
    return below, 2


def _taken_apart(packed: np.ndarray, pivots: np.ndarray, hermitian: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """L, D and the order of the rows, all exchanges carried out."""
    n = len(packed)
    lower, middle, order = np.tril(packed, -1), np.diag(packed.diagonal()), np.arange(n)
    k = 0
    while k < n:
        width = 1 if pivots[k] > 0 else 2
        second, row = k + width - 1, abs(pivots[k]) - 1
        lower[[second, row], :k] = lower[[row, second], :k]
        order[[second, row]] = order[[row, second]]
        if width == 2:
            off = packed[k + 1, k]
            middle[k + 1, k], middle[k, k + 1], lower[k + 1, k] = off, np.conj(off) if hermitian else off, 0
        k += width
    return lower + np.eye(n, dtype=packed.dtype), middle, order


# -- functions ------------------------------------------------------------------------------------------------------


def _factor(name: str, input: Any, hermitian: bool, check_errors: bool) -> tuple[Any, Any, Any]:
    need_square(name, input)
    need_inexact(name, input)
    op = LDL(hermitian and input.array.dtype.kind == "c")
    packed, pivots = op(input)
    if check_errors:
        raise_first(
            name,
            op.info,
            "The factorization has been completed, but the block {0} of D is exactly singular: "
            "a system of equations cannot be solved with it.",
        )
    return packed, pivots, Tensor.of(op.info)


@with_out
def ldl_factor(input: Any, *, hermitian: bool = False) -> Any:
    """P A Pᵀ = L D Lᵀ for symmetric (or Hermitian) matrices, for :func:`ldl_solve`; it has no gradient.

    Args:
        input: A (*, n, n), of which the lower triangle is read.
        hermitian: A is Hermitian rather than symmetric.

    Returns:
        LD (*, n, n), with L and D in the lower triangle; pivots (*, n) int32, as LAPACK's sytrf gives them.

    Raises:
        LinAlgError: D is singular.
    """
    return return_types.linalg_ldl_factor(*_factor("linalg.ldl_factor", input, hermitian, True)[:2])


@with_out
def ldl_factor_ex(input: Any, *, hermitian: bool = False, check_errors: bool = False) -> Any:
    """:func:`ldl_factor` as ``(LD, pivots, info)``, without an error for a singular matrix.

    Returns:
        LD, pivots; info (*) int32: 0, or which block of D is the first that is 0, from 1 on.
    """
    return return_types.linalg_ldl_factor_ex(*_factor("linalg.ldl_factor_ex", input, hermitian, check_errors))


@with_out
def ldl_solve(LD: Any, pivots: Any, B: Any, *, hermitian: bool = False) -> Any:
    """The X with A X = B out of the factors of A by :func:`ldl_factor`; it has no gradient.

    Args:
        LD: (*, n, n).
        pivots: (*, n).
        B: (*, n, k).
        hermitian: as it was for :func:`ldl_factor`.

    Raises:
        ShapeError: the matrices do not fit together.
    """
    name = "linalg.ldl_solve"
    need_square(name, LD, "LD")
    need_matrices(name, B, "B")
    need_inexact(name, LD, B)
    if pivots.array.dtype.kind not in "iu":
        raise DtypeError(f"{name}: Expected pivots to be integers. Got {pivots.dtype}")
    if pivots.array.shape != LD.array.shape[:-1] or B.array.shape[-2] != LD.array.shape[-1]:
        raise ShapeError(
            f"{name}: expected LD (*, n, n), pivots (*, n) and B (*, n, k), got {LD.array.shape}, "
            f"{pivots.array.shape} and {B.array.shape}"
        )
    return LDLSolve(pivots.array, hermitian and LD.array.dtype.kind == "c")(LD, B)
