"""The gamma distribution."""

from __future__ import annotations

from typing import Any, ClassVar

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.distribution import Distribution
from handtorch.distributions.utils import broadcast_all, limits_of

__all__ = ["Gamma"]


class Gamma(Distribution):
    """Density rate^α x^(α-1) e^(-rate x) / Γ(α) for x >= 0, α = concentration.

    Samples have gradients by both parameters (implicit reparameterization, see :mod:`handtorch.ops.pathwise`).

    Args:
        concentration: the shape α > 0; number or tensor.
        rate: one over the scale, > 0; number or tensor.
        validate_args: whether to check parameters and samples.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.rate

    @property
    def mode(self) -> Any:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Any:
        return self.concentration / self.rate.square()

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        value = handtorch._standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=float(limits_of(value).tiny))  # log_prob stays finite; no matter for the gradient
        return value

    def log_prob(self, value: Any) -> Any:
        value = handtorch.as_tensor(value, dtype=self.rate.dtype)
        if self._validate_args:
            self._validate_sample(value)
        return (
            handtorch.xlogy(self.concentration, self.rate)
            + handtorch.xlogy(self.concentration - 1, value)
            - self.rate * value
            - self.concentration.lgamma()
        )

    def cdf(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return handtorch.igamma(self.concentration, self.rate * value)

    def entropy(self) -> Any:
        α = self.concentration
        return α - self.rate.log() + α.lgamma() + (1 - α) * α.digamma()
