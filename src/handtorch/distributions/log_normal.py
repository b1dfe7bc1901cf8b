"""The log-normal distribution."""

from __future__ import annotations

from typing import Any, ClassVar

from handtorch.distributions import constraints
from handtorch.distributions.normal import Normal
from handtorch.distributions.transformed_distribution import TransformedDistribution
from handtorch.distributions.transforms import ExpTransform

__all__ = ["LogNormal"]


class LogNormal(TransformedDistribution):
    """x = e^z with z from Normal(loc, scale).

    Args:
        loc: mean of log x; number or tensor.
        scale: standard deviation of log x, > 0; number or tensor.
        validate_args: whether to check parameters and samples.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args=validate_args), ExpTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Any:
        """Mean of log x."""
        return self.base_dist.loc

    @property
    def scale(self) -> Any:
        """Standard deviation of log x."""
        return self.base_dist.scale

    @property
    def mean(self) -> Any:
        return (self.loc + self.scale.square() / 2).exp()

    @property
    def mode(self) -> Any:
        return (self.loc - self.scale.square()).exp()

    @property
    def variance(self) -> Any:
        square = self.scale.square()
        return square.expm1() * (2 * self.loc + square).exp()

    def entropy(self) -> Any:
        return self.base_dist.entropy() + self.loc
