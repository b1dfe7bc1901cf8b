"""Linear algebra under the names that PyTorch had before ``torch.linalg``, and as methods of Tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.errors import DtypeError, ShapeError
from handtorch.ops import determinant, least_squares, orthogonal, singular, solving
from handtorch.ops import lu as lu_file
from handtorch.ops.attach import method, with_out
from handtorch.ops.cholesky import cholesky
from handtorch.ops.low_rank import pca_lowrank, svd_lowrank
from handtorch.ops.matrices import identity_like, need_inexact, need_matrices, need_square
from handtorch.ops.triangular import solve_with
from handtorch.tensor import Tensor

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "det",
    "geqrf",
    "inverse",
    "logdet",
    "lu",
    "lu_solve",
    "lu_unpack",
    "orgqr",
    "ormqr",
    "pca_lowrank",
    "pinverse",
    "qr",
    "slogdet",
    "svd",
    "svd_lowrank",
    "triangular_solve",
]

method()(cholesky)


@method(out=True)
def cholesky_solve(input: Any, input2: Any, upper: bool = False) -> Any:
    """The X with A X = B out of the Cholesky factor of A.

    Args:
        input: B (*, n, k).
        input2: L (*, n, n) with A = L Lᴴ; or U with A = Uᴴ U, if ``upper``.
    """
    need_matrices("cholesky_solve", input, "B")
    need_square("cholesky_solve", input2)
    need_inexact("cholesky_solve", input, input2)
    n = input2.array.shape[-1]
    if input.array.shape[-2] != n:
        raise ShapeError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {n} by {n} but each b matrix is "
            f"{input.array.shape[-2]} by {input.array.shape[-1]}"
        )
    if upper:
        return solve_with(input2, solve_with(input2.mH, input, upper=False), upper=True)
    return solve_with(input2.mH, solve_with(input2, input, upper=False), upper=True)


@method(out=True)
def cholesky_inverse(input: Any, upper: bool = False) -> Any:
    """A⁻¹ (*, n, n) out of the Cholesky factor of A: L with A = L Lᴴ, or U with A = Uᴴ U if ``upper``."""
    need_square("cholesky_inverse", input)
    need_inexact("cholesky_inverse", input)
    return cholesky_solve(Tensor.of(identity_like(input, input.array.shape[-1])), input, upper)


@method(out=True)
def qr(input: Any, some: bool = True) -> Any:
    """:func:`handtorch.linalg.qr`, reduced or, if not ``some``, complete."""
    return return_types.qr(*orthogonal.qr(input, "reduced" if some else "complete"))


@method(out=True)
def geqrf(input: Any) -> Any:
    """Householder's form of a QR factorization, for :func:`orgqr` and :func:`ormqr`; it has no gradient.

    Args:
        input: (*, m, n).

    Returns:
        a (*, m, n): R on and above the diagonal, below it the vectors v_i, whose first element, on the diagonal, is 1
        and is not kept; tau (*, min(m, n)), with Q = (1 - tau₁ v₁ v₁ᴴ) ··· (1 - tau_k v_k v_kᴴ).
    """
    need_matrices("geqrf", input, "input")
    need_inexact("geqrf", input)
    return return_types.geqrf(*orthogonal.Reflections()(input))


@method(out=True)
def orgqr(input: Any, input2: Any) -> Any:
    """:func:`handtorch.linalg.householder_product` of the vectors ``input`` and the factors ``input2``."""
    return orthogonal.householder_product(input, input2)


@method(out=True)
def ormqr(input: Any, input2: Any, input3: Any, left: bool = True, transpose: bool = False) -> Any:
    """Q C, C Q if not ``left``, with Qᴴ if ``transpose``, for the square Q that :func:`geqrf` describes.

    Args:
        input: (*, m, n), the vectors.
        input2: tau (*, k).
        input3: C (*, m, p), or (*, p, m) if not ``left``.

    Raises:
        ShapeError: the shapes do not fit together.
    """
    return orthogonal.multiply(input, input2, input3, left, transpose)


@method(out=True)
def svd(input: Any, some: bool = True, compute_uv: bool = True) -> Any:
    """A = U diag(S) Vᴴ as ``(U, S, V)``; :func:`handtorch.linalg.svd` returns Vᴴ.

    Args:
        input: A (*, m, n).
        some: U (*, m, k) and V (*, n, k) with k = min(m, n), else (*, m, m) and (*, n, n).
        compute_uv: else U (*, m, m) and V (*, n, n) are zeros.
    """
    if compute_uv:
        u, s, vh = singular.svd(input, not some)
        return return_types.svd(u, s, vh.mH)
    s = singular.svdvals(input)
    *batch, m, n = input.array.shape
    u, v = (Tensor.of(np.zeros((*batch, length, length), input.array.dtype)) for length in (m, n))
    return return_types.svd(u, s, v)


@method()
def lu(input: Any, pivot: bool = True, get_infos: bool = False) -> Any:
    """:func:`handtorch.linalg.lu_factor` as a tuple, or with ``get_infos`` :func:`handtorch.linalg.lu_factor_ex`."""
    if get_infos:
        return lu_file.lu_factor_ex(input, pivot=pivot)
    return tuple(lu_file.lu_factor(input, pivot=pivot))


@method(out=True)
def lu_solve(input: Any, LU_data: Any, LU_pivots: Any) -> Any:
    """The X with A X = input out of the factors of A; see :func:`handtorch.linalg.lu_solve`."""
    return lu_file.lu_solve(LU_data, LU_pivots, input)


@with_out
def lu_unpack(LU_data: Any, LU_pivots: Any, unpack_data: bool = True, unpack_pivots: bool = True) -> Any:
    """P, L and U with A = P L U out of what :func:`handtorch.linalg.lu_factor` returns.

    Args:
        LU_data: (*, m, n).
        LU_pivots: (*, min(m, n)) int32.
        unpack_data: return L (*, m, k) and U (*, k, n), k = min(m, n), else empty ones.
        unpack_pivots: return P (*, m, m), else an empty one.

    Raises:
        DtypeError: the pivots are not int32.
    """
    need_matrices("lu_unpack", LU_data, "LU_data")
    if unpack_pivots and LU_pivots.array.dtype != np.int32:
        raise DtypeError(
            f"lu_unpack: LU_pivots is expected to be a tensor of int32, got {LU_pivots.dtype}; "
            f"it is meant for what linalg.lu_factor returns"
        )
    empty = Tensor.of(np.empty(0, LU_data.array.dtype))
    return return_types.lu_unpack(
        lu_file.permutation(LU_data, LU_pivots) if unpack_pivots else empty,
        *(lu_file.triangles(LU_data) if unpack_data else (empty, empty)),
    )


@method(out=True)
def triangular_solve(
    input: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """The X with A X = input for a triangular A (*, n, n), or with Aᵀ if ``transpose``, as ``(X, A)``."""
    need_matrices("triangular_solve", input, "b")
    need_square("triangular_solve", A)
    need_inexact("triangular_solve", input, A)
    matrix = A.mT if transpose else A
    return return_types.triangular_solve(solve_with(matrix, input, upper != transpose, unitriangular), A.clone())


@method(out=True)
def inverse(input: Any) -> Any:
    """:func:`handtorch.linalg.inv`."""
    return solving.inv(input)


@method()
def pinverse(input: Any, rcond: float = 1e-15) -> Any:
    """:func:`handtorch.linalg.pinv`."""
    return least_squares.pinv(input, rcond)


@method()
def det(input: Any) -> Any:
    """:func:`handtorch.linalg.det`."""
    return determinant.det(input)


@method(out=True)
def slogdet(input: Any) -> Any:
    """:func:`handtorch.linalg.slogdet`."""
    return return_types.slogdet(*determinant.slogdet(input))


@method()
def logdet(input: Any) -> Any:
    """ln det A of square matrices (*, n, n): -Inf if it is 0, NaN if it is negative; complex numbers have one."""
    sign, size = determinant.slogdet(input)
    if input.array.dtype.kind == "c":
        return sign.log() + size
    return np.where(sign.array < 0, np.nan, size)
