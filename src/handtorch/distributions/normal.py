"""The normal distribution."""

from __future__ import annotations

import math
from typing import Any

import handtorch
from handtorch.distributions.location_scale import LocationScale

__all__ = ["Normal"]


class Normal(LocationScale):
    """Density exp(-z² / 2) / (scale √2π), z = (x - loc) / scale.

    Args:
        loc: mean μ; number or tensor.
        scale: standard deviation σ > 0; number or tensor.
        validate_args: whether to check parameters and samples.
    """

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def stddev(self) -> Any:
        return self.scale

    @property
    def variance(self) -> Any:
        return self.scale.square()

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        with handtorch.no_grad():
            return handtorch.normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        noise = handtorch.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype)
        return self.loc + noise * self.scale

    def log_prob(self, value: Any) -> Any:
        z = self._standardized(value)
        return -0.5 * z.square() - self.scale.log() - 0.5 * math.log(2 * math.pi)

    def cdf(self, value: Any) -> Any:
        return 0.5 * (1 + (self._standardized(value) / math.sqrt(2)).erf())

    def icdf(self, value: Any) -> Any:
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)

    def entropy(self) -> Any:
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()
