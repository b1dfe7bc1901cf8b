"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any, ClassVar

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.distribution import Distribution
from handtorch.errors import ArgumentError

__all__ = ["Dirichlet"]


class Dirichlet(Distribution):
    """Density Π_i x_i^(α_i - 1) / B(α) over vectors x that sum to 1, B(α) = Π_i Γ(α_i) / Γ(Σ_i α_i).

    Samples have gradients (implicit reparameterization, see :mod:`handtorch.ops.pathwise`).

    Args:
        concentration: α > 0, shape (..., categories).
        validate_args: whether to check parameters and samples.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ArgumentError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Any:
        above = (self.concentration - 1).clamp(min=0)
        corner = _one_hot_like(self.concentration, (above / above.sum(-1, True)).argmax(-1, True))
        flat = (self.concentration < 1).all(-1, keepdim=True)  # the density is highest in the corners
        return handtorch.where(flat, corner, above / above.sum(-1, True))

    @property
    def variance(self) -> Any:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.square() * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return handtorch._sample_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        α = self.concentration
        return handtorch.xlogy(α - 1, value).sum(-1) + α.sum(-1).lgamma() - α.lgamma().sum(-1)

    def entropy(self) -> Any:
        α, total = self.concentration, self.concentration.sum(-1)
        log_normalizer = α.lgamma().sum(-1) - total.lgamma()
        return log_normalizer + (total - α.shape[-1]) * total.digamma() - ((α - 1) * α.digamma()).sum(-1)


def _one_hot_like(x: Any, places: Any) -> Any:
    """1 at the places along the last axis, else 0."""
    return handtorch.zeros_like(x).scatter(-1, places, 1.0)
