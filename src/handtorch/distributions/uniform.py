"""The uniform distribution."""

from __future__ import annotations

from typing import Any

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.distribution import Distribution
from handtorch.distributions.utils import broadcast_all

__all__ = ["Uniform"]


class Uniform(Distribution):
    """Density 1 / (high - low) over [low, high).

    Args:
        low, high: the ends, low < high; numbers or tensors.
        validate_args: whether to check parameters and samples.

    Raises:
        ArgumentError: a ``low`` that is not below its ``high``.
    """

    has_rsample = True

    @property
    def arg_constraints(self) -> Any:  # type: ignore[override]
        """The ends lie on either side of each other."""
        return {"low": constraints.less_than(self.high), "high": constraints.greater_than(self.low)}

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:  # type: ignore[override]
        """[low, high], which takes in the end, so that rounding a sample up does no harm."""
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Any:
        return (self.high + self.low) / 2

    @property
    def mode(self) -> Any:
        return handtorch.full_like(self.low, float("nan"))

    @property
    def variance(self) -> Any:
        return (self.high - self.low).square() / 12

    @property
    def stddev(self) -> Any:
        return (self.high - self.low) / 12**0.5

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = handtorch.rand(self._extended_shape(sample_shape), dtype=self.low.dtype)
        return self.low + u * (self.high - self.low)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        inside = (value >= self.low) & (value < self.high)
        return inside.to(self.low.dtype).log() - (self.high - self.low).log()

    def cdf(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def icdf(self, value: Any) -> Any:
        return self.low + value * (self.high - self.low)

    def entropy(self) -> Any:
        return (self.high - self.low).log()
