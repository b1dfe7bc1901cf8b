"""Singular value decompositions of low rank, by random projections.

Source: Halko, Martinsson and Tropp, "Finding structure with randomness: probabilistic algorithms for constructing
approximate matrix decompositions" (2011), algorithms 4.4 and 5.1.
"""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.ops.orthogonal import qr
from handtorch.ops.singular import svd
from handtorch.random_factories import randn

__all__ = ["pca_lowrank", "svd_lowrank"]


def svd_lowrank(A: Any, q: int | None = 6, niter: int | None = 2, M: Any = None) -> Any:
    """U (*, m, q), S (*, q) and V (*, n, q) with A ≈ U diag(S) Vᴴ: the q largest singular values, nearly.

    A is projected to the space that A Ω spans, with normally distributed Ω (n, q), and decomposed there. The space
    gets better with each multiplication by A Aᴴ.

    Args:
        A: (*, m, n).
        q: the rank, better a few more than wanted.
        niter: how often to multiply by A Aᴴ.
        M: subtracted from A first, broadcast against it.
    """
    x = A if M is None else A - M
    wide = x.array.shape[-2] < x.array.shape[-1]
    x = x.mH if wide else x
    basis = qr(x @ randn(x.array.shape[-1], 6 if q is None else q, dtype=x.dtype)).Q
    for _ in range(2 if niter is None else niter):
        basis = qr(x @ qr(x.mH @ basis).Q).Q
    u, s, vh = svd(basis.mH @ x, full_matrices=False)
    u, v = basis @ u, vh.mH
    return (v, s, u) if wide else (u, s, v)


def pca_lowrank(A: Any, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """The q first principal components of A (*, m, n), m observations of n features: :func:`svd_lowrank` of A less the
    mean of each column.

    Args:
        A: (*, m, n).
        q: how many; min(6, m, n) by default.
        center: subtract the means; else they are taken for 0.
        niter: as of :func:`svd_lowrank`.

    Returns:
        U (*, m, q); S (*, q), with the variances S² / (m - 1); V (*, n, q), whose columns are the directions.

    Raises:
        ArgumentError: q is above m or n, or q or ``niter`` is negative.
    """
    most = min(A.array.shape[-2:])
    q = min(6, most) if q is None else q
    if not 0 <= q <= most:
        raise ArgumentError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={most}")
    if niter < 0:
        raise ArgumentError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
