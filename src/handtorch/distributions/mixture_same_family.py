"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import Any

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.categorical import Categorical
from handtorch.distributions.distribution import Distribution
from handtorch.errors import ArgumentError

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """p(x) = Σ_k w_k p_k(x): a component k is drawn from the weights, then x from that component.

    Args:
        mixture_distribution: Categorical over K components, with batch shape B or ().
        component_distribution: of batch shape B + (K).
        validate_args: whether to check samples.

    Raises:
        ArgumentError: the two do not belong together.
    """

    has_rsample = False

    def __init__(
        self, mixture_distribution: Any, component_distribution: Any, validate_args: bool | None = None
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ArgumentError("The Mixture distribution needs to be an instance of distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ArgumentError("The Component distribution needs to be an instance of distributions.Distribution")
        *batch, components = component_distribution.batch_shape
        weights = mixture_distribution.batch_shape
        if any(m not in (1, c) and c != 1 for m, c in zip(reversed(weights), reversed(batch), strict=False)):
            raise ArgumentError(
                f"`mixture_distribution.batch_shape` ({tuple(weights)}) is not compatible with "
                f"`component_distribution.batch_shape` ({tuple(component_distribution.batch_shape)}) without its last"
            )
        if mixture_distribution.param_shape[-1] != components:
            raise ArgumentError(
                f"`mixture_distribution component` ({mixture_distribution.param_shape[-1]}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({components})"
            )
        self.mixture_distribution, self.component_distribution = mixture_distribution, component_distribution
        super().__init__(batch, component_distribution.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        components = self.component_distribution.batch_shape[-1]
        new.component_distribution = self.component_distribution.expand((*batch_shape, components))
        new.mixture_distribution = self.mixture_distribution.expand(batch_shape)
        return new

    @constraints.dependent_property
    def support(self) -> Any:  # type: ignore[override]
        """That of the components."""
        return constraints.MixtureSameFamilyConstraint(self.component_distribution.support)

    @property
    def _axis(self) -> int:
        """The components' axis in what has event axes."""
        return -1 - len(self._event_shape)

    def _weights(self) -> Any:
        """w with axes of length 1 for the event."""
        w = self.mixture_distribution.probs
        return w.reshape(*w.shape, *[1] * len(self._event_shape))

    @property
    def mean(self) -> Any:
        return (self._weights() * self.component_distribution.mean).sum(self._axis)

    @property
    def variance(self) -> Any:
        """The mean variance within, and the variance of the means."""
        parts = self.component_distribution
        off = parts.mean - self.mean.unsqueeze(self._axis)
        return (self._weights() * (parts.variance + off.square())).sum(self._axis)

    def cdf(self, value: Any) -> Any:
        parts = self.component_distribution.cdf(value.unsqueeze(self._axis))
        return (parts * self.mixture_distribution.probs).sum(-1)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        parts = self.component_distribution.log_prob(value.unsqueeze(self._axis))
        return (parts + self.mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    def sample(self, sample_shape: Any = ()) -> Any:
        with handtorch.no_grad():
            batch = (*sample_shape, *self._batch_shape)
            chosen = self.mixture_distribution.sample(sample_shape).expand(batch)
            parts = self.component_distribution.sample(sample_shape)
            places = chosen.reshape(*batch, 1, *[1] * len(self._event_shape)).expand(*batch, 1, *self._event_shape)
            return parts.gather(len(batch), places).squeeze(len(batch))

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
