"""The Laplace distribution."""

from __future__ import annotations

from typing import Any

import handtorch
from handtorch.distributions.location_scale import LocationScale
from handtorch.distributions.utils import limits_of

__all__ = ["Laplace"]


class Laplace(LocationScale):
    """Density exp(-|z|) / (2 scale), z = (x - loc) / scale.

    Args:
        loc: median; number or tensor.
        scale: mean distance from the median, > 0; number or tensor.
        validate_args: whether to check parameters and samples.
    """

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return 2 * self.scale.square()

    @property
    def stddev(self) -> Any:
        return 2**0.5 * self.scale

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = handtorch.empty(self._extended_shape(sample_shape), dtype=self.loc.dtype)
        u = u.uniform_(float(limits_of(self.loc).eps) - 1, 1)
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()

    def log_prob(self, value: Any) -> Any:
        return -self._standardized(value).abs() - (2 * self.scale).log()

    def cdf(self, value: Any) -> Any:
        z = self._standardized(value)
        return 0.5 - 0.5 * z.sign() * (-z.abs()).expm1()

    def icdf(self, value: Any) -> Any:
        side = value - 0.5
        return self.loc - self.scale * side.sign() * (-2 * side.abs()).log1p()

    def entropy(self) -> Any:
        return 1 + (2 * self.scale).log()
