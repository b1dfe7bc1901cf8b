"""The Cholesky factorization: a positive definite matrix as a triangle times its adjoint."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.ops.attach import with_out
from handtorch.ops.matrices import adjoint, hermitian_part, in_one_axis, need_inexact, need_square, raise_first
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, of_positive_definite, sample
from handtorch.ops.triangular import solve_with
from handtorch.tensor import Tensor

__all__ = ["cholesky", "cholesky_ex"]


class Cholesky(Op):
    """L with A = L Lᴴ, lower triangular, its diagonal positive; A (*, n, n) Hermitian and positive definite.

    Only the lower triangle of A is read. With Φ(X) the lower triangle of X whose diagonal is halved, dL = L Φ(L⁻¹ dA
    L⁻ᴴ), and therefore dL/dA = ½ L⁻ᴴ (P + Pᴴ) L⁻¹ with P = Φ(Lᴴ G): as of a function of Hermitian matrices, shared
    evenly between both triangles.

    Source: Murray, "Differentiation of the Cholesky decomposition" (2016), equation 10.

    Attributes:
        info: (*) int32; for each matrix 0, or the order of the first leading minor that is not positive definite. The
            result for such a matrix is NaN.
    """

    info: np.ndarray

    def forward(self, a: Any) -> Any:
        self.info = np.zeros(a.shape[:-2], np.int32)
        y = _factor_or_none(a)
        if y is None:
            self.info[...] = np.reshape([_first_bad_minor(matrix) for matrix in in_one_axis(a)], a.shape[:-2])
            failed = self.info[..., None, None] != 0
            usable = np.where(failed, np.eye(a.shape[-1], dtype=a.dtype), a)
            y = np.where(failed, np.nan, np.linalg.cholesky(usable)).astype(a.dtype)
        self.save(y)
        return y

    def backward(self, g: Any) -> Any:
        (y,) = self.saved
        p = np.tril(np.matmul(adjoint(y), g))
        both = hermitian_part(p + np.tril(p, -1))  # P + Pᴴ of the docstring, whose P has half of this diagonal
        half = solve_with(adjoint(y), both, upper=True)
        return adjoint(solve_with(adjoint(y), adjoint(half), upper=True)) / 2

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: of_positive_definite(cls()), normal(3, 3))
        yield sample(lambda: of_positive_definite(cls()), normal(2, 1, 2, 2))


def _first_bad_minor(a: np.ndarray) -> int:
    """The order of the first leading minor of a matrix that is not positive definite, or 0."""
    n = len(a)
    return (bisect_left(range(1, n + 1), True, key=lambda k: _factor_or_none(a[:k, :k]) is None) + 1) % (n + 1)


def _factor_or_none(a: np.ndarray) -> np.ndarray | None:
    """The factors of matrices, if all are positive definite."""
    try:
        y = np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        return None
    return None if np.isnan(np.diagonal(y, 0, -2, -1)).any() else y


def _factor(name: str, input: Any, upper: bool, check_errors: bool) -> tuple[Any, Any]:
    need_square(name, input)
    need_inexact(name, input)
    op = Cholesky()
    factor = op(input.mH).mH if upper else op(input)
    if check_errors:
        raise_first(
            name,
            op.info,
            "The factorization could not be completed because the input is not positive-definite "
            "(the leading minor of order {} is not positive-definite).",
        )
    return factor, Tensor.of(op.info)


# -- functions ------------------------------------------------------------------------------------------------------


@with_out
def cholesky(input: Any, upper: bool = False) -> Any:
    """L (*, n, n), lower triangular, with input = L Lᴴ; with ``upper`` U = Lᴴ instead.

    Args:
        input: (*, n, n), Hermitian and positive definite; only the triangle of the result is read.

    Raises:
        LinAlgError: a matrix is not positive definite.
    """
    return _factor("linalg.cholesky", input, upper, True)[0]


@with_out
def cholesky_ex(input: Any, *, upper: bool = False, check_errors: bool = False) -> Any:
    """:func:`cholesky` as ``(L, info)``, without an error for a matrix that is not positive definite.

    Returns:
        L; info (*) int32: 0, or the order of the first leading minor that is not positive definite, where L is NaN.
    """
    return return_types.linalg_cholesky_ex(*_factor("linalg.cholesky_ex", input, upper, check_errors))
