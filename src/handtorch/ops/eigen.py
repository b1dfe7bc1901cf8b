"""Eigenvalues and eigenvectors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.autograd.mode import mode
from handtorch.errors import LinAlgError, RangeError
from handtorch.ops.attach import with_out
from handtorch.ops.elementwise import conj, run
from handtorch.ops.matrices import (
    adjoint,
    columns,
    diagonal,
    identity_like,
    need_inexact,
    need_no_phase,
    need_square,
    rows,
)
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, of_symmetric, sample
from handtorch.ops.solving import Solve
from handtorch.tensor import Tensor

__all__ = ["eig", "eigh", "eigvals", "eigvalsh"]


class Eigh(Op):
    """A = V diag(λ) Vᴴ for a Hermitian A (*, n, n): real eigenvalues λ (*, n), ascending, orthonormal columns in V.

    Only one triangle of A is read. With E_ij = λ_j - λ_i, the quotient by element and 0 on the diagonal,

        dL/dA = V [diag(G_λ) + ½ (Vᴴ G_V - G_Vᴴ V) / E] Vᴴ,

    as of a function of Hermitian matrices. The gradient of V exists where all eigenvalues differ. A complex
    eigenvector may be turned by any phase: a loss that depends on it has no gradient.

    Source: Giles, "An extended collection of matrix derivative results" (2008), section 3.1.

    Args:
        triangle: ``"L"`` or ``"U"``: which one is read.
    """

    def __init__(self, triangle: str = "L") -> None:
        self.triangle = triangle

    def forward(self, a: Any) -> Any:
        values, vectors = decomposed(np.linalg.eigh, a, self.triangle)
        self.save(values, vectors)
        return values, vectors

    def backward(self, g: Any) -> Any:
        (values, v), (gl, gv) = self.saved, g
        if gv is None:
            return np.matmul(v * columns(gl), adjoint(v))
        turn = np.matmul(adjoint(v), gv)
        if np.iscomplexobj(v):
            need_no_phase("linalg_eigh_backward", diagonal(turn))
        one = identity_like(values, values.shape[-1])
        inner = (turn - adjoint(turn)) / 2 / (columns(values) - rows(values) + one)
        if gl is not None:
            inner = inner + rows(gl) * one
        return np.matmul(v, np.matmul(inner, adjoint(v)))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for triangle in "LU":
            yield sample(partial(lambda which: of_symmetric(_projected(cls(which))), triangle), normal(2, 3, 3))


class Eig(Op):
    """A V = V diag(λ) for a square A (*, n, n): complex eigenvalues λ (*, n), eigenvectors of length 1 in V.

    With E_ij = conj(λ_j - λ_i), the quotient by element and 0 on the diagonal,

        dL/dA = V⁻ᴴ [diag(G_λ) + (Vᴴ G_V - Vᴴ V diag(Re (Vᴴ G_V)_ii)) / E] Vᴴ.

    The gradient of V exists where all eigenvalues differ. An eigenvector may be turned by any phase: a loss that
    depends on it has no gradient.

    Source: Boeddeker et al., "On the computation of complex-valued gradients with application to statistically optimum
    beamforming" (2017), section 4.19.
    """

    def forward(self, a: Any) -> Any:
        values, vectors = decomposed(np.linalg.eig, a)
        kind = np.result_type(a.dtype, np.complex64)  # NumPy's are real where all of them are
        values, vectors = values.astype(kind, copy=False), vectors.astype(kind, copy=False)
        self.save(values, vectors)
        return values, vectors

    def backward(self, g: Any) -> Any:
        (values, v), (gl, gv) = self.saved, g
        vh = adjoint(v)
        one = identity_like(values, values.shape[-1])
        inner = 0 if gl is None else rows(gl) * one
        if gv is not None:
            turn = np.matmul(vh, gv)
            along = diagonal(turn)
            need_no_phase("linalg_eig_backward", along)
            across = turn - np.matmul(vh, v * columns(np.real(along)))
            gap = conj(columns(values) - rows(values)) + one
            inner = inner + across / gap * (1 - one)
        return run(Solve(), vh, np.matmul(inner, vh))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: _projected(cls()), normal(2, 3, 3), smooth=False)
        yield sample(lambda: _projected(cls()), np.array([[2.0, 1], [0, 3]]), smooth=False)


def _projected(op: Any) -> Any:
    """Eigenvalues, and of the eigenvectors v the projections v vᴴ, which do not depend on their phases."""

    def run(a: Any) -> Any:
        values, v = op(a)
        return values, v.unsqueeze(-2) * v.conj().unsqueeze(-3)

    return run


def decomposed(function: Any, a: np.ndarray, *args: Any) -> Any:
    """What a function of NumPy's makes of matrices.

    Raises:
        LinAlgError: they hold NaN or Inf, or the iteration does not converge.
    """
    try:
        return function(a, *args)
    except np.linalg.LinAlgError as error:
        why = "" if np.isfinite(a).all() else " because the input matrix contained non-finite values"
        raise LinAlgError(f"linalg.{function.__name__}: The algorithm failed to converge{why}.") from error


# -- functions ------------------------------------------------------------------------------------------------------


@with_out
def eigh(input: Any, UPLO: str = "L") -> Any:
    """A = V diag(λ) Vᴴ for Hermitian matrices, with real eigenvalues, the smallest first.

    Args:
        input: A (*, n, n), of which only one triangle is read.
        UPLO: which: ``"L"`` for the lower, ``"U"`` for the upper one.

    Returns:
        eigenvalues λ (*, n); eigenvectors: the columns of V (*, n, n), orthonormal.

    Raises:
        LinAlgError: a matrix holds NaN or Inf, or the iteration does not converge.
    """
    return return_types.linalg_eigh(*Eigh(_triangle("linalg.eigh", input, UPLO))(input))


@with_out
def eigvalsh(input: Any, UPLO: str = "L") -> Any:
    """The eigenvalues (*, n) of Hermitian matrices (*, n, n), the smallest first; see :func:`eigh`."""
    triangle = _triangle("linalg.eigvalsh", input, UPLO)
    if mode.grad and input.needs_grad:
        return Eigh(triangle)(input)[0]
    return Tensor.of(decomposed(np.linalg.eigvalsh, input.array, triangle))


@with_out
def eig(input: Any) -> Any:
    """A V = V diag(λ) for square matrices, with complex eigenvalues in no particular order.

    Args:
        input: A (*, n, n).

    Returns:
        eigenvalues λ (*, n); eigenvectors: the columns of V (*, n, n), of length 1. Both are complex.

    Raises:
        LinAlgError: a matrix holds NaN or Inf, or the iteration does not converge.
    """
    _check("linalg.eig", input)
    return return_types.linalg_eig(*Eig()(input))


@with_out
def eigvals(input: Any) -> Any:
    """The complex eigenvalues (*, n) of square matrices (*, n, n), in no particular order."""
    _check("linalg.eigvals", input)
    if mode.grad and input.needs_grad:
        return Eig()(input)[0]
    values = decomposed(np.linalg.eigvals, input.array)
    return Tensor.of(values.astype(np.result_type(input.array.dtype, np.complex64), copy=False))


def _check(name: str, input: Any) -> None:
    need_square(name, input)
    need_inexact(name, input)


def _triangle(name: str, input: Any, UPLO: str) -> str:
    _check(name, input)
    if UPLO not in ("L", "U", "l", "u"):
        raise RangeError(f"{name}: Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper()
