"""The relaxed categorical distribution: one-hot vectors softened so that they have a gradient."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.categorical import Categorical
from handtorch.distributions.distribution import Distribution
from handtorch.distributions.transformed_distribution import TransformedDistribution
from handtorch.distributions.transforms import ExpTransform
from handtorch.distributions.utils import broadcast_all, clamp_probs
from handtorch.tensor import Size

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(Distribution):
    """y = log softmax((log p + Gumbel noise) / temperature): the logarithm of a relaxed one-hot vector.

    Args:
        temperature: > 0, tensor; towards 0 one place takes all.
        probs: (..., K) weights.
        logits: (..., K) log p up to a constant, instead.
        validate_args: whether to check parameters and samples.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector  # in truth the logarithms of the simplex; float rounding would leave it
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (self.temperature,) = broadcast_all(temperature)
        self._categorical = Categorical(probs, logits, validate_args=validate_args)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._categorical, new.temperature = self._categorical.expand(batch_shape), self.temperature
        return new

    @property
    def probs(self) -> Any:
        """p."""
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        """log p."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Size:
        """The shape of ``probs`` and ``logits``."""
        return self._categorical.param_shape

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = clamp_probs(handtorch.rand(self._extended_shape(sample_shape), dtype=self.logits.dtype))
        return ((self.logits - (-u.log()).log()) / self.temperature).log_softmax(-1)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        k = self._event_shape[0]
        logits, value = broadcast_all(self.logits, value)
        scores = (logits - value * self.temperature).log_softmax(-1).sum(-1)
        return scores + math.lgamma(k) + (k - 1) * self.temperature.log()


class RelaxedOneHotCategorical(TransformedDistribution):
    """Points of the simplex that gather in its corners as the temperature falls, and that have a gradient by p.

    Args:
        temperature: > 0, tensor.
        probs: (..., K) weights.
        logits: (..., K) log p up to a constant, instead.
        validate_args: whether to check parameters and samples.

    Source: Maddison, Mnih, Teh (2017); Jang, Gu, Poole (2017).
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Any:
        """How far from one-hot the samples are."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Any:
        """log p."""
        return self.base_dist.logits

    @property
    def probs(self) -> Any:
        """p."""
        return self.base_dist.probs
