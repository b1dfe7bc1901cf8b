"""The Gumbel distribution."""

from __future__ import annotations

import math
from typing import Any

import handtorch
from handtorch.distributions.location_scale import LocationScale
from handtorch.distributions.utils import euler_constant, limits_of

__all__ = ["Gumbel"]


class Gumbel(LocationScale):
    """Distribution function exp(-e^-z), z = (x - loc) / scale: that of the largest of many waiting times.

    Args:
        loc: mode; number or tensor.
        scale: > 0; number or tensor.
        validate_args: whether to check parameters and samples.
    """

    @property
    def mean(self) -> Any:
        return self.loc + self.scale * euler_constant

    @property
    def stddev(self) -> Any:
        return math.pi / math.sqrt(6) * self.scale

    @property
    def variance(self) -> Any:
        return self.stddev.square()

    def rsample(self, sample_shape: Any = ()) -> Any:
        limits = limits_of(self.loc)
        low, high = float(limits.tiny), 1 - float(limits.eps)  # so that both logarithms below are finite
        u = low + handtorch.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype) * (high - low)
        return self.loc - self.scale * (-u.log()).log()

    def log_prob(self, value: Any) -> Any:
        y = -self._standardized(value)
        return y - y.exp() - self.scale.log()

    def cdf(self, value: Any) -> Any:
        return (-(-self._standardized(value)).exp()).exp()

    def icdf(self, value: Any) -> Any:
        return self.loc - self.scale * (-value.log()).log()

    def entropy(self) -> Any:
        return self.scale.log() + (1 + euler_constant)
