"""Weights that stay orthogonal: free numbers that are mapped to a matrix with QᵀQ = I."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.autograd.mode import no_grad
from handtorch.errors import ArgumentError
from handtorch.factories import eye, zeros_like
from handtorch.nn.module import Module
from handtorch.nn.utils.parametrize import register_parametrization
from handtorch.ops.joining import cat
from handtorch.ops.matrix_functions import matrix_exp
from handtorch.ops.older_linalg import geqrf
from handtorch.ops.orthogonal import householder_product, qr
from handtorch.ops.solving import solve
from handtorch.random_factories import randn
from handtorch.tensor import Tensor

__all__ = ["orthogonal"]


def _skew(x: Any) -> Any:
    """X - Xᴴ of the lower triangle of x (*, n, k), filled up with zeros to (*, n, n): only that much of x is free."""
    *batch, n, k = x.shape
    lower = x.tril()
    if n != k:
        lower = cat([lower, x.new_zeros(*batch, n, n - k)], -1)
    return lower - lower.mH


def _exponential(x: Any) -> Any:
    """e^A for A skew."""
    return matrix_exp(_skew(x))[..., : x.shape[-1]]


def _cayley(x: Any) -> Any:
    """(I - A/2)⁻¹ (I + A/2) for A skew."""
    half = _skew(x) / 2
    one = eye(half.shape[-1], dtype=half.dtype)
    return solve(one - half, one + half)[..., : x.shape[-1]]


def _reflections(x: Any) -> Any:
    """H_1 ... H_k, reflections by the columns below the diagonal; the diagonal holds signs and learns nothing."""
    below = x.tril(-1)
    heights = 2 / (1 + below.square().sum(-2))
    signs = x.detach().diagonal(dim1=-2, dim2=-1).trunc()
    return householder_product(below, heights) * signs.unsqueeze(-2)


_MAPS: dict[str, Callable[[Any], Any]] = {
    "matrix_exp": _exponential,
    "cayley": _cayley,
    "householder": _reflections,
}


class _Orthogonal(Module):
    """Q = B f(X), with B a fixed orthogonal matrix and f one of the maps; a wide X is mapped as its transpose.

    Args:
        weight: (*, n, k), what it looks like.
        orthogonal_map: f.
        use_trivialization: whether there is a B, which makes Q the given weight while X is f's origin.
    """

    def __init__(self, weight: Any, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ArgumentError("The householder parametrization does not support complex tensors; use matrix_exp")
        self.shape, self.orthogonal_map, self.has_base = weight.shape, orthogonal_map, use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Any) -> Any:
        """The orthogonal matrix of these numbers."""
        wide = X.shape[-2] < X.shape[-1]
        Q = _MAPS[self.orthogonal_map](X.mT if wide else X)
        if self.has_base:
            Q = self.base @ Q
        return Q.mT if wide else Q

    @no_grad()
    def right_inverse(self, Q: Any) -> Any:
        """The numbers that are mapped to Q, or, where its columns are not orthogonal, to what QR makes of them.

        Raises:
            ArgumentError: Q has another shape than the weight.
            NotImplementedError: the map has no inverse, and there is no B that could take Q instead.
        """
        if Q.shape != self.shape:
            raise ArgumentError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        wide = Q.shape[-2] < Q.shape[-1]
        tall = Q.mT if wide else Q
        if self.has_base:
            self.base = _completed(tall)
            origin = zeros_like(Q)
            origin.diagonal(dim1=-2, dim2=-1).fill_(-1)
            return origin
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                f"It is not possible to assign to the {self.orthogonal_map} parametrization when "
                f"use_trivialization=False; use orthogonal_map='householder', or a trivialization"
            )
        A, heights = geqrf(tall)
        diagonal = A.array.diagonal(axis1=-2, axis2=-1)
        signs = np.sign(diagonal) * np.where(heights.array == 0, -1, 1)  # a height of 0 is no reflection
        A.diagonal(dim1=-2, dim2=-1).copy_(Tensor.of(signs))
        return A.mT if wide else A


def _completed(tall: Any) -> Any:
    """A matrix (*, n, k) as the first columns of an orthogonal one (*, n, n)."""
    *batch, n, k = tall.shape
    if n == k and _is_orthogonal(tall):
        return tall.clone()
    square = tall if n == k else cat([tall, randn(*batch, n, n - k, dtype=tall.dtype)], -1)
    Q, R = qr(square)
    return Q * R.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def _is_orthogonal(square: Any) -> bool:
    """Whether QᴴQ = I up to ten times the rounding of n products."""
    n = square.shape[-1]
    away = np.abs((square.mH @ square).array - np.eye(n))
    return bool(np.all(away < 10 * n * np.finfo(square.array.dtype).eps))


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Any:
    """Keep a weight (*, n, k) orthogonal: QᵀQ = I if n ≥ k, QQᵀ = I otherwise; unitary if it is complex.

    The weight becomes Q = B f(X), with B fixed and X learned. f is one of

    - ``"matrix_exp"``: e^A, with A = L - Lᵀ for the lower triangle L of X;
    - ``"cayley"``: (I - A/2)⁻¹ (I + A/2), which is cheaper;
    - ``"householder"``: a product of reflections, the cheapest for a tall X.

    Lezcano-Casado 2019, "Trivializations for gradient-based optimization on manifolds".

    Args:
        module: whose weight it is.
        name: of the weight.
        orthogonal_map: f; by default ``"matrix_exp"`` for square and complex matrices, else ``"householder"``.
        use_trivialization: whether there is a B. Without it only ``"householder"`` can be assigned to.

    Returns:
        the module.

    Raises:
        ArgumentError: no such weight, no such map, or the weight is no matrix.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ArgumentError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ArgumentError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    square = weight.shape[-2] == weight.shape[-1]
    chosen = orthogonal_map or ("matrix_exp" if square or weight.is_complex() else "householder")
    if chosen not in _MAPS:
        raise ArgumentError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made = _Orthogonal(weight, chosen, use_trivialization=use_trivialization)
    register_parametrization(module, name, made, unsafe=True)
    return module
