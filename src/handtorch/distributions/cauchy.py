"""The Cauchy distribution."""

from __future__ import annotations

import math
from typing import Any

import handtorch
from handtorch.distributions.location_scale import LocationScale

__all__ = ["Cauchy"]


class Cauchy(LocationScale):
    """Density 1 / (π scale (1 + z²)), z = (x - loc) / scale. It has no mean: the mean of n samples is as wide as one.

    Args:
        loc: median; number or tensor.
        scale: half the distance between the quartiles, > 0; number or tensor.
        validate_args: whether to check parameters and samples.
    """

    @property
    def mean(self) -> Any:
        return handtorch.full_like(self.loc, math.nan)

    @property
    def variance(self) -> Any:
        return handtorch.full_like(self.loc, math.inf)

    def rsample(self, sample_shape: Any = ()) -> Any:
        noise = handtorch.empty(self._extended_shape(sample_shape), dtype=self.loc.dtype).cauchy_()
        return self.loc + noise * self.scale

    def log_prob(self, value: Any) -> Any:
        return -math.log(math.pi) - self.scale.log() - self._standardized(value).square().log1p()

    def cdf(self, value: Any) -> Any:
        return self._standardized(value).atan() / math.pi + 0.5

    def icdf(self, value: Any) -> Any:
        return self.loc + self.scale * (math.pi * (value - 0.5)).tan()

    def entropy(self) -> Any:
        return math.log(4 * math.pi) + self.scale.log()
