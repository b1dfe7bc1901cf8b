"""The relaxed Bernoulli distribution: coin flips softened so that they have a gradient."""

from __future__ import annotations

from typing import Any, ClassVar

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.odds import Odds
from handtorch.distributions.transformed_distribution import TransformedDistribution
from handtorch.distributions.transforms import SigmoidTransform
from handtorch.distributions.utils import broadcast_all, clamp_probs
from handtorch.ops.activation import softplus

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(Odds):
    """y = (log p / (1 - p) + log u / (1 - u)) / temperature, u uniform: the log-odds of a relaxed coin flip.

    Args:
        temperature: > 0, tensor; towards 0 the odds become certain.
        probs: p in [0, 1]; number or tensor.
        logits: log p / (1 - p) instead; number or tensor.
        validate_args: whether to check parameters and samples.
    """

    support = constraints.real
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (self.temperature,) = broadcast_all(temperature)
        self._choose(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        p = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(handtorch.rand(shape, dtype=p.dtype))
        return (u.log() - (-u).log1p() + p.log() - (-p).log1p()) / self.temperature

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        off = logits - value * self.temperature
        return self.temperature.log() + off - 2 * softplus(off, threshold=float("inf"))


class RelaxedBernoulli(TransformedDistribution):
    """Numbers of (0, 1) that gather at 0 and 1 as the temperature falls, and that have a gradient by p.

    Args:
        temperature: > 0, tensor.
        probs: p in [0, 1]; number or tensor.
        logits: log p / (1 - p) instead; number or tensor.
        validate_args: whether to check parameters and samples.

    Source: Maddison, Mnih, Teh (2017); Jang, Gu, Poole (2017).
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Any:
        """How far from certain the samples are."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Any:
        """log p / (1 - p)."""
        return self.base_dist.logits

    @property
    def probs(self) -> Any:
        """p."""
        return self.base_dist.probs
