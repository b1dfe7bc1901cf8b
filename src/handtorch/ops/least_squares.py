"""Least squares, pseudoinverses, and what singular values say: rank and condition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.autograd.mode import no_grad
from handtorch.errors import RangeError, ShapeError
from handtorch.ops.attach import with_out
from handtorch.ops.eigen import decomposed, eigvalsh
from handtorch.ops.elementwise import run
from handtorch.ops.matrices import adjoint, columns, need_inexact, need_matrices, need_square, rows
from handtorch.ops.matrix_norms import matrix_norm
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, sample
from handtorch.ops.singular import svdvals
from handtorch.ops.solving import inv_ex
from handtorch.tensor import Tensor

__all__ = ["cond", "lstsq", "matrix_rank", "pinv"]


class PseudoInverse(Op):
    """P = A⁺ = V diag(1/s, where s is above a tolerance, else 0) Uᴴ for A = U diag(s) Vᴴ (*, m, n), P (*, n, m).

    With H = Gᴴ P Pᴴ and K = Pᴴ P Gᴴ,

        dL/dA = -Pᴴ G Pᴴ + (1 - A P) H + K (1 - P A),

    where the singular values that count as 0 are 0, and stay so.

    Source: Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
    variables separate" (1973), equation 4.12.

    Args:
        atol, rtol: the tolerance is max(atol, rtol · s_max); numbers or arrays (*).
        hermitian: A is Hermitian, and only its lower triangle is read.
    """

    def __init__(self, atol: Any, rtol: Any, hermitian: bool = False) -> None:
        self.atol, self.rtol, self.hermitian = atol, rtol, hermitian

    def forward(self, a: Any) -> Any:
        if self.hermitian:
            s, v = decomposed(np.linalg.eigh, a)
            uh = adjoint(v)
        else:
            u, s, vh = decomposed(np.linalg.svd, a, False)
            v, uh = adjoint(vh), adjoint(u)
        kept = significant(np.abs(s), self.atol, self.rtol)
        y = np.matmul(v * columns(np.where(kept, 1, 0) / np.where(kept, s, 1)), uh).astype(a.dtype, copy=False)
        self.save(a, y)
        return y

    def backward(self, g: Any) -> Any:
        a, p = self.saved
        return through_pseudoinverse(a, p, g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(0, 1e-15), normal(2, 3, 3))
        yield sample(lambda: cls(0, 1e-15), normal(4, 2))
        yield sample(lambda: cls(0, 1e-15), normal(2, 4))
        yield sample(lambda: cls(0, 0.1, True), np.diag([2.0, 0.1, -1.0]), smooth=False)


def through_pseudoinverse(a: Any, p: Any, g: Any) -> Any:
    """dL/dA where g is dL/dP for the pseudoinverse P of A."""
    ph, gh = adjoint(p), adjoint(g)
    left = np.matmul(np.matmul(gh, p), ph)
    right = np.matmul(ph, np.matmul(p, gh))
    outside = left - np.matmul(a, np.matmul(p, left)) + right - np.matmul(np.matmul(right, p), a)
    return outside - np.matmul(ph, np.matmul(g, ph))


def significant(s: np.ndarray, atol: Any, rtol: Any) -> np.ndarray:
    """Which singular values (*, k) are above max(atol, rtol · the largest)."""
    if not s.shape[-1]:
        return np.zeros(s.shape, bool)
    return s > np.maximum(np.expand_dims(atol, -1), np.expand_dims(rtol, -1) * s.max(-1, keepdims=True))


class LeastSquares(Op):
    """The shortest X that makes |A X - B| least: X = A⁺ B, A (*, m, n), B (*, m, k), X (*, n, k).

    With P = A⁺, dL/dB = Pᴴ G, and dL/dA as for P (see :class:`PseudoInverse`) with the gradient G Bᴴ.

    Source: as of :class:`PseudoInverse`.

    Args:
        rcond: singular values up to rcond · the largest count as 0.

    Attributes:
        values: the singular values (*, min(m, n)) of A.
    """

    values: np.ndarray

    def __init__(self, rcond: float) -> None:
        self.rcond = rcond

    def forward(self, a: Any, b: Any) -> Any:
        u, s, vh = decomposed(np.linalg.svd, a, False)
        self.values = s
        kept = significant(s, 0, self.rcond)
        self.save(a, b)
        along = np.matmul(adjoint(u), b) * rows(np.where(kept, 1, 0) / np.where(kept, s, 1))
        return np.matmul(adjoint(vh), along).astype(a.dtype, copy=False)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        p = run(PseudoInverse(0, self.rcond), a)
        ga = through_pseudoinverse(a, p, np.matmul(g, adjoint(b))) if self.needs(0) else None
        return ga, np.matmul(adjoint(p), g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1e-15), normal(4, 2), normal(4, 3))
        yield sample(lambda: cls(1e-15), normal(2, 2, 3), normal(2, 2, 1))


# -- functions ------------------------------------------------------------------------------------------------------

_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@with_out
def lstsq(input: Any, b: Any, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """The X that makes |A X - B| least; the shortest of them if there are several.

    Args:
        input: A (*, m, n).
        b: B (*, m, k), or vectors (*, m).
        rcond: singular values up to rcond · the largest count as 0 (default: the type's eps · max(m, n)).
        driver: LAPACK's function whose results are returned, all computed by way of singular values: ``"gelsy"``
            (default) has the rank, ``"gelsd"`` and ``"gelss"`` rank and singular values, ``"gels"`` neither of them.

    Returns:
        solution X (*, n, k), or (*, n); residuals |A X - B|² (*, k), if m > n, every rank is full and the driver is not
        ``"gelsy"``, else empty; rank (*) and singular_values (*, min(m, n)), or empty.

    Raises:
        RangeError: another driver.
        ShapeError: A and B do not fit together.
    """
    name = "linalg.lstsq"
    driver = "gelsy" if driver is None else driver
    if driver not in _DRIVERS:
        raise RangeError(f"torch.linalg.lstsq: parameter `driver` should be one of {_DRIVERS}, got '{driver}'")
    need_matrices(name, input, "input")
    need_inexact(name, input, b)
    m, n = input.array.shape[-2:]
    vectors = b.array.shape == input.array.shape[:-1]
    right = b.unsqueeze(-1) if vectors else b
    if right.array.ndim != input.array.ndim or right.array.shape[-2] != m:
        raise ShapeError(f"{name}: expected input (*, m, n) and b (*, m, k) or (*, m), got {input.shape} and {b.shape}")
    op = LeastSquares(default_rtol(input) if rcond is None else rcond)
    x = op(input, right)
    rank = significant(op.values, 0, op.rcond).sum(-1)
    if driver != "gelsy" and m > n and (rank == n).all():
        over = (input @ x - right).abs()
        residuals = (over * over).sum(-2)
    else:
        residuals = x.real.reshape(-1)[:0] if x.is_complex() else x.reshape(-1)[:0]
    return return_types.linalg_lstsq(
        x.squeeze(-1) if vectors else x,
        residuals,
        Tensor.of(np.empty(0, np.int64) if driver == "gels" else np.asarray(rank)),
        Tensor.of(op.values if driver in ("gelsd", "gelss") else np.empty(0, op.values.dtype)),
    )


@with_out
def pinv(input: Any, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Any:
    """The pseudoinverse (*, n, m) of matrices (*, m, n).

    Args:
        input: (*, m, n).
        rcond: the former name of ``rtol``.
        hermitian: the matrices are Hermitian, and only their lower triangle is read.
        atol, rtol: singular values up to max(atol, rtol · the largest) count as 0; numbers or tensors (*). rtol is by
            default the type's eps · max(m, n), or 0 where atol is given.
    """
    (need_square if hermitian else need_matrices)("linalg.pinv", input)
    need_inexact("linalg.pinv", input)
    return PseudoInverse(*_tolerances(input, atol, rcond if rtol is None else rtol), hermitian)(input)


@with_out
def matrix_rank(input: Any, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Any:
    """How many singular values of matrices (*, m, n) are above a tolerance, as (*) int64.

    Args:
        input: (*, m, n).
        tol: the former name of ``atol``.
        hermitian: the matrices are Hermitian, and only their lower triangle is read.
        atol, rtol: as of :func:`pinv`.
    """
    (need_square if hermitian else need_matrices)("linalg.matrix_rank", input)
    need_inexact("linalg.matrix_rank", input)
    if tol is not None:
        atol, rtol = tol, 0
    with no_grad():
        values = eigvalsh(input).abs() if hermitian else svdvals(input)
    return Tensor.of(np.asarray(significant(values.array, *_tolerances(input, atol, rtol)).sum(-1)))


def _tolerances(input: Any, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """Both as numbers or arrays, with PyTorch's defaults."""
    absolute = 0 if atol is None else atol.array if isinstance(atol, Tensor) else atol
    if rtol is None:
        return absolute, np.where(np.asarray(absolute) > 0, 0, default_rtol(input))
    return absolute, rtol.array if isinstance(rtol, Tensor) else rtol


def default_rtol(input: Any) -> float:
    """Below which share of the largest singular value another one cannot be told from 0."""
    return float(np.finfo(input.array.dtype).eps) * max(input.array.shape[-2:])


@with_out
def cond(input: Any, p: Any = None) -> Any:
    """How much errors may grow when a system is solved: |A| |A⁻¹|, by a norm of matrices.

    Args:
        input: A (*, m, n); square but for p = ±2.
        p: None or 2 for σ_max / σ_min, -2 for its reciprocal; else 1, -1, inf, -inf, "fro", "nuc".

    Returns:
        (*), real; Inf for a singular matrix, 0 for an empty one.
    """
    need_matrices("linalg.cond", input)
    need_inexact("linalg.cond", input)
    if p is None or p in (2, -2):
        values = svdvals(input)
        if not values.array.shape[-1]:
            return values.sum(-1)
        largest, smallest = values[..., 0], values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    need_square("linalg.cond", input)
    inverse, info = inv_ex(input)
    singular = info.array != 0
    inverse = np.where(singular[..., None, None], 0, inverse)
    return np.where(singular, np.inf, matrix_norm(input, p) * matrix_norm(inverse, p))
