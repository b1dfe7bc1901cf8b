"""Singular values and vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.autograd.mode import mode
from handtorch.errors import RangeError
from handtorch.ops.attach import with_out
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.eigen import decomposed
from handtorch.ops.matrices import (
    adjoint,
    columns,
    diagonal,
    identity_like,
    need_inexact,
    need_matrices,
    need_no_phase,
    rows,
)
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, sample
from handtorch.tensor import Tensor

__all__ = ["svd", "svdvals"]


class SVD(Op):
    """A = U diag(S) Vᴴ; A (*, m, n), U (*, m, k), S (*, k) ≥ 0 and descending, Vᴴ (*, k, n) with k = min(m, n).

    With skew(X) = X - Xᴴ, E_ij = S_j² - S_i² and the products and quotients with E, S by element,

        dL/dA = U [(skew(Uᴴ G_U) / E) S + S (skew(Vᴴ G_V) / E) + diag(G_S)] Vᴴ
                + (1 - U Uᴴ) G_U S⁻¹ Vᴴ + U S⁻¹ G_Vᴴ (1 - V Vᴴ),

    the quotients being 0 on the diagonal, where complex numbers have i Im(Uᴴ G_U)_ii / S_i besides. The gradients of U
    and V exist where all singular values differ (and are not 0 where A is not square). A complex pair (u_i, v_i) may
    be turned by any phase: a loss that depends on that phase has no gradient.

    Source: Townsend, "Differentiating the singular value decomposition" (2016); Wan and Zhang, "Automatic
    differentiation for complex valued SVD" (2019).

    Args:
        full: U (*, m, m) and Vᴴ (*, n, n): the additional vectors are any that complete the basis; they have no
            gradient.
    """

    def __init__(self, full: bool = False) -> None:
        self.full = full

    def forward(self, a: Any) -> Any:
        u, s, vh = decomposed(np.linalg.svd, a, self.full)
        self.save(u, s, vh)
        return u, s, vh

    def backward(self, g: Any) -> Any:
        (u, s, vh), (gu, gs, gvh) = self.saved, g
        k = s.shape[-1]
        m, n = u.shape[-2], vh.shape[-1]
        if self.full:
            u, gu = u[..., :k], None if gu is None else gu[..., :k]
            vh, gvh = vh[..., :k, :], None if gvh is None else gvh[..., :k, :]
        inner = self._inside(u, s, vh, gu, gs, gvh)
        ga = np.matmul(u * columns(gs) if inner is None else np.matmul(u, inner), vh)
        if gu is not None and m > k:
            outside = gu / columns(s)
            ga = ga + np.matmul(outside - np.matmul(u, np.matmul(adjoint(u), outside)), vh)
        if gvh is not None and n > k:
            outside = gvh / rows(s)
            ga = ga + np.matmul(u, outside - np.matmul(np.matmul(outside, adjoint(vh)), vh))
        return ga

    def _inside(self, u: Any, s: Any, vh: Any, gu: Any, gs: Any, gvh: Any) -> Any:
        """What stands between U and Vᴴ; None where that is diag(G_S)."""
        if gu is None and gvh is None:
            return None
        one = identity_like(s, s.shape[-1])
        gap = (columns(s) - rows(s)) * (columns(s) + rows(s)) + one
        inner, phases = 0, 0
        if gu is not None:
            turn = _skew(np.matmul(adjoint(u), gu))
            inner, phases = turn * columns(s), diagonal(turn)
        if gvh is not None:
            turn = _skew(np.matmul(vh, adjoint(gvh)))
            inner, phases = inner + rows(s) * turn, phases + diagonal(turn)
        inner = inner / gap
        if np.iscomplexobj(u):
            need_no_phase("svd_backward", phases)
            if gu is not None and gvh is not None:  # the turns of u and of v differ in sign only
                inner = inner - rows(diagonal(turn) / (2 * s)) * one
        return inner if gs is None else inner + rows(gs) * one

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: _signed(cls()), normal(3, 3))
        yield sample(lambda: _signed(cls()), normal(2, 4, 2))
        yield sample(lambda: _signed(cls()), normal(2, 4))


def _signed(op: Any) -> Any:
    """The decomposition whose signs make the sum of each row of Vᴴ positive, whatever the method chose."""

    def run(a: Any) -> Any:
        u, s, vh = op(a)
        sign = np.sign(vh.sum(-1))
        return u * columns(sign), s, vh * rows(sign)

    return run


def _skew(x: Any) -> Any:
    return x - adjoint(x)


# -- functions ------------------------------------------------------------------------------------------------------


@with_out
def svd(A: Any, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """A = U diag(S) Vᴴ with orthonormal columns in U and V, and singular values S ≥ 0, the largest first.

    Args:
        A: (*, m, n).
        full_matrices: U (*, m, m) and Vᴴ (*, n, n), else U (*, m, k) and Vᴴ (*, k, n) with k = min(m, n).
        driver: of CUDA; there is none to choose on the CPU.

    Returns:
        ``(U, S, Vh)``.

    Raises:
        LinAlgError: a matrix holds NaN or Inf, or the iteration does not converge.
    """
    _check("linalg.svd", A, driver)
    return return_types.linalg_svd(*SVD(full_matrices)(A))


@with_out
def svdvals(A: Any, *, driver: str | None = None) -> Any:
    """The singular values (*, k), the largest first, of matrices (*, m, n), k = min(m, n)."""
    _check("linalg.svdvals", A, driver)
    if mode.grad and A.needs_grad:
        return SVD()(A)[1]
    return Tensor.of(decomposed(np.linalg.svd, A.array, False, False))


def _check(name: str, A: Any, driver: str | None) -> None:
    need_matrices(name, A)
    need_inexact(name, A)
    if driver is not None:
        raise RangeError(f"{name}: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend.")


answer_functions({np.linalg.svd: lambda a, full_matrices=True: SVD(full_matrices)(a)})
