"""Transforms of one number at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.transforms.transform import Transform
from handtorch.distributions.utils import limits_of
from handtorch.ops.activation import softplus
from handtorch.tensor import Size, Tensor

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "PowerTransform",
    "SigmoidTransform",
    "SoftplusTransform",
    "TanhTransform",
]


class _Fixed(Transform):
    """A rising function without parameters."""

    bijective = True
    sign = +1
    domain = constraints.real

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    __hash__ = Transform.__hash__


class ExpTransform(_Fixed):
    """y = e^x. log |dy/dx| = x."""

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return x.exp()

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return x


class SoftplusTransform(_Fixed):
    """y = log(1 + e^x). log |dy/dx| = -log(1 + e^-x)."""

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return softplus(x)

    def _inverse(self, y: Any) -> Any:
        return (-(-y).expm1()).log() + y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -softplus(-x)


class SigmoidTransform(_Fixed):
    """y = σ(x) = 1 / (1 + e^-x), rounded to the inside of (0, 1). log |dy/dx| = -log(1 + e^x) - log(1 + e^-x)."""

    codomain = constraints.unit_interval

    def _call(self, x: Any) -> Any:
        limits = limits_of(x)
        return x.sigmoid().clamp(min=float(limits.tiny), max=1 - float(limits.eps))

    def _inverse(self, y: Any) -> Any:
        limits = limits_of(y)
        y = y.clamp(min=float(limits.tiny), max=1 - float(limits.eps))
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -softplus(-x) - softplus(x)


class TanhTransform(_Fixed):
    """y = tanh x. log |dy/dx| = 2 (log 2 - x - log(1 + e^-2x))."""

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Any) -> Any:
        return x.tanh()

    def _inverse(self, y: Any) -> Any:
        return y.atanh()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return 2 * (math.log(2) - x - softplus(-2 * x))


class AbsTransform(Transform):
    """y = |x|, which is not one-to-one; its inverse gives the x >= 0."""

    domain = constraints.real
    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return x.abs()

    def _inverse(self, y: Any) -> Any:
        return y

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AbsTransform)

    __hash__ = Transform.__hash__


class PowerTransform(Transform):
    """y = x^exponent over x > 0. log |dy/dx| = log |exponent y / x|.

    Args:
        exponent: not 0; number or tensor.
        cache_size: see :class:`Transform`.
    """

    domain = constraints.positive
    codomain = constraints.positive
    bijective = True

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent: Any = exponent if isinstance(exponent, Tensor) else handtorch.tensor(exponent)

    @property
    def sign(self) -> Any:
        return self.exponent.sign()

    def with_cache(self, cache_size: int = 1) -> Any:
        return self if self._cache_size == cache_size else PowerTransform(self.exponent, cache_size)

    def _call(self, x: Any) -> Any:
        return x.pow(self.exponent)

    def _inverse(self, y: Any) -> Any:
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape: Any) -> Any:
        return _broadcast(shape, self.exponent)

    inverse_shape = forward_shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PowerTransform) and bool((self.exponent == other.exponent).all())

    __hash__ = Transform.__hash__


class AffineTransform(Transform):
    """y = loc + scale x. log |dy/dx| = log |scale|.

    Args:
        loc: number or tensor.
        scale: not 0; number or tensor.
        event_dim: how many of the last axes make one value together.
        cache_size: see :class:`Transform`.
    """

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    @property
    def event_dim(self) -> int:
        return self._event_dim

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:  # type: ignore[override]
        return constraints.independent(constraints.real, self._event_dim) if self._event_dim else constraints.real

    codomain = domain

    @property
    def sign(self) -> Any:
        if isinstance(self.scale, Tensor):
            return self.scale.sign()
        return 1 if self.scale > 0 else -1 if self.scale < 0 else 0

    def with_cache(self, cache_size: int = 1) -> Any:
        if self._cache_size == cache_size:
            return self
        return AffineTransform(self.loc, self.scale, self._event_dim, cache_size)

    def _call(self, x: Any) -> Any:
        return self.loc + self.scale * x

    def _inverse(self, y: Any) -> Any:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        if isinstance(self.scale, Tensor):
            log_scale = self.scale.abs().log().expand(_broadcast(x.shape, self.scale))
        else:
            log_scale = handtorch.full_like(x, math.log(abs(self.scale)))
        return log_scale.flatten(-self._event_dim).sum(-1) if self._event_dim else log_scale

    def forward_shape(self, shape: Any) -> Any:
        return _broadcast(shape, self.loc, self.scale)

    inverse_shape = forward_shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AffineTransform) and _same(self.loc, other.loc) and _same(self.scale, other.scale)

    __hash__ = Transform.__hash__


class CumulativeDistributionTransform(Transform):
    """y = F(x), the distribution function. log |dy/dx| = log p(x).

    Args:
        distribution: with a ``cdf`` and, for the way back, an ``icdf``.
        cache_size: see :class:`Transform`.
    """

    bijective = True
    sign = +1
    codomain = constraints.unit_interval

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution

    @property
    def domain(self) -> Any:  # type: ignore[override]
        return self.distribution.support

    def with_cache(self, cache_size: int = 1) -> Any:
        if self._cache_size == cache_size:
            return self
        return CumulativeDistributionTransform(self.distribution, cache_size)

    def _call(self, x: Any) -> Any:
        return self.distribution.cdf(x)

    def _inverse(self, y: Any) -> Any:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return self.distribution.log_prob(x)


def _broadcast(shape: Any, *parameters: Any) -> Size:
    return Size(np.broadcast_shapes(shape, *(getattr(p, "shape", ()) for p in parameters)))


def _same(a: Any, b: Any) -> bool:
    """Whether two parameters are equal: numbers as such, tensors element by element."""
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return bool(handtorch.as_tensor(a == b).all())
    return bool(a == b)
