"""QR factorizations, and the Householder reflections of which they are made."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.errors import GradientError, RangeError, ShapeError
from handtorch.ops.attach import with_out
from handtorch.ops.matrices import (
    adjoint,
    identity_like,
    need_inexact,
    need_matrices,
    rows,
)
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, sample
from handtorch.ops.triangular import solve_with

__all__ = ["householder_product", "qr"]


class QR(Op):
    """A = Q R with orthonormal columns in Q and an upper triangular R; A (*, m, n), Q (*, m, k), R (*, k, n) with
    k = min(m, n).

    For m ≥ n, with ρ(X) = the Hermitian matrix that has the lower triangle of X, its diagonal real,

        dL/dA = (G_Q + Q ρ(R G_Rᴴ - G_Qᴴ Q)) R⁻ᴴ.

    For m < n, A = [A₁ A₂] with A₁ (*, m, m) = Q R₁ and R₂ = Qᴴ A₂: then dL/dA₂ = Q G_R₂, and dL/dA₁ is as above with
    G_Q + A₂ G_R₂ᴴ in the place of G_Q. The first k columns of A must be independent.

    With the complete Q (*, m, m) there is a gradient for m ≤ n only, without Q there is none.

    Source: Roberts and Roberts, "QR and LQ decomposition matrix backpropagation algorithms for square, wide, and deep
    matrices" (2020).

    Args:
        mode: ``"reduced"``; ``"complete"`` for Q (*, m, m) and R (*, m, n); ``"r"`` for R alone, with an empty Q.
    """

    def __init__(self, mode: Any = "reduced") -> None:
        self.mode = mode

    def forward(self, a: Any) -> Any:
        if self.mode == "r":
            return np.empty(0, a.dtype), np.linalg.qr(a, "r")
        q, r = np.linalg.qr(a, self.mode)
        self.save(a, q, r)
        return q, r

    def backward(self, g: Any) -> Any:
        if self.mode == "r":
            raise GradientError(
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
                "Please use linalg.qr(A, mode='reduced') if you are going to require its gradient."
            )
        a, q, r = self.saved
        (gq, gr), (m, n) = g, a.shape[-2:]
        if self.mode == "complete" and m > n:
            raise GradientError(
                "The QR decomposition is not differentiable when mode='complete' and nrows > ncols; use mode='reduced'"
            )
        if m >= n:
            return _of_tall(q, r, gq, gr)
        if gr is None:
            right = np.zeros_like(a)[..., m:]
        else:
            gr, gr2 = gr[..., :m], gr[..., m:]
            right = np.matmul(q, gr2)
            through_q = np.matmul(a[..., m:], adjoint(gr2))
            gq = through_q if gq is None else gq + through_q
        return np.concatenate((_of_tall(q, r[..., :m], gq, gr), right), axis=-1)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for mode in ("reduced", "complete"):
            yield sample(partial(cls, mode), normal(3, 3))
            yield sample(partial(cls, mode), normal(2, 2, 4))
        yield sample(cls, normal(2, 4, 2))
        yield sample(partial(cls, "complete"), normal(4, 2), smooth=False)
        yield sample(partial(cls, "r"), normal(4, 2), smooth=False)


def _of_tall(q: Any, r: Any, gq: Any, gr: Any) -> Any:
    """dL/dA for A = Q R with at least as many rows as columns."""
    parts = []
    if gr is not None:
        parts.append(np.matmul(r, adjoint(gr)))
    if gq is not None:
        parts.append(-np.matmul(adjoint(gq), q))
    inner = np.tril(sum(parts[1:], parts[0]))
    g = np.matmul(q, inner + adjoint(np.tril(inner, -1)) - _imaginary_diagonal(inner))
    return adjoint(solve_with(r, adjoint(g if gq is None else g + gq), upper=True))


def _imaginary_diagonal(x: Any) -> Any:
    """i Im(x) on the diagonal of a matrix that is 0 elsewhere."""
    return 1j * np.imag(x) * np.eye(x.shape[-1]) if np.iscomplexobj(x) else 0


class Reflections(Op):
    """A = Q R in Householder's form, A (*, m, n), without a derivative: Q = (1 - tau₁ v₁ v₁ᴴ) ··· (1 - tau_k v_k v_kᴴ).

    The first result (*, m, n) holds R on and above the diagonal, the v_i below it: their element on the diagonal is 1.
    The second one is tau (*, k), k = min(m, n).
    """

    def forward(self, a: Any) -> Any:
        packed, tau = np.linalg.qr(a, "raw")
        return np.swapaxes(packed, -1, -2), tau

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(2, 4, 3), smooth=False)
        yield sample(cls, normal(3, 4), smooth=False)


# -- functions ------------------------------------------------------------------------------------------------------


@with_out
def qr(A: Any, mode: str = "reduced") -> Any:
    """A = Q R with orthonormal columns in Q and an upper triangular R.

    Args:
        A: (*, m, n).
        mode: ``"reduced"`` for Q (*, m, k) and R (*, k, n) with k = min(m, n); ``"complete"`` for Q (*, m, m) and
            R (*, m, n); ``"r"`` for R (*, k, n) alone, with an empty Q.

    Returns:
        ``(Q, R)``.

    Raises:
        RangeError: another mode.
    """
    need_matrices("linalg.qr", A)
    need_inexact("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RangeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return return_types.linalg_qr(*QR(mode)(A))


@with_out
def householder_product(input: Any, tau: Any) -> Any:
    """The first n columns of a product of k reflections (1 - tau₁ v₁ v₁ᴴ) ··· (1 - tau_k v_k v_kᴴ).

    Args:
        input: (*, m, n), m ≥ n ≥ k; column i holds v_i below the diagonal; it is 1 on it and 0 above, whatever stands
            there.
        tau: (*, k).

    Returns:
        (*, m, n).

    Raises:
        ShapeError: the shapes do not fit together.
    """
    name = "linalg.householder_product"
    _check_reflections(name, input, tau)
    m, n = input.array.shape[-2:]
    if m < n:
        raise ShapeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1], got {m} and {n}")
    vectors, middle = _reflections(input, tau)
    start = identity_like(input, m)[:, :n]
    return start - vectors @ (middle @ vectors.mH[..., :n])


def multiply(input: Any, tau: Any, other: Any, left: bool, transpose: bool) -> Any:
    """Q C or C Q, with the square product Q (*, m, m) of reflections, or with Qᴴ; see :func:`householder_product`."""
    _check_reflections("ormqr", input, tau)
    need_matrices("ormqr", other, "other")
    need_inexact("ormqr", input, other)
    m, n = input.array.shape[-2:]
    if other.array.shape[-2 if left else -1] != m:
        raise ShapeError(
            f"ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2] = {m}, got {other.shape}"
        )
    if tau.array.shape[-1] != min(m, n):
        raise ShapeError(f"ormqr: tau.shape[-1] must be equal to min(input.shape[-2:]) = {min(m, n)}, got {tau.shape}")
    if other.array.shape[:-2] != input.array.shape[:-2]:
        raise ShapeError(f"ormqr: batch dimensions of other {other.shape} and input {input.shape} must be the same")
    vectors, middle = _reflections(input, tau)
    middle = middle.mH if transpose else middle
    if left:
        return other - vectors @ (middle @ (vectors.mH @ other))
    return other - ((other @ vectors) @ middle) @ vectors.mH


def _reflections(input: Any, tau: Any) -> tuple[Any, Any]:
    """V and T with (1 - tau₁ v₁ v₁ᴴ) ··· (1 - tau_k v_k v_kᴴ) = 1 - V T Vᴴ.

    T = (1 + D U)⁻¹ D with D = diag(tau) and U the strictly upper triangle of Vᴴ V, so that the whole product is made of
    products of matrices.

    Source: Joffrain et al., "Accumulating Householder transformations, revisited" (2006).
    """
    k = tau.array.shape[-1]
    vectors = input[..., :k].tril(-1) + np.eye(input.array.shape[-2], k, dtype=input.array.dtype)
    scaled = rows(tau) * (vectors.mH @ vectors).triu(1)
    return vectors, solve_with(scaled, rows(tau) * identity_like(tau, k), upper=True, unitriangular=True)


def _check_reflections(name: str, input: Any, tau: Any) -> None:
    need_matrices(name, input, "input")
    need_inexact(name, input, tau)
    n, batch = input.array.shape[-1], input.array.shape[:-2]
    if tau.array.ndim != input.array.ndim - 1 or tau.array.shape[:-1] != batch:
        raise ShapeError(
            f"{name}: Expected tau (*, k) for input (*, m, n), got {tau.array.shape} for {input.array.shape}"
        )
    if tau.array.shape[-1] > n:
        raise ShapeError(
            f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1], got {n} and {tau.array.shape[-1]}"
        )
