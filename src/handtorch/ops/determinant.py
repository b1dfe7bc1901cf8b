"""Determinants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.ops.attach import with_out
from handtorch.ops.elementwise import conj, run
from handtorch.ops.matrices import adjoint, columns, need_inexact, need_square
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.ops.solving import Inverse
from handtorch.tensor import Tensor

__all__ = ["det", "slogdet"]


class Det(Op):
    """y = det A, A (*, n, n). dL/dA = g conj(C) with the cofactors C of A.

    For a regular A, conj(C) = conj(det A) A⁻ᴴ. For a singular one, as far as rounding lets us tell, with
    A = U diag(s) Vᴴ, conj(C) = conj(det U det Vᴴ) U diag(p) Vᴴ, where p_i is the product of all s_j but s_i.

    Source: Giles, "An extended collection of matrix derivative results" (2008), section 2.2.4; for the cofactors,
    Higham, "What is the adjugate of a matrix?" (2020).
    """

    quiet = True

    def forward(self, a: Any) -> Any:
        y = np.linalg.det(a)
        self.save(a, y)
        return y

    def backward(self, g: Any) -> Any:
        a, y = self.saved
        inverse = run(Inverse(), a)
        if is_regular(a, inverse):
            return for_each_matrix(g * conj(y)) * adjoint(inverse)
        u, s, vh = np.linalg.svd(a, False)
        others = np.prod(np.where(np.eye(s.shape[-1], dtype=bool), 1, columns(s)), axis=-1)
        turned = conj(run(Det(), u) * run(Det(), vh))
        return for_each_matrix(g * turned) * np.matmul(u * columns(others), vh)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 3))
        yield sample(cls, normal(2, 1, 2, 2))
        yield sample(cls, normal(3, 2) @ normal(2, 3))
        yield sample(cls, np.diag([1.0, 2, 0]), smooth=False)
        yield bad(cls, normal(2, 3))


class SlogDet(Op):
    """s = det A / |det A| and l = ln |det A|, A (*, n, n). dL/dA = (g_l - i Im(conj(g_s) s)) A⁻ᴴ.

    The second term, for complex numbers only, is the turn of s. Of a singular matrix s = 0 and l = -Inf, without a
    finite gradient.

    Source: Giles, "An extended collection of matrix derivative results" (2008), section 2.2.4.
    """

    quiet = True

    def forward(self, a: Any) -> Any:
        sign, size = np.linalg.slogdet(a)
        sign = np.asarray(sign)
        self.save(a, sign)
        return sign, size

    def backward(self, g: Any) -> Any:
        (a, sign), (g_sign, g_size) = self.saved, g
        factor = 0 if g_size is None else g_size
        if g_sign is not None and np.iscomplexobj(sign):
            factor = factor - 1j * np.imag(conj(g_sign) * sign)
        if factor is None:
            return None
        return for_each_matrix(factor) * adjoint(run(Inverse(), a))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 3))
        yield sample(cls, normal(2, 1, 2, 2))
        yield sample(cls, np.diag([1.0, 2, 0]), smooth=False)


def is_regular(a: Any, inverse: Any) -> bool:
    """Whether no matrix of a batch is singular as far as rounding lets us tell, by |A|₁ |A⁻¹|₁."""
    a, inverse = (x.array if isinstance(x, Tensor) else x for x in (a, inverse))
    condition = _norm1(a) * _norm1(inverse)
    return bool((condition * np.finfo(a.dtype).eps * a.shape[-1] < 1).all())


def _norm1(a: np.ndarray) -> np.ndarray:
    return np.abs(a).sum(-2).max(-1, initial=0)


def for_each_matrix(g: Any) -> Any:
    """Numbers (*) as (*, 1, 1): a factor for each matrix."""
    return np.expand_dims(g, (-2, -1))


# -- functions ------------------------------------------------------------------------------------------------------


@with_out
def det(A: Any) -> Any:
    """The determinants (*) of square matrices (*, n, n)."""
    need_square("linalg.det", A)
    need_inexact("linalg.det", A)
    return Det()(A)


@with_out
def slogdet(A: Any) -> Any:
    """The sign (for complex numbers: the phase) of determinants, and the logarithm of their size.

    Args:
        A: (*, n, n).

    Returns:
        ``(sign, logabsdet)``, each (*): det A = sign · exp(logabsdet); 0 and -Inf for a singular matrix.
    """
    need_square("linalg.slogdet", A)
    need_inexact("linalg.slogdet", A)
    return return_types.linalg_slogdet(*SlogDet()(A))
