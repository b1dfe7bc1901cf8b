"""Transforms of whole vectors, matrices and arrays."""

from __future__ import annotations

import math
from typing import Any

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.transforms.transform import Transform
from handtorch.distributions.utils import limits_of, log_sigmoid
from handtorch.errors import ArgumentError
from handtorch.tensor import Size

__all__ = ["LowerCholeskyTransform", "ReshapeTransform", "SoftmaxTransform", "StickBreakingTransform"]


class SoftmaxTransform(Transform):
    """y = softmax(x) over the last axis, which is not one-to-one; its inverse gives log y."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        return x.softmax(-1)

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def forward_shape(self, shape: Any) -> Any:
        return _at_least(1, shape)

    inverse_shape = forward_shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SoftmaxTransform)

    __hash__ = Transform.__hash__


class StickBreakingTransform(Transform):
    """From K - 1 numbers to K that sum to 1: z_k = σ(x_k - log(K - k)) is broken off what is left of a stick.

    y_k = z_k Π_{j < k} (1 - z_j), the last one is the rest. log |det dy/dx| = Σ_k log y_k + log(1 - z_k).
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _call(self, x: Any) -> Any:
        limits = limits_of(x)
        z = _shifted(x).sigmoid().clamp(min=float(limits.tiny), max=1 - float(limits.eps))
        left = (1 - z).cumprod(-1)
        one = handtorch.ones_like(x[..., :1])
        return handtorch.cat([z, one], -1) * handtorch.cat([one, left], -1)

    def _inverse(self, y: Any) -> Any:
        broken = y[..., :-1]
        left = (1 - broken.cumsum(-1)).clamp(min=float(limits_of(y).tiny))
        return broken.log() - left.log() + _countdown(broken).log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return (log_sigmoid(-_shifted(x)) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        *batch, k = _at_least(1, shape)
        return Size((*batch, k + 1))

    def inverse_shape(self, shape: Any) -> Any:
        *batch, k = _at_least(1, shape)
        return Size((*batch, k - 1))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StickBreakingTransform)

    __hash__ = Transform.__hash__


def _countdown(x: Any) -> Any:
    """n, n - 1 ... 1 for the n places of the last axis."""
    return handtorch.arange(x.shape[-1], 0, -1, dtype=x.dtype)


def _shifted(x: Any) -> Any:
    """x moved so that 0 means equal parts."""
    return x - _countdown(x).log()


class LowerCholeskyTransform(Transform):
    """y = x below the diagonal, e^x on it, 0 above: a triangular factor of a positive definite matrix."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Any) -> Any:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LowerCholeskyTransform)

    __hash__ = Transform.__hash__


class ReshapeTransform(Transform):
    """y = x in another shape. log |det dy/dx| = 0.

    Args:
        in_shape: the last axes of x.
        out_shape: what they become, with as many elements.
        cache_size: see :class:`Transform`.
    """

    bijective = True

    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.in_shape, self.out_shape = Size(in_shape), Size(out_shape)
        if math.prod(in_shape) != math.prod(out_shape):
            raise ArgumentError(f"in_shape, out_shape have different numbers of elements: {in_shape}, {out_shape}")

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:  # type: ignore[override]
        return constraints.independent(constraints.real, len(self.in_shape))

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Any:  # type: ignore[override]
        return constraints.independent(constraints.real, len(self.out_shape))

    def with_cache(self, cache_size: int = 1) -> Any:
        return self if self._cache_size == cache_size else ReshapeTransform(self.in_shape, self.out_shape, cache_size)

    def _call(self, x: Any) -> Any:
        return x.reshape(self.forward_shape(x.shape))

    def _inverse(self, y: Any) -> Any:
        return y.reshape(self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return handtorch.zeros(x.shape[: x.dim() - len(self.in_shape)], dtype=x.dtype)

    def forward_shape(self, shape: Any) -> Any:
        return _exchanged(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Any) -> Any:
        return _exchanged(shape, self.out_shape, self.in_shape)


def _exchanged(shape: Any, end: Size, other: Size) -> Size:
    """A shape with another end."""
    cut = len(_at_least(len(end), shape)) - len(end)
    if tuple(shape[cut:]) != tuple(end):
        raise ArgumentError(f"Shape mismatch: expected a shape that ends in {tuple(end)}, got {tuple(shape)}")
    return Size((*shape[:cut], *other))


def _at_least(count: int, shape: Any) -> Any:
    if len(shape) < count:
        raise ArgumentError(f"Too few dimensions on input: expected {count} or more, got {len(shape)}")
    return shape
